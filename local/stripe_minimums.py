"""Stripe's least amount of each currency: below it nothing can be held, charged or captured.

The figures are the product's own (`chalicelib/domain/money/minimums.py`), told here in Stripe's units.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chalicelib.domain.money.minimums import least_charge_minor

# Where Stripe's unit is another than ISO 4217's (docs.stripe.com/currencies, "Special cases"): decimals more.
_MORE_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": -2}


def least_amount(currency: str) -> int:
    """The least amount of a currency (ISO 4217, any case) in Stripe's smallest unit."""
    code = currency.upper()
    return int(Decimal(least_charge_minor(code, datetime.now(UTC).date())).scaleb(_MORE_DECIMALS.get(code, 0)))


def refuse_small_amounts(resources: Any, is_on: Callable[[], bool]) -> None:
    """Let localstripe's payments be refused with `amount_too_small`, as Stripe does, while `is_on()`."""
    payment_intent = resources.PaymentIntent
    create, capture = payment_intent._api_create.__func__, payment_intent._api_capture.__func__

    def check(amount: Any, currency: str) -> None:
        least = least_amount(currency)
        if is_on() and int(amount) < least:
            message = f"Amount must be at least {least} {currency.lower()}."
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
