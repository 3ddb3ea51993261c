"""What an operator asks of a charger, through the front door: the command on the socket, and the answer awaited."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.handlers.chargers.commands import view
from chalicelib.records.chargers import Purpose, SentCall
from local.client import ApiError, Person
from local.seed import CHARGER_PASSWORD, OPERATOR_ID, SITE_ID, Network
from local.stack import Stack
from tests.patience import eventually


class Obedient:
    """A charger that answers every command as it was told to, and remembers what it was asked."""

    def __init__(self, socket: Socket, answers: dict[str, Any]) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers = answers
        self.ids: list[str] = []
        self._socket: ClientConnection = socket._socket
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for text in self._socket:
            kind, message_id, *rest = json.loads(text)
            if kind != 2:
                continue
            action, payload = rest
            self.asked.append((action, payload))
            self.ids.append(message_id)
            answer = self.answers.get(action, {"status": "Accepted"})
            if answer is not None:
                self._socket.send(json.dumps([3, message_id, answer]))

    def say(self, frame: list[Any]) -> None:
        self._socket.send(json.dumps(frame))


@pytest.fixture
def obedient(socket: Socket) -> Iterator[Obedient]:
    yield Obedient(socket, {})
    socket.close()


def order(network: Network, charger_id: str, wait_s: int = 20, key: str | None = None, **body: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/v1/operator/chargers/{charger_id}/commands?wait_s={wait_s}"
    return network.operator.call("POST", path, body, headers)


def refusal(network: Network, charger_id: str, **body: Any) -> tuple[int, str, str]:
    with pytest.raises(ApiError) as error:
        order(network, charger_id, **body)
    problem = error.value.problem
    return error.value.status, str(problem["type"]).removeprefix("urn:kerb:problem:"), str(problem["detail"])


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"command": "reset", "hard": True}, ("Reset", {"type": "Hard"})),
        ({"command": "unlock", "connector": "2"}, ("UnlockConnector", {"connectorId": 2})),
        (
            {"command": "set_availability", "operative": False},
            ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ),
        ({"command": "clear_cache"}, ("ClearCache", {})),
        (
            {"command": "read_settings", "names": ["HeartbeatInterval"]},
            ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
        ),
        (
            {"command": "write_setting", "name": "HeartbeatInterval", "value": "60"},
            ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}),
        ),
        (
            {"command": "trigger", "message": "status", "connector": "1"},
            ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}),
        ),
        (
            {
                "command": "set_profile",
                "profile_id": 1,
                "purpose": "default",
                "connector": "1",
                "limits": [{"start_s": 0, "limit": "7400.5"}],
            },
            (
                "SetChargingProfile",
                {
                    "connectorId": 1,
                    "csChargingProfiles": {
                        "chargingProfileId": 1,
                        "stackLevel": 0,
                        "chargingProfilePurpose": "TxDefaultProfile",
                        "chargingProfileKind": "Relative",
                        "chargingSchedule": {
                            "chargingRateUnit": "W",
                            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7400.5}],
                        },
                    },
                },
            ),
        ),
        (
            {
                "command": "set_profile",
                "profile_id": 28_999,
                "purpose": "default",
                "kind": "recurring",
                "recurrence": "daily",
                "in_amps": True,
                "starts_at": "2026-11-30T18:00:00Z",
                "least_rate": "6",
                "limits": [{"start_s": 0, "limit": "16", "phases": 1}],
            },
            (
                "SetChargingProfile",
                {
                    "connectorId": 0,
                    "csChargingProfiles": {
                        "chargingProfileId": 28_999,
                        "stackLevel": 0,
                        "chargingProfilePurpose": "TxDefaultProfile",
                        "chargingProfileKind": "Recurring",
                        "recurrencyKind": "Daily",
                        "chargingSchedule": {
                            "chargingRateUnit": "A",
                            "startSchedule": "2026-11-30T18:00:00.000Z",
                            "minChargingRate": 6.0,
                            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0, "numberPhases": 1}],
                        },
                    },
                },
            ),
        ),
        (
            {"command": "ask", "action": "SendLocalList", "payload": {"listVersion": 1, "updateType": "Full"}},
            ("SendLocalList", {"listVersion": 1, "updateType": "Full"}),
        ),
    ],
)
def test_a_command_reaches_the_charger_and_its_answer_comes_back(
    network: Network, charger_id: str, obedient: Obedient, body: dict[str, Any], asked: tuple[str, dict[str, Any]]
) -> None:
    answer = order(network, charger_id, **body)
    assert obedient.asked == [asked]
    if body["command"] == "read_settings":
        assert (answer["state"], answer["deviation"] is None) == ("accepted", False)
    else:
        assert (answer["state"], answer["detail"], answer["answer"]) == ("accepted", "Accepted", {"status": "Accepted"})
    assert answer["answered_at"] >= answer["sent_at"]


def test_a_refusal_is_an_answer(network: Network, charger_id: str, obedient: Obedient) -> None:
    obedient.answers["Reset"] = {"status": "Rejected"}
    answer = order(network, charger_id, command="reset")
    assert (answer["state"], answer["detail"]) == ("rejected", "Rejected")


def test_an_answer_that_does_not_come_at_once_can_be_asked_after(
    network: Network, charger_id: str, obedient: Obedient
) -> None:
    obedient.answers["Reset"] = None
    pending = order(network, charger_id, wait_s=0, command="reset")
    assert (pending["state"], pending["answer"]) == ("pending", None)
    path = f"/v1/operator/chargers/{charger_id}/commands/{pending['command_id']}"
    assert network.operator.call("GET", path)["state"] == "pending"
    eventually(lambda: obedient.ids)
    obedient.say([3, obedient.ids[0], {"status": "Accepted"}])
    eventually(lambda: network.operator.call("GET", path)["state"] == "accepted")


def test_a_callerror_is_a_failure_in_the_chargers_own_words(
    network: Network, charger_id: str, obedient: Obedient
) -> None:
    obedient.answers["Reset"] = None
    pending = order(network, charger_id, wait_s=0, command="reset")
    eventually(lambda: obedient.ids)
    obedient.say([4, obedient.ids[0], "NotSupported", "never heard of it", {}])
    path = f"/v1/operator/chargers/{charger_id}/commands/{pending['command_id']}"
    eventually(lambda: network.operator.call("GET", path)["state"] == "failed")
    assert network.operator.call("GET", path)["detail"] == "NotSupported: never heard of it"


def test_the_same_key_sends_one_command(network: Network, charger_id: str, obedient: Obedient) -> None:
    first = order(network, charger_id, key="k-1", command="reset")
    again = order(network, charger_id, key="k-1", command="reset")
    assert first == again
    assert len(obedient.asked) == 1
    with pytest.raises(ApiError) as error:
        order(network, charger_id, key="k-1", command="clear_cache")
    assert (error.value.status, error.value.problem["type"]) == (422, "urn:kerb:problem:idempotency_key_reused")


@pytest.mark.parametrize("key", ["has space", "x" * 256])
def test_a_key_that_is_none_is_refused_by_name_and_sends_nothing(
    network: Network, charger_id: str, obedient: Obedient, key: str
) -> None:
    with pytest.raises(ApiError) as error:
        order(network, charger_id, key=key, command="reset")
    assert (error.value.status, error.value.problem["errors"][0]["field"]) == (400, "Idempotency-Key")
    order(network, charger_id, command="clear_cache")
    assert [action for action, _ in obedient.asked] == ["ClearCache"]


def test_what_cannot_be_sent_says_why(network: Network, charger_id: str, obedient: Obedient) -> None:
    assert refusal(network, charger_id, command="reset", connector="1")[:2] == (422, "not_possible")
    assert refusal(network, charger_id, command="ask", action="GetBaseReport")[:2] == (422, "not_possible")
    status, kind, detail = refusal(network, charger_id, command="ask", action="Reset", payload={"type": "Gentle"})
    assert (status, kind) == (422, "not_possible")
    assert detail.startswith("Reset: type")
    assert refusal(network, charger_id, command="dance")[0] == 422
    assert refusal(network, charger_id, command="reset", hard="very")[0] == 422
    assert refusal(network, "NOBODY", command="reset")[0] == 404
    assert obedient.asked == []


def test_the_numbers_of_load_balancings_profiles_are_not_an_operators(
    network: Network, charger_id: str, obedient: Obedient
) -> None:
    limit = [{"start_s": 0, "limit": "16"}]
    profile = {"command": "set_profile", "profile_id": 29_012, "purpose": "default", "limits": limit}
    status, kind, detail = refusal(network, charger_id, **profile)
    assert (status, kind, "29000" in detail) == (422, "not_possible", True)
    raw = {
        "chargingProfileId": 29_999,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
    }
    asked = {"action": "SetChargingProfile", "payload": {"connectorId": 1, "csChargingProfiles": raw}}
    assert refusal(network, charger_id, command="ask", **asked)[:2] == (422, "not_possible")


def test_a_charger_that_is_offline_says_so(network: Network, charger_id: str) -> None:
    assert refusal(network, charger_id, command="reset")[:2] == (409, "charger_offline")


def test_a_new_password_opens_the_door_once_the_charger_has_it(
    stack: Stack, network: Network, charger_id: str, obedient: Obedient
) -> None:
    path = f"/v1/operator/chargers/{charger_id}/password"
    answer = network.operator.call("POST", path)
    assert (answer["action"], answer["state"]) == ("ChangeConfiguration", "accepted")
    ((_, payload),) = obedient.asked
    assert payload["key"] == "AuthorizationKey"
    new = Socket(stack.socket_url, charger_id, payload["value"], "ocpp1.6")
    assert new.call("Heartbeat", {})
    new.close()
    with pytest.raises(Exception, match="401"):
        Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")


def test_another_operators_charger_does_not_exist(
    stack: Stack, network: Network, charger_id: str, rival: Person
) -> None:
    for method, path in (
        ("POST", "commands"),
        ("GET", "commands/x"),
        ("POST", "password"),
        ("GET", "journal"),
        ("GET", "uptime"),
        ("GET", "history"),
        ("GET", "reports/device_model/1"),
        ("GET", "transactions/1"),
        ("PUT", "trace"),
        ("POST", "block"),
        ("POST", "accept"),
    ):
        body: Any = {"POST commands": {"command": "reset"}, "PUT trace": {"minutes": 1}}.get(f"{method} {path}")
        with pytest.raises(ApiError) as error:
            rival.call(method, f"/v1/operator/chargers/{charger_id}/{path}", body)
        assert error.value.status == 404, path


def test_a_command_is_unanswered_once_its_time_is_over_and_an_answer_after_that_is_late() -> None:
    then = datetime(2026, 11, 21, tzinfo=UTC)
    call = SentCall(
        charger_id="CP-1",
        message_id="k-1",
        action="Reset",
        purpose=Purpose.OPERATOR,
        sent_at=then,
        due_at=then + timedelta(seconds=30),
    )
    assert (view(call).state, view(call).is_late) == ("unanswered", False)
    late = replace(call, result=CommandResult(verdict=Verdict.ACCEPTED), answered_at=then + timedelta(minutes=5))
    assert (view(late).state, view(late).is_late) == ("accepted", True)


def test_an_unknown_charger_waits_until_its_operator_registers_it(
    stack: Stack, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        wiring.network(), "connections", replace(wiring.network().connections, newcomers_to=OPERATOR_ID)
    )
    boot = {"chargePointVendor": "New", "chargePointModel": "One"}
    charger_id = "NEWCOMER-1"
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
    assert socket.call("BootNotification", boot)["status"] == "Pending"
    listed = {it["charger_id"]: it for it in network.operator.call("GET", "/v1/operator/chargers")["items"]}
    assert (listed[charger_id]["admission"], listed[charger_id]["vendor"]) == ("pending", "New")
    with pytest.raises(ApiError) as error:
        network.driver.call("GET", f"/v1/chargers/{charger_id}")
    assert error.value.status == 404
    network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", {"site_id": SITE_ID, "connectors": ["1"]})
    socket.await_command()
    assert socket.command == {"requestedMessage": "BootNotification"}
    assert socket.call("BootNotification", boot)["status"] == "Accepted"
    assert network.driver.call("GET", f"/v1/chargers/{charger_id}")["online"]
    socket.close()
