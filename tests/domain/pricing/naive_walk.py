"""The walk through a charge as anybody would write it down first.

Every period is cut by every bound of every element, and every element is asked at every piece: its work is the product
of all three. It is what the real one must agree with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.tariff import DAYS, Element, PriceComponent, Priced, Restrictions

Amounts = dict[Priced, dict[PriceComponent, Fraction]]
_US = timedelta(microseconds=1)


def naive_amounts(elements: Sequence[Element], periods: Sequence[ChargingPeriod], zone: str) -> Amounts:
    """How much of each dimension fell under which price, exactly."""
    amounts: Amounts = {}

    def add(component: PriceComponent, quantity: Fraction) -> None:
        by_price = amounts.setdefault(component.type, {})
        by_price[component] = by_price.get(component, Fraction(0)) + quantity

    began_at, so_far_wh = periods[0].began_at, Fraction(0)
    changes = list(_changes(elements, zone, began_at, periods[-1].ended_at))
    for period in periods:
        lasted, offset = _seconds(period.ended_at - period.began_at), _seconds(period.began_at - began_at)
        power_w = period.power_w
        if power_w is None and lasted:
            power_w = period.energy_wh * 3600 / lasted
        current_ma = period.current_ma
        if current_ma is None and power_w is not None:
            current_ma = power_w * 1000 / 230
        cuts = {Fraction(0), Fraction(1)}
        for limits in (it.restrictions for it in elements):
            if lasted:
                bounds = (it for it in (limits.min_duration_s, limits.max_duration_s) if it is not None)
                cuts |= {(bound - offset) / lasted for bound in bounds}
            if period.energy_wh:
                bounds = (it for it in (limits.min_energy_wh, limits.max_energy_wh) if it is not None)
                cuts |= {(bound - so_far_wh) / period.energy_wh for bound in bounds}
        if lasted:
            cuts |= {_seconds(it - period.began_at) / lasted for it in changes}
        for start, end in pairwise(sorted(it for it in cuts if 0 <= it <= 1)):
            at = period.began_at + floor(start * lasted * 1_000_000) * _US
            known = (so_far_wh + start * period.energy_wh, offset + start * lasted, power_w, current_ma)

            def first(
                priced: Priced, at: datetime = at, known: tuple[Fraction | None, ...] = known
            ) -> PriceComponent | None:
                fitting = (it for it in elements if it.component(priced) and _applies(it.restrictions, at, zone, known))
                return next((it.component(priced) for it in fitting), None)

            energy_wh, lasts = (end - start) * period.energy_wh, (end - start) * lasted
            if Priced.FLAT not in amounts and (fee := first(Priced.FLAT)):
                add(fee, Fraction(1))
            if energy_wh and (per_kwh := first(Priced.ENERGY)):
                add(per_kwh, energy_wh)
            if lasts and period.is_charging and (per_hour := first(Priced.TIME)):
                add(per_hour, lasts)
            if lasts and not period.is_charging and not period.is_withheld and (idle := first(Priced.PARKING_TIME)):
                add(idle, lasts)
        so_far_wh += period.energy_wh
    return amounts


def _changes(elements: Sequence[Element], zone: str, began_at: datetime, ended_at: datetime) -> Iterator[datetime]:
    """Every time of day that is named, every midnight, and every full quarter of an hour: clocks change at one."""
    times = {time()}
    for it in elements:
        times |= {edge for edge in (it.restrictions.start_time, it.restrictions.end_time) if edge is not None}
    day = began_at.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    while day <= ended_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1):
        for edge in times:
            for fold in (0, 1):
                yield datetime.combine(day, edge, ZoneInfo(zone)).replace(fold=fold).astimezone(UTC)
        day += timedelta(days=1)
    quarter = began_at.replace(minute=0, second=0, microsecond=0)
    while quarter < ended_at:
        yield quarter
        quarter += timedelta(minutes=15)


def _applies(it: Restrictions, at: datetime, zone: str, known: tuple[Fraction | None, ...]) -> bool:
    energy_wh, duration_s, power_w, current_ma = known
    here = at.astimezone(ZoneInfo(zone))
    return (
        _holds(it.min_energy_wh, energy_wh, it.max_energy_wh)
        and _holds(it.min_duration_s, duration_s, it.max_duration_s)
        and _holds(it.min_power_w, power_w, it.max_power_w)
        and _holds(it.min_current_ma, current_ma, it.max_current_ma)
        and _holds(it.start_date, here.date(), it.end_date)
        and (not it.day_of_week or DAYS[here.weekday()] in it.day_of_week)
        and _is_time(it.start_time, here.time(), it.end_time)
    )


def _is_time(start: time | None, now: time, end: time | None) -> bool:
    minute, day = now.hour * 60 + now.minute + now.second / 60 + now.microsecond / 60_000_000, 24 * 60
    begins = 0 if start is None else start.hour * 60 + start.minute
    ends = day if end is None or end == time() else end.hour * 60 + end.minute
    if begins < ends:
        return begins <= minute < ends
    return minute >= begins or minute < ends


def _holds(low: Any, value: Any, high: Any) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value < high)


def _seconds(span: timedelta) -> Fraction:
    return Fraction(span // _US, 1_000_000)
