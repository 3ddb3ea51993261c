"""A session is watched over real sockets: what browsers are told as it comes is what the event stream tells."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from benchmarks.wire import Socket
from chalicelib import wiring
from local.browser import Tab
from tests.scenarios.world import PASSWORD, World, eventually


def now() -> str:
    return datetime.now(UTC).isoformat()


class Charge:
    """A session of the story's driver, and its charger, which says exactly what it is told to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.charger_id = world.register_charger()
        self.socket = Socket(world.stack.socket_url, self.charger_id, PASSWORD, "ocpp1.6")
        world.at_the_end(self.socket.close)
        self.socket.call("BootNotification", {"chargePointVendor": "Test", "chargePointModel": "One"})
        self.session_id = str(world.driver.begin(self.charger_id)["session_id"])
        self.transaction_id = 0

    @property
    def shown(self) -> dict[str, Any]:
        return self.world.driver.session(self.session_id)

    def tab(self) -> Tab:
        tab = Tab(self.shown["live_socket"])
        self.world.at_the_end(tab.close)
        return tab

    def start(self) -> None:
        self.socket.await_command()
        told = {"connectorId": 1, "idTag": self.socket.command["idTag"], "meterStart": 0, "timestamp": now()}
        self.transaction_id = self.socket.call("StartTransaction", told)["transactionId"]

    def read(self, energy_wh: int) -> None:
        values = [{"timestamp": now(), "sampledValue": [{"value": str(energy_wh)}]}]
        told = {"connectorId": 1, "transactionId": self.transaction_id, "meterValue": values}
        self.socket.call("MeterValues", told)

    def ask_to_end(self) -> None:
        self.world.driver.end(self.session_id)
        self.socket.await_command()

    def stop(self, energy_wh: int) -> None:
        told = {"transactionId": self.transaction_id, "meterStop": energy_wh, "timestamp": now()}
        self.socket.call("StopTransaction", told)

    def stream(self, seen: str) -> list[dict[str, Any]]:
        """What the event stream tells whoever has seen that."""
        url = self.world.stack.http_url + str(self.url)
        text = requests.get(url, headers={"Last-Event-ID": seen}, timeout=60).text
        blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
        return [
            {"event": it["event"], "id": it["id"], "data": json.loads(it["data"])} for it in blocks if "event" in it
        ]

    def watched(self) -> Charge:
        self.url = self.shown["live_url"]
        return self


def essence(events: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    return [(it["event"], it["id"], it["data"]["state"], it["data"]["energy_wh"]) for it in events]


def last(events: list[dict[str, Any]]) -> str:
    return str(events[-1]["id"])


def until_closed(tab: Tab) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            tab.hear()


def test_two_tabs_are_told_step_by_step_what_the_event_stream_tells(world: World) -> None:
    charge = Charge(world).watched()
    streamed = charge.stream("")
    one, two = charge.tab(), charge.tab()
    assert essence(one.show()) == essence(streamed)
    two.show()
    for step in (charge.start, lambda: charge.read(1000), lambda: charge.read(2000), charge.ask_to_end):
        step()
        for tab in (one, two):
            tab.hear()
        streamed += charge.stream(last(streamed))
    charge.stop(3000)
    for tab in (one, two):
        until_closed(tab)
    streamed += charge.stream(last(streamed))
    assert essence(one.events) == essence(two.events) == essence(streamed)
    assert [it[:1] + it[2:] for it in essence(streamed)] == [
        ("progress", "initiated", 0),
        ("progress", "active", 0),
        ("progress", "active", 1000),
        ("progress", "active", 2000),
        ("progress", "stopping", 2000),
        ("progress", "completed", 3000),
        ("end", "completed", 3000),
    ]
    world.stack.cloud.settle()
    assert wiring.network().viewers.of("session", charge.session_id) == []


def test_who_was_away_is_told_what_was_missed_and_who_is_hidden_nothing(world: World) -> None:
    charge = Charge(world)
    charge.start()
    # Who comes while others are told may be told it twice.
    world.stack.cloud.settle()
    away = charge.tab()
    seen = last(away.show())
    away.hide()
    eventually(lambda: _nobody_looks(charge.session_id))
    charge.read(1000)
    with pytest.raises(TimeoutError):
        away.hear(0.5)
    assert essence(away.show())[-1][2:] == ("active", 1000)
    away.close()
    charge.read(2000)
    world.stack.cloud.settle()
    back = charge.tab()
    assert [it[3] for it in essence(back.show(seen))] == [1000, 2000]
    charge.read(2500)
    # What is told meanwhile to whoever asked may have nothing in it.
    while essence(back.events)[-1][3] != 2500:
        back.hear()
    # The tab that was closed is found to be gone by whoever tells it.
    eventually(lambda: len(wiring.network().viewers.of("session", charge.session_id)) == 1)


def _nobody_looks(session_id: str) -> bool:
    network = wiring.network()
    return all(it.visible_until <= network.clock() for it in network.viewers.of("session", session_id))


def test_nobody_is_let_in_but_by_a_ticket_for_what_is_theirs(world: World) -> None:
    charge, other = Charge(world), world.new_driver()
    where = charge.shown["live_socket"]
    protocol, good = where["subprotocols"]
    tickets, later = wiring.network().tickets, datetime.fromisoformat("2099-01-01T00:00:00Z")
    other_id = other.call("GET", "/v1/me")["driver_id"]
    for ticket, status in (
        (good[:-2], 401),
        (world.driver.token, 401),
        (tickets.issue(charge.session_id, other_id, later), 404),
        (tickets.issue("KNOBODYS", other_id, later), 404),
        (tickets.issue(charge.session_id, "nobody", later), 401),
        (tickets.issue(charge.session_id, other_id, datetime(2026, 1, 1, tzinfo=UTC)), 401),
    ):
        with pytest.raises(InvalidStatus) as refused:
            Tab({**where, "subprotocols": [protocol, ticket]})
        assert refused.value.response.status_code == status, ticket
    for subprotocols in ([protocol], [good], [good, protocol], [protocol, good, good]):
        with pytest.raises(InvalidStatus):
            Tab({**where, "subprotocols": subprotocols})
    # Whoever is in sees nothing else by it.
    another = Charge(world)
    tab = charge.tab()
    tab.say({"topic": another.shown["live_socket"]["topic"], "visible": True})
    assert tab.closing() == 4404
    with pytest.raises(ConnectionClosed):
        tab.frame()


def test_what_cannot_be_read_ends_the_socket(world: World) -> None:
    charge = Charge(world)
    for said in ("x", [1], {"topic": "session/K"}, {"topic": "sites/S", "visible": True}, {"visible": "x" * 2000}):
        tab = charge.tab()
        tab.say(said)
        assert tab.closing() == 4400, said


def test_whoever_logs_out_is_told_nothing_more_by_socket_or_stream(world: World) -> None:
    charge = Charge(world).watched()
    tab = charge.tab()
    tab.show()
    world.driver.call("POST", "/v1/logout", {})
    charge.start()
    assert tab.closing() == 4401
    assert requests.get(world.stack.http_url + charge.url, timeout=60).status_code == 401
    world.driver.log_in()
    assert requests.get(world.stack.http_url + charge.url, timeout=60).status_code == 401
    assert essence(charge.tab().show())[-1][2] == "active"


def test_of_more_than_five_sockets_the_oldest_makes_room(world: World) -> None:
    charge = Charge(world)
    tabs = [charge.tab() for _ in range(6)]
    assert tabs[0].closing() == 4429
    until_closed(tabs[0])
    for tab in tabs[1:]:
        tab.show()
    assert len(wiring.network().viewers.of("session", charge.session_id)) == 5
