"""Routes for receipts and refund notes, as JSON, HTML or PDF: to their driver, or by a link good for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from chalice import Blueprint

from chalicelib.domain.languages import LANGUAGES, locale_of
from chalicelib.domain.money.receipt import Profile, Receipt, RefundNote
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.fields import ResponseBody
from chalicelib.handlers.money import receipt_models as models
from chalicelib.handlers.money import views
from chalicelib.handlers.money.receipt_models import (
    NewReceiptLink,
    ProfileBody,
    ProfileView,
    ReceiptFormat,
    ReceiptLink,
)
from chalicelib.records.access import TicketScope
from chalicelib.services.access import NotFound
from chalicelib.wiring import network

if TYPE_CHECKING:
    from chalicelib.handlers.money.paper.sheet import Sheet

receipts = Blueprint(__name__)

_TYPES = {ReceiptFormat.HTML: "text/html; charset=utf-8", ReceiptFormat.PDF: "application/pdf"}
# Its address carries the ticket that opens it: nothing on the page may run, load, or put it into another's frame.
_NOTHING_RUNS = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAPER = ("text/html", "application/pdf")
_FORMAT = {
    "format": "json, html or pdf; json if left out",
    "locale": "another language for paper than it was issued in, such as fr-CH",
}


@endpoint(
    receipts,
    "GET",
    "/v1/sessions/{session_id}/receipt",
    answers=models.ReceiptView,
    errors=(400, 404, 409),
    query=_FORMAT,
    also_as=_PAPER,
)
def receipt(request: Request) -> models.ReceiptView | Answer:
    """The receipt of a paid session: what was sold as it was, what is paid and gone back as of now; else 409."""
    return _receipt(request, *network().driver_sessions.papers(request.driver_id, request.path["session_id"]))


@endpoint(receipts, "GET", "/v1/sessions/{session_id}/refunds", answers=models.RefundNotes, errors=(404, 409))
def refunds(request: Request) -> models.RefundNotes:
    """What has gone back of a paid session, a note for each refund."""
    _, notes = network().driver_sessions.papers(request.driver_id, request.path["session_id"])
    return models.RefundNotes(items=[views.refund_note(it) for it in notes])


@endpoint(
    receipts,
    "GET",
    "/v1/sessions/{session_id}/refunds/{number}",
    answers=models.RefundNoteView,
    errors=(400, 404, 409),
    query=_FORMAT,
    also_as=_PAPER,
)
def refund_note(request: Request) -> models.RefundNoteView | Answer:
    """A refund note, by its number."""
    _, notes = network().driver_sessions.papers(request.driver_id, request.path["session_id"])
    return _note(request, notes)


@endpoint(
    receipts,
    "POST",
    "/v1/sessions/{session_id}/receipt/link",
    takes=NewReceiptLink,
    answers=ReceiptLink,
    status=201,
    errors=(404, 409),
)
def link_receipt(request: Request) -> ReceiptLink:
    """A link to the receipt and its refund notes that needs no login, to be sent to whoever shall see them."""
    session_id = request.path["session_id"]
    network().driver_sessions.receipt(request.driver_id, session_id)
    ticket, expires_at = _ticket(request)
    url = f"/v1/receipts/{quote(session_id)}?ticket={ticket}&format={request.body.format}"
    return ReceiptLink(url=url, expires_at=expires_at)


@endpoint(
    receipts,
    "POST",
    "/v1/sessions/{session_id}/refunds/{number}/link",
    takes=NewReceiptLink,
    answers=ReceiptLink,
    status=201,
    errors=(404, 409),
)
def link_refund_note(request: Request) -> ReceiptLink:
    """A link to a refund note that needs no login; it opens the receipt that the note refers to as well."""
    _, notes = network().driver_sessions.papers(request.driver_id, request.path["session_id"])
    note = _numbered(request, notes)
    ticket, expires_at = _ticket(request)
    return ReceiptLink(url=f"{views.note_url(note, ticket)}&format={request.body.format}", expires_at=expires_at)


@endpoint(
    receipts,
    "GET",
    "/v1/receipts/{session_id}",
    answers=models.ReceiptView,
    needs_login=False,
    errors=(400, 401, 404, 409),
    query={"ticket": "from the link", **_FORMAT},
    also_as=_PAPER,
)
def linked_receipt(request: Request) -> Answer:
    """The receipt behind a link."""
    return _kept_nowhere(_receipt(request, *_linked_papers(request)))


@endpoint(
    receipts,
    "GET",
    "/v1/receipts/{session_id}/refunds/{number}",
    answers=models.RefundNoteView,
    needs_login=False,
    errors=(400, 401, 404, 409),
    query={"ticket": "from the link, be it this note's or its receipt's", **_FORMAT},
    also_as=_PAPER,
)
def linked_refund_note(request: Request) -> Answer:
    """The refund note behind a link."""
    _, notes = _linked_papers(request)
    return _kept_nowhere(_note(request, notes))


@endpoint(
    receipts,
    "PUT",
    "/v1/operator/profile",
    takes=ProfileBody,
    status=204,
    needs=Scope.OPERATOR_WRITE,
    sites=SiteRule.ALL,
)
def put_profile(request: Request) -> Answer:
    """Say who the operator is; receipts that were issued before stay as they are."""
    network().registry.put_profile(request.operator_id, Profile(**request.body.model_dump()))
    return Answer()


@endpoint(
    receipts,
    "GET",
    "/v1/operator/profile",
    answers=ProfileView,
    errors=(404,),
    needs=Scope.OPERATOR_READ,
    sites=SiteRule.ANY,
)
def get_profile(request: Request) -> ProfileView:
    """Who the operator is."""
    return views.profile(network().registry.profile(request.operator_id))


def _receipt(request: Request, it: Receipt, notes: Sequence[RefundNote]) -> models.ReceiptView | Answer:
    wanted, locale = _wanted(request)
    if wanted is ReceiptFormat.JSON:
        return views.receipt(it, notes, request.query.get("ticket", ""))
    # Only here: most requests want no paper.
    from chalicelib.handlers.money.paper.sheet import sheet  # noqa: PLC0415

    return _printed(sheet(it, notes, locale), wanted)


def _numbered(request: Request, notes: Sequence[RefundNote]) -> RefundNote:
    """The note that the path names. Raises NotFound."""
    note = next((it for it in notes if it.number == request.path["number"]), None)
    if note is None:
        raise NotFound(f"refund note {request.path['number']}")
    return note


def _ticket(request: Request) -> tuple[str, datetime]:
    """A ticket to a session's papers, and until when it is good."""
    expires_at = network().clock() + timedelta(days=request.body.valid_days)
    session_id = request.path["session_id"]
    return network().tickets.issue(session_id, request.driver_id, expires_at, TicketScope.RECEIPT), expires_at


def _linked_papers(request: Request) -> tuple[Receipt, Sequence[RefundNote]]:
    """The papers that a link's ticket opens. Raises NotAllowed."""
    session_id, ticket = request.path["session_id"], request.query.get("ticket", "")
    driver_id = network().tickets.verify(ticket, session_id, network().clock(), TicketScope.RECEIPT)
    return network().driver_sessions.papers(driver_id, session_id)


def _kept_nowhere(shown: ResponseBody | Answer) -> Answer:
    """Whoever has the address has the paper: no cache on the way may keep one beside the other."""
    answer = shown if isinstance(shown, Answer) else Answer(shown)
    return replace(answer, headers={**answer.headers, "Cache-Control": "no-store"})


def _note(request: Request, notes: Sequence[RefundNote]) -> models.RefundNoteView | Answer:
    note = _numbered(request, notes)
    wanted, locale = _wanted(request)
    if wanted is ReceiptFormat.JSON:
        return views.refund_note(note, request.query.get("ticket", ""))
    from chalicelib.handlers.money.paper.sheet import note_sheet  # noqa: PLC0415

    return _printed(note_sheet(note, locale), wanted)


def _wanted(request: Request) -> tuple[ReceiptFormat, str]:
    """On what it shall be printed, and in which locale, empty for its own."""
    try:
        wanted = ReceiptFormat(request.query.get("format", ReceiptFormat.JSON))
    except ValueError:
        raise BadRequest("format must be json, html or pdf", "format") from None
    wish = request.query.get("locale", "")
    if wish and not locale_of(wish):
        raise BadRequest(f"locale must be one of {', '.join(LANGUAGES)}, with or without a country", "locale")
    return wanted, locale_of(wish)


def _printed(it: Sheet, wanted: ReceiptFormat) -> Answer:
    headers = {
        "Content-Type": _TYPES[wanted],
        "Content-Disposition": f'inline; filename="{it.number}.{wanted}"',
        "Cache-Control": "private, no-cache",
    }
    if wanted is ReceiptFormat.HTML:
        from chalicelib.handlers.money.paper.html import page  # noqa: PLC0415

        return Answer(page(it), headers={**headers, "Content-Security-Policy": _NOTHING_RUNS})
    from chalicelib.handlers.money.paper.pdf import document_of  # noqa: PLC0415

    return Answer(document_of(it), headers=headers)
