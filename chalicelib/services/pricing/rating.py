"""Rating: what a session costs, by its frozen tariff and what its charger told.

A charge that gave nothing costs nothing but the time in which its car kept others from charging.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.chargers.events import StopReason
from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.periods import NOTHING, charging_periods
from chalicelib.domain.pricing.rating import Usage, price
from chalicelib.domain.pricing.tariff import Tariff

# It was the charger that gave nothing.
_BROKEN = (StopReason.FAULT, StopReason.POWER_LOSS, StopReason.REBOOT)


def cost_so_far(session: Session, found: Measured | None, energy_wh: int, until: datetime) -> Bill:
    """The price of what has been taken until then; `found` is what is proven of its course."""
    return _price(session, found, energy_wh, until)


def final_bill(session: Session, found: Measured | None = None) -> Bill:
    """The bill of a session whose energy is measured. Where nobody knows the energy, only its time is charged for."""
    began_at = session.started_at or session.created_at
    return _price(session, found, session.energy_wh, session.stopped_at or began_at)


def _price(session: Session, found: Measured | None, energy_wh: int | None, until: datetime) -> Bill:
    began_at = session.started_at or session.created_at
    if session.started_at is None:
        return price(session.tariff, Usage((), session.reserved), session.time_zone)
    points, reported = (found.points, found.reported) if found is not None else ((), NOTHING)
    reported = replace(reported, goes_on=session.stopped_at is None)
    periods = charging_periods(points, began_at, until, energy_wh, reported)
    tariff: Tariff | None = session.tariff
    if energy_wh == 0:
        tariff = None if session.stop_reason in _BROKEN else session.tariff.for_blocking
    usage = Usage(periods if tariff else (), session.reserved)
    return price(tariff or session.tariff, usage, session.time_zone)
