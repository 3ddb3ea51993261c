"""What a request costs by how much is stored: each route, and a reading of a charge, at several sizes of it all.

The routes are those of the app's own table; what is not asked says why. A network of a size has so many of everything:
the operator's chargers at one site, the driver's sessions, tokens and notices, a charge's readings, a charger's past.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from botocore.client import BaseClient
from rich.table import Table

from app import app
from benchmarks.big_network import CHARGER_ID, DRIVER, EVERY, OPERATOR, OVER, RUNNING, SITE_ID, SPOT, BigNetwork
from chalicelib import wiring
from tests.tables import account, without_http

# The live view is asked for the last of so many readings.
_STEPS = 10
_SITE_BODY = {"address": "Quay 2", "time_zone": "Europe/Berlin", "tariff_id": "standard", **SPOT}
_BODIES: Mapping[str, Callable[[], Any]] = {
    "PUT /v1/operator/sites/{site_id}": lambda: {**_SITE_BODY, "name": f"Harbour {time.monotonic_ns()}"},
    "PUT /v1/operator/tokens/{uid}": lambda: {"driver_id": DRIVER},
}

# Routes of the app's table that are asked for, by method and path, with what stands in their path and after it.
ASKED: Mapping[str, str] = {
    "GET /v1/chargers/nearby": "?lat=53.5437&lng=9.9924&radius=5000",
    "GET /v1/chargers/{charger_id}": "",
    "GET /v1/chargers/{charger_id}/quote": "?energy_wh=20000",
    "GET /v1/me": "",
    "GET /v1/me/balance": "",
    "GET /v1/me/business": "",
    "GET /v1/me/cards": "",
    "GET /v1/me/devices": "",
    "GET /v1/me/export": "",
    "GET /v1/me/fault-reports": "",
    "GET /v1/me/notices": "",
    "GET /v1/me/notices/preferences": "",
    "GET /v1/me/roaming": "",
    "GET /v1/me/statements/{month}": "",
    "GET /v1/me/operators": "",
    "GET /v1/me/tokens": "",
    "GET /v1/operator/alarm-settings": "",
    "GET /v1/operator/alarms": "",
    "GET /v1/operator/audit": "",
    "GET /v1/operator/charger-profile": "",
    "GET /v1/operator/chargers": "",
    "GET /v1/operator/chargers/{charger_id}": "",
    "GET /v1/operator/chargers/{charger_id}/history": "",
    "GET /v1/operator/chargers/{charger_id}/journal": "",
    "GET /v1/operator/chargers/{charger_id}/transactions/{ref}": "",
    "GET /v1/operator/chargers/{charger_id}/uptime": "",
    "GET /v1/operator/fault-reports": "",
    "GET /v1/me/second-factor": "",
    "GET /v1/operator/invitations": "",
    "GET /v1/operator/keys": "",
    "GET /v1/operator/live": "",
    "GET /v1/operator/knocks": "",
    "GET /v1/operator/members": "",
    "GET /v1/operator/profile": "",
    "GET /v1/operator/security": "",
    "GET /v1/operator/reconciliation": "",
    "GET /v1/operator/sessions": "",
    "GET /v1/operator/sessions/{session_id}/books": "",
    "GET /v1/operator/sessions/{session_id}/signed-values": "",
    "GET /v1/sessions/{session_id}/signed-values": "",
    "GET /v1/operator/tokens/{uid}": "",
    "GET /v1/operator/webhook": "",
    "GET /v1/reservations": "",
    "GET /v1/me/watches": "",
    "GET /v1/sessions": "",
    "GET /v1/sessions/{session_id}": "",
    "GET /v1/sessions/{session_id}/curve": "",
    "GET /v1/sessions/{session_id}/live": "",
    "GET /v1/sites/{site_id}": "",
    "PUT /v1/operator/sites/{site_id}": "",
    "PUT /v1/operator/tokens/{uid}": "",
}
# What reads a row or two by their names, and no list; and what only others' services know.
LEFT_OUT: Mapping[str, str] = {
    "GET /v1/log": "settings, and a key that is asked for once",
    "GET /v1/sessions/{session_id}/proof": "a session, its receipt, its batch of the log and a few files",
    "GET /v1/operator/sessions/{session_id}/proof": "as its driver's",
    "GET /v1/sessions/{session_id}/dispute": "a session by its name",
    "GET /v1/operator/sessions/{session_id}/dispute": "a session by its name",
    "GET /v1/sessions/{session_id}/evidence": "what is kept of one session, of everything so much at the most",
    "GET /v1/operator/sessions/{session_id}/evidence": "as its driver's",
    "GET /v1/receipts/{session_id}/evidence": "the same, by a link",
    "GET /v1/receipts/{session_id}/dispute": "a session by its name",
    "GET /v1/sessions/{session_id}/deposit": "a session by its name, and one question to a node",
    "GET /v1/adhoc/checkouts/{checkout_id}": "a checkout by its name",
    "GET /v1/chargers/along": "as nearby, over a route: `benchmarks/search.py`",
    "GET /v1/me/charging-preferences": "a driver's row",
    "GET /v1/me/vehicles": "a driver's few cars, one query",
    "GET /v1/me/vehicles/makers": "reads nothing",
    "GET /v1/me/vehicles/matches": "a driver's few cars, one query",
    "GET /v1/me/vehicles/{vehicle_id}": "a car by its name",
    "GET /v1/me/vehicles/{vehicle_id}/night": "a car's night by its name",
    "GET /v1/me/vehicles/{vehicle_id}/wish": "a car's wish by its name",
    "GET /v1/openapi.json": "reads nothing",
    "GET /v1/operator/alarms/{alarm_id}": "an alarm by its name",
    "GET /v1/operator/chargers/{charger_id}/commands/{command_id}": "a call by its name",
    "GET /v1/operator/chargers/{charger_id}/reports/{kind}/{request_id}": "as long as what the charger reported",
    "GET /v1/operator/demand-response/events": "a page of events",
    "GET /v1/operator/demand-response/openadr": "an operator's server by its name",
    "GET /v1/operator/demand-response/events/{event_id}": "an event by its name",
    "GET /v1/operator/demand-response/events/{event_id}/report": "an event's samples, a row for each site and quarter",
    "GET /v1/operator/sites/{site_id}/demand-response": "a contract by its site",
    "GET /v1/operator/invitations/{invitation_id}": "an invitation by its name",
    "GET /v1/operator/chargers/{charger_id}/meter-keys": "the few keys of a charger's meters, in one item",
    "GET /v1/operator/keys/{key_id}": "a key by its name",
    "GET /v1/operator/members/{person_id}": "a person by their name",
    "GET /v1/platform/operators": "the platform's: a page of operators, each by its name",
    "GET /v1/platform/operators/{operator_id}": "the platform's: an operator by its name",
    "GET /v1/platform/operators/{operator_id}/audit": "the platform's: as an operator's own audit, of one thing",
    "GET /v1/operator/sites/{site_id}/grid": "a tree by its site, of 500 ports at the most",
    "GET /v1/operator/sites/{site_id}/energy": "a contract by its site, and of each of its three feeds two days",
    "GET /v1/operator/sites/{site_id}/power": "one query of a site's rows, of 500 ports at the most",
    "GET /v1/operator/invoices": "one query of a page, by numbers",
    "GET /v1/operator/invoices/{number}": "an invoice by its number",
    "GET /v1/me/wallets": "a driver's few wallets, one for each currency",
    "GET /v1/me/wallets/{currency}/entries": "one query of a page",
    "GET /v1/me/organisations": "an organisation by its name, for each operator that has one for the driver",
    "GET /v1/operator/organisations": "an operator's few organisations",
    "GET /v1/operator/organisations/{organisation_id}": "an organisation by its name",
    "GET /v1/operator/organisations/{organisation_id}/members": "an organisation's drivers",
    "GET /v1/operator/organisations/{organisation_id}/sessions": "what an organisation pays for in one month",
    "GET /v1/operator/organisations/{organisation_id}/invoices": "one query of a page, by numbers",
    "GET /v1/me/invoices": "a page of a driver's sessions, and a batch for each operator among them",
    "GET /v1/receipts/{session_id}": "a receipt by its name",
    "GET /v1/receipts/{session_id}/refunds/{number}": "a session by its name",
    "GET /v1/reservations/{reservation_id}": "a reservation by its name",
    "GET /v1/sessions/{session_id}/invoice": "an invoice by its session, and a credit note for each refund",
    "GET /v1/sessions/{session_id}/invoice/{number}": "the same",
    "GET /v1/invoices/{session_id}/{number}": "the same, by a link",
    "GET /v1/sessions/{session_id}/receipt": "a receipt by its name",
    "GET /v1/sessions/{session_id}/refunds": "a session by its name",
    "GET /v1/sessions/{session_id}/refunds/{number}": "a session by its name",
}
_PATH = {
    "charger_id": CHARGER_ID,
    "month": "2026-11",
    "ref": "tx-1",
    "session_id": RUNNING,
    "uid": "TOKEN-00001",
    "site_id": SITE_ID,
}
# What answers with all of something, and what keeps that small.
GROWS: Mapping[str, str] = {
    "GET /v1/chargers/nearby": "chargers at one and the same spot are read together",
    "GET /v1/me/export": "all of a driver's tokens, notices and reports; their sessions by pages",
    "GET /v1/me/statements/{month}": "a month's sessions, a thousand at the most",
    "GET /v1/me/tokens": "all of a driver's tokens",
    "GET /v1/operator/chargers/{charger_id}/history": "what a charger's connectors did in the days asked for",
    "GET /v1/operator/chargers/{charger_id}/transactions/{ref}": "the numbers of all messages of a transaction",
    "GET /v1/operator/chargers/{charger_id}/uptime": "what a charger's connectors did in the days asked for",
    "GET /v1/sessions/{session_id}/curve": "all readings of a charge, of which a few hundred are shown",
    "GET /v1/sessions/{session_id}/signed-values": "all that was signed of a charge, a thousand messages at the most",
    "GET /v1/sites/{site_id}": "all chargers of a site",
}


@dataclass
class Usage:
    """What was asked of AWS: calls, the items that came back or were written, and the time until they were answered."""

    calls: int = 0
    items: int = 0
    answered_s: float = 0.0


@contextmanager
def counted() -> Iterator[Usage]:
    """Count what is asked of DynamoDB inside."""
    base: Any = BaseClient
    original, usage, one_at_a_time = base._make_api_call, Usage(), threading.Lock()

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        began = time.thread_time()
        answer = original(client, operation, params)
        with one_at_a_time:
            usage.calls += 1
            usage.answered_s += time.thread_time() - began
            usage.items += answer.get("ScannedCount") or sum(map(len, answer.get("Responses", {}).values())) or 1
        return answer

    base._make_api_call = make_api_call
    try:
        yield usage
    finally:
        base._make_api_call = original


def request(route: str) -> tuple[int, str]:
    """Ask for one of `ASKED` as the driver who runs the operator's chargers; its status and what is answered."""
    method, _, resource = route.partition(" ")
    path_names = {name: _PATH[name] for name in _PATH if f"{{{name}}}" in resource}
    if "/books" in route or "/signed-values" in route:
        path_names["session_id"] = OVER if "/books" in route else RUNNING
    query = dict(pair.partition("=")[::2] for pair in ASKED[route].lstrip("?").split("&") if pair)
    now_s = str(int(time.time()) + 3600)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    if route.endswith("/{session_id}/live"):
        query = {"ticket": wiring.network().tickets.issue(RUNNING, DRIVER, wiring.network().clock() + EVERY)}
        query["last_event_id"] = _before_last(_STEPS)
    context = {
        "resourcePath": resource,
        "httpMethod": method,
        "identity": {"sourceIp": "203.0.113.1"},
        "authorizer": {
            "principalId": DRIVER,
            "groups": f"operator:{OPERATOR}",
            "issued_s": now_s,
            "logged_in_s": now_s,
        },
    }
    answer = app(
        {
            "resource": resource,
            "path": resource.format(**path_names),
            "httpMethod": method,
            "requestContext": context,
            "headers": headers,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
            "pathParameters": path_names,
            "stageVariables": None,
            "body": json.dumps(_BODIES[route]()) if route in _BODIES else None,
            "isBase64Encoded": False,
        },
        SimpleNamespace(aws_request_id="r", function_name="api", invoked_function_arn="", memory_limit_in_mb=512),
    )
    return int(answer["statusCode"]), str(answer["body"])


def _before_last(steps: int) -> str:
    session = wiring.network().sessions.get(RUNNING)
    assert session is not None
    assert session.ref is not None
    known = wiring.network().readings.newest(CHARGER_ID, session.ref, steps + 1)
    return f"{known[-1].position}|active"


@dataclass(frozen=True)
class Look:
    """What one request, or one message, uses; `own_ms` is processor time without that of the store."""

    calls: int
    items: int
    own_ms: float
    status: int = 200


def looks(size: int) -> dict[str, Look]:
    """What each uses in a network of that size: first asked for once, as by a process that knows its tables."""
    found: dict[str, Look] = {}
    with account(), without_http():
        kit = BigNetwork(size)
        wiring.install(kit)
        try:
            for route in ASKED:
                request(route)
                found[route] = look_at(lambda route=route: request(route)[0])  # type: ignore[misc]
            found["MeterValues of a charge with limits"] = look_at(kit.tell_reading)
        finally:
            wiring.install(None)
    return found


def look_at(act: Callable[[], Any]) -> Look:
    """What one act uses; it may answer with a status."""
    began = time.process_time()
    with counted() as usage:
        status = act()
    own_s = max(0.0, time.process_time() - began - usage.answered_s)
    return Look(usage.calls, usage.items, own_s * 1000, status or 200)


def table(sizes: Sequence[int], title: str, looks_at: Callable[[int], Mapping[str, Look]]) -> Table:
    """Calls, items and our own processor time, side by side."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("what is asked")
    for size in sizes:
        for what in ("calls", "items", "ms"):
            shown.add_column(f"{what} at {size:,}", justify="right")
    by_size = [looks_at(size) for size in sizes]
    for name in by_size[0]:
        cells = [cell for it in by_size for cell in _cells(it[name])]
        shown.add_row(name, *cells)
    return shown


def _cells(it: Look) -> tuple[str, str, str]:
    return str(it.calls), str(it.items), f"{it.own_ms:.0f}"
