"""What a charger did is billed though half of its words were lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from benchmarks.wire import Socket
from tests.scenarios.world import PASSWORD, World, eventually


def told(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat().replace("+00:00", "Z")


def test_a_charge_whose_start_was_lost_is_paid_by_its_own_record_and_shown_to_the_operator(world: World) -> None:
    charger_id, card = world.register_charger(), world.issue_card()
    socket = Socket(world.stack.socket_url, charger_id, PASSWORD, "ocpp1.6")
    record = [
        {"timestamp": told(timedelta(hours=2)), "sampledValue": [{"value": "5000", "context": "Transaction.Begin"}]},
        {"timestamp": told(timedelta(hours=1)), "sampledValue": [{"value": "15", "unit": "kWh"}]},
    ]
    stop = {
        "transactionId": 4711,
        "idTag": card,
        "meterStop": 15_000,
        "timestamp": told(timedelta(hours=1)),
        "transactionData": record,
    }
    for _ in range(2):
        assert socket.call("StopTransaction", stop)["idTagInfo"]["status"] == "Accepted"
    world.stack.cloud.fire("claim")
    session = eventually(world.newest_session)
    session = world.driver.until(session["session_id"], lambda it: it["state"] == "completed")
    assert session["energy_wh"] == 10_000
    assert world.books_are_settled(session["session_id"])
    flagged = world.operator.call("GET", "/v1/operator/sessions?flagged=true")["items"]
    assert [it["flags"] for it in flagged if it["charger_id"] == charger_id] == [["start_unknown"]]
    socket.call("StopTransaction", stop)
    assert len(world.driver.call("GET", "/v1/sessions")["items"]) == 1
    socket.close()


def test_a_car_that_left_while_the_line_was_down_does_not_keep_the_next_driver_waiting(world: World) -> None:
    charger_id, card = world.register_charger(), world.issue_card()
    socket = Socket(world.stack.socket_url, charger_id, PASSWORD, "ocpp1.6")
    start = {"connectorId": 1, "idTag": card, "meterStart": 1000, "timestamp": told(timedelta(hours=1))}
    socket.call("StartTransaction", start)
    assert world.connector(charger_id)["in_use"]
    socket.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    socket.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
    assert not world.connector(charger_id)["in_use"]
    session = world.newest_session()
    assert session is not None
    assert session["state"] == "stopping"
    socket.close()
