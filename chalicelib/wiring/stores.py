"""Wires the adapters of one network: clock, settings, stores, links and providers, each built when first asked for."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from chalicelib.adapters.access.operators import DynamoOperators
from chalicelib.adapters.chargers.allowances import DynamoAllowances
from chalicelib.adapters.chargers.calls import DynamoCalls
from chalicelib.adapters.chargers.connectors import DynamoConnectors
from chalicelib.adapters.chargers.fault_reports import DynamoFaultReports
from chalicelib.adapters.chargers.held_lists import DynamoHeldLists
from chalicelib.adapters.chargers.knocks import DynamoKnocks
from chalicelib.adapters.chargers.link import ApiGatewayLink
from chalicelib.adapters.chargers.message_log import DynamoHistory, DynamoMessageLog, DynamoReports
from chalicelib.adapters.chargers.news import DynamoChargerNews
from chalicelib.adapters.chargers.registry import DynamoChargerPasswords, DynamoChargers, DynamoSites
from chalicelib.adapters.chargers.setups import DynamoSetups
from chalicelib.adapters.chargers.sockets import DynamoSockets
from chalicelib.adapters.charging.sessions import DynamoSessions
from chalicelib.adapters.charging.transactions import DynamoReadings, DynamoTransactions
from chalicelib.adapters.charging.workflow import StepFunctions
from chalicelib.adapters.client import CONNECTIONS
from chalicelib.adapters.discovery.places import DynamoPlaces
from chalicelib.adapters.drivers.drivers import DynamoDrivers
from chalicelib.adapters.drivers.tokens import DynamoTokens
from chalicelib.adapters.invocations import LambdaInvocations
from chalicelib.adapters.money.debts import DynamoDebts, DynamoDifferences
from chalicelib.adapters.money.ledger import DynamoLedger, DynamoOperatorProfiles, DynamoReceipts
from chalicelib.adapters.money.statements import DynamoStatements
from chalicelib.adapters.notifications.outbox import DynamoOutbox, DynamoWebhooks
from chalicelib.adapters.ocpp import NoPowerNeeds, NoProvider
from chalicelib.adapters.operators.alarms import DynamoAlarms
from chalicelib.adapters.operators.checks import SqsAlarmChecks
from chalicelib.adapters.pricing import DynamoTariffs
from chalicelib.adapters.reservations import DynamoReservations
from chalicelib.adapters.sessions import DynamoCheckouts, DynamoViewers
from chalicelib.adapters.tables import connection
from chalicelib.adapters.transparency import DynamoMeterKeys, DynamoSignedValues
from chalicelib.ports import Clock, Invocations, NewId
from chalicelib.records.drivers import Platform

if TYPE_CHECKING:
    from chalicelib.adapters.access.tokens import AccessTokens, Tickets
    from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
    from chalicelib.adapters.notifications.messengers import WebhookMessenger
    from chalicelib.domain.notifications import Notification
    from chalicelib.ports.chargers import ChargerLink
    from chalicelib.ports.charging import Workflow
    from chalicelib.ports.discovery import Travel
    from chalicelib.ports.money import Payments
    from chalicelib.ports.notifications import Messenger
    from chalicelib.ports.ocpp import PowerNeeds, Provider
    from chalicelib.ports.operators import AlarmChecks

# Heartbeats prove nothing that the socket does not, and each costs two messages: they only keep it from being closed,
# as API Gateway and CloudFront do after ten silent minutes. A minute is left for one that is late (ADR 14).
HEARTBEAT_S = 540


def now() -> datetime:
    """The time now, aware, UTC."""
    return datetime.now(UTC)


def random_id() -> str:
    """A name nothing else has."""
    return str(uuid.uuid4())


class _Late:
    """A client that is made when it is first asked for something: few of a charger's messages ask."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def client(service: str, **options: Any) -> Any:
    """Speaks to an AWS service, from the first call on."""
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=CONNECTIONS,
    )
    # The tables' session has read already what every service needs; it is another one in every thread.
    return _Late(lambda: connection.session.create_client(service, config=config, **options))


def prepare() -> None:
    """Make what nearly every event needs before the first: Lambda gives a starting process more of a processor."""
    _ = connection.client


class Stores:
    """Clock, settings and adapters. What is given at the beginning stands in for what would be built."""

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        clock: Clock = now,
        new_id: NewId = random_id,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        **given: object,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.new_id = new_id
        self.sleep = sleep
        self.chance = chance
        for name, thing in given.items():
            if not isinstance(getattr(type(self), name, None), cached_property):
                raise TypeError(f"a network has no {name!r}")
            vars(self)[name] = thing

    def setting(self, name: str, default: str | None = None) -> str:
        """One setting, by its name without `KERB_`. Raises KeyError naming the setting that is missing."""
        value = self.settings.get(f"KERB_{name}", default)
        if value is None:
            raise KeyError(f"environment variable KERB_{name} is not set")
        return value

    @property
    def heartbeat_s(self) -> int:
        """How often chargers say that they are there."""
        return int(self.setting("HEARTBEAT_S", str(HEARTBEAT_S)))

    @cached_property
    def chargers(self) -> DynamoChargers:
        return DynamoChargers()

    @cached_property
    def charger_passwords(self) -> DynamoChargerPasswords:
        return DynamoChargerPasswords()

    @cached_property
    def charger_news(self) -> DynamoChargerNews:
        return DynamoChargerNews(self.clock)

    @cached_property
    def sockets(self) -> DynamoSockets:
        return DynamoSockets(self.clock)

    @cached_property
    def connectors(self) -> DynamoConnectors:
        return DynamoConnectors(self.clock)

    @cached_property
    def held_lists(self) -> DynamoHeldLists:
        return DynamoHeldLists()

    @cached_property
    def checkouts(self) -> DynamoCheckouts:
        return DynamoCheckouts()

    @cached_property
    def viewers(self) -> DynamoViewers:
        return DynamoViewers()

    @cached_property
    def sessions(self) -> DynamoSessions:
        return DynamoSessions(self.clock)

    @cached_property
    def transactions(self) -> DynamoTransactions:
        return DynamoTransactions()

    @cached_property
    def readings(self) -> DynamoReadings:
        return DynamoReadings()

    @cached_property
    def signed_values(self) -> DynamoSignedValues:
        return DynamoSignedValues()

    @cached_property
    def meter_keys(self) -> DynamoMeterKeys:
        return DynamoMeterKeys()

    @cached_property
    def setups(self) -> DynamoSetups:
        return DynamoSetups(self.clock)

    @cached_property
    def allowances(self) -> DynamoAllowances:
        return DynamoAllowances()

    @cached_property
    def calls(self) -> DynamoCalls:
        return DynamoCalls()

    @cached_property
    def places(self) -> DynamoPlaces:
        return DynamoPlaces(self.clock)

    @cached_property
    def knocks(self) -> DynamoKnocks:
        return DynamoKnocks()

    @cached_property
    def fault_reports(self) -> DynamoFaultReports:
        return DynamoFaultReports()

    @cached_property
    def message_log(self) -> DynamoMessageLog:
        return DynamoMessageLog(timedelta(days=int(self.setting("JOURNAL_DAYS", "30"))))

    @cached_property
    def history(self) -> DynamoHistory:
        return DynamoHistory()

    @cached_property
    def reports(self) -> DynamoReports:
        return DynamoReports()

    @cached_property
    def sites(self) -> DynamoSites:
        return DynamoSites()

    @cached_property
    def operators(self) -> DynamoOperators:
        return DynamoOperators(self.clock)

    @cached_property
    def tariffs(self) -> DynamoTariffs:
        return DynamoTariffs(lambda operator_id: self.operators.standing(operator_id).caps, self.clock)

    @cached_property
    def operator_profiles(self) -> DynamoOperatorProfiles:
        return DynamoOperatorProfiles()

    @cached_property
    def tokens(self) -> DynamoTokens:
        return DynamoTokens()

    @cached_property
    def drivers(self) -> DynamoDrivers:
        return DynamoDrivers()

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger()

    @cached_property
    def link(self) -> ChargerLink:
        return ApiGatewayLink(client("apigatewaymanagementapi", endpoint_url=self.setting("SOCKET_ENDPOINT")))

    @cached_property
    def viewer_link(self) -> ChargerLink:
        return ApiGatewayLink(client("apigatewaymanagementapi", endpoint_url=self.setting("LIVE_ENDPOINT")))

    @cached_property
    def workflow(self) -> Workflow:
        return StepFunctions(client("stepfunctions"), self.setting("STATE_MACHINE_ARN"))

    @cached_property
    def invocations(self) -> Invocations:
        return LambdaInvocations(client("lambda"), self.setting("FUNCTION_PREFIX", ""), self.clock)

    @cached_property
    def alarms(self) -> DynamoAlarms:
        return DynamoAlarms()

    @cached_property
    def alarm_checks(self) -> AlarmChecks:
        # Nobody is asked where there is no queue.
        return SqsAlarmChecks(client("sqs"), self.setting("ALARM_CHECKS_QUEUE", ""), self.clock)

    @cached_property
    def payments(self) -> Payments:
        from chalicelib.adapters.money.stripe_payments import StripePayments

        return StripePayments(
            api_key=self.setting("STRIPE_API_KEY"),
            webhook_secret=self.setting("STRIPE_WEBHOOK_SECRET"),
            publishable_key=self.setting("STRIPE_PUBLISHABLE_KEY"),
            api_base=self.settings.get("KERB_STRIPE_API_BASE"),
        )

    @cached_property
    def access_tokens(self) -> AccessTokens:
        from chalicelib.adapters.access.tokens import AccessTokens

        return AccessTokens(
            issuer=self.setting("OIDC_ISSUER"),
            jwks_url=self.setting("OIDC_JWKS_URL"),
            client_id=self.setting("USER_POOL_CLIENT_ID"),
        )

    @cached_property
    def identity(self) -> CognitoIdentity:
        from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity

        return CognitoIdentity(
            client=client("cognito-idp"),
            user_pool_id=self.setting("USER_POOL_ID"),
            client_id=self.setting("USER_POOL_CLIENT_ID"),
        )

    @cached_property
    def tickets(self) -> Tickets:
        from chalicelib.adapters.access.tokens import Tickets

        return Tickets(self.setting("TICKET_SECRET"))

    def _receipt_link(self, notice: Notification) -> str:
        """Where a guest's receipt is, for 30 days; nothing where nobody has said where the API is."""
        base = self.setting("API_URL", "")
        if not base:
            return ""
        return f"{base}{self.tickets.guests_receipt(notice.session_id, notice.driver_id, self.clock())}\n"

    @property
    def may_webhooks_be_inside(self) -> bool:
        """A laptop may send to itself; a deployment to nothing that the internet cannot reach."""
        return self.setting("WEBHOOKS_INSIDE", "0") == "1"

    @cached_property
    def webhook_messenger(self) -> WebhookMessenger:
        from chalicelib.adapters.notifications.messengers import WebhookMessenger

        return WebhookMessenger(webhooks=self.webhooks, clock=self.clock, may_be_inside=self.may_webhooks_be_inside)

    @cached_property
    def messengers(self) -> tuple[Messenger, ...]:
        """Nothing leaves but by what is set: a topic, a sender of e-mail, or an operator's own webhook."""
        from chalicelib.adapters.notifications.messengers import MailMessenger, SnsMessenger

        found: list[Messenger] = [self.webhook_messenger]
        if topic := self.setting("NOTICES_TOPIC", ""):
            found.append(SnsMessenger(client("sns"), topic))
        platforms = {Platform.APNS: self.setting("PUSH_APNS", ""), Platform.FCM: self.setting("PUSH_FCM", "")}
        if any(platforms.values()):
            from chalicelib.adapters.notifications.push import PushMessenger

            applications = {it: arn for it, arn in platforms.items() if arn}
            found.append(PushMessenger(client=client("sns"), applications=applications, drivers=self.drivers))
        if sender := self.setting("MAIL_FROM", ""):
            found.append(
                MailMessenger(
                    client=client("sesv2"), sender=sender, drivers=self.drivers, receipt_link=self._receipt_link
                )
            )
        return tuple(found)

    @cached_property
    def reservations(self) -> DynamoReservations:
        return DynamoReservations()

    @cached_property
    def differences(self) -> DynamoDifferences:
        return DynamoDifferences()

    @cached_property
    def statements(self) -> DynamoStatements:
        return DynamoStatements()

    @cached_property
    def travel(self) -> Travel:
        from chalicelib.adapters.discovery.travel import AmazonRoutes, GreatCircle

        # Where there are maps to be asked: "amazon", and nothing for an estimate.
        return AmazonRoutes(client("geo-routes"), self.clock) if self.setting("MAPS", "") == "amazon" else GreatCircle()

    @cached_property
    def outbox(self) -> DynamoOutbox:
        return DynamoOutbox()

    @cached_property
    def webhooks(self) -> DynamoWebhooks:
        return DynamoWebhooks()

    @cached_property
    def debt_book(self) -> DynamoDebts:
        return DynamoDebts()

    @cached_property
    def receipts(self) -> DynamoReceipts:
        return DynamoReceipts()

    @cached_property
    def provider(self) -> Provider:
        return NoProvider()

    @cached_property
    def power_needs(self) -> PowerNeeds:
        return NoPowerNeeds()
