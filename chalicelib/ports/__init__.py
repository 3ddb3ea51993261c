"""All that the services ask of the world, as Protocols; adapters keep these promises and nothing else.

Every write may be repeated. `add` methods return False when the thing already exists; a `save` that lost a race
raises Conflict, and the caller reads again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.ports.charging import Readings, Reservations, Sessions, Transactions, Workflow
from chalicelib.ports.money import DebtBook, Differences, Ledger, Payments, Receipts
from chalicelib.ports.network import Calls, ChargerLink, Chargers, History, Journal, Places, Provider, Reports, Travel
from chalicelib.ports.notices import Messenger, Outbox, Webhooks
from chalicelib.ports.people import Catalog, Drivers, Identity

__all__ = [
    "Calls",
    "Catalog",
    "ChargerLink",
    "Chargers",
    "Clock",
    "DebtBook",
    "Differences",
    "Drivers",
    "History",
    "Identity",
    "Journal",
    "Ledger",
    "Messenger",
    "NewId",
    "Outbox",
    "Payments",
    "Places",
    "Provider",
    "Readings",
    "Receipts",
    "Reports",
    "Reservations",
    "Sessions",
    "Transactions",
    "Travel",
    "Webhooks",
    "Workflow",
]

Clock = Callable[[], datetime]
NewId = Callable[[], str]
