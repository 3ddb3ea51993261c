"""A charge begins no sooner than its driver asked for it, whatever its charger's clock says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.availability import LineChanged
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    StatusReported,
    StopReason,
)
from chalicelib.domain.charging.session import Reason, Session, State
from chalicelib.domain.charging.transitions import StartFailed
from chalicelib.domain.pricing.evidence import CLOCK_SLACK, Flag, ReportedTime, span
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.chargers import Purpose
from tests.services.conftest import CARD, CONNECTION, NOW, TARIFF, Kit, sent_call

ONE = ConnectorId(1)
TIMED = replace(TARIFF, elements=simple_elements(per_kwh=Decimal("0.40"), per_minute=Decimal("0.10")))


def begun(kit: Kit, at: datetime, token: str | None = None) -> Session:
    """An app's session whose charger says that it began `at`, a few seconds after it was asked."""
    session = kit.app_session()
    kit.sessions.save(session, replace(session, tariff=TIMED))
    kit.clock.advance(seconds=5)
    start = ChargingStarted(connector=ONE, at=at, token=token or session.session_id, meter_start_wh=0, ref="tx-1")
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    return kit.session(session.session_id)


def ended(kit: Kit, at: datetime, meter_stop_wh: int = 1000) -> Session:
    stop = ChargingStopped(ref="tx-1", at=at, meter_stop_wh=meter_stop_wh, reason=StopReason.LOCAL)
    kit.router.route(CONNECTION, stop, lambda *_: "tx-1")
    (session_id,) = [it.session_id for it in kit.sessions.of_driver("driver-1", 10, None)[0]]
    kit.lifecycle.settle(session_id, "payment")
    return kit.session(session_id)


def lasted(session: Session) -> timedelta:
    assert session.started_at is not None
    assert session.stopped_at is not None
    return session.stopped_at - session.started_at


@pytest.mark.parametrize("behind", [timedelta(days=80), timedelta(hours=2), timedelta(minutes=5), timedelta(days=4000)])
def test_a_clock_put_right_during_a_charge_bills_the_seconds_that_it_took(kit: Kit, behind: timedelta) -> None:
    begun(kit, NOW - behind)
    kit.clock.advance(seconds=3)
    session = ended(kit, kit.clock())
    assert lasted(session) <= timedelta(seconds=8) + CLOCK_SLACK
    assert session.started_at is not None
    assert session.started_at >= NOW - CLOCK_SLACK
    assert Flag.CLOCK_WRONG in session.flags
    assert session.bill is not None
    assert session.bill.total_minor <= 40 + 22


@pytest.mark.parametrize("behind", [timedelta(hours=2), timedelta(days=80), timedelta(minutes=30)])
def test_a_clock_that_is_behind_throughout_still_measures_how_long(kit: Kit, behind: timedelta) -> None:
    begun(kit, kit.clock() - behind)
    kit.clock.advance(hours=1)
    session = ended(kit, kit.clock() - behind, 9000)
    assert abs(lasted(session) - timedelta(hours=1)) < timedelta(seconds=10)
    assert session.started_at is not None
    assert session.started_at >= NOW - CLOCK_SLACK
    assert session.measured_wh == 9000


def test_a_clock_a_little_behind_is_believed(kit: Kit) -> None:
    session = begun(kit, NOW - timedelta(minutes=1))
    assert (session.started_at, session.flags) == (NOW - timedelta(minutes=1), frozenset())


def test_a_start_told_late_by_a_charger_that_was_away_is_believed(kit: Kit) -> None:
    session = kit.app_session()
    kit.clock.advance(hours=3)
    start = ChargingStarted(
        connector=ONE, at=NOW + timedelta(seconds=20), token=session.session_id, meter_start_wh=0, ref="tx-1"
    )
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    session = kit.session(session.session_id)
    assert (session.started_at, session.flags) == (NOW + timedelta(seconds=20), frozenset())


def test_a_charge_that_began_at_the_plug_is_its_drivers_since_they_asked(kit: Kit) -> None:
    """OCPP 2.x: the transaction is there before anybody is known to pay for it."""
    kit.clock.now = NOW - timedelta(hours=1)
    start = ChargingStarted(connector=ONE, at=kit.clock(), token=None, meter_start_wh=0, ref="tx-1")
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    kit.clock.now = NOW
    session = kit.app_session()
    call = sent_call(Purpose.START, session.session_id)
    kit.charging.start_answered(call, CommandResult(verdict=Verdict.ACCEPTED, ref="tx-1"))
    session = kit.session(session.session_id)
    assert session.state is State.ACTIVE
    assert session.started_at == NOW - CLOCK_SLACK
    assert Flag.CLOCK_WRONG not in session.flags


def test_a_charge_that_began_after_we_gave_up_began_no_sooner_than_it_was_asked_for(kit: Kit) -> None:
    session = kit.app_session()
    kit.changes.apply(session.session_id, StartFailed(Reason.CHARGER_DID_NOT_START, NOW))
    kit.clock.advance(minutes=3)
    start = ChargingStarted(
        connector=ONE, at=NOW - timedelta(days=80), token=session.session_id, meter_start_wh=0, ref="tx-1"
    )
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    late = next(it for it in kit.sessions.of_driver("driver-1", 10, None)[0] if it.ref == "tx-1")
    assert late.started_at is not None
    assert late.started_at >= NOW - CLOCK_SLACK


def test_a_card_at_a_charger_that_was_away_is_believed(kit: Kit) -> None:
    start = ChargingStarted(connector=ONE, at=NOW - timedelta(days=3), token=CARD, meter_start_wh=0, ref="tx-1")
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    (session,) = kit.sessions.of_driver("driver-1", 10, None)[0]
    assert session.started_at == NOW - timedelta(days=3)


def test_a_card_at_a_connector_kept_for_its_driver_begins_no_sooner_than_that_was_asked_for(kit: Kit) -> None:
    kit.router.route(CONNECTION, StatusReported(connector=ONE, status=ConnectorStatus.AVAILABLE, at=NOW), lambda *_: "")
    reservation, _ = kit.driver_reservations.make("driver-1", "CP-1", ONE, timedelta(minutes=30), None)
    start = ChargingStarted(connector=ONE, at=NOW - timedelta(hours=3), token=CARD, meter_start_wh=0, ref="tx-1")
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    (session,) = kit.sessions.of_driver("driver-1", 10, None)[0]
    assert session.reserved is not None
    assert session.started_at is not None
    assert session.started_at >= reservation.created_at - CLOCK_SLACK


@pytest.mark.parametrize(("hours", "is_long"), [(48, False), (49, True)])
def test_a_charge_of_more_than_two_days_is_for_a_person_to_see(kit: Kit, hours: int, is_long: bool) -> None:
    begun(kit, NOW + timedelta(seconds=5))
    kit.clock.advance(hours=hours)
    session = ended(kit, NOW + timedelta(seconds=5, hours=hours))
    assert (Flag.LONG_CHARGE in session.flags) is is_long


TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    start=st.none() | TIMES,
    stop=st.none() | TIMES,
    asked=TIMES,
    after=st.timedeltas(timedelta(0), timedelta(days=1)),
    later=st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_no_clock_makes_a_charge_begin_before_it_was_asked_for_or_last_longer_than_by_ours(
    start: datetime | None, stop: datetime | None, asked: datetime, after: timedelta, later: timedelta
) -> None:
    heard = asked + after
    found = span(ReportedTime(start, heard, asked), ReportedTime(stop, heard + later, asked))
    assert asked <= found.began_at <= found.ended_at
    assert found.ended_at - found.began_at <= after + later + timedelta(minutes=10)


# Where nobody asked: a connector that was free


def swiped(kit: Kit, began_at: datetime) -> Session:
    """A charge by card, told now, whose charger says that it began then."""
    kit.tariffs.put(TIMED)
    start = ChargingStarted(connector=ONE, at=began_at, token=CARD, meter_start_wh=0)
    kit.router.route(CONNECTION, start, lambda *_: "tx-1")
    (session_id,) = [it.session_id for it in kit.sessions.of_driver("driver-1", 10, None)[0]]
    return kit.session(session_id)


@pytest.fixture
def free(kit: Kit) -> Kit:
    """Its line has been open for two hours, and its connector free."""
    kit.history.add("CP-1", LineChanged(NOW - timedelta(seconds=5), online=True))
    kit.router.route(CONNECTION, StatusReported(ONE, ConnectorStatus.AVAILABLE, NOW), lambda *_: "")
    kit.clock.advance(hours=2)
    return kit


@pytest.mark.parametrize("behind", [timedelta(hours=1), timedelta(minutes=11), timedelta(minutes=119)])
def test_a_card_pays_for_no_time_in_which_its_plug_was_free(free: Kit, behind: timedelta) -> None:
    """A clock that is an hour behind as summer time ends, and is put right while the car charges."""
    free.router.route(CONNECTION, StatusReported(ONE, ConnectorStatus.PREPARING, free.clock() - behind), lambda *_: "")
    told_at = free.clock()
    swiped(free, told_at - behind)
    free.clock.advance(minutes=20)
    session = ended(free, free.clock())
    assert session.started_at is not None
    assert session.started_at >= told_at - CLOCK_SLACK
    assert lasted(session) <= timedelta(minutes=20) + CLOCK_SLACK
    assert Flag.CLOCK_WRONG in session.flags
    assert session.measured_wh == 1000


def test_a_clock_that_came_back_from_ten_days_ago_makes_no_charge_of_ten_days(free: Kit) -> None:
    """Its battery is empty: after a power cut it goes on from when it was last set, until it hears of the time."""
    free.clock.advance(days=10)
    for connector in (ConnectorStatus.CHARGING, ConnectorStatus.AVAILABLE):
        free.router.route(CONNECTION, StatusReported(ONE, connector, free.clock()), lambda *_: "")
        free.clock.advance(hours=1)
    told_at = free.clock()
    swiped(free, told_at - timedelta(days=10))
    free.clock.advance(minutes=20)
    assert lasted(ended(free, free.clock())) <= timedelta(minutes=20) + CLOCK_SLACK


def test_a_clock_that_is_behind_throughout_charges_a_card_for_how_long_it_took(free: Kit) -> None:
    swiped(free, free.clock() - timedelta(hours=1))
    free.clock.advance(minutes=20)
    assert abs(lasted(ended(free, free.clock() - timedelta(hours=1))) - timedelta(minutes=20)) <= CLOCK_SLACK


def test_a_charge_from_before_the_line_was_open_is_taken_at_its_word(free: Kit) -> None:
    began_at = free.clock() - timedelta(minutes=130)
    session = swiped(free, began_at)
    assert (session.started_at, session.flags) == (began_at, frozenset())


def test_a_connector_that_charges_says_nothing_against_a_beginning_told_late(free: Kit) -> None:
    free.router.route(CONNECTION, StatusReported(ONE, ConnectorStatus.CHARGING, free.clock()), lambda *_: "")
    free.clock.advance(hours=1)
    began_at = free.clock() - timedelta(minutes=60)
    assert swiped(free, began_at).started_at == began_at
