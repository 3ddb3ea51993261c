"""Time at a plug is spent as the charger said, and as its registers show where it said nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.charging.occupation import Occupation, occupation, use_of
from chalicelib.domain.pricing.registers import Point

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
CHARGING, BY_CAR = ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_BY_CAR
BY_STATION, OCCUPIED = ConnectorStatus.SUSPENDED_BY_CHARGER, ConnectorStatus.OCCUPIED


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def spent(statuses: dict[float, ConnectorStatus], registers: dict[float, int]) -> tuple[float, float, float]:
    """An hour, in minutes."""
    points = [Point(at(minute), wh) for minute, wh in registers.items()]
    found = occupation(NOW, at(60), [(at(minute), use_of(it)) for minute, it in statuses.items()], points)
    return found.charging_s / 60, found.suspended_by_car_s / 60, found.suspended_by_station_s / 60


RISING = {0: 1000, 60: 9000}
FULL_AFTER_40 = {0: 1000, 20: 5000, 40: 9000, 50: 9000, 60: 9000}


@pytest.mark.parametrize(
    ("statuses", "registers", "minutes"),
    [
        ({}, RISING, (60, 0, 0)),
        ({}, FULL_AFTER_40, (40, 20, 0)),
        ({}, {}, (60, 0, 0)),
        ({-5: OCCUPIED}, FULL_AFTER_40, (40, 20, 0)),
        ({0: CHARGING, 45: BY_CAR}, FULL_AFTER_40, (45, 15, 0)),
        ({-1: CHARGING, 10: BY_STATION, 30: CHARGING}, RISING, (40, 0, 20)),
        ({0: BY_CAR, 20: CHARGING, 50: ConnectorStatus.FINISHING}, RISING, (30, 30, 0)),
        ({0: CHARGING, 30: OCCUPIED}, FULL_AFTER_40, (40, 20, 0)),
        ({0: CHARGING, 70: BY_CAR}, RISING, (60, 0, 0)),
    ],
)
def test_what_was_told_comes_first_then_what_the_registers_show(
    statuses: dict[float, ConnectorStatus], registers: dict[float, int], minutes: tuple[float, float, float]
) -> None:
    assert spent(statuses, registers) == minutes


@given(
    st.lists(st.tuples(st.integers(-600, 6000), st.sampled_from(ConnectorStatus)), max_size=8),
    st.lists(st.tuples(st.integers(0, 3600), st.integers(0, 50_000)), max_size=8),
)
def test_parts_sum_to_the_whole(told: list[tuple[int, ConnectorStatus]], shown: list[tuple[int, int]]) -> None:
    uses = [(NOW + timedelta(seconds=second), use_of(status)) for second, status in sorted(told)]
    points = [Point(NOW + timedelta(seconds=second), wh) for second, wh in sorted(shown)]
    found = occupation(NOW, at(60), uses, points)
    assert found.charging_s + found.suspended_by_car_s + found.suspended_by_station_s == 3600
    assert min(found.charging_s, found.suspended_by_car_s, found.suspended_by_station_s) >= 0


def test_a_charge_of_no_time_spent_none() -> None:
    assert occupation(NOW, NOW, [], []) == Occupation(0, 0, 0)
