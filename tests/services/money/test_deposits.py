"""Deposits on chain: held once they lie deep, settled once, never above what was deposited, and never stranded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.dynamo import decode
from chalicelib.adapters.tables import LedgerRow
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import Reason, Session, State
from chalicelib.domain.charging.ways import deposits_payment
from chalicelib.domain.money.ledger import Transfer, balances, deposits_account, driver_account, escrow_account
from chalicelib.records.drivers import Driver
from chalicelib.records.money import ChainUnavailable
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.chain_payments import LABEL
from chalicelib.services.money.deposits import DepositState, WantedDeposit
from chalicelib.services.money.organisations import Pays
from chalicelib.services.sessions.driver_sessions import Wanted
from cli.chain import NODE_REQUESTS
from local.chain import ChainServer, NodeFault
from tests.infrastructure.chain.chain import Chain
from tests.services.conftest import NOW, Kit
from tests.services.money.test_money import Run

EUR, KEY, UNITS = "EUR", f"{0xC0FFEE:064x}", 1000
DEEP = 2


class OnChain(Run):
    """One session of a driver without a card, who deposits for it."""

    def __init__(self, kit: Kit, chain: Chain, server: ChainServer) -> None:
        self.chain, self.server = chain, server
        self.payees_before = chain.balance(chain.payee)
        kit.settings = {
            **kit.settings,
            "KERB_CHAIN_RPC": server.url,
            "KERB_CHAIN_ID": str(chain.chain_id),
            "KERB_CHAIN_CONTRACT": chain.escrow,
            "KERB_CHAIN_PAYEE": chain.payee,
            "KERB_CHAIN_KEY": KEY,
            "KERB_CHAIN_UNITS_PER_MINOR": str(UNITS),
            "KERB_CHAIN_CONFIRMATIONS": str(DEEP),
        }
        super().__init__(kit)
        kit.drivers.put(Driver(driver_id="driver-1", email="d@example.com"))
        known = self.session
        kit.sessions.save(known, replace(known, is_on_chain=True))
        chain.give(kit.chain_sender.address)

    @property
    def driver(self) -> str:
        return self.chain.people[1]

    @property
    def wanted(self) -> WantedDeposit:
        return self.kit.driver_deposits.wanted("driver-1", self.session_id)

    def look(self) -> DepositState:
        return self.kit.driver_deposits.look("driver-1", self.session_id).state

    def asked(self) -> OnChain:
        self.kit.lifecycle.place_hold(self.session_id, "hold")
        assert self.session.action is not None
        assert self.kit.workflow.succeeded == []
        return self

    def deposit(self, units: int | None = None, **other: str | int) -> None:
        """As the driver's own wallet sends it, by what the app was told."""
        it = self.wanted
        expires_at = int(other.get("expires_at") or it.paper.expires_at.timestamp())
        operator, payee = (str(other.get(who) or f"0x{is_.hex()}") for who, is_ in self._parties(it))
        name = bytes.fromhex(it.paper.name)
        value = it.units if units is None else units
        self.chain.send(self.driver, "deposit", name, operator, payee, expires_at, value=value)

    def _parties(self, it: WantedDeposit) -> tuple[tuple[str, bytes], ...]:
        return ("operator", it.operator), ("payee", it.terms.payee)

    def deepened(self) -> None:
        self.chain.tester.mine_blocks(DEEP)

    def deposited(self, units: int | None = None) -> OnChain:
        self.asked().deposit(units)
        self.deepened()
        assert self.look() is DepositState.HELD
        return self

    def swept(self) -> None:
        self.kit.clock.advance(minutes=2)
        self.kit.lifecycle.sweep()

    def tended(self, **by: float) -> None:
        self.kit.clock.advance(**(by or {"minutes": 3}))
        self.kit.wallet_returns.tend()

    @property
    def paid_units(self) -> int:
        return self.chain.balance(self.chain.payee) - self.payees_before

    @property
    def escrow_minor(self) -> int:
        return -self.balances.get((escrow_account(self.session_id), EUR), 0)

    def check(self) -> None:
        """The ledger's escrow is what lies there open, and what was settled there paid for the session."""
        self.deepened()
        assert self.escrow_minor == self.kit.chain_payments.open_minor(self.session)
        assert sum(balances(decode(Transfer, row.body) for row in LedgerRow.scan()).values()) == 0
        settled = self.balances.get((deposits_account("op"), EUR), 0) - self.escrow_minor
        assert settled * UNITS == self.paid_units


@pytest.fixture(scope="module")
def fresh() -> Iterator[Chain]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eth._utils.headers.eth_now", lambda: 0)
        chain = Chain(int(NOW.timestamp()))
        chain.tester.mine_blocks(DEEP)
        yield chain


@pytest.fixture
def chain(fresh: Chain) -> Iterator[Chain]:
    before = fresh.tester.take_snapshot()
    yield fresh
    fresh.tester.revert_to_snapshot(before)


@pytest.fixture
def server(chain: Chain) -> Iterator[ChainServer]:
    server = ChainServer(chain.tester)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def run(kit: Kit, chain: Chain, server: ChainServer) -> OnChain:
    return OnChain(kit, chain, server)


def test_a_charge_is_paid_by_its_deposit_and_the_rest_goes_back(run: OnChain) -> None:
    run.deposited()
    assert run.kit.workflow.succeeded == ["hold"]
    assert run.session.held_minor == 5000
    assert run.escrow_minor == 5000
    run.check()
    had = run.chain.balance(run.driver)
    run.begun().ended(10_000)
    # Sent at once, and believed when it lies deep.
    assert (run.session.state, run.session.payment) == (State.STOPPING, None)
    assert run.paid_units == 450 * UNITS
    assert run.chain.balance(run.driver) - had == 4550 * UNITS
    run.swept()
    assert run.session.payment is None
    run.deepened()
    run.swept()
    assert run.session.payment is not None
    assert run.kit.workflow.succeeded[-1] == "payment"
    run.kit.lifecycle.issue_receipt(run.session_id)
    receipt = run.kit.driver_sessions.receipt("driver-1", run.session_id)
    assert (receipt.card, receipt.paid_minor) == (LABEL, 450)
    assert run.balances.get((driver_account("driver-1"), EUR), 0) == 0
    assert run.balances[deposits_account("op"), EUR] == 450
    run.check()
    assert run.look() is DepositState.CLOSED
    assert (run.money.held, run.money.voided) == ({}, [])


def test_a_session_begun_with_a_deposit_needs_no_card(run: OnChain) -> None:
    wanted = Wanted("CP-1", ConnectorId(2))
    with pytest.raises(Refusal, match="card"):
        run.kit.driver_sessions.begin("driver-1", wanted, "a")
    session, _ = run.kit.driver_sessions.begin("driver-1", wanted, "b", Pays.DEPOSIT)
    assert session.is_on_chain


def test_nobody_deposits_what_the_key_has_no_coin_to_settle(kit: Kit, chain: Chain, server: ChainServer) -> None:
    wanted, empty = Wanted("CP-1", ConnectorId(2)), f"{0xBEEF:064x}"
    run = OnChain(kit, chain, server)
    kit = Kit()
    kit.settings = {**run.kit.settings, "KERB_CHAIN_KEY": empty}
    with pytest.raises(Refusal, match="cannot be settled") as refused:
        kit.driver_sessions.begin("driver-1", wanted, "a", Pays.DEPOSIT)
    assert refused.value.code == "no_deposits"
    chain.give(kit.chain_sender.address)
    assert kit.driver_sessions.begin("driver-1", wanted, "a", Pays.DEPOSIT)[0].is_on_chain


def test_nothing_begins_by_a_deposit_while_no_node_answers(run: OnChain) -> None:
    run.server.fault = NodeFault.DOWN
    with pytest.raises(ChainUnavailable):
        run.kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), "b", Pays.DEPOSIT)


@pytest.mark.parametrize("setting", ["KERB_CHAIN_RPC", "KERB_CHAIN_KEY", "KERB_CHAIN_CONTRACT"])
def test_without_a_chain_nobody_deposits(kit: Kit, chain: Chain, server: ChainServer, setting: str) -> None:
    run = OnChain(kit, chain, server)
    kit = Kit()
    kit.settings = {**run.kit.settings, setting: "0x12" if setting == "KERB_CHAIN_CONTRACT" else ""}
    with pytest.raises(Refusal, match="nobody deposits"):
        kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), "b", Pays.DEPOSIT)
    with pytest.raises(NotFound):
        kit.driver_deposits.wanted("driver-1", run.session_id)


def test_only_the_currency_of_the_chain_is_deposited(run: OnChain) -> None:
    vars(run.kit).pop("chain_terms", None)
    vars(run.kit).pop("chain_payments", None)
    vars(run.kit).pop("driver_sessions", None)
    run.kit.settings = {**run.kit.settings, "KERB_CHAIN_CURRENCY": "CHF"}
    with pytest.raises(Refusal, match="only CHF"):
        run.kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), "b", Pays.DEPOSIT)


def test_a_deposit_is_a_hold_only_once_it_lies_deep(run: OnChain) -> None:
    run.asked().deposit()
    for _ in range(DEEP):
        assert run.look() is DepositState.AWAITED
        assert run.session.hold is None
        run.chain.tester.mine_blocks(1)
    assert run.look() is DepositState.HELD


def test_what_the_app_is_told_is_what_the_contract_takes(run: OnChain) -> None:
    it = run.asked().wanted
    transaction = {"from": run.driver, "to": run.chain.escrow, "value": it.units, "gas": 200_000}
    run.chain.tester.send_transaction({**transaction, "data": f"0x{it.data.hex()}"})
    run.deepened()
    assert run.look() is DepositState.HELD
    # Another session has another name, and it leads to nobody.
    assert run.session_id.encode() not in bytes.fromhex(it.paper.name)


@pytest.mark.parametrize(
    ("units", "other", "why"),
    [
        (5000 * UNITS - 1, {}, "less than"),
        (None, {"payee": "0x" + 40 * "7"}, "another operator or payee"),
        (None, {"expires_at": int((NOW + timedelta(days=5)).timestamp())}, "expires before"),
    ],
)
def test_a_deposit_that_is_no_hold_goes_back_as_its_session_fails(
    run: OnChain, units: int | None, other: dict[str, str | int], why: str
) -> None:
    run.asked().deposit(units, **other)
    run.deepened()
    with pytest.raises(Refusal, match=why):
        run.look()
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert (run.session.told_state, run.session.reason) == (State.FAILED, Reason.PAYMENT_DECLINED)
    assert (run.chain.balance(), run.paid_units) == (0, 0)
    run.check()


def test_a_deposit_with_another_operator_is_no_hold_and_is_left_alone(run: OnChain) -> None:
    run.asked().deposit(None, operator=run.chain.people[3])
    run.deepened()
    with pytest.raises(Refusal, match="another operator"):
        run.look()
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    run.tended()
    assert run.session.told_state is State.FAILED
    assert run.chain.balance() == 5000 * UNITS


@pytest.mark.parametrize("settled_minor", [1, 5000])
def test_what_another_operator_settles_is_none_of_our_money(run: OnChain, settled_minor: int) -> None:
    """Whoever names themselves as operator and payee settles their own deposit, and has paid nobody."""
    *_, ill = run.chain.people[:4]
    run.asked().deposit(None, operator=ill, payee=ill)
    run.deepened()
    with pytest.raises(Refusal, match="another operator"):
        run.look()
    run.chain.send(ill, "settle", bytes.fromhex(run.wanted.paper.name), settled_minor * UNITS, bytes(32))
    run.deepened()
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    run.tended()
    assert run.look() is DepositState.CLOSED
    assert run.wanted.paper.taken_minor == 0
    assert run.balances == {}
    run.check()


def test_a_deposit_larger_than_asked_is_all_held_and_the_charge_stops_kindly_there(run: OnChain) -> None:
    run.deposited(6000 * UNITS)
    assert run.session.held_minor == 6000
    run.begun().read(100_000)
    run.swept()
    assert run.session.state is State.ACTIVE
    run.read(110_000)
    run.swept()
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)
    run.check()


def test_what_is_beyond_the_deposit_is_never_taken_there(run: OnChain) -> None:
    run.deposited().begun().ended(130_000)
    assert run.paid_units == 5000 * UNITS
    run.deepened()
    run.swept()
    assert run.session.taken_minor == 5000
    assert run.owes
    run.check()


def test_nobody_comes_to_charge_and_all_of_it_goes_back(run: OnChain) -> None:
    run.deposited()
    run.kit.driver_sessions.end("driver-1", run.session_id)
    run.kit.lifecycle.abort(run.session_id, "SessionFailed", "")
    assert run.session.told_state is State.FAILED
    assert (run.chain.balance(), run.paid_units) == (0, 0)
    run.deepened()
    run.tended()
    assert run.escrow_minor == 0
    run.check()


@pytest.mark.parametrize("asks", [True, False])
def test_a_deposit_that_comes_after_the_end_goes_back_be_it_asked_after_or_not(run: OnChain, asks: bool) -> None:
    run.asked()
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    run.deposit()
    run.deepened()
    if asks:
        assert run.look() is DepositState.CLOSING
    else:
        run.tended()
    assert (run.chain.balance(), run.paid_units) == (0, 0)
    run.deepened()
    assert run.look() is DepositState.CLOSED
    run.check()


def test_a_deposit_that_has_expired_owes_and_is_its_drivers(run: OnChain) -> None:
    run.deposited().begun()
    run.chain.wait(int(run.wanted.paper.expires_at.timestamp()) + 10)
    run.deepened()
    run.ended(10_000)
    assert run.paid_units == 0
    assert run.owes
    assert run.escrow_minor == 0
    run.check()


def test_a_deposit_that_its_chain_undid_is_owed_once_it_would_have_expired(run: OnChain) -> None:
    before = run.asked().chain.tester.take_snapshot()
    run.deposited().begun()
    run.chain.tester.revert_to_snapshot(before)
    run.deepened()
    run.ended(10_000)
    # It may come back, as long as it would be open.
    with pytest.raises(ChainUnavailable):
        run.kit.lifecycle.settle(run.session_id, "payment")
    assert not run.owes
    run.chain.wait(int(run.wanted.paper.expires_at.timestamp()) + 10)
    run.deepened()
    settled_again(run)
    assert (run.session.taken_minor, run.owes, run.escrow_minor) == (0, True, 0)
    assert run.look() is DepositState.CLOSED
    run.check()


def test_a_charge_ends_before_its_deposit_does(run: OnChain) -> None:
    run.deposited().begun()
    run.kit.clock.now = run.wanted.paper.expires_at - timedelta(hours=36)
    run.kit.lifecycle.sweep()
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)


def test_a_refund_of_what_a_deposit_paid_is_declined_by_name(run: OnChain) -> None:
    run.deposited().begun().ended(10_000)
    run.deepened()
    run.swept()
    run.kit.lifecycle.issue_receipt(run.session_id)
    with pytest.raises(Refusal, match="its payee's") as refused:
        run.kit.refunds.refund("op", run.session_id, 100, "key")
    assert refused.value.code == "refund_refused"
    run.check()


def test_the_nights_comparison_asks_the_chain_and_not_the_card_provider(run: OnChain) -> None:
    run.deposited()
    assert run.kit.reconciliation.run(NOW.date()) == 0
    run.server.fault = NodeFault.DOWN
    assert run.kit.reconciliation.run(NOW.date()) == 0
    run.server.fault = None
    run.begun().ended(10_000)
    run.deepened()
    # It is settled there, and nobody has looked.
    assert run.kit.reconciliation.run(NOW.date()) == 1
    run.swept()
    assert run.kit.reconciliation.run(NOW.date()) == 0


def test_an_account_goes_once_its_deposit_is_settled(run: OnChain) -> None:
    run.deposited()
    with pytest.raises(Refusal, match="deposit"):
        run.kit.pay_out_wallets("driver-1")
    run.kit.driver_sessions.end("driver-1", run.session_id)
    run.kit.lifecycle.abort(run.session_id, "SessionFailed", "")
    run.deepened()
    run.tended()
    run.kit.pay_out_wallets("driver-1")
    assert list(run.kit.wallets.forget_driver("driver-1"))
    assert run.kit.wallets.deposits("driver-1") == []


def settled_again(run: OnChain) -> Session:
    """The step run again, as the workflow does, until it has nothing more to do."""
    for _ in range(4):
        try:
            run.kit.lifecycle.settle(run.session_id, "payment")
        except ChainUnavailable:
            run.deepened()
    return run.session


@pytest.mark.parametrize("fault", [NodeFault.DOWN, NodeFault.LOST, NodeFault.DROPPED])
def test_a_node_that_fails_as_it_is_settled_settles_it_later_and_once(run: OnChain, fault: NodeFault) -> None:
    run.deposited().begun()
    run.server.fault = fault
    with suppress(ChainUnavailable):
        run.ended(10_000)
    run.server.fault = None
    settled_again(run)
    assert (run.paid_units, run.session.taken_minor) == (450 * UNITS, 450)
    run.check()


def test_the_step_that_settles_run_again_waits_for_what_is_under_way(run: OnChain) -> None:
    run.deposited().begun().ended(10_000)
    with pytest.raises(ChainUnavailable, match="deep enough"):
        run.kit.lifecycle.settle(run.session_id, "payment")
    # Nor does giving up charge anything else.
    with pytest.raises(ChainUnavailable):
        run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    run.deepened()
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert run.session.taken_minor == 450
    assert not run.owes
    assert deposits_payment(run.session_id) in {it.payment_id for it in run.session.takings or ()}
    run.check()


def test_nobody_waits_for_a_node_to_be_told_that_a_session_has_failed(run: OnChain) -> None:
    run.deposited()
    run.server.fault = NodeFault.DOWN
    run.kit.driver_sessions.end("driver-1", run.session_id)
    run.kit.lifecycle.abort(run.session_id, "SessionFailed", "")
    assert run.session.told_state is State.FAILED
    run.server.fault = None
    run.tended()
    assert (run.chain.balance(), run.paid_units) == (0, 0)
    run.deepened()
    run.tended()
    run.check()


def test_a_charge_asks_a_node_no_more_than_its_cost_is_told_with(run: OnChain) -> None:
    run.kit.chain_node.block()
    run.server.asked.clear()
    assert run.kit.chain_payments.paid_for(run.session).is_on_chain
    run.asked().deposit()
    for _ in range(DEEP + 1):
        run.look()
        run.chain.tester.mine_blocks(1)
    run.begun().ended(10_000)
    run.swept()
    run.deepened()
    run.swept()
    run.kit.lifecycle.issue_receipt(run.session_id)
    run.tended()
    assert dict(Counter(run.server.asked)) == NODE_REQUESTS
