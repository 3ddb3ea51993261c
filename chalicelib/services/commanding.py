"""A command goes down the charger's newest socket and is remembered until its answer comes, in whatever process.

One read, one write and one post a command. A charger that is offline is an answer (Gone), never an accident.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.commands import Command
from chalicelib.domain.session import Step
from chalicelib.ports import Calls, ChargerLink, Chargers, Clock, Connection, Gone, NewId, PendingCall
from chalicelib.protocol import dialect_for
from chalicelib.protocol.frames import pack_call


@dataclass(frozen=True)
class Commanding:
    """Sends commands to chargers."""

    chargers: Chargers
    calls: Calls
    link: ChargerLink
    clock: Clock
    new_id: NewId

    def send(self, charger_id: str, command: Command, session_id: str, purpose: Step) -> None:
        """Send `command` for a session's step. Raises Gone when the charger is offline."""
        charger = self.chargers.get(charger_id)
        if charger is None or charger.connection_id is None or charger.protocol is None:
            raise Gone(charger_id)
        message_id = self.new_id()
        action, payload = dialect_for(charger.protocol).encode(command)
        self.calls.add(PendingCall(charger_id, message_id, action, session_id, purpose, self.clock()))
        try:
            self.link.send(charger.connection_id, pack_call(message_id, action, payload))
        except Gone:
            self.chargers.closed(Connection(charger.connection_id, charger_id, charger.operator_id, charger.protocol))
            raise
