"""A quote: what a charge would take and cost that is wished for by energy, time, state of charge or money.

What a plug gives is taken to flow evenly; a battery that is nearly full takes longer.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.price_tag import TagPrice, tag
from chalicelib.domain.pricing.rating import planned, price
from chalicelib.domain.pricing.tariff import Priced, ReservationRestriction, Tariff

MOST_WH, MOST_S = 2_000_000, 172_800
# An ordinary wallbox, where nobody has said what a plug gives.
USUAL_W = 11_000
_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeWish:
    """What a driver wants of a charge: energy, time or money, or energy in a time; then it stands `parked_s`."""

    begins_at: datetime
    power_w: int
    energy_wh: int | None = None
    charging_s: int | None = None
    amount_minor: int | None = None
    parked_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedCharge:
    """What it comes to."""

    energy_wh: int
    charging_s: int
    bill: Bill


def quote(tariff: Tariff, time_zone: str, wish: ChargeWish) -> QuotedCharge:
    """The quote for a wish. Raises ValueError for one that says nothing, or two things at once."""
    if wish.amount_minor is not None:
        if wish.energy_wh is not None or wish.charging_s is not None:
            raise ValueError("ask by amount, or by energy and time")
        return _for_money(tariff, time_zone, wish, wish.amount_minor)
    energy_wh, charging_s = wish.energy_wh, wish.charging_s
    if energy_wh is None and charging_s is None:
        raise ValueError("ask by energy, time, state of charge or amount")
    if energy_wh is None:
        energy_wh = min(wish.power_w * (charging_s or 0) // _HOUR_S, MOST_WH)
    if charging_s is None:
        charging_s = _time_for(energy_wh, wish.power_w)
    return _priced(tariff, time_zone, wish, energy_wh, charging_s)


def reservation_tag(tariff: Tariff) -> tuple[tuple[ReservationRestriction, TagPrice], ...]:
    """What it costs to keep a connector, and not to come: the first price of each kind, with its tax."""
    found = []
    for restriction in ReservationRestriction:
        elements = [it for it in tariff.elements if it.restrictions.reservation is restriction]
        for priced in (Priced.TIME, Priced.FLAT):
            component = next((known for it in elements if (known := it.component(priced)) is not None), None)
            if component is not None and component.price:
                found.append((restriction, tag(component, tariff)))
    return tuple(found)


def _for_money(tariff: Tariff, time_zone: str, wish: ChargeWish, amount_minor: int) -> QuotedCharge:
    """The most energy that costs no more: sought upwards, so that what is looked at is as short as what is found."""

    def priced(energy_wh: int) -> QuotedCharge:
        return _priced(tariff, time_zone, wish, energy_wh, _time_for(energy_wh, wish.power_w))

    most_wh = min(MOST_WH, wish.power_w * MOST_S // _HOUR_S)
    low_wh, high_wh = 0, 1000
    while high_wh < most_wh and priced(high_wh).bill.total_minor <= amount_minor:
        low_wh, high_wh = high_wh, high_wh * 2
    high_wh = min(high_wh, most_wh)
    if priced(high_wh).bill.total_minor <= amount_minor:
        return priced(high_wh)
    while high_wh - low_wh > 1:
        middle_wh = (low_wh + high_wh) // 2
        if priced(middle_wh).bill.total_minor <= amount_minor:
            low_wh = middle_wh
        else:
            high_wh = middle_wh
    return priced(low_wh)


def _time_for(energy_wh: int, power_w: int) -> int:
    return min(-(-energy_wh * _HOUR_S // power_w), MOST_S)


def _priced(tariff: Tariff, time_zone: str, wish: ChargeWish, energy_wh: int, charging_s: int) -> QuotedCharge:
    usage = planned(wish.begins_at, energy_wh, charging_s, wish.parked_s)
    return QuotedCharge(energy_wh=energy_wh, charging_s=charging_s, bill=price(tariff, usage, time_zone))
