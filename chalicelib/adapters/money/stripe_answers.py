"""What Stripe's answers mean: its errors as the port's words, and nothing of theirs beside; how long a hold is good."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import stripe

from chalicelib.domain.charging.session import CardAction
from chalicelib.records.money import CardholderNeeded, Declined, PaymentsUnavailable, TooLittle

_log = logging.getLogger(__name__)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Let nothing of Stripe's out but a sentence for the driver or a line for whoever looks after the system."""
    try:
        yield
    except stripe.CardError as error:
        if error.code == "authentication_required" and (action := cardholder_action(error)) is not None:
            raise CardholderNeeded(action) from None
        raise Declined(error.user_message or "The card was declined.") from None
    except stripe.InvalidRequestError as error:
        _log.warning("Stripe refuses a request", extra={"code": error.code, "request_id": error.request_id})
        if error.code == "amount_too_small":
            raise TooLittle(error.user_message or "The amount is too small to be charged to a card.") from None
        raise Declined(error.user_message or "The payment was refused.") from None
    except stripe.StripeError as error:
        facts = f"{type(error).__name__}, status {error.http_status}, request {error.request_id}"
        raise PaymentsUnavailable(f"Stripe did not answer: {facts}") from None


@contextmanager
def unless_gone(*statuses: int) -> Iterator[None]:
    """What is not there any more need not go; 400 is a card that is no customer's any more."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.http_status not in statuses:
            raise


def cardholder_action(error: stripe.CardError) -> CardAction | None:
    """The payment that the cardholder may still confirm (docs.stripe.com/payments/without-card-authentication)."""
    intent = (
        (error.json_body or {}).get("error", {}).get("payment_intent") if isinstance(error.json_body, dict) else None
    )
    return CardAction(intent["id"], intent["client_secret"]) if intent else None


def capture_before(charge: Any) -> datetime | None:
    """Until when a hold can be taken (docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""
    details = getattr(charge, "payment_method_details", None)
    until = getattr(getattr(details, "card", None), "capture_before", None)
    return datetime.fromtimestamp(until, UTC) if isinstance(until, int) else None
