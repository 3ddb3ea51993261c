"""Table of reservations, and of which one is a driver's now."""

from __future__ import annotations

from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import ExpiryAttribute, TextAttribute, TimeAttribute
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class ReservationsByDriver(GlobalSecondaryIndex["ReservationRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's reservations by when they were made."""

    class Meta:
        index_name = "by_driver"
        projection = AllProjection()

    driver_id = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class DueReservations(GlobalSecondaryIndex["ReservationRow"]):  # type: ignore[no-untyped-call]
    """Finds reservations by their end: one is here only until nothing is left to be done about it."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = TextAttribute(hash_key=True)
    until = TimeAttribute(range_key=True)


class ReservationRow(Row):
    """A reservation; or, named "turn/" and a driver, which one is theirs now."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}reservations"

    reservation_id = TextAttribute(hash_key=True)
    driver_id = TextAttribute(null=True)
    created_at = TimeAttribute(null=True)
    until = TimeAttribute(null=True)
    body = TextAttribute(null=True)
    standing = TextAttribute(null=True)
    keeper = TextAttribute(null=True)
    ended_at = TimeAttribute(null=True)
    due_shard = TextAttribute(null=True)
    expires_at = ExpiryAttribute(null=True)

    by_driver = ReservationsByDriver()
    due = DueReservations()
