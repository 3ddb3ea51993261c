"""What is stored and how it is written: every table with its keys, indexes and lifetime, and one text for one value.

Rows hold apart only what DynamoDB must see (keys, what indexes sort by, what is merged or compared alone); the rest
is one JSON text, whose decimals are strings and whose times are ISO 8601. Tables are named after KERB_TABLE_PREFIX.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamo import IntegerAttribute, table_of

_PREFIX = os.environ.get("KERB_TABLE_PREFIX", "kerb-")


class _OnDemand:
    billing_mode = PAY_PER_REQUEST_BILLING_MODE


class ChargersByOperator(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class ChargersWithListDue(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Holds a charger only until its list of tokens has been looked after."""

    class Meta:
        index_name = "list_due"
        projection = KeysOnlyProjection()

    list_due_shard = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class PendingChargers(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    """Holds a charger only until its operator has accepted it."""

    class Meta:
        index_name = "pending"
        projection = KeysOnlyProjection()

    pending_operator = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class ChargerRow(Model):
    """A charger (`item` is "charger"), one of its connectors ("connector#2") or its latest news ("news#log").

    One query reads them all.
    """

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}chargers"

    charger_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)

    operator_id = UnicodeAttribute(null=True)
    site_id = UnicodeAttribute(null=True)
    password_hash = UnicodeAttribute(null=True)
    connectors: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    security_profile = IntegerAttribute(null=True)
    admission = UnicodeAttribute(null=True)
    next_password_hash = UnicodeAttribute(null=True)
    keeps_list = BooleanAttribute(null=True)
    list_version = IntegerAttribute(null=True)
    list_due_shard = UnicodeAttribute(null=True)
    traced_until = UTCDateTimeAttribute(null=True)
    plugs = UnicodeAttribute(null=True)
    place = UnicodeAttribute(null=True)
    connection_id = UnicodeAttribute(null=True)
    protocol = UnicodeAttribute(null=True)
    connected_at = UTCDateTimeAttribute(null=True)
    vendor = UnicodeAttribute(null=True)
    model = UnicodeAttribute(null=True)
    serial = UnicodeAttribute(null=True)
    firmware = UnicodeAttribute(null=True)

    status = UnicodeAttribute(null=True)
    status_at = UTCDateTimeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    # Only of chargers nobody has accepted yet.
    pending_operator = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    by_operator = ChargersByOperator()
    list_due = ChargersWithListDue()
    pending = PendingChargers()


class PlaceRow(Model):
    """A charger where a search finds it; what it does now stands apart, to be changed alone."""

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}places"

    area = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    online = BooleanAttribute()
    statuses: MapAttribute[str, str] = MapAttribute()  # type: ignore[no-untyped-call]


class ConnectionRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}connections"

    connection_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class SessionsByDriver(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Keys only: they never change, so that saving a session does not write the index again."""

    class Meta:
        index_name = "by_driver"
        projection = KeysOnlyProjection()

    driver_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class UnsettledSessions(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    """Holds a session only while it is on its way in or out."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled_shard = UnicodeAttribute(hash_key=True)
    unsettled_at = UTCDateTimeAttribute(range_key=True)


class SessionsByOperator(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_operator"
        projection = KeysOnlyProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class FlaggedSessions(GlobalSecondaryIndex["SessionRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "flagged"
        projection = KeysOnlyProjection()

    flagged_operator = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class SessionRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}sessions"

    session_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    driver_id = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    body = UnicodeAttribute()
    waiting = UnicodeAttribute(null=True)
    unsettled_shard = UnicodeAttribute(null=True)
    unsettled_at = UTCDateTimeAttribute(null=True)
    flagged_operator = UnicodeAttribute(null=True)

    by_driver = SessionsByDriver()
    by_operator = SessionsByOperator()
    flagged = FlaggedSessions()
    unsettled = UnsettledSessions()


class UnclaimedTransactions(GlobalSecondaryIndex["TransactionRow"]):  # type: ignore[no-untyped-call]
    """Holds only transactions that belong to no session."""

    class Meta:
        index_name = "unclaimed"
        projection = KeysOnlyProjection()

    unclaimed_shard = UnicodeAttribute(hash_key=True)
    unclaimed_at = UTCDateTimeAttribute(range_key=True)


class TransactionRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}transactions"

    charger_id = UnicodeAttribute(hash_key=True)
    ref = UnicodeAttribute(range_key=True)
    stands_for = UnicodeAttribute(null=True)
    heard_at = UTCDateTimeAttribute(null=True)
    started_heard_at = UTCDateTimeAttribute(null=True)
    stopped_heard_at = UTCDateTimeAttribute(null=True)
    first_seq_no = IntegerAttribute(null=True)
    last_seq_no = IntegerAttribute(null=True)
    stop_token = UnicodeAttribute(null=True)
    is_limited = BooleanAttribute(null=True)
    connector = UnicodeAttribute(null=True)
    token = UnicodeAttribute(null=True)
    started_at = UTCDateTimeAttribute(null=True)
    meter_start_wh = IntegerAttribute(null=True)
    stopped_at = UTCDateTimeAttribute(null=True)
    meter_stop_wh = IntegerAttribute(null=True)
    stop_reason = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    unclaimed_shard = UnicodeAttribute(null=True)
    unclaimed_at = UTCDateTimeAttribute(null=True)

    unclaimed = UnclaimedTransactions()


class ReadingsRow(Model):
    """The readings of one frame, and the number of the message if it has one."""

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}readings"

    transaction = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    seq_no = IntegerAttribute(null=True)
    expires_at = TTLAttribute()


class CallRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}calls"

    charger_id = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    result = UnicodeAttribute(null=True)
    answered_at = UTCDateTimeAttribute(null=True)
    expires_at = TTLAttribute()


class JournalRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}journal"

    charger_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class HistoryRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}history"

    charger_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class ReportRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}reports"

    report = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class SiteRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}sites"

    site_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class TariffRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}tariffs"

    tariff_id = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class TokensByOperator(GlobalSecondaryIndex["TokenRow"]):  # type: ignore[no-untyped-call]
    """In the order in which they last changed."""

    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    changed_s = IntegerAttribute(range_key=True)


class TokenRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}tokens"

    uid = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()
    changed_s = IntegerAttribute(null=True)

    by_operator = TokensByOperator()


class OperatorRow(Model):
    """When an operator's tokens last changed, and up to when its chargers' lists have been seen through."""

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}operators"

    operator_id = UnicodeAttribute(hash_key=True)
    tokens_changed_s = IntegerAttribute(null=True)
    lists_done_s = IntegerAttribute(null=True)


class DriverRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}drivers"

    driver_id = UnicodeAttribute(hash_key=True)
    body = UnicodeAttribute()


class LedgerRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}ledger"

    session_id = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute(range_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


class IdempotencyRow(Model):
    """Written by Powertools' idempotency, which names its own attributes."""

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}idempotency"

    id = UnicodeAttribute(hash_key=True)
    expiration = TTLAttribute(null=True)


TABLES: tuple[type[Model], ...] = (
    ChargerRow,
    ConnectionRow,
    PlaceRow,
    SessionRow,
    TransactionRow,
    ReadingsRow,
    CallRow,
    JournalRow,
    HistoryRow,
    ReportRow,
    OperatorRow,
    SiteRow,
    TariffRow,
    TokenRow,
    DriverRow,
    LedgerRow,
    IdempotencyRow,
)

# PynamoDB would give every table a client of its own, each 60 ms to make and a TLS handshake to first use.
connection = Connection(connect_timeout_seconds=2, read_timeout_seconds=5, max_retry_attempts=2)


def _share_connection(models: Sequence[type[Model]]) -> None:
    for model in models:
        table: Any = table_of(model)
        connection.add_meta_table(table.get_meta_table())
        table.connection = connection


_share_connection(TABLES)
