"""Remote control: an operator commands its own chargers, and reads what they said. Another's do not exist for it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.availability import Happening, Uptime, spells, uptime
from chalicelib.domain.chargers.commands import (
    ChangePassword,
    Command,
    CommandResult,
    Message,
    StartCharging,
    Trigger,
    Unable,
    Verdict,
)
from chalicelib.domain.chargers.events import ConnectorId, NewsReceived, ReportKind, ReportReceived, SignedValue
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.chargers import (
    Calls,
    ChargerNews,
    ChargerPasswords,
    Chargers,
    History,
    MessageLog,
    Reports,
    Sockets,
)
from chalicelib.ports.charging import Readings, Sessions, Transactions
from chalicelib.ports.transparency import SignedValues
from chalicelib.protocol.ocpp.settings import put_together
from chalicelib.records.chargers import Charger, Errand, Gone, LoggedMessage, MainMeter, Purpose, SentCall
from chalicelib.records.charging import Transaction
from chalicelib.services.access import NotFound, Refusal, operators_own
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.chargers.passwords import hash_password

LONGEST_TRACE = timedelta(hours=24)
_LOOK_AGAIN_S = 0.25
# 20 bytes: what OCPP 1.6's AuthorizationKey holds at most, as 40 hexadecimal digits.
_KEY_BYTES = 20
_SOCKET_CLOSED = CommandResult(verdict=Verdict.FAILED, detail="its socket closed before the charger answered")


@dataclass(frozen=True, slots=True)
class TransactionReport:
    """A transaction as its charger told it; `missing` are ranges of message numbers that never came."""

    facts: Transaction
    messages: int
    missing: Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class RemoteControl:
    """What an operator asks of its registered chargers, and reads of them."""

    chargers: Chargers
    sockets: Sockets
    charger_passwords: ChargerPasswords
    charger_news: ChargerNews
    calls: Calls
    commands: ChargerCommands
    message_log: MessageLog
    history: History
    reports: Reports
    sessions: Sessions
    transactions: Transactions
    readings: Readings
    clock: Clock
    sleep: Callable[[float], None]
    signed_values: SignedValues

    def order(self, operator_id: str, charger_id: str, command: Command, key: str | None) -> SentCall:
        """Send a command; the same `key` again sends nothing and returns the first one's fate.

        Raises NotFound, and Refusal when the charger is offline, or its OCPP version cannot say this.
        """
        charger = self._own(operator_id, charger_id)
        fingerprint = repr(command)
        message_id = f"k-{secrets.token_hex(12)}" if key is None else f"k-{_digest(operator_id, key)}"
        known = self.calls.get(charger_id, message_id) if key else None
        if known is None:
            errand = Errand(message_id, Purpose.OPERATOR, fingerprint=fingerprint)
            known = self._send(charger, command, errand)
        if known.fingerprint != fingerprint:
            raise Refusal("idempotency_key_reused", "this Idempotency-Key was used for another command")
        return known

    def start(self, operator_id: str, charger_id: str, connector: ConnectorId, uid: str, key: str | None) -> SentCall:
        """Have a charge begun as if that token were shown there; `key` as in `order`. Raises NotFound, Refusal."""
        number = int(_digest(charger_id, str(connector), uid)[:8], 16) >> 1 or 1
        return self.order(operator_id, charger_id, StartCharging(connector, uid, number), key)

    def fate(self, operator_id: str, charger_id: str, command_id: str, wait_s: float = 0) -> SentCall:
        """A command and its answer, waited for if need be. Raises NotFound.

        One whose socket has closed is told to have failed; an answer that comes all the same, down the next socket,
        is still its answer.
        """
        deadline = self.clock() + timedelta(seconds=wait_s)
        while True:
            charger = self._own(operator_id, charger_id)
            call = self.calls.get(charger_id, command_id)
            if call is None:
                raise NotFound(f"command {command_id}")
            if call.parts > 1:
                call = self._whole(call)
            if call.result is None and call.connection_id and call.connection_id != charger.connection_id:
                return replace(call, result=_SOCKET_CLOSED)
            if call.result is not None or self.clock() >= deadline:
                return call
            if (call.waiting or call.parts > 1) and charger.connection_id is not None:
                self.commands.go_on(charger_id, charger.connection_id)
            self.sleep(_LOOK_AGAIN_S)

    def _whole(self, call: SentCall) -> SentCall:
        """A command its charger takes in parts only, with one answer made of the answers to all of them."""
        parts = [call, *(self.calls.get(call.charger_id, message_id) for message_id in call.later_parts)]
        results = [it.result for it in parts if it is not None and it.result is not None]
        if len(results) < len(parts):
            return replace(call, result=None, answered_at=None)
        worst = max(results, key=lambda it: list(Verdict).index(it.verdict))
        whole = CommandResult(
            verdict=worst.verdict,
            detail=", ".join(dict.fromkeys(it.detail for it in results if it.detail))[:100],
            data=put_together([it.data for it in results]),
            deviation=next((it.deviation for it in results if it.deviation), None),
        )
        answered_at = max((it.answered_at for it in parts if it is not None and it.answered_at), default=None)
        return replace(call, result=whole, answered_at=answered_at)

    def change_password(self, operator_id: str, charger_id: str) -> SentCall:
        """Give the charger a new password that nobody reads. The old one stays good until the new one is used."""
        charger = self._own(operator_id, charger_id)
        password = secrets.token_hex(_KEY_BYTES).upper()
        password_hash = hash_password(password.encode(), secrets.token_bytes(16))
        self.charger_passwords.offer(charger_id, password_hash)
        errand = Errand(f"k-{secrets.token_hex(12)}", Purpose.PASSWORD, password_hash)
        try:
            return self._send(charger, ChangePassword(password), errand)
        except Refusal:
            self.charger_passwords.drop(charger_id, password_hash)
            raise

    def password_answered(self, call: SentCall, result: CommandResult) -> None:
        """A password that the charger did not take is good no longer."""
        if result.verdict is not Verdict.ACCEPTED:
            self.charger_passwords.drop(call.charger_id, call.subject)

    def welcome(self, charger_id: str) -> None:
        """A charger that waited was registered: it is asked to present itself again, and is accepted then."""
        try:
            self.commands.send(charger_id, Trigger(Message.BOOT), Purpose.OPERATOR)
        except Gone:
            return

    def look(self, operator_id: str, charger_id: str) -> tuple[Charger, Sequence[tuple[NewsReceived, datetime]]]:
        """A charger and its latest news. Raises NotFound."""
        return self._own(operator_id, charger_id), self.charger_news.of_charger(charger_id)

    def main_meter(self, operator_id: str, charger_id: str) -> MainMeter | None:
        """The station's own meter as last told, if it ever was. Raises NotFound."""
        return self.charger_news.main_meter(self._own(operator_id, charger_id).charger_id)

    def read_journal(
        self, operator_id: str, charger_id: str, limit: int, before: str | None
    ) -> tuple[Sequence[LoggedMessage], str | None]:
        """The message log, newest first. Raises NotFound, BadCursor for a cursor not ours."""
        self._own(operator_id, charger_id)
        return self.message_log.page(charger_id, limit, before)

    def trace(self, operator_id: str, charger_id: str, lasting: timedelta) -> datetime:
        """Log heartbeats and readings too, for a while; returns until when. Raises NotFound."""
        self._own(operator_id, charger_id)
        until = self.clock() + min(lasting, LONGEST_TRACE)
        self.sockets.trace(charger_id, until)
        return until

    def uptime(
        self, operator_id: str, charger_id: str, since: datetime, until: datetime, excluded: timedelta
    ) -> Sequence[tuple[ConnectorId, Uptime]]:
        """Each registered connector's uptime. Raises NotFound."""
        charger = self._own(operator_id, charger_id)
        until = min(until, self.clock())
        happenings = self.history.between(charger_id, since, until)
        return [
            (connector, uptime(spells(happenings, connector, since, until), excluded))
            for connector in charger.connectors
        ]

    def happenings(self, operator_id: str, charger_id: str, since: datetime, until: datetime) -> Sequence[Happening]:
        """Connections and status changes in order. Raises NotFound."""
        self._own(operator_id, charger_id)
        return [it for it in self.history.between(charger_id, since, until) if it.at >= since]

    def report(self, operator_id: str, charger_id: str, kind: ReportKind, request_id: int) -> Sequence[ReportReceived]:
        """A report's parts as far as they have come. Raises NotFound."""
        self._own(operator_id, charger_id)
        return self.reports.parts(charger_id, kind, request_id)

    def transaction(self, operator_id: str, charger_id: str, ref: str) -> TransactionReport:
        """A transaction as told. Raises NotFound."""
        self._own(operator_id, charger_id)
        facts = self.transactions.get(charger_id, ref)
        if facts is not None and facts.stands_for is not None:
            facts = self.transactions.get(charger_id, facts.stands_for)
        if facts is None:
            raise NotFound(f"transaction {ref}")
        ends = [it for it in (facts.first_seq_no, facts.last_seq_no) if it is not None]
        numbers = sorted({*self.readings.seq_nos(charger_id, facts.ref), *ends})
        return TransactionReport(facts, len(numbers), missing(numbers))

    def signed(
        self, operator_id: str, session_id: str, limit: int, after: str
    ) -> tuple[Sequence[SignedValue], str | None]:
        """What meters signed of a session, of `limit` messages, in order of time; and the next page's cursor.

        Raises NotFound, BadCursor for a cursor not ours.
        """
        session = operators_own(self.sessions.get(session_id), operator_id, f"session {session_id}")
        return self.signed_values.page(session.charger_id, session.ref, limit, after) if session.ref else ((), None)

    def own_sessions(
        self, operator_id: str, limit: int, before: str | None, *, flagged: bool
    ) -> tuple[Sequence[Session], str | None]:
        """Newest first. Raises BadCursor for a cursor not ours."""
        return self.sessions.of_operator(operator_id, limit, before, flagged=flagged)

    def _send(self, charger: Charger, command: Command, errand: Errand) -> SentCall:
        try:
            return self.commands.order(charger, command, errand)
        except Gone:
            raise Refusal("charger_offline", f"charger {charger.charger_id} is offline") from None
        except Unable as error:
            raise Refusal("not_possible", str(error)) from None

    def _own(self, operator_id: str, charger_id: str) -> Charger:
        return operators_own(self.chargers.get(charger_id), operator_id, f"charger {charger_id}")


def missing(numbers: Sequence[int]) -> Sequence[tuple[int, int]]:
    """The ranges, both ends included, that are not among `numbers`, counted from 0 on."""
    gaps: list[tuple[int, int]] = []
    expected = 0
    for number in numbers:
        if number > expected:
            gaps.append((expected, number - 1))
        expected = max(expected, number + 1)
    return gaps


def is_whole(parts: Sequence[ReportReceived]) -> bool:
    """Whether a report has its last part and all before that; kinds whose parts bear no number are whole with the last.

    Parts are numbered from 0 on.
    """
    last = max((it.seq_no for it in parts if it.is_last), default=None)
    return last is not None and {it.seq_no for it in parts} >= set(range(last + 1))


def _digest(*facts: str) -> str:
    return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()[:24]
