"""Transactions and meter readings in DynamoDB: transactions merged fact by fact, readings a row a frame."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote

from chalicelib.adapters.attributes import Plain
from chalicelib.adapters.dynamo import (
    connector_id,
    decode,
    delete,
    encode,
    find,
    put,
    record_of,
    shard_of,
    shards_of,
    some_due,
    update,
    update_and_read,
)
from chalicelib.adapters.expressions import Change
from chalicelib.adapters.tables import ReadingsRow, TransactionRow
from chalicelib.domain.chargers.events import ConnectorId, Reading
from chalicelib.domain.charging.readings import latest, merged
from chalicelib.domain.charging.session import Settlement
from chalicelib.domain.pricing.course_sum import CourseSum
from chalicelib.records.charging import StoredReading, Sums, Transaction
from chalicelib.records.parts import SHARDS

_READINGS_KEPT = timedelta(days=400)
_FIELDS = tuple(it.name for it in fields(Reading))
# A charger that tells one measurand a message has told them all by then.
_LOOK_BACK = 5
_POSITION = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#[0-9a-f]{16})/\d{4}")


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoTransactions:
    """Transactions in DynamoDB: the port Transactions. Methods make one call where they say nothing else."""

    def get(self, charger_id: str, ref: str) -> Transaction | None:
        row = find(TransactionRow, charger_id, ref)
        return _transaction(row) if row else None

    def record(self, facts: Transaction) -> Transaction:
        row = TransactionRow(facts.charger_id, facts.ref)
        first_words = _first_words(facts)
        if not first_words:
            return self.get(facts.charger_id, facts.ref) or facts
        update_and_read(row, first_words)
        return _transaction(row)

    def end(self, facts: Transaction) -> Transaction:
        """One call, and a second one where its end is known already."""
        row = TransactionRow(facts.charger_id, facts.ref)
        end: list[tuple[Plain[Any], object]] = [
            (TransactionRow.stopped_heard_at, facts.stopped_heard_at),
            (TransactionRow.last_seq_no, facts.last_seq_no),
            (TransactionRow.stop_token, facts.stop_token),
            (TransactionRow.stop_word, facts.stop_word),
            (TransactionRow.stopped_at, facts.stopped_at),
            (TransactionRow.meter_stop_wh, facts.meter_stop_wh),
            (TransactionRow.stop_reason, facts.stop_reason.value if facts.stop_reason else None),
            (TransactionRow.stopped_as, facts.stopped_as),
        ]
        words = [known.remove() if value is None else known.set(value) for known, value in end]
        is_first = TransactionRow.stopped_heard_at.does_not_exist()
        if facts.stopped_as is None:
            is_first |= TransactionRow.stopped_as.exists()
        rest = replace(
            facts,
            stopped_heard_at=None,
            last_seq_no=None,
            stop_token=None,
            stopped_at=None,
            meter_stop_wh=None,
            stop_reason=None,
            stopped_as=None,
            sums=None,
        )
        if update_and_read(row, [*words, *_first_words(rest)], is_first):
            return _transaction(row)
        return self.record(rest)

    def place(self, charger_id: str, ref: str, connector: ConnectorId, seq_no: int | None) -> bool:
        known, number = TransactionRow.connector, TransactionRow.connector_seq_no
        if seq_no is None:
            return update(TransactionRow(charger_id, ref), [known.set(str(connector))], known.does_not_exist())
        actions = [known.set(str(connector)), number.set(seq_no)]
        return update(TransactionRow(charger_id, ref), actions, number.does_not_exist() | (number < seq_no))

    def leave(self, charger_id: str, ref: str, at: datetime | None) -> None:
        known = TransactionRow.left_at
        update(TransactionRow(charger_id, ref), [known.remove() if at is None else known.set(at)])

    def attend(self, charger_id: str, ref: str, from_wh: int | None) -> None:
        known = TransactionRow.attend_from_wh
        update(TransactionRow(charger_id, ref), [known.remove() if from_wh is None else known.set(from_wh)])

    def cost_told(self, charger_id: str, ref: str, minor: int, at: datetime, not_since: datetime) -> bool:
        known, known_at = TransactionRow.cost_told_minor, TransactionRow.cost_told_at
        is_news = known.does_not_exist() | ((known != minor) & (known_at <= not_since))
        row = TransactionRow(charger_id, ref)
        return update(row, [known.set(minor), known_at.set(at)], is_news & TransactionRow.session_id.exists())

    def sum_up(self, known: Transaction, sums: Sums | None) -> bool:
        was = known.sums.version if known.sums is not None else None
        version = TransactionRow.sum_version
        is_as_known = version.does_not_exist() if was is None else version == was
        row = TransactionRow(known.charger_id, known.ref)
        if sums is None:
            return update(row, [it.remove() for it in _SUMS], is_as_known)
        told: list[tuple[Plain[Any], object]] = [
            (TransactionRow.sum_until, sums.until),
            (TransactionRow.sum_announced_at, sums.announced_at),
            (TransactionRow.sum_again_at, sums.again_at),
            (TransactionRow.course_sum, encode(sums.course) if sums.course else None),
        ]
        words = [at.remove() if value is None else at.set(value) for at, value in told]
        has_ended = TransactionRow.stopped_heard_at.exists()
        return update(row, [version.set(0 if was is None else was + 1), *words], is_as_known & ~has_ended)

    def drop_sum(self, charger_id: str, ref: str) -> None:
        version, gone = TransactionRow.sum_version, (TransactionRow.sum_until, TransactionRow.course_sum)
        dropped = [version.set(version + 1), *(it.remove() for it in gone)]
        update(TransactionRow(charger_id, ref), dropped, version.exists())

    def forget_token(self, charger_id: str, ref: str) -> None:
        known = TransactionRow(charger_id, ref)
        update(known, [TransactionRow.token.remove(), TransactionRow.stop_token.remove()])

    def forget(self, charger_id: str, ref: str, heard_at: datetime) -> None:
        delete(TransactionRow(charger_id, ref), TransactionRow.heard_at == heard_at)

    def watch(self, charger_id: str, ref: str, session_id: str, until: datetime) -> None:
        known = TransactionRow(charger_id, ref)
        update(known, [TransactionRow.watched_until.set(until)], TransactionRow.session_id == session_id)

    def redirect(self, charger_id: str, ref: str, stands_for: str | None) -> None:
        known = TransactionRow.stands_for
        update(TransactionRow(charger_id, ref), [known.remove() if stands_for is None else known.set(stands_for)])

    def leave_unclaimed(self, charger_id: str, ref: str, at: datetime) -> None:
        row = TransactionRow(charger_id, ref)
        listed = [
            TransactionRow.unclaimed_shard.set(shard_of(charger_id, SHARDS)),
            TransactionRow.unclaimed_at.set(TransactionRow.unclaimed_at | at),
        ]
        update(row, listed, TransactionRow.session_id.does_not_exist())

    def unclaimed(self, since: datetime, shard: int | None = None) -> Iterable[Transaction]:
        """A call for each shard, and one for each transaction found."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(TransactionRow.unclaimed.query, it, TransactionRow.unclaimed_at < since):
                found = self.get(key.charger_id, key.ref)
                if found is not None:
                    yield found

    def settle_claim(self, charger_id: str, ref: str) -> None:
        off = [TransactionRow.unclaimed_shard.remove(), TransactionRow.unclaimed_at.remove()]
        update(TransactionRow(charger_id, ref), off)


_SUMS: tuple[Plain[Any], ...] = (
    TransactionRow.sum_version,
    TransactionRow.sum_until,
    TransactionRow.sum_announced_at,
    TransactionRow.sum_again_at,
    TransactionRow.course_sum,
)


class DynamoReadings:
    """Meter readings in DynamoDB: the port Readings.

    A frame's readings lie in one row, placed by the time of the first and by what they say; a reading's position is its
    row's and its place in it.
    """

    def append(self, charger_id: str, ref: str, readings: Sequence[Reading], seq_no: int | None = None) -> None:
        """One call; none when there is nothing to append."""
        # Kept from now on, not from when the charger says it was: its clock may stand in 1970.
        expires_at = _now() + _READINGS_KEPT
        if not readings:
            if seq_no is not None:
                marks = _marks(charger_id, ref)
                put(ReadingsRow(marks, f"{seq_no:012d}", body="", seq_no=seq_no, expires_at=expires_at))
            return
        place, body = _frame(readings)
        put(ReadingsRow(_key(charger_id, ref), place, body=body, seq_no=seq_no, expires_at=expires_at))

    def are_kept(self, charger_id: str, ref: str, readings: Sequence[Reading]) -> bool:
        return find(ReadingsRow, _key(charger_id, ref), _frame(readings)[0]) is not None

    def seq_nos(self, charger_id: str, ref: str) -> Sequence[int]:
        """Two calls, and one more for each megabyte."""
        found = {
            row.seq_no
            for key in (_key(charger_id, ref), _marks(charger_id, ref))
            for row in ReadingsRow.query(key, attributes_to_get=["transaction", "position", "seq_no"])
        }
        return sorted(seq_no for seq_no in found if seq_no is not None)

    def newest(self, charger_id: str, ref: str, limit: int = 1) -> Sequence[StoredReading]:
        """One call. Read with it are some older rows: a charger may tell one measurand a message."""
        rows = ReadingsRow.query(
            _key(charger_id, ref), consistent_read=True, scan_index_forward=False, limit=limit + _LOOK_BACK
        )
        stored = [_stored(row) for row in rows]
        found = list(_together(reading for row in reversed(stored) for reading in row))[::-1]
        known = [it.reading for it in found]
        return [
            replace(it, reading=latest(islice(known, index, None)) or it.reading)
            for index, it in enumerate(found[:limit])
        ]

    def since(self, charger_id: str, ref: str, at: datetime) -> Sequence[StoredReading]:
        """One call, and one more for each megabyte."""
        place = ReadingsRow.position >= _place(at)
        rows = ReadingsRow.query(_key(charger_id, ref), place, consistent_read=True)
        return list(_together(reading for row in rows for reading in _stored(row)))

    def after(self, charger_id: str, ref: str, position: str, limit: int) -> Sequence[StoredReading]:
        """One call. Raises ValueError for a position that is not ours.

        What was told of one time in several messages is one reading, placed where the last of them is.
        """
        past = None
        if position:
            place = _POSITION.fullmatch(position)
            if place is None:
                raise ValueError("this is not the position of a reading; leave it out to begin at the first")
            past = ReadingsRow.position >= place[1].partition("#")[0]
        # More than asked for: what lies at the time of `position` may have nothing left to give.
        rows = ReadingsRow.query(_key(charger_id, ref), past, consistent_read=True, page_size=limit + _LOOK_BACK)
        found = _together(reading for row in rows for reading in _stored(row))
        return list(islice((it for it in found if it.position > position), limit))


def _together(readings: Iterable[StoredReading]) -> Iterator[StoredReading]:
    """Neighbours that tell of one time, and nothing different, as one."""
    known: StoredReading | None = None
    for reading in readings:
        both = merged(known.reading, reading.reading) if known is not None else None
        if known is not None and both is None:
            yield known
        known = reading if both is None else StoredReading(reading.position, both)
    if known is not None:
        yield known


def _frame(readings: Sequence[Reading]) -> tuple[str, str]:
    """The position of a frame's readings, and what is kept there."""
    in_order = sorted(readings, key=lambda reading: reading.at)
    body = encode([_told(it) for it in in_order])
    return f"{_place(in_order[0].at)}#{hashlib.sha256(body.encode()).hexdigest()[:16]}", body


def _place(at: datetime) -> str:
    """A time as positions begin with it."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _told(reading: Reading) -> dict[str, Any]:
    """What a reading tells, without what it does not."""
    return {name: value for name in _FIELDS if (value := getattr(reading, name)) is not None and value is not False}


def _key(charger_id: str, ref: str) -> str:
    """Quoted, so that no charger's name and transaction can spell another's."""
    return f"{quote(charger_id, safe='')}#{ref}"


def _marks(charger_id: str, ref: str) -> str:
    """Where messages without readings leave their number."""
    return f"{_key(charger_id, ref)}#numbers"


def _stored(row: ReadingsRow) -> list[StoredReading]:
    readings = decode(list[Reading], row.body)
    return [StoredReading(f"{row.position}/{index:04d}", reading) for index, reading in enumerate(readings)]


def _first_words(facts: Transaction) -> list[Change]:
    told: list[tuple[Plain[Any], object]] = [
        (TransactionRow.heard_at, facts.heard_at),
        (TransactionRow.started_heard_at, facts.started_heard_at),
        (TransactionRow.stopped_heard_at, facts.stopped_heard_at),
        (TransactionRow.first_seq_no, facts.first_seq_no),
        (TransactionRow.last_seq_no, facts.last_seq_no),
        (TransactionRow.stop_token, facts.stop_token),
        (TransactionRow.attend_from_wh, facts.attend_from_wh),
        (TransactionRow.is_nearly_done, facts.is_nearly_done),
        (TransactionRow.connector, str(facts.connector) if facts.connector is not None else None),
        (TransactionRow.token, facts.token),
        (TransactionRow.started_at, facts.started_at),
        (TransactionRow.meter_start_wh, facts.meter_start_wh),
        (TransactionRow.stopped_at, facts.stopped_at),
        (TransactionRow.meter_stop_wh, facts.meter_stop_wh),
        (TransactionRow.stop_reason, facts.stop_reason.value if facts.stop_reason else None),
        (TransactionRow.session_id, facts.session_id),
        (TransactionRow.stopped_as, facts.stopped_as),
        (TransactionRow.settlement, encode(facts.settlement) if facts.settlement else None),
    ]
    if facts.sums is not None:
        told.append((TransactionRow.sum_version, facts.sums.version))
    return [fact.set(fact | value) for fact, value in told if value is not None]


def _sums(row: TransactionRow) -> Sums | None:
    if row.sum_version is None:
        return None
    return Sums(
        version=row.sum_version,
        until=row.sum_until,
        announced_at=row.sum_announced_at,
        again_at=row.sum_again_at,
        course=decode(CourseSum, row.course_sum) if row.course_sum else None,
    )


def _transaction(row: TransactionRow) -> Transaction:
    return record_of(
        Transaction,
        row,
        connector=connector_id(row.connector) if row.connector else None,
        settlement=decode(Settlement, row.settlement) if row.settlement else None,
        stop_reason=row.stop_reason or None,
        sums=_sums(row),
    )
