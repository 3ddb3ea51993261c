"""Rating: the bill that follows from a tariff and a charge's periods alone.

Everything is exact (fractions) until a line is made of it: then its quantity is whole Wh or seconds, and its amount is
that quantity times its price, rounded half up to minor units; the lines sum up. Charging periods may be cut anywhere;
that changes nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from operator import itemgetter

from chalicelib.domain.pricing.bill import Bill, Dimension, Line, total
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.domain.pricing.registers import Point
from chalicelib.domain.pricing.tariff import (
    Element,
    PriceComponent,
    Priced,
    ReservationRestriction,
    Restrictions,
    Tariff,
)
from chalicelib.domain.pricing.wall_clock import changes_between, is_within

_UNIT = {Priced.ENERGY: 1000, Priced.TIME: 3600, Priced.PARKING_TIME: 3600, Priced.FLAT: 1}
# Tells current from power where a tariff asks for it and no charger told: AC is sold at this voltage.
_NOMINAL_V = 230
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingPeriod:
    """A charging period (OCPI): a part of a charge in which energy came evenly; one not `is_charging` is time parked.

    `current_ma` is what was measured to flow, all phases together; None where nobody told.
    """

    began_at: datetime
    ended_at: datetime
    energy_wh: Fraction
    is_charging: bool = True
    current_ma: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation to be paid for: for how long a connector was kept, and whether nobody came."""

    began_at: datetime
    ended_at: datetime
    has_expired: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """All that is to be paid for; charging periods follow each other without a gap."""

    periods: tuple[ChargingPeriod, ...] = ()
    reserved: Reserved | None = None


def charging_periods(
    points: Sequence[Point],
    began_at: datetime,
    ended_at: datetime,
    energy_wh: int | None,
    currents: Sequence[tuple[datetime, int]] = (),
) -> tuple[ChargingPeriod, ...]:
    """How a charge went, by the registers its meter showed; `energy_wh` is what counts in the end, None: unknown.

    `currents` are what was measured to flow (mA, all phases together), and when.

    Time after the last energy is time parked: a pause after which energy flowed again is not the driver's doing.
    Without any register all of it counts as charging.
    """
    ended_at = max(began_at, ended_at)
    inner = sorted((it for it in points if began_at < it.at < ended_at), key=lambda it: it.at)
    known = [it.energy_wh for it in points]
    marks = [
        Point(began_at, known[0] if known else 0),
        *inner,
        Point(ended_at, known[-1] if known else 0),
    ]
    rises = [max(0, after.energy_wh - before.energy_wh) for before, after in pairwise(marks)]
    measured_wh = sum(rises)
    if not measured_wh or not energy_wh:
        whole = Fraction(energy_wh or 0)
        return (
            ChargingPeriod(
                began_at=began_at, ended_at=ended_at, energy_wh=whole, is_charging=energy_wh is None or energy_wh > 0
            ),
        )
    last = max(index for index, rise in enumerate(rises) if rise)
    # Where the evidence proves another sum than the registers show, each part has its share of it.
    share = Fraction(energy_wh, measured_wh)
    told = sorted(currents)
    return tuple(
        ChargingPeriod(
            began_at=before.at,
            ended_at=after.at,
            energy_wh=rise * share,
            is_charging=index <= last,
            current_ma=_mean(told, before.at, after.at) if rise else None,
        )
        for index, ((before, after), rise) in enumerate(zip(pairwise(marks), rises, strict=True))
    )


def _mean(told: Sequence[tuple[datetime, int]], began_at: datetime, ended_at: datetime) -> Fraction | None:
    """The mean of what was told from one time to another, both included; nothing is none where energy flowed."""
    first = bisect_left(told, began_at, key=itemgetter(0))
    within = [current_ma for _, current_ma in told[first : bisect_right(told, ended_at, key=itemgetter(0))]]
    return Fraction(sum(within), len(within)) or None if within else None


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
    start = _Moment(at=at, energy_wh=Fraction(0), duration_s=Fraction(0), power_w=None)
    elements = _elements(tariff, None)
    found = (_first(elements, priced, start, time_zone) for priced in Priced)
    return tuple(component for component in found if component is not None)


def price(tariff: Tariff, usage: Usage, time_zone: str) -> Bill:
    """The bill for what was used, in the site's time zone."""
    lines: list[Line] = []
    if usage.reserved is not None:
        lines += _reservation_lines(tariff, usage.reserved, time_zone)
    if usage.periods:
        tally = _tally(_elements(tariff, None), usage.periods, time_zone)
        lines += _lines(tally, _CHARGED, tariff.currency)
    return total(tariff, lines, is_charge=bool(usage.periods))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """All that a restriction may ask of a moment; power and current unknown where energy came in no time."""

    at: datetime
    energy_wh: Fraction
    duration_s: Fraction
    power_w: Fraction | None
    current_ma: Fraction | None = None


@dataclass(slots=True)
class _Tally:
    """How much of each dimension fell under each price, in the order of first use; and which was used last."""

    amounts: dict[Priced, dict[PriceComponent, Fraction]] = field(default_factory=dict)
    last: dict[Priced, PriceComponent] = field(default_factory=dict)

    def add(self, component: PriceComponent, quantity: Fraction) -> None:
        by_component = self.amounts.setdefault(component.type, {})
        by_component[component] = by_component.get(component, Fraction(0)) + quantity
        self.last[component.type] = component

    def whole(self, priced: Priced) -> dict[PriceComponent, int]:
        """Whole quantities that sum to the whole part of the sum."""
        total = Fraction(0)
        rounded: dict[PriceComponent, int] = {}
        for component, quantity in self.amounts.get(priced, {}).items():
            rounded[component] = floor(total + quantity) - floor(total)
            total += quantity
        return rounded


def _elements(tariff: Tariff, reservation: ReservationRestriction | None) -> list[Element]:
    return [it for it in tariff.elements if it.restrictions.reservation is reservation]


def _tally(elements: Sequence[Element], periods: Sequence[ChargingPeriod], time_zone: str) -> _Tally:
    tally = _Tally()
    began_at, ended_at = periods[0].began_at, periods[-1].ended_at
    limits = [it.restrictions for it in elements]
    clock = list(changes_between(limits, time_zone, began_at, ended_at))
    so_far_wh = Fraction(0)
    # One without time or energy knows no power, and would choose the fee of the charge that follows it.
    for period in [it for it in periods if it.energy_wh or it.ended_at > it.began_at] or periods:
        for moment, energy_wh, duration_s in _pieces(period, began_at, so_far_wh, limits, clock):
            if Priced.FLAT not in tally.amounts and (fee := _first(elements, Priced.FLAT, moment, time_zone)):
                tally.add(fee, Fraction(1))
            if energy_wh and (per_kwh := _first(elements, Priced.ENERGY, moment, time_zone)):
                tally.add(per_kwh, energy_wh)
            timed = Priced.TIME if period.is_charging else Priced.PARKING_TIME
            if duration_s and (per_hour := _first(elements, timed, moment, time_zone)):
                tally.add(per_hour, duration_s)
        so_far_wh += period.energy_wh
    return tally


def _pieces(
    period: ChargingPeriod,
    began_at: datetime,
    so_far_wh: Fraction,
    limits: Sequence[Restrictions],
    clock: Sequence[datetime],
) -> Iterator[tuple[_Moment, Fraction, Fraction]]:
    """A charging period cut wherever a restriction may begin or end: each piece's beginning, energy and time."""
    lasted_s = _seconds(period.ended_at - period.began_at)
    offset_s = _seconds(period.began_at - began_at)
    cuts = {Fraction(0), Fraction(1)}
    if lasted_s:
        cuts.update(_seconds(it - period.began_at) / lasted_s for it in clock)
        bounds_s = (bound for it in limits for bound in (it.min_duration_s, it.max_duration_s) if bound is not None)
        cuts.update((bound - offset_s) / lasted_s for bound in bounds_s)
    if period.energy_wh:
        bounds_wh = (bound for it in limits for bound in (it.min_energy_wh, it.max_energy_wh) if bound is not None)
        cuts.update((bound - so_far_wh) / period.energy_wh for bound in bounds_wh)
    inside = sorted(cut for cut in cuts if 0 <= cut <= 1)
    power_w = period.energy_wh * 3600 / lasted_s if lasted_s else None
    current_ma = period.current_ma
    if current_ma is None and power_w is not None:
        current_ma = power_w * 1000 / _NOMINAL_V
    for start, end in pairwise(inside):
        at = period.began_at + floor(start * lasted_s * 1_000_000) * _MICROSECOND
        moment = _Moment(
            at=at,
            energy_wh=so_far_wh + start * period.energy_wh,
            duration_s=offset_s + start * lasted_s,
            power_w=power_w,
            current_ma=current_ma,
        )
        yield moment, (end - start) * period.energy_wh, (end - start) * lasted_s


def _seconds(span: timedelta) -> Fraction:
    return Fraction(span // _MICROSECOND, 1_000_000)


def _first(elements: Sequence[Element], priced: Priced, moment: _Moment, time_zone: str) -> PriceComponent | None:
    for element in elements:
        component = element.component(priced)
        if component is not None and _applies(element.restrictions, moment, time_zone):
            return component
    return None


def _applies(it: Restrictions, moment: _Moment, time_zone: str) -> bool:
    return (
        _between(it.min_energy_wh, moment.energy_wh, it.max_energy_wh)
        and _between(it.min_duration_s, moment.duration_s, it.max_duration_s)
        and _between(it.min_power_w, moment.power_w, it.max_power_w)
        and _between(it.min_current_ma, moment.current_ma, it.max_current_ma)
        and is_within(it, time_zone, moment.at)
    )


def _between(low: int | None, value: Fraction | None, high: int | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value < high)


def _reservation_lines(tariff: Tariff, reserved: Reserved, time_zone: str) -> list[Line]:
    """OCPI ReservationRestrictionType: an expiry's own price per hour stands in for the reservation's."""
    period = ChargingPeriod(
        began_at=reserved.began_at, ended_at=max(reserved.began_at, reserved.ended_at), energy_wh=Fraction(0)
    )
    made = _tally(_elements(tariff, ReservationRestriction.MADE), [period], time_zone)
    expired = _tally(
        _elements(tariff, ReservationRestriction.EXPIRED) if reserved.has_expired else [], [period], time_zone
    )
    if Priced.TIME in expired.amounts:
        made.amounts.pop(Priced.TIME, None)
    return [
        line
        for kind, tally in ((ReservationRestriction.MADE, made), (ReservationRestriction.EXPIRED, expired))
        for line in _lines(tally, {priced: to for (of, priced), to in _RESERVED.items() if of is kind}, tariff.currency)
    ]


def _lines(tally: _Tally, named: dict[Priced, Dimension], currency: str) -> list[Line]:
    lines = []
    for priced in (Priced.FLAT, Priced.ENERGY, Priced.TIME, Priced.PARKING_TIME):
        quantities = tally.whole(priced)
        # OCPI module CDRs, step_size: once for ENERGY, once for TIME and PARKING_TIME together: on the parking.
        is_followed = priced is Priced.TIME and sum(tally.whole(Priced.PARKING_TIME).values()) > 0
        if priced is not Priced.FLAT and quantities and not is_followed:
            last = tally.last[priced]
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
