"""Changes sessions, and nothing else does: read, apply the table, compare-and-set, and wake the workflow if it waited.

What its driver will be told of a change is written before it (`services/notifications/outbox.py`). The wake-up may be
lost (a crash between the two writes) or sent twice; both are harmless, because every waiting step looks at the session
first, a wake-up names the step it is for, and the sweep repeats it.
"""

from __future__ import annotations

import logging

from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.transitions import SessionEvent, apply
from chalicelib.domain.charging.waits import is_met
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.charging import PowerClaims, Sessions, Workflow
from chalicelib.records import Conflict
from chalicelib.records.charging import StaleTask, Waiting
from chalicelib.services.charging.live_news import LiveNews
from chalicelib.services.notifications.outbox import Notifications

_ATTEMPTS = 8
_log = logging.getLogger(__name__)


class UnknownSession(Exception):
    """No session has that id."""


@dataclass(frozen=True, kw_only=True)
class SessionChanges:
    """The one way to change a session."""

    sessions: Sessions
    workflow: Workflow
    notifications: Notifications
    news: LiveNews
    power_claims: PowerClaims

    def add(self, blank: Session, session: Session) -> bool:
        """Write down a session that has a story already, `blank` being it without; False when it is there."""
        self.notifications.foretell(blank, session)
        self.power_claims.changed(blank, session)
        return self.sessions.add(session)

    def apply(self, session_id: str, *events: SessionEvent, known: Session | None = None) -> Session:
        """The session after `events`; those the table does not know for its state change nothing.

        `known` saves the first read to a caller that has just read it. Raises UnknownSession, and Conflict when
        others kept writing first.
        """
        for attempt in range(_ATTEMPTS):
            before = after = known if known is not None and attempt == 0 else self._get(session_id)
            for event in events:
                after = apply(after, event)
            if after is before:
                if before.state is not State.COMPLETED:
                    self.wake(before, self.sessions.waiting(session_id))
                return before
            self.notifications.foretell(before, after)
            self.power_claims.changed(before, after)
            try:
                saved = self.sessions.save(before, after)
            except Conflict:
                continue
            _log.info("session changed", extra={"session_id": session_id, "state": after.state})
            if after.needs_workflow and not before.needs_workflow:
                self.workflow.start(after)
            if not before.is_releasing:
                self.wake(after, saved.waiting)
            self.news.changed(before, after, saved.watched_until)
            return after
        raise Conflict(f"session {session_id} was changed by others {_ATTEMPTS} times in a row")

    def wait(self, session_id: str, waiting: Waiting) -> Session:
        """Let the workflow wait; when what it waits for has come already, it goes on at once."""
        session = self.sessions.wait(session_id, waiting)
        self.wake(session, waiting)
        return session

    def wake(self, session: Session, waiting: Waiting | None) -> None:
        """Let the workflow go on if what it waits for has come about; behind a receipt it waits for nothing."""
        if waiting is None or session.state is State.COMPLETED or not is_met(waiting.step, session):
            return
        self.go_on(session, waiting.task_token)

    def go_on(self, session: Session, task_token: str) -> None:
        """Let the workflow's step end; nothing happens when it has ended already."""
        try:
            if session.state is State.FAILED:
                self.workflow.fail(task_token, "SessionFailed", str(session.reason))
            else:
                # How long the charge may take to begin is known only once it is asked for.
                output = {"session_id": session.session_id, "start_wait_s": session.start_wait_s}
                self.workflow.succeed(task_token, output)
        except StaleTask:
            _log.debug("the workflow had gone on already", extra={"session_id": session.session_id})

    def _get(self, session_id: str) -> Session:
        session = self.sessions.get(session_id)
        if session is None:
            raise UnknownSession(session_id)
        return session
