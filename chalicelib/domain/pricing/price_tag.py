"""A price tag: what a charge costs from a moment on, as AFIR Art. 5(4) wants it shown before it begins.

Consumer prices, tax and all, in its order: per kWh, per minute, per session, and whatever else there is.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.rating import rates
from chalicelib.domain.pricing.tariff import PriceComponent, Priced, Tariff

_SIXTY = Decimal(60)
_HUNDRED = Decimal(100)
_FOUR_PLACES = Decimal("0.0001")


class PricedUnit(StrEnum):
    """What a price is for one of, in AFIR's order."""

    KWH = "kwh"
    MINUTE = "minute"
    SESSION = "session"
    IDLE_MINUTE = "idle_minute"


_UNITS = {
    Priced.ENERGY: PricedUnit.KWH,
    Priced.TIME: PricedUnit.MINUTE,
    Priced.FLAT: PricedUnit.SESSION,
    Priced.PARKING_TIME: PricedUnit.IDLE_MINUTE,
}
_BY_THE_HOUR = (Priced.TIME, Priced.PARKING_TIME)


@dataclass(frozen=True, slots=True)
class TagPrice:
    """One price with its tax, in major units; `tax_percent` is in it, None where no tax applies."""

    per: PricedUnit
    amount: Decimal
    tax_percent: Decimal | None


def price_tag(tariff: Tariff, time_zone: str, at: datetime) -> tuple[TagPrice, ...]:
    """What a charge that begins at this moment costs; nothing at all where it is free."""
    found = {it.type: it for it in rates(tariff, time_zone, at) if it.price}
    return tuple(tag(found[priced], tariff) for priced in _UNITS if priced in found)


def tag(it: PriceComponent, tariff: Tariff) -> TagPrice:
    """One of a tariff's prices as a consumer pays it, down to a hundredth of a cent."""
    amount = it.price / _SIXTY if it.type in _BY_THE_HOUR else it.price
    if not tariff.tax_included:
        amount *= 1 + (it.vat or 0) / _HUNDRED
    return TagPrice(_UNITS[it.type], amount.quantize(_FOUR_PLACES, ROUND_HALF_UP).normalize(), it.vat)
