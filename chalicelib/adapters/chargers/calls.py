"""Commands sent and the line of calls at each charger, in DynamoDB.

A command is one row, with its first answer; a charger's line is another, so that one call at a time is open. OCPP-J
4.1.1: no further CALL before the one sent has been answered, or is overdue. Whoever wants to send takes the line by a
conditional write, in whatever process; whoever cannot, waits there in the same row, and so is never missed by the
process that frees the line. Nothing need be done in time: an open call that is overdue is open no longer, by comparison
with `at`.

A call that nobody looks for by its name (`SentCall.is_kept_in_line`) stands in the line's row, and in none of its own,
unless it has to wait: two writes less. An answer that comes after the next call took the line is then nobody's; whoever
sends such calls sends them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamo import (
    can_be_key,
    decode,
    encode,
    find,
    put,
    replaced,
    shard_of,
    shards_of,
    some_due,
    update,
    update_and_read,
)
from chalicelib.adapters.expressions import Change, Clause
from chalicelib.adapters.tables import CallRow
from chalicelib.domain.chargers.commands import CommandResult
from chalicelib.records.chargers import Answered, SentCall
from chalicelib.records.parts import SHARDS

_KEPT = timedelta(days=7)
# Two that nobody answers take a minute; what waited longer is no longer wanted so.
_LONGEST_WAIT = timedelta(seconds=90)
_ATTEMPTS = 8
_LINE = "line"


class DynamoCalls:
    """Commands and lines in DynamoDB: the port Calls.

    Methods make one call where they say nothing else; none for an id no row can have.
    """

    def add(self, call: SentCall) -> bool:
        row = CallRow(call.charger_id, call.message_id, body=_body(call), expires_at=call.sent_at + _KEPT)
        return put(row, CallRow.charger_id.does_not_exist())

    def get(self, charger_id: str, message_id: str) -> SentCall | None:
        row = find(CallRow, charger_id, message_id)
        return _call(row) if row else None

    def answer(self, charger_id: str, message_id: str, result: CommandResult, at: datetime) -> SentCall | None:
        if not can_be_key(message_id):
            return None
        row = CallRow(charger_id, message_id)
        first = CallRow.charger_id.exists() & CallRow.result.does_not_exist()
        changes = [CallRow.result.set(encode(result)), CallRow.answered_at.set(at), CallRow.frame.remove()]
        return _call(row) if update_and_read(row, changes, first) else None

    def take_line(self, call: SentCall, at: datetime, *, hurried: bool = False) -> bool:
        return update(_line(call.charger_id), _opened(call), _is_free(call, at, hurried=hurried))

    def wait(self, call: SentCall, rank: int, at: datetime) -> bool:
        """Two calls: the frame is stored before anybody can find it wanting."""
        row = CallRow(call.charger_id, call.message_id)
        if call.is_kept_in_line:
            row.body, row.frame, row.expires_at = _body(call), call.waiting, call.sent_at + _KEPT
            put(row)
        else:
            waits = [CallRow.frame.set(call.waiting), CallRow.body.set(_body(call))]
            update(row, waits, CallRow.result.does_not_exist())
        joined = [
            CallRow.waiting.add({_entry(call, rank)}),
            CallRow.waiting_shard.set(shard_of(call.charger_id, SHARDS)),
        ]
        return update(_line(call.charger_id), joined, _is_busy(call, at))

    def overtake(self, call: SentCall, rank: int, waits_since: datetime) -> bool:
        """Two calls, and a third one where the line is not free by then."""
        entry = _entry(replace(call, sent_at=waits_since), rank)
        waits = CallRow.waiting.contains(entry)
        leaves = CallRow.waiting.delete({entry})
        line = _line(call.charger_id)
        beside = [
            CallRow.overtaken.set(CallRow.asked),
            CallRow.overtaken_until.set(CallRow.asked_until),
            CallRow.overtaken_call.set(CallRow.asked_call | ""),
        ]
        is_open = waits & CallRow.asked.exists()
        taken = update(line, [*_opened(call), leaves], waits & _is_free(call, call.sent_at, hurried=True))
        if not taken and not update(line, [*_opened(call), *beside, leaves], is_open):
            return False
        _sent(call)
        return True

    def free_line(self, charger_id: str, message_id: str, at: datetime) -> Answered | None:
        """One call, and another for what is not, or no longer, the newest call."""
        if not can_be_key(message_id):
            return None
        closed = [CallRow.asked.remove(), CallRow.asked_action.remove(), CallRow.asked_call.remove()]
        before = replaced(_line(charger_id), [*closed, CallRow.asked_until.set(at)], CallRow.asked == message_id)
        if before is not None:
            return _was_open(before, before.asked_call)
        closed = [CallRow.overtaken.remove(), CallRow.overtaken_until.remove(), CallRow.overtaken_call.remove()]
        before = replaced(_line(charger_id), closed, CallRow.overtaken == message_id)
        return _was_open(before, before.overtaken_call, is_newest=False) if before is not None else None

    def moved(self, call: SentCall) -> None:
        _sent(call)

    def next_waiting(
        self, charger_id: str, connection_id: str, at: datetime, due_at: datetime
    ) -> tuple[SentCall | None, Sequence[str]]:
        """Four calls, and three for each time that somebody else was quicker."""
        for _ in range(_ATTEMPTS):
            line = find(CallRow, *_line_key(charger_id))
            waiting = set(line.waiting or ()) if line is not None else set()
            if line is None or not waiting:
                break
            overdue = {it for it in waiting if not _is_wanted(it, connection_id, at)}
            first, call, left = None, None, waiting - overdue
            while left and call is None:
                first = min(left)
                if _is_open(line, connection_id, at, hurried=_rank(first) == 0):
                    break
                left.remove(first)
                call = self._waiting(charger_id, _message_id(first))
            if left == waiting:
                break
            actions: list[Change] = [CallRow.waiting.set(left)]
            if not left:
                actions = [CallRow.waiting.remove(), CallRow.waiting_shard.remove()]
            as_read: Clause = CallRow.waiting == waiting
            if call is not None and first is not None:
                call = replace(call, connection_id=connection_id, sent_at=at, due_at=due_at)
                actions += _opened(call)
                as_read &= _is_free(call, at, hurried=_rank(first) == 0)
            if update(_line(charger_id), actions, as_read):
                if call is not None:
                    _sent(call)
                return call, [_message_id(it) for it in overdue]
        return None, ()

    def _waiting(self, charger_id: str, message_id: str) -> SentCall | None:
        call = self.get(charger_id, message_id)
        return call if call is not None and call.waiting and call.result is None else None

    def lines_waiting(self, at: datetime, shard: int | None = None) -> Iterable[str]:
        """A call for each shard of the index."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(CallRow.waiting_lines.query, it, CallRow.asked_until <= at):
                yield key.charger_id.removesuffix(f"#{_LINE}")


def _line_key(charger_id: str) -> tuple[str, str]:
    """No charger's name has a "#", so that no answer of a charger can name a line."""
    return f"{charger_id}#{_LINE}", _LINE


def _line(charger_id: str) -> CallRow:
    return CallRow(*_line_key(charger_id))


def _opened(call: SentCall) -> list[Change]:
    return [
        CallRow.asked.set(call.message_id),
        CallRow.asked_action.set(call.action),
        CallRow.asked_until.set(call.due_at),
        CallRow.asked_call.set(_body(call) if call.is_kept_in_line else None),
        CallRow.connection_id.set(call.connection_id),
        CallRow.expires_at.set(call.sent_at + _KEPT),
    ]


def _was_open(line: CallRow, body: str | None, *, is_newest: bool = True) -> Answered:
    call = decode(SentCall, body) if body else None
    action = call.action if call is not None else (line.asked_action or "") if is_newest else ""
    return Answered(action, bool(line.waiting), call)


def _is_free(call: SentCall, at: datetime, *, hurried: bool) -> Clause:
    asked = CallRow.asked
    is_elsewhere: Clause = CallRow.connection_id.exists() & (CallRow.connection_id != call.connection_id)
    is_free: Clause = asked.does_not_exist() | (CallRow.asked_until <= at) | (asked == call.message_id)
    if not hurried:
        is_free &= CallRow.overtaken.does_not_exist() | (CallRow.overtaken_until <= at)
    either: Clause = is_free | is_elsewhere
    return either


def _is_busy(call: SentCall, at: datetime) -> Clause:
    is_here: Clause = CallRow.connection_id == call.connection_id
    newest: Clause = CallRow.asked.exists() & (CallRow.asked_until > at)
    overtaken: Clause = CallRow.overtaken.exists() & (CallRow.overtaken_until > at)
    both: Clause = is_here & (newest | overtaken)
    return both


def _is_open(line: CallRow, connection_id: str, at: datetime, *, hurried: bool) -> bool:
    if line.connection_id != connection_id:
        return False
    until = [line.asked_until if line.asked is not None else None]
    if not hurried:
        until.append(line.overtaken_until)
    return any(it is not None and it > at for it in until)


def _entry(call: SentCall, rank: int) -> str:
    """Sorts by rank, then by time."""
    at = call.sent_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{rank}|{at}|{call.connection_id}|{call.message_id}"


def _is_wanted(entry: str, connection_id: str, at: datetime) -> bool:
    _, since, socket, _ = entry.split("|", 3)
    return socket == connection_id and at - datetime.fromisoformat(since).replace(tzinfo=UTC) <= _LONGEST_WAIT


def _rank(entry: str) -> int:
    return int(entry.partition("|")[0])


def _message_id(entry: str) -> str:
    return entry.split("|", 3)[3]


def _sent(call: SentCall) -> None:
    """What waited waits no longer; its frame, which may be a secret, is kept no longer either."""
    update(
        CallRow(call.charger_id, call.message_id),
        [CallRow.body.set(_body(call)), CallRow.frame.remove()],
        CallRow.charger_id.exists(),
    )


def _body(call: SentCall) -> str:
    return encode(replace(call, waiting=""))


def _call(row: CallRow) -> SentCall:
    call = replace(decode(SentCall, row.body or ""), waiting=row.frame or "")
    if row.result is None:
        return call
    return replace(call, result=decode(CommandResult, row.result), answered_at=row.answered_at)
