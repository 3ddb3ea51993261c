"""What a bill costs the processor, by the size of its tariff and the length of its charge: read the ratios."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from rich.table import Table

from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.rating import Usage, price
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced, Restrictions, Tariff

_SIZES = ((1, 96, 1), (100, 96, 1), (1, 1_920, 20), (10, 1_920, 20), (100, 1_920, 20), (1, 8_544, 89), (100, 8_544, 89))
_ROUNDS = 3
_MIDNIGHT = datetime(2026, 8, 1, tzinfo=UTC)


def table() -> Table:
    """Elements, readings and days of a charge, against one element and a reading each quarter of an hour of a day."""
    found = Table(title="A bill, by what its tariff and its charge are made of", title_justify="left")
    for column in ("elements", "readings", "days", "ms", "times the first"):
        found.add_column(column, justify="right")
    first_s = 0.0
    for elements, readings, days in _SIZES:
        spent_s = _fastest_s(_tariff(elements), _course(readings, days))
        first_s = first_s or spent_s
        found.add_row(str(elements), f"{readings:,}", str(days), f"{spent_s * 1000:.0f}", f"{spent_s / first_s:.0f}")
    return found


def _fastest_s(tariff: Tariff, usage: Usage) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        price(tariff, usage, "Europe/Berlin")
        rounds.append(time.process_time() - began)
    return min(rounds)


def _tariff(count: int) -> Tariff:
    """Elements of which none is like another, each restricted in every way that a course can be cut by."""
    elements = tuple(
        Element(
            (PriceComponent(Priced.ENERGY, Decimal(place + 1)), PriceComponent(Priced.TIME, Decimal(place + 2))),
            Restrictions(
                start_time=(_MIDNIGHT + timedelta(minutes=place * 433)).time(),
                end_time=(_MIDNIGHT + timedelta(minutes=place * 311)).time(),
                min_energy_wh=place * 1000,
                min_duration_s=place * 600,
                min_power_w=place * 10,
            ),
        )
        for place in range(count)
    )
    return Tariff(tariff_id="t", operator_id="op", name="T", currency="EUR", elements=elements)


def _course(readings: int, days: int) -> Usage:
    began_at = datetime(2026, 8, 1, tzinfo=UTC)
    step = timedelta(days=days) / readings
    return Usage(
        tuple(
            ChargingPeriod(
                began_at=began_at + place * step, ended_at=began_at + (place + 1) * step, energy_wh=Fraction(100)
            )
            for place in range(readings)
        )
    )
