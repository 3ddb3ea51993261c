"""A bill follows from a tariff, energy and time alone: every line is rounded once, and the lines sum to the total.

Prices are exact decimals in major units before tax, as OCPI writes them; a line's amount is its exact value
rounded half up to minor units, tax is taken on the sum of the lines and rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.money import round_half_up, to_minor


class Dimension(StrEnum):
    """What a line of a bill charges for."""

    ENERGY = "energy"
    TIME = "time"
    FLAT = "flat"


_QUANTITY_PER_PRICED_UNIT = {Dimension.ENERGY: 1000, Dimension.TIME: 60, Dimension.FLAT: 1}


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices before tax, in major units of `currency`; `hold_minor` is what a card must be good for beforehand."""

    tariff_id: str
    operator_id: str
    name: str
    currency: str
    price_per_kwh: Decimal = Decimal(0)
    price_per_minute: Decimal = Decimal(0)
    flat_price: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)
    hold_minor: int = 5000

    def __post_init__(self) -> None:
        for name in ("price_per_kwh", "price_per_minute", "flat_price", "tax_percent"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if self.hold_minor <= 0:
            raise ValueError("hold_minor must be positive")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing charged for, rounded to `amount_minor`.

    `quantity` is Wh for energy, seconds for time, 1 for a flat fee; `unit_price` is per kWh, minute or session.
    """

    dimension: Dimension
    quantity: int
    unit_price: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Bill:
    """What a session costs. `net_minor + tax_minor == total_minor`, and the lines sum to `net_minor`."""

    currency: str
    lines: tuple[Line, ...]
    net_minor: int
    tax_percent: Decimal
    tax_minor: int
    total_minor: int


def price(tariff: Tariff, energy_wh: int, started_at: datetime, until: datetime) -> Bill:
    """Price `energy_wh` taken between two instants; a charger's clock that runs backwards counts as no time."""
    duration_s = max(0, int((until - started_at).total_seconds()))
    charged = (
        (Dimension.ENERGY, max(0, energy_wh), tariff.price_per_kwh),
        (Dimension.TIME, duration_s, tariff.price_per_minute),
        (Dimension.FLAT, 1, tariff.flat_price),
    )
    lines = tuple(
        Line(dimension, quantity, unit_price, _amount_minor(dimension, quantity, unit_price, tariff.currency))
        for dimension, quantity, unit_price in charged
        if unit_price
    )
    net_minor = sum(line.amount_minor for line in lines)
    tax_minor = round_half_up(net_minor * tariff.tax_percent / 100)
    return Bill(tariff.currency, lines, net_minor, tariff.tax_percent, tax_minor, net_minor + tax_minor)


def _amount_minor(dimension: Dimension, quantity: int, unit_price: Decimal, currency: str) -> int:
    return to_minor(quantity * unit_price / _QUANTITY_PER_PRICED_UNIT[dimension], currency)
