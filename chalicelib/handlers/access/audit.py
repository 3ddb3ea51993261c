"""The route for the audit: what was changed of an operator's, by whom, and what it was before."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from chalice import Blueprint

from chalicelib.domain.access.audit import AuditEntry, AuditQuery
from chalicelib.handlers.access.models import AuditEntryView, AuditPage
from chalicelib.handlers.http.endpoint import Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.http.query import time_asked
from chalicelib.wiring import network

audit = Blueprint(__name__)

_PAGING = Paging(usual=50, largest=200)


@endpoint(
    audit,
    "GET",
    "/v1/operator/audit",
    answers=AuditPage,
    errors=(400,),
    needs=Scope.AUDIT_READ,
    sites=SiteRule.ALL,
    query={
        **_PAGING.query,
        "thing": "one thing only, as entries name it: `chargers/DEMO-16`",
        "who": "one person only, or one key: `key:4Zs8Kd0bXq1M`",
        "since": "RFC 3339",
        "until": "RFC 3339",
    },
)
def read_audit(request: Request) -> AuditPage:
    """What was changed, newest first, kept for 400 days. A page may be shorter than `limit` and have a next one."""
    wanted = AuditQuery(
        thing=request.query.get("thing") or None,
        who=request.query.get("who") or None,
        since=_time(request, "since"),
        until=_time(request, "until"),
    )
    found, cursor = network().audit_log.page(request.operator_id, wanted, *_PAGING.asked(request))
    return AuditPage(items=[audit_view(it) for it in found], next_cursor=cursor)


def _time(request: Request, name: str) -> datetime | None:
    """Empty is left out."""
    return time_asked(request, name) if request.query.get(name) else None


def audit_view(it: AuditEntry) -> AuditEntryView:
    """An entry as it is shown."""
    return AuditEntryView(
        entry_id=it.entry_id,
        at=it.at,
        who=it.who,
        person_id=it.person_id,
        address=it.address,
        request_id=it.request_id,
        method=it.method,
        route=it.route,
        thing=it.thing,
        before=_json(it.before),
        asked=_json(it.asked),
        outcome=it.outcome,
        problem=it.problem or None,
    )


def _json(text: str) -> Any:
    return json.loads(text) if text else None
