"""What is kept, as the services see it, and what may go wrong in keeping it: frozen values that decide nothing."""

from __future__ import annotations

from chalicelib.records.charging import StoredReading, Transaction, Waiting
from chalicelib.records.errors import (
    AlreadyRegistered,
    CardholderNeeded,
    Conflict,
    Declined,
    Gone,
    NotAllowed,
    PaymentsUnavailable,
    StaleTask,
)
from chalicelib.records.money import CardSetup, Debt, Difference, PaymentNews, ProviderPayment, SavedCard
from chalicelib.records.network import (
    Admission,
    Charger,
    Connection,
    ConnectorState,
    Direction,
    Entry,
    Errand,
    Place,
    Plug,
    PlugType,
    Purpose,
    SentCall,
    Site,
)
from chalicelib.records.people import Driver, Leave, Login, Terms, Token

__all__ = [
    "Admission",
    "AlreadyRegistered",
    "CardSetup",
    "CardholderNeeded",
    "Charger",
    "Conflict",
    "Connection",
    "ConnectorState",
    "Debt",
    "Declined",
    "Difference",
    "Direction",
    "Driver",
    "Entry",
    "Errand",
    "Gone",
    "Leave",
    "Login",
    "NotAllowed",
    "PaymentNews",
    "PaymentsUnavailable",
    "Place",
    "Plug",
    "PlugType",
    "ProviderPayment",
    "Purpose",
    "SavedCard",
    "SentCall",
    "Site",
    "StaleTask",
    "StoredReading",
    "Terms",
    "Token",
    "Transaction",
    "Waiting",
]
