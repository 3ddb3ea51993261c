"""How dear a tariff is at its dearest: what bounds a token where its driver has seen no price.

Conditions do not count, and what a charge costs at the least counts as what it costs to begin. One figure caps a kWh;
an hour and a beginning are capped by what that makes of them.
"""

from __future__ import annotations

from decimal import Decimal

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.tariff import PriceComponent, Priced, Tariff

# An hour (charging, or parked) may cost as much as thirty kWh, a beginning as much as five.
HOUR_KWH, ONCE_KWH = 30, 5
_WH, _HOUR_S = 1000, 3600
_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Dearest:
    """The most that a tariff may ask, in major units with tax: for a kWh, for an hour, and to begin."""

    per_kwh: Decimal
    per_hour: Decimal
    once: Decimal

    def is_within(self, most_per_kwh: Decimal) -> bool:
        """Whether it asks no more than a cap on the kWh allows."""
        return (
            self.per_kwh <= most_per_kwh
            and self.per_hour <= most_per_kwh * HOUR_KWH
            and self.once <= most_per_kwh * ONCE_KWH
        )


def dearest(tariff: Tariff) -> Dearest:
    """The most that a tariff may ask of a charge; what it asks for a reservation is agreed to with that."""
    prices: dict[Priced, Decimal] = dict.fromkeys(Priced, Decimal(0))
    steps = Decimal(0)
    for element in tariff.elements:
        if element.restrictions.reservation is not None:
            continue
        for component in element.price_components:
            price = _with_tax(component, tariff)
            prices[component.type] = max(prices[component.type], price)
            steps = max(steps, _step(component, price))
    least = tariff.min_price
    minimum = max(least.before_taxes or Decimal(0), least.after_taxes or Decimal(0)) if least else Decimal(0)
    return Dearest(
        per_kwh=prices[Priced.ENERGY],
        per_hour=max(prices[Priced.TIME], prices[Priced.PARKING_TIME]),
        once=max(prices[Priced.FLAT] + steps, minimum),
    )


def _with_tax(component: PriceComponent, tariff: Tariff) -> Decimal:
    if tariff.tax_included or component.vat is None:
        return component.price
    return component.price * (_PERCENT + component.vat) / _PERCENT


def _step(component: PriceComponent, price: Decimal) -> Decimal:
    """What the first moment of it costs: whoever sells by large steps sells the first one whole."""
    unit = {Priced.ENERGY: _WH, Priced.TIME: _HOUR_S, Priced.PARKING_TIME: _HOUR_S}.get(component.type)
    return price * component.step_size / unit if unit else Decimal(0)
