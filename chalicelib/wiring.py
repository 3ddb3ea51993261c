"""The only place where things are built: each once a process, and only when first asked for.

Settings come from the environment, where the deployment (or the local stack) puts them. Imports of what is heavy
stand inside the functions that need it, so that a Lambda that never takes money never loads Stripe.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from chalicelib.adapters.calls import DynamoCalls
from chalicelib.adapters.catalog import DynamoCatalog, DynamoDrivers
from chalicelib.adapters.charger_link import ApiGatewayLink
from chalicelib.adapters.chargers import DynamoChargers
from chalicelib.adapters.journal import DynamoHistory, DynamoJournal, DynamoReports
from chalicelib.adapters.ledger import DynamoLedger
from chalicelib.adapters.places import DynamoPlaces
from chalicelib.adapters.provider import NoProvider
from chalicelib.adapters.reservations import DynamoReservations
from chalicelib.adapters.sessions import DynamoSessions
from chalicelib.adapters.tables import connection
from chalicelib.adapters.transactions import DynamoReadings, DynamoTransactions
from chalicelib.adapters.workflow import StepFunctions
from chalicelib.services.accounts import Accounts
from chalicelib.services.authorising import Authorising
from chalicelib.services.billing import Billing
from chalicelib.services.changes import Changes
from chalicelib.services.charging import Charging
from chalicelib.services.commanding import Commanding
from chalicelib.services.conversation import Conversation
from chalicelib.services.door import Door
from chalicelib.services.eligibility import Eligibility
from chalicelib.services.finding import Finding
from chalicelib.services.hearing import Hearing
from chalicelib.services.lifecycle import Lifecycle
from chalicelib.services.lists import Lists
from chalicelib.services.measuring import Measuring
from chalicelib.services.naming import Naming
from chalicelib.services.operating import Operating
from chalicelib.services.recording import Recording
from chalicelib.services.registry import Registry
from chalicelib.services.reserving import Reserving
from chalicelib.services.sessions import DriverSessions
from chalicelib.services.unclaimed import Unclaimed

if TYPE_CHECKING:
    from chalicelib.adapters.tokens import AccessTokens, Tickets
    from chalicelib.ports import Payments

# Heartbeats prove nothing that the socket does not, and each costs a message: five minutes (docs/adr).
HEARTBEAT_S = 300


def clock() -> datetime:
    """The time now, aware, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A name nothing else has."""
    return str(uuid.uuid4())


def setting(name: str, default: str | None = None) -> str:
    """One setting of the environment. Raises KeyError naming the setting that is missing."""
    value = os.environ.get(f"KERB_{name}", default)
    if value is None:
        raise KeyError(f"environment variable KERB_{name} is not set")
    return value


class _Late:
    """A client that is made when it is first asked for something: few of a charger's messages ask."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def _client(service: str, **options: Any) -> Any:
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
    # The tables' session has read already what every service needs; it is another one in every thread.
    return _Late(lambda: connection.session.create_client(service, config=config, **options))


def prepare() -> None:
    """Make what nearly every event needs before the first: Lambda gives a starting process more of a processor."""
    _ = connection.client


@cache
def chargers() -> DynamoChargers:
    return DynamoChargers(clock)


@cache
def sessions() -> DynamoSessions:
    return DynamoSessions(clock)


@cache
def transactions() -> DynamoTransactions:
    return DynamoTransactions()


@cache
def readings() -> DynamoReadings:
    return DynamoReadings()


@cache
def calls() -> DynamoCalls:
    return DynamoCalls()


@cache
def places() -> DynamoPlaces:
    return DynamoPlaces(clock)


@cache
def journal() -> DynamoJournal:
    return DynamoJournal(timedelta(days=int(setting("JOURNAL_DAYS", "30"))))


@cache
def history() -> DynamoHistory:
    return DynamoHistory()


@cache
def reports() -> DynamoReports:
    return DynamoReports()


@cache
def catalog() -> DynamoCatalog:
    return DynamoCatalog()


@cache
def drivers() -> DynamoDrivers:
    return DynamoDrivers()


@cache
def ledger() -> DynamoLedger:
    return DynamoLedger()


@cache
def link() -> ApiGatewayLink:
    return ApiGatewayLink(_client("apigatewaymanagementapi", endpoint_url=setting("SOCKET_ENDPOINT")))


@cache
def workflow() -> StepFunctions:
    return StepFunctions(_client("stepfunctions"), setting("STATE_MACHINE_ARN"))


@cache
def payments() -> Payments:
    from chalicelib.adapters.stripe_payments import StripePayments  # noqa: PLC0415

    return StripePayments(
        api_key=setting("STRIPE_API_KEY"),
        webhook_secret=setting("STRIPE_WEBHOOK_SECRET"),
        publishable_key=setting("STRIPE_PUBLISHABLE_KEY"),
        api_base=os.environ.get("KERB_STRIPE_API_BASE"),
    )


@cache
def access_tokens() -> AccessTokens:
    from chalicelib.adapters.tokens import AccessTokens  # noqa: PLC0415

    return AccessTokens(
        issuer=setting("OIDC_ISSUER"),
        jwks_url=setting("OIDC_JWKS_URL"),
        client_id=setting("USER_POOL_CLIENT_ID"),
    )


@cache
def tickets() -> Tickets:
    from chalicelib.adapters.tokens import Tickets  # noqa: PLC0415

    return Tickets(setting("TICKET_SECRET"))


@cache
def changes() -> Changes:
    return Changes(sessions(), workflow())


@cache
def recording() -> Recording:
    return Recording(journal(), history(), places(), clock)


@cache
def commanding() -> Commanding:
    return Commanding(chargers(), calls(), link(), recording(), clock, new_id)


@cache
def authorising() -> Authorising:
    return Authorising(sessions(), catalog(), drivers())


@cache
def reservations() -> DynamoReservations:
    return DynamoReservations()


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
        clock=clock,
        heartbeat_s=int(setting("HEARTBEAT_S", str(HEARTBEAT_S))),
    )
    return Conversation(chargers(), calls(), hearing, recording(), clock)


@cache
def door() -> Door:
    return Door(chargers(), link(), recording(), setting("NEWCOMERS_TO", "") or None)


@cache
def lifecycle() -> Lifecycle:
    return Lifecycle(
        sessions=sessions(),
        readings=readings(),
        drivers=drivers(),
        chargers=chargers(),
        ledger=ledger(),
        workflow=workflow(),
        changes=changes(),
        commanding=commanding(),
        measuring=Measuring(readings(), changes()),
        payments=payments,
        clock=clock,
    )


@cache
def billing() -> Billing:
    return Billing(sessions(), ledger(), changes(), payments, clock)


@cache
def driver_sessions() -> DriverSessions:
    return DriverSessions(
        sessions=sessions(),
        readings=readings(),
        chargers=chargers(),
        catalog=catalog(),
        eligibility=eligibility(),
        reserving=reserving(),
        workflow=workflow(),
        changes=changes(),
        clock=clock,
        new_id=new_id,
    )


@cache
def accounts() -> Accounts:
    from chalicelib.adapters.cognito_identity import CognitoIdentity  # noqa: PLC0415

    identity = CognitoIdentity(
        client=_client("cognito-idp"),
        user_pool_id=setting("USER_POOL_ID"),
        client_id=setting("USER_POOL_CLIENT_ID"),
        auto_confirm=setting("AUTO_CONFIRM", "0") == "1",
    )
    return Accounts(drivers(), identity, payments, new_id)


@cache
def registry() -> Registry:
    return Registry(chargers(), catalog(), drivers(), places(), link(), clock)


@cache
def finding() -> Finding:
    from chalicelib.adapters.travel import GreatCircle  # noqa: PLC0415

    return Finding(places(), catalog(), GreatCircle())


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
