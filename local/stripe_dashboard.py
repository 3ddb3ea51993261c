"""What people do in Stripe's dashboard and banks behind it: refunds, refunds that fail, disputes; told as Stripe tells.

A refund is told of in several events, and one made by the API is told of just the same. localstripe knows no disputes:
one is an object of ours, named after its payment, so that a payment has one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# By the status that a dispute comes to (docs.stripe.com/api/disputes/object).
_EVENTS = {
    "warning_needs_response": ("charge.dispute.created",),
    "needs_response": ("charge.dispute.created", "charge.dispute.funds_withdrawn"),
    "under_review": ("charge.dispute.updated",),
    "lost": ("charge.dispute.closed",),
    "won": ("charge.dispute.closed", "charge.dispute.funds_reinstated"),
    "warning_closed": ("charge.dispute.closed",),
}


@dataclass(frozen=True)
class _Dispute:
    """A dispute as Stripe shows it."""

    shown: dict[str, Any]

    def _export(self, expand: object = None) -> dict[str, Any]:
        return self.shown


def dashboard_endpoints(resources: Any) -> dict[str, Callable[..., Any]]:
    """The endpoints by which it is asked for here: Stripe's own for refunds, and two that Stripe has not."""

    def tell(event_type: str, of: Any) -> None:
        resources.schedule_webhook(resources.Event(event_type, of))

    def refund(**data: Any) -> Any:
        """Not more than was taken, all refunds together."""
        if "charge" in data:
            data["payment_intent"] = resources.Charge._api_retrieve(data.pop("charge")).payment_intent
        intent = resources.PaymentIntent._api_retrieve(data["payment_intent"])
        taken = intent.amount_received
        given_back = sum(it.amount for it in intent.latest_charge.refunds._list if it.payment_intent)
        wanted = int(data["amount"]) if data.get("amount") else taken - given_back
        if wanted > taken - given_back:
            raise resources.UserError(400, "Refund amount is greater than unrefunded amount on charge.")
        made = resources.Refund._api_create(**{**data, "amount": wanted})
        tell("refund.created", made)
        tell("charge.refunded", intent.latest_charge)
        return made

    def fail(**data: Any) -> Any:
        """The card's bank did not take it: the money is with the merchant again."""
        refund = resources.Refund._api_retrieve(data["id"])
        refund.status = "failed"
        tell("refund.failed", refund)
        tell("charge.refund.updated", refund)
        return refund

    def dispute(**data: Any) -> Any:
        intent = resources.PaymentIntent._api_retrieve(data["payment_intent"])
        shown = {
            "id": f"dp_{intent.id.removeprefix('pi_')}",
            "object": "dispute",
            "amount": int(data.get("amount") or intent.amount_received),
            "charge": intent.latest_charge.id,
            "created": int(time.time()),
            "currency": intent.currency,
            "payment_intent": intent.id,
            "reason": "fraudulent",
            "status": data["status"],
        }
        if data["status"] not in _EVENTS:
            raise resources.UserError(400, f"A dispute's status is one of {', '.join(_EVENTS)}.")
        for event_type in _EVENTS[data["status"]]:
            tell(event_type, _Dispute(shown))
        return _Dispute(shown)

    return {"/v1/refunds": refund, "/v1/refunds/{id}/_fail": fail, "/v1/_disputes": dispute}
