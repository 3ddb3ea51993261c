"""Unlocks the connector for a driver whose car will not let go of the cable after the charge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain.chargers.commands import Unable, Unlock
from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Calls, Connectors
from chalicelib.ports.charging import Sessions
from chalicelib.records.chargers import ConnectorState, Gone, Purpose, SentCall
from chalicelib.services.access import Refusal, drivers_own
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.chargers.connectors import is_held
from chalicelib.services.drivers.eligibility import busy

# A cable is not forgotten for longer than this; what is locked there by then is somebody else's.
_THEIRS_FOR = timedelta(hours=24)
_LOOK_AGAIN_S = 0.25


@dataclass(frozen=True, kw_only=True)
class CableRelease:
    """Unlocks the connector of a session that has ended, for its driver and nobody else."""

    connectors: Connectors
    sessions: Sessions
    calls: Calls
    commands: ChargerCommands
    clock: Clock
    sleep: Callable[[float], None]

    def unlock(self, driver_id: str, session_id: str, wait_s: float) -> SentCall:
        """Ask the charger to let go of the cable, and wait a little for its answer. Raises NotFound, Refusal."""
        session = drivers_own(self.sessions.get(session_id), driver_id, f"session {session_id}")
        self._check(session)
        try:
            call = self.commands.send(session.charger_id, Unlock(session.connector), Purpose.UNLOCK, session_id)
        except Gone:
            raise Refusal("charger_offline", f"charger {session.charger_id} is offline") from None
        except Unable as error:
            raise Refusal("not_possible", str(error)) from None
        deadline = self.clock() + timedelta(seconds=wait_s)
        while call.result is None and self.clock() < deadline:
            self.sleep(_LOOK_AGAIN_S)
            call = self.calls.get(call.charger_id, call.message_id) or call
        return call

    def _check(self, session: Session) -> None:
        """Whose cable it is now. Raises Refusal where it cannot be this driver's."""
        if session.started_at is None:
            raise Refusal("nothing_charged", "this session never began")
        if session.stopped_at is None:
            raise Refusal("session_under_way", "end the session first (DELETE /v1/sessions/{session_id})")
        state = self._state(session)
        if state.session_id != session.session_id and is_held(self.sessions, state):
            raise busy(session.connector)
        is_free_since = (
            state.status is ConnectorStatus.AVAILABLE
            and state.status_at is not None
            and state.status_at > session.stopped_at
        )
        is_anothers = (state.session_id or state.last_session_id or session.session_id) != session.session_id
        if is_free_since or is_anothers or self.clock() - session.stopped_at > _THEIRS_FOR:
            raise Refusal("cable_gone", f"connector {session.connector} has been free, or another's, since then")

    def _state(self, session: Session) -> ConnectorState:
        states = self.connectors.of_charger(session.charger_id)
        return next(
            (it for it in states if it.connector == session.connector), ConnectorState(connector=session.connector)
        )
