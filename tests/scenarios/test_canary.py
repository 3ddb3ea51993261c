"""The canary charges through real sockets and HTTP, costs nobody anything, and notices what is shut."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import boto3
import pytest

from chalicelib.canary import handler
from chalicelib.canary.charger import Silent
from chalicelib.canary.handler import CanaryFailed
from chalicelib.canary.person import CHARGER
from chalicelib.canary.websocket import WebSocket
from infrastructure.canary import FRAMES_A_ROUND
from local.canary import EMAIL, Canary
from local.stack import Stack
from tests.endpoint import a_closed_port
from tests.scenarios.world import World


@pytest.fixture(scope="module")
def canary(stack: Stack) -> Canary:
    return Canary(stack)


@pytest.fixture
def silent_door() -> Iterator[str]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}/ocpp"


def said(lines: str) -> set[str]:
    """The messages that were logged, by whomever."""
    return {str(json.loads(it).get("message")) for it in lines.splitlines() if it.startswith("{")}


def test_it_charges_from_login_to_receipt_again_and_again(canary: Canary) -> None:
    for _ in range(2):
        assert list(canary.charge().took_ms) == ["login", "connect", "start", "charge", "stop", "receipt"]


def test_a_round_takes_as_many_frames_as_alarms_on_silence_take_off_for_it(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary.charge()  # the first one of all boots besides
    frames: list[str] = []
    send, receive = WebSocket.send, WebSocket.receive

    def sent(socket: WebSocket, text: str) -> None:
        frames.append(text)
        send(socket, text)

    def received(socket: WebSocket, within_s: float) -> str | None:
        text = receive(socket, within_s)
        frames.extend([text] if text else [])
        return text

    monkeypatch.setattr(WebSocket, "send", sent)
    monkeypatch.setattr(WebSocket, "receive", received)
    canary.charge()
    assert len(frames) == FRAMES_A_ROUND, frames


def test_nobody_is_held_charged_told_or_shown_anything(canary: Canary, world: World) -> None:
    one = canary.charge()
    own = one.person.call("GET", "/v1/operator/sessions?limit=1")["items"][0]
    assert (own["session_id"], own["state"], own["energy_wh"], own["flags"]) == (one.session_id, "completed", 1, [])
    # Its books know of nothing, and Stripe of no card.
    transfers = one.person.call("GET", f"/v1/operator/sessions/{one.session_id}/books")["transfers"]
    assert [(it["kind"], it["amount_minor"]) for it in transfers] == []
    assert one.person.call("GET", "/v1/me/cards")["items"] == []
    # It is its own operator's, who is nobody else, and on no map.
    for mine in ("/v1/operator/sessions", "/v1/operator/chargers"):
        assert CHARGER not in json.dumps(world.operator.call("GET", mine))
    shown = world.driver.call("GET", "/v1/chargers/nearby?lat=0&lng=0&radius=50000")
    assert CHARGER not in json.dumps(shown)
    told = one.person.call("GET", "/v1/me/notices/preferences")
    assert not any(is_on for kinds in told.values() for is_on in kinds.values())


def test_a_door_that_is_shut_is_a_failure_at_connecting(canary: Canary) -> None:
    with a_closed_port() as port, pytest.raises(CanaryFailed, match=r"^connect: ConnectionRefusedError"):
        canary.charge(canary.round(f"ws://127.0.0.1:{port}/ocpp"))
    canary.charge()


def test_a_door_that_says_nothing_is_one_too(canary: Canary, silent_door: str) -> None:
    one = canary.round(silent_door)
    one.charger._within_s = 0.2
    with pytest.raises(CanaryFailed, match=r"^connect: TimeoutError"):
        canary.charge(one)


def test_a_door_that_refuses_is_one_too(canary: Canary, stack: Stack) -> None:
    one = canary.round()
    one.charger._password = "somebody-elses-password"
    with pytest.raises(CanaryFailed, match=r"^connect: NotOpened: 401"):
        canary.charge(one)


def test_a_charger_that_is_never_asked_to_start_is_a_failure_and_leaves_a_free_connector(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = canary.round()
    monkeypatch.setattr(one.charger, "wait_for", Mock(side_effect=Silent("nothing came")))
    with pytest.raises(CanaryFailed, match=r"^start: Silent: nothing came"):
        canary.charge(one)
    canary.charge()


def test_what_lambda_runs_tells_how_long_each_step_took_and_fails_as_the_round_does(
    canary: Canary, stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "API_URL": stack.http_url,
        "SOCKET_URL": stack.socket_url,
        "EMAIL": EMAIL,
        "PASSWORD": canary._password,
    }.items():
        monkeypatch.setenv(f"KERB_CANARY_{name}", value)
    assert handler.run({}, None).keys() >= {"start", "receipt"}
    assert "the canary charged" in said(capsys.readouterr().out)
    monkeypatch.setenv("KERB_CANARY_PASSWORD", "Aa1wrong-password")
    with pytest.raises(CanaryFailed, match="login"):
        handler.run({}, None)
    told = capsys.readouterr().out
    assert "the canary failed" in said(told)
    assert "Aa1wrong" not in told


def test_with_another_password_its_site_is_set_up_anew(canary: Canary) -> None:
    """As after a rotation, or when it was switched off and on."""
    one = canary.charge()
    one.person.set_up("of-another-time-1")
    with pytest.raises(CanaryFailed, match=r"^connect: NotOpened: 401"):
        canary.charge()
    canary.charge(anew=True)
    canary.charge()


def test_it_asks_aws_for_nothing(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is done by the functions that it knocks at: in the canary's own thread no client of AWS is used."""
    mine = threading.current_thread()
    original = boto3.client("sts").__class__.__mro__[1]._make_api_call

    def watched(client: object, operation: str, params: object) -> object:
        assert threading.current_thread() is not mine, operation
        return original(client, operation, params)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", watched)
    canary.charge()
