"""When registers show that no car charged: long enough, and with nothing but creep; cut anywhere it is the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pricing.periods import Reported, Use, charging_periods, pauses
from chalicelib.domain.pricing.registers import Point
from chalicelib.domain.pricing.standstills import flow

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def registers(shown: dict[float, int]) -> list[Point]:
    return [Point(at(minute), wh) for minute, wh in shown.items()]


def still(shown: dict[float, int], until: float, *, goes_on: bool = False) -> list[tuple[float, float]]:
    found = flow(registers(shown), NOW, at(until), goes_on=goes_on).still
    return [((low - NOW) / timedelta(minutes=1), (high - NOW) / timedelta(minutes=1)) for low, high in found]


def every(step: float, since: float, until: float, wh: float, per_hour: float) -> dict[float, int]:
    """Registers from one minute to another that rise evenly."""
    count = round((until - since) / step)
    return {since + place * step: int(wh + per_hour * place * step / 60) for place in range(count + 1)}


FULL = {**every(5, 0, 60, 0, 11_000)}


@pytest.mark.parametrize(
    ("shown", "until", "expected"),
    [
        pytest.param(FULL, 60, [], id="charging all along"),
        pytest.param(FULL | {240: 11_000}, 240, [(60, 240)], id="full after an hour"),
        pytest.param(FULL | {225: 11_000, 240: 11_001}, 240, [(60, 240)], id="a watt-hour at the end"),
        pytest.param(FULL | every(15, 75, 240, 11_005, 20), 240, [(60, 240)], id="twenty watts all along"),
        pytest.param(FULL | every(1, 61, 240, 11_000, 20), 240, [(60, 240)], id="the same told by the minute"),
        pytest.param(
            FULL | {60 + m: 11_000 + m // 30 * 10 for m in range(1, 181)}, 240, [(60, 240)], id="in steps of ten"
        ),
        pytest.param(FULL | {65: 11_000}, 65, [(60, 65)], id="what follows the last energy, however short"),
        pytest.param({0: 0, 240: 0, **every(5, 245, 300, 917, 11_000)}, 300, [(0, 240)], id="a timer of its own"),
        pytest.param({0: 0, 10: 2000, 20: 2000, 30: 4000}, 30, [], id="a pause of ten minutes"),
        pytest.param({0: 0, 10: 2000, 30: 2000, 40: 4000}, 40, [(10, 30)], id="a pause of twenty minutes"),
        pytest.param({m: m * 3700 // 60 // 1000 * 1000 for m in range(121)}, 120, [(114, 120)], id="whole kWh"),
        pytest.param(every(1, 0, 120, 0, 1400), 120, [], id="the least that a car takes"),
        pytest.param({0: 500, 180: 500}, 180, [(0, 180)], id="never charged"),
        pytest.param({0: 500}, 180, [], id="one register proves nothing"),
        pytest.param({}, 180, [], id="none neither"),
    ],
)
def test_what_stands_still(shown: dict[float, int], until: float, expected: list[tuple[float, float]]) -> None:
    assert still(shown, until) == expected


def test_a_charge_under_way_is_not_thought_over_for_want_of_a_reading() -> None:
    assert still(FULL, 75, goes_on=True) == []
    assert still(FULL | {90: 11_000}, 100, goes_on=True) == [(60, 100)]
    assert still(FULL, 240, goes_on=True) == [(60, 240)]


_STEPS = st.lists(st.tuples(st.integers(1, 90), st.sampled_from([0, 0, 1, 10, 300, 2000])), min_size=1, max_size=20)
_USES = st.lists(st.tuples(st.integers(-20, 900), st.none() | st.sampled_from(Use)), max_size=5)


@given(_STEPS, _USES, st.booleans(), st.integers(0, 100_000))
def test_periods_follow_each_other_and_hold_all_of_the_energy(
    steps: list[tuple[int, int]], uses: list[tuple[int, Use | None]], goes_on: bool, energy_wh: int
) -> None:
    points, minute, wh = [Point(NOW, 0)], 0, 0
    for minutes, rise_wh in steps:
        minute, wh = minute + minutes, wh + rise_wh
        points.append(Point(at(minute), wh))
    reported = Reported(uses=[(at(m), use) for m, use in sorted(uses, key=lambda it: it[0])], goes_on=goes_on)
    periods = charging_periods(points, NOW, at(minute + 5), energy_wh, reported)
    assert (periods[0].began_at, periods[-1].ended_at) == (NOW, at(minute + 5))
    assert all(before.ended_at == after.began_at for before, after in pairwise(periods))
    assert sum((it.energy_wh for it in periods), Fraction(0)) == energy_wh
    assert not any(it.is_charging and it.is_withheld for it in periods)


@given(_STEPS, _USES)
def test_pauses_are_in_order_and_do_not_overlap(
    steps: list[tuple[int, int]], uses: list[tuple[int, Use | None]]
) -> None:
    points, minute, wh = [Point(NOW, 0)], 0, 0
    for minutes, rise_wh in steps:
        minute, wh = minute + minutes, wh + rise_wh
        points.append(Point(at(minute), wh))
    told = Reported(uses=[(at(m), use) for m, use in sorted(uses, key=lambda it: it[0])])
    found = pauses(points, told, NOW, at(minute))
    edges = [edge for it in found for edge in (it.began_at, it.ended_at)]
    assert edges == sorted(edges)
    assert all(NOW <= it.began_at < it.ended_at <= at(minute) for it in found)
