"""The only place where things are built: each once a process, and only when first asked for.

Settings come from the environment, where the deployment (or the local stack) puts them. Imports of what is heavy
stand inside the functions that need it, so that a Lambda that never takes money never loads Stripe.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cache

from chalicelib.adapters.money.debts import DynamoDebts
from chalicelib.adapters.money.ledger import DynamoReceipts
from chalicelib.adapters.notifications.outbox import DynamoOutbox, DynamoWebhooks
from chalicelib.adapters.ocpp import NoProvider
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.chargers.connections import Connections
from chalicelib.services.chargers.local_lists import LocalLists
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.registry import Registry
from chalicelib.services.chargers.remote_control import RemoteControl
from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.monitor import Monitor
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import TransactionIds
from chalicelib.services.charging.transactions import TransactionEvents
from chalicelib.services.charging.unclaimed import UnclaimedTransactions
from chalicelib.services.discovery import Search
from chalicelib.services.drivers.account_deletion import AccountDeletion
from chalicelib.services.drivers.accounts import Accounts
from chalicelib.services.drivers.authorization import Authorizations
from chalicelib.services.drivers.eligibility import Eligibility
from chalicelib.services.drivers.tokens import DriverTokens
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.funds import Funds
from chalicelib.services.money.payment_webhooks import PaymentWebhooks
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.money.reconciliation import Reconciliation
from chalicelib.services.money.refunds import Refunds
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.notifications.delivery import Delivery
from chalicelib.services.notifications.outbox import Notifications
from chalicelib.services.ocpp.conversation import Conversation
from chalicelib.services.ocpp.router import Router
from chalicelib.services.reservations import DriverReservations
from chalicelib.services.sessions.driver_sessions import DriverSessions
from chalicelib.services.sessions.lifecycle import Lifecycle
from chalicelib.wiring.stores import (
    HEARTBEAT_S,
    _webhooks_may_be_inside,
    access_tokens,
    calls,
    catalog,
    chargers,
    clock,
    differences,
    drivers,
    history,
    identity,
    ledger,
    link,
    message_log,
    messengers,
    new_id,
    payments,
    places,
    prepare,
    readings,
    reports,
    reservations,
    sessions,
    setting,
    tickets,
    transactions,
    travel,
    workflow,
)

__all__ = [
    "HEARTBEAT_S",
    "access_tokens",
    "accounts",
    "cards",
    "authorising",
    "billing",
    "calls",
    "catalog",
    "changes",
    "chargers",
    "charging",
    "clock",
    "commanding",
    "conversation",
    "debts",
    "delivering",
    "differences",
    "door",
    "driver_sessions",
    "drivers",
    "eligibility",
    "finding",
    "funds",
    "history",
    "journal",
    "ledger",
    "leaving",
    "lifecycle",
    "link",
    "lists",
    "messengers",
    "new_id",
    "noticing",
    "notifying",
    "operating",
    "payments",
    "places",
    "prepare",
    "readings",
    "reconciling",
    "recording",
    "refunding",
    "registry",
    "reports",
    "reservations",
    "reserving",
    "sessions",
    "setting",
    "tickets",
    "transactions",
    "unclaimed",
    "workflow",
]


@cache
def changes() -> SessionChanges:
    return SessionChanges(sessions(), workflow(), notifications())


@cache
def notifications() -> Notifications:
    return Notifications(DynamoOutbox(), sessions(), clock)


@cache
def alerts() -> Alerts:
    return Alerts(sessions(), readings(), transactions(), notifications())


@cache
def delivery() -> Delivery:
    return Delivery(DynamoOutbox(), sessions(), DynamoWebhooks(), messengers, clock, _webhooks_may_be_inside())


@cache
def charger_log() -> ChargerLog:
    return ChargerLog(message_log(), history(), places(), clock)


@cache
def commands() -> ChargerCommands:
    return ChargerCommands(chargers(), calls(), link(), charger_log(), clock, new_id, time.sleep)


@cache
def authorizations() -> Authorizations:
    return Authorizations(chargers(), sessions(), catalog(), drivers(), clock)


@cache
def eligibility() -> Eligibility:
    return Eligibility(chargers(), catalog(), drivers(), sessions(), reservations(), clock)


@cache
def driver_reservations() -> DriverReservations:
    return DriverReservations(
        reservations=reservations(),
        chargers=chargers(),
        places=places(),
        sessions=sessions(),
        eligibility=eligibility(),
        commands=commands(),
        workflow=workflow(),
        clock=clock,
        new_id=new_id,
    )


@cache
def charging() -> TransactionEvents:
    return TransactionEvents(
        chargers=chargers(),
        sessions=sessions(),
        transactions=transactions(),
        readings=readings(),
        catalog=catalog(),
        authorizations=authorizations(),
        transaction_ids=TransactionIds(chargers(), sessions(), transactions(), clock),
        workflow=workflow(),
        changes=changes(),
        driver_reservations=driver_reservations(),
        monitor=Monitor(sessions(), readings(), changes(), alerts(), clock),
        alerts=alerts(),
        clock=clock,
    )


@cache
def unclaimed() -> UnclaimedTransactions:
    return UnclaimedTransactions(
        transactions(), charging(), clock, timedelta(seconds=int(setting("UNCLAIMED_S", "900")))
    )


@cache
def lists() -> LocalLists:
    return LocalLists(chargers(), catalog(), commands(), clock)


@cache
def conversation() -> Conversation:
    router = Router(
        chargers=chargers(),
        charging=charging(),
        authorizations=authorizations(),
        lists=lists(),
        driver_reservations=driver_reservations(),
        reports=reports(),
        provider=NoProvider(),
        charger_log=charger_log(),
        alerts=alerts(),
        clock=clock,
        heartbeat_s=int(setting("HEARTBEAT_S", str(HEARTBEAT_S))),
    )
    return Conversation(chargers(), calls(), router, charger_log(), commands(), clock)


@cache
def door() -> Connections:
    return Connections(chargers(), link(), charger_log(), setting("NEWCOMERS_TO", "") or None)


@cache
def debts() -> Debts:
    return Debts(DynamoDebts(), sessions(), drivers(), ledger(), changes(), payments, clock)


@cache
def funds() -> Funds:
    return Funds(drivers(), ledger(), transactions(), changes(), debts(), payments, clock)


@cache
def refunds() -> Refunds:
    return Refunds(sessions(), ledger(), changes(), payments, clock)


@cache
def reconciliation() -> Reconciliation:
    return Reconciliation(ledger(), differences(), payments)


@cache
def issued_receipts() -> IssuedReceipts:
    return IssuedReceipts(DynamoReceipts(), catalog(), clock)


@cache
def lifecycle() -> Lifecycle:
    return Lifecycle(
        sessions=sessions(),
        readings=readings(),
        chargers=chargers(),
        ledger=ledger(),
        workflow=workflow(),
        changes=changes(),
        commands=commands(),
        metering=Metering(readings(), changes()),
        funds=funds(),
        issued_receipts=issued_receipts(),
        clock=clock,
    )


@cache
def payment_webhooks() -> PaymentWebhooks:
    return PaymentWebhooks(sessions(), ledger(), changes(), funds(), payments, clock)


@cache
def driver_sessions() -> DriverSessions:
    return DriverSessions(
        sessions=sessions(),
        readings=readings(),
        chargers=chargers(),
        catalog=catalog(),
        eligibility=eligibility(),
        driver_reservations=driver_reservations(),
        issued_receipts=issued_receipts(),
        workflow=workflow(),
        changes=changes(),
        clock=clock,
        new_id=new_id,
    )


@cache
def accounts() -> Accounts:
    return Accounts(drivers(), identity(), payments, new_id)


@cache
def cards() -> DriverTokens:
    return DriverTokens(catalog(), drivers(), clock)


@cache
def account_deletion() -> AccountDeletion:
    return AccountDeletion(
        drivers=drivers(),
        catalog=catalog(),
        sessions=sessions(),
        transactions=transactions(),
        reservations=reservations(),
        outbox=DynamoOutbox(),
        identity=identity(),
        payments=payments,
        clock=clock,
    )


@cache
def registry() -> Registry:
    return Registry(chargers(), catalog(), drivers(), places(), link(), clock)


@cache
def search() -> Search:
    return Search(places(), catalog(), travel())


@cache
def remote_control() -> RemoteControl:
    return RemoteControl(
        chargers=chargers(),
        calls=calls(),
        commands=commands(),
        message_log=message_log(),
        history=history(),
        reports=reports(),
        sessions=sessions(),
        transactions=transactions(),
        readings=readings(),
        clock=clock,
        sleep=time.sleep,
    )
