"""Rating: what a session costs, by its frozen tariff and what its charger told.

A charge that gave nothing costs nothing but the time in which its car kept others from charging.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile

from chalicelib.domain.chargers.events import StopReason
from chalicelib.domain.charging.bounds import within_limit
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.course import periods_until
from chalicelib.domain.pricing.course_sum import CourseSum
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.periods import NOTHING, ChargingPeriod, charging_periods
from chalicelib.domain.pricing.rating import Usage, idle_price, price
from chalicelib.domain.pricing.tariff import Tariff

_MINUTES_AN_HOUR = 60
# It was the charger that gave nothing.
_BROKEN = (StopReason.FAULT, StopReason.POWER_LOSS, StopReason.REBOOT)


def cost_so_far(session: Session, found: Measured | None, energy_wh: int | None, until: datetime) -> Bill:
    """The price of what has been taken until then; `found` is what is proven of its course.

    Before the first reading nobody knows the energy (None), and only time is charged for.
    """
    return _price(session, found, energy_wh, until)


def final_bill(session: Session, found: Measured | None = None) -> Bill:
    """The bill of a session whose energy is measured; never above its driver's limit, for what is beyond is let go.

    Where nobody knows the energy, only its time is charged for.
    """
    return full_bill(replace(session, tariff=within_limit(session)), found)


def full_bill(session: Session, found: Measured | None = None) -> Bill:
    """What its tariff alone would come to, whatever its driver's limit is."""
    began_at = session.started_at or session.created_at
    return _price(session, found, session.energy_wh, session.stood_until or session.stopped_at or began_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idling:
    """A car that stands at the plug and does not charge, which costs: since when, and what so far, tax included.

    `free_until`: gone by then, it pays nothing for it. `price_per_minute` is what applies now, None: nothing. `bill` is
    what the charge comes to in all by now, `cost_minor` of it included.
    """

    since: datetime
    free_until: datetime
    price_per_minute: Decimal | None
    cost_minor: int
    bill: Bill


def idling(session: Session, found: Measured | None, energy_wh: int | None, at: datetime) -> Idling | None:
    """Whether a car stands there now at its driver's cost; None where not, or where nobody knows."""
    tariff = session.tariff
    is_there = session.stopped_at is None or session.is_standing
    if not tariff.charges_for_idling or session.bill is not None or not is_there:
        return None
    periods = _periods(session, found, energy_wh, at)
    stand = list(takewhile(lambda it: it.is_parked, reversed(periods)))
    if not stand:
        return None
    summed, since = found.summed if found is not None else None, stand[-1].began_at
    moved_sum = summed
    if summed is not None and len(stand) == len(periods):
        since, moved_sum = summed.stand_began_at or since, summed.without_stand
    now = idle_price(tariff, periods, session.time_zone, summed)
    moved = (*periods[: len(periods) - len(stand)], *(replace(it, is_withheld=True) for it in stand))
    bill = _total(session, energy_wh, periods, summed)
    otherwise = _total(session, energy_wh, moved, moved_sum)
    return Idling(
        since=since,
        free_until=since + timedelta(seconds=tariff.idle_grace_s),
        price_per_minute=now.price / _MINUTES_AN_HOUR if now is not None else None,
        cost_minor=bill.total_minor - otherwise.total_minor,
        bill=bill,
    )


def _price(session: Session, found: Measured | None, energy_wh: int | None, until: datetime) -> Bill:
    summed = found.summed if found is not None else None
    return _total(session, energy_wh, _periods(session, found, energy_wh, until), summed)


def _total(
    session: Session, energy_wh: int | None, periods: tuple[ChargingPeriod, ...], summed: CourseSum | None
) -> Bill:
    tariff: Tariff | None = session.tariff
    if energy_wh == 0:
        tariff = None if session.stop_reason in _BROKEN else session.tariff.for_blocking
    usage = Usage(periods if tariff else (), session.reserved, summed)
    return price(tariff or session.tariff, usage, session.time_zone)


def _periods(
    session: Session, found: Measured | None, energy_wh: int | None, until: datetime
) -> tuple[ChargingPeriod, ...]:
    """How the charge went until then, and how long its car stood at the plug after it."""
    if session.started_at is None:
        return ()
    points, reported = (found.points, found.reported) if found is not None else ((), NOTHING)
    reported = replace(reported, goes_on=session.stopped_at is None)
    ended_at = min(until, session.stopped_at) if session.stopped_at is not None else until
    if found is not None and found.summed is not None:
        charge = periods_until(found, found.summed, ended_at, reported)
    else:
        charge = charging_periods(points, session.started_at, ended_at, energy_wh, reported)
    if until <= ended_at or not (session.is_standing or session.stood_until):
        return charge
    stand = ChargingPeriod(began_at=charge[-1].ended_at, ended_at=until, energy_wh=Fraction(0), is_charging=False)
    return (*charge, stand)
