"""What is kept and who is spoken to: the adapters, each once a process, and the settings they are built by."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from chalicelib.adapters.chargers.calls import DynamoCalls
from chalicelib.adapters.chargers.chargers import DynamoChargers
from chalicelib.adapters.chargers.link import ApiGatewayLink
from chalicelib.adapters.chargers.message_log import DynamoHistory, DynamoMessageLog, DynamoReports
from chalicelib.adapters.chargers.setups import DynamoSetups
from chalicelib.adapters.charging.sessions import DynamoSessions
from chalicelib.adapters.charging.transactions import DynamoReadings, DynamoTransactions
from chalicelib.adapters.charging.workflow import StepFunctions
from chalicelib.adapters.discovery.places import DynamoPlaces
from chalicelib.adapters.drivers.catalog import DynamoCatalog, DynamoDrivers
from chalicelib.adapters.money.debts import DynamoDifferences
from chalicelib.adapters.money.ledger import DynamoLedger
from chalicelib.adapters.notifications.outbox import DynamoWebhooks
from chalicelib.adapters.reservations import DynamoReservations
from chalicelib.adapters.tables import connection

if TYPE_CHECKING:
    from chalicelib.adapters.access import AccessTokens, Tickets
    from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
    from chalicelib.ports.discovery import Travel
    from chalicelib.ports.money import Payments
    from chalicelib.ports.notifications import Messenger

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


def client(service: str, **options: Any) -> Any:
    """Speaks to an AWS service, from the first call on."""
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
def setups() -> DynamoSetups:
    return DynamoSetups(clock)


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
def message_log() -> DynamoMessageLog:
    return DynamoMessageLog(timedelta(days=int(setting("JOURNAL_DAYS", "30"))))


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
    return ApiGatewayLink(client("apigatewaymanagementapi", endpoint_url=setting("SOCKET_ENDPOINT")))


@cache
def workflow() -> StepFunctions:
    return StepFunctions(client("stepfunctions"), setting("STATE_MACHINE_ARN"))


@cache
def payments() -> Payments:
    from chalicelib.adapters.money.stripe_payments import StripePayments  # noqa: PLC0415

    return StripePayments(
        api_key=setting("STRIPE_API_KEY"),
        webhook_secret=setting("STRIPE_WEBHOOK_SECRET"),
        publishable_key=setting("STRIPE_PUBLISHABLE_KEY"),
        api_base=os.environ.get("KERB_STRIPE_API_BASE"),
    )


@cache
def access_tokens() -> AccessTokens:
    from chalicelib.adapters.access import AccessTokens  # noqa: PLC0415

    return AccessTokens(
        issuer=setting("OIDC_ISSUER"),
        jwks_url=setting("OIDC_JWKS_URL"),
        client_id=setting("USER_POOL_CLIENT_ID"),
    )


@cache
def identity() -> CognitoIdentity:
    from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity  # noqa: PLC0415

    return CognitoIdentity(
        client=client("cognito-idp"),
        user_pool_id=setting("USER_POOL_ID"),
        client_id=setting("USER_POOL_CLIENT_ID"),
        auto_confirm=setting("AUTO_CONFIRM", "0") == "1",
    )


@cache
def tickets() -> Tickets:
    from chalicelib.adapters.access import Tickets  # noqa: PLC0415

    return Tickets(setting("TICKET_SECRET"))


def _webhooks_may_be_inside() -> bool:
    """A laptop may send to itself; a deployment to nothing that the internet cannot reach."""
    return setting("WEBHOOKS_INSIDE", "0") == "1"


@cache
def messengers() -> tuple[Messenger, ...]:
    """Nothing leaves but by what is set: a topic, a sender of e-mail, or an operator's own webhook."""
    from chalicelib.adapters.notifications.messengers import MailMessenger, SnsMessenger, WebhookMessenger  # noqa: PLC0415

    found: list[Messenger] = [WebhookMessenger(DynamoWebhooks(), clock, _webhooks_may_be_inside())]
    if topic := setting("NOTICES_TOPIC", ""):
        found.append(SnsMessenger(client("sns"), topic))
    if sender := setting("MAIL_FROM", ""):
        found.append(MailMessenger(client("sesv2"), sender, drivers()))
    return tuple(found)


@cache
def reservations() -> DynamoReservations:
    return DynamoReservations()


@cache
def differences() -> DynamoDifferences:
    return DynamoDifferences()


@cache
def travel() -> Travel:
    from chalicelib.adapters.discovery.travel import AmazonRoutes, GreatCircle  # noqa: PLC0415

    # Where there are maps to be asked: "amazon", and nothing for an estimate.
    return AmazonRoutes(client("geo-routes")) if setting("MAPS", "") == "amazon" else GreatCircle()
