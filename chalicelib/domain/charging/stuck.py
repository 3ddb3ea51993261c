"""Sessions that do not go on: on their way in or out for longer than anything there takes, or waiting for a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.charging.session import Session, State

_STUCK_AFTER = timedelta(minutes=30)


def why_stuck(session: Session, at: datetime) -> str:
    """What it waits for, in words for its operator; empty while it goes on, or its car stands at the plug."""
    if session.is_at_rest or session.is_standing:
        return ""
    if session.is_releasing:
        is_late = session.ended_at is not None and at - session.ended_at >= _STUCK_AFTER
        return f"session {session.session_id} failed, and what is held for it was not given back" if is_late else ""
    if session.needs_review:
        return f"session {session.session_id}: what it delivered has to be decided"
    since = {State.INITIATED: session.created_at, State.STOPPING: session.stopped_at or session.stop_requested_at}
    stands_since = since.get(session.state)
    if stands_since is None or at - stands_since < _STUCK_AFTER:
        return ""
    return f"session {session.session_id} is {session.state} since {stands_since:%Y-%m-%d %H:%M} UTC"
