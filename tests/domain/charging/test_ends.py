"""In whatever order the words for a session's end come, the charger's own is the one that counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.domain.charging.ends import CarGone, EndedByHand, GoesOn, LateEndSettled, SeenFree, SignedLate
from chalicelib.domain.charging.session import ByHand, Origin, Reason, Session, State
from chalicelib.domain.charging.transitions import (
    Billed,
    EnergyDecided,
    EnergyMeasured,
    Moved,
    SessionEvent,
    Started,
    Stopped,
    apply,
)
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.tariff import Tariff, simple_elements

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TARIFF = Tariff(
    tariff_id="t",
    operator_id="op",
    name="T",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("0.45")),
    hold_minor=5000,
)
TRUE = Stopped(ref="7", at=NOW + HOUR, meter_stop_wh=4000, reason=StopReason.LOCAL)
MEANT = Stopped(
    ref="7",
    at=NOW + HOUR / 2,
    meter_stop_wh=2000,
    reason=StopReason.OTHER,
    flags=frozenset({Flag.END_INFERRED}),
    is_inferred=True,
)
GUESSED = EnergyMeasured(
    at=NOW + HOUR / 4, energy_wh=500, meter_start_wh=1000, meter_stop_wh=1500, flags=frozenset({Flag.END_UNKNOWN})
)
BILL = Bill(currency="EUR", lines=(), net_minor=0, tax_minor=0, total_minor=0)


def active() -> Session:
    session = Session(
        session_id="K",
        operator_id="op",
        site_id="s",
        charger_id="c",
        connector=ConnectorId(1),
        origin=Origin.CARD,
        token="CARD",
        driver_id="d",
        tariff=TARIFF,
        created_at=NOW,
    )
    return apply(session, Started(ref="7", at=NOW, meter_start_wh=1000))


def told(*events: SessionEvent) -> Session:
    session = active()
    for event in events:
        session = apply(session, event)
    return session


@pytest.mark.parametrize("order", list(permutations([TRUE, MEANT, CarGone(NOW + HOUR / 5)])))
def test_any_order_of_a_true_end_and_what_was_inferred_gives_the_true_one(order: tuple[SessionEvent, ...]) -> None:
    session = told(*order)
    assert (session.state, session.stopped_at, session.meter_stop_wh) == (State.STOPPING, TRUE.at, 4000)
    assert (session.is_end_inferred, set(session.flags)) == (False, set())


def test_any_word_is_better_than_a_guess_and_the_true_one_than_any() -> None:
    session = told(CarGone(NOW + HOUR / 5), GUESSED)
    assert (session.energy_wh, session.reason, session.is_end_inferred) == (500, Reason.CHARGER_LOST, True)
    session = apply(session, MEANT)
    assert (session.energy_wh, session.reason, set(session.flags)) == (1000, None, {Flag.END_INFERRED})
    session = apply(session, TRUE)
    assert (session.energy_wh, session.is_end_inferred, set(session.flags)) == (3000, False, set())
    assert apply(session, MEANT) is session
    assert apply(session, Stopped(ref="7", at=NOW, meter_stop_wh=9000, reason=StopReason.LOCAL)) is session
    assert apply(session, Stopped(ref="8", at=NOW, meter_stop_wh=9000, reason=StopReason.LOCAL)) is session


def test_a_true_end_after_the_bill_is_kept_beside_it_once() -> None:
    billed = told(CarGone(NOW + HOUR / 5), GUESSED, Billed(BILL))
    session = apply(billed, TRUE)
    assert (session.bill, session.energy_wh, session.stopped_at) == (billed.bill, 500, billed.stopped_at)
    assert session.late_end is not None
    assert (session.late_end.at, session.late_end.meter_stop_wh) == (TRUE.at, 4000)
    assert Flag.END_CORRECTED in session.flags
    assert apply(session, TRUE) is session
    settled = apply(session, LateEndSettled(session.late_end))
    assert settled.late_end is not None
    assert settled.late_end.is_settled
    assert apply(settled, LateEndSettled(session.late_end)) is settled
    # Of another, told meanwhile, it says nothing.
    assert apply(session, LateEndSettled(replace(session.late_end, meter_stop_wh=1))) is session


def test_a_true_end_after_the_bill_that_says_the_same_needs_nobody() -> None:
    session = told(
        MEANT,
        Billed(BILL),
        Stopped(ref="7", at=MEANT.at + timedelta(seconds=30), meter_stop_wh=2000, reason=StopReason.LOCAL),
    )
    assert (session.late_end, session.is_end_inferred) == (None, False)


SIGNED = SignedLate(2990)


def test_what_was_signed_late_and_is_less_is_noted_beside_the_bill_and_waits_to_be_given_back() -> None:
    session = told(TRUE, EnergyMeasured(at=TRUE.at, energy_wh=3000), Billed(BILL))
    late = apply(session, SIGNED)
    assert late.late_end is not None
    assert (late.late_end.at, late.late_end.signed_wh, late.late_end.is_settled) == (TRUE.at, 2990, False)
    assert (late.energy_wh, late.bill) == (3000, BILL)
    assert apply(late, SIGNED) is late
    settled = apply(late, LateEndSettled(late.late_end))
    assert apply(settled, SIGNED) is settled
    for energy_wh in (2991, 3000, 9000):
        assert apply(session, SignedLate(energy_wh)) is session


def test_what_waits_for_a_person_is_weighed_anew_and_what_a_person_decided_stays() -> None:
    until = TRUE.at + HOUR
    asked = told(TRUE, EnergyMeasured(at=TRUE.at, energy_wh=3000, review_until=until))
    assert asked.needs_review
    again = apply(asked, SignedLate(3500))
    assert (again.measured_wh, again.needs_review) == (None, False)
    decided = apply(asked, EnergyDecided(TRUE.at, 3000, "person"))
    assert apply(decided, SIGNED) is decided


def test_an_end_that_is_told_better_before_the_bill_makes_good_for_what_was_signed_late() -> None:
    late = told(CarGone(NOW + HOUR / 5), replace(GUESSED, energy_wh=3000), SIGNED)
    assert late.late_end is not None
    assert apply(late, TRUE).late_end is None


def test_a_charge_thought_over_goes_on_and_one_that_was_to_end_still_is() -> None:
    gone = told(SeenFree(NOW), CarGone(NOW + HOUR))
    assert (gone.state, gone.left_at, gone.seen_free_at) == (State.STOPPING, NOW + HOUR, None)
    back = apply(gone, GoesOn())
    assert (back.state, back.left_at, back.stop_requested_at) == (State.ACTIVE, None, None)
    assert apply(back, GoesOn()) is back


def test_what_an_operator_ended_by_hand_is_ended_once_and_says_by_whom() -> None:
    by_hand = ByHand("operator-1", NOW + HOUR, "burnt down")
    session = told(EndedByHand(by_hand))
    assert (session.state, session.by_hand, session.stopped_at) == (State.STOPPING, by_hand, None)
    assert apply(session, EndedByHand(ByHand("another", NOW, ""))) is session


def test_a_session_moves_while_it_charges_and_no_more_afterwards() -> None:
    moved = told(Moved(ConnectorId(2)))
    assert moved.connector == ConnectorId(2)
    ended = apply(moved, TRUE)
    assert apply(ended, Moved(ConnectorId(1))) is ended
