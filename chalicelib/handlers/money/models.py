"""Models of money: what is owed, given back, quoted, and what the books say."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chalicelib.domain.money.ledger import TransferKind
from chalicelib.domain.pricing.tariff import ReservationRestriction
from chalicelib.handlers.http.fields import Minor, RequestBody, ResponseBody, example
from chalicelib.handlers.money.receipt_models import ReceiptLine, ReceiptTax
from chalicelib.handlers.pricing.models import TagPriceView
from chalicelib.records.money import Compared

_DEBT: dict[str, Any] = {
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "operator_id": "demo",
    "amount_minor": 1240,
    "currency": "EUR",
    "since": "2026-11-21T10:00:00Z",
    "next_attempt_at": "2026-11-21T11:00:00Z",
    "error": "Your card was declined.",
    "needs_confirmation": False,
}


class DebtView(ResponseBody):
    """A debt: a charge that is not paid; `next_attempt_at` is when the card is asked again by itself.

    `needs_confirmation`: it is more than may be taken unasked; paying it (POST /v1/me/balance/pay) is to agree.
    """

    session_id: str
    operator_id: str
    amount_minor: Minor
    currency: str
    since: datetime
    next_attempt_at: datetime | None
    error: str
    needs_confirmation: bool


class Balance(ResponseBody):
    """A driver's balance: what is owed.

    `action`: the bank asks the cardholder to confirm, with Stripe.js (`confirmCardPayment`).
    """

    model_config = example(debts=[_DEBT], action=None)
    debts: list[DebtView]
    action: CardActionView | None


class PaymentView(RequestBody):
    """An empty body: all that is owed is paid, by the card that is saved now."""


class EnergyDecision(RequestBody):
    """What a person found that a charge has delivered, where its meter's word could not be believed; 0 waives it."""

    model_config = RequestBody.model_config | example(energy_wh=7400)
    energy_wh: Annotated[int, Field(ge=0, le=2_000_000)]


class CorrectionBody(RequestBody):
    """What a session shall cost its driver in all at the most, tax included, and why; 0 waives it."""

    model_config = RequestBody.model_config | example(total_minor=0, note="the charger stopped at 3 kWh")
    total_minor: Annotated[int, Field(ge=0, le=100_000_000)]
    note: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=300)]


class RefundBody(RequestBody):
    """How much to give back, in minor units; leave it out to give back all that is left."""

    model_config = RequestBody.model_config | example(amount_minor=500)
    amount_minor: Annotated[int, Field(gt=0, le=100_000_000)] | None = None


class RefundView(ResponseBody):
    """What was paid for a session, and what of it has gone back, all refunds together."""

    model_config = example(session_id="KAAAAAAAAAAAAAAAAAAA", currency="EUR", paid_minor=1240, refunded_minor=500)
    session_id: str
    currency: str
    paid_minor: Minor
    refunded_minor: Minor


class TransferView(ResponseBody):
    """A transfer: money from one account to another; a hold and its void move no balance."""

    kind: TransferKind
    debit: str
    credit: str
    amount_minor: Minor
    currency: str
    reference: str
    at: datetime


class Books(ResponseBody):
    """A session's transfers, oldest first, and what they come to by account: debits positive, the sum is zero."""

    model_config = example(
        session_id="KAAAAAAAAAAAAAAAAAAA",
        transfers=[
            {
                "kind": "sale",
                "debit": "driver/3f1c",
                "credit": "revenue/demo",
                "amount_minor": 1042,
                "currency": "EUR",
                "reference": "",
                "at": "2026-11-21T10:00:00Z",
            }
        ],
        balances_minor={"driver/3f1c": 1042, "revenue/demo": -1042},
    )
    session_id: str
    transfers: list[TransferView]
    balances_minor: dict[str, int]


class DifferenceView(ResponseBody):
    """A difference between our books and the payment provider's. `what`: held, taken or refunded."""

    session_id: str
    what: Compared
    ours_minor: Minor
    theirs_minor: Minor
    currency: str


class ReconciliationView(ResponseBody):
    """A day's differences; none is good news."""

    model_config = example(
        day="2026-11-20",
        items=[
            {
                "session_id": "KAAAAAAAAAAAAAAAAAAA",
                "what": "taken",
                "ours_minor": 1240,
                "theirs_minor": 1200,
                "currency": "EUR",
            }
        ],
    )
    day: date
    items: list[DifferenceView]


class ReservationPrice(ResponseBody):
    """What a reservation costs: `RESERVATION` for keeping a connector, `RESERVATION_EXPIRES` for who does not come."""

    restriction: ReservationRestriction
    price: TagPriceView


class Quote(ResponseBody):
    """What a charge would cost whoever asks, line by line; `quantity` in Wh, seconds or 1.

    `price` and `reservation` are consumer prices, tax and all; so is `total_minor`.
    """

    model_config = example(
        charger_id="DEMO-16",
        connector="1",
        tariff_id="standard",
        begins_at="2026-11-21T09:30:00Z",
        power_w=22000,
        energy_wh=10000,
        charging_s=1637,
        price=[{"per": "kwh", "amount": "0.5355", "tax_percent": "19"}],
        reservation=[
            {
                "restriction": "RESERVATION",
                "price": {"per": "minute", "amount": "0.05", "tax_percent": "19"},
            }
        ],
        hold_minor=5000,
        takes_deposit=False,
        currency="EUR",
        lines=[
            {"dimension": "energy", "quantity": 10000, "unit_price": "0.45", "tax_percent": "19", "amount_minor": 450}
        ],
        tax_included=False,
        net_minor=450,
        taxes=[{"percent": "19", "net_minor": 450, "amount_minor": 86}],
        tax_minor=86,
        total_minor=536,
    )
    charger_id: str
    connector: str
    tariff_id: str
    begins_at: datetime
    power_w: Annotated[int, Field(description="what the connector gives, or the car takes if that is less")]
    energy_wh: int
    charging_s: int
    price: list[TagPriceView]
    reservation: list[ReservationPrice]
    hold_minor: Annotated[int, Field(description="what is set aside on the card at first")]
    takes_deposit: Annotated[bool, Field(description="whether a deposit on chain may pay for it, by `pays: deposit`")]
    currency: str
    lines: list[ReceiptLine]
    tax_included: bool
    net_minor: Minor
    taxes: list[ReceiptTax]
    tax_minor: Minor
    total_minor: Minor


class Cost(ResponseBody):
    """What a session costs so far, or in the end."""

    currency: str
    net_minor: Minor
    tax_minor: Minor
    total_minor: Minor


class CardActionView(ResponseBody):
    """The card's bank asks its holder to confirm: hand these to Stripe.js (`confirmCardPayment`)."""

    client_secret: str
    publishable_key: str
