"""Wishes: the next departure by the clock on the wall, whatever the clocks do, and where home is."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.wish import CarWish, ReadyBy, Whereabouts

BERLIN = "Europe/Berlin"
EACH_DAY = (ReadyBy(time(7, 30), 80),) * 7
HOME = GeoPoint(52.52, 13.4)


def test_a_car_is_ready_at_the_same_time_of_day_on_both_sides_of_a_change_of_the_clocks() -> None:
    wish = CarWish(time_zone=BERLIN, ready_by=EACH_DAY)
    before = wish.departure(datetime(2026, 10, 24, 2, tzinfo=UTC))
    after = wish.departure(datetime(2026, 10, 24, 20, tzinfo=UTC))
    assert before is not None
    assert before.at == datetime(2026, 10, 24, 5, 30, tzinfo=UTC)
    assert after is not None
    assert after.at == datetime(2026, 10, 25, 6, 30, tzinfo=UTC)


def test_a_time_that_the_clocks_leave_out_or_show_twice_is_the_earlier_one() -> None:
    wish = CarWish(time_zone=BERLIN, ready_by=(ReadyBy(time(2, 30), 80),) * 7)
    left_out = wish.departure(datetime(2026, 3, 28, 12, tzinfo=UTC))
    twice = wish.departure(datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert left_out is not None
    assert left_out.at == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert twice is not None
    assert twice.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_days_without_a_wish_are_passed_over() -> None:
    monday = (ReadyBy(time(6), 90), *(None,) * 6)
    found = CarWish(ready_by=monday).departure(datetime(2026, 12, 1, tzinfo=UTC))
    assert found is not None
    assert (found.at, found.percent) == (datetime(2026, 12, 7, 6, tzinfo=UTC), 90)
    assert CarWish().departure(datetime(2026, 12, 1, tzinfo=UTC)) is None


@given(st.integers(0, 729 * 24 * 60), st.times())
def test_the_next_departure_is_always_within_a_day_and_its_shift(minutes: int, ready: time) -> None:
    wish = CarWish(time_zone=BERLIN, ready_by=(ReadyBy(ready.replace(second=0, microsecond=0), 80),) * 7)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = wish.departure(now)
    assert found is not None
    assert now < found.at <= now + timedelta(hours=26)


def test_a_car_is_at_home_within_a_kilometre_for_no_position_is_more_exact() -> None:
    wish = CarWish(home=HOME)
    assert wish.place(GeoPoint(52.525, 13.4)) is Whereabouts.HOME
    assert wish.place(GeoPoint(52.6, 13.4)) is Whereabouts.AWAY
    assert wish.place(None) is Whereabouts.UNKNOWN


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"ready_by": ()}, "ready_by"),
        ({"ready_by": (ReadyBy(time(7), 101), *(None,) * 6)}, "ready_by"),
        ({"least_percent": 101}, "least_percent"),
        ({"power_w": 10}, "power_w"),
    ],
)
def test_a_wish_that_is_none_names_what_is_wrong(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        CarWish(**wrong)  # type: ignore[arg-type]
