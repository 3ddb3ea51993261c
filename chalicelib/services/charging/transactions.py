"""Takes in transaction events: starts, readings and stops. Each is recorded first and understood second.

Nothing a charger did is lost or counted twice: a transaction's facts are merged as they come, in any order; the session
follows from the facts known so far. So a repeated, late or reordered message changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial, reduce

from chalicelib.domain.chargers.answers import Noted, StartAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, CommandResult, Verdict
from chalicelib.domain.chargers.events import ChargingStarted, ChargingStopped, Reading, ReadingsTaken, SignedValue
from chalicelib.domain.charging.readings import is_beside, with_beginning
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.domain.charging.transitions import Moved, StartFailed, StopRequested, apply
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Connectors
from chalicelib.ports.charging import Readings, Sessions, Transactions, Workflow
from chalicelib.ports.transparency import SignedValues
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.records.chargers import Connection, SentCall
from chalicelib.records.charging import Transaction
from chalicelib.services.at_once import together
from chalicelib.services.chargers.connectors import seat
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.local_starts import LocalStarts
from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.monitor import Monitor, attention_wh, wants_attention
from chalicelib.services.charging.running_cost import RunningCosts
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.session_story import for_this, session_name, story, tells_where
from chalicelib.services.charging.transaction_allowance import TransactionAllowance
from chalicelib.services.charging.transaction_ids import TransactionIds, is_after_end, is_same_start
from chalicelib.services.charging.transaction_limit import TransactionLimit, to_hand_on
from chalicelib.services.drivers.authorization import Authorization, Authorizations
from chalicelib.services.drivers.watches import Watches
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.pricing.courses import Courses, no_sums

_REF_ATTEMPTS = 8
# Somebody's token, and nobody pays for what is charged with it.
_ENDS = (AuthorizationStatus.EXPIRED, AuthorizationStatus.BLOCKED, AuthorizationStatus.NOT_HERE)
_log = logging.getLogger(__name__)

AssignRef = Callable[[str, ChargingStarted, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A transaction as known after a message, its session, and what to say of the token shown and of its group."""

    facts: Transaction
    session: Session | None
    standing: AuthorizationStatus | None
    group: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class TransactionEvents:
    """Records what chargers tell of transactions, and carries it to their sessions."""

    chargers: Chargers
    connectors: Connectors
    sessions: Sessions
    transactions: Transactions
    readings: Readings
    authorizations: Authorizations
    transaction_ids: TransactionIds
    workflow: Workflow
    changes: SessionChanges
    starts: LocalStarts
    ends: InferredEnds
    watches: Watches
    monitor: Monitor
    limits: TransactionLimit
    running_costs: RunningCosts
    courses: Courses
    alerts: Alerts
    allowance: TransactionAllowance
    clock: Clock
    signed_values: SignedValues
    metering: Metering

    def started(self, connection: Connection, event: ChargingStarted, assign_ref: AssignRef) -> StartAnswer:
        """A transaction began. `assign_ref` names one whose charger left that to us."""
        now = self.clock()
        for attempt in range(_REF_ATTEMPTS):
            ref = assign_ref(connection.charger_id, event, attempt)
            facts = Transaction(
                charger_id=connection.charger_id,
                ref=ref if event.ref is None else self.transaction_ids.begun(connection.charger_id, ref, event),
                connector=event.connector,
                token=event.token,
                heard_at=now,
                started_at=event.at,
                started_heard_at=now,
                meter_start_wh=event.meter_start_wh,
                first_seq_no=event.seq_no,
            )
            told = self._tell(connection, facts, event.remote_start_id)
            self.signed_values.keep(connection.charger_id, facts.ref, event.signed)
            if event.ref is not None or is_same_start(told.facts, event):
                session = self.limits.told(told.session, event.limits)
                return StartAnswer(
                    ref=ref,
                    standing=told.standing,
                    group=told.group,
                    expires_at=told.expires_at,
                    limits=to_hand_on(session),
                )
        raise RuntimeError(f"no free transaction number on {connection.charger_id} in {_REF_ATTEMPTS} attempts")

    def readings_taken(self, connection: Connection, event: ReadingsTaken) -> Noted:
        """Readings of a transaction, whichever the charger says or must mean."""
        known_at = self.clock()
        known = self.transaction_ids.meant(connection.charger_id, event)
        if known is None:
            _log.info("readings outside any session", extra={"charger_id": connection.charger_id})
            return Noted()
        if is_after_end(known, event):
            # Nothing new can be said of it: only that the message came is kept, and what was signed.
            self.readings.append(connection.charger_id, known.ref, (), event.seq_no)
            self._keep_signed(known, event.signed)
            return Noted()
        readings = with_beginning(event.readings, event.begun, known.meter_start_wh)
        self.courses.append(known, readings, event.seq_no, known_at=known_at)
        self._keep_signed(known, event.signed)
        if known.left_at is not None:
            self.ends.read(known, readings)
        session = self.monitor.look(known, readings) if wants_attention(known, readings) else None
        if event.limits is not None and known.session_id is not None:
            session = self.limits.told(session or self.sessions.get(known.session_id), event.limits)
        cost = self.running_costs.due(connection, known, session, readings)
        self.courses.keep_up(known, readings, session)
        self.alerts.read(known, readings)
        self.changes.news.read(known)
        self.changes.power_claims.drew(connection, known, readings)
        if tells_where(known, event):
            self._move(known, event)
        start_wh = self._start_wh(known, event, known_at)
        if event.token is None and event.remote_start_id is None and start_wh is None:
            return Noted(cost=cost, limits=to_hand_on(session))
        facts = Transaction(
            charger_id=connection.charger_id,
            ref=known.ref,
            connector=event.connector,
            token=event.token,
            meter_start_wh=start_wh,
        )
        told = self._tell(connection, facts, event.remote_start_id)
        session = self.limits.told(told.session, event.limits)
        return Noted(
            standing=told.standing, group=told.group, expires_at=told.expires_at, cost=cost, limits=to_hand_on(session)
        )

    def _keep_signed(self, known: Transaction, signed: Sequence[SignedValue]) -> None:
        """To the letter, be it told after the end: then it is weighed against what is billed."""
        self.signed_values.keep(known.charger_id, known.ref, signed)
        if signed and known.session_id is not None and known.stopped_heard_at is not None:
            session = self.sessions.get(known.session_id)
            if session is not None:
                self.metering.compare(session)

    def _start_wh(self, known: Transaction, event: ReadingsTaken, known_at: datetime) -> int | None:
        """The register of the beginning that readings repeat, where none is known yet.

        One that contradicts what is known (a start of 0, told before the meter was read) is evidence: a reading at
        the time of the start.
        """
        if event.begun is None or event.begun.energy_wh == known.meter_start_wh:
            return None
        if known.meter_start_wh is None:
            return event.begun.energy_wh
        if known.started_at is not None and is_beside(event.begun, event.readings):
            begun = Reading(at=known.started_at, energy_wh=event.begun.energy_wh)
            self.courses.append(known, (begun,), known_at=known_at)
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
            charger_id=charger_id,
            ref=ended.ref,
            connector=event.connector if ended.told_as is None else None,
            heard_at=now,
            stopped_at=event.at,
            stopped_heard_at=now,
            meter_start_wh=event.meter_start_wh if ended.told_as is None else None,
            meter_stop_wh=event.meter_stop_wh,
            stop_reason=event.reason,
            stop_token=event.token,
            stop_word=event.stop_word or None,
            last_seq_no=event.seq_no,
            stopped_as=ended.told_as,
        )
        if ended.told_as is not None:
            # Should this one's own end come too, the other is a charge of its own.
            self.transactions.record(replace(facts, ref=ended.told_as, stopped_as=None))
        session = self._tell(connection, facts).session
        if event.signed and session is not None:
            self.metering.compare(session)
        self.transaction_ids.disown(charger_id, ended, event)
        cost = self.monitor.cost(session) if session is not None and connection.protocol != OLDEST else None
        if event.token is None:
            return Noted(cost=cost)
        # Whoever shows a token to end a charge may end it: keeping a cable locked helps nobody. But what is told of the
        # token is its own status, for the charger keeps that, and lets the token charge by it (1.6 §3.5.1, 2.0.1 C10).
        shown = self._authorization(connection, event.token)
        return Noted(standing=shown.to_end, group=shown.group, expires_at=shown.expires_at, cost=cost)

    def start_answered(self, call: SentCall, result: CommandResult) -> None:
        """A charger's yes to a start is not yet energy; its no ends the wait at once."""
        charger_id, session_id = call.charger_id, call.subject
        if result.verdict is not Verdict.ACCEPTED:
            self.changes.apply(session_id, StartFailed(Reason.CHARGER_REFUSED, self.clock()))
        elif result.ref is not None:
            # OCPP 2.0.1 F02: the transaction began at the plug, before anyone was known to pay for it.
            session = self.sessions.get(session_id)
            claimed = Transaction(charger_id=charger_id, ref=result.ref, session_id=session_id, sums=no_sums(session))
            if session is not None:
                claimed = replace(claimed, attend_from_wh=attention_wh(session))
            facts = self.transactions.record(claimed)
            if facts.session_id == session_id and session is not None:
                self._bring_up_to_date(session, facts)
            else:
                # A token was shown to the same charge meanwhile: it has its payer.
                self.changes.apply(session_id, StartFailed(Reason.CONNECTOR_BUSY, self.clock()), known=session)

    def _tell(self, connection: Connection, facts: Transaction, remote_start_id: int | None = None) -> _Told:
        """Record facts and bring the session they belong to up to date."""
        authorization = self._payer(connection, facts, remote_start_id)
        merged, authorization = self._recorded(connection, facts, authorization)
        session = self._session(merged, authorization)
        if session is None:
            self.transactions.leave_unclaimed(merged.charger_id, merged.ref, self.clock())
            return _told(merged, None, authorization, authorization.standing if authorization else None)
        session = self._bring_up_to_date(session, merged)
        if merged.sums is None and session.state is State.ACTIVE and (sums := no_sums(session)) is not None:
            self.transactions.sum_up(merged, sums)
        if authorization is not None and authorization.is_master_pass and merged.token != facts.token:
            # Shown to end what another token began (C16).
            return _told(merged, session, authorization, authorization.to_end)
        return _told(merged, session, authorization, self._admitted(session, authorization, facts.token))

    def _payer(self, connection: Connection, facts: Transaction, remote_start_id: int | None) -> Authorization | None:
        """Step 1: who shows the token that these facts bring, or began what they echo; None: nobody."""
        if facts.token is not None:
            return for_this(self._authorization(connection, facts.token), facts)
        if remote_start_id is None:
            return None
        for state in self.connectors.of_charger(connection.charger_id):
            session = self.sessions.get(state.session_id) if state.session_id else None
            if session and session.remote_start_id == remote_start_id:
                return for_this(
                    Authorization(standing=AuthorizationStatus.ACCEPTED, driver_id=session.driver_id, session=session),
                    facts,
                )
        return None

    def _recorded(
        self, connection: Connection, facts: Transaction, authorization: Authorization | None
    ) -> tuple[Transaction, Authorization | None]:
        """Step 2: all that is known of the transaction, with the session it belongs to once that can be said."""
        # A token's session is made of its start: until that is heard, the charge stays on the list of the unclaimed.
        if authorization is not None and (authorization.session is not None or facts.started_heard_at is not None):
            from_wh = attention_wh(authorization.session) if authorization.session is not None else None
            name, sums = session_name(facts, authorization), no_sums(authorization.session)
            facts = replace(facts, session_id=name, attend_from_wh=from_wh, sums=sums)
        merged = (self.transactions.record if facts.stopped_heard_at is None else self.transactions.end)(facts)
        self.allowance.check(facts, merged)
        if merged.session_id is not None or merged.token is None or merged.started_heard_at is None:
            return merged, authorization
        # The token was shown after the transaction began, or in a message that overtook its beginning.
        if authorization is None or merged.token != facts.token:
            authorization = self._authorization(connection, merged.token)
        authorization = for_this(authorization, merged)
        name = session_name(merged, authorization)
        claimed = Transaction(charger_id=merged.charger_id, ref=merged.ref, session_id=name)
        return self.transactions.record(claimed), authorization

    def _session(self, facts: Transaction, authorization: Authorization | None) -> Session | None:
        """Step 3: the session that facts belong to; one begun at the charger is created here, once."""
        if facts.session_id is None:
            return None
        begun = authorization.session if authorization is not None else None
        if begun is not None and begun.session_id == facts.session_id:
            return begun
        if authorization is not None and begun is None and facts.started_heard_at is not None:
            # A token that no session is known for: most likely its charge's beginning, which needs the charger.
            known = partial(self.sessions.get, facts.session_id)
            session, charger = together(known, partial(self.chargers.get, facts.charger_id))
        else:
            session, charger = self.sessions.get(facts.session_id), None
        if session is not None or facts.started_heard_at is None:
            return session
        charger = charger or self.chargers.get(facts.charger_id)
        if charger is None:
            raise LookupError(f"charger {facts.charger_id} is not registered")
        if authorization is None:
            authorization = self.authorizations.authorization(
                charger.charger_id, charger.operator_id, facts.token or ""
            )
        return self.starts.begin(charger, facts, authorization)

    def _bring_up_to_date(self, session: Session, facts: Transaction) -> Session:
        """The session as its facts have it: begun, at the connector where the car is, ended."""
        is_elsewhere = facts.connector is not None and facts.connector != session.connector
        if is_elsewhere and facts.started_heard_at is not None and facts.stopped_heard_at is None:
            session = self._seated(session, facts)
        return self.changes.apply(session.session_id, *story(facts, session.not_before), known=session)

    def _admitted(
        self, session: Session, authorization: Authorization | None, token: str | None
    ) -> AuthorizationStatus | None:
        """Step 4: what becomes of a session under way by who its payer is; returns what the token shown is worth."""
        if session.reason is Reason.CONNECTOR_RESERVED:
            session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
            self.workflow.start(session)
            return AuthorizationStatus.BLOCKED if authorization else None
        if authorization is None:
            return None
        is_nobodys = session.reason is Reason.NOT_AUTHORISED and session.driver_id is None
        if is_nobodys and token == session.token and authorization.driver_id is not None:
            # Its token is good, and it was refused as it began: its driver leaves, or too much was begun abroad.
            authorization = replace(authorization, standing=AuthorizationStatus.BLOCKED)
        if authorization.standing in _ENDS and not session.is_over and session.origin is not Origin.APP:
            # Answered so, most chargers end it by themselves; one that does not is told to.
            session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
        is_refused = token == session.token and self._is_one_too_many(session, authorization)
        if is_refused:
            refused = StopRequested(self.clock(), Reason.TOO_MANY_CHARGES)
            session = self.changes.apply(session.session_id, refused, known=session)
        if session.origin is not Origin.APP and session.needs_workflow:
            self.workflow.start(session)
        return AuthorizationStatus.CONCURRENT_TX if is_refused else authorization.standing

    def _is_one_too_many(self, session: Session, authorization: Authorization) -> bool:
        """Whether its card charges elsewhere already, as often as it may: what has flowed is billed all the same."""
        if session.reason is Reason.TOO_MANY_CHARGES:
            return True
        if session.state is not State.ACTIVE or session.origin is not Origin.CARD:
            return False
        return self.authorizations.is_one_too_many(session, authorization)

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
        begun = session if session.started_at else reduce(apply, story(facts, session.not_before), session)
        superseded = seat(self.connectors, self.sessions, begun, facts.connector, self.watches.free)
        if superseded is None:
            return session
        if superseded.session_id != session.session_id:
            self.ends.gone(superseded)
            return session
        # A later charge has that connector by now: this one is over, and keeps nobody from its own any more.
        self.watches.free(session.charger_id, session.connector, session.session_id)
        session = self.changes.apply(session.session_id, *story(facts, session.not_before), known=session)
        return self.ends.gone(session)

    def _authorization(self, connection: Connection, token: str) -> Authorization:
        return self.authorizations.authorization(connection.charger_id, connection.operator_id, token)


def _told(
    facts: Transaction,
    session: Session | None,
    shown: Authorization | None,
    standing: AuthorizationStatus | None,
) -> _Told:
    told = _Told(facts=facts, session=session, standing=standing)
    return told if shown is None else replace(told, group=shown.group, expires_at=shown.expires_at)
