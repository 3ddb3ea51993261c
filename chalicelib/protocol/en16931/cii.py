"""EN 16931 in UN/CEFACT's Cross Industry Invoice D16B, the syntax within a Factur-X or ZUGFeRD PDF (EN 16931-3-3)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date

from chalicelib.domain.money.invoice import DocumentAllowance, Draft, Invoice, InvoiceLine
from chalicelib.domain.money.party import Party
from chalicelib.domain.pricing.tax import Tax
from chalicelib.protocol.en16931 import terms
from chalicelib.protocol.en16931.terms import Elements, Specification

_CEFACT = "urn:un:unece:uncefact:data"
# UNTDID 2379: a date as year, month and day.
_DAY = "102"

_el = Elements(
    {
        "rsm": f"{_CEFACT}:standard:CrossIndustryInvoice:100",
        "ram": f"{_CEFACT}:standard:ReusableAggregateBusinessInformationEntity:100",
        "qdt": f"{_CEFACT}:standard:QualifiedDataType:100",
        "udt": f"{_CEFACT}:standard:UnqualifiedDataType:100",
    }
)


def written(it: Invoice) -> bytes:
    """The invoice as a document in UTF-8."""
    draft = it.draft
    context = _el(
        "rsm:ExchangedDocumentContext",
        _el("ram:BusinessProcessSpecifiedDocumentContextParameter", _el("ram:ID", terms.BUSINESS_PROCESS)),
        _el("ram:GuidelineSpecifiedDocumentContextParameter", _el("ram:ID", Specification.EN16931.value)),
    )
    document = _el(
        "rsm:ExchangedDocument",
        _el("ram:ID", it.number),
        _el("ram:TypeCode", draft.type.value),
        _el("ram:IssueDateTime", _day(it.issued_on)),
    )
    transaction = _el(
        "rsm:SupplyChainTradeTransaction",
        *(_line(number, line, draft) for number, line in enumerate(draft.lines, 1)),
        _el(
            "ram:ApplicableHeaderTradeAgreement",
            _el("ram:BuyerReference", draft.buyer.reference),
            _party("SellerTradeParty", draft.seller, is_seller=True),
            _party("BuyerTradeParty", draft.buyer, is_seller=False),
        ),
        _el(
            "ram:ApplicableHeaderTradeDelivery",
            _el("ram:ActualDeliverySupplyChainEvent", _el("ram:OccurrenceDateTime", _day(draft.ends_on))),
        ),
        _settlement(draft),
    )
    return _el.document("rsm:CrossIndustryInvoice", (context, document, transaction))


def _settlement(draft: Draft) -> ET.Element | None:
    return _el(
        "ram:ApplicableHeaderTradeSettlement",
        _el("ram:InvoiceCurrencyCode", draft.currency),
        _el(
            "ram:SpecifiedTradeSettlementPaymentMeans",
            _el("ram:TypeCode", terms.payment_means(draft)),
            _el("ram:Information", draft.card),
        ),
        *(_tax(tax, draft) for tax in draft.taxes),
        _el(
            "ram:BillingSpecifiedPeriod",
            _el("ram:StartDateTime", _day(draft.begins_on)),
            _el("ram:EndDateTime", _day(draft.ends_on)),
        ),
        *(_allowance(allowance, draft) for allowance in draft.allowances),
        _el("ram:SpecifiedTradePaymentTerms", _el("ram:DueDateDateTime", _day(draft.payable_on)))
        if draft.payable_on
        else None,
        _totals(draft),
        None
        if draft.of is None
        else _el(
            "ram:InvoiceReferencedDocument",
            _el("ram:IssuerAssignedID", draft.of.number),
            _el("ram:FormattedIssueDateTime", _day(draft.of.issued_on, "qdt")),
        ),
    )


def _party(name: str, it: Party, *, is_seller: bool) -> ET.Element | None:
    first, second, *further = (*it.street, "", "")
    registered = "" if it.vat_id else it.tax_id
    return _el(
        f"ram:{name}",
        _el("ram:Name", it.name),
        _el("ram:SpecifiedLegalOrganization", _el("ram:ID", registered)),
        _el(
            "ram:DefinedTradeContact",
            _el("ram:PersonName", it.name),
            _el("ram:TelephoneUniversalCommunication", _el("ram:CompleteNumber", it.phone)),
            _el("ram:EmailURIUniversalCommunication", _el("ram:URIID", it.email)),
        )
        if is_seller
        else None,
        _el(
            "ram:PostalTradeAddress",
            _el("ram:PostcodeCode", it.postal_code),
            _el("ram:LineOne", first),
            _el("ram:LineTwo", second),
            _el("ram:LineThree", ", ".join(line for line in further if line)),
            _el("ram:CityName", it.city),
            _el("ram:CountryID", it.country),
        ),
        _el("ram:URIUniversalCommunication", _el("ram:URIID", it.email, schemeID=terms.MAILBOX)),
        _el("ram:SpecifiedTaxRegistration", _el("ram:ID", it.vat_id, schemeID="VA")),
        _el("ram:SpecifiedTaxRegistration", _el("ram:ID", registered, schemeID="FC")) if is_seller else None,
    )


def _tax(it: Tax, draft: Draft) -> ET.Element | None:
    return _el(
        "ram:ApplicableTradeTax",
        _el("ram:CalculatedAmount", terms.amount(it.amount_minor, draft)),
        _el("ram:TypeCode", "VAT"),
        _el("ram:ExemptionReason", terms.exemption(it.percent, draft)),
        _el("ram:BasisAmount", terms.amount(it.net_minor, draft)),
        _el("ram:CategoryCode", terms.category(it.percent)),
        _el("ram:RateApplicablePercent", terms.number(it.percent)),
    )


def _allowance(it: DocumentAllowance, draft: Draft) -> ET.Element | None:
    return _el(
        "ram:SpecifiedTradeAllowanceCharge",
        _el("ram:ChargeIndicator", _el("udt:Indicator", "false")),
        _el("ram:ActualAmount", terms.amount(it.net_minor, draft)),
        _el("ram:ReasonCode", terms.DISCOUNT),
        _el("ram:Reason", terms.name_of(it.reason, draft)),
        _el(
            "ram:CategoryTradeTax",
            _el("ram:TypeCode", "VAT"),
            _el("ram:CategoryCode", terms.category(it.percent)),
            _el("ram:RateApplicablePercent", terms.number(it.percent)),
        ),
    )


def _totals(draft: Draft) -> ET.Element | None:
    return _el(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        _el("ram:LineTotalAmount", terms.amount(draft.lines_minor, draft)),
        _el("ram:AllowanceTotalAmount", terms.amount(draft.allowances_minor, draft)) if draft.allowances else None,
        _el("ram:TaxBasisTotalAmount", terms.amount(draft.net_minor, draft)),
        _el("ram:TaxTotalAmount", terms.amount(draft.tax_minor, draft), currencyID=draft.currency),
        _el("ram:GrandTotalAmount", terms.amount(draft.total_minor, draft)),
        _el("ram:TotalPrepaidAmount", terms.amount(draft.paid_minor, draft)),
        _el("ram:DuePayableAmount", terms.amount(draft.due_minor, draft)),
    )


def _line(number: int, it: InvoiceLine, draft: Draft) -> ET.Element | None:
    return _el(
        "ram:IncludedSupplyChainTradeLineItem",
        _el("ram:AssociatedDocumentLineDocument", _el("ram:LineID", str(number))),
        _el(
            "ram:SpecifiedTradeProduct",
            _el("ram:Name", terms.name_of(it.what, draft)),
            _el("ram:Description", terms.session_of(it, draft)),
        ),
        _el(
            "ram:SpecifiedLineTradeAgreement",
            _el(
                "ram:NetPriceProductTradePrice",
                _el("ram:ChargeAmount", terms.number(it.price)),
                _el("ram:BasisQuantity", str(it.price_quantity), unitCode=it.unit.value),
            ),
        ),
        _el(
            "ram:SpecifiedLineTradeDelivery",
            _el("ram:BilledQuantity", terms.number(it.quantity), unitCode=it.unit.value),
        ),
        _el(
            "ram:SpecifiedLineTradeSettlement",
            _el(
                "ram:ApplicableTradeTax",
                _el("ram:TypeCode", "VAT"),
                _el("ram:CategoryCode", terms.category(it.percent)),
                _el("ram:RateApplicablePercent", terms.number(it.percent)),
            ),
            _el(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                _el("ram:LineTotalAmount", terms.amount(it.net_minor, draft)),
            ),
        ),
    )


def _day(on: date, kind: str = "udt") -> ET.Element | None:
    return _el(f"{kind}:DateTimeString", f"{on:%Y%m%d}", format=_DAY)
