"""Sessions in DynamoDB: one row each, changed by compare-and-set on its whole text.

What the workflow waits for is in the same row, so of a save and a wait that meet, whichever comes second sees the
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.adapters.dynamo import (
    NewestFirst,
    decode,
    encode,
    find,
    put,
    shard_of,
    shards_of,
    some_due,
    update,
    update_and_read,
)
from chalicelib.adapters.expressions import Change
from chalicelib.adapters.tables import SessionRow
from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.ports import Clock
from chalicelib.records import Conflict
from chalicelib.records.charging import Saved, Waiting
from chalicelib.records.parts import SHARDS

# So often it is asked whether the charger of a session that charges is still there.
_LOOKED_AT_EVERY = timedelta(hours=2)
# The sweep leaves alone what changed in the last minute, for others may be at work on it; on this nobody is.
_AT_ONCE = timedelta(minutes=-1)
_UNSETTLED = frozenset({State.INITIATED, State.STOPPING})


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoSessions:
    """Sessions in DynamoDB: the port Sessions. Methods make one call where they say nothing else.

    `clock` says when a session last changed, for the clocks of chargers cannot.
    """

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock

    def add(self, session: Session) -> bool:
        row = SessionRow(
            session.session_id,
            operator_id=session.operator_id,
            driver_id=session.driver_id,
            created_at=session.created_at,
            body=encode(session),
        )
        due_in = _due_in(session)
        if due_in is not None:
            row.unsettled_shard = shard_of(session.session_id, SHARDS)
            row.unsettled_at = self._clock() + due_in
        if session.flags:
            row.flagged_operator = session.operator_id
        return put(row, SessionRow.session_id.does_not_exist())

    def get(self, session_id: str) -> Session | None:
        row = find(SessionRow, session_id)
        return decode(Session, row.body) if row else None

    def save(self, before: Session, after: Session) -> Saved:
        """One call. Raises Conflict (after a second call) when the stored session is neither `before` nor `after`.

        It is `after` already when this very save was done and its answer lost. It may be `before` in other words
        when an older release wrote it; then a third call replaces those.
        """
        row = SessionRow(after.session_id)
        if self._replace(row, encode(before), after):
            return _saved(row)
        stored = find(SessionRow, after.session_id)
        known = decode(Session, stored.body) if stored else None
        if stored and known == after:
            return _saved(stored)
        if stored and known == before and self._replace(row, stored.body, after):
            return _saved(row)
        raise Conflict(f"session {after.session_id} was changed by somebody else")

    def wait(self, session_id: str, waiting: Waiting) -> Session:
        """One call. Raises LookupError for an unknown session."""
        row = SessionRow(session_id)
        if not update_and_read(row, [SessionRow.waiting.set(encode(waiting))], SessionRow.session_id.exists()):
            raise LookupError(f"no session {session_id}")
        return decode(Session, row.body)

    def watch(self, session_id: str, until: datetime) -> Session:
        """One call. Raises LookupError for an unknown session."""
        row = SessionRow(session_id)
        if not update_and_read(row, [SessionRow.watched_until.set(until)], SessionRow.session_id.exists()):
            raise LookupError(f"no session {session_id}")
        return decode(Session, row.body)

    def waiting(self, session_id: str) -> Waiting | None:
        row = find(SessionRow, session_id)
        return _waiting(row) if row else None

    def of_driver(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Session], str | None]:
        """Two calls: the index knows the order, the sessions are read as they are now.

        Raises BadCursor for a cursor that is not ours. A cursor names a place in any driver's list, so that one
        driver's cursor shows nothing of another's sessions.
        """
        return _page(SessionRow.by_driver, "driver_id", driver_id, limit, before)

    def unsettled(self, since: datetime, shard: int | None = None) -> Iterable[Session]:
        """A call for each shard, and one for each hundred sessions found."""
        for it in shards_of(shard, SHARDS):
            found = some_due(SessionRow.unsettled.query, it, SessionRow.unsettled_at < since)
            for row in _fresh(found):
                if row.unsettled_at is not None and row.unsettled_at < since:
                    yield decode(Session, row.body)

    def look_later(self, session_id: str, after: timedelta = _LOOKED_AT_EVERY) -> None:
        due = [SessionRow.unsettled_at.set(self._clock() + after)]
        update(SessionRow(session_id), due, SessionRow.unsettled_at.exists())

    def forget_driver(self, session: Session) -> None:
        """One call. The cards' numbers and labels go, the car's name, and what was said in disputes.

        The driver's id stays in the books, where it leads nowhere.
        """
        hold = replace(session.hold, card="") if session.hold else None
        top_ups = tuple(replace(it, card="") for it in session.top_ups)
        token = "" if session.origin is not Origin.APP else session.token
        lost_holds = tuple(replace(it, card="") for it in session.lost_holds)
        disputes = tuple(it.without_words for it in session.disputes)
        # Without its salt nobody can show any more what its hashes in the log are of.
        nobodys = replace(
            session, token=token, hold=hold, top_ups=top_ups, lost_holds=lost_holds, salt="", disputes=disputes, car=""
        )
        row = SessionRow(session.session_id)
        actions = [SessionRow.body.set(encode(nobodys)), SessionRow.driver_id.remove()]
        if not update(row, actions, SessionRow.body == encode(session)):
            raise Conflict(f"session {session.session_id} was changed by somebody else")

    def of_operator(
        self, operator_id: str, limit: int, before: str | None, *, flagged: bool
    ) -> tuple[Sequence[Session], str | None]:
        """Two calls, as `of_driver`."""
        if flagged:
            return _page(SessionRow.flagged, "flagged_operator", operator_id, limit, before)
        return _page(SessionRow.by_operator, "operator_id", operator_id, limit, before)

    def _replace(self, row: SessionRow, text: str, after: Session) -> bool:
        changes: list[Change] = [SessionRow.body.set(encode(after))]
        due_in = _due_in(after)
        if due_in is not None:
            changes.append(SessionRow.unsettled_shard.set(shard_of(after.session_id, SHARDS)))
            changes.append(SessionRow.unsettled_at.set(self._clock() + due_in))
        else:
            changes += [SessionRow.unsettled_shard.remove(), SessionRow.unsettled_at.remove()]
        if after.flags:
            changes.append(SessionRow.flagged_operator.set(after.operator_id))
        return update_and_read(row, changes, SessionRow.body == text)


def _due_in(session: Session) -> timedelta | None:
    """How long from now the sweep should look at a session that has not changed by then; None: never."""
    if session.state is State.ACTIVE:
        is_urgent = session.funds_low_at is not None or session.seen_free_at is not None
        return timedelta(0) if is_urgent else _LOOKED_AT_EVERY
    if session.is_releasing:
        return timedelta(0)
    if session.is_over:
        is_late = session.late_end is not None and not session.late_end.is_settled
        return _AT_ONCE if is_late or not all(it.is_settled for it in session.corrections) else None
    return timedelta(0) if session.state in _UNSETTLED else None


def _fresh(keys: Sequence[SessionRow]) -> Iterator[SessionRow]:
    return SessionRow.batch_get([key.session_id for key in keys], consistent_read=True)


def _waiting(row: SessionRow) -> Waiting | None:
    return decode(Waiting, row.waiting) if row.waiting else None


def _saved(row: SessionRow) -> Saved:
    return Saved(_waiting(row), row.watched_until)


def _page(index: Any, key: str, value: str, limit: int, before: str | None) -> tuple[Sequence[Session], str | None]:
    newest = NewestFirst(SessionRow, index.query, (key, "created_at", "session_id"))
    page, cursor = newest.page(value, limit, before)
    rows = {row.session_id: row for row in _fresh(page)}
    return [decode(Session, rows[it.session_id].body) for it in page], cursor
