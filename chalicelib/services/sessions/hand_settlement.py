"""Settles a session by hand: an operator ends it, whatever its charger says; who did so, and why, stays with it."""

from __future__ import annotations

import logging

from chalicelib.domain.charging.ends import EndedByHand
from chalicelib.domain.charging.session import ByHand, Session, State
from chalicelib.domain.charging.transitions import StopRequested
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions, Workflow
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.drivers.watches import Watches

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HandSettlement:
    """What an operator may do with any session of its own. Doing it again changes nothing."""

    sessions: Sessions
    watches: Watches
    workflow: Workflow
    metering: Metering
    changes: SessionChanges
    clock: Clock

    def ask_to_end(self, operator_id: str, session_id: str) -> Session:
        """Have the charger asked to end it, as its driver could. Raises NotFound, Refusal when it is over."""
        session = self._under_way(operator_id, session_id)
        return self.changes.apply(session_id, StopRequested(self.clock()), known=session)

    def settle(self, operator_id: str, session_id: str, by: str, note: str) -> Session:
        """End it now by what is proven, and bill that. Raises NotFound, Refusal when it is over.

        `by` is the person who decides, `note` their reason. The charger's own word corrects it, should it still come.
        """
        session = self._own(operator_id, session_id)
        if session.by_hand is not None:
            return session
        self._check_open(session)
        by_hand = ByHand(by, self.clock(), note)
        session = self.changes.apply(session_id, EndedByHand(by_hand), known=session)
        _log.warning("ended by hand", extra={"session_id": session_id, "by": by, "note": note})
        self.watches.free(session.charger_id, session.connector, session_id)
        if session.state is State.STOPPING and session.stopped_at is None:
            session = self.metering.measured(session)
        self.workflow.start(session)
        return session

    def _under_way(self, operator_id: str, session_id: str) -> Session:
        session = self._own(operator_id, session_id)
        self._check_open(session)
        return session

    def _own(self, operator_id: str, session_id: str) -> Session:
        return operators_own(self.sessions.get(session_id), operator_id, f"session {session_id}")

    def _check_open(self, session: Session) -> None:
        if session.is_over or session.bill is not None:
            raise Refusal("session_over", "the session is over, and billed as far as it is going to be")
