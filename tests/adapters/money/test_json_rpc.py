"""A chain's node by JSON-RPC: what it says of its own chain is read, and whatever else it may say is nothing known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.money.json_rpc import JsonRpcNode, node_at
from chalicelib.protocol.evm.escrow_calls import address_of, escrow_of_call, escrow_told, settle_call
from chalicelib.records.money import ChainUnavailable
from local.chain import ChainServer, NodeFault
from tests.infrastructure.chain.chain import ROOT, Chain

NAME = bytes(31) + b"\1"


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain()


@pytest.fixture
def server(chain: Chain) -> Iterator[ChainServer]:
    server = ChainServer(chain.tester)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def node(chain: Chain, server: ChainServer) -> JsonRpcNode:
    return node_at(server.url, chain.chain_id)


def test_a_node_tells_of_blocks_contracts_and_what_was_sent(chain: Chain, node: JsonRpcNode) -> None:
    _, driver, operator, *_ = chain.people
    before = node.block()
    sent_before = node.sent_by(address_of(driver))
    expires_at = chain.now + 86_400
    chain.send(driver, "deposit", NAME, operator, chain.payee, expires_at, value=5000)
    after = node.block()
    assert (after.number, node.block(after.number)) == (before.number + 1, after)
    assert after.at_s >= before.at_s
    assert after.base_fee > 0
    contract = address_of(chain.escrow)
    assert not escrow_told(node.call(contract, escrow_of_call(NAME), before.number)).is_deposited
    told = escrow_told(node.call(contract, escrow_of_call(NAME), after.number))
    assert (told.is_open, told.units, told.expires_at) == (True, 5000, expires_at)
    parties = [address_of(it) for it in (driver, operator, chain.payee)]
    assert [told.driver, told.operator, told.payee] == parties
    who = address_of(driver)
    assert (node.sent_by(who), node.sent_by(who, before.number)) == (sent_before + 1, sent_before)
    assert node.tip() > 0
    assert node.balance(who) == chain.balance(driver)
    assert 21_000 < node.gas(address_of(operator), contract, settle_call(NAME, 3000, ROOT)) < 120_000


def test_what_the_contract_would_refuse_is_said_before_it_is_sent(chain: Chain, node: JsonRpcNode) -> None:
    operator = address_of(chain.people[2])
    with pytest.raises(ChainUnavailable, match="not open"):
        node.gas(operator, address_of(chain.escrow), settle_call(ROOT, 1, ROOT))


def test_a_transaction_that_a_node_does_not_take_is_no_accident(node: JsonRpcNode) -> None:
    assert not node.send(b"\2nothing")


@pytest.mark.parametrize("fault", [NodeFault.DOWN, NodeFault.GARBAGE, NodeFault.ENDLESS, NodeFault.ANOTHERS])
def test_a_node_that_is_down_or_talks_nonsense_tells_nothing(
    server: ChainServer, node: JsonRpcNode, fault: NodeFault
) -> None:
    server.fault = fault
    with pytest.raises(ChainUnavailable):
        node.block()
    with pytest.raises(ChainUnavailable):
        node.call(NAME[-20:], b"", 0)


def test_a_node_of_another_chain_is_asked_nothing_more(chain: Chain, server: ChainServer) -> None:
    node = node_at(server.url, chain.chain_id + 1)
    for _ in range(2):
        with pytest.raises(ChainUnavailable, match="another chain"):
            node.block()
    assert server.asked == ["eth_chainId"] * 2


def test_a_node_that_was_of_another_chain_for_a_moment_is_believed_again(chain: Chain, server: ChainServer) -> None:
    """Behind one address may stand many nodes, and a wrong one is replaced while the process lives on."""
    node = node_at(server.url, chain.chain_id)
    server.fault = NodeFault.ANOTHERS
    with pytest.raises(ChainUnavailable, match="another chain"):
        node.block()
    server.fault = None
    for _ in range(2):
        assert node.block().number >= 0
    # Once it has said so it is not asked again.
    assert server.asked.count("eth_chainId") == 2


@pytest.mark.parametrize("url", ["http://node.example.com", "ftp://127.0.0.1", "node.example.com"])
def test_a_node_is_not_asked_where_others_could_answer(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        node_at(url, 1)
