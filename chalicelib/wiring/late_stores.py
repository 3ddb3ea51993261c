"""Wires the stores and clients that a socket's start has no use for: each is imported where it is built.

A class of data costs a start as much as twenty functions, and `$connect` is called by every charger twelve times a day.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.stores import Stores, client

if TYPE_CHECKING:
    from chalicelib.adapters.access.operators import DynamoOperators
    from chalicelib.adapters.access.tokens import AccessTokens, Tickets
    from chalicelib.adapters.chargers.fault_reports import DynamoFaultReports
    from chalicelib.adapters.chargers.message_log import DynamoReports
    from chalicelib.adapters.charging.sessions import DynamoSessions
    from chalicelib.adapters.charging.transactions import DynamoReadings, DynamoTransactions
    from chalicelib.adapters.drivers.cognito_identity import CognitoIdentity
    from chalicelib.adapters.drivers.drivers import DynamoDrivers
    from chalicelib.adapters.drivers.tokens import DynamoTokens
    from chalicelib.adapters.money.debts import DynamoDebts, DynamoDifferences
    from chalicelib.adapters.money.ledger import DynamoLedger, DynamoOperatorProfiles, DynamoReceipts
    from chalicelib.adapters.money.organisations import DynamoOrganisations
    from chalicelib.adapters.money.statements import DynamoStatements
    from chalicelib.adapters.money.wallets import DynamoWallets
    from chalicelib.adapters.notifications.messengers import WebhookMessenger
    from chalicelib.adapters.notifications.outbox import DynamoOutbox, DynamoWebhooks
    from chalicelib.adapters.operators.alarms import DynamoAlarms
    from chalicelib.adapters.pricing import DynamoTariffs
    from chalicelib.adapters.reservations import DynamoReservations
    from chalicelib.adapters.sessions import DynamoCheckouts, DynamoViewers
    from chalicelib.adapters.transparency.signed_values import DynamoMeterKeys, DynamoSignedValues
    from chalicelib.domain.notifications import Notification
    from chalicelib.ports import Invocations
    from chalicelib.ports.charging import Workflow
    from chalicelib.ports.discovery import Travel
    from chalicelib.ports.money import Payments
    from chalicelib.ports.notifications import Messenger
    from chalicelib.ports.ocpp import PowerNeeds, Provider


class LateStores(Stores):
    """Sessions' transactions, tariffs, money, notifications and whom they are sent by, as they are asked for."""

    @cached_property
    def checkouts(self) -> DynamoCheckouts:
        from chalicelib.adapters.sessions import DynamoCheckouts

        return DynamoCheckouts()

    @cached_property
    def viewers(self) -> DynamoViewers:
        from chalicelib.adapters.sessions import DynamoViewers

        return DynamoViewers()

    @cached_property
    def transactions(self) -> DynamoTransactions:
        from chalicelib.adapters.charging.transactions import DynamoTransactions

        return DynamoTransactions()

    @cached_property
    def readings(self) -> DynamoReadings:
        from chalicelib.adapters.charging.transactions import DynamoReadings

        return DynamoReadings()

    @cached_property
    def signed_values(self) -> DynamoSignedValues:
        from chalicelib.adapters.transparency.signed_values import DynamoSignedValues

        return DynamoSignedValues()

    @cached_property
    def meter_keys(self) -> DynamoMeterKeys:
        from chalicelib.adapters.transparency.signed_values import DynamoMeterKeys

        return DynamoMeterKeys()

    @cached_property
    def fault_reports(self) -> DynamoFaultReports:
        from chalicelib.adapters.chargers.fault_reports import DynamoFaultReports

        return DynamoFaultReports()

    @cached_property
    def operators(self) -> DynamoOperators:
        from chalicelib.adapters.access.operators import DynamoOperators

        return DynamoOperators(self.clock)

    @cached_property
    def tariffs(self) -> DynamoTariffs:
        from chalicelib.adapters.pricing import DynamoTariffs

        return DynamoTariffs(lambda operator_id: self.operators.standing(operator_id).caps, self.clock)

    @cached_property
    def operator_profiles(self) -> DynamoOperatorProfiles:
        from chalicelib.adapters.money.ledger import DynamoOperatorProfiles

        return DynamoOperatorProfiles()

    @cached_property
    def tokens(self) -> DynamoTokens:
        from chalicelib.adapters.drivers.tokens import DynamoTokens

        return DynamoTokens()

    @cached_property
    def ledger(self) -> DynamoLedger:
        from chalicelib.adapters.money.ledger import DynamoLedger

        return DynamoLedger()

    @cached_property
    def workflow(self) -> Workflow:
        from chalicelib.adapters.charging.workflow import StepFunctions

        return StepFunctions(client("stepfunctions"), self.setting("STATE_MACHINE_ARN"))

    @cached_property
    def invocations(self) -> Invocations:
        from chalicelib.adapters.invocations import LambdaInvocations

        return LambdaInvocations(client("lambda"), self.setting("FUNCTION_PREFIX", ""), self.clock)

    @cached_property
    def alarms(self) -> DynamoAlarms:
        from chalicelib.adapters.operators.alarms import DynamoAlarms

        return DynamoAlarms()

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
        from chalicelib.records.drivers import Platform

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
        from chalicelib.adapters.reservations import DynamoReservations

        return DynamoReservations()

    @cached_property
    def differences(self) -> DynamoDifferences:
        from chalicelib.adapters.money.debts import DynamoDifferences

        return DynamoDifferences()

    @cached_property
    def statements(self) -> DynamoStatements:
        from chalicelib.adapters.money.statements import DynamoStatements

        return DynamoStatements()

    @cached_property
    def travel(self) -> Travel:
        from chalicelib.adapters.discovery.travel import AmazonRoutes, GreatCircle

        # Where there are maps to be asked: "amazon", and nothing for an estimate.
        return AmazonRoutes(client("geo-routes"), self.clock) if self.setting("MAPS", "") == "amazon" else GreatCircle()

    @cached_property
    def webhooks(self) -> DynamoWebhooks:
        from chalicelib.adapters.notifications.outbox import DynamoWebhooks

        return DynamoWebhooks()

    @cached_property
    def debt_book(self) -> DynamoDebts:
        from chalicelib.adapters.money.debts import DynamoDebts

        return DynamoDebts()

    @cached_property
    def wallets(self) -> DynamoWallets:
        from chalicelib.adapters.money.wallets import DynamoWallets

        return DynamoWallets()

    @cached_property
    def organisations(self) -> DynamoOrganisations:
        from chalicelib.adapters.money.organisations import DynamoOrganisations

        return DynamoOrganisations()

    @cached_property
    def receipts(self) -> DynamoReceipts:
        from chalicelib.adapters.money.ledger import DynamoReceipts

        return DynamoReceipts()

    @cached_property
    def sessions(self) -> DynamoSessions:
        from chalicelib.adapters.charging.sessions import DynamoSessions

        return DynamoSessions(self.clock)

    @cached_property
    def reports(self) -> DynamoReports:
        from chalicelib.adapters.chargers.message_log import DynamoReports

        return DynamoReports()

    @cached_property
    def drivers(self) -> DynamoDrivers:
        from chalicelib.adapters.drivers.drivers import DynamoDrivers

        return DynamoDrivers()

    @cached_property
    def outbox(self) -> DynamoOutbox:
        from chalicelib.adapters.notifications.outbox import DynamoOutbox

        return DynamoOutbox()

    @cached_property
    def provider(self) -> Provider:
        from chalicelib.adapters.ocpp.nobody import NoProvider

        return NoProvider()

    @cached_property
    def power_needs(self) -> PowerNeeds:
        from chalicelib.adapters.ocpp.nobody import NoPowerNeeds

        return NoPowerNeeds()
