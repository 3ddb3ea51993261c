"""Money that is set aside, topped up, taken, owed, refunded and disputed: the books balance whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from chalicelib.domain.chargers.events import ChargingStarted, ConnectorId, Reading, ReadingsTaken, StopReason
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Charge, Hold, Origin, Reason, Session, State
from chalicelib.domain.charging.transitions import Charged, ChargesPlanned, PaymentFailed, Started, Stopped, ToppedUp
from chalicelib.domain.money.ledger import balances, driver_account, held_minor
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.chargers import Plug
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, Declined, PaymentNews, PaymentNewsKind
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.holds import hold_needed_minor
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.services.conftest import CONNECTION, NOW, TARIFF, CardMoney, Kit

HOUR_LATER = NOW + timedelta(hours=1)
TAXED = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.45"), tax_percent=Decimal(19)))
FREE = replace(TARIFF, elements=simple_elements())


class Run:
    """One app session, from hold to receipt, and what it came to."""

    def __init__(self, kit: Kit, session_id: str = "KAAAAAAAAAAAAAAAAAAA") -> None:
        self.kit = kit
        self.money: CardMoney = kit.money
        # A truck's plug: what these stories charge in an hour, a car's could not give.
        charger = kit.chargers.get("CP-1")
        assert charger is not None
        kit.chargers.put(replace(charger, plugs=(Plug(ConnectorId(1), max_power_w=1_000_000),)))
        self.session_id = kit.app_session(session_id).session_id

    @property
    def session(self) -> Session:
        return self.kit.session(self.session_id)

    def begun(self) -> Run:
        self.kit.lifecycle.place_hold(self.session_id, "hold")
        self.kit.router.route(
            CONNECTION,
            ChargingStarted(connector=ConnectorId(1), at=NOW, token=self.session_id, meter_start_wh=0, ref="tx-1"),
            lambda *_: "tx-1",
        )
        self.kit.clock.now = HOUR_LATER
        return self

    def read(self, energy_wh: int, minutes: int = 30) -> None:
        reading = Reading(at=NOW + timedelta(minutes=minutes), energy_wh=energy_wh, power_w=11_000)
        event = ReadingsTaken(ref="tx-1", connector=ConnectorId(1), readings=(reading,))
        self.kit.router.route(CONNECTION, event, lambda *_: "tx-1")

    def ended(self, energy_wh: int = 10_000) -> Run:
        started = () if self.session.started_at else (Started(ref="tx-1", at=NOW, meter_start_wh=0),)
        stopped = Stopped(ref="tx-1", at=HOUR_LATER, meter_stop_wh=energy_wh, reason=StopReason.REMOTE)
        self.kit.changes.apply(self.session_id, *started, stopped)
        self.kit.lifecycle.settle(self.session_id, "payment")
        return self

    def confirmed(self) -> Run:
        """The provider tells of what was captured, and the receipt is issued."""
        for payment_id, amount_minor in self.money.captured.items():
            self.receive("captured", amount_minor, payment_id)
        if self.session.state is State.STOPPING:
            self.kit.lifecycle.issue_receipt(self.session_id)
        return self

    def receive(
        self, kind: str, amount_minor: int, payment_id: str | None = None, part: int = 0, **detail: str
    ) -> None:
        payment_id = payment_id or f"pi_{self.session_id}"
        news = PaymentNews(
            event_id="evt",
            kind=PaymentNewsKind(kind),
            session_id=self.session_id,
            payment_id=payment_id,
            amount_minor=amount_minor,
            at=HOUR_LATER,
            detail=detail,
            part=part,
        )
        self.kit.payment_webhooks.receive(news)

    @property
    def owed_minor(self) -> int:
        return self.balances.get((driver_account("driver-1"), "EUR"), 0)

    @property
    def balances(self) -> dict[tuple[str, str], int]:
        found = balances(self.kit.ledger.of_session(self.session_id))
        assert sum(found.values()) == 0
        return found

    @property
    def owes(self) -> bool:
        driver = self.kit.drivers.get("driver-1")
        assert driver is not None
        return self.session_id in driver.owes


@pytest.fixture
def run(kit: Kit) -> Run:
    return Run(kit)


@pytest.mark.parametrize(
    ("limits", "needed"),
    [
        (None, 5000),
        (Limits(amount_minor=700), 700),
        (Limits(amount_minor=100_000), 5000),
        (Limits(energy_wh=10_000), 450),
        (Limits(energy_wh=2_000_000), 5000),
        (Limits(duration_s=600), 5000),
    ],
)
def test_a_hold_is_no_larger_than_the_drivers_limits_come_to(run: Run, limits: Limits | None, needed: int) -> None:
    assert hold_needed_minor(replace(run.session, limits=limits, plug_w=22_000)) == needed


def test_free_charging_needs_neither_hold_nor_card(kit: Kit) -> None:
    kit.tariffs.put(FREE)
    kit.drivers.put(Driver(driver_id="driver-3", email="f@example.com"))
    session, _ = kit.driver_sessions.begin("driver-3", Wanted("CP-1", ConnectorId(1)), None)
    kit.lifecycle.place_hold(session.session_id, "hold")
    assert kit.workflow.succeeded == ["hold"]
    kit.changes.apply(
        session.session_id,
        Started(ref="tx-1", at=NOW, meter_start_wh=0),
        Stopped(ref="tx-1", at=HOUR_LATER, meter_stop_wh=9000, reason=StopReason.REMOTE),
    )
    kit.lifecycle.settle(session.session_id, "payment")
    kit.lifecycle.issue_receipt(session.session_id)
    assert kit.money.held == {}
    assert kit.session(session.session_id).state is State.COMPLETED


def test_a_charge_that_outgrows_its_hold_has_it_raised(run: Run) -> None:
    run.money.can_raise = True
    run.begun().read(88_800)
    assert run.session.funds_low_at is None
    run.read(89_000)
    assert run.session.funds_low_at is not None
    run.kit.clock.advance(minutes=2)
    assert run.kit.lifecycle.sweep() == 1
    assert (run.session.held_minor, run.session.funds_low_at) == (10_000, None)
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 10_000
    assert run.kit.lifecycle.sweep() == 0
    run.read(100_000)
    assert run.session.funds_low_at is None
    run.ended(200_000).confirmed()
    assert (run.money.captured, run.owed_minor) == ({f"pi_{run.session_id}": 9000}, 0)


def test_a_card_whose_holds_cannot_be_raised_has_a_second_one(run: Run) -> None:
    run.begun().read(89_000)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert run.session.held_minor == 10_000
    run.ended(200_000)
    assert run.session.payment is None
    run.confirmed()
    first, second = f"pi_{run.session_id}", f"pi_{run.session_id}-1"
    assert run.money.captured == {first: 5000, second: 4000}
    assert run.session.payment is not None
    assert run.session.payment.amount_minor == 9000
    assert (run.owed_minor, run.session.state) == (0, State.COMPLETED)


def test_a_second_hold_that_was_not_needed_is_given_back(run: Run) -> None:
    run.begun().read(45_000, minutes=15)
    run.read(89_000)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    run.ended(90_000).confirmed()
    assert run.money.captured == {f"pi_{run.session_id}": 4050}
    assert run.money.voided == [f"pi_{run.session_id}-1"]
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_a_charge_whose_card_is_good_for_no_more_is_ended(run: Run) -> None:
    run.begun().read(89_000)
    run.money.declines = True
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)


def test_what_is_beyond_the_hold_is_charged_for(run: Run) -> None:
    run.begun().ended(200_000).confirmed()
    assert run.money.captured == {f"pi_{run.session_id}": 5000}
    assert run.money.charged == {f"pi_{run.session_id}-rest-1": 4000}
    assert (run.session.state, run.owed_minor, run.owes) == (State.COMPLETED, 0, False)


def test_a_settlement_done_again_at_any_point_takes_nothing_more(run: Run) -> None:
    run.begun().ended(200_000)
    run.kit.lifecycle.settle(run.session_id, "payment-2")
    run.confirmed().confirmed()
    assert sum(run.money.captured.values()) + sum(run.money.charged.values()) == 9000
    assert run.owed_minor == 0


def test_a_hold_that_has_expired_is_charged_for_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(*_: object) -> None:
        raise Declined("This PaymentIntent could not be captured because it has expired.")

    run.begun()
    monkeypatch.setattr(run.money, "capture", expired)
    run.ended()
    assert run.money.charged == {f"pi_{run.session_id}-rest-1": 450}
    assert run.session.payment is not None
    assert run.owed_minor == 0


def declined_at_the_end(run: Run, energy_wh: int = 10_000) -> Run:
    run.begun()
    run.money.declines = True
    return run.ended(energy_wh)


def test_what_nobody_pays_stays_owed_and_keeps_the_driver_from_charging(run: Run) -> None:
    declined_at_the_end(run)
    assert (run.session.state, run.session.reason) == (State.FAILED, Reason.PAYMENT_FAILED)
    assert (run.owed_minor, run.owes) == (450, True)
    (debt,) = run.kit.debts.of_driver("driver-1")
    assert (debt.amount_minor, debt.session_id) == (450, run.session_id)
    with pytest.raises(Refusal) as refused:
        run.kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), None)
    assert refused.value.code == "open_balance"


def test_a_debt_is_asked_for_ever_more_rarely_and_then_no_more(run: Run) -> None:
    declined_at_the_end(run)
    asked: list[timedelta] = []
    began = run.kit.clock()
    for _ in range(24 * 30):
        before = run.kit.debt_book.get(run.session_id)
        run.kit.debts.ask_again()
        after = run.kit.debt_book.get(run.session_id)
        if before and after and after.attempts > before.attempts:
            asked.append(run.kit.clock() - began)
        run.kit.clock.advance(hours=1)
    assert [it // timedelta(hours=1) for it in asked] == [1, 25, 97, 265]
    (debt,) = run.kit.debts.of_driver("driver-1")
    assert (debt.next_at, debt.error) == (None, "Your card was declined.")
    assert run.owes


def test_a_debt_that_is_paid_at_last_frees_the_driver(run: Run) -> None:
    declined_at_the_end(run)
    run.money.declines = False
    run.kit.clock.advance(hours=2)
    assert run.kit.debts.ask_again() == 1
    assert (run.owed_minor, run.owes) == (0, False)
    assert run.session.payment is not None
    assert run.session.payment.amount_minor == 450
    assert run.kit.debts.ask_again() == 0


def test_part_of_a_bill_that_could_not_be_taken_is_owed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object, **__: object) -> None:
        raise Declined("Your card has insufficient funds.")

    run.begun()
    charge = run.money.charge
    monkeypatch.setattr(run.money, "charge", no_more)
    run.ended(200_000).confirmed()
    assert (run.session.state, run.session.due_minor, run.owes) == (State.COMPLETED, 4000, True)
    monkeypatch.setattr(run.money, "charge", charge)
    assert run.kit.debts.pay("driver-1").debts == []
    assert (run.session.due_minor, run.owed_minor, run.owes) == (0, 0, False)


def test_two_who_ask_at_once_charge_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    declined_at_the_end(run)
    run.money.declines = False
    charge = run.money.charge

    def meanwhile(*args: object, **kwargs: object) -> object:
        assert run.kit.debts.ask_again() == 0
        return charge(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(run.money, "charge", meanwhile)
    run.kit.clock.advance(hours=2)
    run.kit.debts.pay("driver-1")
    assert list(run.money.charged.values()) == [450]
    assert run.owed_minor == 0


def test_a_driver_who_is_said_to_owe_what_is_settled_owes_it_no_more(run: Run) -> None:
    """A crash between the two writes that close a debt left the name: nothing to pay, and nothing could begin."""
    declined_at_the_end(run)
    run.money.declines = False
    run.kit.debts.pay("driver-1")
    run.kit.drivers.owe("driver-1", run.session_id)
    run.kit.debts.pay("driver-1")
    assert not run.owes
    assert len(run.money.charged) == 1


def test_a_debt_whose_row_was_lost_is_paid_all_the_same(run: Run) -> None:
    declined_at_the_end(run)
    run.money.declines = False
    run.kit.debts.book.remove(run.session_id)
    run.kit.debts.pay("driver-1")
    assert (run.owed_minor, run.owes) == (0, False)
    assert list(run.money.charged.values()) == [450]


def test_a_driver_whose_bank_asks_confirms_what_they_owe(run: Run) -> None:
    declined_at_the_end(run)
    run.money.declines, run.money.asks_cardholder = False, True
    paid = run.kit.debts.pay("driver-1")
    assert paid.action is not None
    assert paid.action.client_secret.endswith("_secret")
    assert run.owes
    run.receive("captured", 450, paid.action.payment_id)
    assert (run.owed_minor, run.owes) == (0, False)


def test_what_is_too_little_for_a_card_is_let_go(run: Run) -> None:
    declined_at_the_end(run, energy_wh=1000)
    run.kit.lifecycle.issue_receipt(run.session_id)
    assert (run.session.state, run.owes, run.owed_minor) == (State.COMPLETED, False, 0)
    assert run.balances["written_off/op", "EUR"] == 45


def test_a_cardholder_who_confirms_lets_the_session_go_on(run: Run) -> None:
    run.money.asks_cardholder = True
    run.kit.lifecycle.place_hold(run.session_id, "hold")
    assert run.session.action is not None
    assert run.kit.workflow.succeeded == []
    run.receive("held", 5000)
    assert run.kit.workflow.succeeded == ["hold"]
    assert run.session.held_minor == 5000


def test_a_cardholder_who_does_not_confirm_is_told_so(run: Run) -> None:
    run.money.asks_cardholder = True
    run.kit.lifecycle.place_hold(run.session_id, "hold")
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert run.session.reason is Reason.CARD_NOT_CONFIRMED
    assert run.money.voided == [f"pi_{run.session_id}"]


def test_with_a_card_at_the_charger_nobody_is_asked_to_confirm(run: Run) -> None:
    run.kit.sessions.save(run.session, replace(run.session, origin=Origin.CARD))
    run.kit.changes.apply(run.session_id, Started(ref="tx-1", at=NOW, meter_start_wh=0))
    run.money.asks_cardholder = True
    run.kit.lifecycle.place_hold(run.session_id, "hold")
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.PAYMENT_DECLINED)


@pytest.fixture
def paid(kit: Kit) -> Run:
    run = Run(kit)
    kit.sessions.save(run.session, replace(run.session, tariff=TAXED))
    return run.begun().ended().confirmed()


def test_a_refund_in_part_and_of_the_rest_leaves_nothing_sold(paid: Run) -> None:
    refund = paid.kit.refunds.refund
    assert refund("op", paid.session_id, 100, "a").refunded_minor == 100
    assert refund("op", paid.session_id, 100, "a").refunded_minor == 100
    assert refund("op", paid.session_id, None, "b").refunded_minor == 536
    assert paid.money.refunded == {(f"pi_{paid.session_id}", "a"): 100, (f"pi_{paid.session_id}", "b"): 436}
    assert set(paid.balances.values()) == {0}
    with pytest.raises(Refusal, match="0 are left"):
        refund("op", paid.session_id, 1, "c")


def test_no_more_is_refunded_than_was_paid_nor_by_another_operator(paid: Run) -> None:
    with pytest.raises(Refusal, match="536 are left"):
        paid.kit.refunds.refund("op", paid.session_id, 537, "a")
    with pytest.raises(NotFound):
        paid.kit.refunds.refund("rival", paid.session_id, 1, "a")
    assert paid.money.refunded == {}


def test_a_refund_of_a_session_paid_twice_comes_from_both(run: Run) -> None:
    run.begun().ended(200_000).confirmed()
    run.kit.refunds.refund("op", run.session_id, 8000, "a")
    assert sorted(run.money.refunded.values()) == [3000, 5000]
    assert run.session.refunded_minor == 8000


def test_a_dispute_is_recorded_and_its_session_shown_to_the_operator(paid: Run) -> None:
    paid.kit.payment_webhooks.receive(
        PaymentNews(
            event_id="e",
            kind=PaymentNewsKind.DISPUTED,
            payment_id=f"pi_{paid.session_id}",
            amount_minor=536,
            detail={"dispute_id": "dp_1", "reason": "fraudulent"},
        )
    )
    assert Flag.DISPUTED in paid.session.flags
    assert paid.balances["disputed/op", "EUR"] == 536
    assert paid.kit.sessions.of_operator("op", 5, None, flagged=True)[0][0].session_id == paid.session_id
    paid.receive("dispute_won", 536, dispute_id="dp_1")
    assert paid.balances["disputed/op", "EUR"] == 0


def test_books_that_agree_show_no_difference(paid: Run) -> None:
    paid.kit.refunds.refund("op", paid.session_id, 100, "a")
    assert paid.kit.reconciliation.run(NOW.date()) == 0


def test_books_that_differ_say_where(paid: Run) -> None:
    paid.money.captured[f"pi_{paid.session_id}"] = 500
    assert paid.kit.reconciliation.run(NOW.date()) == 1
    (found,) = paid.kit.differences.of("op", NOW.date())
    assert (found.what, found.ours_minor, found.theirs_minor) == ("taken", 536, 500)
    assert paid.kit.differences.of("rival", NOW.date()) == []


def test_a_payment_the_provider_never_heard_of_is_a_difference(paid: Run) -> None:
    paid.money.captured.clear()
    paid.money.held.clear()
    assert paid.kit.reconciliation.run(NOW.date()) == 1


def test_a_hold_that_was_forgotten_is_a_difference(run: Run) -> None:
    run.begun()
    run.money.voided.append(f"pi_{run.session_id}")
    assert run.kit.reconciliation.run(NOW.date()) == 1


def test_what_needs_the_cardholder_is_a_decline_to_whoever_cannot_ask() -> None:
    assert issubclass(CardholderNeeded, Declined)
    assert Debts.pay.__doc__


def test_what_a_settlement_that_broke_off_has_billed_is_owed(run: Run) -> None:
    run.begun()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(CardMoney, "capture", _break)
        with pytest.raises(RuntimeError):
            run.ended()
    run.money.declines = True
    run.kit.lifecycle.abort(run.session_id, "RuntimeError", "")
    assert (run.session.state, run.session.due_minor, run.owes) == (State.FAILED, 450, True)
    assert run.money.voided == [f"pi_{run.session_id}"]
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0


def test_what_a_settlement_that_broke_off_has_taken_is_not_owed(run: Run) -> None:
    run.begun()
    run.ended()
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert (run.session.state, run.session.due_minor, run.owes) == (State.FAILED, 0, False)
    assert (run.owed_minor, run.money.voided) == (0, [])


def test_what_is_billed_and_not_booked_yet_is_booked_before_it_is_owed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.begun()
    with monkeypatch.context() as broken:
        broken.setattr(run.kit.ledger, "append", _break)
        with pytest.raises(RuntimeError):
            run.ended()
    run.money.declines = True
    run.kit.lifecycle.abort(run.session_id, "RuntimeError", "")
    assert (run.session.state, run.owed_minor, run.owes) == (State.FAILED, 450, True)


def test_what_is_owed_is_asked_for_once_more_where_it_may_have_been_taken(run: Run) -> None:
    run.begun()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(CardMoney, "capture", _break)
        with pytest.raises(RuntimeError):
            run.ended()
    run.kit.lifecycle.abort(run.session_id, "RuntimeError", "")
    assert list(run.money.charged) == [f"pi_{run.session_id}-rest-1"]
    assert (run.session.due_minor, run.owes, run.owed_minor) == (0, False, 0)


def test_what_was_taken_before_a_settlement_failed_is_not_asked_for_again(run: Run) -> None:
    run.begun().ended()
    changes = run.kit.changes
    changes.apply(run.session_id, ChargesPlanned((Charge("pi_a", 300), Charge("pi_b", 150)), HOUR_LATER))
    changes.apply(run.session_id, Charged("pi_a", 300, HOUR_LATER))
    failed = changes.apply(run.session_id, PaymentFailed(HOUR_LATER))
    assert failed.payment is not None
    assert (failed.payment.amount_minor, failed.due_minor) == (300, 150)


def test_a_further_hold_is_kept_while_it_is_not_decided_what_to_take(run: Run) -> None:
    run.begun()
    changes = run.kit.changes
    changes.apply(run.session_id, ToppedUp(Hold("pi_more", 5000)))
    changes.apply(run.session_id, Stopped(ref="tx-1", at=HOUR_LATER, meter_stop_wh=10_000, reason=StopReason.REMOTE))
    run.receive("captured", 68, "pi_rest")
    run.receive("held", 5000, "pi_more", part=1)
    assert run.money.voided == []


def test_a_debt_is_not_asked_for_while_its_session_is_settled(run: Run) -> None:
    run.begun().ended()
    run.kit.debts.open(run.session, 450)
    run.kit.clock.advance(hours=2)
    assert run.kit.debts.ask_again() == 0
    assert run.money.charged == {}


def _break(*_: object) -> None:
    raise RuntimeError("an accident")
