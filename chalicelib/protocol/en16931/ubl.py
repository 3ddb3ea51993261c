"""EN 16931 in UBL 2.1: an invoice, or a credit note, as XRechnung and Peppol exchange them (EN 16931-3-2)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from decimal import Decimal

from chalicelib.domain.money.invoice import DocumentAllowance, Draft, Invoice, InvoiceLine, InvoiceType
from chalicelib.domain.money.party import Party
from chalicelib.domain.pricing.tax import Tax
from chalicelib.protocol.en16931 import terms
from chalicelib.protocol.en16931.terms import Elements, Specification

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_COMMON = {"cac": f"{_UBL}:CommonAggregateComponents-2", "cbc": f"{_UBL}:CommonBasicComponents-2"}
_ROOTS = {InvoiceType.INVOICE: "Invoice", InvoiceType.CREDIT_NOTE: "CreditNote"}
_QUANTITIES = {InvoiceType.INVOICE: "InvoicedQuantity", InvoiceType.CREDIT_NOTE: "CreditedQuantity"}

_el = Elements(_COMMON)


def written(it: Invoice, specification: Specification = Specification.EN16931) -> bytes:
    """The invoice as a document in UTF-8."""
    root = _ROOTS[it.draft.type]
    document = Elements({**_COMMON, root.lower(): f"{_UBL}:{root}-2"})
    return document.document(f"{root.lower()}:{root}", _content(it, specification))


def _content(it: Invoice, specification: Specification) -> Iterator[ET.Element | None]:
    draft, root = it.draft, _ROOTS[it.draft.type]
    yield _el("cbc:CustomizationID", specification.value)
    yield _el("cbc:ProfileID", terms.BUSINESS_PROCESS)
    yield _el("cbc:ID", it.number)
    yield _el("cbc:IssueDate", it.issued_on.isoformat())
    payable_on = draft.payable_on.isoformat() if draft.payable_on else ""
    if draft.type is InvoiceType.INVOICE:
        yield _el("cbc:DueDate", payable_on)
    yield _el(f"cbc:{root}TypeCode", draft.type.value)
    yield _el("cbc:DocumentCurrencyCode", draft.currency)
    yield _el("cbc:BuyerReference", draft.buyer.reference)
    yield _el(
        "cac:InvoicePeriod",
        _el("cbc:StartDate", draft.begins_on.isoformat()),
        _el("cbc:EndDate", draft.ends_on.isoformat()),
    )
    if draft.of is not None:
        before = (_el("cbc:ID", draft.of.number), _el("cbc:IssueDate", draft.of.issued_on.isoformat()))
        yield _el("cac:BillingReference", _el("cac:InvoiceDocumentReference", *before))
    yield _el("cac:AccountingSupplierParty", _party(draft.seller, is_seller=True))
    yield _el("cac:AccountingCustomerParty", _party(draft.buyer, is_seller=False))
    yield _el("cac:Delivery", _el("cbc:ActualDeliveryDate", draft.ends_on.isoformat()))
    means = _el("cbc:PaymentMeansCode", terms.payment_means(draft), name=draft.card)
    # A credit note's day stands here (BT-9).
    due = _el("cbc:PaymentDueDate", payable_on) if draft.type is InvoiceType.CREDIT_NOTE else None
    yield _el("cac:PaymentMeans", means, due)
    yield from (_allowance(allowance, draft) for allowance in draft.allowances)
    yield _el(
        "cac:TaxTotal", _amount("TaxAmount", draft.tax_minor, draft), *(_subtotal(tax, draft) for tax in draft.taxes)
    )
    yield _totals(draft)
    yield from (_line(number, line, draft) for number, line in enumerate(draft.lines, 1))


def _party(it: Party, *, is_seller: bool) -> ET.Element | None:
    first, second, *further = (*it.street, "", "")
    registered = "" if it.vat_id else it.tax_id
    return _el(
        "cac:Party",
        _el("cbc:EndpointID", it.email, schemeID=terms.MAILBOX),
        _el("cac:PartyName", _el("cbc:Name", it.name)),
        _el(
            "cac:PostalAddress",
            _el("cbc:StreetName", first),
            _el("cbc:AdditionalStreetName", second),
            _el("cbc:CityName", it.city),
            _el("cbc:PostalZone", it.postal_code),
            _el("cac:AddressLine", _el("cbc:Line", ", ".join(line for line in further if line))),
            _el("cac:Country", _el("cbc:IdentificationCode", it.country)),
        ),
        _tax_scheme(it.vat_id, "VAT"),
        _tax_scheme(registered, "FC") if is_seller else None,
        _el("cac:PartyLegalEntity", _el("cbc:RegistrationName", it.name), _el("cbc:CompanyID", registered)),
        _el(
            "cac:Contact",
            _el("cbc:Name", it.name),
            _el("cbc:Telephone", it.phone),
            _el("cbc:ElectronicMail", it.email),
        )
        if is_seller
        else None,
    )


def _tax_scheme(tax_id: str, scheme: str) -> ET.Element | None:
    if not tax_id:
        return None
    return _el("cac:PartyTaxScheme", _el("cbc:CompanyID", tax_id), _el("cac:TaxScheme", _el("cbc:ID", scheme)))


def _allowance(it: DocumentAllowance, draft: Draft) -> ET.Element | None:
    return _el(
        "cac:AllowanceCharge",
        _el("cbc:ChargeIndicator", "false"),
        _el("cbc:AllowanceChargeReasonCode", terms.DISCOUNT),
        _el("cbc:AllowanceChargeReason", terms.name_of(it.reason, draft)),
        _amount("Amount", it.net_minor, draft),
        _category("TaxCategory", it.percent),
    )


def _subtotal(it: Tax, draft: Draft) -> ET.Element | None:
    return _el(
        "cac:TaxSubtotal",
        _amount("TaxableAmount", it.net_minor, draft),
        _amount("TaxAmount", it.amount_minor, draft),
        _category("TaxCategory", it.percent, terms.exemption(it.percent, draft)),
    )


def _category(name: str, percent: Decimal, reason: str = "") -> ET.Element | None:
    return _el(
        f"cac:{name}",
        _el("cbc:ID", terms.category(percent)),
        _el("cbc:Percent", terms.number(percent)),
        _el("cbc:TaxExemptionReason", reason),
        _el("cac:TaxScheme", _el("cbc:ID", "VAT")),
    )


def _totals(draft: Draft) -> ET.Element | None:
    return _el(
        "cac:LegalMonetaryTotal",
        _amount("LineExtensionAmount", draft.lines_minor, draft),
        _amount("TaxExclusiveAmount", draft.net_minor, draft),
        _amount("TaxInclusiveAmount", draft.total_minor, draft),
        _amount("AllowanceTotalAmount", draft.allowances_minor, draft) if draft.allowances else None,
        _amount("PrepaidAmount", draft.paid_minor, draft),
        _amount("PayableAmount", draft.due_minor, draft),
    )


def _line(number: int, it: InvoiceLine, draft: Draft) -> ET.Element | None:
    return _el(
        f"cac:{_ROOTS[draft.type]}Line",
        _el("cbc:ID", str(number)),
        _el(f"cbc:{_QUANTITIES[draft.type]}", terms.number(it.quantity), unitCode=it.unit.value),
        _amount("LineExtensionAmount", it.net_minor, draft),
        _el(
            "cac:Item",
            _el("cbc:Description", terms.session_of(it, draft)),
            _el("cbc:Name", terms.name_of(it.what, draft)),
            _category("ClassifiedTaxCategory", it.percent),
        ),
        _el(
            "cac:Price",
            _el("cbc:PriceAmount", terms.number(it.price), currencyID=draft.currency),
            _el("cbc:BaseQuantity", str(it.price_quantity), unitCode=it.unit.value),
        ),
    )


def _amount(name: str, minor: int, draft: Draft) -> ET.Element | None:
    return _el(f"cbc:{name}", terms.amount(minor, draft), currencyID=draft.currency)
