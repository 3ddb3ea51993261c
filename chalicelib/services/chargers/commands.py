"""Sends commands down a charger's newest socket, and remembers each until its answer comes, in whatever process.

One call at a time is open at a charger (OCPP-J 4.1.1): one read, two writes, one line in the message log and one post a
command; a write less where nobody looks for it by its name. What finds the line taken waits, and goes out with the
answer to the one before it, in whatever process takes that. A start or a stop goes before all else, and waits for
nobody's answer longer than `PATIENCE`. A charger that is offline is an answer (Gone), never an accident.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any, cast

from chalicelib.domain.chargers.commands import Command, CommandResult, Unable, Verdict
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Calls, ChargerLink, Chargers, Sockets
from chalicelib.protocol.ocpp import dialect_for, profiles
from chalicelib.protocol.ocpp.frames import Call, pack_call, parse
from chalicelib.protocol.ocpp.settings import in_parts
from chalicelib.records.chargers import Charger, Connection, Errand, Gone, Purpose, SentCall
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.at_once import together
from chalicelib.services.chargers.message_log import ChargerLog

# Within it a charger that works answers; what comes later is recorded as late.
ANSWER_DUE = timedelta(seconds=30)
# A start is to be at the charger within 3 s of its authorisation. The hold takes up to one of them, cold starts and
# the way to the charger half of one; most chargers answer within a second, and none that is slower may keep a driver.
PATIENCE = timedelta(seconds=1.5)
# Who goes first where calls wait: drivers' starts and stops, what else drivers wait for, people, and then all else.
_HURRIED, _PEOPLE, _ANY_TIME = 0, 2, 3
_RANKS = {
    Purpose.START: _HURRIED,
    Purpose.STOP: _HURRIED,
    Purpose.RESERVE: 1,
    Purpose.LIMIT: 1,
    Purpose.OPERATOR: _PEOPLE,
    Purpose.PASSWORD: _PEOPLE,
    Purpose.LIST_VERSION: 5,
    Purpose.LIST_LIMITS: 5,
    Purpose.LIST: 5,
    Purpose.COST: 6,
}
# An operator may start and stop charges in OCPP's own words.
_STARTS_AND_STOPS = frozenset(
    {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
)
_OFFLINE = "the charger went offline"
_WAITED = "the charger answered nothing of what it was asked before this"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommandOrder:
    """A command for a charger, as that is known, and what it is sent for."""

    charger: Charger
    command: Command
    errand: Errand


@dataclass(frozen=True, slots=True)
class _Opened:
    """An order whose call has its charger's line, or waits for it; without one it cannot go out, or nobody knows."""

    order: CommandOrder
    call: SentCall | None = None
    payload: Mapping[str, Any] | None = None
    is_unsent: bool = False


@dataclass(frozen=True, kw_only=True)
class ChargerCommands:
    """Sends commands to chargers, one open call at a time each."""

    chargers: Chargers
    sockets: Sockets
    calls: Calls
    link: ChargerLink
    charger_log: ChargerLog
    clock: Clock
    new_id: NewId
    sleep: Callable[[float], None] = time.sleep

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
        call, payloads = self._call(charger, command, errand)
        if not call.is_kept_in_line and not self.calls.add(call):
            known = self.calls.get(call.charger_id, call.message_id) or call
            if not again or known.result is not None:
                return known
        sent = self._say(charger, call, payloads[0])
        for message_id, part in zip(call.later_parts, payloads[1:], strict=True):
            later = replace(call, message_id=message_id, parts=1)
            self.calls.add(later)
            self._say(charger, later, part)
        return sent

    def order_together(self, orders: Sequence[CommandOrder]) -> Sequence[CommandOrder]:
        """As `order`, for commands that are kept in their lines, to many chargers side by side, in their order.

        Returns those that are known not to have gone out. A write and a post for each, one after another to one
        charger, and a write for each 25 lines of the message log.
        """
        by_charger: dict[str, list[CommandOrder]] = {}
        for it in orders:
            by_charger.setdefault(it.charger.charger_id, []).append(it)
        lines = together(*(partial(self._opened, some) for some in by_charger.values()))
        opened = list(chain.from_iterable(cast("tuple[Sequence[_Opened], ...]", lines)))
        said = [(it.call, it.payload) for it in opened if it.call and it.payload and not it.call.waiting]
        # This thread writes the log, while those that wait for nothing post.
        _, *posted = together(partial(self.charger_log.sent, *said), *(partial(self._posted, it) for it in opened))
        return [it.order for it, is_posted in zip(opened, posted, strict=True) if not is_posted]

    def _opened(self, orders: Sequence[CommandOrder]) -> Sequence[_Opened]:
        return [self._open(it) for it in orders]

    def _open(self, order: CommandOrder) -> _Opened:
        charger_id = order.charger.charger_id
        try:
            call, payloads = self._call(order.charger, order.command, order.errand)
            return _Opened(order, self._waits(call, payloads[0]) or call, payloads[0])
        except (Gone, Unable) as error:
            _log.warning("not sent", extra={"charger_id": charger_id, "why": str(error)})
            return _Opened(order, is_unsent=True)
        except Exception:
            _log.exception("not sent, or nobody knows", extra={"charger_id": charger_id})
            return _Opened(order)

    def _posted(self, it: _Opened) -> bool:
        """False where it is known not to have gone out."""
        if it.call is None:
            return not it.is_unsent
        try:
            if not it.call.waiting:
                self._sent(it.order.charger, it.call, pack_call(it.call.message_id, it.call.action, it.payload or {}))
            elif _rank(it.call) == _HURRIED:
                self._hurry(it.order.charger, it.call)
        except Gone as error:
            _log.warning("not sent", extra={"charger_id": it.call.charger_id, "why": str(error)})
            return False
        except Exception:
            _log.exception("not sent, or nobody knows", extra={"charger_id": it.call.charger_id})
        return True

    def _call(self, charger: Charger, command: Command, errand: Errand) -> tuple[SentCall, Sequence[Mapping[str, Any]]]:
        """The call, and what it says, in as many parts as its charger takes. Raises Gone and Unable."""
        if charger.connection_id is None or charger.protocol is None:
            raise Gone(charger.charger_id)
        action, payload = dialect_for(charger.protocol).encode(command)
        payloads: Sequence[Mapping[str, Any]] = [payload]
        if errand.purpose is Purpose.OPERATOR:
            trespass = profiles.trespass(action, payload)
            if trespass is not None:
                raise Unable(trespass)
            payloads = in_parts(action, payload, charger.limits)
        now = self.clock()
        call = SentCall(
            charger_id=charger.charger_id,
            message_id=errand.message_id,
            action=action,
            purpose=errand.purpose,
            sent_at=now,
            due_at=now + ANSWER_DUE,
            subject=errand.subject,
            fingerprint=errand.fingerprint,
            connection_id=charger.connection_id,
            parts=len(payloads),
        )
        return call, payloads

    def go_on(self, charger_id: str, connection_id: str) -> None:
        """Send what waits for the charger's line, if that is free; it goes down this socket, or nowhere."""
        now = self.clock()
        call, given_up = self.calls.next_waiting(charger_id, connection_id, now, now + ANSWER_DUE)
        for message_id in given_up:
            self._fail(self.calls.get(charger_id, message_id), _WAITED)
        if call is None:
            return
        try:
            self._log_waited(call, call.waiting)
            self.link.send(call.connection_id, call.waiting)
        except Gone:
            if call.purpose is Purpose.START:
                # Whoever was to hurry it finds it here again, and knows that it did not go out.
                self.calls.wait(call, _rank(call), now)
            self._lost(call)

    def tend(self, part: Part = WHOLE) -> int:
        """Go on wherever calls wait though nothing is open: what was asked is overdue, or a process died; how many."""
        count = 0
        for charger_id in part.in_time(self.calls.lines_waiting(self.clock(), part.shard), self.clock):
            count += 1
            try:
                charger = self.chargers.get(charger_id)
                self.go_on(charger_id, (charger.connection_id if charger else None) or "")
            except Exception:
                _log.exception("the line was not tended", extra={"charger_id": charger_id})
        return count

    def _say(self, charger: Charger, call: SentCall, payload: Mapping[str, Any]) -> SentCall:
        """Take the line and send, or wait for it."""
        waiting = self._waits(call, payload)
        if waiting is not None:
            return self._hurry(charger, waiting) if _rank(call) == _HURRIED else waiting
        self.charger_log.sent((call, payload))
        return self._sent(charger, call, pack_call(call.message_id, call.action, payload))

    def _waits(self, call: SentCall, payload: Mapping[str, Any]) -> SentCall | None:
        """The call as it waits for the line; None where it has that."""
        rank = _rank(call)
        while not self.calls.take_line(call, self.clock(), hurried=rank == _HURRIED):
            waiting = replace(call, waiting=pack_call(call.message_id, call.action, payload))
            if self.calls.wait(waiting, rank, self.clock()):
                return waiting
        return None

    def _hurry(self, charger: Charger, call: SentCall) -> SentCall:
        """Wait a little, and then no longer: a driver stands there."""
        self.sleep(PATIENCE.total_seconds())
        now = self.clock()
        sent = replace(call, waiting="", sent_at=now, due_at=now + ANSWER_DUE)
        if not self.calls.overtake(sent, _rank(call), call.sent_at):
            known = self.calls.get(call.charger_id, call.message_id) or sent
            if known.waiting:
                raise Gone(call.charger_id)
            # With the answer to the one before it, it has gone out.
            return known
        self._log_waited(sent, call.waiting)
        return self._sent(charger, sent, call.waiting)

    def _sent(self, charger: Charger, call: SentCall, frame: str) -> SentCall:
        try:
            self.link.send(call.connection_id, frame)
        except Gone:
            anew = self._reached_anew(charger, call, frame)
            if anew is not None:
                return anew
            self._lost(call)
            raise
        return call

    def _log_waited(self, call: SentCall, frame: str) -> None:
        said = parse(frame)
        if isinstance(said, Call):
            self.charger_log.sent((call, said.payload))

    def _lost(self, call: SentCall) -> None:
        self._fail(call, _OFFLINE)
        self.calls.free_line(call.charger_id, call.message_id, self.clock())

    def _fail(self, call: SentCall | None, why: str) -> None:
        """Nobody need wait for its answer; but a start is sent again under its name, once the charger is back."""
        if call is not None and call.purpose is not Purpose.START:
            result = CommandResult(verdict=Verdict.FAILED, detail=why)
            self.calls.answer(call.charger_id, call.message_id, result, self.clock())

    def _reached_anew(self, charger: Charger, call: SentCall, frame: str) -> SentCall | None:
        """The call as sent down a newer socket than the one that is gone: every socket ends after two hours."""
        socket = Connection(
            connection_id=call.connection_id,
            charger_id=charger.charger_id,
            operator_id=charger.operator_id,
            protocol=charger.protocol or "",
        )
        if self.sockets.closed(socket):
            # A charger that holds it all the same would not know, and be offline until its next word.
            self.link.close(call.connection_id)
            self.charger_log.line(charger, online=False, why="the socket is gone")
            return None
        now = self.chargers.get(charger.charger_id)
        if now is None or now.connection_id is None or now.protocol != charger.protocol:
            return None
        anew = replace(call, connection_id=now.connection_id)
        if not self.calls.take_line(anew, self.clock(), hurried=True):
            return None
        self.calls.moved(anew)
        try:
            self.link.send(anew.connection_id, frame)
        except Gone:
            return None
        return anew


def _rank(call: SentCall) -> int:
    return _HURRIED if call.action in _STARTS_AND_STOPS else _RANKS.get(call.purpose, _ANY_TIME)
