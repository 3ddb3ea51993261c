"""Closes a charger's socket from our side once it is as old as was drawn when it opened (`domain/chargers/socket_age`).

Decided when a heartbeat is taken, from what is known of the socket anyhow: no scan, no schedule, and no call but then.
A charger that is asked something, or has a session on one of its connectors, keeps its socket: what is open is found
by taking the charger's line for oneself, so that a start that comes at this moment waits, and follows the charger to
its next socket.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Calls, ChargerLink, Connectors
from chalicelib.records.chargers import Connection, Purpose, SentCall
from chalicelib.services.chargers.connections import Connections

# A charger that is not back by then is offline like any other, and its line is free.
_BACK_WITHIN = timedelta(seconds=10)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SocketRenewal:
    """Renews sockets that have become old: one query, a few writes and two posts, each time one is closed."""

    calls: Calls
    connectors: Connectors
    connections: Connections
    link: ChargerLink
    clock: Clock
    new_id: NewId

    def is_renewed(self, connection: Connection, answer: str) -> bool:
        """Whether the socket was old and is closed, after `answer` has gone down it. What fails closes nothing."""
        if connection.closes_at is None or self.clock() < connection.closes_at:
            return False
        try:
            return self._renew(connection, answer)
        except Exception:
            _log.exception("socket not renewed", extra={"charger_id": connection.charger_id})
            return False

    def _renew(self, connection: Connection, answer: str) -> bool:
        now = self.clock()
        if any(it.session_id is not None for it in self.connectors.of_charger(connection.charger_id)):
            return False
        nothing = SentCall(
            charger_id=connection.charger_id,
            message_id=self.new_id(),
            action="",
            purpose=Purpose.OPERATOR,
            sent_at=now,
            due_at=now + _BACK_WITHIN,
            connection_id=connection.connection_id,
        )
        if not self.calls.take_line(nothing, now):
            return False
        self.link.send(connection.connection_id, answer)
        self.connections.renew(connection)
        return True
