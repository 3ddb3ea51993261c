"""Which session has a connector: the one whose car is plugged in there, until that has left; then the next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import Session, State
from chalicelib.ports.chargers import Connectors
from chalicelib.ports.charging import Sessions
from chalicelib.records.chargers import ConnectorState

# A charge told so much later than it began says nothing about who asked for its connector since.
_PROMPT = timedelta(minutes=2)
# Takes a connector of a charger from a session.
Free = Callable[[str, ConnectorId, str], ConnectorState | None]


def take_connector(connectors: Connectors, sessions: Sessions, session: Session) -> bool:
    """Give the connector to the session; one left behind by a session that has ended is taken from it."""
    if connectors.claim(session.charger_id, session.connector, session.session_id):
        return True
    for state in connectors.of_charger(session.charger_id):
        if state.connector == session.connector and state.session_id:
            if is_held(sessions, state):
                return False
            connectors.free(session.charger_id, session.connector, state.session_id)
    return connectors.claim(session.charger_id, session.connector, session.session_id)


def is_held(sessions: Sessions, state: ConnectorState) -> bool:
    """Whether the session that has a connector still needs it."""
    holder = sessions.get(state.session_id) if state.session_id else None
    return holder is not None and not (holder.is_over or holder.stopped_at)


def seat(
    connectors: Connectors, sessions: Sessions, session: Session, connector: ConnectorId, free: Free
) -> Session | None:
    """Give a connector to the session that charges there, and back any other it has, by `free`.

    A connector has one car: returns the session that cannot charge there any more, though nobody has said so. That is
    the one that had it, or, if that began later, `session` itself, which then gets nothing.
    """
    states = {state.connector: state for state in connectors.of_charger(session.charger_id)}
    state = states.get(connector, ConnectorState(connector=connector))
    others = [it for it in states.values() if it.connector != connector and it.session_id == session.session_id]
    holder_id = state.session_id if state.session_id != session.session_id else None
    holder = sessions.get(holder_id) if holder_id else None
    superseded = None
    if holder is not None and not holder.is_over and holder.stopped_at is None:
        if holder.state is State.INITIATED:
            # Whoever has only asked for it gives way to a car that draws there now.
            is_prompt = session.started_at is not None and session.started_at >= holder.created_at - _PROMPT
            if not is_prompt:
                return None
        elif _began(holder) > _began(session):
            return session
        elif _began(holder) == _began(session):
            # Nobody can say which of the two is there; both stay, and their own ends decide.
            return None
        else:
            superseded = holder
    if state.session_id != session.session_id:
        connectors.give(session.charger_id, connector, session.session_id, state.session_id)
    for other in others:
        free(session.charger_id, other.connector, session.session_id)
    return superseded


def _began(session: Session) -> datetime:
    return session.started_at or session.created_at
