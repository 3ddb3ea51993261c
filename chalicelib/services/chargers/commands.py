"""A command goes down the charger's newest socket and is remembered until its answer comes, in whatever process.

One read, one write, one line in the journal and one post a command. A charger that is offline is an answer (Gone),
never an accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.chargers.commands import Command, CommandResult, Verdict
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Calls, ChargerLink, Chargers
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.frames import pack_call
from chalicelib.records.chargers import Charger, Connection, Errand, Gone, Purpose, SentCall
from chalicelib.services.chargers.message_log import ChargerLog

# Within it a charger that works answers; what comes later is recorded as late.
ANSWER_DUE = timedelta(seconds=30)


@dataclass(frozen=True)
class ChargerCommands:
    """Sends commands to chargers."""

    chargers: Chargers
    calls: Calls
    link: ChargerLink
    charger_log: ChargerLog
    clock: Clock
    new_id: NewId

    def send(
        self, charger_id: str, command: Command, purpose: Purpose, subject: str = "", name: str | None = None
    ) -> SentCall:
        """Send `command` to a charger. Raises Gone when it is offline, Unable when its version has no such command.

        Sent again under its first `name` while that is unanswered, only the first answer counts.
        """
        charger = self.chargers.get(charger_id)
        if charger is None:
            raise Gone(charger_id)
        return self.order(charger, command, Errand(name or self.new_id(), purpose, subject), again=name is not None)

    def order(self, charger: Charger, command: Command, errand: Errand, *, again: bool = False) -> SentCall:
        """As `send`, under a name of the caller's choosing: asked twice under one name, it is sent once.

        `again` sends it once more for as long as it is unanswered.
        """
        if charger.connection_id is None or charger.protocol is None:
            raise Gone(charger.charger_id)
        action, payload = dialect_for(charger.protocol).encode(command)
        now = self.clock()
        call = SentCall(
            charger.charger_id,
            errand.message_id,
            action,
            errand.purpose,
            now,
            now + ANSWER_DUE,
            errand.subject,
            errand.fingerprint,
        )
        if not self.calls.add(call):
            known = self.calls.get(call.charger_id, call.message_id) or call
            if not again or known.result is not None:
                return known
        self.charger_log.sent(call, payload)
        frame = pack_call(call.message_id, action, payload)
        try:
            self.link.send(charger.connection_id, frame)
        except Gone:
            if self._reached_anew(charger, frame):
                return call
            # Whoever asks after it need not wait for an answer that cannot come.
            lost = CommandResult(Verdict.FAILED, "the charger went offline")
            self.calls.answer(call.charger_id, call.message_id, lost, self.clock())
            raise
        return call

    def _reached_anew(self, charger: Charger, frame: str) -> bool:
        """Whether the charger had a newer socket than the one that is gone: every socket ends after two hours."""
        socket = Connection(
            charger.connection_id or "", charger.charger_id, charger.operator_id, charger.protocol or ""
        )
        if self.chargers.closed(socket):
            self.charger_log.line(charger, online=False, why="the socket is gone")
            return False
        now = self.chargers.get(charger.charger_id)
        if now is None or now.connection_id is None or now.protocol != charger.protocol:
            return False
        try:
            self.link.send(now.connection_id, frame)
        except Gone:
            return False
        return True
