"""Models of invoices and credit notes: who sold what to which business, at which rates of VAT."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from chalicelib.domain.texts import Text
from chalicelib.handlers.http.fields import Figure, Minor, RequestBody, ResponseBody, example
from chalicelib.handlers.money.receipt_models import ReceiptTax


class InvoiceFormat(StrEnum):
    """How an invoice is written: as JSON, or by EN 16931 in one of its syntaxes, with XRechnung's fields, or printed.

    `facturx` is a PDF/A-3 that carries its CII; `tlog-proof` the proof that it is in the log, as it was issued.
    """

    JSON = "json"
    UBL = "ubl"
    CII = "cii"
    XRECHNUNG = "xrechnung"
    FACTURX = "facturx"
    PROOF = "tlog-proof"


class InvoiceKind(StrEnum):
    """Whether something was sold, or has gone back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


_SELLER: dict[str, Any] = {
    "name": "Demo Ladenetz GmbH",
    "street": ["Kaistrasse 7"],
    "postal_code": "20457",
    "city": "Hamburg",
    "country": "DE",
    "tax_id": "DE123456789",
    "email": "billing@example.com",
    "reference": "",
}
_BUYER: dict[str, Any] = {
    "name": "Acme Ltd",
    "street": ["Road 1"],
    "postal_code": "10115",
    "city": "Berlin",
    "country": "DE",
    "tax_id": "DE987654321",
    "email": "books@acme.example",
    "reference": "04011000-12345-34",
}
_INVOICE: dict[str, Any] = {
    "number": "2026-0000042",
    "kind": "invoice",
    "of_number": None,
    "issued_on": "2026-11-21",
    "begins_on": "2026-11-21",
    "ends_on": "2026-11-21",
    "currency": "EUR",
    "seller": _SELLER,
    "buyer": _BUYER,
    "lines": [
        {
            "what": "energy",
            "session_id": "KAAAAAAAAAAAAAAAAAAA",
            "quantity": "10",
            "unit": "KWH",
            "price": "0.49",
            "price_quantity": 1,
            "net_minor": 490,
            "tax_percent": "19",
        }
    ],
    "allowances": [],
    "net_minor": 490,
    "taxes": [{"percent": "19", "net_minor": 490, "amount_minor": 93}],
    "tax_minor": 93,
    "total_minor": 583,
    "paid_minor": 583,
    "due_minor": 0,
    "payable_on": None,
}


class PartyView(ResponseBody):
    """A seller or buyer; `reference` is what the buyer wants to find on it."""

    model_config = example(**_BUYER)
    name: str
    street: list[str]
    postal_code: str
    city: str
    country: str
    tax_id: str
    email: str
    reference: str


class InvoiceLineView(ResponseBody):
    """So much of something; `price` is that of `price_quantity` units (UN/ECE Recommendation 20), before VAT."""

    what: Text
    session_id: str
    quantity: Figure
    unit: str
    price: Decimal
    price_quantity: int
    net_minor: Minor
    tax_percent: Figure


class AllowanceView(ResponseBody):
    """What is taken off the lines of a rate, before VAT."""

    what: Text
    net_minor: Minor
    tax_percent: Figure


class InvoiceView(ResponseBody):
    """An invoice, or a credit note for what has gone back of `of_number`; neither changes any more."""

    model_config = example(**_INVOICE)
    number: Annotated[str, Field(description="without a gap, for each operator")]
    kind: InvoiceKind
    of_number: str | None
    issued_on: date
    begins_on: date
    ends_on: date
    currency: str
    seller: PartyView
    buyer: PartyView
    lines: list[InvoiceLineView]
    allowances: list[AllowanceView]
    net_minor: Minor
    taxes: list[ReceiptTax]
    tax_minor: Minor
    total_minor: Minor
    paid_minor: Minor
    due_minor: Minor
    payable_on: Annotated[date | None, Field(description="until then an organisation pays what is due")]


class NewInvoiceLink(RequestBody):
    """How long the link shall be good, and how the invoice shall be written."""

    model_config = RequestBody.model_config | example(format="facturx", valid_days=7)
    format: InvoiceFormat = InvoiceFormat.FACTURX
    valid_days: Annotated[int, Field(ge=1, le=30)] = 7


class InvoiceLink(ResponseBody):
    """A link to an invoice: whoever has the address sees it until then, without a login."""

    model_config = example(
        url="/v1/invoices/KAAAAAAAAAAAAAAAAAAA/2026-0000042?ticket=eyJ…&format=facturx",
        expires_at="2026-11-28T10:05:00Z",
    )
    url: str
    expires_at: datetime


class InvoiceList(ResponseBody):
    """A session's invoice, and the credit notes for what has gone back of it."""

    model_config = example(items=[_INVOICE])
    items: list[InvoiceView]


class InvoicePage(ResponseBody):
    """An operator's invoices and credit notes, by their numbers."""

    model_config = example(items=[_INVOICE], next_cursor=None)
    items: list[InvoiceView]
    next_cursor: str | None


_PAPER = "/v1/sessions/KAAAAAAAAAAAAAAAAAAA/invoice/2026-0000042?format="
_MINE: dict[str, Any] = {
    "number": "2026-0000042",
    "kind": "invoice",
    "of_number": None,
    "operator_id": "demo-operator",
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "seller": "Demo Ladenetz GmbH",
    "issued_on": "2026-11-21",
    "begins_on": "2026-11-21",
    "ends_on": "2026-11-21",
    "currency": "EUR",
    "total_minor": 583,
    "papers": {
        "ubl": f"{_PAPER}ubl",
        "cii": f"{_PAPER}cii",
        "facturx": f"{_PAPER}facturx",
        "receipt": "/v1/sessions/KAAAAAAAAAAAAAAAAAAA/receipt",
    },
}


class InvoicePapers(ResponseBody):
    """Where a paper is to be had in each way, with the caller's login; the receipt is that of its first session."""

    model_config = example(**_MINE["papers"])
    ubl: str
    cii: str
    facturx: str
    receipt: str


class MyInvoiceView(ResponseBody):
    """One of the caller's papers in a list; `session_id` is the first session that it is about."""

    model_config = example(**_MINE)
    number: Annotated[str, Field(description="without a gap, for each operator")]
    kind: InvoiceKind
    of_number: str | None
    operator_id: str
    session_id: str
    seller: str
    issued_on: date
    begins_on: date
    ends_on: date
    currency: str
    total_minor: Minor
    papers: InvoicePapers


class MyInvoicePage(ResponseBody):
    """The caller's papers, of their newest sessions first; an empty page may go on all the same."""

    model_config = example(items=[_MINE], next_cursor=None)
    items: list[MyInvoiceView]
    next_cursor: str | None
