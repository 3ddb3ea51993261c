"""Writes the message log and the history for uptime. A log that fails stops nothing.

What was said is written down beside what was done, and never instead of it. Heartbeats and readings are left out, but
for what is wrong with them and while an operator reads along.
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.domain.chargers.availability import BRIEF, LineChanged, StatusChanged
from chalicelib.domain.chargers.commands import CommandResult
from chalicelib.domain.chargers.socket_age import may_be_days_first
from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.operators import ALARM_RULES, CERTIFICATE_NOTICE, AlarmKind
from chalicelib.ports import Clock
from chalicelib.ports.chargers import History, MessageLog
from chalicelib.ports.discovery import Places
from chalicelib.ports.operators import AlarmChecks
from chalicelib.protocol.ocpp.redaction import redacted
from chalicelib.records.chargers import Charger, Connection, Direction, LoggedMessage, SentCall
from chalicelib.services.at_once import together

_MOST_REMEMBERED = 10_000
_SAMPLED = 8
_BACK_FOR_GOOD = ALARM_RULES[AlarmKind.OFFLINE].quiet_for + timedelta(seconds=1)
_VARYING = re.compile(r"'[^']*'|\d")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ChargerLog:
    """Writes the message log and the history, and shows searches what a charger does now.

    `is_back` is told of each charger, as it was before, that is online again; `line_told` also of those that went. Of
    what may be an alarm's cause a check is asked for.
    """

    message_log: MessageLog
    history: History
    places: Places
    alarm_checks: AlarmChecks
    clock: Clock
    is_back: Callable[[Charger], None] = lambda charger: None
    line_told: Callable[[Charger, bool], None] = lambda charger, online: None
    _noted: set[tuple[str, str, str]] = field(default_factory=set)

    def line(
        self, charger: Charger, *, online: bool, why: str, connection_id: str = "", is_renewal: bool = False
    ) -> None:
        """The charger, as it was until now, came online, or went offline; whoever searches sees it.

        When it went away stands in its own row until it is back; the history is told of it then, unless it was away so
        briefly that no law counts it. That it is there is written once a day at the least. That a socket was renewed is
        no news of the charger (`is_renewal`), unless it does not come back.
        """
        charger_id = charger.charger_id
        now = self.clock()
        what = "connected" if online else "disconnected"
        lines = [LoggedMessage(at=now, direction=Direction.LINE, what=what, result=why, connection_id=connection_id)]
        if online and charger.was_renewed and charger.disconnected_at is not None:
            gone = LoggedMessage(at=charger.disconnected_at, direction=Direction.LINE, what="disconnected")
            lines.append(replace(gone, result="its socket was renewed, and it did not come back"))
        self._ask_for_checks(charger, online=online, is_renewal=is_renewal)
        works: list[Callable[[], object]] = []
        if not is_renewal:
            works += [partial(self._write, (charger_id, entry)) for entry in lines]
        if charger.place is not None:
            works.append(partial(self.places.set_online, charger.place, online))
        if online:
            works += [partial(self.history.add, charger_id, it) for it in _line_changes(charger, now)]
        try:
            together(*works)
            if online:
                self.is_back(charger)
            self.line_told(charger, online)
        except Exception:
            _log.exception("history not written", extra={"charger_id": charger_id})

    def refused(self, charger_id: str, why: str, times: int) -> None:
        """Whoever came in the charger's name was not let in, so many times today; it may have been anybody."""
        result = why if times == 1 else f"{why} (refused {times} times today)"
        entry = LoggedMessage(at=self.clock(), direction=Direction.LINE, what="refused", result=result)
        self._write((charger_id, entry))

    def look_again(self, charger: Charger | None, *, wrote: bool) -> None:
        """Show searches the charger as it is now, if somebody else changed that while we wrote down what it was."""
        is_online = charger is not None and charger.connection_id is not None
        if charger is None or charger.place is None or is_online is wrote:
            return
        try:
            self.places.set_online(charger.place, is_online)
        except Exception:
            _log.exception("place not written", extra={"charger_id": charger.charger_id})

    def status(self, charger_id: str, changed: StatusChanged, place: str | None = None) -> None:
        """A connector changed; whoever searches at `place` sees it. Without one it is news of the past only."""
        works: list[Callable[[], object]] = [partial(self.history.add, charger_id, changed)]
        if place is not None and changed.connector is not None:
            works.append(partial(self.places.set_status, place, changed.connector, changed.status))
        try:
            together(*works)
        except Exception:
            _log.exception("history not written", extra={"charger_id": charger_id})

    def sent(self, *said: tuple[SentCall, Mapping[str, Any]]) -> None:
        """Commands go out, with what they say; written together."""
        entries = [
            LoggedMessage(
                at=call.sent_at,
                direction=Direction.OUT,
                what=call.action,
                message_id=call.message_id,
                payload=redacted(call.action, payload),
                result=call.purpose,
            )
            for call, payload in said
        ]
        self._write(*((call.charger_id, entry) for (call, _), entry in zip(said, entries, strict=True)))

    def answered(self, connection: Connection, call: SentCall, result: CommandResult) -> None:
        """A command was answered."""
        now = self.clock()
        late = " (late)" if now > call.due_at else ""
        entry = LoggedMessage(
            at=now,
            direction=Direction.IN,
            what=call.action,
            message_id=call.message_id,
            answer=redacted(call.action, result.data),
            result=f"{result.verdict}{late}: {result.detail}" if result.detail else f"{result.verdict}{late}",
            deviation=result.deviation,
            connection_id=connection.connection_id,
        )
        self._write((connection.charger_id, entry))

    def is_wanted(self, connection: Connection, what: str, deviation: str | None) -> bool:
        """Whether an ordinary message is written down: an operator reads along, or it is wrong in a new way."""
        return self._is_traced(connection) or self._is_new(connection, what, deviation)

    def heard(self, connection: Connection, entry: LoggedMessage, said: Mapping[str, Any] | str) -> None:
        """A charger said something, and was answered."""
        payload = said if isinstance(said, str) else redacted(entry.what, said)
        self._write((connection.charger_id, replace(entry, payload=payload)))
        # Of a flood a few are enough to be noticed by.
        if entry.deviation is not None and zlib.crc32(entry.message_id.encode()) % _SAMPLED == 0:
            self.alarm_checks.ask(AlarmKind.DEVIATION_FLOOD, connection.charger_id)

    def _ask_for_checks(self, charger: Charger, *, online: bool, is_renewal: bool) -> None:
        if not online:
            self.alarm_checks.ask(AlarmKind.OFFLINE, charger.charger_id)
            return
        if not is_renewal and charger.disconnected_at is not None:
            self.alarm_checks.ask(AlarmKind.OFFLINE, charger.charger_id, _BACK_FOR_GOOD)
        until = charger.certificate_until
        if until is not None and until < self.clock() + CERTIFICATE_NOTICE:
            self.alarm_checks.ask(AlarmKind.CERTIFICATE_ENDING, charger.charger_id)

    def _is_traced(self, connection: Connection) -> bool:
        return connection.traced_until is not None and self.clock() < connection.traced_until

    def _is_new(self, connection: Connection, what: str, deviation: str | None) -> bool:
        """A charger that bends the standard bends it in every reading: once a socket and process is enough."""
        if deviation is None:
            return False
        # What stands in quotes, and numbers, differ from message to message.
        known = (connection.connection_id, what, _VARYING.sub("", deviation))
        if known in self._noted:
            return False
        if len(self._noted) >= _MOST_REMEMBERED:
            self._noted.clear()
        self._noted.add(known)
        return True

    def _write(self, *entries: tuple[str, LoggedMessage]) -> None:
        try:
            self.message_log.add(*entries)
        except Exception:
            _log.exception("journal not written", extra={"charger_ids": [charger_id for charger_id, _ in entries]})


def _line_changes(before: Charger, now: datetime) -> Sequence[LineChanged]:
    """What the history is told when a charger is back that was so before."""
    is_gone = before.connection_id is None
    seen_at = before.disconnected_at if is_gone else before.connected_at
    if seen_at is None:
        return [LineChanged(now, online=True)]
    if is_gone and now - seen_at > BRIEF:
        return [LineChanged(seen_at, online=False), LineChanged(now, online=True)]
    return [LineChanged(now, online=True)] if may_be_days_first(now) else []
