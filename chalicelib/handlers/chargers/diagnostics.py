"""Routes for diagnostics: what an operator's chargers said, what they are, and how long they were up."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from chalice import Blueprint

from chalicelib.domain.chargers.events import ReportKind
from chalicelib.handlers.chargers import views
from chalicelib.handlers.chargers.diagnostics_models import (
    ChargerDetail,
    HistoryView,
    JournalPage,
    KnockPage,
    ReportView,
    Trace,
    TraceBody,
    TransactionView,
    UptimeReport,
)
from chalicelib.handlers.chargers.session_models import (
    HandSettlementBody,
    OperatorSession,
    OperatorSessionPage,
    SignedValuePage,
)
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.http.query import time_asked
from chalicelib.records.chargers import Admission
from chalicelib.services.chargers.remote_control import is_whole
from chalicelib.wiring import network

insight = Blueprint(__name__)

_CHARGER = "/v1/operator/chargers/{charger_id}"
_LONGEST_SPAN = timedelta(days=400)
_PAGING = Paging(usual=50, largest=200)
_SPAN = {"since": "RFC 3339; 30 days ago if left out", "until": "RFC 3339; now if left out"}


def _admission_before(request: Request) -> object:
    charger, _ = network().remote_control.look(request.operator_id, request.path["charger_id"])
    return {"admission": charger.admission}


def _trace_before(request: Request) -> object:
    charger, _ = network().remote_control.look(request.operator_id, request.path["charger_id"])
    return {"traced_until": charger.traced_until}


@endpoint(insight, "GET", _CHARGER, answers=ChargerDetail, errors=(404,), needs=Scope.CHARGERS_READ)
def look_at_charger(request: Request) -> ChargerDetail:
    """A charger: how it is registered, connected and set up, and its latest news."""
    remote_control, provisioning = network().remote_control, network().provisioning
    # Before the charger: whoever sees it settled sees what came of it too.
    setup = provisioning.look(request.path["charger_id"])
    charger, news = remote_control.look(request.operator_id, request.path["charger_id"])
    profile = provisioning.profile(request.operator_id).version
    main_meter = remote_control.main_meter(request.operator_id, charger.charger_id)
    return views.detail(charger, news, main_meter, views.setup(charger, setup, profile))


@endpoint(
    insight, "POST", _CHARGER + "/block", status=204, errors=(404,), needs=Scope.CHARGERS_WRITE, reads=_admission_before
)
def block_charger(request: Request) -> Answer:
    """Close a charger's socket and let it in no more."""
    network().registry.admit(request.operator_id, request.path["charger_id"], Admission.BLOCKED)
    return Answer()


@endpoint(
    insight,
    "POST",
    _CHARGER + "/accept",
    status=204,
    errors=(404, 409),
    needs=Scope.CHARGERS_WRITE,
    reads=_admission_before,
)
def accept_charger(request: Request) -> Answer:
    """Let a blocked charger in again. One that waits unregistered is accepted by registering it."""
    network().registry.admit(request.operator_id, request.path["charger_id"], Admission.ACCEPTED)
    return Answer()


@endpoint(
    insight,
    "GET",
    _CHARGER + "/journal",
    answers=JournalPage,
    errors=(400, 404),
    needs=Scope.JOURNAL_READ,
    query=_PAGING.query,
)
def read_journal(request: Request) -> JournalPage:
    """The message log: what was said between a charger and Kerb, newest first."""
    messages, cursor = network().remote_control.read_journal(
        request.operator_id, request.path["charger_id"], *_PAGING.asked(request)
    )
    return JournalPage(items=[views.entry(it) for it in messages], next_cursor=cursor)


@endpoint(
    insight,
    "GET",
    "/v1/operator/knocks",
    answers=KnockPage,
    errors=(400,),
    needs=Scope.CHARGERS_READ,
    sites=SiteRule.LISTS,
    query=_PAGING.query,
)
def list_knocks(request: Request) -> KnockPage:
    """Refused connections of chargers, and why: the last seven days, counted by charger, reason and day."""
    guard = network().site_guard
    knocks, cursor = guard.page(
        request.principal,
        lambda limit, before: network().knocks.page(request.operator_id, limit, before),
        lambda it: guard.site(request.principal, "charger_id", it.charger_id),
        *_PAGING.asked(request),
    )
    return KnockPage(items=[views.knock(it) for it in knocks], next_cursor=cursor)


@endpoint(
    insight,
    "PUT",
    _CHARGER + "/trace",
    takes=TraceBody,
    answers=Trace,
    errors=(404,),
    needs=Scope.CHARGERS_COMMAND,
    reads=_trace_before,
)
def trace_charger(request: Request) -> Trace:
    """Log heartbeats and readings too, for a while; every process knows within a minute."""
    lasting = timedelta(minutes=request.body.minutes)
    until = network().remote_control.trace(request.operator_id, request.path["charger_id"], lasting)
    return Trace(traced_until=until)


@endpoint(
    insight,
    "GET",
    _CHARGER + "/uptime",
    answers=UptimeReport,
    errors=(400, 404),
    needs=Scope.CHARGERS_READ,
    query={**_SPAN, "excluded_min": "minutes of outage beyond the operator's control (T_excluded)"},
)
def read_uptime(request: Request) -> UptimeReport:
    """Each connector's uptime by UK and US law, from its statuses and its charger's connections."""
    since, until = _span(request)
    text = request.query.get("excluded_min", "0")
    if not text.isdecimal() or len(text) > 6:
        raise BadRequest("excluded_min must be a number of minutes", "excluded_min")
    excluded = timedelta(minutes=int(text))
    found = network().remote_control.uptime(request.operator_id, request.path["charger_id"], since, until, excluded)
    return views.uptime(since, until, excluded, found)


@endpoint(
    insight,
    "GET",
    _CHARGER + "/history",
    answers=HistoryView,
    errors=(400, 404),
    needs=Scope.CHARGERS_READ,
    query=_SPAN,
)
def read_history(request: Request) -> HistoryView:
    """When a charger was connected, and how its connectors changed."""
    since, until = _span(request)
    found = network().remote_control.happenings(request.operator_id, request.path["charger_id"], since, until)
    return HistoryView(items=[views.happening(it) for it in found])


@endpoint(
    insight,
    "GET",
    _CHARGER + "/reports/{kind}/{request_id}",
    answers=ReportView,
    errors=(400, 404),
    needs=Scope.CHARGERS_READ,
)
def read_report(request: Request) -> ReportView:
    """What a 2.x charger reported under the request id it was asked with, part by part."""
    kind, request_id = request.path["kind"], request.path["request_id"]
    if kind not in set(ReportKind):
        raise BadRequest(f"kind must be one of {', '.join(ReportKind)}", "kind")
    if not request_id.isdecimal() or len(request_id) > 10:
        raise BadRequest("request_id must be a number", "request_id")
    parts = network().remote_control.report(
        request.operator_id, request.path["charger_id"], ReportKind(kind), int(request_id)
    )
    return ReportView(
        kind=ReportKind(kind),
        request_id=int(request_id),
        is_complete=is_whole(parts),
        parts=[json.loads(it.body) for it in parts],
    )


@endpoint(
    insight, "GET", _CHARGER + "/transactions/{ref}", answers=TransactionView, errors=(404,), needs=Scope.SESSIONS_READ
)
def read_transaction(request: Request) -> TransactionView:
    """A transaction as its charger told it, with the numbers of messages that never came."""
    path = request.path
    return views.transaction(network().remote_control.transaction(request.operator_id, path["charger_id"], path["ref"]))


@endpoint(
    insight,
    "GET",
    "/v1/operator/sessions",
    answers=OperatorSessionPage,
    errors=(400,),
    needs=Scope.SESSIONS_READ,
    sites=SiteRule.LISTS,
    query={**_PAGING.query, "flagged": "`true` for those only that a person should look at"},
)
def operator_sessions(request: Request) -> OperatorSessionPage:
    """The operator's sessions, newest first."""
    flagged = request.query.get("flagged", "false").lower() == "true"
    found, cursor = network().site_guard.page(
        request.principal,
        lambda limit, before: network().remote_control.own_sessions(
            request.operator_id, limit, before, flagged=flagged
        ),
        lambda it: it.site_id,
        *_PAGING.asked(request),
    )
    return OperatorSessionPage(items=[views.session(it) for it in found], next_cursor=cursor)


@endpoint(
    insight,
    "GET",
    "/v1/operator/sessions/{session_id}/signed-values",
    answers=SignedValuePage,
    errors=(400, 404),
    needs=Scope.SESSIONS_READ,
    query=_PAGING.query,
)
def signed_values(request: Request) -> SignedValuePage:
    """What the charger's meter signed of a session, to the letter and in order of time; `limit` counts messages."""
    limit, cursor = _PAGING.asked(request)
    found, further = network().remote_control.signed(
        request.operator_id, request.path["session_id"], limit, cursor or ""
    )
    return SignedValuePage(items=[views.signed_value(it) for it in found], next_cursor=further)


_SESSION = "/v1/operator/sessions/{session_id}"


@endpoint(
    insight,
    "POST",
    _SESSION + "/end",
    answers=OperatorSession,
    status=202,
    errors=(404, 409),
    needs=Scope.SESSIONS_STOP,
    reads=views.session_before,
)
def end_session(request: Request) -> OperatorSession:
    """Have the charger asked to end a session, as its driver could."""
    return views.session(network().hand_settlement.ask_to_end(request.operator_id, request.path["session_id"]))


@endpoint(
    insight,
    "POST",
    _SESSION + "/settle",
    takes=HandSettlementBody,
    answers=OperatorSession,
    status=202,
    errors=(404, 409),
    needs=Scope.SESSIONS_SETTLE,
    reads=views.session_before,
)
def settle_session(request: Request) -> OperatorSession:
    """End a session now by what is proven, and bill that, whatever its charger says. Again changes nothing.

    Should the charger's own end still come, it corrects this before the money is taken, and by a refund after it.
    """
    by = request.principal.name
    session_id = request.path["session_id"]
    return views.session(network().hand_settlement.settle(request.operator_id, session_id, by, request.body.reason))


def _span(request: Request) -> tuple[datetime, datetime]:
    now = network().clock()
    until = time_asked(request, "until") or now
    since = time_asked(request, "since") or until - timedelta(days=30)
    if not since < until or until - since > _LONGEST_SPAN:
        raise BadRequest(f"since must be before until, by no more than {_LONGEST_SPAN.days} days", "since")
    return since, until
