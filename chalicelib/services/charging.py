"""Whatever a charger says of a charge is recorded first and understood second; nothing it did is lost or counted twice.

A transaction's facts are merged as they come, in any order; the session follows from the facts known so far. So
a repeated, late or reordered message finds its facts already there and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.commands import (
    Answer,
    BootAnswer,
    CommandResult,
    Noted,
    Standing,
    StartAnswer,
    TimeAnswer,
    TokenAnswer,
    Verdict,
)
from chalicelib.domain.events import (
    Booted,
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    HeartbeatReceived,
    ReadingsTaken,
    StatusReported,
    StopReason,
    TokenPresented,
)
from chalicelib.domain.session import (
    Origin,
    Reason,
    Session,
    SessionEvent,
    Started,
    StartFailed,
    Step,
    Stopped,
    looks_like_app_token,
    session_id_for,
)
from chalicelib.ports import (
    Catalog,
    Chargers,
    Clock,
    Connection,
    ConnectorState,
    Drivers,
    PendingCall,
    Readings,
    Sessions,
    Transaction,
    Workflow,
)
from chalicelib.services.changes import Changes

CHARGER_AS_A_WHOLE = ConnectorId(0)
_REF_ATTEMPTS = 8
_log = logging.getLogger(__name__)

AssignRef = Callable[[str, ChargingStarted, int], str]


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who a token stands for: a session begun by app, or a driver with a card."""

    standing: Standing
    driver_id: str | None = None
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """A transaction as known after a message, its session, and what to say of the token shown."""

    facts: Transaction
    session: Session | None
    standing: Standing | None


@dataclass(frozen=True)
class Charging:
    """Hears chargers."""

    chargers: Chargers
    sessions: Sessions
    readings: Readings
    catalog: Catalog
    drivers: Drivers
    workflow: Workflow
    changes: Changes
    clock: Clock
    heartbeat_s: int

    def hear(self, connection: Connection, event: ChargerEvent, assign_ref: AssignRef) -> Answer:
        """Take in what a charger says, and answer. `assign_ref` names a transaction whose charger left it to us."""
        answer: Answer
        match event:
            case HeartbeatReceived():
                answer = TimeAnswer(self.clock())
            case ReadingsTaken():
                answer = self._readings(connection, event)
            case StatusReported():
                answer = self._status(connection, event)
            case TokenPresented():
                answer = TokenAnswer(self._holder(connection, event.token).standing)
            case ChargingStarted():
                answer = self._started(connection, event, assign_ref)
            case ChargingStopped():
                answer = self._stopped(connection, event)
            case Booted():
                self.chargers.booted(connection.charger_id, event.vendor, event.model, event.serial, event.firmware)
                answer = BootAnswer(self.clock(), self.heartbeat_s)
        return answer

    def command_answered(self, call: PendingCall, result: CommandResult) -> None:
        """A charger answered our command. Its yes to a start is not yet energy; its no ends the wait at once."""
        _log.info(
            "command answered",
            extra={"charger_id": call.charger_id, "session_id": call.session_id, "verdict": result.verdict},
        )
        if call.purpose is not Step.START:
            return
        if result.verdict is not Verdict.ACCEPTED:
            self.changes.apply(call.session_id, StartFailed(Reason.CHARGER_REFUSED, self.clock()))
        elif result.ref is not None:
            # OCPP 2.0.1 F02: the transaction began at the plug, before anyone was known to pay for it.
            facts = self.sessions.record(Transaction(call.charger_id, result.ref, session_id=call.session_id))
            self.changes.apply(call.session_id, *_story(facts))

    def _status(self, connection: Connection, event: StatusReported) -> Answer:
        connector = event.connector or CHARGER_AS_A_WHOLE
        # By our clock: a charger whose own stands in 1970 would otherwise never be heard again.
        state = ConnectorState(connector, event.status, self.clock(), event.error)
        self.chargers.set_status(connection.charger_id, state)
        return Noted()

    def _readings(self, connection: Connection, event: ReadingsTaken) -> Answer:
        ref = event.ref or self._open_ref(connection.charger_id, event.connector)
        if ref is None:
            _log.info("readings outside any session", extra={"charger_id": connection.charger_id})
            return Noted()
        if event.readings:
            self.readings.append(connection.charger_id, ref, event.readings)
        if event.token is None and event.remote_start_id is None:
            return Noted()
        facts = Transaction(connection.charger_id, ref, event.connector, event.token)
        return Noted(self._tell(connection, facts, event.remote_start_id).standing)

    def _open_ref(self, charger_id: str, connector: ConnectorId | None) -> str | None:
        for state in self.chargers.connectors(charger_id):
            if state.connector == connector and state.session_id:
                session = self.sessions.get(state.session_id)
                return session.ref if session else None
        return None

    def _started(self, connection: Connection, event: ChargingStarted, assign_ref: AssignRef) -> Answer:
        for attempt in range(_REF_ATTEMPTS):
            facts = Transaction(
                connection.charger_id,
                assign_ref(connection.charger_id, event, attempt),
                event.connector,
                event.token,
                event.at,
                event.meter_start_wh,
            )
            told = self._tell(connection, facts, event.remote_start_id)
            # A charger that names its transactions itself is asked for no other name, whatever it says of the time.
            if told.facts.started_at == event.at or event.ref is not None:
                return StartAnswer(facts.ref, told.standing)
        raise RuntimeError(f"no free transaction number on {connection.charger_id} in {_REF_ATTEMPTS} attempts")

    def _stopped(self, connection: Connection, event: ChargingStopped) -> Answer:
        if event.readings:
            self.readings.append(connection.charger_id, event.ref, event.readings)
        facts = Transaction(
            connection.charger_id,
            event.ref,
            event.connector,
            stopped_at=event.at,
            meter_stop_wh=event.meter_stop_wh,
            stop_reason=event.reason,
        )
        if self._tell(connection, facts).session is None:
            _log.warning(
                "a transaction ended that belongs to no session yet",
                extra={"charger_id": connection.charger_id, "ref": event.ref},
            )
        # Whoever shows a card to end a charge may end it: keeping a cable locked helps nobody.
        return Noted(Standing.ACCEPTED if event.token else None)

    def _tell(self, connection: Connection, facts: Transaction, remote_start_id: int | None = None) -> _Told:
        """Record facts and bring the session they belong to up to date."""
        holder = self._holder_of(connection, facts, remote_start_id)
        if holder is not None:
            facts = replace(facts, session_id=_session_id(facts, holder))
        merged = self.sessions.record(facts)
        if merged.session_id is None and merged.token is not None:
            # The message that showed the token overtook the one that began the transaction.
            holder = self._holder(connection, merged.token)
            merged = self.sessions.record(replace(merged, session_id=_session_id(merged, holder)))
        session = self._session(connection, merged, holder)
        if session is None:
            return _Told(merged, None, holder.standing if holder else None)
        session = self.changes.apply(session.session_id, *_story(merged), known=session)
        if holder is None:
            return _Told(merged, session, None)
        if session.origin is not Origin.APP:
            self.workflow.start(session)
        runs_otherwise = holder.standing is Standing.ACCEPTED and session.ref != merged.ref
        return _Told(merged, session, Standing.EXPIRED if runs_otherwise else holder.standing)

    def _session(self, connection: Connection, facts: Transaction, holder: _Holder | None) -> Session | None:
        """The session that facts belong to; one begun at the charger is created here, once."""
        if facts.session_id is None:
            return None
        if holder is not None and holder.session is not None and holder.session.session_id == facts.session_id:
            return holder.session
        session = self.sessions.get(facts.session_id)
        if session is not None or facts.started_at is None:
            return session
        session = self._begun_at_charger(connection, facts, holder or self._holder(connection, facts.token or ""))
        if not self.sessions.add(session):
            return self.sessions.get(session.session_id)
        self.chargers.claim(session.charger_id, session.connector, session.session_id)
        return session

    def _begun_at_charger(self, connection: Connection, facts: Transaction, holder: _Holder) -> Session:
        charger = self.chargers.get(connection.charger_id)
        site = self.catalog.site(charger.site_id) if charger else None
        tariff = self.catalog.tariff(site.tariff_id) if site else None
        if charger is None or tariff is None:
            raise LookupError(f"charger {connection.charger_id} has no site with a tariff")
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
            created_at=self.clock(),
            reason=None if accepted else Reason.NOT_AUTHORISED,
        )

    def _holder_of(self, connection: Connection, facts: Transaction, remote_start_id: int | None) -> _Holder | None:
        if facts.token is not None:
            return self._holder(connection, facts.token)
        if remote_start_id is None:
            return None
        for state in self.chargers.connectors(connection.charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session and session.remote_start_id == remote_start_id:
                return _Holder(Standing.ACCEPTED, session.driver_id, session)
        return None

    def _holder(self, connection: Connection, token: str) -> _Holder:
        if looks_like_app_token(token):
            session = self.sessions.get(token.upper())
            if session is not None and session.charger_id == connection.charger_id:
                return _Holder(Standing.EXPIRED if session.is_over else Standing.ACCEPTED, session.driver_id, session)
        card = self.catalog.token(token.upper())
        if card is None or card.operator_id != connection.operator_id:
            return _Holder(Standing.UNKNOWN)
        driver = self.drivers.get(card.driver_id)
        if card.blocked or driver is None or driver.blocked or driver.payment_method_id is None:
            return _Holder(Standing.BLOCKED)
        return _Holder(Standing.ACCEPTED, card.driver_id)


def _session_id(facts: Transaction, holder: _Holder) -> str:
    """An app's session has its id already; one begun at the charger is named after its transaction."""
    if holder.session is not None:
        return holder.session.session_id
    return session_id_for("transaction", facts.charger_id, facts.ref)


def _story(facts: Transaction) -> list[SessionEvent]:
    """What the facts known so far have to say to a session, in the order it happened."""
    events: list[SessionEvent] = []
    if facts.started_at is not None:
        events.append(Started(facts.ref, facts.started_at, facts.meter_start_wh))
    if facts.stopped_at is not None:
        reason = facts.stop_reason or StopReason.OTHER
        events.append(Stopped(facts.ref, facts.stopped_at, facts.meter_stop_wh, reason))
    return events
