"""What a session costs follows from its frozen tariff and what its charger told; a charge that gave nothing is free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.evidence import Point
from chalicelib.domain.pricing.rating import Usage, charging_periods, price
from chalicelib.ports.charging import Readings
from chalicelib.records.charging import StoredReading

# A reading a second for a day and a half.
MOST_READINGS = 100_000


def registers(session: Session, readings: Sequence[StoredReading]) -> list[Point]:
    """The session's registers in order: its first, those of its readings, its last."""
    began_at = session.started_at or session.created_at
    told = [(it.reading.at, it.reading.energy_wh) for it in readings if it.reading.energy_wh is not None]
    # Of the same second the lower comes first: a meter only rises, and frames of one time are in no order.
    points = [Point(at, energy_wh) for at, energy_wh in sorted(told)]
    if session.meter_start_wh is not None:
        points.insert(0, Point(began_at, session.meter_start_wh))
    if session.meter_stop_wh is not None:
        points.append(Point(session.stopped_at or began_at, session.meter_stop_wh))
    return points


def telling(readings: Readings, session: Session, newest: Sequence[StoredReading] = ()) -> Sequence[StoredReading]:
    """The readings that a session's price depends on: all of them (one query), or `newest` where its course is nothing.

    Oldest first.
    """
    if session.ref is None or not session.tariff.depends_on_course:
        return newest
    return readings.after(session.charger_id, session.ref, "", MOST_READINGS)


def cost_so_far(session: Session, readings: Sequence[StoredReading], energy_wh: int, until: datetime) -> Bill:
    """The price of what has been taken until then."""
    return _price(session, readings, energy_wh, until)


def final_bill(session: Session, readings: Sequence[StoredReading]) -> Bill:
    """The bill of a session whose energy is measured. Where nobody knows the energy, only its time is charged for."""
    began_at = session.started_at or session.created_at
    return _price(session, readings, session.energy_wh, session.stopped_at or began_at)


def _price(session: Session, readings: Sequence[StoredReading], energy_wh: int | None, until: datetime) -> Bill:
    began_at = session.started_at or session.created_at
    gave_nothing = session.started_at is None or energy_wh == 0
    periods = () if gave_nothing else charging_periods(registers(session, readings), began_at, until, energy_wh)
    return price(session.tariff, Usage(periods, session.reserved), session.time_zone)
