"""Disputes: a driver says that a bill is wrong, and its operator answers; what is given back is a refund like others.

Both are told of the other's word: the driver by a notification, the operator by an alarm that stands until it answers.
"""

from __future__ import annotations

from chalicelib.domain.charging.dispute_events import DisputeAnswered, DisputeOpened, DisputeWithdrawn, open_dispute
from chalicelib.domain.charging.disputes import MOST_DISPUTES, DisputeReason, DisputeStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import AlarmKind
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records import Conflict
from chalicelib.services.access import Refusal, drivers_own, operators_own
from chalicelib.services.charging.session_changes import SessionChanges


@dataclass(frozen=True, kw_only=True)
class Disputes:
    """Takes a driver's word against a bill, and its operator's answer. A read and a write each."""

    sessions: Sessions
    changes: SessionChanges
    alarm_checks: AlarmChecks
    clock: Clock

    def dispute(self, driver_id: str, session_id: str, reason: DisputeReason, text: str) -> Session:
        """Say that a bill is wrong; the same again while it is open changes nothing.

        Raises NotFound; Refusal: nothing was billed, another word of theirs waits, or there were too many.
        """
        session = self._drivers(driver_id, session_id)
        if session.bill is None or not session.is_over:
            raise Refusal("not_billed", f"session is {session.told_state}; it can be disputed once it is billed")
        known = open_dispute(session)
        if known is None and len(session.disputes) >= MOST_DISPUTES:
            raise Refusal("too_many_disputes", f"a session is disputed {MOST_DISPUTES} times at the most")
        if known is None:
            session = self.changes.apply(session_id, DisputeOpened(reason, text, self.clock()), known=session)
            known = open_dispute(session)
        if known is None or (known.reason, known.text) != (reason, text):
            raise Refusal("dispute_open", "its operator has yet to answer what was said before; or withdraw that")
        # Also where it was open before: whoever opened it may not have come so far.
        self.alarm_checks.ask(AlarmKind.DISPUTE_OPEN, session_id)
        return session

    def withdraw(self, driver_id: str, session_id: str) -> Session:
        """Let it go; where none is open nothing changes. Raises NotFound."""
        session = self._drivers(driver_id, session_id)
        session = self.changes.apply(session_id, DisputeWithdrawn(self.clock()), known=session)
        self.alarm_checks.ask(AlarmKind.DISPUTE_OPEN, session_id)
        return session

    def answer(
        self, operator_id: str, session_id: str, *, status: DisputeStatus, answer: str, settled_by: str
    ) -> Session:
        """Uphold or reject the open one; the same again changes nothing.

        `settled_by` is the key of the refund or correction made for it, "" for none. Raises NotFound, Conflict, and
        Refusal: none is open, or nothing was given back under that key.
        """
        session = operators_own(self.sessions.get(session_id), operator_id, f"session {session_id}")
        last = session.disputes[-1] if session.disputes else None
        wanted = (status, answer, settled_by)
        if last is not None and (last.status, last.answer, last.settled_by) == wanted:
            return session
        if last is None or not last.is_open:
            raise Refusal("no_dispute", "nothing of this session waits for an answer")
        if settled_by and settled_by not in _keys(session):
            raise Refusal("unknown_settlement", "no refund or correction of this session was made under that key")
        event = DisputeAnswered(
            number=last.number, status=status, answer=answer, at=self.clock(), settled_by=settled_by
        )
        session = self.changes.apply(session_id, event, known=session)
        answered = session.disputes[last.number - 1]
        if (answered.status, answered.answer, answered.settled_by) != wanted:
            raise Conflict("the dispute was answered or withdrawn meanwhile")
        self.alarm_checks.ask(AlarmKind.DISPUTE_OPEN, session_id)
        return session

    def _drivers(self, driver_id: str, session_id: str) -> Session:
        return drivers_own(self.sessions.get(session_id), driver_id, f"session {session_id}")


def _keys(session: Session) -> set[str]:
    given_back = {it.key for it in session.refunds if not it.is_failed}
    return given_back | {it.key for it in session.corrections}
