"""Payments through Stripe: PaymentIntents, SetupIntents, refunds and signed webhooks.

Asking twice moves money once: a call's idempotency key is made of what it asks for. Whatever goes wrong leaves here as
one of the port's two words: Declined, when asking again would change nothing, or PaymentsUnavailable, when it might.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR
from http import HTTPStatus
from typing import Any

import stripe

from chalicelib.adapters.money.stripe_answers import capture_before, cardholder_action, plain_errors, unless_gone
from chalicelib.adapters.money.stripe_cards import saved_card
from chalicelib.adapters.money.stripe_events import read_event
from chalicelib.adapters.money.stripe_webhooks import KEY, from_stripe, news_of, refund_of, to_stripe
from chalicelib.domain.charging.session import CardAction, Hold, Session
from chalicelib.records.drivers import Driver
from chalicelib.records.money import (
    CardholderNeeded,
    CardSetup,
    Declined,
    PaymentNews,
    PaymentUnderWay,
    ProviderPayment,
    ProviderRefund,
    SavedCard,
    TooLittle,
)

_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 8
_RETRIES = 2

_LIVE_KEYS = ("sk_live_", "rk_live_")
_CHARGED = -1  # of payments that no hold came before
_CAN_BE_RAISED = {"request_incremental_authorization": "if_available"}

_log = logging.getLogger(__name__)
# Below this the SDK logs every call, at DEBUG with client secrets.
logging.getLogger("stripe").setLevel(logging.WARNING)


def stripe_client(api_key: str, api_base: str | None = None) -> stripe.StripeClient:
    """Speaks to Stripe; `api_base` is another server to speak to than Stripe's own."""
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": api_base} if api_base else None,
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S)),
    )


class StripePayments:
    """Stripe: the ports Payments and WayOfPaying. Methods make one call where they say nothing else.

    `api_base` is another server to speak to than Stripe's own.
    """

    def __init__(self, api_key: str, webhook_secret: str, publishable_key: str, api_base: str | None = None) -> None:
        self._webhook_secret = webhook_secret
        self._publishable_key = publishable_key
        self._is_live = api_key.startswith(_LIVE_KEYS)
        client = stripe_client(api_key, api_base)
        self._customers = client.v1.customers
        self._payment_intents = client.v1.payment_intents
        self._setup_intents = client.v1.setup_intents
        self._payment_methods = client.v1.payment_methods
        self._refunds = client.v1.refunds

    def create_customer(self, driver_id: str, email: str) -> str:
        with plain_errors():
            customer = self._customers.create(
                {"email": email, "metadata": {"driver_id": driver_id}},
                {"idempotency_key": f"customer-{driver_id}"},
            )
        return customer.id

    def change_email(self, customer_id: str, email: str) -> None:
        with plain_errors():
            self._customers.update(customer_id, {"email": email})

    def forget_customer(self, customer_id: str) -> None:
        with plain_errors(), unless_gone(404):
            self._customers.delete(customer_id)

    def begin_card_setup(self, customer_id: str, request_id: str) -> CardSetup:
        """One call; the client confirms the setup with Stripe directly."""
        with plain_errors():
            setup = self._setup_intents.create(
                {"customer": customer_id, "usage": "off_session", "allowed_payment_method_types": ["card"]},
                {"idempotency_key": f"setup-{request_id}"},
            )
        return CardSetup(setup.id, setup.client_secret or "", self._publishable_key)

    def saved_card(self, customer_id: str, setup_id: str) -> SavedCard | None:
        """One call; `setup_id` may come from anybody."""
        if not setup_id.startswith("seti_"):
            return None
        setup: Any = None
        with plain_errors(), unless_gone(404):
            setup = self._setup_intents.retrieve(setup_id, {"expand": ["payment_method"]})
        is_theirs = setup is not None and setup.status == "succeeded" and setup.customer == customer_id
        method = setup.payment_method if is_theirs else None
        return saved_card(method) if isinstance(method, stripe.PaymentMethod) else None

    def forget_card(self, payment_method_id: str) -> None:
        with plain_errors(), unless_gone(400, 404):
            self._payment_methods.detach(payment_method_id)

    def guests_card(self, payment_method_id: str) -> SavedCard | None:
        """One call; `payment_method_id` may come from anybody, and may be a card that somebody has saved."""
        if not payment_method_id.startswith("pm_"):
            return None
        method: Any = None
        with plain_errors(), unless_gone(404):
            method = self._payment_methods.retrieve(payment_method_id)
        return saved_card(method) if method is not None and method.customer is None and method.card else None

    def hold(self, session: Session, driver: Driver, amount_minor: int, part: int = 0) -> Hold:
        """One call. The amount held may be a little above what was asked, where cards know no smaller step."""
        amount = to_stripe(amount_minor, session.tariff.currency, ROUND_CEILING)
        # Another amount or another card is another request, not a repetition of this one.
        key = f"{session.session_id}-hold{part or ''}-{amount}-{driver.payment_method_id}"
        options: dict[str, Any] = {
            "capture_method": "manual",
            "payment_method_options": {"card": _CAN_BE_RAISED},
            "expand": ["latest_charge"],
        }
        if driver.customer_id is not None:
            # A guest stands before the charger, and can confirm.
            options["off_session"] = True
        intent = self._pay(session, driver, {"amount": amount, **options}, key, part)
        held = Hold(
            intent.id,
            from_stripe(intent.amount, session.tariff.currency),
            capture_before=capture_before(getattr(intent, "latest_charge", None)),
        )
        self._check(session, held, intent, "requires_capture", can_wait=part == 0)
        return held

    def check_card(self, driver: Driver, currency: str, amount_minor: int, key: str) -> None:
        """Two calls: a hold, and its end."""
        request: Any = {
            **{"amount": to_stripe(amount_minor, currency, ROUND_CEILING), "currency": currency.lower()},
            "customer": driver.customer_id,
            "payment_method": driver.payment_method_id,
            "allowed_payment_method_types": ["card"],
            **{"capture_method": "manual", "confirm": True, "off_session": True},
        }
        with plain_errors():
            try:
                payment_id = self._payment_intents.create(request, {"idempotency_key": f"check-{key}"}).id
            except stripe.CardError as error:
                if error.code != "authentication_required" or (asked := cardholder_action(error)) is None:
                    raise
                payment_id = asked.payment_id
            self._payment_intents.cancel(payment_id, options={"idempotency_key": f"checked-{key}"})

    def raise_hold(self, session: Session, hold: Hold, amount_minor: int) -> Hold | None:
        amount = to_stripe(amount_minor, session.tariff.currency, ROUND_CEILING)
        key = f"{session.session_id}-raise-{hold.payment_id}-{amount}"
        try:
            with plain_errors():
                intent = self._payment_intents.increment_authorization(
                    hold.payment_id, {"amount": amount}, {"idempotency_key": key}
                )
        except Declined:
            return None
        return replace(hold, amount_minor=from_stripe(intent.amount, session.tariff.currency))

    def charge(
        self, session: Session, driver: Driver, amount_minor: int, purpose: str, *, is_there: bool = False
    ) -> Hold:
        """One call. The amount taken may be a little below what was asked, where cards know no smaller step."""
        amount = to_stripe(amount_minor, session.tariff.currency, ROUND_FLOOR)
        if amount == 0:
            raise TooLittle("The amount is too small to be charged to a card.")
        presence = "there" if is_there else "away"
        key = f"{session.session_id}-{purpose}-{amount}-{driver.payment_method_id}-{presence}"
        options: dict[str, Any] = {"amount": amount, "capture_method": "automatic"}
        if not is_there:
            options["off_session"] = True
        intent = self._pay(session, driver, options, key, _CHARGED)
        charged = Hold(intent.id, from_stripe(intent.amount, session.tariff.currency), driver.card or "")
        self._check(session, charged, intent, "succeeded", can_wait=is_there)
        return charged

    def refund(self, session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        amount = to_stripe(amount_minor, session.tariff.currency, ROUND_FLOOR)
        # By its metadata a webhook knows it again.
        metadata = {"session_id": session.session_id, KEY: key}
        with plain_errors():
            try:
                refund = self._refunds.create(
                    {"payment_intent": payment_id, "amount": amount, "metadata": metadata},
                    {"idempotency_key": f"{session.session_id}-refund-{payment_id}-{key}"},
                )
            except stripe.IdempotencyError as error:
                if error.http_status == HTTPStatus.CONFLICT:
                    raise PaymentUnderWay("this refund is under way") from None
                raise
        return refund.id

    def refunds_of(self, payment_id: str) -> Sequence[ProviderRefund]:
        with plain_errors():
            page = self._refunds.list({"payment_intent": payment_id, "limit": 100})
            found = (refund_of(it.to_dict()) for it in page.auto_paging_iter())
            return [it for it in found if it is not None]

    def session_of(self, payment_id: str) -> str | None:
        intent: Any = None
        # Another application's, or nobody's.
        with plain_errors(), unless_gone(404):
            intent = self._payment_intents.retrieve(payment_id)
        return _session_id(intent) if intent is not None else None

    def page(self, since: datetime, until: datetime, after: str) -> tuple[Sequence[ProviderPayment], str]:
        """One call, of a hundred payments at most."""
        asked: Any = {
            "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
            "limit": 100,
            "expand": ["data.latest_charge"],
            **({"starting_after": after} if after else {}),
        }
        with plain_errors():
            found = self._payment_intents.list(asked)
        payments = [_provider_payment(intent) for intent in found.data]
        return payments, payments[-1].payment_id if found.has_more and payments else ""

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """One call; a second one when Stripe refuses. Raises ValueError unless the amount is above 0 and held.

        The amount taken may be a little below what was asked, where cards know no smaller step.
        """
        if not 0 < amount_minor <= hold.amount_minor:
            raise ValueError(f"{amount_minor} cannot be taken from a hold of {hold.amount_minor}")
        amount = to_stripe(amount_minor, session.tariff.currency, ROUND_FLOOR)
        if amount == 0:
            raise TooLittle("The amount is too small to be charged to a card.")

        def take() -> None:
            self._payment_intents.capture(
                hold.payment_id, {"amount_to_capture": amount}, {"idempotency_key": _key(session, "capture", hold)}
            )

        self._finish(hold, take, "succeeded")

    def void(self, session: Session, hold: Hold) -> None:
        """One call; a second one when Stripe refuses. Raises Declined when the money was taken already."""
        self._finish(hold, lambda: self._cancel(session, hold), "canceled")

    def taken_minor(self, session: Session, hold: Hold) -> int:
        with plain_errors():
            intent = self._payment_intents.retrieve(hold.payment_id)
        taken = intent.amount_received if intent.status == "succeeded" else 0
        return from_stripe(taken, session.tariff.currency)

    def read_webhook(self, body: bytes, signature: str) -> PaymentNews:
        """No call: all is in the body, which is believed for five minutes after Stripe signed it."""
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
        except (stripe.SignatureVerificationError, TypeError) as error:
            raise ValueError("the signature is not Stripe's") from error
        return news_of(read_event(body, is_live=self._is_live))

    def _pay(
        self, session: Session, driver: Driver, options: dict[str, Any], key: str, part: int
    ) -> stripe.PaymentIntent:
        request: Any = {
            "currency": session.tariff.currency.lower(),
            **({"customer": driver.customer_id} if driver.customer_id is not None else {}),
            "payment_method": driver.payment_method_id,
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "description": f"EV charging session {session.session_id}",
            "metadata": {
                "session_id": session.session_id,
                "operator_id": session.operator_id,
                "charger_id": session.charger_id,
                "part": str(part),
            },
            **options,
        }
        with plain_errors():
            return self._payment_intents.create(request, {"idempotency_key": key})

    def _check(
        self, session: Session, hold: Hold, intent: stripe.PaymentIntent, wanted: str, *, can_wait: bool
    ) -> None:
        """Raises CardholderNeeded where the cardholder may be waited for; where not, the payment is given up."""
        if intent.status == wanted:
            return
        if can_wait and intent.status == "requires_action":
            raise CardholderNeeded(CardAction(intent.id, intent.client_secret or ""))
        with plain_errors():
            self._cancel(session, hold)
        raise Declined("The card's bank asks its holder to confirm, and nobody is there to do so.")

    def _cancel(self, session: Session, hold: Hold) -> None:
        self._payment_intents.cancel(hold.payment_id, options={"idempotency_key": _key(session, "void", hold)})

    def _finish(self, hold: Hold, attempt: Callable[[], None], wanted_status: str) -> None:
        """End a hold; that Stripe refuses is no failure when the hold has ended that way before."""
        with plain_errors():
            try:
                attempt()
            except stripe.InvalidRequestError:
                if self._payment_intents.retrieve(hold.payment_id).status != wanted_status:
                    raise


def _key(session: Session, step: str, hold: Hold) -> str:
    return f"{session.session_id}-{step}-{hold.payment_id}"


def _session_id(intent: stripe.PaymentIntent) -> str | None:
    metadata: Any = intent.metadata or {}
    return str(metadata["session_id"]) if "session_id" in metadata else None


def _provider_payment(intent: stripe.PaymentIntent) -> ProviderPayment:
    currency = intent.currency.upper()
    charge: Any = intent.latest_charge
    # Stripe counts the part of a hold that was never taken as refunded.
    uncaptured = charge.amount - charge.amount_captured if charge and charge.captured else 0
    refunded = charge.amount_refunded if charge and charge.captured else 0
    refunded -= uncaptured if refunded >= uncaptured else 0
    is_held, is_taken = intent.status == "requires_capture", intent.status == "succeeded"
    return ProviderPayment(
        payment_id=intent.id,
        session_id=_session_id(intent),
        currency=currency,
        held_minor=from_stripe(intent.amount if is_held else 0, currency),
        taken_minor=from_stripe(charge.amount_captured if charge and is_taken else 0, currency),
        refunded_minor=from_stripe(refunded, currency),
    )
