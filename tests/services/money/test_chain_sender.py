"""Calls sent on chain: each under one nonce, sent until it is in, and made once whatever happens between two writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from chalicelib.adapters.money.chain_keys import LocalChainKey
from chalicelib.adapters.money.json_rpc import node_at
from chalicelib.domain.money.deposits import ChainOutbox, ChainTerms
from chalicelib.ports.chain import Block
from chalicelib.protocol.evm.escrow_calls import address_of, settle_call
from chalicelib.records.money import ChainUnavailable
from chalicelib.services.money.chain_sender import ChainSender
from local.chain import ChainServer, NodeFault
from tests.adapters.conftest import race
from tests.infrastructure.chain.chain import ROOT, Chain
from tests.services.conftest import Kit

GWEI = 10**9
CONTRACT = b"\1" * 20
KEY = LocalChainKey(f"{0xC0FFEE:064x}")


@dataclass
class Node:
    """A node whose chain takes only what it is told to take."""

    number: int = 10
    base_fee: int = GWEI
    mined: int = 0
    deep: int = 0
    is_down: bool = False
    coin: int = 10**18
    sent: list[bytes] = field(default_factory=list)

    def block(self, number: int | None = None) -> Block:
        return Block(self.number if number is None else number, self.base_fee, 0)

    def call(self, to: bytes, data: bytes, block: int) -> bytes:
        raise NotImplementedError

    def sent_by(self, address: bytes, block: int | None = None) -> int:
        return self.mined if block is None else self.deep

    def balance(self, address: bytes) -> int:
        return self.coin

    def tip(self) -> int:
        return GWEI

    def gas(self, by: bytes, to: bytes, data: bytes) -> int:
        return 50_000

    def send(self, raw: bytes) -> bool:
        if self.is_down:
            raise ChainUnavailable("down")
        if not self.coin:
            return False
        self.sent.append(raw)
        return True


def terms(chain_id: int = 1, contract: bytes = CONTRACT, confirmations: int = 3) -> ChainTerms:
    return ChainTerms(
        chain_id=chain_id,
        contract=contract,
        payee=b"\2" * 20,
        currency="EUR",
        units_per_minor=1,
        confirmations=confirmations,
        most_fee=10 * GWEI,
    )


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def sender(kit: Kit, node: Node) -> ChainSender:
    return ChainSender(outboxes=kit.wallets, node=node, key=KEY, terms=terms(), clock=kit.clock)


def outbox(sender: ChainSender) -> ChainOutbox:
    found = sender.outboxes.chain_outbox(sender.terms.chain_id, sender.address.hex())
    assert found is not None
    return found


def test_what_is_sent_is_written_down_first_and_sent_again_by_whoever_comes(sender: ChainSender, node: Node) -> None:
    node.is_down = True
    sender.send("one", CONTRACT, b"data")
    (call,) = outbox(sender).pending
    assert (call.nonce, call.about, node.sent) == (0, "one", [])
    node.is_down = False
    for _ in range(2):
        sender.look()
    assert node.sent == [bytes.fromhex(call.raw)] * 2
    # The same thing once more is the same call.
    sender.send("one", CONTRACT, b"data")
    assert outbox(sender).pending == (call,)


def test_a_key_without_coin_is_told_as_an_error_and_sends_once_it_has_some(
    sender: ChainSender, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.coin = 0
    sender.send("one", CONTRACT, b"data")
    (told,) = [it for it in caplog.records if it.levelname == "ERROR"]
    call = outbox(sender).pending[0]
    assert vars(told)["lacking_units"] == call.gas * call.most_fee
    assert sender.lacking_units() == sender.terms.settlement_units
    node.coin = 10**18
    assert sender.lacking_units() == 0
    sender.look()
    assert node.sent == [bytes.fromhex(call.raw)]


def test_each_call_has_a_nonce_of_its_own_and_they_go_on_where_the_chain_is(sender: ChainSender, node: Node) -> None:
    node.mined = node.deep = 7
    for name in ("one", "two"):
        sender.send(name, CONTRACT, b"data")
    assert [it.nonce for it in outbox(sender).pending] == [7, 8]
    node.mined, node.deep = 9, 8
    sender.look()
    assert [it.nonce for it in outbox(sender).pending] == [8]
    node.deep = 9
    sender.look()
    after = outbox(sender)
    assert (after.pending, after.next_at, after.next_nonce) == ((), None, 9)


def test_what_is_in_but_not_deep_is_neither_forgotten_nor_sent_again(sender: ChainSender, node: Node) -> None:
    sender.send("one", CONTRACT, b"data")
    node.mined = 1
    sender.look()
    assert (len(node.sent), len(outbox(sender).pending)) == (1, 1)
    # The chain undoes it.
    node.mined = 0
    sender.look()
    assert len(node.sent) == 2


@pytest.mark.parametrize("is_waiting", [True, False])
def test_a_number_that_the_chain_does_not_get_to_keeps_nothing_waiting_for_ever(
    sender: ChainSender, node: Node, is_waiting: bool
) -> None:
    """A node lied of how much the key has sent, or the chain undid what lay deep: what is before it never comes."""
    node.mined = node.deep = 7
    sender.send("one", CONTRACT, b"data")
    if not is_waiting:
        node.mined = node.deep = 8
        sender.look()
    node.mined = node.deep = 5
    sender.look()
    sender.send("one", CONTRACT, b"data")
    sender.look()
    sender.send("one", CONTRACT, b"data")
    assert [(it.about, it.nonce) for it in outbox(sender).pending] == [("one", 5)]


def test_what_waits_for_long_takes_its_own_place_with_a_tenth_more_under_a_cap(
    kit: Kit, sender: ChainSender, node: Node
) -> None:
    sender.send("one", CONTRACT, b"data")
    (first,) = outbox(sender).pending
    kit.clock.advance(seconds=89)
    sender.look()
    assert outbox(sender).pending == (first,)
    fees = [(first.tip, first.most_fee)]
    for _ in range(20):
        kit.clock.advance(seconds=90)
        sender.look()
        (call,) = outbox(sender).pending
        assert (call.nonce, call.data) == (first.nonce, first.data)
        fees.append((call.tip, call.most_fee))
    for before, after in pairwise(fees):
        assert after == before or all(10 * new >= 11 * old for old, new in zip(before, after, strict=True))
    assert fees[-1] == fees[-2]
    assert 9 * GWEI < fees[-1][1] <= sender.terms.most_fee


def test_a_call_that_waits_follows_what_the_chain_costs_by_then(kit: Kit, sender: ChainSender, node: Node) -> None:
    sender.send("one", CONTRACT, b"data")
    kit.clock.advance(seconds=90)
    node.base_fee = 4 * GWEI
    sender.look()
    (call,) = outbox(sender).pending
    assert call.most_fee == 9 * GWEI


def test_no_more_wait_than_a_node_keeps(sender: ChainSender) -> None:
    sender.send("one", CONTRACT, b"data")
    known = outbox(sender)
    (call,) = known.pending
    many = tuple(replace(call, nonce=number, about=f"call-{number}") for number in range(48))
    assert sender.outboxes.note(known, replace(known, pending=many))
    with pytest.raises(ChainUnavailable, match="48"):
        sender.send("one more", CONTRACT, b"data")


def test_of_two_who_send_at_once_no_two_have_one_nonce(kit: Kit, node: Node) -> None:
    def send(number: int) -> None:
        own = ChainSender(outboxes=kit.wallets, node=node, key=KEY, terms=terms(), clock=kit.clock)
        own.send(f"call-{number % 2}", CONTRACT, b"data")

    race(4, send)
    sender = ChainSender(outboxes=kit.wallets, node=node, key=KEY, terms=terms(), clock=kit.clock)
    found = outbox(sender)
    # And no call is made twice.
    assert sorted((it.about, it.nonce) for it in found.pending) in (
        [("call-0", 0), ("call-1", 1)],
        [("call-0", 1), ("call-1", 0)],
    )


def test_a_clock_that_stands_still_changes_nothing(sender: ChainSender) -> None:
    sender.send("one", CONTRACT, b"data")
    before = outbox(sender)
    sender.look()
    assert replace(outbox(sender), version=before.version) == before
    assert before.next_at == sender.clock() + timedelta(minutes=2)


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def server(chain: Chain) -> Iterator[ChainServer]:
    server = ChainServer(chain.tester)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("fault", [None, NodeFault.LOST, NodeFault.DROPPED])
def test_a_settlement_is_in_the_chain_once_whatever_the_node_said(
    kit: Kit, chain: Chain, server: ChainServer, fault: NodeFault | None
) -> None:
    _, driver, *_ = chain.people
    on = terms(chain.chain_id, address_of(chain.escrow), confirmations=2)
    node = node_at(server.url, chain.chain_id)
    sender = ChainSender(outboxes=kit.wallets, node=node, key=KEY, terms=on, clock=kit.clock)
    chain.give(sender.address)
    chain.send(driver, "deposit", ROOT, "0x" + sender.address.hex(), chain.payee, chain.now + 86_400, value=5000)
    paid_before = chain.balance(chain.payee)
    node.block()
    server.fault = fault
    sender.send("settle", on.contract, settle_call(ROOT, 3000, ROOT))
    server.fault = None
    for _ in range(3):
        sender.look()
    assert chain.balance(chain.payee) - paid_before == 3000
    assert len(outbox(sender).pending) == 1
    chain.tester.mine_blocks(2)
    sender.look()
    assert outbox(sender).pending == ()
    assert node.sent_by(sender.address) == 1
    # Once more it would be refused, and so it is not sent.
    with pytest.raises(ChainUnavailable, match="not open"):
        sender.send("settle", on.contract, settle_call(ROOT, 3000, ROOT))
    assert node.sent_by(sender.address) == 1
