"""Routes of disputes: a driver says that a bill is wrong, its operator answers, and both get the same evidence.

Whoever paid without an account does so by the link to the receipt.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from chalice import Blueprint
from pydantic import Field, StringConstraints

from chalicelib.domain.charging.disputes import Dispute, DisputeReason, DisputeStatus
from chalicelib.domain.charging.session import Session
from chalicelib.domain.drivers import is_guest
from chalicelib.handlers.http.endpoint import Answer, Request, Scope, endpoint
from chalicelib.handlers.http.fields import RequestBody, ResponseBody, example
from chalicelib.records.access import TicketScope
from chalicelib.records.drivers import NotAllowed
from chalicelib.services.access import operators_own
from chalicelib.wiring import network

disputes = Blueprint(__name__)

_DRIVERS, _OPERATORS = "/v1/sessions/{session_id}", "/v1/operator/sessions/{session_id}"
_GUESTS = "/v1/receipts/{session_id}"
_TICKET = {"ticket": "from the link to the receipt"}
_KEPT_NOWHERE = {"Cache-Control": "no-store"}
Words = Annotated[str, StringConstraints(max_length=2000)]
_DISPUTE: dict[str, Any] = {
    "number": 1,
    "reason": "energy",
    "text": "My car says that it took 8 kWh, and I am billed 11.",
    "opened_at": "2026-11-21T11:00:00Z",
    "status": "upheld",
    "answer": "The meter is being exchanged; the difference has gone back to your card.",
    "closed_at": "2026-11-22T08:10:00Z",
    "settled_by": "dispute-1",
}


class DisputeOutcome(StrEnum):
    """What an operator may say of a dispute."""

    UPHELD = DisputeStatus.UPHELD.value
    REJECTED = DisputeStatus.REJECTED.value


class NewDispute(RequestBody):
    """What is wrong with a bill, in its driver's words."""

    model_config = RequestBody.model_config | example(reason="energy", text=_DISPUTE["text"])
    reason: DisputeReason
    text: Words = ""


class DisputeAnswer(RequestBody):
    """What its operator says to it. What is given back is a refund or a correction, made before; here it is named."""

    model_config = RequestBody.model_config | example(
        status="upheld", answer=_DISPUTE["answer"], settled_by=_DISPUTE["settled_by"]
    )
    status: DisputeOutcome
    answer: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    settled_by: Annotated[
        str, Field(max_length=255, description="the Idempotency-Key of the refund or correction; empty for none")
    ] = ""


class DisputeView(ResponseBody):
    """A dispute, and what came of it."""

    model_config = example(**_DISPUTE)
    number: int
    reason: DisputeReason
    text: str
    opened_at: datetime
    status: DisputeStatus
    answer: str
    closed_at: datetime | None
    settled_by: str = Field(description="the key of the refund or correction that was made for it")


class DisputeList(ResponseBody):
    """A session's disputes, the first one first; of all of them one is open at the most."""

    model_config = example(items=[_DISPUTE])
    items: list[DisputeView]


class EvidenceEntry(ResponseBody):
    """A text of the evidence: its name, SHA-256 of its UTF-8, and what it is."""

    name: str
    sha256: str
    bytes: int
    about: str


class EvidenceView(ResponseBody):
    """The evidence of a session: texts by their names, the hash of each, and why others are missing."""

    model_config = example(
        format="kerb-evidence/v1",
        session_id="KQ3V5ZJ7NAX2M4D6B8",
        manifest=[{"name": "bill.json", "sha256": "9f86d081…", "bytes": 812, "about": "the bill"}],
        missing={"signed-values.json": "the meter signed nothing of this charge"},
        files={"bill.json": "{…}\n"},
    )
    format: str
    session_id: str
    manifest: list[EvidenceEntry]
    missing: dict[str, str]
    files: dict[str, str]


@endpoint(
    disputes,
    "POST",
    f"{_DRIVERS}/dispute",
    takes=NewDispute,
    answers=DisputeList,
    status=201,
    errors=(404, 409),
)
def dispute_bill(request: Request) -> DisputeList:
    """Say that a bill is wrong, and why; its operator is told, and answers. The same again changes nothing."""
    body: NewDispute = request.body
    return _views(network().disputes.dispute(request.driver_id, request.path["session_id"], body.reason, body.text))


@endpoint(disputes, "GET", f"{_DRIVERS}/dispute", answers=DisputeList, errors=(404,))
def my_disputes(request: Request) -> DisputeList:
    """What the caller said of a bill, and what was answered."""
    return _views(network().driver_sessions.get(request.driver_id, request.path["session_id"]))


@endpoint(disputes, "DELETE", f"{_DRIVERS}/dispute", answers=DisputeList, errors=(404, 409))
def withdraw_dispute(request: Request) -> DisputeList:
    """Let a dispute go that is not answered yet; where there is none nothing changes."""
    return _views(network().disputes.withdraw(request.driver_id, request.path["session_id"]))


@endpoint(disputes, "GET", f"{_DRIVERS}/evidence", answers=EvidenceView, errors=(404, 409))
def my_evidence(request: Request) -> Answer:
    """All the evidence of a charge in one file, with the hash of each part; its operator gets the same."""
    return _evidence(network().driver_sessions.get(request.driver_id, request.path["session_id"]))


@endpoint(
    disputes,
    "POST",
    f"{_GUESTS}/dispute",
    takes=NewDispute,
    answers=DisputeList,
    status=201,
    needs_login=False,
    errors=(401, 404, 409),
    query=_TICKET,
)
def dispute_as_guest(request: Request) -> Answer:
    """Say that a bill is wrong, by the link to its receipt, as whoever paid without an account."""
    body: NewDispute = request.body
    session = network().disputes.dispute(_guest(request), request.path["session_id"], body.reason, body.text)
    return Answer(_views(session), 201, headers=_KEPT_NOWHERE)


@endpoint(
    disputes,
    "GET",
    f"{_GUESTS}/dispute",
    answers=DisputeList,
    needs_login=False,
    errors=(401, 404),
    query=_TICKET,
)
def guests_disputes(request: Request) -> Answer:
    """What whoever paid without an account said of a bill, and what was answered."""
    session = network().driver_sessions.get(_guest(request), request.path["session_id"])
    return Answer(_views(session), headers=_KEPT_NOWHERE)


@endpoint(
    disputes,
    "DELETE",
    f"{_GUESTS}/dispute",
    answers=DisputeList,
    needs_login=False,
    errors=(401, 404, 409),
    query=_TICKET,
)
def withdraw_as_guest(request: Request) -> Answer:
    """Let a dispute go that is not answered yet; where there is none nothing changes."""
    session = network().disputes.withdraw(_guest(request), request.path["session_id"])
    return Answer(_views(session), headers=_KEPT_NOWHERE)


@endpoint(
    disputes,
    "GET",
    f"{_GUESTS}/evidence",
    answers=EvidenceView,
    needs_login=False,
    errors=(401, 404, 409),
    query=_TICKET,
)
def guests_evidence(request: Request) -> Answer:
    """All the evidence of a charge in one file, for whoever paid it without an account; its operator gets the same."""
    found = _evidence(network().driver_sessions.get(_guest(request), request.path["session_id"]))
    return replace(found, headers={**found.headers, **_KEPT_NOWHERE})


def _guest(request: Request) -> str:
    """Whom the link to a receipt was issued to; one that somebody with an account gave on opens the receipt alone."""
    ticket, session_id = request.query.get("ticket", ""), request.path["session_id"]
    driver_id = network().tickets.verify(ticket, session_id, network().clock(), TicketScope.RECEIPT)
    if not is_guest(driver_id):
        raise NotAllowed("whoever has an account disputes a bill there: POST /v1/sessions/{id}/dispute")
    return driver_id


@endpoint(disputes, "GET", f"{_OPERATORS}/dispute", answers=DisputeList, errors=(404,), needs=Scope.SESSIONS_READ)
def session_disputes(request: Request) -> DisputeList:
    """What the driver of a session said of its bill, and what was answered."""
    return _views(_own(request))


@endpoint(
    disputes,
    "PUT",
    f"{_OPERATORS}/dispute",
    takes=DisputeAnswer,
    answers=DisputeList,
    errors=(404, 409),
    needs=Scope.SESSIONS_SETTLE,
)
def answer_dispute(request: Request) -> DisputeList:
    """Uphold or reject the dispute that is open; its driver is told. What is given back is a refund, made before."""
    body: DisputeAnswer = request.body
    answered = network().disputes.answer(
        request.operator_id,
        request.path["session_id"],
        status=DisputeStatus(body.status),
        answer=body.answer,
        settled_by=body.settled_by,
    )
    return _views(answered)


@endpoint(disputes, "GET", f"{_OPERATORS}/evidence", answers=EvidenceView, errors=(404, 409), needs=Scope.SESSIONS_READ)
def session_evidence(request: Request) -> Answer:
    """All the evidence of a charge in one file, the same that its driver gets."""
    return _evidence(_own(request))


def _own(request: Request) -> Session:
    session_id = request.path["session_id"]
    return operators_own(network().sessions.get(session_id), request.operator_id, f"session {session_id}")


def _views(session: Session) -> DisputeList:
    return DisputeList(items=[dispute_view(it) for it in session.disputes])


def dispute_view(it: Dispute) -> DisputeView:
    """A dispute as both sides see it."""
    return DisputeView(
        number=it.number,
        reason=it.reason,
        text=it.text,
        opened_at=it.opened_at,
        status=it.status,
        answer=it.answer,
        closed_at=it.closed_at,
        settled_by=it.settled_by,
    )


def _evidence(session: Session) -> Answer:
    """To the letter: the same evidence is the same file."""
    file = network().dispute_evidence.of(session)
    name = f'attachment; filename="{session.session_id}.evidence.json"'
    return Answer(file.text, headers={"Content-Type": "application/json", "Content-Disposition": name})
