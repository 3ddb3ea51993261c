"""The outbox and operators' webhooks in DynamoDB.

A notification is one row, its key what it tells of which session; it is on the list of the undelivered until settled. A
second row for the same thing cannot be written, whoever finds it out and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamo import (
    NewestFirst,
    decode,
    delete,
    delete_all,
    encode,
    find,
    put,
    shard_of,
    shards_of,
    update,
    update_and_read,
)
from chalicelib.adapters.tables import NoticeRow, OperatorRow
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.records.notifications import Outcome, Posted, Webhook
from chalicelib.records.parts import SHARDS

_KEPT = timedelta(days=90)
_ORDER = tuple(NotificationKind)
_PLACE = ("driver_id", "position", "notice_id")


class DynamoOutbox:
    """The outbox in DynamoDB: the port Outbox. Methods make one call where they say nothing else."""

    def add(self, notice: Notification, at: datetime) -> bool:
        """Two calls when it was there."""
        row = NoticeRow(
            notice.driver_id,
            notice.notice_id,
            position=_position(notice),
            body=encode(notice),
            due_shard=shard_of(notice.driver_id, SHARDS),
            due_at=at,
            expires_at=at + _KEPT,
        )
        if put(row, NoticeRow.notice_id.does_not_exist()):
            return True
        untried = (
            NoticeRow.notice_id.exists() & NoticeRow.outcome.does_not_exist() & NoticeRow.attempts.does_not_exist()
        )
        update(NoticeRow(notice.driver_id, notice.notice_id), [NoticeRow.due_at.set(at)], untried)
        return False

    def page(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Posted], str | None]:
        told = NewestFirst(NoticeRow, NoticeRow.by_time.query, _PLACE, consistent_read=True)
        rows, cursor = told.page(driver_id, limit, before)
        return [_posted(row) for row in rows], cursor

    def due(self, at: datetime, shard: int | None = None) -> Iterable[Posted]:
        """A call for each shard, and one for each notification found."""
        for it in shards_of(shard, SHARDS):
            # In order of time: whoever cannot be told now is due later, and stands in front of nobody.
            for key in NoticeRow.undelivered.query(it, NoticeRow.due_at <= at):
                row = find(NoticeRow, key.driver_id, key.notice_id)
                # The index follows the table within a second or so.
                if row is not None and row.outcome is None and row.due_at is not None and row.due_at <= at:
                    yield _posted(row)

    def claim(self, posted: Posted, again_at: datetime) -> Posted | None:
        row = NoticeRow(posted.notice.driver_id, posted.notice.notice_id)
        as_seen = NoticeRow.attempts == posted.attempts if posted.attempts else NoticeRow.attempts.does_not_exist()
        changes = [NoticeRow.attempts.set(posted.attempts + 1), NoticeRow.due_at.set(again_at)]
        is_ours = update_and_read(row, changes, NoticeRow.body.exists() & NoticeRow.outcome.does_not_exist() & as_seen)
        return _posted(row) if is_ours else None

    def go_on(self, driver_id: str, notice_id: str, due_at: datetime, again_at: datetime) -> Posted | None:
        row = NoticeRow(driver_id, notice_id)
        as_left = (NoticeRow.due_at == due_at) & NoticeRow.outcome.does_not_exist()
        is_ours = update_and_read(row, [NoticeRow.due_at.set(again_at)], NoticeRow.body.exists() & as_left)
        return _posted(row) if is_ours else None

    def note_sent(self, posted: Posted, sent_by: Sequence[str]) -> None:
        row = NoticeRow(posted.notice.driver_id, posted.notice.notice_id)
        update(row, [NoticeRow.sent_by.set(list(sent_by))], NoticeRow.body.exists())

    def settle(self, posted: Posted, outcome: Outcome) -> None:
        off = [NoticeRow.due_shard.remove(), NoticeRow.due_at.remove(), NoticeRow.outcome.set(outcome.value)]
        update(NoticeRow(posted.notice.driver_id, posted.notice.notice_id), off, NoticeRow.body.exists())

    def forget_driver(self, driver_id: str) -> Iterator[int]:
        """One call for each megabyte, and one for each 25."""
        return delete_all(NoticeRow.query(driver_id))

    def withdraw(self, posted: Posted) -> bool:
        untouched = NoticeRow.due_at == posted.due_at if posted.due_at else NoticeRow.due_at.does_not_exist()
        untold = NoticeRow.outcome.does_not_exist() & NoticeRow.attempts.does_not_exist()
        return delete(NoticeRow(posted.notice.driver_id, posted.notice.notice_id), untouched & untold)


class DynamoWebhooks:
    """Operators' webhooks in DynamoDB: the port Webhooks. Methods make one call."""

    def put(self, operator_id: str, webhook: Webhook | None) -> None:
        change = OperatorRow.webhook.set(encode(webhook)) if webhook else OperatorRow.webhook.remove()
        update(OperatorRow(operator_id), [change])

    def of(self, operator_id: str) -> Webhook | None:
        row = find(OperatorRow, operator_id)
        return decode(Webhook, row.webhook) if row and row.webhook else None


def _position(notice: Notification) -> str:
    """By time; of what is told at one moment, in the order in which it happens to a session."""
    time = notice.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{time}Z#{_ORDER.index(notice.kind)}#{notice.notice_id}"


def _posted(row: NoticeRow) -> Posted:
    return Posted(
        notice=decode(Notification, row.body),
        due_at=row.due_at,
        attempts=row.attempts or 0,
        sent_by=tuple(row.sent_by or ()),
        outcome=Outcome(row.outcome) if row.outcome else None,
    )
