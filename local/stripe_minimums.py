"""Stripe's least amount of each currency: below it nothing can be held, charged or captured.

The figures are Stripe's own, dated, in `data/stripe_minimums.json`. A currency that is not there has none here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data" / "stripe_minimums.json"


@cache
def _least() -> dict[str, int]:
    return dict(json.loads(_DATA.read_text())["least_amount_minor"])


def least_amount_minor(currency: str) -> int:
    """The least amount of a currency (ISO 4217, any case) in Stripe's smallest unit; 0 where none is known."""
    return _least().get(currency.upper(), 0)


def refuse_small_amounts(resources: Any, is_on: Callable[[], bool]) -> None:
    """Let localstripe's payments be refused with `amount_too_small`, as Stripe does, while `is_on()`."""
    payment_intent = resources.PaymentIntent
    create, capture = payment_intent._api_create.__func__, payment_intent._api_capture.__func__

    def check(amount: Any, currency: str) -> None:
        least_minor = least_amount_minor(currency)
        if is_on() and int(amount) < least_minor:
            message = f"Amount must be at least {least_minor} {currency.lower()}."
            raise resources.UserError(400, message, {"code": "amount_too_small"})

    def api_create(resource: Any, /, **data: Any) -> Any:
        if "amount" in data and "currency" in data:
            check(data["amount"], data["currency"])
        return create(resource, **data)

    def api_capture(resource: Any, /, **data: Any) -> Any:
        if data.get("amount_to_capture") is not None:
            check(data["amount_to_capture"], resource._api_retrieve(data["id"]).currency)
        return capture(resource, **data)

    payment_intent._api_create = classmethod(api_create)
    payment_intent._api_capture = classmethod(api_capture)
