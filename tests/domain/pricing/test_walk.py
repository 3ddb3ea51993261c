"""The walk through a charge finds to the last fraction what the naive one finds, and its work stays bounded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.rating import Usage, planned, price
from chalicelib.domain.pricing.tally import tally
from chalicelib.domain.pricing.tariff import Day, Element, PriceComponent, Priced, Restrictions, Tariff
from tests.domain.pricing.naive_walk import naive_amounts

ZONES = st.sampled_from(["Europe/Berlin", "UTC", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"])
# Around both changes of the clocks in most of these zones.
STARTS = st.one_of(
    st.datetimes(datetime(2026, 3, 26), datetime(2026, 4, 6)),  # noqa: DTZ001
    st.datetimes(datetime(2026, 10, 1), datetime(2026, 11, 3)),  # noqa: DTZ001
).map(lambda it: it.replace(tzinfo=UTC))
CLOCK = (
    st.none()
    | st.sampled_from([time(), time(2), time(2, 30), time(22), time(6)])
    | st.times().map(lambda it: it.replace(second=0, microsecond=0))
)
DATES = st.none() | st.dates(date(2026, 3, 25), date(2026, 11, 5))


def bound(most: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.none() | st.integers(0, most)


@st.composite
def elements(draw: Any) -> list[Element]:
    found = []
    for _ in range(draw(st.integers(1, 5))):
        types = draw(st.lists(st.sampled_from(Priced), min_size=1, unique=True))
        components = tuple(PriceComponent(it, Decimal(draw(st.integers(0, 3)))) for it in types)
        limits = Restrictions(
            start_time=draw(CLOCK),
            end_time=draw(CLOCK),
            start_date=draw(DATES),
            end_date=draw(DATES),
            min_energy_wh=draw(bound(40_000)),
            max_energy_wh=draw(bound(40_000)),
            min_duration_s=draw(bound(200_000)),
            max_duration_s=draw(bound(200_000)),
            min_power_w=draw(bound(20_000)),
            max_power_w=draw(bound(20_000)),
            min_current_ma=draw(bound(60_000)),
            max_current_ma=draw(bound(60_000)),
            day_of_week=frozenset(draw(st.sets(st.sampled_from(Day), max_size=3))),
        )
        found.append(Element(components, limits))
    return found


@st.composite
def courses(draw: Any) -> list[ChargingPeriod]:
    at = draw(STARTS)
    periods = []
    for _ in range(draw(st.integers(1, 6))):
        until = at + timedelta(microseconds=draw(st.integers(0, 40_000_000_000)))
        periods.append(
            ChargingPeriod(
                began_at=at,
                ended_at=until,
                energy_wh=draw(st.fractions(0, 30_000, max_denominator=1000)),
                is_charging=draw(st.booleans()),
                is_withheld=draw(st.booleans()),
                power_w=draw(st.none() | st.fractions(0, 20_000, max_denominator=7)),
                current_ma=draw(st.none() | st.fractions(0, 60_000, max_denominator=7)),
            )
        )
        at = until
    return periods


def _without_empty(periods: list[ChargingPeriod]) -> list[ChargingPeriod]:
    return [it for it in periods if it.energy_wh or it.ended_at > it.began_at] or periods


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(elements(), courses(), ZONES)
def test_the_walk_agrees_with_the_naive_one(prices: list[Element], periods: list[ChargingPeriod], zone: str) -> None:
    found = tally(prices, periods, zone).amounts
    expected = naive_amounts(prices, _without_empty(periods), zone)
    assert found == expected
    assert {it: list(found[it]) for it in found} == {it: list(expected[it]) for it in expected}


MOST_ELEMENTS = 100


def many(number: int) -> tuple[Element, ...]:
    """As many elements as a tariff may have, none of them like another."""
    return tuple(
        Element(
            (PriceComponent(Priced.ENERGY, Decimal(place + 1)), PriceComponent(Priced.TIME, Decimal(place + 2))),
            Restrictions(
                start_time=time(place * 7 % 24, place * 13 % 60),
                end_time=time(place * 5 % 24, place * 11 % 60),
                min_energy_wh=place * 1000,
                min_duration_s=place * 600,
                min_power_w=place * 10,
            ),
        )
        for place in range(number)
    )


def steps(of: Callable[[], Any]) -> int:
    """How many calls of functions and lines something takes: what a processor's speed cannot change."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        of()
    finally:
        sys.settrace(before)
    return count


def course(readings: int, days: int) -> tuple[ChargingPeriod, ...]:
    began_at = datetime(2026, 10, 1, tzinfo=UTC)
    step = timedelta(days=days) / readings
    return tuple(
        ChargingPeriod(began_at=began_at + at * step, ended_at=began_at + (at + 1) * step, energy_wh=Fraction(100))
        for at in range(readings)
    )


def test_work_grows_with_the_sum_of_elements_and_readings_and_not_with_their_product() -> None:
    def work(number: int, readings: int) -> int:
        periods = course(readings, 5)
        tally(many(number), periods, "Europe/Berlin")
        return steps(lambda: tally(many(number), periods, "Europe/Berlin"))

    alone = work(1, 200)
    both, fewer = work(MOST_ELEMENTS, 200), work(MOST_ELEMENTS, 50)
    # A hundred and fifty readings more cost a hundred elements little more than they cost one.
    assert both - fewer < 4 * alone


def test_a_hundred_elements_over_eighty_nine_days_are_priced() -> None:
    """Once, this took the processor minutes, and such a session never settled."""
    tariff = Tariff(tariff_id="t", operator_id="op", name="T", currency="EUR", elements=many(MOST_ELEMENTS))
    at = datetime(2026, 8, 21, tzinfo=UTC)
    bill = price(tariff, planned(at, 300_000, 89 * 86_400), "Europe/Berlin")
    assert bill.total_minor > 0
    long = price(tariff, Usage(course(3_000, 89)), "Europe/Berlin")
    assert sum(it.quantity for it in long.lines if it.dimension == "energy") == 300_000
