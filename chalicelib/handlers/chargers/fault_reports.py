"""Routes for fault reports: drivers make them, operators answer and close them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from chalice import Blueprint
from pydantic import Field, StringConstraints

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.fault_report import FaultKind, FaultReport
from chalicelib.handlers.http.endpoint import Answer, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.fields import Connector, RequestBody, ResponseBody, example
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.http.query import is_asked
from chalicelib.services.access import operators_own
from chalicelib.wiring import network

faults = Blueprint(__name__)

_PAGING = Paging()
Words = Annotated[str, StringConstraints(max_length=2000)]
_REPORT: dict[str, Any] = {
    "report_id": "0d7f4f3e-5f0c-4b6e-9a55-2f3d1c0b9a11",
    "charger_id": "DEMO-16",
    "connector": "1",
    "kind": "cable_stuck",
    "text": "It does not let go of the cable.",
    "created_at": "2026-11-21T09:30:00Z",
    "answer": "",
    "answered_at": None,
    "closed_at": None,
}


class NewFaultReport(RequestBody):
    """What is wrong, and where."""

    model_config = RequestBody.model_config | example(
        connector="1", kind="cable_stuck", text="It does not let go of the cable."
    )
    connector: Connector | None = None
    kind: FaultKind
    text: Words = ""


class FaultReportAnswer(RequestBody):
    """What the operator says to it, and whether that is the end of it."""

    model_config = RequestBody.model_config | example(answer="Somebody is on the way.", is_closed=False)
    answer: Words = ""
    is_closed: bool = False


class FaultReportView(ResponseBody):
    """A report, and what came of it. Who made it is not told."""

    model_config = example(**_REPORT)
    report_id: str
    charger_id: str
    connector: str | None
    kind: FaultKind
    text: str
    created_at: datetime
    answer: str
    answered_at: datetime | None
    closed_at: datetime | None


class FaultReportList(ResponseBody):
    """A driver's newest reports."""

    model_config = example(items=[_REPORT])
    items: list[FaultReportView]


class FaultReportPage(ResponseBody):
    """A page of an operator's reports, newest first; ask again with `cursor` for more."""

    model_config = example(items=[_REPORT], next_cursor=None)
    items: list[FaultReportView]
    next_cursor: Annotated[str | None, Field(description="null: there are no more")]


@endpoint(
    faults,
    "POST",
    "/v1/chargers/{charger_id}/fault-reports",
    takes=NewFaultReport,
    answers=FaultReportView,
    status=201,
    errors=(404, 409),
)
def report_fault(request: Request) -> Answer:
    """Tell a charger's operator what is wrong there."""
    body: NewFaultReport = request.body
    connector = ConnectorId.parse(body.connector) if body.connector is not None else None
    made = network().reported_faults.report(
        request.driver_id, request.path["charger_id"], connector, body.kind, body.text
    )
    return Answer(fault_report(made))


@endpoint(faults, "GET", "/v1/me/fault-reports", answers=FaultReportList)
def my_fault_reports(request: Request) -> FaultReportList:
    """What the caller has reported, newest first, and what was answered."""
    return FaultReportList(items=[fault_report(it) for it in network().reported_faults.of_driver(request.driver_id)])


@endpoint(
    faults,
    "GET",
    "/v1/operator/fault-reports",
    answers=FaultReportPage,
    errors=(400,),
    needs=Scope.FAULTS_READ,
    sites=SiteRule.LISTS,
    query={"open": "`true` for those only that are not closed", **_PAGING.query},
)
def fault_reports(request: Request) -> FaultReportPage:
    """What drivers have reported of the operator's chargers, newest first."""
    open_only = is_asked(request, "open")
    guard = network().site_guard
    found, cursor = guard.page(
        request.principal,
        lambda limit, before: network().fault_reports.of_operator(
            request.operator_id, limit, before, open_only=open_only
        ),
        lambda it: guard.site(request.principal, "charger_id", it.charger_id),
        *_PAGING.asked(request),
    )
    return FaultReportPage(items=[fault_report(it) for it in found], next_cursor=cursor)


def _report_before(request: Request) -> object:
    report_id = request.path["report_id"]
    known = operators_own(network().fault_reports.get(report_id), request.operator_id, f"report {report_id}")
    return {"answer": known.answer, "closed_at": known.closed_at}


@endpoint(
    faults,
    "PUT",
    "/v1/operator/fault-reports/{report_id}",
    takes=FaultReportAnswer,
    answers=FaultReportView,
    errors=(404, 409),
    needs=Scope.FAULTS_WRITE,
    reads=_report_before,
)
def answer_fault_report(request: Request) -> FaultReportView:
    """Answer a report, close it, or open it again."""
    body: FaultReportAnswer = request.body
    answered = network().reported_faults.answer(
        request.operator_id, request.path["report_id"], body.answer, is_closed=body.is_closed
    )
    return fault_report(answered)


def fault_report(it: FaultReport) -> FaultReportView:
    """A report as driver and operator see it."""
    return FaultReportView(
        report_id=it.report_id,
        charger_id=it.charger_id,
        connector=str(it.connector) if it.connector is not None else None,
        kind=it.kind,
        text=it.text,
        created_at=it.created_at,
        answer=it.answer,
        answered_at=it.answered_at,
        closed_at=it.closed_at,
    )
