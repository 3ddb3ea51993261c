"""How far a charge under way has come by now: its time runs on between readings, as long as its charger is there.

Nothing of this is billed: a bill knows the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.chargers import Chargers

# One that has spoken so lately is there; only of others their row is asked.
_QUIET = timedelta(minutes=2)
# By so much a charger's clock may be ahead of ours and still be believed.
_AHEAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Until when a charge is shown, and since when its charger is offline: what it did since then nobody knows."""

    until: datetime
    offline_since: datetime | None = None


def elapsed(session: Session, told_at: datetime | None, chargers: Chargers, now: datetime) -> Elapsed:
    """Until when a charge is shown that was last told of at `told_at`. A read of its charger where that is silent."""
    began_at = session.started_at or session.created_at
    if told_at is not None and told_at > now + _AHEAD:
        told_at = None
    last_at = max(began_at, told_at or began_at)
    if session.stopped_at is not None or session.started_at is None or session.is_over:
        return Elapsed(session.stopped_at or last_at)
    wished_at = session.stop_requested_at if session.state is State.STOPPING else None
    offline_since = None
    if told_at is None or now - told_at > _QUIET:
        charger = chargers.get(session.charger_id)
        if charger is not None and charger.connection_id is None:
            offline_since = charger.disconnected_at
    ends = [it for it in (now, session.left_at, wished_at, offline_since) if it is not None]
    return Elapsed(max(last_at, min(ends)), offline_since)
