"""A charger's OCPP-J conversation: every CALL it makes gets one answer, every answer it gives finds its command.

OCPP-J 1.6 §4.2: a CALL that cannot be served is answered with a CALLERROR naming why; nothing else is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.chargers.answers import Answer, BootAnswer, Noted
from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    HeartbeatReceived,
    MainMeterRead,
    ReadingsTaken,
    ReportReceived,
)
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Calls, ChargerNews, Chargers, Sockets
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.dialect import Decoded, Dialect
from chalicelib.protocol.ocpp.frames import (
    Call,
    CallError,
    CallResult,
    ProtocolError,
    ResultError,
    pack_error,
    pack_result,
    parse,
)
from chalicelib.protocol.ocpp.redaction import redacted
from chalicelib.protocol.ocpp.settings import limits_told
from chalicelib.records.chargers import Admission, Connection, Direction, Gone, LoggedMessage, SentCall
from chalicelib.records.charging import TooManyTransactions
from chalicelib.services.chargers.allowance import MessageAllowance
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.socket_renewal import SocketRenewal
from chalicelib.services.ocpp.router import Router

# How soon a charger that waits for its operator may ask again.
_ASK_AGAIN_S = 60
_LONGEST_UNREADABLE = 1_000
# A charger that says it, in every version, has nothing else to say.
_HEARTBEAT = "Heartbeat"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Takes in a charger's frames, and answers them."""

    chargers: Chargers
    sockets: Sockets
    charger_news: ChargerNews
    calls: Calls
    router: Router
    charger_log: ChargerLog
    commands: ChargerCommands
    allowance: MessageAllowance
    renewal: SocketRenewal
    clock: Clock

    def receive(self, connection_id: str, text: str) -> str | None:
        """Take one frame from a socket; returns the frame to answer with, if any. Raises Gone for an unknown socket."""
        connection = self.sockets.connection(connection_id)
        if connection is None or connection.is_ended:
            raise Gone(connection_id)
        if not self.allowance.is_heard(connection):
            return None
        dialect = dialect_for(connection.protocol)
        try:
            frame = parse(text)
        except ProtocolError as error:
            self._refused(connection, "unreadable", error, text[:_LONGEST_UNREADABLE])
            return pack_error(error, dialect.spelling)
        if isinstance(frame, Call):
            answer = self._called(connection, dialect, frame)
            if frame.action == _HEARTBEAT and self.renewal.is_renewed(connection, answer):
                return None
            return None if frame.is_silent else answer
        if isinstance(frame, CallError) and frame.unread:
            broken = ProtocolError(frame.code, frame.description, frame.message_id)
            self._refused(connection, "unreadable", broken, frame.unread[:_LONGEST_UNREADABLE])
        self._answered(connection, dialect, frame)
        return None

    def _called(self, connection: Connection, dialect: Dialect, call: Call) -> str:
        try:
            decoded = dialect.decode(call, self.clock())
            answer = self._hear(connection, dialect, call, decoded.event)
            payload = dialect.reply(call, answer)
        except ProtocolError as error:
            self._refused(connection, call.action, error, call)
            return pack_error(error, dialect.spelling)
        is_known = isinstance(answer, Noted) and answer.is_known
        is_notable = _is_notable(decoded) and not is_known
        if is_notable or self.charger_log.is_wanted(connection, call.action, decoded.deviation):
            entry = LoggedMessage(
                at=self.clock(),
                direction=Direction.IN,
                what=call.action,
                message_id=str(call.message_id),
                answer=redacted(call.action, payload),
                deviation=decoded.deviation,
                connection_id=connection.connection_id,
            )
            self.charger_log.heard(connection, entry, call.payload)
        if isinstance(decoded.event, ReportReceived):
            self._note_limits(connection.charger_id, call.payload)
        return pack_result(call.message_id, payload)

    def _hear(self, connection: Connection, dialect: Dialect, call: Call, event: ChargerEvent) -> Answer:
        """Take in what was understood. Raises ProtocolError when the charger should say it again."""
        if connection.is_pending and not self._is_accepted_by_now(connection):
            if isinstance(event, Booted):
                self.router.route(connection, event, dialect.assign_ref)
                return BootAnswer(self.clock(), _ASK_AGAIN_S, accepted=False)
            # OCPP 2.0.1 B02.FR.09, and the sense of 1.6 §4.2.
            raise ProtocolError("SecurityError", "the charger is not accepted yet", call.message_id)
        try:
            return self.router.route(connection, event, dialect.assign_ref)
        except TooManyTransactions as error:
            raise ProtocolError("InternalError", str(error), call.message_id) from error
        except Exception as error:
            # The charger keeps a transaction message it got a CALLERROR for, and sends it again (OCPP 1.6 §3.7.1).
            _log.exception(
                "charger's message failed", extra={"charger_id": connection.charger_id, "action": call.action}
            )
            description = "the message could not be stored; send it again"
            raise ProtocolError("InternalError", description, call.message_id) from error

    def _is_accepted_by_now(self, connection: Connection) -> bool:
        charger = self.chargers.get(connection.charger_id)
        return charger is not None and charger.admission is Admission.ACCEPTED

    def _refused(self, connection: Connection, what: str, error: ProtocolError, said: Call | str) -> None:
        _log.warning(
            "frame refused",
            extra={"charger_id": connection.charger_id, "code": error.code, "why": error.description},
        )
        entry = LoggedMessage(
            at=self.clock(),
            direction=Direction.IN,
            what=what[:50],
            message_id="" if error.message_id is None else str(error.message_id),
            result=f"{error.code}: {error.description}",
            connection_id=connection.connection_id,
        )
        self.charger_log.heard(connection, entry, said.payload if isinstance(said, Call) else said)

    def _answered(self, connection: Connection, dialect: Dialect, frame: CallResult | CallError | ResultError) -> None:
        if isinstance(frame, ResultError):
            self._nobody_asked(connection, frame)
            return
        charger_id, now = connection.charger_id, self.clock()
        freed = self.calls.free_line(charger_id, frame.message_id, now)
        if freed is not None and freed.others_wait:
            self._go_on(connection)
        action = freed.action if freed is not None else ""
        if not action:
            call = self.calls.get(charger_id, frame.message_id)
            action = call.action if call is not None else ""
        if isinstance(frame, CallResult):
            result = dialect.read_result(action, frame.payload)
        else:
            result = dialect.read_error(frame)
        if action:
            # Before anybody can see the answer: what they ask next must heed it.
            self._note_limits(charger_id, result.data)
        if freed is not None and freed.call is not None:
            answered: SentCall | None = replace(freed.call, result=result, answered_at=now)
        else:
            answered = self.calls.answer(charger_id, frame.message_id, result, now) if action else None
        if answered is None:
            self._nobody_asked(connection, frame)
            return
        self.charger_log.answered(connection, answered, result)
        try:
            self.router.answered(answered, result)
        except Exception:
            # An answer is not answered, so nobody would send it again; it is recorded, and schedules do the rest.
            _log.exception("charger's answer failed", extra={"charger_id": charger_id, "action": action})

    def _note_limits(self, charger_id: str, said: Mapping[str, Any]) -> None:
        """What the charger says of how much it takes at once holds for whatever it is sent from now on."""
        limits = limits_told(said)
        if not limits:
            return
        try:
            self.charger_news.note_limits(charger_id, limits)
        except Exception:
            _log.exception("limits not noted", extra={"charger_id": charger_id})

    def _go_on(self, connection: Connection) -> None:
        try:
            self.commands.go_on(connection.charger_id, connection.connection_id)
        except Exception:
            # The answer itself must be heard; what waits is taken up by the next answer, or by the schedule.
            _log.exception("what waits was not sent", extra={"charger_id": connection.charger_id})

    def _nobody_asked(self, connection: Connection, frame: CallResult | CallError | ResultError) -> None:
        _log.warning("an answer nobody waits for", extra={"charger_id": connection.charger_id})
        entry = LoggedMessage(
            at=self.clock(),
            direction=Direction.IN,
            what=type(frame).__name__,
            message_id=frame.message_id,
            result="nobody waits for this",
            connection_id=connection.connection_id,
        )
        said = frame.payload if isinstance(frame, CallResult) else f"{frame.code}: {frame.description}"
        self.charger_log.heard(connection, entry, said)


def _is_notable(decoded: Decoded) -> bool:
    """Everything but heartbeats and plain readings (and statuses that tell again what is known)."""
    match decoded.event:
        case HeartbeatReceived() | MainMeterRead():
            return False
        case ReadingsTaken(token=token, remote_start_id=remote_start_id, limits=limits):
            return token is not None or remote_start_id is not None or limits is not None
    return True
