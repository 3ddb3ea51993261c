"""Whatever a charger says of a charge is recorded first and understood second; nothing it did is lost or counted twice.

A transaction's facts are merged as they come, in any order; the session follows from the facts known so far. So
a repeated, late or reordered message finds its facts already there and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import reduce

from chalicelib.domain.chargers.answers import Noted, StartAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, CommandResult, Verdict
from chalicelib.domain.chargers.events import ChargingStarted, ChargingStopped, ConnectorId, ReadingsTaken, StopReason
from chalicelib.domain.charging.session import Origin, Reason, Session, State, session_id_for
from chalicelib.domain.charging.transitions import SessionEvent, Started, StartFailed, Stopped, StopRequested, apply
from chalicelib.domain.pricing.currency import decimals
from chalicelib.domain.pricing.evidence import Flag, Said, believable, span
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Readings, Sessions, Transactions, Workflow
from chalicelib.ports.drivers import Catalog
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.records.chargers import Charger, Connection
from chalicelib.records.charging import Transaction
from chalicelib.services.chargers.connectors import take_connector
from chalicelib.services.charging.monitor import Monitor, attention_wh, wants_attention
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import TransactionIds
from chalicelib.services.drivers.authorization import Authorization, Authorizations
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.pricing.rating import cost_so_far, telling
from chalicelib.services.reservations import DriverReservations

CHARGER_AS_A_WHOLE = ConnectorId(0)
_REF_ATTEMPTS = 8
# Messages overtake each other by seconds: a connector that is free so soon after a start was so before it.
_SURELY_LATER = timedelta(seconds=60)
# Some tell power before they tell energy.
_FIRST_READINGS = 10
_log = logging.getLogger(__name__)

AssignRef = Callable[[str, ChargingStarted, int], str]


@dataclass(frozen=True, slots=True)
class _Told:
    """A transaction as known after a message, its session, and what to say of the token shown."""

    facts: Transaction
    session: Session | None
    standing: AuthorizationStatus | None
    group: str = ""


@dataclass(frozen=True)
class TransactionEvents:
    """Hears chargers tell of charges."""

    chargers: Chargers
    sessions: Sessions
    transactions: Transactions
    readings: Readings
    catalog: Catalog
    authorizations: Authorizations
    transaction_ids: TransactionIds
    workflow: Workflow
    changes: SessionChanges
    driver_reservations: DriverReservations
    monitor: Monitor
    alerts: Alerts
    clock: Clock

    def started(self, connection: Connection, event: ChargingStarted, assign_ref: AssignRef) -> StartAnswer:
        """A transaction began. `assign_ref` names one whose charger left that to us."""
        now = self.clock()
        for attempt in range(_REF_ATTEMPTS):
            ref = assign_ref(connection.charger_id, event, attempt)
            facts = Transaction(
                connection.charger_id,
                ref if event.ref is None else self.transaction_ids.begun(connection.charger_id, ref, event),
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
                return StartAnswer(ref, told.standing, told.group)
        raise RuntimeError(f"no free transaction number on {connection.charger_id} in {_REF_ATTEMPTS} attempts")

    def readings_taken(self, connection: Connection, event: ReadingsTaken) -> Noted:
        """Readings of a transaction, whichever the charger says or must mean."""
        known = self.transaction_ids.meant(connection.charger_id, event)
        if known is None:
            _log.info("readings outside any session", extra={"charger_id": connection.charger_id})
            return Noted()
        self.readings.append(connection.charger_id, known.ref, event.readings, event.seq_no)
        if wants_attention(known, event.readings):
            self.monitor.look(known, event.readings)
        self.alerts.read(known, event.readings)
        if event.token is None and event.remote_start_id is None:
            return Noted()
        facts = Transaction(connection.charger_id, known.ref, connector=event.connector, token=event.token)
        return Noted(self._tell(connection, facts, event.remote_start_id).standing)

    def stopped(self, connection: Connection, event: ChargingStopped) -> Noted:
        """A transaction ended, be its beginning known or not."""
        now = self.clock()
        ref = self.transaction_ids.ended(connection.charger_id, event)
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
            stop_word=event.stop_word or None,
            last_seq_no=event.seq_no,
        )
        # Whoever shows a card to end a charge may end it: keeping a cable locked helps nobody. But what is told of the
        # card is its own standing, for the charger keeps that, and lets the card charge by it (1.6 §3.5.1, 2.0.1 C10).
        authorization = self._holder(connection, event.token) if event.token else None
        cost = self._cost(connection, self._tell(connection, facts).session)
        if authorization is None:
            return Noted(cost=cost)
        return Noted(authorization.standing, authorization.group, authorization.expires_at, cost)

    def _cost(self, connection: Connection, session: Session | None) -> Decimal | None:
        """What an ended charge comes to, as far as is known at its end, where its charger can be told (2.x I02)."""
        if connection.protocol == OLDEST or session is None or session.stopped_at is None:
            return None
        bill = session.bill
        if bill is None:
            readings = telling(self.readings, session)
            bill = cost_so_far(session, readings, session.energy_wh or 0, session.stopped_at)
        return Decimal(bill.total_minor).scaleb(-decimals(bill.currency))

    def start_answered(self, charger_id: str, session_id: str, result: CommandResult) -> None:
        """A charger's yes to a start is not yet energy; its no ends the wait at once."""
        if result.verdict is not Verdict.ACCEPTED:
            self.changes.apply(session_id, StartFailed(Reason.CHARGER_REFUSED, self.clock()))
        elif result.ref is not None:
            # OCPP 2.0.1 F02: the transaction began at the plug, before anyone was known to pay for it.
            session = self.sessions.get(session_id)
            from_wh = attention_wh(session) if session is not None else None
            claimed = Transaction(charger_id, result.ref, session_id=session_id, attend_from_wh=from_wh)
            facts = self.transactions.record(claimed)
            if facts.session_id == session_id:
                self.changes.apply(session_id, *_story(facts), known=session)
            else:
                # A card was shown to the same charge meanwhile: it has its payer.
                self.changes.apply(session_id, StartFailed(Reason.CONNECTOR_BUSY, self.clock()), known=session)

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

    def adopt(self, facts: Transaction) -> Session | None:
        """Make a session of a transaction that nobody has claimed; None when its charger is no longer registered."""
        charger = self.chargers.get(facts.charger_id)
        if charger is None or not charger.site_id:
            return None
        token = facts.token or facts.stop_token or ""
        authorization = self.authorizations.authorization(charger.charger_id, charger.operator_id, token)
        session_id = _session_id(facts, authorization)
        facts = self.transactions.record(Transaction(facts.charger_id, facts.ref, session_id=session_id))
        session, story = authorization.session, self._story_without_beginning(facts)
        if session is None:
            begun = self._begun_at_charger(charger, replace(facts, token=token or None), authorization)
            session = reduce(apply, story, begun)
            if not self.changes.add(begun, session):
                session = self.sessions.get(session.session_id) or session
        session = self.changes.apply(session.session_id, *story, known=session)
        self.workflow.start(session)
        return session

    def has_session(self, facts: Transaction) -> bool:
        """Whether there is a session of it: a crash may have left only the name of one."""
        return facts.session_id is not None and self.sessions.get(facts.session_id) is not None

    def _story_without_beginning(self, facts: Transaction) -> list[SessionEvent]:
        """What there is to tell of a transaction, its first reading standing in for a beginning nobody saw."""
        story = _story(facts)
        if facts.started_heard_at is not None:
            return story
        first = self.readings.after(facts.charger_id, facts.ref, "", limit=1)
        reading = first[0].reading if first else None
        begun = Said(reading.at if reading else facts.stopped_at, facts.heard_at or self.clock())
        register_wh = facts.meter_start_wh
        if register_wh is None and reading is not None:
            register_wh = reading.energy_wh
        ended = Said(facts.stopped_at, facts.stopped_heard_at) if facts.stopped_heard_at else None
        began_at = span(begun, ended).began_at if ended else begun.best
        doubts = {Flag.START_UNKNOWN} if begun.is_believable else {Flag.START_UNKNOWN, Flag.CLOCK_WRONG}
        return [Started(facts.ref, began_at, register_wh, frozenset(doubts)), *story]

    def _tell(self, connection: Connection, facts: Transaction, remote_start_id: int | None = None) -> _Told:
        """Record facts and bring the session they belong to up to date."""
        authorization = self._holder_of(connection, facts, remote_start_id)
        if authorization is not None:
            authorization = _for_this(authorization, facts)
        # A card's session is made of its start: until that is heard, the charge stays on the list of the unclaimed.
        if authorization is not None and (authorization.session is not None or facts.started_heard_at is not None):
            from_wh = attention_wh(authorization.session) if authorization.session is not None else None
            facts = replace(facts, session_id=_session_id(facts, authorization), attend_from_wh=from_wh)
        merged = self.transactions.record(facts)
        if merged.session_id is None and merged.token is not None and merged.started_heard_at is not None:
            # The token was shown after the transaction began, or in a message that overtook its beginning.
            if authorization is None or merged.token != facts.token:
                authorization = self._holder(connection, merged.token)
            authorization = _for_this(authorization, merged)
            claimed = Transaction(merged.charger_id, merged.ref, session_id=_session_id(merged, authorization))
            merged = self.transactions.record(claimed)
        session = self._session(merged, authorization)
        if session is None:
            self.transactions.leave_unclaimed(merged.charger_id, merged.ref, self.clock())
            return _Told(merged, None, authorization.standing if authorization else None)
        session = self.changes.apply(session.session_id, *_story(merged), known=session)
        if session.reason is Reason.CONNECTOR_RESERVED:
            session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
            self.workflow.start(session)
            return _Told(merged, session, AuthorizationStatus.BLOCKED if authorization else None)
        if authorization is None:
            return _Told(merged, session, None)
        if (
            authorization.standing is AuthorizationStatus.EXPIRED
            and not session.is_over
            and session.origin is not Origin.APP
        ):
            # Answered so, most chargers end it by themselves; one that does not is told to.
            session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
        if session.origin is not Origin.APP:
            self.workflow.start(session)
        return _Told(merged, session, authorization.standing, authorization.group)

    def _session(self, facts: Transaction, authorization: Authorization | None) -> Session | None:
        """The session that facts belong to; one begun at the charger is created here, once."""
        if facts.session_id is None:
            return None
        if (
            authorization is not None
            and authorization.session is not None
            and authorization.session.session_id == facts.session_id
        ):
            return authorization.session
        session = self.sessions.get(facts.session_id)
        if session is not None or facts.started_heard_at is None:
            return session
        charger = self.chargers.get(facts.charger_id)
        if charger is None:
            raise LookupError(f"charger {facts.charger_id} is not registered")
        if authorization is None:
            authorization = self.authorizations.authorization(
                charger.charger_id, charger.operator_id, facts.token or ""
            )
        # Told its story before it is written: a session that had yet to begin would be given up by the sweep.
        blank = self._begun_at_charger(charger, facts, authorization)
        session = reduce(apply, _story(facts), blank)
        if session.connector.is_credible and not self._take_connector(session):
            session = self._where_reserved(session)
        return session if self.changes.add(blank, session) else self.sessions.get(session.session_id)

    def _take_connector(self, session: Session) -> bool:
        return take_connector(self.chargers, self.sessions, session)

    def _where_reserved(self, session: Session) -> Session:
        """A session begun at a connector that is not free: its driver's own reservation, or somebody else's."""
        reservation = self.driver_reservations.kept_for(session.charger_id, session.connector)
        if reservation is None:
            return session
        if session.driver_id != reservation.driver_id:
            return replace(session, reason=Reason.CONNECTOR_RESERVED)
        reserved = self.driver_reservations.use(reservation)
        self.chargers.keep_no_longer(session.charger_id, session.connector, reservation.reservation_id)
        self._take_connector(session)
        self.driver_reservations.let_go(reservation)
        return replace(session, reserved=reserved)

    def _begun_at_charger(self, charger: Charger, facts: Transaction, authorization: Authorization) -> Session:
        site = self.catalog.site(charger.site_id)
        tariff = self.catalog.tariff(authorization.tariff_id or site.tariff_id) if site else None
        if tariff is None:
            raise LookupError(f"charger {charger.charger_id} has no site with a tariff")
        accepted = authorization.standing is AuthorizationStatus.ACCEPTED
        return Session(
            session_id=facts.session_id or "",
            operator_id=charger.operator_id,
            site_id=charger.site_id,
            charger_id=charger.charger_id,
            connector=facts.connector or CHARGER_AS_A_WHOLE,
            origin=Origin.CARD if accepted else Origin.CHARGER,
            token=facts.token or "",
            driver_id=authorization.driver_id,
            tariff=tariff,
            time_zone=site.time_zone if site else "UTC",
            created_at=self.clock(),
            reason=None if accepted else Reason.NOT_AUTHORISED,
        )

    def _holder_of(
        self, connection: Connection, facts: Transaction, remote_start_id: int | None
    ) -> Authorization | None:
        if facts.token is not None:
            return self._holder(connection, facts.token)
        if remote_start_id is None:
            return None
        for state in self.chargers.connectors(connection.charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session and session.remote_start_id == remote_start_id:
                return Authorization(AuthorizationStatus.ACCEPTED, session.driver_id, session)
        return None

    def _holder(self, connection: Connection, token: str) -> Authorization:
        return self.authorizations.authorization(connection.charger_id, connection.operator_id, token)


def _is_same_start(facts: Transaction, event: ChargingStarted) -> bool:
    """Whether a transaction is the one this start began, or another that was given the same number."""
    if facts.started_at != event.at:
        return False
    if facts.started_heard_at is not None and believable(event.at, facts.started_heard_at):
        return True
    # By a clock that stands still, or none, only the order of messages tells: what has ended does not begin again.
    return facts.stopped_heard_at is None


# Who asked for a charge that began too late for us still wants it.
_LATE = (Reason.CHARGER_DID_NOT_START, Reason.CHARGER_OFFLINE)


def _for_this(authorization: Authorization, facts: Transaction) -> Authorization:
    """The holder of a token as far as this transaction goes: a session has one, and what is beyond is its own."""
    session = authorization.session
    if session is None or session.ref == facts.ref or (session.ref is None and not session.is_over):
        return authorization
    is_late = session.ref is None and session.reason in _LATE
    standing = AuthorizationStatus.ACCEPTED if is_late else AuthorizationStatus.EXPIRED
    return Authorization(standing, session.driver_id, tariff_id=session.tariff.tariff_id)


def _session_id(facts: Transaction, authorization: Authorization) -> str:
    """An app's session has its id already; one begun at the charger is named after its transaction."""
    if authorization.session is not None:
        return authorization.session.session_id
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
