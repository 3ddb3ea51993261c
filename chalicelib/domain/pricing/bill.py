"""Bills: lines, taxes and totals. Tax is taken on the sum of all lines of one rate, and rounded once.

Where a tariff bounds what a session may cost, a line of its own makes up the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from chalicelib.domain.pricing.currency import decimals, round_half_up, to_minor
from chalicelib.domain.pricing.tariff import Tariff


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


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate on `net_minor`."""

    percent: Decimal
    net_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a session costs. `net_minor + tax_minor == total_minor`, and the taxes sum to `tax_minor`.

    The lines sum to `net_minor`, or to `total_minor` where `tax_included`.
    """

    currency: str
    lines: tuple[Line, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    taxes: tuple[Tax, ...] = ()
    tax_included: bool = False


def total(tariff: Tariff, lines: Sequence[Line], *, is_charge: bool) -> Bill:
    """Sum up. A charge costs no less and no more than its tariff's bounds; a reservation alone has none."""
    amounts: dict[Decimal, int] = {}
    for line in lines:
        rate = line.tax_percent or Decimal(0)
        amounts[rate] = amounts.get(rate, 0) + line.amount_minor
    taxes = [_tax(percent, amount, included=tariff.tax_included) for percent, amount in amounts.items()]
    net_minor = sum(it.net_minor for it in taxes)
    total_minor = net_minor + sum(it.amount_minor for it in taxes)
    bounded = _bounded(tariff, taxes, net_minor, total_minor) if is_charge else (net_minor, total_minor)
    if bounded != (net_minor, total_minor):
        lines = [*lines, _difference(tariff, bounded, (net_minor, total_minor))]
        net_minor, total_minor = bounded
        taxes = _spread(taxes or [Tax(_usual_rate(tariff), 0, 0)], net_minor, total_minor - net_minor)
    return Bill(
        currency=tariff.currency,
        lines=tuple(lines),
        net_minor=net_minor,
        tax_minor=total_minor - net_minor,
        total_minor=total_minor,
        taxes=tuple(it for it in taxes if it.percent),
        tax_included=tariff.tax_included,
    )


def _tax(percent: Decimal, amount_minor: int, *, included: bool) -> Tax:
    rate = Fraction(percent)
    if included:
        tax_minor = round_half_up(amount_minor * rate / (100 + rate))
        return Tax(percent, amount_minor - tax_minor, tax_minor)
    return Tax(percent, amount_minor, round_half_up(amount_minor * rate / 100))


def _usual_rate(tariff: Tariff) -> Decimal:
    """What a minimum is taxed at where nothing else was bought."""
    return next((price.vat for it in tariff.elements for price in it.price_components if price.vat), Decimal(0))


def _bounded(tariff: Tariff, taxes: Sequence[Tax], net_minor: int, total_minor: int) -> tuple[int, int]:
    """Net and total, raised to the minimum or lowered to the maximum.

    Before and after taxes, both bounds are kept (OCPI module Tariffs, notes on min_price and max_price).
    """
    exact_tax = sum((it.net_minor * Fraction(it.percent) / 100 for it in taxes), Fraction(0))
    rate = exact_tax / net_minor if net_minor else Fraction(_usual_rate(tariff)) / 100
    low, high = tariff.min_price, tariff.max_price
    net_low, net_high = (it.before_taxes if it else None for it in (low, high))
    bound = _clamped(net_minor, net_low, net_high, tariff.currency)
    if bound != net_minor:
        net_minor, total_minor = bound, bound + round_half_up(bound * rate)
    total_low, total_high = (it.after_taxes if it else None for it in (low, high))
    bound = _clamped(total_minor, total_low, total_high, tariff.currency)
    if bound != total_minor:
        is_fixed = net_low is not None or net_high is not None
        net_minor = min(bound, net_minor if is_fixed else round_half_up(bound / (1 + rate)))
        total_minor = bound
    return net_minor, total_minor


def _clamped(amount_minor: int, low: Decimal | None, high: Decimal | None, currency: str) -> int:
    if low is not None:
        amount_minor = max(amount_minor, to_minor(low, currency))
    return amount_minor if high is None else min(amount_minor, to_minor(high, currency))


def _difference(tariff: Tariff, bounded: tuple[int, int], sums: tuple[int, int]) -> Line:
    which = 1 if tariff.tax_included else 0
    change_minor = bounded[which] - sums[which]
    dimension = Dimension.MINIMUM if bounded[1] > sums[1] else Dimension.MAXIMUM
    return Line(
        dimension=dimension,
        quantity=1,
        unit_price=Decimal(change_minor).scaleb(-decimals(tariff.currency)),
        amount_minor=change_minor,
    )


def _spread(taxes: Sequence[Tax], net_minor: int, tax_minor: int) -> list[Tax]:
    """The same rates, each with its share of what is to be paid now; the last has what rounding leaves."""
    weight = sum(it.net_minor for it in taxes)
    tax_weight = sum(it.amount_minor for it in taxes)
    spread = []
    left_net, left_tax = net_minor, tax_minor
    for tax in taxes[:-1]:
        net = round_half_up(Fraction(net_minor * tax.net_minor, weight or 1))
        amount = round_half_up(Fraction(tax_minor * tax.amount_minor, tax_weight or 1))
        spread.append(Tax(tax.percent, net, amount))
        left_net, left_tax = left_net - net, left_tax - amount
    return [*spread, Tax(taxes[-1].percent, left_net, left_tax)]
