"""A charger's line breaks at night: its operator is told, sees to it, and is told of the end; over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.records.parts import WHOLE
from local.client import ApiError
from tests.scenarios.world import World, eventually, until


@pytest.fixture
def posts() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An operator's own server, and what was posted to it."""
    received: list[dict[str, Any]] = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Kerb-Signature"].startswith("t=")
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", received
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def alarms(world: World, charger_id: str, *, is_open: bool = True) -> list[dict[str, Any]]:
    found = world.operator.call("GET", f"/v1/operator/alarms?limit=100&open={str(is_open).lower()}")["items"]
    return [it for it in found if charger_id in it["subjects"]]


def test_a_charger_that_is_lost_is_told_seen_to_and_told_again(
    world: World, posts: tuple[str, list[dict[str, Any]]]
) -> None:
    url, received = posts
    world.operator.call("PUT", "/v1/operator/webhook", {"url": url, "secret": "a-secret-of-32-characters-or-more"})
    world.at_the_end(lambda: world.operator.call("DELETE", "/v1/operator/webhook"))
    charger = world.charger(site_id=world.new_site())
    charger_id = charger.setup.charger_id
    queues = world.stack.cloud.queues
    queues.deliver()
    assert alarms(world, charger_id) == []

    world.at_chargers(charger.go_offline)
    world.until_online(charger_id, online=False)

    def opened() -> list[dict[str, Any]]:
        queues.deliver()
        return alarms(world, charger_id)

    (alarm,) = eventually(opened)
    assert (alarm["kind"], alarm["severity"], alarm["subjects_total"]) == ("offline", "critical", 1)
    path = f"/v1/operator/alarms/{alarm['alarm_id']}"
    assert world.operator.call("POST", path + "/acknowledge", {})["acknowledged_at"] is not None
    said = world.operator.call("POST", path + "/comments", {"text": "The line is down."})
    assert [it["text"] for it in said["comments"]] == ["The line is down."]
    with pytest.raises(ApiError, match="operator"):
        world.driver.call("GET", path)

    _later(timedelta(minutes=1))
    (told,) = eventually(lambda: [it for it in received if charger_id in it["subjects"]])
    assert (told["kind"], told["alarm"]) == ("alarm_opened", "offline")

    world.at_chargers(charger.go_online)
    world.until_online(charger_id)

    def closed_alarms() -> list[dict[str, Any]]:
        queues.deliver()
        _later(timedelta(minutes=6))
        # What stood at the place of a subject that is well again.
        _later(timedelta(minutes=7))
        return alarms(world, charger_id, is_open=False)

    (closed,) = eventually(closed_alarms)
    assert closed["closed_at"] is not None
    assert alarms(world, charger_id) == []
    until(lambda: [it["kind"] for it in received if charger_id in it["subjects"]], ["alarm_opened", "alarm_closed"])
    world.stack.cloud.fire("alarm_desk")


def _later(by: timedelta) -> None:
    """What the schedule does so much later."""
    network = wiring.network()

    def clock() -> Any:
        return network.clock() + by

    desk = replace(network.alarm_desk, clock=clock, causes=replace(network.causes, clock=clock))
    desk.tend(WHOLE)
    replace(network.alarm_tellings, clock=clock).hand_on(WHOLE)
