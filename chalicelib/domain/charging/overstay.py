"""Overstay: how long a car stands at the plug after its charge, by what its charger tells of the connector.

A plug is occupied until its charger says otherwise; but only a charger that says that the car stands there is waited
for, and only for as long as it can be heard. What nobody told costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.availability import BRIEF, Happening, silences, statuses_of
from chalicelib.domain.chargers.events import ConnectorStatus, StopReason
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass

# A bill waits no longer for its car to leave, and no more than this is paid for standing there.
LONGEST = timedelta(hours=12)
# So soon after a charge its charger has said what the connector does now.
SAID_WITHIN = timedelta(seconds=5)
_CAR_THERE = (
    ConnectorStatus.PREPARING,
    ConnectorStatus.CHARGING,
    ConnectorStatus.SUSPENDED_BY_CAR,
    ConnectorStatus.SUSPENDED_BY_CHARGER,
    ConnectorStatus.FINISHING,
    ConnectorStatus.OCCUPIED,
)
_BROKEN = (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE)


class PlugState(StrEnum):
    """Whether a car is at the plug where it charged."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When a charge was heard of, by our clock; `tells_changes_only`: its charger repeats no status (OCPP 2.x)."""

    started_at: datetime
    stopped_at: datetime
    tells_changes_only: bool = False


def plug_after(session: Session, heard: Heard, happened: Sequence[Happening]) -> tuple[PlugState, datetime | None]:
    """What is known of the plug after a charge, by what its connector told since that was heard of.

    With it, where it is free, since when.
    """
    if session.stop_reason is StopReason.CAR_LEFT:
        return PlugState.FREE, session.stopped_at
    if session.unplugged_at is not None:
        return PlugState.FREE, session.unplugged_at
    its_own = statuses_of(happened, session.connector)
    since = [it for it in its_own if it.at > heard.started_at]
    last = max(its_own if heard.tells_changes_only else since, key=lambda it: it.at, default=None)
    if last is None:
        return PlugState.UNKNOWN, None
    if last.status is ConnectorStatus.AVAILABLE:
        return (PlugState.FREE, last.since) if last.at > heard.started_at else (PlugState.UNKNOWN, None)
    is_said = last.status is ConnectorStatus.FINISHING or last.at >= heard.stopped_at or heard.tells_changes_only
    return (PlugState.OCCUPIED if last.status in _CAR_THERE and is_said else PlugState.UNKNOWN), None


def stood_until(session: Session, happened: Sequence[Happening], until: datetime) -> datetime:
    """Until when a car is known to have stood there; at most `until`, when it was seen to be gone or still there.

    Where its charger could not be heard before that, and did not say later when the car left: until the line broke.
    Where it broke down, until then: no car stands by its driver's doing at a plug that may not let it go.
    """
    stopped_at = session.stopped_at or until
    its_own = statuses_of(happened, session.connector)
    broken = [it.since for it in statuses_of(happened, session.connector, None) if it.status in _BROKEN]
    broke_down_at = min((it for it in broken if stopped_at <= it < until), default=None)
    if broke_down_at is not None:
        return broke_down_at
    if any(it.told_at == until for it in its_own):
        return max(stopped_at, until)
    there = [it.at for it in its_own if it.status in _CAR_THERE and it.at <= until]
    seen_at = max([stopped_at, *there])
    for broke_at, back_at in silences(happened, until):
        if back_at > seen_at and back_at - broke_at > BRIEF:
            until = min(until, max(broke_at, seen_at))
    return max(stopped_at, until)
