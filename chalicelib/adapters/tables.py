"""What is stored and how it is written: every table with its keys, indexes and lifetime, and one text for one value.

Rows hold apart only what DynamoDB must see (keys, what indexes sort by, what is merged or compared alone); the rest
is one JSON text, whose decimals are strings and whose times are ISO 8601. Tables are named after KERB_TABLE_PREFIX.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from pynamodb.attributes import Attribute, ListAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NUMBER, PAY_PER_REQUEST_BILLING_MODE
from pynamodb.exceptions import PutError, PynamoDBException, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.domain.events import ConnectorId

Value = TypeVar("Value")
Row = TypeVar("Row", bound=Model)

_PREFIX = os.environ.get("KERB_TABLE_PREFIX", "kerb-")
# DynamoDB's limit for a sort key; a partition key may be longer, but no name of ours is.
_LONGEST_KEY_BYTES = 1024


def encode(value: object) -> str:
    """A frozen dataclass as canonical JSON: equal values made the same way give equal text."""
    return msgspec.json.encode(value).decode()


def decode(kind: type[Value], text: str) -> Value:
    """The value behind `text`; fields newer than the text take their defaults. ValueError for any other text."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a {kind}: {error}") from error


def connector_id(text: str) -> ConnectorId:
    """Read what str() wrote; unlike ConnectorId.parse it knows connector 0, the charger as a whole."""
    evse, _, plug = text.partition(".")
    return ConnectorId(int(evse), int(plug or 1))


def can_be_key(text: str) -> bool:
    """Whether a row can have this key; what comes from outside may be empty or endless."""
    return 0 < len(text.encode()) <= _LONGEST_KEY_BYTES


def find(model: type[Row], key: str, sort_key: str | None = None) -> Row | None:
    """The row with that key, read consistently (one call); None for a key no row can have (no call)."""
    if not can_be_key(key) or (sort_key is not None and not can_be_key(sort_key)):
        return None
    try:
        return model.get(key, sort_key, consistent_read=True)
    except model.DoesNotExist:
        return None


def is_refused(error: PynamoDBException) -> bool:
    """Whether a write failed only because its condition did not hold."""
    return error.cause_response_code == "ConditionalCheckFailedException"


def put(row: Model, condition: Condition | None = None) -> bool:
    """Write a whole row; False when `condition` does not hold of the one stored."""
    try:
        row.save(condition)
    except PutError as error:
        if not is_refused(error):
            raise
        return False
    return True


def update(row: Model, actions: Sequence[Action], condition: Condition | None = None) -> bool:
    """Change a row, which then is as stored; False (and nothing changes) when `condition` does not hold."""
    try:
        row.update(list(actions), condition)
    except UpdateError as error:
        if not is_refused(error):
            raise
        return False
    return True


def table_of(model: type[Model]) -> TableConnection:
    """The calls beneath a model, for those that return what was there before."""
    return model._get_connection()


class IntegerAttribute(Attribute[int]):
    """A whole number; PynamoDB's own would read it as a float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        return str(value)

    def deserialize(self, value: str) -> int:
        return int(value)


class _OnDemand:
    billing_mode = PAY_PER_REQUEST_BILLING_MODE


class ChargersByOperator(GlobalSecondaryIndex["ChargerRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_operator"
        projection = AllProjection()

    operator_id = UnicodeAttribute(hash_key=True)
    charger_id = UnicodeAttribute(range_key=True)


class ChargerRow(Model):
    """A charger (`item` is "charger") or one of its connectors ("connector#2"), so that one query reads them all."""

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}chargers"

    charger_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)

    operator_id = UnicodeAttribute(null=True)
    site_id = UnicodeAttribute(null=True)
    password_hash = UnicodeAttribute(null=True)
    connectors: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
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

    by_operator = ChargersByOperator()


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

    by_driver = SessionsByDriver()
    unsettled = UnsettledSessions()


class TransactionRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}transactions"

    charger_id = UnicodeAttribute(hash_key=True)
    ref = UnicodeAttribute(range_key=True)
    connector = UnicodeAttribute(null=True)
    token = UnicodeAttribute(null=True)
    started_at = UTCDateTimeAttribute(null=True)
    meter_start_wh = IntegerAttribute(null=True)
    stopped_at = UTCDateTimeAttribute(null=True)
    meter_stop_wh = IntegerAttribute(null=True)
    stop_reason = UnicodeAttribute(null=True)
    session_id = UnicodeAttribute(null=True)


class ReadingsRow(Model):
    """The readings of one frame."""

    class Meta(_OnDemand):
        table_name = f"{_PREFIX}readings"

    transaction = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()
    expires_at = TTLAttribute()


class CallRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}calls"

    charger_id = UnicodeAttribute(hash_key=True)
    message_id = UnicodeAttribute(range_key=True)
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


class TokenRow(Model):
    class Meta(_OnDemand):
        table_name = f"{_PREFIX}tokens"

    uid = UnicodeAttribute(hash_key=True)
    operator_id = UnicodeAttribute()
    body = UnicodeAttribute()


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
    SessionRow,
    TransactionRow,
    ReadingsRow,
    CallRow,
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
