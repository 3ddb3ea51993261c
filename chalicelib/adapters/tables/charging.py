"""Tables of charging: sessions, the chargers' transactions under them, and their readings."""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute
from chalicelib.adapters.tables.base import PREFIX, OnDemand


class SessionsByDriver(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds a driver's sessions by time.

    Keys only: they never change, so that saving a session does not write the index again.
    """

    class Meta:
        index_name = "by_driver"
        projection = KeysOnlyProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class UnsettledSessions(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds sessions that the sweep is to look at: on their way in or out, or to be looked at again by then."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled_shard = UnicodeAttribute(hash_key=True)
    unsettled_at = UTCDateTimeAttribute(range_key=True)


class SessionsByOperator(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's sessions by time; keys only, like that of drivers."""

    class Meta:
        index_name = "by_operator"
        projection = KeysOnlyProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class FlaggedSessions(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Finds an operator's sessions that a person should look at; others are not here."""

    class Meta:
        index_name = "flagged"
        projection = KeysOnlyProjection()

    flagged_operator = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class SessionRow(Model):
    """A session as one JSON text, changed by compare-and-set; `waiting` is what its workflow last waited for."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}sessions"

    session_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    driver_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    body = UnicodeAttribute()
    waiting = UnicodeAttribute(null=True)
    watched_until = UTCDateTimeAttribute(null=True)
    unsettled_shard = UnicodeAttribute(null=True)
    unsettled_at = UTCDateTimeAttribute(null=True)
    flagged_operator = UnicodeAttribute(null=True)

    by_driver = SessionsByDriver()
    by_operator = SessionsByOperator()
    flagged = FlaggedSessions()
    unsettled = UnsettledSessions()


class UnclaimedTransactions(GlobalSecondaryIndex["TransactionRow"]):  # type: ignore[no-untyped-call]
    """Finds transactions that belong to no session; others are not here."""

    class Meta:
        index_name = "unclaimed"
        projection = KeysOnlyProjection()

    unclaimed_shard = UnicodeAttribute(hash_key=True)
    unclaimed_at = UTCDateTimeAttribute(range_key=True)


class TransactionRow(Model):
    """A charger's transaction; each fact is an attribute of its own, to be merged alone."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}transactions"

    charger_id = UnicodeAttribute(hash_key=True)
    ref = UnicodeAttribute(range_key=True)
    stands_for = UnicodeAttribute(null=True)
    heard_at = UTCDateTimeAttribute(null=True)
    started_heard_at = UTCDateTimeAttribute(null=True)
    stopped_heard_at = UTCDateTimeAttribute(null=True)
    first_seq_no = IntegerAttribute(null=True)
    last_seq_no = IntegerAttribute(null=True)
    stop_token = UnicodeAttribute(null=True)
    stop_word = UnicodeAttribute(null=True)
    attend_from_wh = IntegerAttribute(null=True)
    is_nearly_done = BooleanAttribute(null=True)
    connector_seq_no = IntegerAttribute(null=True)
    stopped_as = UnicodeAttribute(null=True)
    left_at = UTCDateTimeAttribute(null=True)
    cost_told_minor = IntegerAttribute(null=True)
    cost_told_at = UTCDateTimeAttribute(null=True)
    settlement = UnicodeAttribute(null=True)
    connector = UnicodeAttribute(null=True)
    token = UnicodeAttribute(null=True)
    started_at = UTCDateTimeAttribute(null=True)
    meter_start_wh = IntegerAttribute(null=True)
    stopped_at = UTCDateTimeAttribute(null=True)
    meter_stop_wh = IntegerAttribute(null=True)
    stop_reason = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    watched_until = UTCDateTimeAttribute(null=True)
    sum_version = IntegerAttribute(null=True)
    sum_until = UTCDateTimeAttribute(null=True)
    sum_announced_at = UTCDateTimeAttribute(null=True)
    sum_again_at = UTCDateTimeAttribute(null=True)
    course_sum = UnicodeAttribute(null=True)
    unclaimed_shard = UnicodeAttribute(null=True)
    unclaimed_at = UTCDateTimeAttribute(null=True)

    unclaimed = UnclaimedTransactions()


class ReadingsRow(Model):
    """The readings of one frame, and the number of the message if it has one."""

    class Meta(OnDemand):
        table_name = f"{PREFIX}readings"

    transaction = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    seq_no = IntegerAttribute(null=True)
    expires_at = TTLAttribute()
