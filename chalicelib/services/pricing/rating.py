"""Rating: what a session costs, by its frozen tariff and what its charger told. A charge that gave nothing is free."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.charging.bounds import within_limit
from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.rating import Usage, charging_periods, price


def cost_so_far(session: Session, found: Measured | None, energy_wh: int, until: datetime) -> Bill:
    """The price of what has been taken until then; `found` is what is proven of its course."""
    return _price(session, found, energy_wh, until)


def final_bill(session: Session, found: Measured | None = None) -> Bill:
    """The bill of a session whose energy is measured; never above its driver's limit, for what is beyond is let go.

    Where nobody knows the energy, only its time is charged for.
    """
    return full_bill(replace(session, tariff=within_limit(session)), found)


def full_bill(session: Session, found: Measured | None = None) -> Bill:
    """What its tariff alone would come to, whatever its driver's limit is."""
    began_at = session.started_at or session.created_at
    return _price(session, found, session.energy_wh, session.stopped_at or began_at)


def _price(session: Session, found: Measured | None, energy_wh: int | None, until: datetime) -> Bill:
    began_at = session.started_at or session.created_at
    gave_nothing = session.started_at is None or energy_wh == 0
    course = (found.points, found.currents) if found is not None else ((), ())
    periods = () if gave_nothing else charging_periods(course[0], began_at, until, energy_wh, course[1])
    return price(session.tariff, Usage(periods, session.reserved), session.time_zone)
