"""Rating: what a session costs, by its frozen tariff and what its charger told. A charge that gave nothing is free."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.rating import ChargingPeriod, Usage, charging_periods, price


def cost_so_far(
    session: Session, found: Measured | None, energy_wh: int | None, until: datetime, told_at: datetime | None = None
) -> Bill:
    """The price of what has been taken until then; `found` is what is proven of its course.

    What was the case at the newest reading, told at `told_at`, goes on until the next. Before the first one nobody
    knows the energy (None), and only time is charged for.
    """
    return _price(session, found, energy_wh, until, told_at)


def final_bill(session: Session, found: Measured | None = None) -> Bill:
    """The bill of a session whose energy is measured. Where nobody knows the energy, only its time is charged for."""
    began_at = session.started_at or session.created_at
    return _price(session, found, session.energy_wh, session.stopped_at or began_at)


def _price(
    session: Session, found: Measured | None, energy_wh: int | None, until: datetime, told_at: datetime | None = None
) -> Bill:
    began_at = session.started_at or session.created_at
    gave_nothing = session.started_at is None or energy_wh == 0
    course = (found.points, found.currents) if found is not None else ((), ())
    periods = () if gave_nothing else charging_periods(course[0], began_at, until, energy_wh, course[1])
    if told_at is not None:
        periods = _going_on(periods, told_at)
    return price(session.tariff, Usage(periods, session.reserved), session.time_zone)


def _going_on(periods: tuple[ChargingPeriod, ...], told_at: datetime) -> tuple[ChargingPeriod, ...]:
    """Time after the newest reading is no idle time while energy flowed until then: the next reading will say."""
    if len(periods) < 2 or periods[-1].began_at < told_at or not periods[-2].energy_wh:
        return periods
    return (*periods[:-1], replace(periods[-1], is_charging=True))
