"""Top-ups of wallets through Stripe: payments that are a wallet's and no session's, and refunds of them.

A payment bears the top-up's name where a session's bears the session's, so that webhooks, disputes and the night's
comparison of books find it by the same way.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR
from http import HTTPStatus
from typing import Any

import stripe

from chalicelib.adapters.money.stripe_answers import plain_errors
from chalicelib.adapters.money.stripe_webhooks import KEY, from_stripe, to_stripe
from chalicelib.domain.charging.session import CardAction, Hold
from chalicelib.domain.money.wallet import PayOut, PayOutPart, TopUp
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, Declined, PaymentUnderWay

_WAITS = ("requires_action", "processing", "requires_confirmation")


class StripeTopUps:
    """Stripe, for wallets: the port CardTopUps. Methods make one call where they say nothing else."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._payment_intents = client.v1.payment_intents
        self._refunds = client.v1.refunds

    def take(self, driver: Driver, top_up: TopUp, *, is_there: bool) -> Hold:
        """One call; a second one where nobody is there to confirm."""
        amount = to_stripe(top_up.amount_minor, top_up.currency, ROUND_FLOOR)
        request: Any = {
            "amount": amount,
            "currency": top_up.currency.lower(),
            "customer": driver.customer_id,
            "payment_method": driver.payment_method_id,
            "allowed_payment_method_types": ["card"],
            "capture_method": "automatic",
            "confirm": True,
            "description": "Top-up of a charging wallet",
            "metadata": {"session_id": top_up.top_up_id, "part": "0"},
            **({} if is_there else {"off_session": True}),
        }
        # By its name alone: asked for again with another card it is refused, and not taken twice.
        with plain_errors():
            intent = self._payment_intents.create(request, {"idempotency_key": top_up.top_up_id})
        taken = Hold(intent.id, from_stripe(intent.amount, top_up.currency), driver.card or "")
        if intent.status == "succeeded":
            return taken
        if is_there and intent.status == "requires_action":
            raise CardholderNeeded(CardAction(intent.id, intent.client_secret or ""))
        with plain_errors():
            self._payment_intents.cancel(intent.id, options={"idempotency_key": f"{top_up.top_up_id}-void"})
        raise Declined("The card's bank asks its holder to confirm, and nobody is there to do so.")

    def taken(self, top_up: TopUp) -> int | None:
        with plain_errors():
            intent = self._payment_intents.retrieve(top_up.payment_id)
        if intent.status in _WAITS:
            return None
        return from_stripe(intent.amount_received, top_up.currency) if intent.status == "succeeded" else 0

    def give_back(self, pay_out: PayOut, part: PayOutPart) -> None:
        request: Any = {
            "payment_intent": part.payment_id,
            "amount": to_stripe(part.amount_minor, pay_out.currency, ROUND_FLOOR),
            "metadata": {"session_id": part.top_up_id, KEY: pay_out.pay_out_id},
        }
        with plain_errors():
            try:
                self._refunds.create(request, {"idempotency_key": f"{part.top_up_id}-refund-{pay_out.pay_out_id}"})
            except stripe.IdempotencyError as error:
                if error.http_status == HTTPStatus.CONFLICT:
                    raise PaymentUnderWay("this pay-out is under way") from None
                raise
