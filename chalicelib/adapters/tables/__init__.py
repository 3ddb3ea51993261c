"""The DynamoDB tables: every table with its keys, indexes and lifetime.

Rows hold apart only what DynamoDB must see (keys, what indexes sort by, what is merged or compared alone); the rest is
one JSON text, whose decimals are strings and whose times are ISO 8601. Tables are named after KERB_TABLE_PREFIX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynamodb.connection import Connection
from pynamodb.models import Model

from chalicelib.adapters.dynamo import table_of
from chalicelib.adapters.tables.alarms import AlarmRow
from chalicelib.adapters.tables.chargers import (
    CallRow,
    ChargerRow,
    ConnectionRow,
    HistoryRow,
    JournalRow,
    KnockRow,
    PlaceRow,
    ReportRow,
    SiteRow,
)
from chalicelib.adapters.tables.charging import ReadingsRow, SessionRow, TransactionRow
from chalicelib.adapters.tables.drivers import DriverRow, TokenRow
from chalicelib.adapters.tables.fault_reports import FaultReportRow
from chalicelib.adapters.tables.money import DebtRow, DifferenceRow, IdempotencyRow, LedgerRow, ReceiptRow
from chalicelib.adapters.tables.notifications import NoticeRow
from chalicelib.adapters.tables.operators import OperatorRow
from chalicelib.adapters.tables.pricing import TariffRow
from chalicelib.adapters.tables.reservations import ReservationRow
from chalicelib.adapters.tables.sessions import CheckoutRow

__all__ = [
    "TABLES",
    "AlarmRow",
    "CallRow",
    "ChargerRow",
    "CheckoutRow",
    "ConnectionRow",
    "DebtRow",
    "DifferenceRow",
    "DriverRow",
    "FaultReportRow",
    "HistoryRow",
    "IdempotencyRow",
    "JournalRow",
    "KnockRow",
    "LedgerRow",
    "NoticeRow",
    "OperatorRow",
    "PlaceRow",
    "ReadingsRow",
    "ReceiptRow",
    "ReportRow",
    "ReservationRow",
    "SessionRow",
    "SiteRow",
    "TariffRow",
    "TokenRow",
    "TransactionRow",
    "connection",
]

TABLES: tuple[type[Model], ...] = (
    ChargerRow,
    ConnectionRow,
    PlaceRow,
    SessionRow,
    CheckoutRow,
    ReservationRow,
    TransactionRow,
    ReadingsRow,
    CallRow,
    JournalRow,
    HistoryRow,
    ReportRow,
    KnockRow,
    FaultReportRow,
    AlarmRow,
    OperatorRow,
    SiteRow,
    TariffRow,
    TokenRow,
    DriverRow,
    LedgerRow,
    DebtRow,
    DifferenceRow,
    ReceiptRow,
    IdempotencyRow,
    NoticeRow,
)

# PynamoDB would give every table a client of its own, each 60 ms to make and a TLS handshake to first use.
connection = Connection(connect_timeout_seconds=2, read_timeout_seconds=5, max_retry_attempts=2)


def _share_connection(models: Sequence[type[Model]]) -> None:
    for model in models:
        table: Any = table_of(model)
        connection.add_meta_table(table.get_meta_table())
        table.connection = connection


_share_connection(TABLES)
