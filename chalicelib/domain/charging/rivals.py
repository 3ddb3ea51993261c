"""Rivals: charges told of one plug at the same time, which one car can have made once only.

Chargers tell a start anew whose answer they lost, write their queue twice, or stamp what they tell late. What one of
two such charges had of the meter's register the other had not: it is billed once, whoever they are said to be of.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import replace
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.evidence import Flag


def are_rivals(one: Session, other: Session, ended_at: datetime | None = None) -> bool:
    """Whether two charges are told of one plug at one time; the first ended then, where its own row does not say so."""
    if (one.charger_id, one.connector) != (other.charger_id, other.connector):
        return False
    if one.started_at is None or other.started_at is None:
        return False
    until = one.stopped_at or ended_at
    is_before = until is not None and until <= other.started_at
    return not is_before and (other.stopped_at is None or other.stopped_at > one.started_at)


def uncontested(found: Measured, session: Session, rival: Session, ended_at: datetime) -> Measured:
    """What is proven of a session's charge without what its rival had: as billed, or as told where that came first."""
    theirs_wh = _had_wh(rival, session)
    if theirs_wh is None or not found.energy_wh or found.first_wh is None or found.last_wh is None:
        return found
    if not are_rivals(session, rival, ended_at):
        return found
    shared_wh = min(found.last_wh, theirs_wh[1]) - max(found.first_wh, theirs_wh[0])
    if shared_wh <= 0:
        return found
    return replace(
        found, energy_wh=max(0, found.energy_wh - shared_wh), flags=found.flags | {Flag.TOLD_TWICE}, agrees=False
    )


def _had_wh(rival: Session, session: Session) -> tuple[int, int] | None:
    """The registers from which and to which a rival is billed; None where it leaves all to the session."""
    start_wh = rival.meter_start_wh
    if start_wh is None:
        return None
    if rival.measured_wh is not None:
        return start_wh, start_wh + rival.measured_wh
    is_first = rival.created_at < session.created_at
    if is_first and rival.stopped_at is not None and rival.meter_stop_wh is not None:
        return start_wh, rival.meter_stop_wh
    return None
