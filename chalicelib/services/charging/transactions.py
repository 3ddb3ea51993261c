"""Whatever a charger says of a charge is recorded first and understood second; nothing it did is lost or counted twice.

A transaction's facts are merged as they come, in any order; the session follows from the facts known so far. So
a repeated, late or reordered message finds its facts already there and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

from chalicelib.domain.chargers.answers import Noted, StartAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, CommandResult, Verdict
from chalicelib.domain.chargers.events import ChargingStarted, ChargingStopped, Reading, ReadingsTaken, StopReason
from chalicelib.domain.charging.readings import is_beside, with_beginning
from chalicelib.domain.charging.session import Origin, Reason, Session, session_id_for
from chalicelib.domain.charging.transitions import (
    Moved,
    SessionEvent,
    Started,
    StartFailed,
    Stopped,
    StopRequested,
    apply,
)
from chalicelib.domain.pricing.evidence import Flag, Said, believable, span
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Readings, Sessions, SignedValues, Transactions, Workflow
from chalicelib.records.chargers import Connection
from chalicelib.records.charging import Transaction
from chalicelib.services.chargers.connectors import seat
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.local_starts import CHARGER_AS_A_WHOLE, LocalStarts
from chalicelib.services.charging.monitor import Monitor, attention_wh, wants_attention
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import NAMELESS, TransactionIds
from chalicelib.services.drivers.authorization import Authorization, Authorizations
from chalicelib.services.notifications.alerts import Alerts

__all__ = ["AssignRef", "CHARGER_AS_A_WHOLE", "TransactionEvents"]

_REF_ATTEMPTS = 8
_log = logging.getLogger(__name__)

AssignRef = Callable[[str, ChargingStarted, int], str]


@dataclass(frozen=True)
class TransactionEvents:
    """Hears chargers tell of charges."""

    chargers: Chargers
    sessions: Sessions
    transactions: Transactions
    readings: Readings
    authorizations: Authorizations
    transaction_ids: TransactionIds
    workflow: Workflow
    changes: SessionChanges
    starts: LocalStarts
    ends: InferredEnds
    monitor: Monitor
    alerts: Alerts
    clock: Clock
    signed_values: SignedValues

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
            facts, standing = self._tell(connection, facts, event.remote_start_id)
            self.signed_values.keep(connection.charger_id, facts.ref, event.signed)
            if event.ref is not None or _is_same_start(facts, event):
                return StartAnswer(ref, standing)
        raise RuntimeError(f"no free transaction number on {connection.charger_id} in {_REF_ATTEMPTS} attempts")

    def readings_taken(self, connection: Connection, event: ReadingsTaken) -> Noted:
        """Readings of a transaction, whichever the charger says or must mean."""
        known = self.transaction_ids.meant(connection.charger_id, event)
        if known is None:
            _log.info("readings outside any session", extra={"charger_id": connection.charger_id})
            return Noted()
        if _is_after_end(known, event):
            # Nothing new can be said of it: only that the message came is kept.
            self.readings.append(connection.charger_id, known.ref, (), event.seq_no)
            return Noted()
        readings = with_beginning(event.readings, event.begun, known.meter_start_wh)
        self.readings.append(connection.charger_id, known.ref, readings, event.seq_no)
        self.signed_values.keep(connection.charger_id, known.ref, event.signed)
        if known.left_at is not None:
            self.ends.read(known, readings)
        if wants_attention(known, readings):
            self.monitor.look(known, readings)
        self.alerts.read(known, readings)
        if _tells_where(known, event):
            self._move(known, event)
        start_wh = self._start_wh(known, event)
        if event.token is None and event.remote_start_id is None and start_wh is None:
            return Noted()
        facts = Transaction(
            connection.charger_id,
            known.ref,
            connector=event.connector,
            token=event.token,
            meter_start_wh=start_wh,
        )
        return Noted(self._tell(connection, facts, event.remote_start_id)[1])

    def _start_wh(self, known: Transaction, event: ReadingsTaken) -> int | None:
        """The register of the beginning that readings repeat, where none is known yet.

        One that contradicts what is known (a start of 0, told before the meter was read) is evidence: a reading at
        the time of the start.
        """
        if event.begun is None or event.begun.energy_wh == known.meter_start_wh:
            return None
        if known.meter_start_wh is None:
            return event.begun.energy_wh
        if known.started_at is not None and is_beside(event.begun, event.readings):
            begun = Reading(known.started_at, event.begun.energy_wh)
            self.readings.append(known.charger_id, known.ref, (begun,))
        return None

    def stopped(self, connection: Connection, event: ChargingStopped) -> Noted:
        """A transaction ended, be its beginning known or not."""
        now = self.clock()
        charger_id = connection.charger_id
        ended = self.transaction_ids.ended(charger_id, event)
        if event.readings:
            self.readings.append(charger_id, ended.ref, event.readings)
        self.signed_values.keep(charger_id, ended.ref, event.signed)
        facts = Transaction(
            charger_id,
            ended.ref,
            connector=event.connector if ended.told_as is None else None,
            heard_at=now,
            stopped_at=event.at,
            stopped_heard_at=now,
            meter_start_wh=event.meter_start_wh if ended.told_as is None else None,
            meter_stop_wh=event.meter_stop_wh,
            stop_reason=event.reason,
            stop_token=event.token,
            last_seq_no=event.seq_no,
            stopped_as=ended.told_as,
        )
        if ended.told_as is not None:
            # Should this one's own end come too, the other is a charge of its own.
            self.transactions.record(replace(facts, ref=ended.told_as, stopped_as=None))
        self._tell(connection, facts)
        self.transaction_ids.disown(charger_id, ended, event)
        # Whoever shows a card to end a charge may end it: keeping a cable locked helps nobody.
        return Noted(AuthorizationStatus.ACCEPTED if event.token else None)

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
            if facts.session_id == session_id and session is not None:
                self._bring_up_to_date(session, facts)
            else:
                # A card was shown to the same charge meanwhile: it has its payer.
                self.changes.apply(session_id, StartFailed(Reason.CONNECTOR_BUSY, self.clock()), known=session)

    def present(self, charger_id: str, ref: str | None) -> Transaction | None:
        """A transaction that goes on, as far as anybody knows; None for one that has ended, or that nobody knows."""
        known = self.transaction_ids.known(charger_id, ref) if ref is not None else None
        return known if known is not None and known.stopped_heard_at is None else None

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
            begun = self.starts.blank(charger, replace(facts, token=token or None), authorization)
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

    def _tell(
        self, connection: Connection, facts: Transaction, remote_start_id: int | None = None
    ) -> tuple[Transaction, AuthorizationStatus | None]:
        """Record facts and bring the session they belong to up to date; returns all facts, and what its token is."""
        authorization = self._payer(connection, facts, remote_start_id)
        merged, authorization = self._recorded(connection, facts, authorization)
        session = self._session(merged, authorization)
        if session is None:
            self.transactions.leave_unclaimed(merged.charger_id, merged.ref, self.clock())
            return merged, authorization.standing if authorization else None
        session = self._bring_up_to_date(session, merged)
        return merged, self._admitted(session, authorization)

    def _payer(self, connection: Connection, facts: Transaction, remote_start_id: int | None) -> Authorization | None:
        """Step 1: who shows the token that these facts bring, or began what they echo; None: nobody."""
        if facts.token is not None:
            return _for_this(self._holder(connection, facts.token), facts)
        if remote_start_id is None:
            return None
        for state in self.chargers.connectors(connection.charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session and session.remote_start_id == remote_start_id:
                return _for_this(Authorization(AuthorizationStatus.ACCEPTED, session.driver_id, session), facts)
        return None

    def _recorded(
        self, connection: Connection, facts: Transaction, authorization: Authorization | None
    ) -> tuple[Transaction, Authorization | None]:
        """Step 2: all that is known of the transaction, with the session it belongs to once that can be said."""
        # A card's session is made of its start: until that is heard, the charge stays on the list of the unclaimed.
        if authorization is not None and (authorization.session is not None or facts.started_heard_at is not None):
            from_wh = attention_wh(authorization.session) if authorization.session is not None else None
            facts = replace(facts, session_id=_session_id(facts, authorization), attend_from_wh=from_wh)
        is_end = facts.stopped_heard_at is not None
        merged = self.transactions.end(facts) if is_end else self.transactions.record(facts)
        if merged.session_id is not None or merged.token is None or merged.started_heard_at is None:
            return merged, authorization
        # The token was shown after the transaction began, or in a message that overtook its beginning.
        if authorization is None or merged.token != facts.token:
            authorization = self._holder(connection, merged.token)
        authorization = _for_this(authorization, merged)
        claimed = Transaction(merged.charger_id, merged.ref, session_id=_session_id(merged, authorization))
        return self.transactions.record(claimed), authorization

    def _session(self, facts: Transaction, authorization: Authorization | None) -> Session | None:
        """Step 3: the session that facts belong to; one begun at the charger is created here, once."""
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
        return self.starts.begin(charger, facts, authorization, _story(facts))

    def _bring_up_to_date(self, session: Session, facts: Transaction) -> Session:
        """The session as its facts have it: begun, at the connector where the car is, ended."""
        is_elsewhere = facts.connector is not None and facts.connector != session.connector
        if is_elsewhere and facts.started_heard_at is not None and facts.stopped_heard_at is None:
            session = self._seated(session, facts)
        return self.changes.apply(session.session_id, *_story(facts), known=session)

    def _admitted(self, session: Session, authorization: Authorization | None) -> AuthorizationStatus | None:
        """Step 4: what becomes of a session under way by who its payer is; returns what the token shown is worth."""
        if session.reason is Reason.CONNECTOR_RESERVED:
            session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
            self.workflow.start(session)
            return AuthorizationStatus.BLOCKED if authorization else None
        if authorization is None:
            return None
        if (
            authorization.standing is AuthorizationStatus.EXPIRED
            and not session.is_over
            and session.origin is not Origin.APP
        ):
            # Answered so, most chargers end it by themselves; one that does not is told to.
            session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
        if session.origin is not Origin.APP:
            self.workflow.start(session)
        return authorization.standing

    def _move(self, known: Transaction, event: ReadingsTaken) -> None:
        """The charger says where the car is, after the start: the session goes there."""
        if event.connector is None or not self.transactions.place(
            known.charger_id, known.ref, event.connector, event.seq_no
        ):
            return
        session = self.sessions.get(known.session_id) if known.session_id else None
        if session is not None and session.ref == known.ref and session.connector != event.connector:
            session = self._seated(session, replace(known, connector=event.connector))
            self.changes.apply(session.session_id, Moved(event.connector), known=session)

    def _seated(self, session: Session, facts: Transaction) -> Session:
        """A session whose charge is told at another connector has that one, and its own no more.

        The connectors first, the session last: after a crash the same message does all of it again.
        """
        if facts.connector is None or not facts.connector.is_credible or session.is_over or session.stopped_at:
            return session
        begun = session if session.started_at else reduce(apply, _story(facts), session)
        superseded = seat(self.chargers, self.sessions, begun, facts.connector)
        if superseded is None:
            return session
        if superseded.session_id != session.session_id:
            self.ends.gone(superseded)
            return session
        # A later charge has that connector by now: this one is over, and keeps nobody from its own any more.
        self.chargers.free(session.charger_id, session.connector, session.session_id)
        session = self.changes.apply(session.session_id, *_story(facts), known=session)
        return self.ends.gone(session)

    def _holder(self, connection: Connection, token: str) -> Authorization:
        return self.authorizations.authorization(connection.charger_id, connection.operator_id, token)


def _is_after_end(known: Transaction, event: ReadingsTaken) -> bool:
    """Whether a transaction had ended before this: a message of it numbered or dated after its own end."""
    if known.stopped_heard_at is None or known.stopped_as is not None:
        return False
    if event.seq_no is not None and known.last_seq_no is not None:
        return event.seq_no > known.last_seq_no
    stopped_at = known.stopped_at
    if stopped_at is None or not believable(stopped_at, known.stopped_heard_at):
        return False
    return bool(event.readings) and all(it.at > stopped_at for it in event.readings)


def _tells_where(known: Transaction, event: ReadingsTaken) -> bool:
    """Whether a message says where the car is, and that is not what is known.

    The EVSE alone, where a plug of it is known already, says nothing new; and a charger that numbers nothing
    (OCPP 1.6) has said it with the start, if at all.
    """
    told, where = event.connector, known.connector
    if told is None or told == where or not told.is_credible or known.stopped_heard_at is not None:
        return False
    if where is None:
        return True
    is_same_evse = told.evse == where.evse and told.plug == 1
    return event.seq_no is not None and not is_same_evse and event.seq_no > (known.connector_seq_no or 0)


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
        where = facts.connector if facts.connector is not None and facts.connector.is_credible else None
        events.append(Started(facts.ref, start.best, facts.meter_start_wh, doubts, where))
    if stop is not None:
        lasted = span(start or stop, stop)
        reason = facts.stop_reason or StopReason.OTHER
        began_at = lasted.began_at if start is not None and lasted.flags else None
        flags = lasted.flags
        if facts.stopped_as is not None and not facts.stopped_as.startswith(NAMELESS):
            flags |= {Flag.END_INFERRED}
        is_inferred = facts.stopped_as is not None
        events.append(Stopped(facts.ref, lasted.ended_at, facts.meter_stop_wh, reason, began_at, flags, is_inferred))
    return events
