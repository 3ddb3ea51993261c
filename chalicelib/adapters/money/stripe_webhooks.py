"""Stripe's webhooks: which of its events are heard, and what each says in our words; and its units of money.

Endpoints are to be sent the events of `EVENTS`, and what else comes is no concern of ours. Refunds and disputes may be
made in Stripe's dashboard, and are told of in more than one event and in no promised order: each is read by the state
that its object shows, not by which event brought it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chalicelib.domain.pricing.currency import decimals
from chalicelib.records.money import PaymentNews, PaymentNewsKind, ProviderRefund

# What a refund made here bears the name of: the key it was asked for under.
KEY = "refund_key"

# Decimals of Stripe's amounts where they are not those of ISO 4217 (docs.stripe.com/currencies, "Special cases").
_STRIPE_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}

# What an endpoint is sent (docs.stripe.com/api/events/types); None: its object's status says what it is.
EVENTS: Mapping[str, PaymentNewsKind | None] = {
    "payment_intent.amount_capturable_updated": PaymentNewsKind.HELD,
    "payment_intent.succeeded": PaymentNewsKind.CAPTURED,
    "payment_intent.payment_failed": PaymentNewsKind.FAILED,
    "payment_intent.canceled": PaymentNewsKind.VOIDED,
    "setup_intent.succeeded": PaymentNewsKind.CARD_SAVED,
    "refund.created": PaymentNewsKind.REFUNDED,
    "refund.updated": PaymentNewsKind.REFUNDED,
    "refund.failed": PaymentNewsKind.REFUNDED,
    "charge.refund.updated": PaymentNewsKind.REFUNDED,
    "charge.refunded": PaymentNewsKind.REFUNDED,
    "charge.dispute.created": None,
    "charge.dispute.updated": None,
    "charge.dispute.closed": None,
    "charge.dispute.funds_withdrawn": PaymentNewsKind.DISPUTED,
    "charge.dispute.funds_reinstated": PaymentNewsKind.DISPUTE_WON,
}
# A dispute's status (docs.stripe.com/api/disputes/object); of one that is only a question nothing is withdrawn.
_DISPUTES = {
    "warning_needs_response": PaymentNewsKind.DISPUTE_OPENED,
    "warning_under_review": PaymentNewsKind.DISPUTE_OPENED,
    "needs_response": PaymentNewsKind.DISPUTED,
    "under_review": PaymentNewsKind.DISPUTED,
    "won": PaymentNewsKind.DISPUTE_WON,
    "lost": PaymentNewsKind.DISPUTE_LOST,
}
_AMOUNTS = {PaymentNewsKind.HELD: "amount_capturable", PaymentNewsKind.CAPTURED: "amount_received"}
_FAILED = ("failed", "canceled")


def news_of(event: dict[str, Any]) -> PaymentNews:
    """What a verified event says. Raises ValueError for what is no event of Stripe's."""
    try:
        return _news(event)
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("the body is not an event of Stripe's") from error


def refund_of(refund: Mapping[str, Any]) -> ProviderRefund | None:
    """A refund object; None for what a capture left of a hold, which has moved no money, and is listed by some."""
    is_of_payment = refund.get("payment_intent") is not None and refund.get("balance_transaction", "") is not None
    if not is_of_payment and refund.get("status") == "succeeded":
        return None
    return ProviderRefund(
        refund_id=refund["id"],
        amount_minor=from_stripe(refund["amount"], refund["currency"].upper()),
        key=str((refund.get("metadata") or {}).get(KEY, "")),
        is_failed=refund.get("status") in _FAILED,
        at=datetime.fromtimestamp(refund["created"], UTC) if "created" in refund else None,
    )


def _step(currency: str) -> int:
    """Of what Stripe's amounts must be a multiple: card networks take no thousandths."""
    return 10 if decimals(currency) == 3 else 1


def _shift(currency: str) -> int:
    """How many decimals more than ISO 4217 Stripe gives a currency."""
    return _STRIPE_DECIMALS.get(currency, decimals(currency)) - decimals(currency)


def to_stripe(amount_minor: int, currency: str, rounding: str) -> int:
    """An amount in Stripe's smallest unit of that currency, rounded so where cards know no smaller step."""
    step = _step(currency)
    return int((Decimal(amount_minor).scaleb(_shift(currency)) / step).quantize(Decimal(1), rounding)) * step


def from_stripe(amount: int, currency: str) -> int:
    """An amount of Stripe's in ISO 4217's minor units."""
    return int(Decimal(amount).scaleb(-_shift(currency)))


def _news(event: dict[str, Any]) -> PaymentNews:
    kind = EVENTS.get(event["type"], PaymentNewsKind.OTHER)
    if kind is None:
        kind = _DISPUTES.get(event["data"]["object"]["status"], PaymentNewsKind.OTHER)
    at = datetime.fromtimestamp(event["created"], UTC)
    if kind is PaymentNewsKind.OTHER:
        return PaymentNews(event_id=event["id"], kind=kind, at=at)
    subject = event["data"]["object"]
    if kind is PaymentNewsKind.CARD_SAVED:
        return PaymentNews(
            event_id=event["id"], kind=kind, customer_id=subject["customer"], setup_id=subject["id"], at=at
        )
    if kind is PaymentNewsKind.REFUNDED:
        return _of_refunds(event["id"], subject, at)
    if kind.is_dispute:
        amount_minor = from_stripe(subject["amount"], subject["currency"].upper())
        detail = {"dispute_id": subject["id"], "reason": subject.get("reason") or ""}
        return PaymentNews(
            event_id=event["id"],
            kind=kind,
            payment_id=subject["payment_intent"],
            amount_minor=amount_minor,
            at=at,
            detail=detail,
        )
    error = subject.get("last_payment_error") or {}
    return PaymentNews(
        event_id=event["id"],
        kind=kind,
        session_id=subject["metadata"].get("session_id"),
        payment_id=subject["id"],
        amount_minor=from_stripe(subject[_AMOUNTS.get(kind, "amount")], subject["currency"].upper()),
        customer_id=subject["customer"],
        at=at,
        detail={name: error[name] for name in ("code", "message") if error.get(name)},
        part=int(subject["metadata"].get("part", "0")),
    )


def _of_refunds(event_id: str, subject: dict[str, Any], at: datetime) -> PaymentNews:
    """Of a refund, or of a charge of which something was given back; the latter seldom lists what."""
    is_charge = subject.get("object") == "charge" or "amount_refunded" in subject
    of = (subject.get("refunds") or {}).get("data", []) if is_charge else [subject]
    payment_id = subject.get("payment_intent")
    if payment_id is None or (is_charge and not _has_given_back(subject)):
        return PaymentNews(event_id=event_id, kind=PaymentNewsKind.OTHER, at=at)
    refunds = [refund_of({"payment_intent": payment_id, **it}) for it in of]
    if of and not any(refunds):
        return PaymentNews(event_id=event_id, kind=PaymentNewsKind.OTHER, at=at)
    return PaymentNews(
        event_id=event_id,
        kind=PaymentNewsKind.REFUNDED,
        payment_id=payment_id,
        at=at,
        refunds=tuple(it for it in refunds if it is not None),
    )


def _has_given_back(charge: dict[str, Any]) -> bool:
    """Whether more went back than a capture left of a hold, or a hold that was let go."""
    if not charge.get("captured", True):
        return False
    captured = charge.get("amount_captured", charge["amount"])
    return bool(charge["amount_refunded"] > charge["amount"] - captured)
