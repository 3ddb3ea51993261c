"""Tables of charging: sessions, the chargers' transactions under them, and their readings."""

from __future__ import annotations

from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.adapters.attributes import (
    ExpiryAttribute,
    FlagAttribute,
    IntegerAttribute,
    TextAttribute,
    TimeAttribute,
)
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class SessionsByDriver(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's sessions by time.

    Keys only: they never change, so that saving a session does not write the index again.
    """

    class Meta:
        index_name = "by_driver"
        projection = KeysOnlyProjection()

    driver_id = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class UnsettledSessions(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds sessions that the sweep is to look at: on their way in or out, or to be looked at again by then."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled_shard = TextAttribute(hash_key=True)
    unsettled_at = TimeAttribute(range_key=True)


class SessionsByOperator(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's sessions by time; keys only, like that of drivers."""

    class Meta:
        index_name = "by_operator"
        projection = KeysOnlyProjection()

    operator_id = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class FlaggedSessions(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's sessions that a person should look at; others are not here."""

    class Meta:
        index_name = "flagged"
        projection = KeysOnlyProjection()

    flagged_operator = TextAttribute(hash_key=True)
    created_at = TimeAttribute(range_key=True)


class SessionRow(Row):
    """A session as one JSON text, changed by compare-and-set; `waiting` is what its workflow last waited for."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}sessions"

    session_id = TextAttribute(hash_key=True)
    operator_id = TextAttribute()
    driver_id = TextAttribute(null=True)
    created_at = TimeAttribute()
    body = TextAttribute()
    waiting = TextAttribute(null=True)
    watched_until = TimeAttribute(null=True)
    unsettled_shard = TextAttribute(null=True)
    unsettled_at = TimeAttribute(null=True)
    flagged_operator = TextAttribute(null=True)

    by_driver = SessionsByDriver()
    by_operator = SessionsByOperator()
    flagged = FlaggedSessions()
    unsettled = UnsettledSessions()


class UnclaimedTransactions(GlobalSecondaryIndex["TransactionRow"]):  # type: ignore[no-untyped-call]
    """Finds transactions that belong to no session; others are not here."""

    class Meta:
        index_name = "unclaimed"
        projection = KeysOnlyProjection()

    unclaimed_shard = TextAttribute(hash_key=True)
    unclaimed_at = TimeAttribute(range_key=True)


class TransactionRow(Row):
    """A charger's transaction; each fact is an attribute of its own, to be merged alone."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}transactions"

    charger_id = TextAttribute(hash_key=True)
    ref = TextAttribute(range_key=True)
    stands_for = TextAttribute(null=True)
    heard_at = TimeAttribute(null=True)
    started_heard_at = TimeAttribute(null=True)
    stopped_heard_at = TimeAttribute(null=True)
    first_seq_no = IntegerAttribute(null=True)
    last_seq_no = IntegerAttribute(null=True)
    stop_token = TextAttribute(null=True)
    stop_word = TextAttribute(null=True)
    attend_from_wh = IntegerAttribute(null=True)
    is_nearly_done = FlagAttribute(null=True)
    connector_seq_no = IntegerAttribute(null=True)
    stopped_as = TextAttribute(null=True)
    left_at = TimeAttribute(null=True)
    cost_told_minor = IntegerAttribute(null=True)
    cost_told_at = TimeAttribute(null=True)
    settlement = TextAttribute(null=True)
    connector = TextAttribute(null=True)
    token = TextAttribute(null=True)
    started_at = TimeAttribute(null=True)
    meter_start_wh = IntegerAttribute(null=True)
    stopped_at = TimeAttribute(null=True)
    meter_stop_wh = IntegerAttribute(null=True)
    stop_reason = TextAttribute(null=True)
    session_id = TextAttribute(null=True)
    watched_until = TimeAttribute(null=True)
    sum_version = IntegerAttribute(null=True)
    sum_until = TimeAttribute(null=True)
    sum_announced_at = TimeAttribute(null=True)
    sum_again_at = TimeAttribute(null=True)
    course_sum = TextAttribute(null=True)
    unclaimed_shard = TextAttribute(null=True)
    unclaimed_at = TimeAttribute(null=True)

    unclaimed = UnclaimedTransactions()


class ReadingsRow(Row):
    """The readings of one frame, and the number of the message if it has one."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}readings"

    transaction = TextAttribute(hash_key=True)
    position = TextAttribute(range_key=True)
    body = TextAttribute()
    seq_no = IntegerAttribute(null=True)
    expires_at = ExpiryAttribute()
