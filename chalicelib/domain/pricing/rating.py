"""Rating: the bill that follows from a tariff and a charge's periods alone.

Everything is exact (fractions) until a line is made of it: then its quantity is whole Wh or seconds, and its amount is
that quantity times its price, rounded half up to minor units; the lines sum up. Charging periods may be cut anywhere;
that changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import groupby

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.bill import Bill, Dimension, Line, total
from chalicelib.domain.pricing.course_sum import CourseSum
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.tally import Tally, applying, tally
from chalicelib.domain.pricing.tariff import (
    Element,
    PriceComponent,
    Priced,
    ReservationRestriction,
    Tariff,
)

_UNIT = {Priced.ENERGY: 1000, Priced.TIME: 3600, Priced.PARKING_TIME: 3600, Priced.FLAT: 1}
_SECOND = timedelta(seconds=1)

_CHARGED = {
    Priced.ENERGY: Dimension.ENERGY,
    Priced.TIME: Dimension.TIME,
    Priced.PARKING_TIME: Dimension.PARKING_TIME,
    Priced.FLAT: Dimension.FLAT,
}
_RESERVED = {
    (ReservationRestriction.MADE, Priced.TIME): Dimension.RESERVATION_TIME,
    (ReservationRestriction.MADE, Priced.FLAT): Dimension.RESERVATION_FEE,
    (ReservationRestriction.EXPIRED, Priced.TIME): Dimension.EXPIRED_RESERVATION_TIME,
    (ReservationRestriction.EXPIRED, Priced.FLAT): Dimension.EXPIRED_RESERVATION_FEE,
}


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation to be paid for: for how long a connector was kept, and whether nobody came."""

    began_at: datetime
    ended_at: datetime
    has_expired: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """All that is to be paid for; charging periods follow each other without a gap, and what is `summed` up before."""

    periods: tuple[ChargingPeriod, ...] = ()
    reserved: Reserved | None = None
    summed: CourseSum | None = None


def planned(
    at: datetime, energy_wh: int, charging_s: int, parked_s: int = 0, reserved: Reserved | None = None
) -> Usage:
    """A charge that begins at `at`, gives its energy evenly, and then stands."""
    full_at = at + charging_s * _SECOND
    periods = [ChargingPeriod(began_at=at, ended_at=full_at, energy_wh=Fraction(energy_wh))]
    if parked_s:
        periods.append(
            ChargingPeriod(
                began_at=full_at, ended_at=full_at + parked_s * _SECOND, energy_wh=Fraction(0), is_charging=False
            )
        )
    return Usage(tuple(periods), reserved)


def rates(tariff: Tariff, time_zone: str, at: datetime) -> tuple[PriceComponent, ...]:
    """The prices of a charge that begins at this moment, one for each dimension that costs something."""
    return tuple(applying(_elements(tariff, None), time_zone, at))


def idle_price(
    tariff: Tariff, periods: Sequence[ChargingPeriod], time_zone: str, summed: CourseSum | None = None
) -> PriceComponent | None:
    """The price of standing on from the end of these periods; None where that is free then."""
    ended_at = periods[-1].ended_at
    more = ChargingPeriod(began_at=ended_at, ended_at=ended_at + _SECOND, energy_wh=Fraction(0), is_charging=False)
    elements, earlier = _elements(tariff, None), summed.parked if summed else None
    before, after = (
        tally(elements, it, time_zone, earlier).amounts.get(Priced.PARKING_TIME, {})
        for it in (periods, (*periods, more))
    )
    return next((it for it, quantity in after.items() if it.price and quantity != before.get(it)), None)


def price(tariff: Tariff, usage: Usage, time_zone: str) -> Bill:
    """The bill for what was used, in the site's time zone."""
    lines: list[Line] = []
    if usage.reserved is not None:
        lines += _reservation_lines(tariff, usage.reserved, time_zone)
    if usage.periods:
        since = usage.summed.stand_began_at if usage.summed else None
        periods, is_let_go = _without_short_stands(usage.periods, timedelta(seconds=tariff.idle_grace_s), since)
        summed = usage.summed.without_stand if usage.summed and is_let_go else usage.summed
        sums = tally(_elements(tariff, None), periods, time_zone, summed.tally if summed else None)
        lines += _lines(sums, _CHARGED, tariff.currency)
    return total(tariff, lines, is_charge=bool(usage.periods))


def _without_short_stands(
    periods: Sequence[ChargingPeriod], grace: timedelta, since: datetime | None
) -> tuple[Sequence[ChargingPeriod], bool]:
    """Time parked for less than the grace costs nothing; what is parked for longer costs from its beginning.

    A car that stood there before these periods did so `since` then; says also whether that costs nothing.
    """
    if not grace:
        return periods, False
    found: list[ChargingPeriod] = []
    is_let_go = since is not None and not periods[0].is_parked and periods[0].began_at - since < grace
    for is_stand, group in groupby(periods, key=lambda it: it.is_parked):
        stand = list(group)
        is_first = not found and since is not None
        began_at = since if is_first and since is not None else stand[0].began_at
        is_short = is_stand and stand[-1].ended_at - began_at < grace
        is_let_go = is_let_go or (is_short and is_first)
        found += [replace(it, is_withheld=True) for it in stand] if is_short else stand
    return found, is_let_go


def _elements(tariff: Tariff, reservation: ReservationRestriction | None) -> list[Element]:
    return [it for it in tariff.elements if it.restrictions.reservation is reservation]


def _reservation_lines(tariff: Tariff, reserved: Reserved, time_zone: str) -> list[Line]:
    """OCPI ReservationRestrictionType: an expiry's own price per hour stands in for the reservation's."""
    period = ChargingPeriod(
        began_at=reserved.began_at, ended_at=max(reserved.began_at, reserved.ended_at), energy_wh=Fraction(0)
    )
    made = tally(_elements(tariff, ReservationRestriction.MADE), [period], time_zone)
    expired = tally(
        _elements(tariff, ReservationRestriction.EXPIRED) if reserved.has_expired else [], [period], time_zone
    )
    if Priced.TIME in expired.amounts:
        made.amounts.pop(Priced.TIME, None)
    return [
        line
        for kind, sums in ((ReservationRestriction.MADE, made), (ReservationRestriction.EXPIRED, expired))
        for line in _lines(sums, {priced: to for (of, priced), to in _RESERVED.items() if of is kind}, tariff.currency)
    ]


def _lines(sums: Tally, named: dict[Priced, Dimension], currency: str) -> list[Line]:
    lines = []
    for priced in (Priced.FLAT, Priced.ENERGY, Priced.TIME, Priced.PARKING_TIME):
        quantities = sums.whole(priced)
        # OCPI module CDRs, step_size: once for ENERGY, once for TIME and PARKING_TIME together: on the parking.
        is_followed = priced is Priced.TIME and sum(sums.whole(Priced.PARKING_TIME).values()) > 0
        if priced is not Priced.FLAT and quantities and not is_followed:
            last = sums.last[priced]
            quantities[last] += -sum(quantities.values()) % last.step_size
        for component, quantity in quantities.items():
            if quantity and component.price:
                exact = Fraction(component.price) * quantity / _UNIT[priced]
                amount_minor = to_minor(exact, currency)
                lines.append(
                    Line(
                        dimension=named[priced],
                        quantity=quantity,
                        unit_price=component.price,
                        amount_minor=amount_minor,
                        tax_percent=component.vat,
                    )
                )
    return lines
