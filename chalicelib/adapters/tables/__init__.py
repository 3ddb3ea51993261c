"""The DynamoDB tables: every table with its keys, indexes and lifetime.

Rows hold apart only what DynamoDB must see (keys, what indexes sort by, what is merged or compared alone); the rest is
one JSON text, whose decimals are strings and whose times are ISO 8601. Tables are named after KERB_TABLE_PREFIX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.client import TablesConnection
from chalicelib.adapters.dynamo import table_of
from chalicelib.adapters.row import Row
from chalicelib.adapters.tables.access import ApiKeyRow, AuditRow, MemberRow
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
from chalicelib.adapters.tables.grid import GridRow
from chalicelib.adapters.tables.money import DebtRow, DifferenceRow, IdempotencyRow, InvoiceRow, LedgerRow, ReceiptRow
from chalicelib.adapters.tables.notifications import NoticeRow
from chalicelib.adapters.tables.operators import OperatorRow
from chalicelib.adapters.tables.pricing import TariffRow
from chalicelib.adapters.tables.reservations import ReservationRow
from chalicelib.adapters.tables.sessions import CheckoutRow, ViewerRow
from chalicelib.adapters.tables.transparency import LogRow
from chalicelib.adapters.tables.vehicles import VehicleRow

__all__ = [
    "TABLES",
    "ApiKeyRow",
    "AuditRow",
    "AlarmRow",
    "CallRow",
    "ChargerRow",
    "CheckoutRow",
    "ConnectionRow",
    "DebtRow",
    "DifferenceRow",
    "DriverRow",
    "FaultReportRow",
    "GridRow",
    "HistoryRow",
    "IdempotencyRow",
    "InvoiceRow",
    "JournalRow",
    "KnockRow",
    "LedgerRow",
    "LogRow",
    "MemberRow",
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
    "VehicleRow",
    "ViewerRow",
    "connection",
]

TABLES: tuple[type[Row], ...] = (
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
    GridRow,
    AlarmRow,
    OperatorRow,
    MemberRow,
    ApiKeyRow,
    AuditRow,
    SiteRow,
    TariffRow,
    TokenRow,
    DriverRow,
    LedgerRow,
    DebtRow,
    DifferenceRow,
    ReceiptRow,
    LogRow,
    InvoiceRow,
    IdempotencyRow,
    NoticeRow,
    VehicleRow,
    ViewerRow,
)

# PynamoDB would give every table a client of its own, each 60 ms to make and a TLS handshake to first use.
connection = TablesConnection()


def _share_connection(models: Sequence[type[Row]]) -> None:
    for model in models:
        table: Any = table_of(model)
        connection.add_meta_table(table.get_meta_table())
        table.connection = connection


_share_connection(TABLES)
