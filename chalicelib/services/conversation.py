"""Every CALL a charger makes gets one answer, and every answer a charger gives finds the command it belongs to.

OCPP-J 1.6 §4.2: a CALL that cannot be served is answered with a CALLERROR naming why; nothing else is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chalicelib.ports import Calls, Chargers, Clock, Connection, Gone
from chalicelib.protocol import dialect_for
from chalicelib.protocol.frames import Call, CallError, CallResult, ProtocolError, pack_error, pack_result, parse
from chalicelib.services.charging import Charging

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conversation:
    """Frames in, frames out."""

    chargers: Chargers
    calls: Calls
    charging: Charging
    clock: Clock

    def receive(self, connection_id: str, text: str) -> str | None:
        """Take one frame from a socket; returns the frame to answer with, if any. Raises Gone for an unknown socket."""
        connection = self.chargers.connection(connection_id)
        if connection is None:
            raise Gone(connection_id)
        try:
            frame = parse(text)
            if isinstance(frame, Call):
                return self._called(connection, frame)
            self._answered(connection, frame)
        except ProtocolError as error:
            _log.warning(
                "frame refused",
                extra={"charger_id": connection.charger_id, "code": error.code, "why": error.description},
            )
            return pack_error(error, dialect_for(connection.protocol).spelling)
        return None

    def _called(self, connection: Connection, call: Call) -> str:
        dialect = dialect_for(connection.protocol)
        try:
            decoded = dialect.decode(call, self.clock())
            if decoded.deviation:
                _log.warning(
                    "charger deviates from the standard",
                    extra={"charger_id": connection.charger_id, "action": call.action, "deviation": decoded.deviation},
                )
            answer = self.charging.hear(connection, decoded.event, dialect.assign_ref)
        except ProtocolError:
            raise
        except Exception as error:
            # The charger keeps a transaction message it got a CALLERROR for, and sends it again (OCPP 1.6 §3.7.1).
            _log.exception(
                "charger's message failed", extra={"charger_id": connection.charger_id, "action": call.action}
            )
            raise ProtocolError(
                "InternalError", "the message could not be stored; send it again", call.message_id
            ) from error
        return pack_result(call.message_id, dialect.reply(call, answer))

    def _answered(self, connection: Connection, frame: CallResult | CallError) -> None:
        call = self.calls.take(connection.charger_id, frame.message_id)
        if call is None:
            _log.warning("an answer nobody waits for", extra={"charger_id": connection.charger_id})
            return
        dialect = dialect_for(connection.protocol)
        if isinstance(frame, CallResult):
            result = dialect.read_result(call.action, frame.payload)
        else:
            result = dialect.read_error(frame)
        self.charging.command_answered(call, result)
