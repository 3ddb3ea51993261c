"""Whatever a charger says of a charge is recorded first and understood second; nothing it did is lost or counted twice.

A transaction's facts are merged as they come, in any order; the session follows from the facts known so far. So
a repeated, late or reordered message finds its facts already there and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain.answers import Noted, StartAnswer
from chalicelib.domain.commands import CommandResult, Standing, Verdict
from chalicelib.domain.events import ChargingStarted, ChargingStopped, ConnectorId, Reading, ReadingsTaken, StopReason
from chalicelib.domain.evidence import Flag, Said, span
from chalicelib.domain.limits import Limits
from chalicelib.domain.notices import ALMOST_FULL_PERCENT, Kind, charges_for_idling
from chalicelib.domain.session import (
    Origin,
    Reason,
    Session,
    SessionEvent,
    Started,
    StartFailed,
    State,
    Stopped,
    StopRequested,
    session_id_for,
)
from chalicelib.ports import Catalog, Chargers, Clock, Readings, Sessions, Transactions, Workflow
from chalicelib.records import Charger, Connection, StoredReading, Transaction
from chalicelib.services.authorising import Authorising, Holder
from chalicelib.services.changes import Changes
from chalicelib.services.costing import cost_so_far, telling
from chalicelib.services.naming import Naming
from chalicelib.services.notifying import Notifying

CHARGER_AS_A_WHOLE = ConnectorId(0)
_REF_ATTEMPTS = 8
# Messages overtake each other by seconds: a connector that is free so soon after a start was so before it.
_SURELY_LATER = timedelta(seconds=60)
_log = logging.getLogger(__name__)

AssignRef = Callable[[str, ChargingStarted, int], str]


@dataclass(frozen=True, slots=True)
class _Told:
    """A transaction as known after a message, its session, and what to say of the token shown."""

    facts: Transaction
    session: Session | None
    standing: Standing | None


@dataclass(frozen=True)
class Charging:
    """Hears chargers tell of charges."""

    chargers: Chargers
    sessions: Sessions
    transactions: Transactions
    readings: Readings
    catalog: Catalog
    authorising: Authorising
    naming: Naming
    workflow: Workflow
    changes: Changes
    notifying: Notifying
    clock: Clock

    def started(self, connection: Connection, event: ChargingStarted, assign_ref: AssignRef) -> StartAnswer:
        """A transaction began. `assign_ref` names one whose charger left that to us."""
        now = self.clock()
        for attempt in range(_REF_ATTEMPTS):
            ref = assign_ref(connection.charger_id, event, attempt)
            facts = Transaction(
                connection.charger_id,
                ref if event.ref is None else self.naming.begun(connection.charger_id, ref, event),
                connector=event.connector,
                token=event.token,
                heard_at=now,
                started_at=event.at,
                started_heard_at=now,
                meter_start_wh=event.meter_start_wh,
                first_seq_no=event.seq_no,
            )
            told = self._tell(connection, facts, event.remote_start_id)
            if event.ref is not None or _is_same_start(told.facts, event):
                return StartAnswer(ref, told.standing)
        raise RuntimeError(f"no free transaction number on {connection.charger_id} in {_REF_ATTEMPTS} attempts")

    def readings_taken(self, connection: Connection, event: ReadingsTaken) -> Noted:
        """Readings of a transaction, whichever the charger says or must mean."""
        known = self.naming.meant(connection.charger_id, event)
        if known is None:
            _log.info("readings outside any session", extra={"charger_id": connection.charger_id})
            return Noted()
        self.readings.append(connection.charger_id, known.ref, event.readings, event.seq_no)
        if known.session_id is not None and event.readings:
            self._watch(known, known.session_id, event.readings)
        if event.token is None and event.remote_start_id is None:
            return Noted()
        facts = Transaction(connection.charger_id, known.ref, connector=event.connector, token=event.token)
        return Noted(self._tell(connection, facts, event.remote_start_id).standing)

    def stopped(self, connection: Connection, event: ChargingStopped) -> Noted:
        """A transaction ended, be its beginning known or not."""
        now = self.clock()
        ref = self.naming.ended(connection.charger_id, event)
        if event.readings:
            self.readings.append(connection.charger_id, ref, event.readings)
        facts = Transaction(
            connection.charger_id,
            ref,
            connector=event.connector,
            heard_at=now,
            stopped_at=event.at,
            stopped_heard_at=now,
            meter_start_wh=event.meter_start_wh,
            meter_stop_wh=event.meter_stop_wh,
            stop_reason=event.reason,
            stop_token=event.token,
            last_seq_no=event.seq_no,
        )
        self._tell(connection, facts)
        # Whoever shows a card to end a charge may end it: keeping a cable locked helps nobody.
        return Noted(Standing.ACCEPTED if event.token else None)

    def start_answered(self, charger_id: str, session_id: str, result: CommandResult) -> None:
        """A charger's yes to a start is not yet energy; its no ends the wait at once."""
        if result.verdict is not Verdict.ACCEPTED:
            self.changes.apply(session_id, StartFailed(Reason.CHARGER_REFUSED, self.clock()))
        elif result.ref is not None:
            # OCPP 2.0.1 F02: the transaction began at the plug, before anyone was known to pay for it.
            session = self.sessions.get(session_id)
            has_limits = session is not None and session.limits is not None
            claimed = Transaction(charger_id, result.ref, session_id=session_id, is_limited=has_limits or None)
            self.changes.apply(session_id, *_story(self.transactions.record(claimed)), known=session)

    def vacated(self, charger_id: str, connector: ConnectorId, session_id: str) -> None:
        """A connector is free though a session has it: the car has left, and its end was lost or is on its way."""
        session = self.sessions.get(session_id)
        now = self.clock()
        if session is None or session.started_at is None or now - session.started_at < _SURELY_LATER:
            return
        if session.state is State.ACTIVE:
            self.changes.apply(session_id, StopRequested(now))
        # The next driver must not wait for the last one's bill.
        self.chargers.free(charger_id, connector, session_id)

    def idled(self, session_id: str) -> None:
        """A car is connected and takes nothing: its driver is told, once, where that may cost something.

        Reads the session, and its newest reading where its tariff has a price for idle time.
        """
        session = self.sessions.get(session_id)
        if session is None or session.state is not State.ACTIVE or not charges_for_idling(session.tariff):
            return
        newest = self.readings.newest(session.charger_id, session.ref) if session.ref else ()
        register_wh = newest[0].reading.energy_wh if newest else None
        if register_wh is not None and register_wh <= (session.meter_start_wh or 0):
            # It has not begun yet: a car that waits for its hour is not charged for waiting.
            return
        self.notifying.tell(session, Kind.IDLE_FEE_BEGINS)

    def adopt(self, facts: Transaction) -> Session | None:
        """Make a session of a transaction that nobody has claimed; None when its charger is no longer registered."""
        charger = self.chargers.get(facts.charger_id)
        if charger is None or not charger.site_id:
            return None
        token = facts.token or facts.stop_token or ""
        holder = self.authorising.holder(charger.charger_id, charger.operator_id, token)
        session_id = _session_id(facts, holder)
        facts = self.transactions.record(Transaction(facts.charger_id, facts.ref, session_id=session_id))
        session = holder.session or self._begun_at_charger(charger, replace(facts, token=token or None), holder)
        if holder.session is None and not self.sessions.add(session):
            session = self.sessions.get(session_id) or session
        session = self.changes.apply(session_id, *self._story_without_beginning(facts), known=session)
        self.workflow.start(session)
        return session

    def _watch(self, known: Transaction, session_id: str, readings: Sequence[Reading]) -> None:
        """End a session whose driver wanted no more than this; tell the driver, once, that it is nearly there.

        Its session is read with every reading where it has limits, else once, when the battery is almost full.
        """
        newest = StoredReading("", max(readings, key=lambda it: it.at))
        is_near = (newest.reading.soc_percent or 0) >= ALMOST_FULL_PERCENT and not known.is_nearly_done
        if not known.is_limited and not is_near:
            return
        session = self.sessions.get(session_id)
        if session is None or session.state is not State.ACTIVE:
            return
        if session.limits is not None:
            spent = self._spent(session, session.limits, newest)
            if session.limits.is_reached(*spent):
                self.changes.apply(session_id, StopRequested(self.clock(), Reason.LIMIT_REACHED), known=session)
                return
            is_near = is_near or (session.limits.nearly.is_reached(*spent) and not known.is_nearly_done)
        if is_near:
            self.notifying.tell(session, Kind.ALMOST_FULL)
            self.transactions.record(Transaction(known.charger_id, known.ref, is_nearly_done=True))

    def _spent(self, session: Session, limits: Limits, newest: StoredReading) -> tuple[int, int, timedelta, int | None]:
        """Energy, money, time and state of charge that a session has come to, in the order in which limits ask."""
        reading = newest.reading
        energy_wh = max(0, (reading.energy_wh or 0) - (session.meter_start_wh or 0))
        cost_minor = 0
        if limits.amount_minor is not None:
            cost_minor = cost_so_far(session, telling(self.readings, session, [newest]), energy_wh).total_minor
        return energy_wh, cost_minor, reading.at - (session.started_at or session.created_at), reading.soc_percent

    def _story_without_beginning(self, facts: Transaction) -> list[SessionEvent]:
        """What there is to tell of a transaction, its first reading standing in for a beginning nobody saw."""
        story = _story(facts)
        if facts.started_heard_at is not None:
            return story
        first = self.readings.after(facts.charger_id, facts.ref, "", limit=1)
        reading = first[0].reading if first else None
        began_at = reading.at if reading else facts.stopped_at or facts.heard_at or self.clock()
        register_wh = facts.meter_start_wh
        if register_wh is None and reading is not None:
            register_wh = reading.energy_wh
        return [Started(facts.ref, began_at, register_wh, frozenset({Flag.START_UNKNOWN})), *story]

    def _tell(self, connection: Connection, facts: Transaction, remote_start_id: int | None = None) -> _Told:
        """Record facts and bring the session they belong to up to date."""
        holder = self._holder_of(connection, facts, remote_start_id)
        if holder is not None:
            has_limits = holder.session is not None and holder.session.limits is not None
            facts = replace(facts, session_id=_session_id(facts, holder), is_limited=has_limits or None)
        merged = self.transactions.record(facts)
        if merged.session_id is None and merged.token is not None:
            # The message that showed the token overtook the one that began the transaction.
            holder = self._holder(connection, merged.token)
            claimed = Transaction(merged.charger_id, merged.ref, session_id=_session_id(merged, holder))
            merged = self.transactions.record(claimed)
        session = self._session(merged, holder)
        if session is None:
            self.transactions.leave_unclaimed(merged.charger_id, merged.ref, self.clock())
            return _Told(merged, None, holder.standing if holder else None)
        session = self.changes.apply(session.session_id, *_story(merged), known=session)
        if holder is None:
            return _Told(merged, session, None)
        if session.origin is not Origin.APP:
            self.workflow.start(session)
        runs_otherwise = holder.standing is Standing.ACCEPTED and session.ref != merged.ref
        return _Told(merged, session, Standing.EXPIRED if runs_otherwise else holder.standing)

    def _session(self, facts: Transaction, holder: Holder | None) -> Session | None:
        """The session that facts belong to; one begun at the charger is created here, once."""
        if facts.session_id is None:
            return None
        if holder is not None and holder.session is not None and holder.session.session_id == facts.session_id:
            return holder.session
        session = self.sessions.get(facts.session_id)
        if session is not None or facts.started_heard_at is None:
            return session
        charger = self.chargers.get(facts.charger_id)
        if charger is None:
            raise LookupError(f"charger {facts.charger_id} is not registered")
        if holder is None:
            holder = self.authorising.holder(charger.charger_id, charger.operator_id, facts.token or "")
        session = self._begun_at_charger(charger, facts, holder)
        if not self.sessions.add(session):
            return self.sessions.get(session.session_id)
        if session.connector.is_credible:
            self.chargers.claim(session.charger_id, session.connector, session.session_id)
        return session

    def _begun_at_charger(self, charger: Charger, facts: Transaction, holder: Holder) -> Session:
        site = self.catalog.site(charger.site_id)
        tariff = self.catalog.tariff(site.tariff_id) if site else None
        if tariff is None:
            raise LookupError(f"charger {charger.charger_id} has no site with a tariff")
        accepted = holder.standing is Standing.ACCEPTED
        return Session(
            session_id=facts.session_id or "",
            operator_id=charger.operator_id,
            site_id=charger.site_id,
            charger_id=charger.charger_id,
            connector=facts.connector or CHARGER_AS_A_WHOLE,
            origin=Origin.CARD if accepted else Origin.CHARGER,
            token=facts.token or "",
            driver_id=holder.driver_id,
            tariff=tariff,
            time_zone=site.time_zone if site else "UTC",
            created_at=self.clock(),
            reason=None if accepted else Reason.NOT_AUTHORISED,
        )

    def _holder_of(self, connection: Connection, facts: Transaction, remote_start_id: int | None) -> Holder | None:
        if facts.token is not None:
            return self._holder(connection, facts.token)
        if remote_start_id is None:
            return None
        for state in self.chargers.connectors(connection.charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session and session.remote_start_id == remote_start_id:
                return Holder(Standing.ACCEPTED, session.driver_id, session)
        return None

    def _holder(self, connection: Connection, token: str) -> Holder:
        return self.authorising.holder(connection.charger_id, connection.operator_id, token)


def _is_same_start(facts: Transaction, event: ChargingStarted) -> bool:
    """Whether a transaction is the one this start began, or another that was given the same number."""
    if event.at is not None:
        return facts.started_at == event.at
    # Of a charger without a clock only the order of its messages tells: what has ended does not begin again.
    return facts.started_at is None and facts.stopped_heard_at is None


def _session_id(facts: Transaction, holder: Holder) -> str:
    """An app's session has its id already; one begun at the charger is named after its transaction."""
    if holder.session is not None:
        return holder.session.session_id
    return session_id_for("transaction", facts.charger_id, facts.ref)


def _story(facts: Transaction) -> list[SessionEvent]:
    """What the facts known so far have to say to a session, in the order it happened."""
    events: list[SessionEvent] = []
    start = Said(facts.started_at, facts.started_heard_at) if facts.started_heard_at else None
    stop = Said(facts.stopped_at, facts.stopped_heard_at) if facts.stopped_heard_at else None
    if start is not None:
        doubts = frozenset[Flag]() if start.is_believable else frozenset({Flag.CLOCK_WRONG})
        events.append(Started(facts.ref, start.best, facts.meter_start_wh, doubts))
    if stop is not None:
        lasted = span(start or stop, stop)
        reason = facts.stop_reason or StopReason.OTHER
        began_at = lasted.began_at if start is not None and lasted.flags else None
        events.append(Stopped(facts.ref, lasted.ended_at, facts.meter_stop_wh, reason, began_at, lasted.flags))
    return events
