"""Over a real socket: the right charge ends, at the right plug, and whoever has to can end it by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.wire import Socket
from tests.scenarios.world import PASSWORD, World, eventually


def told(ago: timedelta = timedelta(0)) -> str:
    return (datetime.now(UTC) - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def opened(world: World, protocol: str = "ocpp1.6") -> tuple[Socket, str]:
    charger_id = world.register_charger()
    return Socket(world.stack.socket_url, charger_id, PASSWORD, protocol), charger_id


def start(socket: Socket, tag: str, **more: Any) -> int:
    payload = {"connectorId": 1, "idTag": tag, "meterStart": 1000, "timestamp": told(timedelta(minutes=5)), **more}
    return int(socket.call("StartTransaction", payload)["transactionId"])


def stop(socket: Socket, number: int, meter_stop: int, **more: Any) -> None:
    payload = {"transactionId": number, "meterStop": meter_stop, "timestamp": told(), **more}
    socket.call("StopTransaction", payload)


def paid(world: World, session_id: str) -> dict[str, Any]:
    return dict(world.driver.until(session_id, lambda it: it["state"] == "completed"))


def test_yesterdays_stop_of_another_card_does_not_end_the_running_charge(world: World) -> None:
    socket, _ = opened(world)
    number = start(socket, world.issue_card())
    session = eventually(world.newest_session)
    stop(socket, 555_001, 640_000, idTag="FFEE00112233", timestamp=told(timedelta(days=1)))
    assert world.driver.call("GET", f"/v1/sessions/{session['session_id']}")["state"] == "active"
    stop(socket, number, 2500)
    assert paid(world, session["session_id"])["energy_wh"] == 1500
    socket.close()


def test_a_start_that_lands_on_the_other_connector_keeps_that_one_from_others(world: World) -> None:
    socket, charger_id = opened(world)
    session = world.driver.call("POST", "/v1/sessions", {"charger_id": charger_id, "connector": "2"})
    socket.await_command()
    number = start(socket, socket.command["idTag"], timestamp=told())
    moved = world.driver.call("GET", f"/v1/sessions/{session['session_id']}")
    assert moved["connector"] == "1"
    assert (world.connector(charger_id, "1")["in_use"], world.connector(charger_id, "2")["in_use"]) == (True, False)
    other = world.new_driver()
    with pytest.raises(Exception, match=r"409|busy"):
        other.call("POST", "/v1/sessions", {"charger_id": charger_id, "connector": "1"})
    stop(socket, number, 2000)
    assert paid(world, session["session_id"])["energy_wh"] == 1000
    socket.close()


def test_an_outages_events_do_not_occupy_a_free_connector(world: World) -> None:
    socket, charger_id = opened(world, "ocpp2.0.1")
    free = {"timestamp": told(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    socket.call("StatusNotification", free)
    card = {"idToken": world.issue_card(), "type": "ISO14443"}
    for seq_no, (kind, ago, wh) in enumerate((("Started", 180, 1000), ("Updated", 150, 2000), ("Ended", 120, 3000))):
        at = told(timedelta(minutes=ago))
        payload = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": "ChargingStateChanged",
            "seqNo": seq_no,
            "offline": True,
            "transactionInfo": {"transactionId": f"t-{charger_id}", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}],
            **({"idToken": card} if kind == "Started" else {}),
        }
        socket.call("TransactionEvent", payload)
    session = eventually(world.newest_session)
    assert paid(world, session["session_id"])["energy_wh"] == 2000
    assert world.connector(charger_id)["status"] == "available"
    socket.close()


def test_an_operator_settles_by_hand_and_the_chargers_own_end_still_counts(world: World) -> None:
    socket, _ = opened(world)
    number = start(socket, world.issue_card())
    session_id = eventually(world.newest_session)["session_id"]
    at = [{"timestamp": told(timedelta(minutes=1)), "sampledValue": [{"value": "3000"}]}]
    socket.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": at})
    settled = world.operator.call("POST", f"/v1/operator/sessions/{session_id}/settle", {"reason": "no power there"})
    assert settled["ended_because"] == "no power there"
    assert paid(world, session_id)["energy_wh"] == 2000
    stop(socket, number, 2000)

    def refunded() -> bool:
        world.stack.cloud.fire("sweep")
        return bool(world.driver.call("GET", f"/v1/sessions/{session_id}")["refunded_minor"])

    eventually(refunded)
    socket.close()


def test_a_driver_has_the_cable_let_go_once_the_session_has_ended(world: World) -> None:
    socket, charger_id = opened(world)
    number = start(socket, world.issue_card())
    session_id = eventually(world.newest_session)["session_id"]
    with pytest.raises(Exception, match=r"409|under_way"):
        world.driver.call("POST", f"/v1/sessions/{session_id}/unlock")
    stop(socket, number, 2500)
    paid(world, session_id)
    running = world.in_background(_accepting(socket))
    assert world.driver.call("POST", f"/v1/sessions/{session_id}/unlock")["is_unlocked"] in (True, False)
    running.result(60)
    assert socket.command["connectorId"] == 1
    assert not world.connector(charger_id)["in_use"]
    socket.close()


async def _accepting(socket: Socket) -> None:
    await asyncio.to_thread(socket.await_command)
