"""Tariffs that ask for current get the one that was measured; only where nobody told, it is reckoned from power."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from chalicelib.domain.pricing.periods import Reported, charging_periods
from chalicelib.domain.pricing.rating import Usage, price
from chalicelib.domain.pricing.registers import Point
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, Restrictions, Tariff

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
# 25 kWh in half an hour are 50 kW.
POINTS = [Point(AT, 0), Point(AT + HALF_HOUR, 25_000)]
STRONG = Tariff(
    tariff_id="by-current",
    operator_id="op",
    name="By current",
    currency="EUR",
    elements=(
        Element((PriceComponent(Priced.ENERGY, Decimal("0.80")),), Restrictions(min_current_ma=200_000)),
        Element((PriceComponent(Priced.ENERGY, Decimal("0.40")),)),
    ),
    hold_minor=5000,
)


@pytest.mark.parametrize(
    ("currents", "total_minor"),
    [
        ([(AT + HALF_HOUR, 125_000)], 1000),
        ([(AT + HALF_HOUR, 250_000)], 2000),
        ([(AT, 100_000), (AT + HALF_HOUR, 150_000)], 1000),
        # 50 kW at 230 V would be 217 A.
        ([], 2000),
        ([(AT - HALF_HOUR, 125_000)], 2000),
        ([(AT + HALF_HOUR, 0)], 2000),
    ],
)
def test_on_dc_fifty_kilowatts_are_as_many_amperes_as_were_measured(
    currents: list[tuple[datetime, int]], total_minor: int
) -> None:
    usage = Usage(charging_periods(POINTS, AT, AT + HALF_HOUR, 25_000, Reported(currents=currents)))
    assert price(STRONG, usage, "UTC").total_minor == total_minor


def test_a_stretch_has_the_mean_of_what_was_told_in_it_and_the_last_that_of_its_beginning() -> None:
    points = [Point(AT, 0), Point(AT + HALF_HOUR, 5000), Point(AT + 2 * HALF_HOUR, 6000)]
    told = Reported(currents=[(AT + HALF_HOUR, 20_000), (AT, 30_000)])
    first, second = charging_periods(points, AT, AT + 2 * HALF_HOUR, 6000, told)
    assert (first.current_ma, second.current_ma) == (Fraction(25_000), Fraction(20_000))


BY_POWER = Tariff(
    tariff_id="by-power",
    operator_id="op",
    name="By power",
    currency="EUR",
    elements=(
        Element((PriceComponent(Priced.ENERGY, Decimal("0.80")),), Restrictions(min_power_w=60_000)),
        Element((PriceComponent(Priced.ENERGY, Decimal("0.40")),)),
    ),
)


@pytest.mark.parametrize(
    ("powers", "total_minor"),
    [
        ([(AT + HALF_HOUR, 70_000)], 2000),
        ([(AT + HALF_HOUR, 50_000)], 1000),
        ([], 1000),
        # Told in kW, or in mW: another unit than the energy shows.
        ([(AT + HALF_HOUR, 70)], 1000),
        ([(AT + HALF_HOUR, 70_000_000)], 1000),
        ([(AT + HALF_HOUR, 0)], 1000),
    ],
)
def test_a_tariff_that_asks_for_power_gets_what_was_measured(
    powers: list[tuple[datetime, int]], total_minor: int
) -> None:
    usage = Usage(charging_periods(POINTS, AT, AT + HALF_HOUR, 25_000, Reported(powers=powers)))
    assert price(BY_POWER, usage, "UTC").total_minor == total_minor
