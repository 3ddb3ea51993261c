"""Bills: lines, taxes and totals. Tax is taken on the sum of all lines of one rate, and rounded once.

Where a tariff bounds what a session may cost, a line of each rate makes up the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.currency import decimals, to_minor
from chalicelib.domain.pricing.tariff import PriceLimit, Tariff
from chalicelib.domain.pricing.tax import Tax, added, included, of_both, of_net, of_total


class Dimension(StrEnum):
    """What a line of a bill charges for."""

    ENERGY = "energy"
    TIME = "time"
    PARKING_TIME = "parking_time"
    FLAT = "flat"
    RESERVATION_TIME = "reservation_time"
    RESERVATION_FEE = "reservation_fee"
    EXPIRED_RESERVATION_TIME = "expired_reservation_time"
    EXPIRED_RESERVATION_FEE = "expired_reservation_fee"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


# What is measured in seconds, and priced by the hour.
TIMES = (
    Dimension.TIME,
    Dimension.PARKING_TIME,
    Dimension.RESERVATION_TIME,
    Dimension.EXPIRED_RESERVATION_TIME,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a bill: one thing charged for, rounded to `amount_minor`.

    `quantity` is Wh for energy, seconds for time, 1 for a fee; `unit_price` is per kWh, hour or once.
    """

    dimension: Dimension
    quantity: int
    unit_price: Decimal
    amount_minor: int
    tax_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a session costs. `net_minor + tax_minor == total_minor`, and the taxes sum to `tax_minor`.

    The lines sum to `net_minor`, or to `total_minor` where `tax_included`; those of one rate to what that rate is of.
    """

    currency: str
    lines: tuple[Line, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    taxes: tuple[Tax, ...] = ()
    tax_included: bool = False

    @property
    def rates(self) -> tuple[Tax, ...]:
        """What was sold at each rate; what has none, and a bill of nothing, is at 0 %."""
        untaxed_minor = self.net_minor - sum(it.net_minor for it in self.taxes)
        return (*self.taxes, Tax(Decimal(0), untaxed_minor, 0)) if untaxed_minor or not self.taxes else self.taxes


def total(tariff: Tariff, lines: Sequence[Line], *, is_charge: bool) -> Bill:
    """Sum up. A charge costs no less and no more than its tariff's bounds; a reservation alone has none."""
    amounts: dict[Decimal, int] = {}
    for line in lines:
        rate = line.tax_percent or Decimal(0)
        amounts[rate] = amounts.get(rate, 0) + line.amount_minor
    of = included if tariff.tax_included else added
    taxes = [of(percent, amount) for percent, amount in amounts.items()]
    if is_charge:
        sold = taxes or [Tax(_usual_rate(tariff), 0, 0)]
        bounded = _bounded(tariff, sold)
        if bounded != sold:
            lines, taxes = [*lines, *_differences(tariff, sold, bounded)], bounded
    net_minor, tax_minor = _net(taxes), sum(it.amount_minor for it in taxes)
    return Bill(
        currency=tariff.currency,
        lines=tuple(lines),
        net_minor=net_minor,
        tax_minor=tax_minor,
        total_minor=net_minor + tax_minor,
        taxes=tuple(it for it in taxes if it.percent),
        tax_included=tariff.tax_included,
    )


def _usual_rate(tariff: Tariff) -> Decimal:
    """What a minimum is taxed at where nothing else was bought."""
    return next((price.vat for it in tariff.elements for price in it.price_components if price.vat), Decimal(0))


def _bounded(tariff: Tariff, taxes: list[Tax]) -> list[Tax]:
    """What is sold at each rate, raised to the minimum or lowered to the maximum.

    Bounds before and after taxes are both kept (OCPI module Tariffs, notes on min_price and max_price). What contradict
    each other cannot be; then the lower price is right.
    """
    low, high = tariff.min_price or PriceLimit(), tariff.max_price or PriceLimit()
    if low.before_taxes is not None and _net(taxes) < (bound := to_minor(low.before_taxes, tariff.currency)):
        taxes = of_net(taxes, bound)
    if low.after_taxes is not None and _gross(taxes) < (bound := to_minor(low.after_taxes, tariff.currency)):
        taxes = of_total(taxes, bound)
    if high.before_taxes is not None and _net(taxes) > (bound := to_minor(high.before_taxes, tariff.currency)):
        taxes = of_net(taxes, bound)
    if high.after_taxes is not None and _gross(taxes) > (bound := to_minor(high.after_taxes, tariff.currency)):
        # Rates that differ can come to both bounds at once, as in OCPI's own example.
        is_at_both = high.before_taxes is not None and _net(taxes) == to_minor(high.before_taxes, tariff.currency)
        taxes = (of_both(taxes, _net(taxes), bound) if is_at_both else None) or of_total(taxes, bound)
    return taxes


def _net(taxes: Sequence[Tax]) -> int:
    return sum(it.net_minor for it in taxes)


def _gross(taxes: Sequence[Tax]) -> int:
    return sum(it.gross_minor for it in taxes)


def _differences(tariff: Tariff, sold: Sequence[Tax], bounded: Sequence[Tax]) -> Iterator[Line]:
    """What the bound adds to each rate's lines, or takes off them."""
    dimension = Dimension.MINIMUM if _gross(bounded) > _gross(sold) else Dimension.MAXIMUM
    for before, after in zip(sold, bounded, strict=True):
        gross_minor, net_minor = after.gross_minor - before.gross_minor, after.net_minor - before.net_minor
        change_minor = gross_minor if tariff.tax_included else net_minor
        if change_minor:
            yield Line(
                dimension=dimension,
                quantity=1,
                unit_price=Decimal(change_minor).scaleb(-decimals(tariff.currency)),
                amount_minor=change_minor,
                tax_percent=after.percent or None,
            )
