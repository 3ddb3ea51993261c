"""Table of notifications: what drivers were told, and what of it has still to be sent out."""

from __future__ import annotations

from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    IntegerAttribute,
    TextAttribute,
    TextListAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class NoticesByTime(LocalSecondaryIndex["NoticeRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's notifications by time; local, so that what has just been written is read."""

    class Meta:
        index_name = "by_time"
        projection = AllProjection()

    driver_id = TextAttribute(hash_key=True)
    position = TextAttribute(range_key=True)


class UndeliveredNotices(GlobalSecondaryIndex["NoticeRow"]):  # type: ignore[no-untyped-call]
    """Finds notifications to be sent, by when: one is here only until it is settled."""

    class Meta:
        index_name = "undelivered"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    due_at = TimeAttribute(range_key=True)


class NoticeRow(Row):
    """A notification; `outcome` once it is settled, `sent_by` which messengers have sent it while others have not."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}notices"

    driver_id = TextAttribute(hash_key=True)
    notice_id = TextAttribute(range_key=True)
    position = TextAttribute()
    body = TextAttribute()
    outcome = TextAttribute(null=True)
    attempts = IntegerAttribute(null=True)
    sent_by = TextListAttribute(null=True)
    due_shard = TextAttribute(null=True)
    due_at = TimeAttribute(null=True)
    expires_at = ExpiryAttribute()

    by_time = NoticesByTime()
    undelivered = UndeliveredNotices()
