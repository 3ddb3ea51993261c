"""Every message of a transaction reaches it, whatever its charger calls it: twice the same, nothing, or something else.

What was once understood of a name is written down, so that a repetition is understood the same way.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.chargers.events import ChargingStarted, ChargingStopped, ConnectorId, ReadingsTaken
from chalicelib.domain.charging.session import Session
from chalicelib.domain.drivers import canonical
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.records.charging import Transaction

# A start told again may differ by seconds; one so much later, by a charger that counts from one again, is another.
_ANOTHER = timedelta(minutes=10)
# OCPP's identifiers have no such sign.
_SECOND = re.compile(r"~\d{9,}$")


def known_to_charger(ref: str) -> str:
    """What the charger itself calls a transaction that we call otherwise because it used the name twice."""
    return _SECOND.sub("", ref)


@dataclass(frozen=True)
class TransactionIds:
    """One read for a transaction that is known."""

    chargers: Chargers
    sessions: Sessions
    transactions: Transactions
    clock: Clock

    def begun(self, charger_id: str, ref: str, event: ChargingStarted) -> str:
        """What to call a transaction that its charger calls `ref`, which may be the name of an earlier one."""
        known = self._known(charger_id, ref)
        if known is None or known.started_at is None or event.at is None:
            return known.ref if known else ref
        if event.at <= (known.stopped_at or known.started_at + _ANOTHER):
            return known.ref
        another = f"{ref}~{int(event.at.timestamp())}"
        self.transactions.redirect(charger_id, ref, another)
        return another

    def meant(self, charger_id: str, event: ReadingsTaken) -> Transaction | None:
        """The transaction that readings belong to; None when they belong to none."""
        known = self._known(charger_id, event.ref) if event.ref else None
        if known is not None:
            return known
        # A charger that numbers its messages names its transactions too: its start is still on its way.
        running = None if event.seq_no is not None else self._running_at(charger_id, event.connector)
        if running is not None:
            return running
        ref = event.ref
        if ref is None:
            if not event.is_nameless or not event.readings:
                return None
            ref = f"lost~{event.connector or 0}~{event.readings[0].at:%Y%m%d}"
        facts = Transaction(charger_id, ref, connector=event.connector, heard_at=self.clock())
        self.transactions.leave_unclaimed(charger_id, ref, self.clock())
        return self.transactions.record(facts)

    def ended(self, charger_id: str, event: ChargingStopped) -> str:
        """The transaction that ended: the one named, or the one that must be meant, or one nobody saw begin."""
        known = self._known(charger_id, event.ref) if event.ref else None
        if known is not None and event.ref is not None:
            # An end older than the start is that of the transaction that had the name before.
            is_older = event.at is not None and known.started_at is not None and event.at < known.started_at
            return event.ref if is_older else known.ref
        if event.ref is not None and event.seq_no is not None:
            return event.ref
        alias = event.ref or _alias(event)
        known = self._known(charger_id, alias)
        if known is not None:
            return known.ref
        meant = self._only_candidate(charger_id, event)
        if meant is None:
            return alias
        self.transactions.redirect(charger_id, alias, meant)
        return meant

    def _known(self, charger_id: str, ref: str) -> Transaction | None:
        known = self.transactions.get(charger_id, ref)
        if known is not None and known.stands_for is not None:
            return self.transactions.get(charger_id, known.stands_for) or Transaction(charger_id, known.stands_for)
        return known

    def _running_at(self, charger_id: str, connector: ConnectorId | None) -> Transaction | None:
        """The transaction under way at a connector; at any, if the charger has but one and does not say where."""
        running = [it for it in self._running(charger_id) if connector in (None, it.connector)]
        if len(running) != 1 or running[0].ref is None:
            return None
        return self._known(charger_id, running[0].ref)

    def _only_candidate(self, charger_id: str, event: ChargingStopped) -> str | None:
        """OCPP 1.6 ends a transaction by its number alone; without one, the card and the meter tell which it was."""
        running = self._running(charger_id)
        if event.token is not None:
            shown = canonical(event.token)
            running = [it for it in running if canonical(it.token) == shown] or running
        if event.meter_stop_wh is not None:
            running = [it for it in running if it.meter_start_wh is None or it.meter_start_wh <= event.meter_stop_wh]
        return running[0].ref if len(running) == 1 else None

    def _running(self, charger_id: str) -> list[Session]:
        found: list[Session] = []
        for state in self.chargers.connectors(charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session is not None and session.ref is not None and session.stopped_at is None:
                found.append(session)
        return found


def _alias(event: ChargingStopped) -> str:
    """A name that the same message always gets."""
    facts = (event.said_at or event.at, event.meter_stop_wh, event.token, event.reason)
    return "lost~" + hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:16]
