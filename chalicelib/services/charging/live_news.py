"""Live news: whoever watches a session is told that it has gone on, by a function that runs beside this one.

Until when somebody may watch stands in the rows of session and transaction that are read or written anyhow, so that
what nobody watches costs no call, and what somebody watches one. News is never worth a charger's message: it may be
lost, and comes with the next.
"""

from __future__ import annotations

import logging
from datetime import datetime

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.records.charging import Transaction

# The function that does.
TELLER = "tell_viewers"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveNews:
    """Has watchers told, where there may be some."""

    invocations: Invocations
    clock: Clock

    def changed(self, before: Session, after: Session, watched_until: datetime | None) -> None:
        """A session was saved. No call but where its state, transaction or plan has changed, and somebody may watch."""
        is_planned = after.told_plan != before.told_plan
        if after.told_state is not before.told_state or after.ref != before.ref or is_planned:
            # The charger's transaction, once it is known, is to be marked as watched as its session is.
            self._tell(after.session_id, watched_until, marks=after.ref != before.ref)

    def read(self, known: Transaction) -> None:
        """Readings of a transaction were kept. No call but where somebody may watch its session."""
        if known.session_id is not None:
            self._tell(known.session_id, known.watched_until, marks=False)

    def _tell(self, session_id: str, watched_until: datetime | None, *, marks: bool) -> None:
        if watched_until is None or watched_until <= self.clock():
            return
        try:
            self.invocations.begin(TELLER, {"kind": "session", "subject": session_id, "marks": marks})
        except Exception:
            _log.exception("those who watch were not told", extra={"session_id": session_id})


@dataclass(frozen=True)
class LiveMarks:
    """Writes down that somebody may watch a session, and until when."""

    sessions: Sessions
    transactions: Transactions

    def mark(self, session_id: str, until: datetime) -> None:
        """Until then its changes and readings are news. One write, a second one where its charge has begun.

        Where it begins at this moment, whoever saves that finds the mark, or this finds the charge.
        """
        session = self.sessions.watch(session_id, until)
        if session.ref is not None:
            self.transactions.watch(session.charger_id, session.ref, session_id, until)
