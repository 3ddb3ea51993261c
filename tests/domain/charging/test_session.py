"""The session table: what each event does, and what no order or repetition of events can break."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.domain.charging.names import looks_like_app_token, session_id_for
from chalicelib.domain.charging.session import CardAction, Charge, Hold, Origin, Payment, Reason, Session, State
from chalicelib.domain.charging.transitions import (
    Billed,
    Charged,
    ChargesPlanned,
    Completed,
    EnergyDecided,
    EnergyMeasured,
    HoldDeclined,
    HoldPlaced,
    PaymentFailed,
    SessionEvent,
    Started,
    StartFailed,
    Stopped,
    StopRequested,
    apply,
)
from chalicelib.domain.charging.waits import Step, is_met
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Tariff, simple_elements

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="t", operator_id="op", name="Standard", currency="EUR", elements=simple_elements(per_kwh=Decimal("0.45"))
)
NEW = Session(
    session_id="KABC",
    operator_id="op",
    site_id="s",
    charger_id="CP-1",
    connector=ConnectorId(1),
    origin=Origin.APP,
    token="KABC",
    driver_id="d",
    tariff=TARIFF,
    created_at=NOW,
)
STARTED = Started(ref="7", at=NOW, meter_start_wh=1000)
STOPPED = Stopped(ref="7", at=NOW + timedelta(hours=1), meter_stop_wh=3000, reason=StopReason.REMOTE)
BILL = price(TARIFF, planned(NOW, 2000, 3600), "UTC")
EVENTS: list[SessionEvent] = [
    HoldPlaced(Hold("pi_1", 5000)),
    HoldDeclined(NOW),
    StartFailed(Reason.CHARGER_REFUSED, NOW),
    STARTED,
    Started(ref="8", at=NOW, meter_start_wh=0),
    StopRequested(NOW),
    STOPPED,
    Stopped(ref="8", at=NOW, meter_stop_wh=9, reason=StopReason.LOCAL),
    EnergyMeasured(at=NOW, energy_wh=1, meter_start_wh=2),
    Billed(BILL),
    ChargesPlanned((Charge("pi_1", 90),), NOW),
    Charged("pi_1", 90, NOW),
    PaymentFailed(NOW),
    Completed(NOW),
]


def after(*events: SessionEvent, session: Session = NEW) -> Session:
    for event in events:
        session = apply(session, event)
    return session


def test_a_paid_session_passes_from_initiated_to_completed() -> None:
    states = [NEW.state]
    session = NEW
    for event in (
        EVENTS[0],
        STARTED,
        StopRequested(NOW),
        STOPPED,
        Billed(BILL),
        ChargesPlanned((Charge("pi_1", 90),), NOW),
        Charged("pi_1", 90, NOW),
        Completed(NOW),
    ):
        session = apply(session, event)
        states.append(session.state)
    assert states == ["initiated", "initiated", "active", *["stopping"] * 5, "completed"]
    assert session.energy_wh == 2000


def test_its_charger_waits_for_the_car_until_it_has_begun_and_not_while_a_bank_asks() -> None:
    until = NOW + timedelta(seconds=NEW.start_wait_s)
    asked = replace(NEW, action=CardAction("pi_1", "secret"))
    assert (NEW.start_before, asked.start_before) == (until, None)
    assert replace(asked, hold=Hold("pi_1", 5000)).start_before == until
    assert after(EVENTS[0], STARTED).start_before is None


def test_a_start_that_arrives_after_the_session_failed_does_not_revive_it() -> None:
    failed = after(StartFailed(Reason.CHARGER_DID_NOT_START, NOW))
    assert apply(failed, STARTED) is failed


def test_a_hold_that_arrives_after_the_end_is_kept_so_that_it_can_be_released() -> None:
    failed = after(StopRequested(NOW), HoldPlaced(Hold("pi_1", 5000)))
    assert failed.state is State.FAILED
    assert failed.reason is Reason.CANCELLED
    assert failed.hold == Hold("pi_1", 5000)


def test_a_stop_of_another_transaction_does_not_end_this_one() -> None:
    active = after(STARTED)
    assert apply(active, Stopped(ref="8", at=NOW, meter_stop_wh=9, reason=StopReason.LOCAL)) is active


def test_the_first_final_reading_stands_against_a_second() -> None:
    stopped = after(STARTED, STOPPED)
    assert apply(stopped, replace(STOPPED, meter_stop_wh=9_999_999)).energy_wh == 2000


def test_a_meter_that_ran_backwards_counts_as_no_energy() -> None:
    assert after(Started(ref="7", at=NOW, meter_start_wh=5000), STOPPED).energy_wh == 0


def test_other_readings_stand_in_only_for_what_the_charger_never_said() -> None:
    lost = after(
        STARTED, StopRequested(NOW), EnergyMeasured(at=NOW, energy_wh=700, meter_start_wh=None, meter_stop_wh=1700)
    )
    assert (lost.energy_wh, lost.meter_start_wh, lost.meter_stop_wh) == (700, 1000, 1700)
    assert lost.reason is Reason.CHARGER_LOST
    told = after(STARTED, STOPPED, EnergyMeasured(at=NOW, energy_wh=2000))
    assert (told.energy_wh, told.meter_start_wh, told.meter_stop_wh, told.reason) == (2000, 1000, 3000, None)


def test_a_register_that_cannot_be_true_gives_way_to_the_one_that_is_billed_from() -> None:
    odd = after(STARTED, STOPPED, EnergyMeasured(at=NOW, energy_wh=2000, meter_start_wh=800, meter_stop_wh=2800))
    assert (odd.energy_wh, odd.meter_start_wh, odd.meter_stop_wh) == (2000, 800, 2800)


def test_a_person_says_what_was_delivered_once_and_only_where_that_is_asked() -> None:
    asked = after(STARTED, STOPPED, EnergyMeasured(at=NOW, energy_wh=0, review_until=NOW + timedelta(days=3)))
    assert (asked.needs_review, is_met(Step.REVIEW, asked)) == (True, False)
    decided = apply(asked, EnergyDecided(NOW, 1500, "clerk"))
    assert (decided.energy_wh, decided.decided_by, decided.needs_review) == (1500, "clerk", False)
    assert apply(decided, EnergyDecided(NOW, 9000, "clerk")) is decided
    sure = after(STARTED, STOPPED, EnergyMeasured(at=NOW, energy_wh=2000))
    assert apply(sure, EnergyDecided(NOW, 1500, "clerk")) is sure


def test_what_was_measured_is_weighed_once() -> None:
    measured = after(STARTED, STOPPED, EnergyMeasured(at=NOW, energy_wh=1500), EnergyMeasured(at=NOW, energy_wh=99_999))
    assert measured.energy_wh == 1500


def test_doubts_add_up() -> None:
    doubted = after(
        replace(STARTED, flags=frozenset({Flag.START_UNKNOWN})),
        replace(STOPPED, flags=frozenset({Flag.CLOCK_WRONG})),
        EnergyMeasured(at=NOW, energy_wh=1, flags=frozenset({Flag.METER_FELL})),
    )
    assert doubted.flags == {Flag.START_UNKNOWN, Flag.CLOCK_WRONG, Flag.METER_FELL}


def test_a_payment_that_arrives_after_we_gave_up_is_recorded() -> None:
    failed = after(STARTED, STOPPED, Billed(BILL), PaymentFailed(NOW), Charged("pi_1", 90, NOW))
    assert (failed.state, failed.payment) == (State.FAILED, Payment(90, NOW))


@given(st.lists(st.sampled_from(EVENTS), max_size=20))
def test_saying_everything_twice_in_a_row_changes_nothing_more(events: list[SessionEvent]) -> None:
    once = twice = NEW
    for event in events:
        once = apply(once, event)
        twice = apply(apply(twice, event), event)
    assert once == twice


@given(st.lists(st.sampled_from(EVENTS), max_size=20))
@example([EVENTS[4], EVENTS[1], EVENTS[8], EVENTS[7]])
def test_a_session_that_is_over_stays_over_and_keeps_its_bill(events: list[SessionEvent]) -> None:
    session = NEW
    for event in events:
        following = apply(session, event)
        if session.is_over:
            assert following.state is session.state
            assert following.bill == session.bill
        if session.stopped_at:
            # An end that nobody told is replaced by the charger's own, until it is billed.
            was_told = not session.is_end_inferred or session.bill is not None or following.is_end_inferred
            ends_at = event.at if isinstance(event, Stopped) and not was_told else session.stopped_at
            assert following.stopped_at == ends_at
            assert following.started_at == session.started_at
        session = following


@pytest.mark.parametrize(
    ("step", "before", "met"),
    [
        (Step.START, NEW, after(STARTED)),
        (Step.END, after(STARTED), after(STARTED, StopRequested(NOW))),
        (Step.STOP, after(STARTED, StopRequested(NOW)), after(STARTED, STOPPED)),
        (Step.PAYMENT, after(STARTED, STOPPED), after(STARTED, STOPPED, ChargesPlanned((), NOW))),
    ],
)
def test_each_step_waits_for_its_own_event_only(step: Step, before: Session, met: Session) -> None:
    assert not is_met(step, before)
    assert is_met(step, met)
    assert is_met(step, after(StartFailed(Reason.INTERNAL, NOW)))


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_session_id_is_a_valid_id_tag_and_follows_from_its_facts(facts: list[str]) -> None:
    session_id = session_id_for(*facts)
    assert len(session_id) == 18
    assert session_id.isascii()
    assert looks_like_app_token(session_id)
    assert session_id == session_id_for(*facts)


@pytest.mark.parametrize(("length", "is_one"), [(17, False), (18, True), (19, False), (20, True), (21, False)])
def test_a_session_begun_under_a_longer_id_is_known_by_it_still(length: int, is_one: bool) -> None:
    assert looks_like_app_token(("k" + "A" * 30)[:length]) is is_one


def test_the_number_a_charger_echoes_is_a_positive_31_bit_integer() -> None:
    assert 0 < NEW.remote_start_id < 2**31
