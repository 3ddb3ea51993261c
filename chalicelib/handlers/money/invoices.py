"""Routes for invoices and credit notes: to their driver, to the operator, or by a link good for a while.

They are JSON, or by EN 16931 as UBL, CII, XRechnung, or Factur-X; or the proof that they are in the log as issued.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from chalice import Blueprint

from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.invoice import Invoice, InvoiceType
from chalicelib.domain.money.party import Party
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.money import views
from chalicelib.handlers.money.invoice_models import (
    AllowanceView,
    InvoiceFormat,
    InvoiceKind,
    InvoiceLineView,
    InvoiceLink,
    InvoiceList,
    InvoicePage,
    InvoicePapers,
    InvoiceView,
    MyInvoicePage,
    MyInvoiceView,
    NewInvoiceLink,
    PartyView,
)
from chalicelib.records.access import TicketScope
from chalicelib.services.access import NotFound, Refusal
from chalicelib.wiring import network

invoices = Blueprint(__name__)

_OF_SESSION = "/v1/sessions/{session_id}/invoice"
_XML = "application/xml"
_PDF = "application/pdf"
_ALSO = (_XML, _PDF, "text/plain")
_PROOF = "text/plain; charset=utf-8"
_FORMAT = {"format": "json, ubl, cii, xrechnung, facturx or tlog-proof; json if left out"}
_NUMBER = re.compile(r"[0-9]{4}-[0-9]{7,12}")
_PAGING = Paging(usual=50, largest=200)
_MY_PAGING = Paging()
_KINDS = {InvoiceType.INVOICE: InvoiceKind.INVOICE, InvoiceType.CREDIT_NOTE: InvoiceKind.CREDIT_NOTE}


@endpoint(invoices, "POST", _OF_SESSION, answers=InvoiceList, status=201, errors=(404, 409))
def issue_invoice(request: Request) -> InvoiceList:
    """Issue the invoice of a paid session to the business that the caller charges for, and what credit notes it lacks.

    Asked again, the same ones are answered.
    """
    session_id = request.path["session_id"]
    session = network().driver_sessions.get(request.driver_id, session_id)
    receipt = network().driver_sessions.receipt(request.driver_id, session_id)
    return InvoiceList(items=[_view(it) for it in network().issued_invoices.issue(session, receipt)])


@endpoint(invoices, "GET", _OF_SESSION, answers=InvoiceList, errors=(404,))
def session_invoices(request: Request) -> InvoiceList:
    """A session's invoice and credit notes, as issued."""
    session = network().driver_sessions.get(request.driver_id, request.path["session_id"])
    return InvoiceList(items=[_view(it) for it in network().issued_invoices.papers(session)])


@endpoint(
    invoices,
    "GET",
    f"{_OF_SESSION}/{{number}}",
    answers=InvoiceView,
    errors=(400, 404, 409),
    query=_FORMAT,
    also_as=_ALSO,
)
def session_invoice(request: Request) -> InvoiceView | Answer:
    """One of a session's papers by its number, as a book-keeper's software reads it."""
    return _written(request, *_numbered(request, request.driver_id))


@endpoint(
    invoices,
    "POST",
    f"{_OF_SESSION}/{{number}}/link",
    takes=NewInvoiceLink,
    answers=InvoiceLink,
    status=201,
    errors=(404,),
)
def link_invoice(request: Request) -> InvoiceLink:
    """A link to a paper that needs no login, to be sent to whoever keeps the books."""
    body: NewInvoiceLink = request.body
    _, it = _numbered(request, request.driver_id)
    session_id, expires_at = request.path["session_id"], network().clock() + timedelta(days=body.valid_days)
    ticket = network().tickets.issue(session_id, request.driver_id, expires_at, TicketScope.INVOICE)
    url = f"/v1/invoices/{quote(session_id)}/{it.number}?ticket={ticket}&format={body.format}"
    return InvoiceLink(url=url, expires_at=expires_at)


@endpoint(
    invoices,
    "GET",
    "/v1/invoices/{session_id}/{number}",
    answers=InvoiceView,
    needs_login=False,
    errors=(400, 401, 404, 409),
    query={"ticket": "from the link", **_FORMAT},
    also_as=_ALSO,
)
def linked_invoice(request: Request) -> Answer:
    """The paper behind a link: any of those that the link's session has."""
    session_id, ticket = request.path["session_id"], request.query.get("ticket", "")
    driver_id = network().tickets.verify(ticket, session_id, network().clock(), TicketScope.INVOICE)
    shown = _written(request, *_numbered(request, driver_id))
    answer = shown if isinstance(shown, Answer) else Answer(shown)
    # Whoever has the address has the paper: no cache on the way may keep one beside the other.
    return replace(answer, headers={**answer.headers, "Cache-Control": "no-store"})


@endpoint(
    invoices,
    "GET",
    "/v1/operator/invoices",
    answers=InvoicePage,
    errors=(400,),
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
    query=_PAGING.query,
)
def operator_invoices(request: Request) -> InvoicePage:
    """Invoices and credit notes by their numbers, the first one first."""
    limit, after = _behind(request)
    return _page(network().issued_invoices.page(request.operator_id, after, limit), limit)


@endpoint(
    invoices,
    "GET",
    "/v1/operator/organisations/{organisation_id}/invoices",
    answers=InvoicePage,
    errors=(400, 404),
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
    query=_PAGING.query,
)
def organisation_invoices(request: Request) -> InvoicePage:
    """What an organisation was billed, and what has gone back of that, by their numbers, the first one first."""
    limit, after = _behind(request)
    it = network().paying_organisations.get(request.operator_id, request.path["organisation_id"])
    return _page(network().invoice_lists.of_organisation(it.operator_id, it.organisation_id, after, limit), limit)


def _behind(request: Request) -> tuple[int, str]:
    """How many are asked for, and behind which number; empty: from the first."""
    limit, cursor = _PAGING.asked(request)
    if cursor and not _NUMBER.fullmatch(cursor):
        raise BadRequest("this cursor is not ours", "cursor")
    return limit, cursor or ""


def _page(found: Sequence[Invoice], limit: int) -> InvoicePage:
    return InvoicePage(items=[_view(it) for it in found], next_cursor=found[-1].number if len(found) == limit else None)


@endpoint(invoices, "GET", "/v1/me/invoices", answers=MyInvoicePage, errors=(400,), query=_MY_PAGING.query)
def my_invoices(request: Request) -> MyInvoicePage:
    """The caller's invoices and credit notes with all operators, of their newest sessions first.

    A page has those of so many sessions: it may be empty, and go on all the same.
    """
    limit, cursor = _MY_PAGING.asked(request)
    found, further = network().invoice_lists.of_driver(request.driver_id, limit, cursor)
    return MyInvoicePage(items=[_mine(session, it) for session, it in found], next_cursor=further)


def _mine(session: Session, it: Invoice) -> MyInvoiceView:
    path = f"/v1/sessions/{quote(session.session_id)}"
    paper = f"{path}/invoice/{it.number}?format="
    draft = it.draft
    return MyInvoiceView(
        number=it.number,
        kind=_KINDS[draft.type],
        of_number=draft.of.number if draft.of else None,
        operator_id=session.operator_id,
        session_id=session.session_id,
        seller=draft.seller.name,
        issued_on=it.issued_on,
        begins_on=draft.begins_on,
        ends_on=draft.ends_on,
        currency=draft.currency,
        total_minor=draft.total_minor,
        papers=InvoicePapers(
            ubl=f"{paper}{InvoiceFormat.UBL}",
            cii=f"{paper}{InvoiceFormat.CII}",
            facturx=f"{paper}{InvoiceFormat.FACTURX}",
            receipt=f"{path}/receipt",
        ),
    )


@endpoint(
    invoices,
    "GET",
    "/v1/operator/invoices/{number}",
    answers=InvoiceView,
    errors=(400, 404, 409),
    needs=Scope.MONEY_READ,
    sites=SiteRule.ALL,
    query=_FORMAT,
    also_as=_ALSO,
)
def operator_invoice(request: Request) -> InvoiceView | Answer:
    """An invoice or credit note by its number."""
    found = network().issued_invoices.numbered(request.operator_id, request.path["number"])
    return _written(request, request.operator_id, found)


def _numbered(request: Request, driver_id: str) -> tuple[str, Invoice]:
    """The session's paper that the path names, and whose it is. Raises NotFound."""
    session = network().driver_sessions.get(driver_id, request.path["session_id"])
    papers = {it.number: it for it in network().issued_invoices.papers(session)}
    found = papers.get(request.path["number"])
    if found is None:
        raise NotFound(f"invoice {request.path['number']}")
    return session.operator_id, found


def _written(request: Request, operator_id: str, it: Invoice) -> InvoiceView | Answer:
    try:
        wanted = InvoiceFormat(request.query.get("format", InvoiceFormat.JSON))
    except ValueError:
        raise BadRequest("format must be json, ubl, cii, xrechnung, facturx or tlog-proof", "format") from None
    if wanted is InvoiceFormat.JSON:
        return _view(it)
    if wanted is InvoiceFormat.FACTURX:
        name = f'inline; filename="{it.number}.pdf"'
        return Answer(_printed(it), headers={"Content-Type": _PDF, "Content-Disposition": name})
    if wanted is InvoiceFormat.PROOF:
        name = f'attachment; filename="{it.number}.tlog-proof"'
        proof = network().proofs.of_paper(operator_id, it)
        return Answer(proof.text, headers={"Content-Type": _PROOF, "Content-Disposition": name})
    name = f'attachment; filename="{it.number}-{wanted}.xml"'
    return Answer(_document(it, wanted), headers={"Content-Type": _XML, "Content-Disposition": name})


def _printed(it: Invoice) -> str:
    from chalicelib.handlers.money.paper.invoice_sheet import invoice_sheet  # noqa: PLC0415
    from chalicelib.handlers.money.paper.pdf import document_of  # noqa: PLC0415
    from chalicelib.protocol.en16931 import cii  # noqa: PLC0415

    return document_of(invoice_sheet(it), cii.written(it))


def _document(it: Invoice, wanted: InvoiceFormat) -> str:
    # Only here: most requests want no XML.
    from chalicelib.protocol.en16931 import cii, ubl  # noqa: PLC0415
    from chalicelib.protocol.en16931.terms import Specification, missing_in_xrechnung  # noqa: PLC0415

    if wanted is InvoiceFormat.CII:
        return cii.written(it).decode()
    if wanted is InvoiceFormat.UBL:
        return ubl.written(it).decode()
    if missing := missing_in_xrechnung(it.draft):
        raise Refusal("invoice_incomplete", f"XRechnung wants to know besides: {', '.join(missing)}")
    return ubl.written(it, Specification.XRECHNUNG).decode()


def _view(it: Invoice) -> InvoiceView:
    draft = it.draft
    return InvoiceView(
        number=it.number,
        kind=_KINDS[draft.type],
        of_number=draft.of.number if draft.of else None,
        issued_on=it.issued_on,
        begins_on=draft.begins_on,
        ends_on=draft.ends_on,
        currency=draft.currency,
        seller=_party(draft.seller),
        buyer=_party(draft.buyer),
        lines=[
            InvoiceLineView(
                what=line.what,
                session_id=line.session_id,
                quantity=line.quantity,
                unit=line.unit.value,
                price=line.price,
                price_quantity=line.price_quantity,
                net_minor=line.net_minor,
                tax_percent=line.percent,
            )
            for line in draft.lines
        ],
        allowances=[
            AllowanceView(what=off.reason, net_minor=off.net_minor, tax_percent=off.percent) for off in draft.allowances
        ],
        net_minor=draft.net_minor,
        taxes=[views.tax(each) for each in draft.taxes],
        tax_minor=draft.tax_minor,
        total_minor=draft.total_minor,
        paid_minor=draft.paid_minor,
        due_minor=draft.due_minor,
        payable_on=draft.payable_on,
    )


def _party(it: Party) -> PartyView:
    return PartyView(
        name=it.name,
        street=list(it.street),
        postal_code=it.postal_code,
        city=it.city,
        country=it.country,
        tax_id=it.tax_id,
        email=it.email,
        reference=it.reference,
    )
