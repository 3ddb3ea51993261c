"""A driver reads what it was told over HTTP; an operator's webhook gets the same, signed, once, though it fails."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
import requests

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.records.notifications import Outcome
from local.client import ApiError, Person
from local.seed import Network
from local.stack import Stack

SECRET = "the driver app's secret"
WEBHOOK = "/v1/operator/webhook"


class App(ThreadingHTTPServer):
    """A driver app's server, which fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures = 0
        self.got: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: App

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = dict(it.split("=", 1) for it in self.headers["Kerb-Signature"].split(","))
        signed = hmac.new(SECRET.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(signed, fields["v1"])
        assert abs(int(fields["t"]) - datetime.now(UTC).timestamp()) < 60
        self.server.failures -= 1
        self.send_response(500 if self.server.failures >= 0 else 204)
        self.end_headers()
        if self.server.failures < 0:
            self.server.got.append(json.loads(body))

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def app_server() -> Iterator[App]:
    server = App()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=60)


def notices(person: Person, session_id: str) -> list[dict[str, Any]]:
    """Oldest first."""
    items = person.call("GET", "/v1/me/notices?limit=100")["items"]
    return [it for it in reversed(items) if it["session_id"] == session_id]


@pytest.fixture
def session_id(network: Network, socket: Socket, charger_id: str) -> str:
    """A session that has begun and ended and been paid."""
    session_id = str(network.driver.begin(charger_id)["session_id"])
    socket.await_command()
    now = datetime.now(UTC).isoformat()
    started = socket.call(
        "StartTransaction",
        {"connectorId": 1, "idTag": socket.command["idTag"], "meterStart": 0, "timestamp": now},
    )
    stop = {"transactionId": started["transactionId"], "meterStop": 5000, "timestamp": now}
    socket.call("StopTransaction", stop)
    network.driver.until(session_id, lambda it: it["state"] == "completed")
    return session_id


def test_a_driver_reads_what_it_was_told_and_nobody_else_does(
    stack: Stack, network: Network, session_id: str, charger_id: str
) -> None:
    told = notices(network.driver, session_id)
    assert [it["kind"] for it in told] == ["started", "finished", "receipt_ready"]
    assert told[0] | {"at": ""} == {
        "notice_id": f"{session_id}-started",
        "kind": "started",
        "at": "",
        "session_id": session_id,
        "charger_id": charger_id,
        "connector": "1",
        "session_url": f"/v1/sessions/{session_id}",
        "token": None,
    }
    assert notices(network.operator, session_id) == []
    first = network.driver.call("GET", "/v1/me/notices?limit=1")
    second = network.driver.call("GET", f"/v1/me/notices?limit=1&cursor={quote(first['next_cursor'])}")
    assert [first["items"][0], second["items"][0]] == [told[2], told[1]]
    headers = {"Authorization": f"Bearer {network.driver.token}"}
    seen = requests.get(f"{stack.http_url}/v1/me/notices", headers=headers, timeout=60)
    again = requests.get(
        f"{stack.http_url}/v1/me/notices", headers=headers | {"If-None-Match": seen.headers["ETag"]}, timeout=60
    )
    assert (seen.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "cursor=somewhere"])
def test_a_page_that_cannot_be_is_refused(network: Network, query: str) -> None:
    with pytest.raises(ApiError) as refused:
        network.driver.call("GET", f"/v1/me/notices?{query}")
    assert refused.value.status == 400


def test_a_webhook_that_failed_once_gets_every_notice_once(
    stack: Stack, network: Network, app_server: App, session_id: str
) -> None:
    assert network.operator.call("GET", WEBHOOK) == {"url": None}
    network.operator.call("PUT", WEBHOOK, {"url": app_server.url, "secret": SECRET})
    assert network.operator.call("GET", WEBHOOK) == {"url": app_server.url}
    try:
        # What others were told of may come with it, and fails as well.
        app_server.failures = 1_000
        assert not stack.cloud.fire("notices").get(Outcome.SENT)
        assert 0 < app_server.failures < 1_000
        assert app_server.got == []
        app_server.failures = 0
        later = replace(wiring.network().delivery, clock=lambda: datetime.now(UTC) + timedelta(minutes=5))
        later.deliver()
        stack.cloud.settle()
        assert len(app_server.got) >= 3
        later.deliver()
        stack.cloud.settle()
        # Others' may have become due between the two.
        told = [it["notice_id"] for it in app_server.got]
        assert len(told) == len(set(told))
    finally:
        network.operator.call("DELETE", WEBHOOK)
    got = [it["kind"] for it in app_server.got if it.get("session_id") == session_id]
    assert sorted(got) == ["finished", "receipt_ready", "started"]
    assert network.operator.call("GET", WEBHOOK) == {"url": None}
    assert [it["kind"] for it in notices(network.driver, session_id)] == ["started", "finished", "receipt_ready"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"url": "gopher://x.example.com/", "secret": SECRET}, 400, "url"),
        ({"url": "https://user:word@x.example.com/", "secret": SECRET}, 400, "url"),
        ({"url": "https://x.example.com/", "secret": "short"}, 422, "secret"),
        ({"url": "https://x.example.com/"}, 422, "secret"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(network: Network, body: dict[str, Any], status: int, field: str) -> None:
    with pytest.raises(ApiError) as refused:
        network.operator.call("PUT", WEBHOOK, body)
    assert refused.value.status == status
    assert [it["field"] for it in refused.value.problem["errors"]] == [field]
