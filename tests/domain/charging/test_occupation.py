"""Time at a plug is spent as the charger said, and as its registers show where it said nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.availability import LineChanged, StatusChanged
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.occupation import Occupation, occupation, use_of, uses_told
from chalicelib.domain.pricing.periods import Reported, Use, charging_periods
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
FULL_AFTER_40: dict[float, int] = {0: 1000, 20: 5000, 40: 9000, 50: 9000, 60: 9000}


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


def test_standing_still_unheard_is_nobodys_doing_where_nobody_said_that_the_car_stood() -> None:
    """A power cut: no car can be moved by whoever does not know, and many a cable is locked meanwhile."""
    cut = [LineChanged(at(40), online=False), LineChanged(at(58), online=True)]
    one = ConnectorId(1)
    assert uses_told(cut, one, at(60)) == [(at(40), Use.FAULTED), (at(58), None)]
    assert uses_told([*cut, StatusChanged(at(58), one, BY_CAR, at(45))], one, at(60)) == [
        (at(40), Use.FAULTED), (at(45), Use.PARKED), (at(58), None),
    ]  # fmt: skip
    assert uses_told([StatusChanged(at(30), one, BY_CAR), *cut], one, at(60)) == [(at(30), Use.PARKED)]
    brief = [LineChanged(at(40), online=False), LineChanged(at(41), online=True)]
    assert uses_told(brief, one, at(60)) == []


def test_told_to_charge_while_nothing_flows_is_neither_charging_nor_standing() -> None:
    """Many firmwares say "Charging" until the plug is pulled: neither word is proven against the driver."""
    points = [Point(at(minute), wh) for minute, wh in FULL_AFTER_40.items()]
    found = charging_periods(points, NOW, at(60), 8000, Reported(uses=[(NOW, Use.CHARGING)]))
    charging = sum((it.ended_at - it.began_at for it in found if it.is_charging), timedelta(0))
    assert charging == timedelta(minutes=40)
    assert not any(it.is_parked for it in found)
    assert spent({0: CHARGING}, FULL_AFTER_40) == (60, 0, 0)
