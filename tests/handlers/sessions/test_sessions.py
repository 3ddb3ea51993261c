"""A session over HTTP: the same request twice, the list, and the live view of somebody who was away for long."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from benchmarks.wire import Socket
from local.seed import Network
from local.stack import Stack


@pytest.fixture
def session_id(network: Network, socket: Socket, charger_id: str) -> str:
    """A session under way, its meter at zero."""
    session_id = str(network.driver.begin(charger_id)["session_id"])
    socket.await_command()
    start = {"connectorId": 1, "idTag": socket.command["idTag"], "meterStart": 0, "timestamp": stamp()}
    socket.call("StartTransaction", start)
    return session_id


def stamp(later_s: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=later_s)).isoformat()


def read(socket: Socket, *registers_wh: int) -> None:
    values = [
        {"timestamp": stamp(number), "sampledValue": [{"value": str(register_wh)}]}
        for number, register_wh in enumerate(registers_wh)
    ]
    socket.call("MeterValues", {"connectorId": 1, "meterValue": values})


def finish(network: Network, socket: Socket, session_id: str, meter_stop_wh: int) -> dict[str, Any]:
    network.driver.end(session_id)
    socket.await_command()
    stop = {"transactionId": socket.command["transactionId"], "meterStop": meter_stop_wh, "timestamp": stamp()}
    socket.call("StopTransaction", stop)
    return network.driver.until(session_id, lambda it: it["state"] == "completed")


def events(text: str) -> list[dict[str, str]]:
    """What an EventSource would dispatch."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    return [block for block in blocks if "data" in block]


@pytest.mark.usefixtures("socket")
def test_the_same_request_again_is_the_same_session(stack: Stack, network: Network, charger_id: str) -> None:
    key = secrets.token_hex(8)

    def ask(connector: int) -> requests.Response:
        headers = {"Authorization": f"Bearer {network.driver.token}", "Idempotency-Key": key}
        body: dict[str, Any] = {"charger_id": charger_id, "connector": connector}
        return requests.post(f"{stack.http_url}/v1/sessions", json=body, headers=headers, timeout=60)

    first, again, elsewhere = ask(1), ask(1), ask(2)
    assert [it.status_code for it in (first, again, elsewhere)] == [201, 200, 422]
    assert first.json()["session_id"] == again.json()["session_id"]
    assert first.headers["Location"] == again.headers["Location"] == f"/v1/sessions/{first.json()['session_id']}"
    assert elsewhere.json()["type"] == "urn:kerb:problem:idempotency_key_reused"


def test_the_list_shows_a_session_under_way_as_far_as_it_has_come(
    network: Network, socket: Socket, session_id: str
) -> None:
    read(socket, 1500)
    alone = network.driver.session(session_id)
    (listed,) = (it for it in network.driver.call("GET", "/v1/sessions")["items"] if it["session_id"] == session_id)
    assert listed["energy_wh"] == alone["energy_wh"] == 1500
    assert listed["cost"] == alone["cost"]


def test_times_are_utc_and_money_is_whole(network: Network, session_id: str) -> None:
    session = network.driver.session(session_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", session["started_at"])
    assert {type(it) for name, it in session["cost"].items() if name.endswith("_minor")} == {int}
    assert session["prices"]["now"][0]["price"] == "0.45"


def test_who_watches_gets_no_ticket_that_outlives_the_one_shown(
    stack: Stack, network: Network, socket: Socket, session_id: str
) -> None:
    url = stack.http_url + network.driver.session(session_id)["live_url"]
    read(socket, 1000)
    answer = requests.get(url, timeout=60)
    assert [json.loads(it["data"])["live_url"] for it in events(answer.text)] == [None]
    assert "ticket" not in answer.text
    assert "no-store" in answer.headers["Cache-Control"]


def test_who_was_away_for_long_sees_every_reading_before_the_end(
    stack: Stack, network: Network, socket: Socket, session_id: str
) -> None:
    url = stack.http_url + network.driver.session(session_id)["live_url"]
    read(socket, *range(10, 1510, 10))
    finish(network, socket, session_id, 1510)
    seen: list[dict[str, str]] = []
    while not seen or seen[-1]["event"] != "end":
        last = {"Last-Event-ID": seen[-1]["id"]} if seen else {}
        new = events(requests.get(url, headers=last, timeout=60).text)
        assert new
        seen += new
    progress = [it["id"] for it in seen if it["event"] == "progress"]
    assert len(progress) == len(set(progress)) >= 150
    assert [it["event"] for it in seen].count("end") == 1
    assert json.loads(seen[-1]["data"])["energy_wh"] == 1510


def test_where_one_left_off_may_stand_in_the_address(
    stack: Stack, network: Network, socket: Socket, session_id: str
) -> None:
    url = stack.http_url + network.driver.session(session_id)["live_url"]
    read(socket, 1000)
    (step,) = events(requests.get(url, timeout=60).text)
    assert events(requests.get(url, params={"last_event_id": step["id"]}, timeout=60).text) == []
