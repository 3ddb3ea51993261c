"""A session is one row, changed by compare-and-set on its whole text; what the workflow waits for is in the same row.

So of a save and a wait that meet, whichever comes second sees the other. Beneath the sessions lie what their
chargers told: transactions, merged fact by fact, and readings, a row a frame.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pynamodb.attributes import Attribute
from pynamodb.expressions.update import Action

from chalicelib.adapters.tables import (
    ReadingsRow,
    SessionRow,
    TransactionRow,
    can_be_key,
    connector_id,
    decode,
    encode,
    find,
    put,
    update,
)
from chalicelib.domain.events import Reading, StopReason
from chalicelib.domain.session import Session, State
from chalicelib.ports import Clock, Conflict, StoredReading, Transaction, Waiting

_UNSETTLED = frozenset({State.INITIATED, State.STOPPING})
# DynamoDB takes 1,000 writes a second in one partition of an index; these are many thousand sessions begun a minute.
_SHARDS = 8
_READINGS_KEPT = timedelta(days=400)
_POSITION = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#[0-9a-f]{16})/\d{4}")


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoSessions:
    """The port Sessions. `clock` says when a session last changed, for the clocks of chargers cannot."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock

    def add(self, session: Session) -> bool:
        """One call."""
        row = SessionRow(
            session.session_id,
            operator_id=session.operator_id,
            driver_id=session.driver_id,
            created_at=session.created_at,
            body=encode(session),
        )
        if session.state in _UNSETTLED:
            row.unsettled_shard = _shard(session.session_id)
            row.unsettled_at = self._clock()
        return put(row, SessionRow.session_id.does_not_exist())

    def get(self, session_id: str) -> Session | None:
        """One call."""
        row = find(SessionRow, session_id)
        return decode(Session, row.body) if row else None

    def save(self, before: Session, after: Session) -> Waiting | None:
        """One call. Raises Conflict (after a second call) when the stored session is neither `before` nor `after`.

        It is `after` already when this very save was done and its answer lost. It may be `before` in other words
        when an older release wrote it; then a third call replaces those.
        """
        row = SessionRow(after.session_id)
        if self._replace(row, encode(before), after):
            return _waiting(row)
        stored = find(SessionRow, after.session_id)
        known = decode(Session, stored.body) if stored else None
        if stored and known == after:
            return _waiting(stored)
        if stored and known == before and self._replace(row, stored.body, after):
            return _waiting(row)
        raise Conflict(f"session {after.session_id} was changed by somebody else")

    def wait(self, session_id: str, waiting: Waiting) -> Session:
        """One call. Raises LookupError for an unknown session."""
        row = SessionRow(session_id)
        if not update(row, [SessionRow.waiting.set(encode(waiting))], SessionRow.session_id.exists()):
            raise LookupError(f"no session {session_id}")
        return decode(Session, row.body)

    def waiting(self, session_id: str) -> Waiting | None:
        """One call."""
        row = find(SessionRow, session_id)
        return _waiting(row) if row else None

    def of_driver(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Session], str | None]:
        """Two calls: the index knows the order, the sessions are read as they are now.

        Raises ValueError for a cursor that is not ours. A cursor names a place in any driver's list, so that one
        driver's cursor shows nothing of another's sessions.
        """
        start = _start_key(driver_id, before) if before else None
        index = SessionRow.by_driver.query(
            driver_id, scan_index_forward=False, limit=limit + 1, last_evaluated_key=start
        )
        keys = list(index)
        page = keys[:limit]
        rows = {row.session_id: row for row in _fresh(page)}
        sessions = [decode(Session, rows[key.session_id].body) for key in page]
        return sessions, _cursor(page[-1]) if len(keys) > limit else None

    def unsettled(self, since: datetime) -> Iterable[Session]:
        """Eight calls, and one for each hundred sessions found."""
        for shard in range(_SHARDS):
            found = list(SessionRow.unsettled.query(str(shard), SessionRow.unsettled_at < since))
            for row in _fresh(found):
                if row.unsettled_at is not None and row.unsettled_at < since:
                    yield decode(Session, row.body)

    def transaction(self, charger_id: str, ref: str) -> Transaction | None:
        """One call."""
        row = find(TransactionRow, charger_id, ref)
        return _transaction(row) if row else None

    def record(self, facts: Transaction) -> Transaction:
        """One call."""
        row = TransactionRow(facts.charger_id, facts.ref)
        told: list[tuple[Attribute[Any], object]] = [
            (TransactionRow.connector, str(facts.connector) if facts.connector is not None else None),
            (TransactionRow.token, facts.token),
            (TransactionRow.started_at, facts.started_at),
            (TransactionRow.meter_start_wh, facts.meter_start_wh),
            (TransactionRow.stopped_at, facts.stopped_at),
            (TransactionRow.meter_stop_wh, facts.meter_stop_wh),
            (TransactionRow.stop_reason, facts.stop_reason.value if facts.stop_reason else None),
            (TransactionRow.session_id, facts.session_id),
        ]
        first_words = [fact.set(fact | value) for fact, value in told if value is not None]
        if not first_words:
            return self.transaction(facts.charger_id, facts.ref) or facts
        update(row, first_words)
        return _transaction(row)

    def _replace(self, row: SessionRow, text: str, after: Session) -> bool:
        changes: list[Action] = [SessionRow.body.set(encode(after))]
        if after.state in _UNSETTLED:
            changes.append(SessionRow.unsettled_shard.set(_shard(after.session_id)))
            changes.append(SessionRow.unsettled_at.set(self._clock()))
        else:
            changes += [SessionRow.unsettled_shard.remove(), SessionRow.unsettled_at.remove()]
        return update(row, changes, SessionRow.body == text)


class DynamoReadings:
    """The port Readings.

    A frame's readings lie in one row, placed by the time of the first and by what they say; a reading's position is
    its row's and its place in it.
    """

    def append(self, charger_id: str, ref: str, readings: Sequence[Reading]) -> None:
        """One call; none when there is nothing to append."""
        if not readings:
            return
        in_order = sorted(readings, key=lambda reading: reading.at)
        body = encode(in_order)
        digest = hashlib.sha256(body.encode()).hexdigest()[:16]
        began = in_order[0].at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        # Kept from now on, not from when the charger says it was: its clock may stand in 1970.
        ReadingsRow(_key(charger_id, ref), f"{began}Z#{digest}", body=body, expires_at=_now() + _READINGS_KEPT).save()

    def newest(self, charger_id: str, ref: str, limit: int = 1) -> Sequence[StoredReading]:
        """One call."""
        rows = ReadingsRow.query(_key(charger_id, ref), consistent_read=True, scan_index_forward=False, limit=limit)
        return _first((reading for row in rows for reading in reversed(_stored(row))), limit)

    def after(self, charger_id: str, ref: str, position: str, limit: int) -> Sequence[StoredReading]:
        """One call. Raises ValueError for a position that is not ours."""
        past = None
        if position:
            place = _POSITION.fullmatch(position)
            if place is None:
                raise ValueError("this is not the position of a reading; leave it out to begin at the first")
            past = ReadingsRow.position >= place[1]
        # One more than asked for: the row that `position` lies in may have nothing left to give.
        rows = ReadingsRow.query(_key(charger_id, ref), past, consistent_read=True, limit=limit + 1)
        return _first((reading for row in rows for reading in _stored(row) if reading.position > position), limit)


def _first(readings: Iterator[StoredReading], limit: int) -> list[StoredReading]:
    return [reading for reading, _ in zip(readings, range(limit), strict=False)]


def _key(charger_id: str, ref: str) -> str:
    """Quoted, so that no charger's name and transaction can spell another's."""
    return f"{quote(charger_id, safe='')}#{ref}"


def _stored(row: ReadingsRow) -> list[StoredReading]:
    readings = decode(list[Reading], row.body)
    return [StoredReading(f"{row.position}/{index:04d}", reading) for index, reading in enumerate(readings)]


def _shard(session_id: str) -> str:
    return str(hashlib.sha256(session_id.encode()).digest()[0] % _SHARDS)


def _fresh(keys: Sequence[SessionRow]) -> Iterator[SessionRow]:
    return SessionRow.batch_get([key.session_id for key in keys], consistent_read=True)


def _waiting(row: SessionRow) -> Waiting | None:
    return decode(Waiting, row.waiting) if row.waiting else None


def _cursor(row: SessionRow) -> str:
    place = encode((row.created_at, row.session_id)).encode()
    return urlsafe_b64encode(place).decode().rstrip("=")


def _start_key(driver_id: str, cursor: str) -> dict[str, dict[str, Any]]:
    try:
        place = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_at, session_id = decode(tuple[datetime, str], place)
        if not can_be_key(session_id):
            raise ValueError("no session has that id")
    except ValueError as error:
        raise ValueError("this cursor is not one of ours; leave it out to begin with the newest") from error
    key = SessionRow(session_id, driver_id=driver_id, created_at=created_at, operator_id="", body="").serialize()
    return {name: key[name] for name in ("session_id", "driver_id", "created_at")}


def _transaction(row: TransactionRow) -> Transaction:
    return Transaction(
        charger_id=row.charger_id,
        ref=row.ref,
        connector=connector_id(row.connector) if row.connector else None,
        token=row.token,
        started_at=row.started_at,
        meter_start_wh=row.meter_start_wh,
        stopped_at=row.stopped_at,
        meter_stop_wh=row.meter_stop_wh,
        stop_reason=StopReason(row.stop_reason) if row.stop_reason else None,
        session_id=row.session_id,
    )
