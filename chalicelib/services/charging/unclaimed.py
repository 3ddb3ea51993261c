"""Makes sessions of transactions that nobody claimed in time, to be billed as far as they are proven.

Its start may have been lost with a broken charger, or told to another backend; what it delivered is on its meter.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import reduce

from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import (
    SessionEvent,
    Started,
    apply,
)
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.evidence import Flag, ReportedTime, span
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Readings, Sessions, Transactions, Workflow
from chalicelib.records.charging import Transaction
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.charging.local_starts import LocalStarts
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.session_story import session_name, story
from chalicelib.services.drivers.authorization import Authorizations

# Messages that overtook each other have met by then, and a charger that was offline has told its queue.
GRACE = timedelta(minutes=15)
# Somebody plugged in and never showed a token: it is a charge once it ends, or by then.
_LONGEST = timedelta(hours=48)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class UnclaimedCharges:
    """Transactions that belong to no session; their sweep is run by a schedule."""

    chargers: Chargers
    transactions: Transactions
    readings: Readings
    sessions: Sessions
    authorizations: Authorizations
    starts: LocalStarts
    changes: SessionChanges
    workflow: Workflow
    clock: Clock
    grace: timedelta = GRACE

    def sweep(self, part: Part = WHOLE) -> int:
        """Take up what has waited long enough; returns how many sessions came of it."""
        waiting = self.transactions.unclaimed(self.clock() - self.grace, part.shard)
        return sum(self._tried(it) for it in part.in_time(waiting, self.clock))

    def _tried(self, facts: Transaction) -> bool:
        try:
            return self._take_up(facts)
        except Exception:
            # One that cannot be taken up must not keep the others.
            _log.exception("not taken up", extra={"charger_id": facts.charger_id, "ref": facts.ref})
            return False

    def _take_up(self, facts: Transaction) -> bool:
        is_nobodys = facts.stands_for is None and not self._has_session(facts)
        if is_nobodys:
            if self._may_yet_be_claimed(facts):
                return False
            session = self._adopt(facts)
            _log.warning(
                "a charge nobody claimed",
                extra={
                    "charger_id": facts.charger_id,
                    "ref": facts.ref,
                    "session_id": session.session_id if session else None,
                },
            )
        self.transactions.settle_claim(facts.charger_id, facts.ref)
        return is_nobodys

    def _may_yet_be_claimed(self, facts: Transaction) -> bool:
        is_running = facts.started_heard_at is not None and facts.stopped_heard_at is None
        return is_running and facts.heard_at is not None and self.clock() - facts.heard_at < _LONGEST

    def _adopt(self, facts: Transaction) -> Session | None:
        """Make a session of a transaction that nobody has claimed; None when its charger is no longer registered."""
        charger = self.chargers.get(facts.charger_id)
        if charger is None or not charger.site_id:
            return None
        token = facts.token or facts.stop_token or ""
        authorization = self.authorizations.authorization(charger.charger_id, charger.operator_id, token)
        session_id = session_name(facts, authorization)
        facts = self.transactions.record(Transaction(charger_id=facts.charger_id, ref=facts.ref, session_id=session_id))
        session = authorization.session
        not_before = session.not_before if session is not None else None
        told = self._story_without_beginning(facts, not_before)
        if session is None:
            begun = self.starts.blank(charger, replace(facts, token=token or None), authorization)
            session = reduce(apply, told, begun)
            if not self.changes.add(begun, session):
                session = self.sessions.get(session.session_id) or session
        session = self.changes.apply(session.session_id, *told, known=session)
        if session.needs_workflow:
            self.workflow.start(session)
        return session

    def _has_session(self, facts: Transaction) -> bool:
        """Whether there is a session of it: a crash may have left only the name of one."""
        return facts.session_id is not None and self.sessions.get(facts.session_id) is not None

    def _story_without_beginning(self, facts: Transaction, not_before: datetime | None) -> list[SessionEvent]:
        """What there is to tell of a transaction, its first reading standing in for a beginning nobody saw."""
        told = story(facts, not_before)
        if facts.started_heard_at is not None:
            return told
        first = self.readings.after(facts.charger_id, facts.ref, "", limit=1)
        reading = first[0].reading if first else None
        seen_at = reading.at if reading else facts.stopped_at
        begun = ReportedTime(seen_at, facts.heard_at or self.clock(), not_before)
        register_wh = facts.meter_start_wh
        if register_wh is None and reading is not None:
            register_wh = reading.energy_wh
        ended = ReportedTime(facts.stopped_at, facts.stopped_heard_at, not_before) if facts.stopped_heard_at else None
        began_at = span(begun, ended).began_at if ended else begun.best
        doubts = {Flag.START_UNKNOWN} if begun.is_believable else {Flag.START_UNKNOWN, Flag.CLOCK_WRONG}
        return [Started(ref=facts.ref, at=began_at, meter_start_wh=register_wh, flags=frozenset(doubts)), *told]
