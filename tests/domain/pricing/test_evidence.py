"""A charger's times are believed where a clock that goes right can have shown them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pricing.evidence import Flag, ReportedTime, span

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(at=st.none() | TIMES, heard_at=TIMES)
def test_the_best_known_time_is_never_far_from_when_we_heard_of_it(at: datetime | None, heard_at: datetime) -> None:
    best = ReportedTime(at, heard_at).best
    assert heard_at - timedelta(days=90) <= best <= heard_at + timedelta(minutes=10)


@given(start=st.none() | TIMES, stop=st.none() | TIMES, heard=TIMES, later=st.timedeltas(timedelta(0), 20 * HOUR))
def test_no_charge_ends_before_it_begins(
    start: datetime | None, stop: datetime | None, heard: datetime, later: timedelta
) -> None:
    found = span(ReportedTime(start, heard), ReportedTime(stop, heard + later))
    assert found.began_at <= found.ended_at


def test_a_clock_that_goes_right_is_believed_to_the_second() -> None:
    found = span(ReportedTime(NOW, NOW + 5 * HOUR), ReportedTime(NOW + HOUR, NOW + 5 * HOUR))
    assert (found.began_at, found.ended_at, found.flags) == (NOW, NOW + HOUR, frozenset())


def test_nobody_pays_for_minutes_that_are_yet_to_come() -> None:
    """A clock that was put ahead while the car charged, or an end that is stamped wrong."""
    ahead = timedelta(minutes=9)
    found = span(ReportedTime(NOW, NOW), ReportedTime(NOW + HOUR + ahead, NOW + HOUR))
    assert (found.began_at, found.ended_at, found.flags) == (NOW, NOW + HOUR, frozenset({Flag.CLOCK_WRONG}))


def test_a_clock_that_is_minutes_ahead_throughout_measures_how_long() -> None:
    ahead = timedelta(minutes=9)
    found = span(ReportedTime(NOW + ahead, NOW), ReportedTime(NOW + HOUR + ahead, NOW + HOUR))
    assert found.ended_at - found.began_at == HOUR
    assert found.flags == frozenset()


def test_a_stop_told_before_its_start_happened_is_doubted() -> None:
    found = span(ReportedTime(NOW, NOW), ReportedTime(NOW - HOUR, NOW + HOUR))
    assert (found.began_at, found.ended_at) == (NOW, NOW + HOUR)
    assert Flag.CLOCK_WRONG in found.flags
