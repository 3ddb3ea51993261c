"""The only place where things are built: each once a process, and only when first asked for.

Settings come from the environment, where the deployment (or the local stack) puts them. Imports of what is heavy
stand inside the functions that need it, so that a Lambda that never takes money never loads Stripe.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cache

from chalicelib.adapters.debts import DynamoDebts
from chalicelib.adapters.ledger import DynamoReceipts
from chalicelib.adapters.notices import DynamoOutbox, DynamoWebhooks
from chalicelib.adapters.provider import NoProvider
from chalicelib.services.accounts import Accounts
from chalicelib.services.authorising import Authorising
from chalicelib.services.billing import Billing
from chalicelib.services.cards import Cards
from chalicelib.services.changes import Changes
from chalicelib.services.charging import Charging
from chalicelib.services.commanding import Commanding
from chalicelib.services.conversation import Conversation
from chalicelib.services.debts import Debts
from chalicelib.services.delivering import Delivering
from chalicelib.services.door import Door
from chalicelib.services.eligibility import Eligibility
from chalicelib.services.finding import Finding
from chalicelib.services.funds import Funds
from chalicelib.services.hearing import Hearing
from chalicelib.services.leaving import Leaving
from chalicelib.services.lifecycle import Lifecycle
from chalicelib.services.lists import Lists
from chalicelib.services.measuring import Measuring
from chalicelib.services.naming import Naming
from chalicelib.services.noticing import Noticing
from chalicelib.services.notifying import Notifying
from chalicelib.services.operating import Operating
from chalicelib.services.receipting import Receipting
from chalicelib.services.reconciling import Reconciling
from chalicelib.services.recording import Recording
from chalicelib.services.refunding import Refunding
from chalicelib.services.registry import Registry
from chalicelib.services.reserving import Reserving
from chalicelib.services.sessions import DriverSessions
from chalicelib.services.unclaimed import Unclaimed
from chalicelib.services.watching import Watching
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
    journal,
    ledger,
    link,
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
def changes() -> Changes:
    return Changes(sessions(), workflow(), notifying())


@cache
def notifying() -> Notifying:
    return Notifying(DynamoOutbox(), sessions(), clock)


@cache
def noticing() -> Noticing:
    return Noticing(sessions(), readings(), transactions(), notifying())


@cache
def delivering() -> Delivering:
    return Delivering(DynamoOutbox(), sessions(), DynamoWebhooks(), messengers, clock, _webhooks_may_be_inside())


@cache
def recording() -> Recording:
    return Recording(journal(), history(), places(), clock)


@cache
def commanding() -> Commanding:
    return Commanding(chargers(), calls(), link(), recording(), clock, new_id)


@cache
def authorising() -> Authorising:
    return Authorising(chargers(), sessions(), catalog(), drivers())


@cache
def eligibility() -> Eligibility:
    return Eligibility(chargers(), catalog(), drivers(), sessions(), reservations(), clock)


@cache
def reserving() -> Reserving:
    return Reserving(
        reservations=reservations(),
        chargers=chargers(),
        places=places(),
        sessions=sessions(),
        eligibility=eligibility(),
        commanding=commanding(),
        workflow=workflow(),
        clock=clock,
        new_id=new_id,
    )


@cache
def charging() -> Charging:
    return Charging(
        chargers=chargers(),
        sessions=sessions(),
        transactions=transactions(),
        readings=readings(),
        catalog=catalog(),
        authorising=authorising(),
        naming=Naming(chargers(), sessions(), transactions(), clock),
        workflow=workflow(),
        changes=changes(),
        reserving=reserving(),
        watching=Watching(sessions(), readings(), changes(), noticing(), clock),
        noticing=noticing(),
        clock=clock,
    )


@cache
def unclaimed() -> Unclaimed:
    return Unclaimed(transactions(), charging(), clock, timedelta(seconds=int(setting("UNCLAIMED_S", "900"))))


@cache
def lists() -> Lists:
    return Lists(chargers(), catalog(), commanding(), clock)


@cache
def conversation() -> Conversation:
    hearing = Hearing(
        chargers=chargers(),
        charging=charging(),
        authorising=authorising(),
        lists=lists(),
        reserving=reserving(),
        reports=reports(),
        provider=NoProvider(),
        recording=recording(),
        noticing=noticing(),
        clock=clock,
        heartbeat_s=int(setting("HEARTBEAT_S", str(HEARTBEAT_S))),
    )
    return Conversation(chargers(), calls(), hearing, recording(), clock)


@cache
def door() -> Door:
    return Door(chargers(), link(), recording(), setting("NEWCOMERS_TO", "") or None)


@cache
def debts() -> Debts:
    return Debts(DynamoDebts(), sessions(), drivers(), ledger(), changes(), payments, clock)


@cache
def funds() -> Funds:
    return Funds(drivers(), ledger(), transactions(), changes(), debts(), payments, clock)


@cache
def refunding() -> Refunding:
    return Refunding(sessions(), ledger(), changes(), payments, clock)


@cache
def reconciling() -> Reconciling:
    return Reconciling(ledger(), differences(), payments)


@cache
def receipting() -> Receipting:
    return Receipting(DynamoReceipts(), catalog(), clock)


@cache
def lifecycle() -> Lifecycle:
    return Lifecycle(
        sessions=sessions(),
        readings=readings(),
        chargers=chargers(),
        ledger=ledger(),
        workflow=workflow(),
        changes=changes(),
        commanding=commanding(),
        measuring=Measuring(readings(), changes()),
        funds=funds(),
        receipting=receipting(),
        clock=clock,
    )


@cache
def billing() -> Billing:
    return Billing(sessions(), ledger(), changes(), funds(), payments, clock)


@cache
def driver_sessions() -> DriverSessions:
    return DriverSessions(
        sessions=sessions(),
        readings=readings(),
        chargers=chargers(),
        catalog=catalog(),
        eligibility=eligibility(),
        reserving=reserving(),
        receipting=receipting(),
        workflow=workflow(),
        changes=changes(),
        clock=clock,
        new_id=new_id,
    )


@cache
def accounts() -> Accounts:
    return Accounts(drivers(), identity(), payments, new_id)


@cache
def cards() -> Cards:
    return Cards(catalog(), drivers(), clock)


@cache
def leaving() -> Leaving:
    return Leaving(
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
def finding() -> Finding:
    return Finding(places(), catalog(), travel())


@cache
def operating() -> Operating:
    return Operating(
        chargers=chargers(),
        calls=calls(),
        commanding=commanding(),
        journal=journal(),
        history=history(),
        reports=reports(),
        sessions=sessions(),
        transactions=transactions(),
        readings=readings(),
        clock=clock,
        sleep=time.sleep,
    )
