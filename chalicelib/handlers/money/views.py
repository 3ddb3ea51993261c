"""Views of money: bills, receipts and what a cardholder must confirm, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.charging.session import CardAction
from chalicelib.domain.money import receipt as domain
from chalicelib.domain.money.receipt import Profile, RefundNote
from chalicelib.domain.pricing.bill import Bill, Line
from chalicelib.domain.pricing.currency import micros_to_minor
from chalicelib.domain.pricing.tax import Tax
from chalicelib.handlers.money.models import CardActionView, Cost
from chalicelib.handlers.money.receipt_models import (
    FootprintView,
    ProfileView,
    ReceiptLine,
    ReceiptTax,
    ReceiptView,
    RefundNoteView,
)
from chalicelib.wiring import network


def action(it: CardAction) -> CardActionView:
    """What the cardholder's app needs so that they can confirm."""
    return CardActionView(client_secret=it.client_secret, publishable_key=network().setting("STRIPE_PUBLISHABLE_KEY"))


def line(it: Line) -> ReceiptLine:
    """One thing charged for."""
    return ReceiptLine(
        dimension=it.dimension,
        quantity=it.quantity,
        unit_price=it.unit_price,
        tax_percent=it.tax_percent,
        amount_minor=it.amount_minor,
    )


def tax(it: Tax) -> ReceiptTax:
    """The tax of one rate."""
    return ReceiptTax(percent=it.percent, net_minor=it.net_minor, amount_minor=it.amount_minor)


def cost(bill: Bill) -> Cost:
    """What a bill comes to."""
    return Cost(
        currency=bill.currency, net_minor=bill.net_minor, tax_minor=bill.tax_minor, total_minor=bill.total_minor
    )


def profile(it: Profile) -> ProfileView:
    """Who an operator is by law."""
    return ProfileView(
        legal_name=it.legal_name,
        address=it.address,
        country=it.country,
        tax_id=it.tax_id,
        email=it.email,
        phone=it.phone,
        language=it.language,
        postal_code=it.postal_code,
        city=it.city,
    )


def refund_note(it: RefundNote, ticket: str = "") -> RefundNoteView:
    """What has gone back of a receipt; seen by a link, it leads on by that link's ticket."""
    receipt, refund = it.receipt, it.refund
    return RefundNoteView(
        number=it.number,
        receipt_number=receipt.number,
        session_id=receipt.session_id,
        status=refund.status,
        refunded_at=refund.at,
        currency=receipt.bill.currency,
        amount_minor=refund.amount_minor,
        net_minor=it.net_minor,
        taxes=[tax(each) for each in refund.taxes if each.percent],
        tax_minor=refund.tax_minor,
        card=receipt.card,
        supplier=profile(receipt.supplier) if receipt.supplier else None,
        url=note_url(it, ticket),
    )


def note_url(it: RefundNote, ticket: str = "") -> str:
    """Where a refund note is: for its driver, or for whoever has a ticket to its receipt."""
    session_id = it.receipt.session_id
    if not ticket:
        return f"/v1/sessions/{session_id}/refunds/{it.number}"
    return f"/v1/receipts/{session_id}/refunds/{it.number}?ticket={ticket}"


def footprint(it: Footprint) -> FootprintView:
    """What a charge's energy came to beside its price."""
    permille = it.renewable_permille
    return FootprintView(
        energy_wh=it.energy_wh,
        renewable_percent=None if permille is None else Decimal(permille).scaleb(-1),
        carbon_g=it.carbon_g,
        energy_cost_minor=micros_to_minor(it.energy_cost_micros, it.currency),
        saved_minor=micros_to_minor(it.saved_micros, it.currency),
        saved_g=it.saved_g,
        currency=it.currency,
        source=it.source,
        method=it.method,
    )


def receipt(it: domain.Receipt, refunds: Sequence[RefundNote] = (), ticket: str = "") -> ReceiptView:
    """A receipt as it was issued, and what has gone back since."""
    return ReceiptView(
        number=it.number,
        session_id=it.session_id,
        operator_id=it.operator_id,
        supplier=profile(it.supplier) if it.supplier else None,
        issued_at=it.issued_at,
        site_name=it.site_name,
        address=it.address,
        time_zone=it.time_zone,
        charger_id=it.charger_id,
        connector=it.connector,
        started_at=it.started_at,
        stopped_at=it.stopped_at,
        meter_start_wh=it.meter_start_wh,
        meter_stop_wh=it.meter_stop_wh,
        energy_wh=it.energy_wh,
        currency=it.bill.currency,
        lines=[line(each) for each in it.bill.lines],
        tax_included=it.bill.tax_included,
        net_minor=it.bill.net_minor,
        taxes=[tax(each) for each in it.bill.taxes],
        tax_minor=it.bill.tax_minor,
        total_minor=it.bill.total_minor,
        paid_minor=it.paid_minor,
        waived_minor=it.waived_minor,
        written_off_minor=it.written_off_minor,
        amount_due_minor=it.due_minor,
        paid_at=it.paid_at,
        card=it.card,
        car=it.car or None,
        language=it.language,
        footprint=footprint(it.footprint) if it.footprint is not None else None,
        refunded_minor=sum(note.refund.amount_minor for note in refunds if not note.is_void),
        refunds=[refund_note(note, ticket) for note in refunds],
    )
