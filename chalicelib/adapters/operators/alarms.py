"""Alarms in DynamoDB: what stands where, in rows that are changed by compare-and-set, and the list of all there were.

What stands at a place lies in one partition of the table, and a thousand chargers of one site write a row each there;
only the alarm itself, of which there is one, is read by all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import (
    NewestFirst,
    decode,
    delete,
    encode,
    find,
    put,
    shard_of,
    shards_of,
    update,
    update_and_read,
)
from chalicelib.adapters.tables import AlarmRow, OperatorRow
from chalicelib.domain.operators import AlarmKind, Subject
from chalicelib.records.operators import (
    Alarm,
    AlarmNews,
    AlarmPlace,
    AlarmSettings,
    AlarmTelling,
    ListedAlarm,
)
from chalicelib.records.parts import SHARDS

_STANDING = "standing"
_SUBJECT = "subject#"
_TELLING = "telling#"
# Where somebody may watch stands so: a place has two slashes, and an operator's id none.
_LIVE, _MARK = "/live", "watched"
_MARK_KEPT = timedelta(days=1)
_MOST_NAMED = 100
# Of these an index may not know yet.
_MOST_NEW = 25
_KEPT_FOR = timedelta(days=400)
_YES = "y"


class DynamoAlarms:
    """The port Alarms. Methods make one call where they say nothing else."""

    def subject(self, place: AlarmPlace, subject: str) -> Subject | None:
        row = find(AlarmRow, _key(place), _SUBJECT + subject)
        return decode(Subject, row.body) if row is not None else None

    def put(self, place: AlarmPlace, subject: str, before: Subject | None, after: Subject | None) -> bool:
        row = AlarmRow(_key(place), _SUBJECT + subject)
        as_known = AlarmRow.body == encode(before) if before is not None else AlarmRow.body.does_not_exist()
        if after is None:
            return delete(row, as_known)
        row.body = encode(after)
        row.has_cause = _YES if after.has_cause else None
        row.due_shard, row.due_at = _shard(place, subject), after.look_at
        return put(row, as_known)

    def has_subjects(self, place: AlarmPlace) -> bool:
        """A call for each megabyte of those with whom nothing is wrong by now."""
        found = AlarmRow.query(
            _key(place),
            AlarmRow.item.startswith(_SUBJECT),
            AlarmRow.has_cause == _YES,
            consistent_read=True,
        )
        return next(iter(found), None) is not None

    def standing(self, place: AlarmPlace) -> Alarm | None:
        row = find(AlarmRow, _key(place), _STANDING)
        return decode(Alarm, row.body) if row is not None else None

    def stand(self, alarm: Alarm, look_at: datetime) -> bool:
        row = AlarmRow(_key(alarm.place), _STANDING, body=encode(alarm), due_at=look_at)
        row.due_shard = _shard(alarm.place, "")
        return put(row, AlarmRow.body.does_not_exist())

    def fall(self, alarm: Alarm) -> None:
        delete(AlarmRow(_key(alarm.place), _STANDING), AlarmRow.body == encode(alarm))

    def look_at(self, place: AlarmPlace, at: datetime) -> None:
        update(AlarmRow(_key(place), _STANDING), [AlarmRow.due_at.set(at)], AlarmRow.body.exists())

    def due(self, at: datetime, shard: int | None = None) -> Iterable[tuple[AlarmPlace, str | None]]:
        """A call for each shard, and more where much is due."""
        for key in _due(at, shard):
            if key.item == _STANDING:
                yield _place(key.place), None
            elif key.item.startswith(_SUBJECT):
                yield _place(key.place), key.item.removeprefix(_SUBJECT)

    def add(self, alarm: Alarm) -> None:
        row = AlarmRow(
            alarm.place.operator_id,
            alarm.alarm_id,
            body=encode(alarm),
            open_operator=alarm.place.operator_id,
            expires_at=alarm.opened_at + _KEPT_FOR,
        )
        put(row, AlarmRow.body.does_not_exist())

    def join(self, alarm: Alarm, subject: str, *, is_new: bool) -> bool:
        """Two calls once a hundred are named, or it is."""
        row = AlarmRow(alarm.place.operator_id, alarm.alarm_id)
        one_more = AlarmRow.number.add(1)
        not_named = AlarmRow.subjects.does_not_exist() | ~AlarmRow.subjects.contains(subject)
        has_room = AlarmRow.subjects.does_not_exist() | AlarmRow.subjects.has_fewer_than(_MOST_NAMED)
        is_listed = AlarmRow.body.exists()
        if update(row, [one_more, AlarmRow.subjects.add({subject})], is_listed & not_named & has_room):
            return True
        return is_new and update(row, [one_more], is_listed & not_named)

    def get(self, operator_id: str, alarm_id: str) -> ListedAlarm | None:
        row = find(AlarmRow, operator_id, alarm_id)
        return _listed(row) if row is not None else None

    def save(self, before: Alarm, after: Alarm) -> bool:
        shown = AlarmRow.open_operator
        changes = [
            AlarmRow.body.set(encode(after)),
            shown.set(after.place.operator_id) if after.is_open else shown.remove(),
        ]
        row = AlarmRow(after.place.operator_id, after.alarm_id)
        return update(row, changes, AlarmRow.body == encode(before))

    def page(
        self, operator_id: str, limit: int, before: str | None, *, open_only: bool
    ) -> tuple[Sequence[ListedAlarm], str | None]:
        newest = NewestFirst(AlarmRow, AlarmRow.query, ("place", "item"), consistent_read=True)
        if open_only:
            newest = NewestFirst(AlarmRow, AlarmRow.open.query, ("open_operator", "item", "place"))
        rows, cursor = newest.page(operator_id, limit, before)
        return [_listed(row) for row in rows], cursor

    def open_now(self, operator_id: str, most: int) -> Sequence[ListedAlarm]:
        """Three calls: an index may not have what opened this second, nor know of what was said to the others."""
        newest = AlarmRow.query(operator_id, scan_index_forward=False, limit=_MOST_NEW, consistent_read=True)
        rows = {row.item: row for row in newest}
        listed = AlarmRow.open.query(operator_id, scan_index_forward=False, limit=most)
        keys = [(operator_id, row.item) for row in listed if row.item not in rows]
        older = AlarmRow.batch_get(keys, consistent_read=True) if keys else ()
        found = sorted((*rows.values(), *older), key=lambda row: row.item, reverse=True)
        return [_listed(row) for row in found if row.open_operator][:most]

    def watch(self, operator_id: str, until: datetime) -> None:
        row = AlarmRow(operator_id + _LIVE, _MARK)
        update(row, [AlarmRow.body.set(until.isoformat()), AlarmRow.expires_at.set(until + _MARK_KEPT)])

    def watched_until(self, operator_id: str) -> datetime | None:
        row = find(AlarmRow, operator_id + _LIVE, _MARK)
        return datetime.fromisoformat(row.body) if row is not None and row.body else None

    def tell(self, telling: AlarmTelling, at: datetime) -> None:
        row = _telling_row(telling)
        row.body, row.due_at = encode(telling), at
        row.due_shard = _shard(telling.place, "")
        row.expires_at = at + _KEPT_FOR
        put(row, AlarmRow.body.does_not_exist())

    def tellings(self, at: datetime, shard: int | None = None) -> Iterable[AlarmTelling]:
        """A call for each shard, and one for each found."""
        for key in _due(at, shard):
            row = find(AlarmRow, key.place, key.item) if key.item.startswith(_TELLING) else None
            if row is not None and row.due_at is not None and row.due_at <= at:
                yield _telling(row)

    def claim(self, telling: AlarmTelling, again_at: datetime) -> AlarmTelling | None:
        row = _telling_row(telling)
        as_seen = AlarmRow.attempts == telling.attempts if telling.attempts else AlarmRow.attempts.does_not_exist()
        changes = [AlarmRow.attempts.set(telling.attempts + 1), AlarmRow.due_at.set(again_at)]
        is_ours = update_and_read(row, changes, AlarmRow.due_at.exists() & as_seen)
        return _telling(row) if is_ours else None

    def note_sent(self, telling: AlarmTelling, sent_by: Sequence[str]) -> None:
        update(_telling_row(telling), [AlarmRow.sent_by.set(set(sent_by))], AlarmRow.due_at.exists())

    def told(self, telling: AlarmTelling) -> None:
        off = [AlarmRow.due_at.remove(), AlarmRow.due_shard.remove()]
        update(_telling_row(telling), off, AlarmRow.body.exists())


class DynamoAlarmPreferences:
    """The port AlarmPreferences, in the operator's row. Methods make one call."""

    def of(self, operator_id: str) -> AlarmSettings:
        row = find(OperatorRow, operator_id)
        return decode(AlarmSettings, row.alarms) if row is not None and row.alarms else AlarmSettings()

    def put(self, operator_id: str, settings: AlarmSettings) -> None:
        """What other capabilities keep in the row stays."""
        update(OperatorRow(operator_id), [OperatorRow.alarms.set(encode(settings))])


def _key(place: AlarmPlace) -> str:
    # No operator's id holds a slash.
    return f"{place.operator_id}/{place.kind}/{place.group}"


def _place(key: str) -> AlarmPlace:
    operator_id, kind, group = key.split("/", 2)
    return AlarmPlace(operator_id=operator_id, kind=AlarmKind(kind), group=group)


def _shard(place: AlarmPlace, subject: str) -> str:
    return shard_of(_key(place) + subject, SHARDS)


def _due(at: datetime, shard: int | None) -> Iterable[AlarmRow]:
    for it in shards_of(shard, SHARDS):
        yield from AlarmRow.due.query(it, AlarmRow.due_at <= at)


def _telling_row(telling: AlarmTelling) -> AlarmRow:
    return AlarmRow(_key(telling.place), f"{_TELLING}{telling.alarm_id}#{telling.news}")


def _telling(row: AlarmRow) -> AlarmTelling:
    news = AlarmNews(row.item.rpartition("#")[2])
    alarm = row.item.removeprefix(_TELLING).rpartition("#")[0]
    return AlarmTelling(
        place=_place(row.place),
        alarm_id=alarm,
        news=news,
        attempts=row.attempts or 0,
        sent_by=tuple(sorted(row.sent_by or ())),
    )


def _listed(row: AlarmRow) -> ListedAlarm:
    subjects = tuple(sorted(row.subjects or ()))
    return ListedAlarm(alarm=decode(Alarm, row.body), subjects=subjects, number=row.number or 0)
