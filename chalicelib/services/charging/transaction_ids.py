"""Finds the transaction a message belongs to, by whatever name: one given twice, none at all, or another's.

What was once understood of a name is written down, so that a repetition is understood the same way. A message under a
name that nobody gave belongs to a charge under way only if token, time, connector and register allow it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    ReadingsTaken,
)
from chalicelib.domain.charging.ends import is_same_end
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers import spellings
from chalicelib.domain.pricing.evidence import Flag, believable
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Connectors
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.records.charging import Transaction

# A start told again may differ by seconds; one so much later, by a charger that counts from one again, is another.
_ANOTHER = timedelta(minutes=10)
# OCPP's identifiers have no such sign.
_SECOND = re.compile(r"~\d{9,}$")
# What the name of a transaction begins with whose charger knows none.
NAMELESS = "lost~"
# A charger that has lost the number may have set its clock meanwhile; so far back only if nothing was drawn.
_SET_BACK = timedelta(minutes=15)
# No connector gives more. What a plug is registered with is a nominal figure: half as much again may be true.
_STRONGEST_W = 1_000_000
_SLACK_WH = 1_000
_NAMELESS_SLACK_WH = 20_000
# Where one of these is told, a car draws or could draw.
_UNDER_WAY = (ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.SUSPENDED_BY_CHARGER)


def known_to_charger(ref: str) -> str:
    """What the charger itself calls a transaction that we call otherwise because it used the name twice."""
    return _SECOND.sub("", ref)


@dataclass(frozen=True, slots=True)
class Ended:
    """The transaction `ref` that a message ends, as it was `known` before.

    `told_as` is the name that the message gave it where that is not its own.
    """

    ref: str
    told_as: str | None = None
    known: Transaction | None = None


@dataclass(frozen=True, kw_only=True)
class TransactionIds:
    """Gives transactions their names and finds them by what chargers call them.

    One read for a transaction that is known.
    """

    chargers: Chargers
    connectors: Connectors
    sessions: Sessions
    transactions: Transactions
    clock: Clock

    def begun(self, charger_id: str, ref: str, event: ChargingStarted) -> str:
        """What to call a transaction that its charger calls `ref`, which may be the name of an earlier one."""
        known = self.known(charger_id, ref)
        if known is None or known.started_at is None or event.at is None:
            return known.ref if known else ref
        is_near = event.at <= (known.stopped_at or known.started_at + _ANOTHER)
        if is_near and not (event.at > known.started_at and _is_anothers(known, event)):
            return known.ref
        another = f"{ref}~{int(event.at.timestamp())}"
        self.transactions.redirect(charger_id, ref, another)
        return another

    def meant(self, charger_id: str, event: ReadingsTaken) -> Transaction | None:
        """The transaction that readings belong to; None when they belong to none."""
        known = self.known(charger_id, event.ref) if event.ref else None
        if known is not None:
            return known
        if event.ref is None and event.connector is None and not event.is_nameless:
            # OCPP 1.6 §9.12, 2.0.1 J01: the meter of the station as a whole.
            return None
        # A charger that numbers its messages names its transactions too: its start is still on its way.
        running = None if event.seq_no is not None else self._running_at(charger_id, event)
        if running is not None:
            return running
        ref = event.ref
        if ref is None:
            if not event.is_nameless or not event.readings or not self._is_under_way(charger_id, event.connector):
                return None
            ref = f"{NAMELESS}{event.connector or 0}~{event.readings[0].at:%Y%m%d}"
        facts = Transaction(charger_id=charger_id, ref=ref, connector=event.connector, heard_at=self.clock())
        self.transactions.leave_unclaimed(charger_id, ref, self.clock())
        return self.transactions.record(facts)

    def ended(self, charger_id: str, event: ChargingStopped) -> Ended:
        """The transaction that ended: the one named, or the one that must be meant, or one nobody saw begin."""
        alias = event.ref or _alias(event)
        row = self.transactions.get(charger_id, alias)
        if row is not None and row.stands_for is not None:
            known = self.transactions.get(charger_id, row.stands_for) or Transaction(
                charger_id=charger_id, ref=row.stands_for
            )
            if known_to_charger(known.ref) != alias:
                return Ended(known.ref, alias, known)
            # An end older than the start is that of the transaction that had the name before.
            is_older = event.at is not None and known.started_at is not None and event.at < known.started_at
            return Ended(alias, None, row) if is_older else Ended(known.ref, None, known)
        if row is not None or (event.ref is not None and event.seq_no is not None):
            return Ended(alias, None, row)
        meant = self._only_candidate(charger_id, event)
        if meant is None:
            return Ended(alias)
        self.transactions.redirect(charger_id, alias, meant)
        return Ended(meant, alias)

    def present(self, charger_id: str, ref: str | None) -> Transaction | None:
        """A transaction that goes on, as far as anybody knows; None for one that has ended, or that nobody knows."""
        known = self.known(charger_id, ref) if ref is not None else None
        return known if known is not None and known.stopped_heard_at is None else None

    def known(self, charger_id: str, ref: str) -> Transaction | None:
        """The transaction of that name, or the one that the name stands for."""
        known = self.transactions.get(charger_id, ref)
        if known is not None and known.stands_for is not None:
            return self.transactions.get(charger_id, known.stands_for) or Transaction(
                charger_id=charger_id, ref=known.stands_for
            )
        return known

    def disown(self, charger_id: str, ended: Ended, event: ChargingStopped) -> None:
        """A transaction has told its own end: what was taken for it under another name was its own charge's.

        Unless it was the same end, told twice.
        """
        alias = ended.known.stopped_as if ended.known is not None else None
        if alias is None or ended.told_as is not None:
            return
        told = self.transactions.get(charger_id, alias)
        at = event.at or self.clock()
        if told is None or is_same_end(
            told.stopped_at or told.stopped_heard_at, told.meter_stop_wh, at, event.meter_stop_wh
        ):
            return
        self.transactions.redirect(charger_id, alias, None)
        self.transactions.leave_unclaimed(charger_id, alias, self.clock())

    def _running_at(self, charger_id: str, event: ReadingsTaken) -> Transaction | None:
        """The transaction under way where readings were taken; at any connector, if there is but one and none is told.

        What has no number may be the station's own meter, unless it is told of a connector.
        """
        is_anywhere = event.connector is None and event.ref is not None
        running = [
            it
            for it in self._sessions(charger_id)
            if it.stopped_at is None and (is_anywhere or it.connector == (event.connector or ConnectorId(0)))
        ]
        if len(running) != 1 or running[0].ref is None:
            return None
        facts = self.known(charger_id, running[0].ref)
        if facts is None or not event.readings:
            return facts
        candidate = self._candidate(running[0], facts)
        if not all(candidate.allows_time(it.at) for it in event.readings):
            return None
        if event.ref is not None and not all(candidate.allows_register(it.energy_wh, it.at) for it in event.readings):
            return None
        return facts

    def _is_under_way(self, charger_id: str, connector: ConnectorId | None) -> bool:
        """Whether a charge that nobody knows of goes on at a connector, by the connector's own word."""
        return any(
            it.connector == connector and it.session_id is None and it.status in _UNDER_WAY
            for it in self.connectors.of_charger(charger_id)
        )

    def _only_candidate(self, charger_id: str, event: ChargingStopped) -> str | None:
        """OCPP 1.6 ends a transaction by its number alone; without one, the rest tells which it can be."""
        fitting: list[Session] = []
        for session in self._sessions(charger_id, with_last=True):
            facts = self.known(charger_id, session.ref) if session.ref else None
            if facts is None or session.ref is None:
                continue
            at = event.at or self.clock()
            if facts.stopped_heard_at is not None:
                told_at = facts.stopped_at or facts.stopped_heard_at
                if event.ref is None and is_same_end(told_at, facts.meter_stop_wh, at, event.meter_stop_wh):
                    return session.ref
                continue
            is_open = session.stopped_at is None or Flag.END_UNKNOWN in session.flags
            if is_open and self._candidate(session, facts).allows(event):
                fitting.append(session)
        if len(fitting) > 1 and event.token is not None:
            fitting = [it for it in fitting if _is_same_card(event.token, it.token)] or fitting
        return fitting[0].ref if len(fitting) == 1 else None

    def _candidate(self, session: Session, facts: Transaction) -> _Candidate:
        charger = self.chargers.get(session.charger_id)
        plugs = charger.plugs if charger is not None else ()
        power_w = next((it.max_power_w for it in plugs if it.connector == session.connector and it.max_power_w), 0)
        return _Candidate(session, facts, power_w * 3 // 2 or _STRONGEST_W, self.clock())

    def _sessions(self, charger_id: str, *, with_last: bool = False) -> Iterator[Session]:
        """Sessions that have begun at the charger's connectors; `with_last`: those too that had these before."""
        for state in self.connectors.of_charger(charger_id):
            for session_id in (state.session_id, state.last_session_id if with_last else None):
                session = self.sessions.get(session_id) if session_id else None
                if session is not None and session.ref is not None:
                    yield session


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A charge that a message under a strange name may be of. `power_w` is the most that its connector gives."""

    session: Session
    facts: Transaction
    power_w: int
    now: datetime

    def allows(self, event: ChargingStopped) -> bool:
        """Whether this end can be its."""
        if event.token and self.session.token and not _is_same_card(event.token, self.session.token):
            return False
        is_nameless = event.ref is None
        register_wh = event.meter_stop_wh
        slack_wh = _NAMELESS_SLACK_WH if is_nameless else _SLACK_WH
        if not self.allows_register(register_wh, event.at, slack_wh):
            return False
        drew_nothing = register_wh is not None and register_wh == self.session.meter_start_wh
        return self.allows_time(event.at, _SET_BACK if is_nameless and drew_nothing else timedelta(0))

    def allows_time(self, at: datetime | None, slack: timedelta = timedelta(0)) -> bool:
        """Whether it had begun by then; a time that says nothing is allowed."""
        if at is None:
            return True
        began_at = self.facts.started_at
        if not believable(at, self.now):
            # By a clock that is wrong all along only its own times can be compared.
            heard_at = self.facts.started_heard_at
            is_wrong_too = began_at is not None and heard_at is not None and not believable(began_at, heard_at)
            return began_at is None or not is_wrong_too or at >= began_at
        if began_at is not None and self.facts.started_heard_at is not None:
            if believable(began_at, self.facts.started_heard_at):
                return at >= began_at - slack
            return at >= self.facts.started_heard_at - timedelta(minutes=1) - slack
        return at >= (self.session.started_at or self.session.created_at) - slack

    def allows_register(self, energy_wh: int | None, at: datetime | None, slack_wh: int = _SLACK_WH) -> bool:
        """Whether its meter can have shown this; 0 and what is below mean that it was not read."""
        begun_wh = self.session.meter_start_wh
        if energy_wh is None or energy_wh <= 0 or begun_wh is None:
            return True
        began_at = self.session.started_at or self.session.created_at
        until = at if believable(at, self.now) and at is not None and at > began_at else self.now
        lasted_s = max(0.0, (until - began_at).total_seconds())
        return begun_wh <= energy_wh <= begun_wh + self.power_w * lasted_s / 3600 + slack_wh


def _is_anothers(known: Transaction, event: ChargingStarted) -> bool:
    """Whether a start is of another card and another register: no repetition, however soon it comes."""
    if not known.token or not event.token or _is_same_card(event.token, known.token):
        return False
    return None not in (known.meter_start_wh, event.meter_start_wh) and known.meter_start_wh != event.meter_start_wh


def _is_same_card(shown: str, token: str) -> bool:
    return not set(spellings(shown)).isdisjoint(spellings(token))


def _alias(event: ChargingStopped) -> str:
    """A name that the same message always gets."""
    facts = (event.said_at or event.at, event.meter_stop_wh, event.token, event.reason)
    return NAMELESS + hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:16]


def is_after_end(known: Transaction, event: ReadingsTaken) -> bool:
    """Whether a transaction had ended before this: a message of it numbered or dated after its own end."""
    if known.stopped_heard_at is None or known.stopped_as is not None:
        return False
    if event.seq_no is not None and known.last_seq_no is not None:
        return event.seq_no > known.last_seq_no
    stopped_at = known.stopped_at
    if stopped_at is None or not believable(stopped_at, known.stopped_heard_at):
        return False
    return bool(event.readings) and all(it.at > stopped_at for it in event.readings)


def is_same_start(facts: Transaction, event: ChargingStarted) -> bool:
    """Whether a transaction is the one this start began, or another that was given the same number."""
    if facts.started_at != event.at:
        return False
    if facts.started_heard_at is not None and believable(event.at, facts.started_heard_at):
        return True
    # By a clock that stands still, or none, only the order of messages tells: what has ended does not begin again.
    return facts.stopped_heard_at is None
