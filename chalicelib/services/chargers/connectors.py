"""A connector belongs to the session whose car is plugged in there, until that has left; then to the next."""

from __future__ import annotations

from chalicelib.domain.charging.session import Session
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Sessions
from chalicelib.records.chargers import ConnectorState


def take_connector(chargers: Chargers, sessions: Sessions, session: Session) -> bool:
    """Give the connector to the session; one left behind by a session that has ended is taken from it."""
    if chargers.claim(session.charger_id, session.connector, session.session_id):
        return True
    for state in chargers.connectors(session.charger_id):
        if state.connector == session.connector and state.session_id:
            if is_held(sessions, state):
                return False
            chargers.free(session.charger_id, session.connector, state.session_id)
    return chargers.claim(session.charger_id, session.connector, session.session_id)


def is_held(sessions: Sessions, state: ConnectorState) -> bool:
    """Whether the session that has a connector still needs it."""
    holder = sessions.get(state.session_id) if state.session_id else None
    return holder is not None and not (holder.is_over or holder.stopped_at)
