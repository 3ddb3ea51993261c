"""Bills end: what is too little is let go, what is owed can be paid, and an operator lowers what a session costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import Correction, Reason, Session, State
from chalicelib.domain.money.ledger import TransferKind, driver_account, held_minor
from chalicelib.domain.money.minimums import MOST_LET_GO, chargeable_minor, least_charge_minor
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.handlers.money.paper.sheet import sheet
from chalicelib.records.drivers import TokenRefusal
from chalicelib.records.money import Debt, Declined, PaymentsUnavailable, TooLittle
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.money.debts import owed_minor
from chalicelib.services.sessions.driver_sessions import Wanted
from tests.properties import IN_A_FIXTURE
from tests.services.conftest import CARD, NOW, TARIFF, Kit
from tests.services.money.test_money import TAXED, Run

ONE = ConnectorId(1)
numbers = count()


def in_currency(kit: Kit, currency: str, hold_minor: int = 5000, price: Decimal = Decimal(2)) -> Run:
    run = Run(kit)
    tariff = replace(
        TARIFF, currency=currency, hold_minor=hold_minor, elements=simple_elements(per_kwh=price, tax_percent=None)
    )
    kit.sessions.save(run.session, replace(run.session, tariff=tariff))
    return run


def account(run: Run) -> int:
    """What the books say that the driver owes, in the session's currency."""
    return run.balances.get((driver_account("driver-1"), run.session.tariff.currency), 0)


def agree(run: Run) -> int:
    """What is due, by session, balance, receipt and books, which say the same."""
    session = run.session
    owed = sum(it.amount_minor for it in run.kit.debts.of_driver("driver-1"))
    assert session.due_minor == owed_minor(session, run.kit.clock()) == owed == account(run)
    assert run.owes == (owed > 0)
    if session.payment is not None and session.is_over:
        receipt = run.kit.driver_sessions.receipt("driver-1", run.session_id)
        assert receipt.due_minor == owed
        assert receipt.paid_minor == session.payment.amount_minor
    return owed


def correction(total_minor: int, key: str = "k", note: str = "it stopped early") -> Correction:
    return Correction(key=key, total_minor=total_minor, by="clerk-1", at=NOW, note=note)


def correct(run: Run, total_minor: int, key: str = "k") -> None:
    run.kit.corrections.correct("op", run.session_id, correction(total_minor, key))


@pytest.fixture
def run(kit: Kit) -> Run:
    return Run(kit)


# What is too little.


def test_who_charges_for_too_little_again_and_again_begins_no_more_until_a_month_is_past(kit: Kit) -> None:
    for number in range(MOST_LET_GO):
        run = Run(kit, f"KAAAAAAAAAAAAAAA{number:04}").begun().ended(500).confirmed()
        assert (run.session.written_off_minor, run.session.due_minor) == (23, 0)
        kit.connectors.free("CP-1", ONE, run.session_id)
        if number < MOST_LET_GO - 1:
            assert kit.eligibility.payer("driver-1").driver_id == "driver-1"
    # One that was let go is told of again, and counts once.
    kit.debts.leave(run.session)
    with pytest.raises(Refusal) as refused:
        kit.driver_sessions.begin("driver-1", Wanted("CP-1", ONE), None)
    assert refused.value.code == "too_many_small_charges"
    shown = kit.authorizations.authorization("CP-1", "op", CARD)
    assert shown.standing is AuthorizationStatus.BLOCKED
    (token,) = kit.tokens.of_driver("driver-1")
    assert token.refused is not None
    assert token.refused.reason is TokenRefusal.TOO_MANY_SMALL
    kit.clock.advance(days=30)
    assert kit.eligibility.payer("driver-1").driver_id == "driver-1"


def test_a_charge_that_was_paid_is_not_counted_nor_is_a_rest_of_it_that_was_let_go(kit: Kit) -> None:
    run = Run(kit).begun().ended(10_000).confirmed()
    kit.debts.write_off(run.session, 20)
    driver = kit.drivers.get("driver-1")
    assert driver is not None
    assert driver.let_go == {}


def test_a_small_bill_in_koruna_locks_nobody_out(kit: Kit) -> None:
    run = in_currency(kit, "CZK", 100_000, Decimal("14.52")).begun().ended(500)
    kit.lifecycle.issue_receipt(run.session_id)
    assert (run.session.bill and run.session.bill.total_minor, run.session.state) == (726, State.COMPLETED)
    assert (agree(run), run.money.captured, run.balances["written_off/op", "CZK"]) == (0, {}, 726)
    assert run.money.voided == [f"pi_{run.session_id}"]
    kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), None)


def test_a_rest_that_is_too_little_is_let_go(kit: Kit) -> None:
    run = in_currency(kit, "EUR", 200, Decimal("0.01")).begun().ended(214_000).confirmed()
    assert (run.money.captured, run.money.charged) == ({f"pi_{run.session_id}": 200}, {})
    assert (agree(run), run.session.written_off_minor) == (0, 14)


def test_what_a_second_hold_would_give_is_let_go_where_it_is_too_little(run: Run) -> None:
    run.begun().read(89_000)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    run.ended(111_600).confirmed()
    assert run.money.captured == {f"pi_{run.session_id}": 5000}
    assert run.money.voided == [f"pi_{run.session_id}-1"]
    assert (agree(run), run.session.written_off_minor) == (0, 22)


def test_thousandths_of_a_dinar_are_let_go(kit: Kit) -> None:
    run = in_currency(kit, "KWD", 5003, Decimal("0.1234")).begun().ended(5000).confirmed()
    assert run.money.captured == {f"pi_{run.session_id}": 610}
    assert (agree(run), run.session.written_off_minor) == (0, 7)


@pytest.mark.parametrize(
    ("currency", "hold_minor", "held"), [("HUF", 5000, 17500), ("EUR", 20, 50), ("CZK", 100, 1500), ("EUR", 5000, 5000)]
)
def test_a_hold_is_no_less_than_cards_can_be_held_for(kit: Kit, currency: str, hold_minor: int, held: int) -> None:
    run = in_currency(kit, currency, hold_minor, Decimal("0.001")).begun()
    assert run.money.held == {f"pi_{run.session_id}": held}


def test_what_the_provider_finds_too_small_is_let_go_whatever_the_table_says(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_little(*_: object, **__: object) -> None:
        raise TooLittle("Amount must convert to at least 50 cents.")

    monkeypatch.setattr(run.money, "capture", too_little)
    monkeypatch.setattr(run.money, "charge", too_little)
    run.begun().ended()
    run.kit.lifecycle.issue_receipt(run.session_id)
    assert (run.session.state, agree(run), run.session.written_off_minor) == (State.COMPLETED, 0, 450)


def test_a_debt_that_the_provider_finds_too_small_is_let_go(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_little(*_: object, **__: object) -> None:
        raise TooLittle("Amount must convert to at least 50 cents.")

    run.begun()
    run.money.declines = True
    run.ended()
    assert agree(run) == 450
    monkeypatch.setattr(run.money, "charge", too_little)
    assert run.kit.debts.pay("driver-1").debts == []
    assert (agree(run), run.session.written_off_minor) == (0, 450)


def test_a_hold_that_the_provider_finds_too_small_is_the_tariffs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = run.money.hold

    def choosy(session: object, driver: object, amount_minor: int, part: int = 0) -> object:
        if amount_minor < 1000:
            raise TooLittle("Amount must convert to at least 50 cents.")
        return hold(session, driver, amount_minor, part)  # type: ignore[arg-type]

    monkeypatch.setattr(run.money, "hold", choosy)
    small = replace(run.session, tariff=replace(TARIFF, hold_minor=2000))
    driver = run.kit.drivers.get("driver-1")
    assert driver is not None
    assert run.kit.funds._hold(small, driver, 60).amount_minor == 2000


def old_debt(kit: Kit, amount_minor: int = 726) -> Run:
    """A driver whom an older release has kept out for what no card can be charged."""
    run = in_currency(kit, "CZK", 100_000, Decimal("14.52")).begun()
    run.money.declines = True
    run.ended(2000)
    assert run.session.bill is not None
    small = replace(run.session, bill=replace(run.session.bill, total_minor=amount_minor, net_minor=amount_minor))
    kit.sessions.save(run.session, small)
    return run


def test_a_debt_that_nobody_can_pay_is_let_go_when_it_is_looked_at(kit: Kit) -> None:
    run = old_debt(kit)
    assert run.owes
    assert kit.debts.of_driver("driver-1") == []
    assert (run.owes, run.session.due_minor, run.session.written_off_minor) == (False, 0, 726)


def test_who_owes_what_nobody_can_pay_may_begin(kit: Kit) -> None:
    run = old_debt(kit)
    kit.driver_sessions.begin("driver-1", Wanted("CP-1", ConnectorId(2)), None)
    assert not run.owes


def test_what_nobody_can_pay_is_not_asked_for_again(kit: Kit) -> None:
    run = old_debt(kit)
    run.money.declines = False
    kit.clock.advance(hours=2)
    assert kit.debts.ask_again() == 1
    assert (run.money.charged, run.owes) == ({}, False)


def test_what_an_older_release_wrote_off_in_its_books_alone_is_not_written_off_again(run: Run) -> None:
    run.begun().ended(1000)
    run.kit.lifecycle.issue_receipt(run.session_id)
    run.kit.sessions.save(run.session, replace(run.session, written_off_minor=0))
    run.kit.drivers.owe("driver-1", run.session_id)
    assert owed_minor(run.session, run.kit.clock()) == 0
    assert run.kit.debts.of_driver("driver-1") == []
    assert agree(run) == 0
    assert run.balances["written_off/op", "EUR"] == 45


def test_less_than_was_asked_leaves_the_rest_owed(run: Run) -> None:
    """Somebody captured part of a hold in the provider's dashboard."""
    run.begun().ended()
    run.receive("captured", 300)
    run.kit.lifecycle.issue_receipt(run.session_id)
    assert (run.session.state, agree(run)) == (State.COMPLETED, 150)


@settings(max_examples=40, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(
    currency=st.sampled_from(["EUR", "CZK", "HUF", "KWD", "JPY", "GBP", "ISK"]),
    energy_wh=st.integers(0, 60_000),
    hold_minor=st.integers(1, 40_000),
    declines=st.booleans(),
    corrected=st.none() | st.integers(0, 20_000),
)
def test_due_balance_receipt_and_books_always_agree(
    kit: Kit, currency: str, energy_wh: int, hold_minor: int, declines: bool, corrected: int | None
) -> None:
    number = next(numbers)
    run = Run(kit, f"K{number:017d}")
    tariff = replace(TARIFF, currency=currency, hold_minor=hold_minor, elements=simple_elements(per_kwh=Decimal(2)))
    kit.sessions.save(run.session, replace(run.session, tariff=tariff))
    kit.lifecycle.place_hold(run.session_id, f"hold-{number}")
    kit.money.declines = declines
    kit.money.captured.clear()
    run.ended(energy_wh).confirmed()
    kit.connectors.free("CP-1", ONE, run.session_id)
    if not run.session.is_over:
        kit.lifecycle.abort(run.session_id, "SessionFailed", "")
    kit.money.declines = False
    owed = agree(run)
    if corrected is not None and corrected < owed + run.session.taken_minor:
        correct(run, corrected)
        owed = agree(run)
    assert owed == chargeable_minor(owed, currency, NOW.date())
    kit.debts.pay("driver-1")
    assert agree(run) == 0


# Corrections.


def test_a_paid_bill_is_lowered_by_a_refund_once_for_each_key(kit: Kit) -> None:
    run = Run(kit)
    kit.sessions.save(run.session, replace(run.session, tariff=TAXED))
    run.begun().ended().confirmed()
    correct(run, 100)
    correct(run, 100)
    assert (agree(run), run.session.refunded_minor, sum(run.money.refunded.values())) == (0, 436, 436)
    assert (run.balances["revenue/op", "EUR"], run.balances["tax/op", "EUR"]) == (-84, -16)
    (kept,) = run.session.corrections
    assert (kept.by, kept.note, kept.is_settled) == ("clerk-1", "it stopped early", True)
    with pytest.raises(Refusal, match="another amount"):
        correct(run, 90)
    with pytest.raises(Refusal, match="pays 100"):
        correct(run, 100, "other")
    correct(run, 0, "third")
    assert (agree(run), set(run.balances.values())) == (0, {0})


def test_a_debt_is_lowered_and_can_be_paid(run: Run) -> None:
    run.begun()
    run.money.declines = True
    run.ended()
    correct(run, 120)
    assert agree(run) == 120
    run.money.declines = False
    run.kit.debts.pay("driver-1")
    assert (agree(run), run.money.charged) == (0, {f"pi_{run.session_id}-debt-0": 120})


@pytest.mark.parametrize("total_minor", [0, 20])
def test_a_debt_that_is_waived_keeps_nobody_out(run: Run, total_minor: int) -> None:
    run.begun()
    run.money.declines = True
    run.ended()
    correct(run, total_minor)
    assert (agree(run), run.session.waived_minor, run.session.written_off_minor) == (0, 450 - total_minor, total_minor)


def told(run: Run) -> list[str]:
    """The ids of the notices of lowered bills, the first first."""
    page, _ = run.kit.notifications.page("driver-1", 50, None)
    return [it.notice_id for it in reversed(page) if it.kind is NotificationKind.BILL_CORRECTED]


def test_each_correction_that_lowers_a_bill_is_told_once(kit: Kit) -> None:
    run = Run(kit).begun().ended(10_000).confirmed()
    first = f"{run.session_id}-bill_corrected"
    correct(run, 400, "a")
    correct(run, 400, "a")
    assert told(run) == [first]
    run.kit.clock.advance(minutes=5)
    correct(run, 300, "b")
    assert told(run) == [first, f"{first}-1"]
    correct(run, 0, "c")
    assert told(run) == [first, f"{first}-1", f"{first}-2"]


def test_of_corrections_before_the_bill_the_one_that_lowers_it_is_told(run: Run) -> None:
    correct(run, 300, "a")
    correct(run, 200, "b")
    run.begun().ended(10_000).confirmed()
    assert len(told(run)) == 1


def test_a_correction_that_is_withdrawn_is_not_told_and_the_next_one_is(run: Run) -> None:
    run.begun().ended(10_000).confirmed()
    run.money.declines = True
    with pytest.raises(Refusal):
        correct(run, 300, "a")
    run.money.declines = False
    assert told(run) == []
    correct(run, 200, "b")
    assert told(run) == [f"{run.session_id}-bill_corrected"]


@pytest.mark.parametrize("key", ["a", "b"])
def test_a_session_that_failed_and_is_waived_whole_has_a_receipt_of_nothing(run: Run, key: str) -> None:
    failed = _failed(run)
    assert not failed.has_receipt
    with pytest.raises(Refusal, match="comes once it is paid"):
        run.kit.driver_sessions.receipt("driver-1", run.session_id)
    correct(run, 0, key)
    assert run.session.has_receipt
    receipt = run.kit.driver_sessions.receipt("driver-1", run.session_id)
    assert failed.bill is not None
    assert (receipt.paid_minor, receipt.paid_at, receipt.due_minor) == (0, None, 0)
    assert receipt.waived_minor == failed.bill.total_minor > 0
    sums = [words for words, _ in sheet(receipt).sums]
    assert not [it for it in sums if it.startswith("Paid")]
    assert "Waived by the operator" in sums
    # Issued once: asked again, it is the same.
    assert run.kit.driver_sessions.receipt("driver-1", run.session_id) == receipt


def _failed(run: Run) -> Session:
    """A session that ended and whose payment then failed."""
    run.begun()
    run.money.declines = True
    run.ended(10_000)
    run.kit.lifecycle.abort(run.session_id, "States.Timeout", "")
    assert run.session.state is State.FAILED
    return run.session


def test_what_is_partly_paid_is_waived_before_it_is_refunded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object, **__: object) -> None:
        raise Declined("Your card has insufficient funds.")

    run.begun()
    monkeypatch.setattr(run.money, "charge", no_more)
    run.ended(200_000).confirmed()
    assert agree(run) == 4000
    correct(run, 6000, "a")
    assert (agree(run), run.session.refunded_minor) == (1000, 0)
    correct(run, 4500, "b")
    assert (agree(run), run.session.refunded_minor) == (0, 500)


@pytest.mark.parametrize(("total_minor", "taken"), [(200, {200}), (0, set()), (30, set()), (9999, {450})])
def test_a_correction_before_the_bill_bounds_it(run: Run, total_minor: int, taken: set[int]) -> None:
    run.begun()
    correct(run, total_minor)
    assert run.session.state is State.ACTIVE
    run.ended().confirmed()
    assert (set(run.money.captured.values()), agree(run), run.session.state) == (taken, 0, State.COMPLETED)
    assert run.money.refunded == {}


def test_a_correction_while_it_is_paid_is_carried_out_once_it_is(run: Run) -> None:
    run.begun().ended()
    correct(run, 100)
    assert not run.session.corrections[0].is_settled
    run.confirmed()
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert (agree(run), run.session.refunded_minor, run.session.corrections[0].is_settled) == (0, 350, True)
    assert run.kit.lifecycle.sweep() == 0


def test_a_correction_whose_refund_is_not_answered_is_carried_out_later(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise PaymentsUnavailable("no answer")

    run.begun().ended().confirmed()
    with monkeypatch.context() as broken:
        broken.setattr(run.money, "refund", silent)
        with pytest.raises(PaymentsUnavailable):
            correct(run, 100)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert (agree(run), run.session.refunded_minor) == (0, 350)


def test_a_correction_whose_refund_is_refused_is_withdrawn(run: Run) -> None:
    run.begun().ended().confirmed()
    run.money.declines = True
    with pytest.raises(Refusal):
        correct(run, 100)
    assert (run.session.corrections, agree(run)) == ((), 0)
    assert run.kit.lifecycle.sweep() == 0


@pytest.mark.parametrize("broken_at", ["waive", "settled"])
def test_a_correction_that_broke_off_waives_once(run: Run, monkeypatch: pytest.MonkeyPatch, broken_at: str) -> None:
    def accident(*_: object, **__: object) -> None:
        raise RuntimeError("an accident")

    run.begun()
    run.money.declines = True
    run.ended()
    with monkeypatch.context() as broken:
        if broken_at == "waive":
            broken.setattr(type(run.kit.ledger), "append", accident)
        else:
            broken.setattr(type(run.kit.debts), "leave", accident)
        with pytest.raises(RuntimeError):
            correct(run, 100)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    correct(run, 100)
    assert agree(run) == 100


def test_a_debt_under_payment_is_not_waived_at_that_moment(run: Run) -> None:
    run.begun()
    run.money.declines = True
    run.ended()
    run.kit.debt_book.lease(run.session_id, run.kit.clock() + timedelta(minutes=1), run.kit.clock())
    with pytest.raises(Refusal, match="paid at this moment"):
        correct(run, 0)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert agree(run) == 0


def test_nothing_of_another_operator_nor_what_costs_nothing_is_corrected(run: Run) -> None:
    run.begun().ended().confirmed()
    with pytest.raises(NotFound):
        run.kit.corrections.correct("rival", run.session_id, correction(0))
    failed = run.kit.app_session("KBBBBBBBBBBBBBBBBB")
    run.kit.lifecycle.abort(failed.session_id, "Gone", "")
    with pytest.raises(Refusal, match="nothing was"):
        run.kit.corrections.correct("op", failed.session_id, correction(0))


def test_a_correction_of_what_never_began_rests(run: Run) -> None:
    correct(run, 0)
    run.kit.lifecycle.abort(run.session_id, "Gone", "")
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert run.session.corrections[0].is_settled
    assert run.kit.lifecycle.sweep() == 0


# Holds that are lost.


def test_a_hold_that_is_lost_while_a_car_charges_is_renewed(run: Run) -> None:
    run.begun()
    run.receive("voided", 5000)
    first, second = f"pi_{run.session_id}", f"pi_{run.session_id}-1"
    assert [it.payment_id for it in run.session.holds] == [second]
    assert (run.session.held_minor, run.session.funds_low_at) == (5000, None)
    run.receive("voided", 5000)
    run.receive("held", 5000)
    assert list(run.money.held) == [first, second]
    run.ended().confirmed()
    assert (run.money.captured, agree(run)) == ({second: 450}, 0)


def test_a_hold_that_is_lost_again_is_renewed_again(run: Run) -> None:
    run.begun()
    run.receive("voided", 5000)
    run.receive("voided", 5000, f"pi_{run.session_id}-1", part=1)
    assert [it.payment_id for it in run.session.holds] == [f"pi_{run.session_id}-2"]


def test_a_charge_whose_lost_hold_cannot_be_renewed_ends(run: Run) -> None:
    run.begun()
    run.money.declines = True
    run.receive("voided", 5000)
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)
    run.money.declines = False
    run.ended().confirmed()
    assert (agree(run), run.session.payment and run.session.payment.amount_minor) == (0, 450)


def test_a_start_whose_hold_is_lost_does_not_begin_unpaid(run: Run) -> None:
    run.kit.lifecycle.place_hold(run.session_id, "hold")
    run.money.declines = True
    run.receive("voided", 5000)
    assert (run.session.state, run.session.reason) == (State.FAILED, Reason.PAYMENT_DECLINED)


def test_a_renewal_that_got_no_answer_is_made_up_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise PaymentsUnavailable("no answer")

    run.begun()
    with monkeypatch.context() as broken:
        broken.setattr(run.money, "hold", silent)
        with pytest.raises(PaymentsUnavailable):
            run.receive("voided", 5000)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    assert (run.session.held_minor, run.session.funds_low_at) == (5000, None)


def test_a_hold_is_renewed_before_it_expires_though_nobody_says_so(run: Run) -> None:
    run.begun()
    run.kit.clock.advance(days=2)
    run.kit.lifecycle.sweep()
    assert list(run.money.held) == [f"pi_{run.session_id}"]
    run.kit.clock.advance(days=2)
    run.kit.lifecycle.sweep()
    assert [it.payment_id for it in run.session.holds] == [f"pi_{run.session_id}-1"]
    assert run.money.voided == [f"pi_{run.session_id}"]
    run.receive("voided", 5000)
    run.kit.clock.advance(hours=3)
    run.kit.lifecycle.sweep()
    assert len(run.money.held) == 2


def test_a_charge_whose_expiring_hold_cannot_be_renewed_ends_while_it_is_good(run: Run) -> None:
    run.begun()
    run.money.declines = True
    run.kit.clock.advance(days=4)
    run.kit.lifecycle.sweep()
    assert (run.session.state, run.session.reason) == (State.STOPPING, Reason.FUNDS_EXHAUSTED)
    assert (run.session.held_minor, run.money.voided) == (5000, [])


def test_a_hold_that_is_lost_once_the_charge_is_over_is_charged_for(run: Run) -> None:
    run.begun()
    run.kit.driver_sessions.end("driver-1", run.session_id)
    run.receive("voided", 5000)
    assert (run.session.holds, list(run.money.held)) == ((), [f"pi_{run.session_id}"])
    run.ended()
    run.kit.lifecycle.issue_receipt(run.session_id)
    assert (list(run.money.charged.values()), agree(run)) == ([450], 0)


def test_a_rest_and_what_stands_in_for_a_lost_hold_are_two_charges(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def expired(*_: object) -> None:
        raise Declined("This PaymentIntent could not be captured because it has expired.")

    run.begun()
    monkeypatch.setattr(run.money, "capture", expired)
    run.ended(222_222)
    assert sorted(run.money.charged.values()) == [5000, 5000]
    run.kit.lifecycle.issue_receipt(run.session_id)
    assert agree(run) == 0


@pytest.mark.parametrize("energy_wh", [0, 1000, 10_000])
def test_a_hold_that_could_not_be_given_back_at_once_is_not_forgotten(
    run: Run, monkeypatch: pytest.MonkeyPatch, energy_wh: int
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise PaymentsUnavailable("no answer")

    run.begun().read(89_000)
    run.kit.clock.advance(minutes=2)
    run.kit.lifecycle.sweep()
    with monkeypatch.context() as broken:
        broken.setattr(run.money, "void", silent)
        with pytest.raises(PaymentsUnavailable):
            run.ended(energy_wh)
    run.kit.lifecycle.settle(run.session_id, "payment-2")
    run.confirmed()
    assert held_minor(run.kit.ledger.of_session(run.session_id)) == 0
    assert agree(run) == 0


def test_least_and_written_off_have_accounts_of_their_own(kit: Kit) -> None:
    run = in_currency(kit, "HUF", 100_000).begun().ended(1000)
    kit.lifecycle.issue_receipt(run.session_id)
    (written,) = [it for it in kit.ledger.of_session(run.session_id) if it.kind is TransferKind.WRITE_OFF]
    assert (written.debit, written.amount_minor) == ("written_off/op", 200)
    assert written.amount_minor < least_charge_minor("HUF", NOW.date())


def test_a_debt_says_what_is_due_now_and_not_what_was(run: Run) -> None:
    run.begun()
    run.money.declines = True
    run.ended()
    stored = run.kit.debt_book.get(run.session_id)
    assert isinstance(stored, Debt)
    correct(run, 200)
    assert [it.amount_minor for it in run.kit.debts.of_driver("driver-1")] == [200]
