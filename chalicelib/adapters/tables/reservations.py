"""Table of reservations, and of which one is a driver's now."""

from __future__ import annotations

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.tables.base import PREFIX, OnDemand


class ReservationsByDriver(GlobalSecondaryIndex["ReservationRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's reservations by when they were made."""

    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class DueReservations(GlobalSecondaryIndex["ReservationRow"]):  # type: ignore[no-untyped-call]
    """Finds reservations by their end: one is here only until nothing is left to be done about it."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    until = UTCDateTimeAttribute(range_key=True)


class ReservationRow(Model):
    """A reservation; or, named "turn/" and a driver, which one is theirs now."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}reservations"

    reservation_id = UnicodeAttribute(hash_key=True)
    driver_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute(null=True)
    until = UTCDateTimeAttribute(null=True)
    body = UnicodeAttribute(null=True)
    standing = UnicodeAttribute(null=True)
    keeper = UnicodeAttribute(null=True)
    ended_at = UTCDateTimeAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    by_driver = ReservationsByDriver()
    due = DueReservations()
