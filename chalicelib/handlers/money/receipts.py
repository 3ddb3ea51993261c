"""Routes for receipts, as JSON, HTML or PDF: to their driver, and to whoever has a link that is good for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from chalice import Blueprint

from chalicelib.domain.money.receipt import Profile, Receipt
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, endpoint
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
from chalicelib.wiring import network

receipts = Blueprint(__name__)

_TYPES = {ReceiptFormat.HTML: "text/html; charset=utf-8", ReceiptFormat.PDF: "application/pdf"}
# Its address carries the ticket that opens it: nothing on the page may run, load, or put it into another's frame.
_NOTHING_RUNS = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAPER = ("text/html", "application/pdf")
_FORMAT = {"format": "json, html or pdf; json if left out"}


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
    """The receipt of a paid session: what was sold as it was, what is paid as of now; 409 until there is one."""
    return _printed(request, network().driver_sessions.receipt(request.driver_id, request.path["session_id"]))


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
    """A link to the receipt that needs no login, to be sent to whoever shall see it."""
    session_id = request.path["session_id"]
    network().driver_sessions.receipt(request.driver_id, session_id)
    expires_at = network().clock() + timedelta(days=request.body.valid_days)
    ticket = network().tickets.issue(session_id, request.driver_id, expires_at, TicketScope.RECEIPT)
    url = f"/v1/receipts/{quote(session_id)}?ticket={ticket}&format={request.body.format}"
    return ReceiptLink(url=url, expires_at=expires_at)


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
    session_id = request.path["session_id"]
    ticket = request.query.get("ticket", "")
    driver_id = network().tickets.verify(ticket, session_id, network().clock(), TicketScope.RECEIPT)
    shown = _printed(request, network().driver_sessions.receipt(driver_id, session_id))
    answer = shown if isinstance(shown, Answer) else Answer(shown)
    # Whoever has the address has the receipt: no cache on the way may keep one beside the other.
    return replace(answer, headers={**answer.headers, "Cache-Control": "no-store"})


@endpoint(receipts, "PUT", "/v1/operator/profile", takes=ProfileBody, status=204, needs_operator=True)
def put_profile(request: Request) -> Answer:
    """Say who the operator is; receipts that were issued before stay as they are."""
    network().registry.put_profile(request.operator_id, Profile(**request.body.model_dump()))
    return Answer()


@endpoint(receipts, "GET", "/v1/operator/profile", answers=ProfileView, errors=(404,), needs_operator=True)
def get_profile(request: Request) -> ProfileView:
    """Who the operator is."""
    return views.profile(network().registry.profile(request.operator_id))


def _printed(request: Request, it: Receipt) -> models.ReceiptView | Answer:
    try:
        wanted = ReceiptFormat(request.query.get("format", ReceiptFormat.JSON))
    except ValueError:
        raise BadRequest("format must be json, html or pdf", "format") from None
    if wanted is ReceiptFormat.JSON:
        return views.receipt(it)
    headers = {
        "Content-Type": _TYPES[wanted],
        "Content-Disposition": f'inline; filename="{it.number}.{wanted}"',
        "Cache-Control": "private, no-cache",
    }
    if wanted is ReceiptFormat.HTML:
        headers["Content-Security-Policy"] = _NOTHING_RUNS
    return Answer(_paper(it, wanted), headers=headers)


def _paper(it: Receipt, wanted: ReceiptFormat) -> str:
    # Only here: most requests want no paper.
    if wanted is ReceiptFormat.HTML:
        from chalicelib.handlers.money.paper.html import html  # noqa: PLC0415

        return html(it)
    from chalicelib.handlers.money.paper.pdf import pdf  # noqa: PLC0415

    return pdf(it)
