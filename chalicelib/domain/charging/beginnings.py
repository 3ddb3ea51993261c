"""Beginnings: when a charge can have begun at the earliest, by what its connector told while its charger was heard.

A charger whose line is open says at once what begins. So one that tells of a charge long afterwards, of a time at which
its line was open and its connector free, had a clock that was behind: it began when that was no longer so. Nobody pays
for time before they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.availability import Happening, LineChanged, StatusChanged, statuses_of
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus

# Messages that fail are sent again for minutes. And an open line is known to be broken after so long (API Gateway).
TOLD_LATE = timedelta(minutes=10)
# No charge goes on at such a connector.
_FREE = (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING, ConnectorStatus.RESERVED)


def is_told_late(began_at: datetime | None, heard_at: datetime | None) -> bool:
    """Whether a beginning was told so long after it that what was heard meanwhile may contradict it."""
    return began_at is not None and heard_at is not None and heard_at - began_at > TOLD_LATE


def free_until(
    happened: Sequence[Happening], connector: ConnectorId, began_at: datetime, heard_at: datetime
) -> datetime | None:
    """Until when the connector went on to be free at which a charge is said to have begun; None: it may have.

    `happened` is what was heard until `heard_at`, with the last changes before `began_at`.
    """
    is_heard, status = False, None
    earlier = [it for it in happened if it.at <= began_at]
    for it in earlier:
        if isinstance(it, LineChanged):
            # What it was before its line broke need not be so any more.
            status = status if it.online and is_heard else None
            is_heard = it.online
        elif it.connector == connector:
            status = it.status
    if not is_heard or status not in _FREE:
        return None
    for it in happened[len(earlier) :]:
        if isinstance(it, LineChanged) and not it.online:
            until = it.at - TOLD_LATE
            return until if until > began_at else None
        if isinstance(it, StatusChanged) and it.connector == connector and it.status not in _FREE:
            return min(it.at, heard_at)
    return heard_at


def was_taken_anew(happened: Sequence[Happening], connector: ConnectorId) -> bool:
    """Whether a connector was told to be free, and then to wait with a car: another one, or the same come back."""
    is_free = False
    for it in statuses_of(happened, connector):
        if is_free and it.status is ConnectorStatus.PREPARING:
            return True
        is_free = it.status is ConnectorStatus.AVAILABLE
    return False
