"""Models of receipts: what was bought and paid, and by whom it was sold."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chalicelib.domain.charging.refunds import RefundStatus
from chalicelib.domain.pricing.bill import Dimension
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import (
    Country,
    Email,
    Figure,
    Minor,
    RequestBody,
    ResponseBody,
    SpokenLocale,
    example,
)


class ReceiptFormat(StrEnum):
    """What a receipt is printed on."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


class ReceiptLine(ResponseBody):
    """One thing charged for: `quantity` in Wh, seconds or 1; `unit_price` per kWh, hour or once.

    A `maximum` takes off what a session would cost more: its amount is below 0.
    """

    dimension: Dimension
    quantity: int
    unit_price: Figure
    tax_percent: Figure | None
    amount_minor: Minor


class ReceiptTax(ResponseBody):
    """The tax of one rate on `net_minor`."""

    percent: Figure
    net_minor: Minor
    amount_minor: Minor


class ProfileBody(RequestBody):
    """Who the operator is by law, as receipts issued from now on will say."""

    model_config = RequestBody.model_config | example(**examples.PROFILE)
    legal_name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]
    address: Annotated[
        str, StringConstraints(pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]+$", max_length=400), Field(description="in lines")
    ]
    country: Annotated[Country, StringConstraints(min_length=2)]
    tax_id: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9 ./\-]*$", max_length=40),
        Field(description="USt-IdNr., GST registration number, EIN, ..."),
    ] = ""
    email: Email | Literal[""] = ""
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9 +()/.\-]*$", max_length=40)] = ""
    language: Annotated[SpokenLocale, Field(description="of papers and messages to whoever has not said theirs")] = ""
    postal_code: Annotated[
        str, StringConstraints(max_length=20), Field(description="where the address's last line does not say it")
    ] = ""
    city: Annotated[
        str, StringConstraints(max_length=80), Field(description="where the address's last line does not say it")
    ] = ""


class ProfileView(ResponseBody):
    """Who an operator is by law; what it did not say is empty."""

    model_config = example(**examples.PROFILE)
    legal_name: str
    address: str
    country: str
    tax_id: str
    email: str
    phone: str
    language: str
    postal_code: str
    city: str


class NewReceiptLink(RequestBody):
    """How long the link shall be good, and what it shall show."""

    model_config = RequestBody.model_config | example(format="pdf", valid_days=7)
    format: ReceiptFormat = ReceiptFormat.HTML
    valid_days: Annotated[int, Field(ge=1, le=30)] = 7


class ReceiptLink(ResponseBody):
    """A link to a receipt or a refund note: whoever has the address sees it until then, without a login."""

    model_config = example(
        url="/v1/receipts/KAAAAAAAAAAAAAAAAAAA?ticket=eyJ…&format=pdf", expires_at="2026-11-28T10:05:00Z"
    )
    url: str
    expires_at: datetime


class RefundNoteView(ResponseBody):
    """A refund note: what has gone back of a receipt, its taxes by rate; void where the status is `failed`."""

    model_config = example(**examples.REFUND_NOTE)
    number: str
    receipt_number: str
    session_id: str
    status: RefundStatus
    refunded_at: datetime
    currency: str
    amount_minor: Minor
    net_minor: Minor
    taxes: list[ReceiptTax]
    tax_minor: Minor
    card: str
    supplier: ProfileView | None
    url: str


class RefundNotes(ResponseBody):
    """All that has gone back of a session, the first refund first."""

    model_config = example(items=[examples.REFUND_NOTE])
    items: list[RefundNoteView]


class FootprintView(ResponseBody):
    """What a charge's energy cost its site and emitted, and what was saved against charging at once."""

    model_config = example(**examples.FOOTPRINT)
    energy_wh: int
    renewable_percent: Annotated[Figure | None, Field(description="of the energy; null: not known, as all below")]
    carbon_g: Annotated[int | None, Field(description="CO2 equivalent, by the mix's average")]
    energy_cost_minor: Annotated[int | None, Field(description="what the site paid for it; no price of the driver's")]
    saved_minor: Annotated[
        int | None, Field(description="of energy_cost_minor, had it charged at once; below 0: that had cost less")
    ]
    saved_g: int | None
    currency: str
    source: Annotated[str, Field(description="whose prices and carbon")]
    method: Annotated[str, Field(description="how it was made of them, with its version")]


class ReceiptView(ResponseBody):
    """A receipt: what was bought and paid, which never changes, and what has gone back of it since."""

    model_config = example(**examples.RECEIPT)
    number: str
    session_id: str
    operator_id: str
    supplier: Annotated[ProfileView | None, Field(description="None where the operator had not said who it is")]
    issued_at: datetime
    site_name: str
    address: str
    time_zone: str
    charger_id: str
    connector: str
    started_at: datetime
    stopped_at: datetime
    meter_start_wh: int | None
    meter_stop_wh: int | None
    energy_wh: int
    currency: str
    lines: list[ReceiptLine]
    tax_included: Annotated[bool, Field(description="the lines' amounts include their tax")]
    net_minor: Minor
    taxes: list[ReceiptTax]
    tax_minor: Minor
    total_minor: Minor
    paid_minor: Minor
    waived_minor: Annotated[Minor, Field(description="what of the total the operator has let go of")]
    written_off_minor: Annotated[Minor, Field(description="what of the total is too little for a card, and let go of")]
    amount_due_minor: Minor
    paid_at: Annotated[datetime | None, Field(description="null: all of it was let go, nothing was paid")]
    card: str
    car: Annotated[str | None, Field(description="the driver's car; null where none is matched with the charge")]
    language: str
    footprint: Annotated[
        FootprintView | None, Field(description="null: nobody knows what the site's energy cost and emitted")
    ]
    refunded_minor: Minor
    refunds: list[RefundNoteView]
