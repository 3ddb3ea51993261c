"""Models of drivers' wallets: what is in them, what pays in by itself, and what moved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.money.wallet import EntryKind, TopUpState
from chalicelib.handlers.http.fields import Minor, RequestBody, ResponseBody, example
from chalicelib.handlers.money.models import CardActionView

_Amount = Annotated[int, Field(gt=0, le=100_000_000)]
_AUTO: dict[str, Any] = {"threshold_minor": 500, "amount_minor": 2000, "monthly_cap_minor": 6000}
_WALLET: dict[str, Any] = {
    "currency": "EUR",
    "balance_minor": 2480,
    "most_minor": 40000,
    "auto_top_up": _AUTO,
    "taken_this_month_minor": 2000,
}
_ENTRY: dict[str, Any] = {
    "kind": "given_back",
    "amount_minor": 3760,
    "balance_minor": 3760,
    "session_id": "KAAAAAAAAAAAAAAAAA",
    "paid_minor": 1240,
    "reference": "",
    "at": "2026-11-21T10:00:00Z",
}


class AutoTopUpBody(RequestBody):
    """What may be taken from the card without asking: so much whenever less than the threshold is left.

    Never more than the cap in a calendar month (UTC), whatever a charge under way needs.
    """

    model_config = RequestBody.model_config | example(**_AUTO)
    threshold_minor: Annotated[int, Field(ge=0, le=100_000_000)]
    amount_minor: _Amount
    monthly_cap_minor: _Amount


class AutoTopUpView(ResponseBody):
    """What may be taken from the card without asking."""

    threshold_minor: Minor
    amount_minor: Minor
    monthly_cap_minor: Minor


class WalletView(ResponseBody):
    """A wallet: what is in it and not set aside, and what it may hold; `auto_top_up` null: nothing is taken by itself.

    `taken_this_month_minor` is what automatic top-ups have taken in this month (UTC).
    """

    model_config = example(**_WALLET)
    currency: str
    balance_minor: Minor
    most_minor: Minor
    auto_top_up: AutoTopUpView | None
    taken_this_month_minor: Minor


class WalletList(ResponseBody):
    """A driver's wallets, one for each currency."""

    model_config = example(items=[_WALLET])
    items: list[WalletView]


class TopUpBody(RequestBody):
    """How much to pay in, by the card that pays."""

    model_config = RequestBody.model_config | example(amount_minor=2000)
    amount_minor: _Amount


class TopUpView(ResponseBody):
    """A top-up: its money is in the wallet once it is `credited`.

    `action`: the bank asks the cardholder to confirm, with Stripe.js (`confirmCardPayment`).
    """

    model_config = example(
        top_up_id="topup-0f2c-EUR-5b1d", amount_minor=2000, currency="EUR", state=TopUpState.PENDING, action=None
    )
    top_up_id: str
    amount_minor: Minor
    currency: str
    state: TopUpState
    action: CardActionView | None


class PayOutBody(RequestBody):
    """How much to pay back to the cards it came from; leave it out for all that is left."""

    model_config = RequestBody.model_config | example(amount_minor=1000)
    amount_minor: _Amount | None = None


class PayOutView(ResponseBody):
    """A pay-out. `is_done`: the payment provider gives it back; `failed_minor` was not taken, and is in the wallet."""

    model_config = example(pay_out_id="5b1d0a", amount_minor=1000, currency="EUR", failed_minor=0, is_done=True)
    pay_out_id: str
    amount_minor: Minor
    currency: str
    failed_minor: Minor
    is_done: bool


class WalletEntryView(ResponseBody):
    """A line of a statement; `balance_minor` was in the wallet then.

    `session_id`: the session that it is about, whose receipt says what was bought; `paid_minor` what was paid for it.
    `reference`: else the top-up or pay-out.
    """

    model_config = example(**_ENTRY)
    kind: EntryKind
    amount_minor: Annotated[int, Field(description="signed, in the currency's smallest unit")]
    balance_minor: Minor
    session_id: str | None
    paid_minor: Minor
    reference: str
    at: datetime


class WalletEntryPage(ResponseBody):
    """Lines of a statement, newest first."""

    model_config = example(items=[_ENTRY], next_cursor=None)
    items: list[WalletEntryView]
    next_cursor: str | None
