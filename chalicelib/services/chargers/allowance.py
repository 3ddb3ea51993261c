"""Keeps a charger within its allowance of messages, at no cost while it is.

Each process counts what it hears of a socket within a minute, for nothing. Only a socket that talks as no charger does
is written down, a whole count at a time, in the one bucket that all processes share: no heartbeat and no reading of an
ordinary charger makes a call more for it.
"""

from __future__ import annotations

import logging

from chalicelib.domain.chargers.allowance import MESSAGES, SILENCE
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Allowances, ChargerLink
from chalicelib.records.chargers import Connection

# One a second, in one process: more than any charger says that is not behind with its news.
_COUNTED_BY = 60
_MOST_REMEMBERED = 10_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MessageAllowance:
    """Hears how much a charger says, and closes the socket of one that has used up its allowance."""

    allowances: Allowances
    link: ChargerLink
    clock: Clock
    _heard: dict[str, tuple[int, int]] = field(default_factory=dict)

    def is_heard(self, connection: Connection) -> bool:
        """Whether a message of that socket is still to be listened to; where not, the socket is closed.

        No call, but for every 60th message within one minute in one process: then one or two.
        """
        now = self.clock()
        minute = int(now.timestamp()) // 60
        since, count = self._heard.get(connection.connection_id, (minute, 0))
        count = count + 1 if since == minute else 1
        if len(self._heard) >= _MOST_REMEMBERED:
            self._heard.clear()
        self._heard[connection.connection_id] = (minute, count)
        if count % _COUNTED_BY or self.allowances.take(connection.charger_id, MESSAGES, _COUNTED_BY, now):
            return True
        _log.warning("a charger says too much", extra={"charger_id": connection.charger_id})
        self.allowances.silence(connection.charger_id, now + SILENCE)
        self.link.close(connection.connection_id)
        return False
