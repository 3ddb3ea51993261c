"""Money moves through Stripe, and asking twice moves it once: a call's idempotency key is made of what it asks for.

Whatever goes wrong leaves here as one of the port's two words: Declined, when asking again would change nothing, or
PaymentsUnavailable, when it might.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import stripe

from chalicelib.domain.money import decimals
from chalicelib.domain.session import Hold, Session
from chalicelib.records import CardSetup, Declined, PaymentNews, PaymentsUnavailable, SavedCard

_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 8
_RETRIES = 2

# Decimals of Stripe's amounts where they are not those of ISO 4217 (docs.stripe.com/currencies, "Special cases").
_STRIPE_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}

_KINDS = {
    "payment_intent.amount_capturable_updated": "held",
    "payment_intent.succeeded": "captured",
    "payment_intent.payment_failed": "failed",
    "payment_intent.canceled": "voided",
    "setup_intent.succeeded": "card_saved",
}
_AMOUNTS = {"held": "amount_capturable", "captured": "amount_received"}

_log = logging.getLogger(__name__)
# Below this the SDK logs every call, and at DEBUG whole bodies, client secrets included.
logging.getLogger("stripe").setLevel(logging.WARNING)


class StripePayments:
    """The port Payments. `api_base` is another server to speak to than Stripe's own."""

    def __init__(self, api_key: str, webhook_secret: str, publishable_key: str, api_base: str | None = None) -> None:
        self._webhook_secret = webhook_secret
        self._publishable_key = publishable_key
        client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=_RETRIES,
            http_client=stripe.RequestsClient(timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S)),
        )
        self._customers = client.v1.customers
        self._payment_intents = client.v1.payment_intents
        self._setup_intents = client.v1.setup_intents

    def create_customer(self, driver_id: str, email: str) -> str:
        """One call."""
        with _plain_errors():
            customer = self._customers.create(
                {"email": email, "metadata": {"driver_id": driver_id}},
                {"idempotency_key": f"customer-{driver_id}"},
            )
        return customer.id

    def begin_card_setup(self, customer_id: str, request_id: str) -> CardSetup:
        """One call; the client confirms the setup with Stripe directly."""
        with _plain_errors():
            setup = self._setup_intents.create(
                {"customer": customer_id, "usage": "off_session", "allowed_payment_method_types": ["card"]},
                {"idempotency_key": f"setup-{request_id}"},
            )
        return CardSetup(setup.id, setup.client_secret or "", self._publishable_key)

    def saved_card(self, customer_id: str, setup_id: str) -> SavedCard | None:
        """One call; `setup_id` may come from anybody."""
        if not setup_id.startswith("seti_"):
            return None
        with _plain_errors():
            try:
                setup = self._setup_intents.retrieve(setup_id, {"expand": ["payment_method"]})
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise
        method = setup.payment_method
        if setup.status != "succeeded" or setup.customer != customer_id or not isinstance(method, stripe.PaymentMethod):
            return None
        card = method.card
        return SavedCard(method.id, f"{card.brand} {card.last4}" if card else method.type)

    def hold(self, session: Session, customer_id: str, payment_method_id: str, amount_minor: int) -> Hold:
        """One call, and a second one to give up a hold that only its holder's presence could complete.

        The amount held may be a little above what was asked, where cards know no smaller step.
        """
        currency = session.tariff.currency
        amount = _to_stripe(amount_minor, currency, ROUND_CEILING)
        with _plain_errors():
            intent = self._payment_intents.create(
                {
                    "amount": amount,
                    "currency": currency.lower(),
                    "customer": customer_id,
                    "payment_method": payment_method_id,
                    "allowed_payment_method_types": ["card"],
                    "capture_method": "manual",
                    "confirm": True,
                    "off_session": True,
                    "description": f"EV charging session {session.session_id}",
                    "metadata": {
                        "session_id": session.session_id,
                        "operator_id": session.operator_id,
                        "charger_id": session.charger_id,
                    },
                },
                # Another amount or another card is another request, not a repetition of this one.
                {"idempotency_key": f"{session.session_id}-hold-{amount}-{payment_method_id}"},
            )
            held = Hold(intent.id, _from_stripe(intent.amount, currency))
            if intent.status != "requires_capture":
                self._cancel(session, held)
                raise Declined("The card's bank asks its holder to confirm, and nobody is there to do so.")
        return held

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        """One call; a second one when Stripe refuses. Raises ValueError unless the amount is above 0 and held.

        The amount taken may be a little below what was asked, where cards know no smaller step.
        """
        if not 0 < amount_minor <= hold.amount_minor:
            raise ValueError(f"{amount_minor} cannot be taken from a hold of {hold.amount_minor}")
        amount = _to_stripe(amount_minor, session.tariff.currency, ROUND_FLOOR)
        if amount == 0:
            raise Declined("The amount is too small to be charged to a card.")

        def take() -> None:
            self._payment_intents.capture(
                hold.payment_id, {"amount_to_capture": amount}, {"idempotency_key": _key(session, "capture", hold)}
            )

        self._finish(hold, take, "succeeded")

    def void(self, session: Session, hold: Hold) -> None:
        """One call; a second one when Stripe refuses. Raises Declined when the money was taken already."""
        self._finish(hold, lambda: self._cancel(session, hold), "canceled")

    def taken_minor(self, session: Session, hold: Hold) -> int:
        """One call."""
        with _plain_errors():
            intent = self._payment_intents.retrieve(hold.payment_id)
        taken = intent.amount_received if intent.status == "succeeded" else 0
        return _from_stripe(taken, session.tariff.currency)

    def read_webhook(self, body: bytes, signature: str) -> PaymentNews:
        """No call: all is in the body, which is believed for five minutes after Stripe signed it."""
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
        except (stripe.SignatureVerificationError, TypeError) as error:
            raise ValueError("the signature is not Stripe's") from error
        try:
            return _news(json.loads(body))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("the body is not an event of Stripe's") from error

    def _cancel(self, session: Session, hold: Hold) -> None:
        self._payment_intents.cancel(hold.payment_id, options={"idempotency_key": _key(session, "void", hold)})

    def _finish(self, hold: Hold, attempt: Callable[[], None], wanted_status: str) -> None:
        """End a hold; that Stripe refuses is no failure when the hold has ended that way before."""
        with _plain_errors():
            try:
                attempt()
            except stripe.InvalidRequestError:
                if self._payment_intents.retrieve(hold.payment_id).status != wanted_status:
                    raise


def _key(session: Session, step: str, hold: Hold) -> str:
    return f"{session.session_id}-{step}-{hold.payment_id}"


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Let nothing of Stripe's out but a sentence for the driver or a line for whoever looks after the system."""
    try:
        yield
    except stripe.CardError as error:
        raise Declined(error.user_message or "The card was declined.") from None
    except stripe.InvalidRequestError as error:
        _log.warning("Stripe refuses a request", extra={"code": error.code, "request_id": error.request_id})
        raise Declined(error.user_message or "The payment was refused.") from None
    except stripe.StripeError as error:
        facts = f"{type(error).__name__}, status {error.http_status}, request {error.request_id}"
        raise PaymentsUnavailable(f"Stripe did not answer: {facts}") from None


def _step(currency: str) -> int:
    """Of what Stripe's amounts must be a multiple: card networks take no thousandths."""
    return 10 if decimals(currency) == 3 else 1


def _shift(currency: str) -> int:
    """How many decimals more than ISO 4217 Stripe gives a currency."""
    return _STRIPE_DECIMALS.get(currency, decimals(currency)) - decimals(currency)


def _to_stripe(amount_minor: int, currency: str, rounding: str) -> int:
    step = _step(currency)
    return int((Decimal(amount_minor).scaleb(_shift(currency)) / step).quantize(Decimal(1), rounding)) * step


def _from_stripe(amount: int, currency: str) -> int:
    return int(Decimal(amount).scaleb(-_shift(currency)))


def _news(event: dict[str, Any]) -> PaymentNews:
    kind = _KINDS.get(event["type"], "other")
    at = datetime.fromtimestamp(event["created"], UTC)
    if kind == "other":
        return PaymentNews(event["id"], kind, at=at)
    subject = event["data"]["object"]
    if kind == "card_saved":
        return PaymentNews(event["id"], kind, customer_id=subject["customer"], setup_id=subject["id"], at=at)
    error = subject.get("last_payment_error") or {}
    return PaymentNews(
        event_id=event["id"],
        kind=kind,
        session_id=subject["metadata"].get("session_id"),
        payment_id=subject["id"],
        amount_minor=_from_stripe(subject[_AMOUNTS.get(kind, "amount")], subject["currency"].upper()),
        customer_id=subject["customer"],
        at=at,
        detail={name: error[name] for name in ("code", "message") if error.get(name)},
    )
