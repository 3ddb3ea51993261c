"""What a session costs follows from its frozen tariff and what its charger told; a charge that gave nothing is free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.rating import Usage, charging_periods, price
from chalicelib.domain.pricing.registers import Point


def cost_so_far(session: Session, points: Sequence[Point], energy_wh: int, until: datetime) -> Bill:
    """The price of what has been taken until then; `points` are the registers believed, its course."""
    return _price(session, points, energy_wh, until)


def final_bill(session: Session, points: Sequence[Point]) -> Bill:
    """The bill of a session whose energy is measured. Where nobody knows the energy, only its time is charged for."""
    began_at = session.started_at or session.created_at
    return _price(session, points, session.energy_wh, session.stopped_at or began_at)


def _price(session: Session, points: Sequence[Point], energy_wh: int | None, until: datetime) -> Bill:
    began_at = session.started_at or session.created_at
    gave_nothing = session.started_at is None or energy_wh == 0
    periods = () if gave_nothing else charging_periods(points, began_at, until, energy_wh)
    return price(session.tariff, Usage(periods, session.reserved), session.time_zone)
