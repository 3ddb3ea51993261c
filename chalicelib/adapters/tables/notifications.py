"""Table of notifications: what drivers were told, and what of it has still to be sent out."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import ListAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection, LocalSecondaryIndex
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class NoticesByTime(LocalSecondaryIndex["NoticeRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's notifications by time; local, so that what has just been written is read."""

    class Meta:
        index_name = "by_time"
        projection = AllProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)


class UndeliveredNotices(GlobalSecondaryIndex["NoticeRow"]):  # type: ignore[no-untyped-call]
    """Finds notifications to be sent, by when: one is here only until it is settled."""

    class Meta:
        index_name = "undelivered"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = UTCDateTimeAttribute(range_key=True)


class NoticeRow(Model):
    """A notification; `outcome` once it is settled, `sent_by` which messengers have sent it while others have not."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}notices"

    driver_id = UnicodeAttribute(hash_key=True)
    notice_id = UnicodeAttribute(range_key=True)
    position = UnicodeAttribute()
    body = UnicodeAttribute()
    outcome = UnicodeAttribute(null=True)
    attempts = IntegerAttribute(null=True)
    sent_by: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    due_shard = UnicodeAttribute(null=True)
    due_at = UTCDateTimeAttribute(null=True)
    expires_at = TTLAttribute()

    by_time = NoticesByTime()
    undelivered = UndeliveredNotices()
