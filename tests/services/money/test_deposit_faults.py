"""Cut off after any write, what a deposit is due is settled once, and nothing of it is stranded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from botocore.client import BaseClient
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.charging.session import State
from chalicelib.domain.money.deposits import ChainTerms
from chalicelib.domain.money.ledger import deposits_account, driver_account, escrow_account
from chalicelib.ports.chain import Block
from chalicelib.protocol.evm.escrow_calls import WORD_BYTES, escrow_of_call
from chalicelib.protocol.evm.transactions import address
from chalicelib.records.drivers import Driver
from chalicelib.records.money import ChainUnavailable, PaymentsUnavailable
from chalicelib.services.access import Refusal
from chalicelib.services.money.deposits import DepositState
from chalicelib.services.sessions.lifecycle import SessionOver
from tests.properties import IN_A_FIXTURE
from tests.services.conftest import NOW, Kit
from tests.services.money.test_chain_sender import KEY, terms
from tests.services.money.test_money import Run
from tests.tables import Tables

DEEP, UNITS = 2, 1000
NOBODY = bytes(20)
# What changes something: reads done again change nothing.
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
Words = tuple[bytes, bytes, bytes, int, int]


class Killed(BaseException):
    """The Lambda is no more; no `except Exception` of its own sees this."""


@dataclass
class Accident:
    """Kills whoever makes the write of that number (None: nobody), once it is made."""

    at: int | None = None
    made: int = 0

    def after(self, call: Callable[[], Any]) -> Any:
        answer = call()
        self.made += 1
        if self.at is not None and self.made == self.at:
            raise Killed
        return answer


@dataclass
class Contract:
    """The escrow and its chain as a node tells them: what a key has sent is in the next block, and each block stays."""

    accident: Accident
    blocks: list[dict[bytes, Words]] = field(default_factory=lambda: [{} for _ in range(DEEP + 1)])
    sent: list[int] = field(default_factory=lambda: [0] * (DEEP + 1))
    settled: list[tuple[bytes, int]] = field(default_factory=list)

    def block(self, number: int | None = None) -> Block:
        number = len(self.blocks) - 1 if number is None else number
        return Block(number, 10**9, int(NOW.timestamp()) + number)

    def call(self, to: bytes, data: bytes, block: int) -> bytes:
        for name, words in self.blocks[block].items():
            if escrow_of_call(name) == data:
                return b"".join(it.rjust(WORD_BYTES, b"\0") for it in words[:3]) + b"".join(
                    it.to_bytes(WORD_BYTES, "big") for it in words[3:]
                )
        return bytes(5 * WORD_BYTES)

    def sent_by(self, address: bytes, block: int | None = None) -> int:
        return self.sent[-1 if block is None else block]

    def tip(self) -> int:
        return 10**9

    def gas(self, by: bytes, to: bytes, data: bytes) -> int:
        if self.blocks[-1][data[4:36]][1] == NOBODY:
            raise ChainUnavailable("execution reverted: not open")
        return 50_000

    def send(self, raw: bytes) -> bool:
        return bool(self.accident.after(lambda: self._taken(raw)))

    def deposit(self, name: bytes, units: int, expires_at: int) -> None:
        assert name not in self.blocks[-1]
        self.mine({name: (b"\3" * 20, address(KEY.point), terms().payee, units, expires_at)})
        self.deepen()

    def mine(self, changed: dict[bytes, Words] | None = None, sent: int = 0) -> None:
        self.blocks.append({**self.blocks[-1], **(changed or {})})
        self.sent.append(self.sent[-1] + sent)

    def deepen(self) -> None:
        for _ in range(DEEP):
            self.mine()

    def _taken(self, raw: bytes) -> bool:
        _, nonce, *_, data, _, _, _, _ = rlp.decode(raw[1:])
        if int.from_bytes(nonce, "big") != self.sent[-1]:
            return False
        name, units = data[4:36], int.from_bytes(data[36:68], "big")
        driver, whose, payee, held, expires_at = self.blocks[-1][name]
        assert whose != NOBODY
        assert units <= held
        self.settled.append((name, units))
        self.mine({name: (driver, NOBODY, payee, units, expires_at)}, sent=1)
        return True


@contextmanager
def injected(accident: Accident) -> Iterator[None]:
    """What DynamoDB is asked to change passes by the accident."""
    base: Any = BaseClient
    original = base._make_api_call

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        if operation not in _WRITES:
            return original(client, operation, params)
        return accident.after(lambda: original(client, operation, params))

    base._make_api_call = make_api_call
    try:
        yield
    finally:
        base._make_api_call = original


class Story(Run):
    """A deposit from hold to its end; each step is a Lambda, and one that was killed is run again."""

    def __init__(self, accident: Accident) -> None:
        kit = Kit()
        super().__init__(kit)
        self.accident, self.contract = accident, Contract(accident)
        kit.drivers.put(Driver(driver_id="driver-1", email="d@example.com"))
        known = self.session
        kit.sessions.save(known, replace(known, is_on_chain=True))
        on: ChainTerms = replace(terms(confirmations=DEEP), units_per_minor=UNITS)
        vars(kit).update(chain_terms=on, chain_node=self.contract, chain_key=KEY)

    def step(self, work: Callable[[], Any], *, is_repeated: bool = True) -> None:
        try:
            with injected(self.accident):
                work()
        except Killed:
            if is_repeated:
                work()

    @property
    def is_deposited(self) -> bool:
        return bool(self.contract.blocks[-1])

    def deposit(self) -> None:
        it = self.kit.driver_deposits.wanted("driver-1", self.session_id)
        if not self.is_deposited:
            self.contract.deposit(bytes.fromhex(it.paper.name), it.units, int(it.paper.expires_at.timestamp()))

    def held(self) -> Story:
        self.step(lambda: self.kit.lifecycle.place_hold(self.session_id, "hold"))
        self.deposit()
        # An app may never ask again.
        self.step(lambda: self.kit.driver_deposits.look("driver-1", self.session_id), is_repeated=False)
        return self

    def paid(self) -> None:
        # What is cut off before the charge, the other story has.
        at, self.accident.at = self.accident.at, None
        self.held().begun()
        self.accident.at, self.accident.made = at, 0
        self.step(self._settle)
        self.step(self._settle)
        self.quieten()
        if self.session.state is State.STOPPING:
            self.step(lambda: self.kit.lifecycle.issue_receipt(self.session_id))
        assert (self.session.state, self.session.taken_minor) == (State.COMPLETED, 450)
        self._check(450)

    def cancelled(self) -> None:
        self.held()
        self.kit.driver_sessions.end("driver-1", self.session_id)
        self.step(lambda: self.kit.lifecycle.abort(self.session_id, "SessionFailed", ""))
        self.quieten()
        assert self.session.told_state is State.FAILED
        self._check(0)

    def _settle(self) -> None:
        try:
            self.ended(10_000) if self.session.stopped_at is None else self.kit.lifecycle.settle(self.session_id, "pay")
        except ChainUnavailable:
            self.contract.deepen()

    def quieten(self) -> None:
        for _ in range(2):
            self.contract.deepen()
            self.kit.clock.advance(minutes=3)
            self.step(self.kit.lifecycle.sweep)
            self.step(self.kit.wallet_returns.tend)

    def _check(self, paid_minor: int) -> None:
        assert [units for _, units in self.contract.settled] == [paid_minor * UNITS]
        assert self.balances.get((f"escrow/{self.session_id}", "EUR"), 0) == 0
        assert self.balances.get((deposits_account("op"), "EUR"), 0) == paid_minor
        assert self.balances.get((driver_account("driver-1"), "EUR"), 0) == 0
        assert not self.owes
        assert self.kit.driver_deposits.look("driver-1", self.session_id).state is DepositState.CLOSED


@pytest.mark.parametrize("story", [Story.paid, Story.cancelled])
def test_a_deposit_is_settled_once_whatever_is_cut_off(tables: None, story: Callable[[Story], None]) -> None:
    store = Tables()
    empty, whole = store.rows(), Accident()
    story(Story(whole))
    assert whole.made > 10
    for number in range(1, whole.made + 1):
        store.restore(empty)
        story(Story(Accident(number)))


ACTS: Mapping[str, Callable[[Story], object]] = {
    "place": lambda it: it.kit.lifecycle.place_hold(it.session_id, "hold"),
    "deposit": lambda it: it.deposit(),
    "deepen": lambda it: it.contract.deepen(),
    "look": lambda it: it.kit.driver_deposits.look("driver-1", it.session_id),
    "cancel": lambda it: it.kit.driver_sessions.end("driver-1", it.session_id),
    "abort": lambda it: it.kit.lifecycle.abort(it.session_id, "States.Timeout", ""),
    "charge": lambda it: it.ended(10_000) if it.session.hold is not None else None,
    "sweep": lambda it: it.kit.lifecycle.sweep(),
    "tend": lambda it: it.kit.wallet_returns.tend(),
}


@given(acts=st.lists(st.sampled_from(sorted(ACTS)), min_size=4, max_size=12), is_held=st.booleans())
@settings(max_examples=12, suppress_health_check=IN_A_FIXTURE)
def test_in_whatever_order_the_ledgers_escrow_is_what_lies_there_open(
    tables: None, acts: list[str], is_held: bool
) -> None:
    store = Tables()
    before = store.rows()
    run = Story(Accident())
    try:
        for act in [*(["place", "deposit", "deepen", "look"] if is_held else []), *acts]:
            run.kit.clock.advance(minutes=1)
            with suppress(Refusal, PaymentsUnavailable, SessionOver):
                ACTS[act](run)
        run.quieten()
        run.quieten()
        assert -run.balances.get((escrow_account(run.session_id), "EUR"), 0) == run.kit.chain_payments.open_minor(
            run.session
        )
        assert len(run.contract.settled) <= 1
        assert sum(units for _, units in run.contract.settled) in (0, 450 * UNITS)
        if run.session.is_at_rest:
            # Nothing is stranded: what was ever deposited is settled, be it with nothing.
            assert not run.is_deposited or run.contract.settled
    finally:
        store.restore(before)
