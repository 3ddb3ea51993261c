"""Who gets a socket, and which of two sockets counts."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from websockets import Subprotocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chalicelib import wiring
from tests.scenarios.world import PASSWORD, World, eventually

_CALL = 2


def knock(world: World, charger_id: str, password: str | None = PASSWORD, *offers: str) -> ClientConnection:
    credentials = base64.b64encode(f"{charger_id}:{password}".encode()).decode()
    return connect(
        f"{world.stack.socket_url}/{charger_id}",
        subprotocols=[Subprotocol(offer) for offer in offers] or None,
        additional_headers={"Authorization": f"Basic {credentials}"} if password is not None else {},
        open_timeout=60,
    )


def say(socket: ClientConnection, text: str | bytes) -> list[object]:
    """The answer to a frame; what Kerb asks meanwhile is left unanswered."""
    socket.send(text)
    heard = json.loads(socket.recv(timeout=60))
    while heard[0] == _CALL:
        heard = json.loads(socket.recv(timeout=60))
    return list(heard)


def asked(socket: ClientConnection, wanted: str) -> tuple[str, dict[str, object]]:
    """The id and the payload of the next such command; what Kerb asks before it is left unanswered."""
    while True:
        _, message_id, action, payload = json.loads(socket.recv(timeout=60))
        if action == wanted:
            return message_id, payload


def until_closed(socket: ClientConnection) -> None:
    """Wait for its end; what Kerb asks before it is left unanswered."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=60)


def heartbeat(socket: ClientConnection) -> object:
    return say(socket, '[2,"1","Heartbeat",{}]')[0]


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_wrong_or_missing_password_is_refused_before_the_socket_opens(world: World, password: str | None) -> None:
    charger_id = world.register_charger()
    with pytest.raises(InvalidStatus) as refused:
        knock(world, charger_id, password, "ocpp1.6")
    assert refused.value.response.status_code == 401
    assert "Basic" in refused.value.response.headers["WWW-Authenticate"]


def test_an_unknown_charger_is_refused_like_a_wrong_password(world: World) -> None:
    with pytest.raises(InvalidStatus) as refused:
        knock(world, "NOBODY-KNOWS-ME", PASSWORD, "ocpp1.6")
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("offers", [("ocpp1.5",), ("mqtt", "soap")])
def test_a_charger_without_a_common_subprotocol_is_refused(world: World, offers: tuple[str, ...]) -> None:
    charger_id = world.register_charger()
    with pytest.raises(InvalidStatus) as refused:
        knock(world, charger_id, PASSWORD, *offers)
    assert refused.value.response.status_code == 400


def test_a_charger_that_offers_no_subprotocol_is_taken_for_one_of_the_oldest(world: World) -> None:
    charger_id = world.register_charger()
    with knock(world, charger_id) as socket:
        assert socket.subprotocol is None
        answer = say(socket, '[2,"1","BootNotification",{"chargePointVendor":"Old","chargePointModel":"One"}]')
        assert isinstance(answer[2], dict)
        assert answer[2]["status"] == "Accepted"
        assert world.look(charger_id)["online"]


@pytest.mark.parametrize(
    ("offers", "agreed"),
    [(("ocpp1.6",), "ocpp1.6"), (("ocpp1.6", "ocpp2.0.1"), "ocpp2.0.1"), (("x", "ocpp1.6"), "ocpp1.6")],
)
def test_the_best_common_subprotocol_is_agreed(world: World, offers: tuple[str, ...], agreed: str) -> None:
    with knock(world, world.register_charger(), PASSWORD, *offers) as socket:
        assert socket.subprotocol == agreed
        assert heartbeat(socket) == 3


def test_an_identity_with_a_colon_and_a_star_can_connect(world: World) -> None:
    charger_id = world.register_charger(f"DE*KRB:E{world.number:04}")
    with knock(world, charger_id, PASSWORD, "ocpp1.6") as socket:
        assert heartbeat(socket) == 3
        world.until_online("DE%2AKRB%3AE" + charger_id[-4:])


def test_an_old_socket_is_closed_at_a_heartbeat_and_the_charger_comes_back_by_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a charger sees it: its heartbeat is answered, the socket ends, and the next one is as good."""
    charger_id = world.register_charger()
    network = wiring.network()
    later = replace(network.socket_renewal, clock=lambda: network.clock() + timedelta(hours=2))
    with knock(world, charger_id, PASSWORD, "ocpp1.6") as socket:
        assert heartbeat(socket) == 3
        monkeypatch.setitem(vars(network), "conversation", replace(network.conversation, renewal=later))
        assert heartbeat(socket) == 3
        until_closed(socket)
        monkeypatch.undo()
        with knock(world, charger_id, PASSWORD, "ocpp1.6") as new:
            world.until_online(charger_id)
            assert heartbeat(new) == 3
            session_id = world.driver.begin(charger_id)["session_id"]
            asked(new, "RemoteStartTransaction")
            world.driver.end(session_id)


def test_the_newest_socket_wins_and_the_late_farewell_of_the_old_one_changes_nothing(world: World) -> None:
    charger_id = world.register_charger()
    with knock(world, charger_id, PASSWORD, "ocpp1.6") as old, knock(world, charger_id, PASSWORD, "ocpp1.6") as new:
        until_closed(old)
        assert heartbeat(new) == 3
        world.until_online(charger_id)
        session_id = world.driver.begin(charger_id)["session_id"]
        message_id, _ = asked(new, "RemoteStartTransaction")
        new.send(json.dumps([3, message_id, {"status": "Rejected"}]))
        world.driver.until(session_id, lambda it: it["state"] == "failed")
    world.until_online(charger_id, online=False)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("not json", "FormationViolation"),
        ('{"a":1}', "FormationViolation"),
        ("[2]", "FormationViolation"),
        ('[2,"7","DoTheTwist",{}]', "NotImplemented"),
        ('[2,"7","Reset",{"type":"Hard"}]', "NotSupported"),
        ('[2,"7","BootNotification",{}]', "OccurenceConstraintViolation"),
        ('[2,"7","Authorize",{"idTag":[7]}]', "TypeConstraintViolation"),
        ('[2,"7","Heartbeat",[7]]', "FormationViolation"),
    ],
)
def test_a_frame_that_cannot_be_served_is_answered_with_the_right_error(world: World, frame: str, code: str) -> None:
    with knock(world, world.register_charger(), PASSWORD, "ocpp1.6") as socket:
        answer = say(socket, frame)
        assert answer[0] == 4
        assert answer[2] == code
        assert heartbeat(socket) == 3


def test_a_status_is_visible_within_seconds(world: World) -> None:
    charger = world.charger()
    world.do(charger.plug(2))
    eventually(lambda: world.connector(charger.setup.charger_id, "2")["status"] == "preparing")


@pytest.mark.parametrize(
    "address",
    [
        *("//ocpp/{}", "/ocpp//{}", "/ocpp/{}/", "/ocpp/{}/{}", "/ocpp?station={}", "/ocpp/?station={}", "/ocpp"),
        *("/OCPP/{}", "/ocpp/lower({})", "/?id={}"),
    ],
)
def test_a_charger_that_spells_its_address_oddly_is_online_under_its_own_name(world: World, address: str) -> None:
    charger_id = world.register_charger()
    address = address.replace("lower({})", charger_id.lower()).replace("{}", charger_id)
    credentials = base64.b64encode(f"{charger_id.lower()}:{PASSWORD}".encode()).decode()
    url = world.stack.socket_url.removesuffix("/ocpp") + address
    headers = {"Authorization": f"Basic {credentials}"}
    with connect(url, subprotocols=[Subprotocol("ocpp1.6J")], additional_headers=headers, open_timeout=60) as socket:
        assert socket.subprotocol == "ocpp1.6J"
        assert heartbeat(socket) == 3
        world.until_online(charger_id)


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"1","Heartbeat",{}]\x00',
        '\ufeff[2,"1","Heartbeat",{}]',
        '\x02[2,"1","Heartbeat",[]]\x03',
        '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","info":"a\x00\tb","status":"Available"}]',
    ],
)
def test_a_frame_with_what_json_does_not_allow_is_answered_and_stands_in_the_journal(world: World, frame: str) -> None:
    charger_id = world.register_charger()
    with knock(world, charger_id, PASSWORD, "ocpp1.6") as socket:
        for text in (frame, frame.encode()):
            assert say(socket, text)[0] == 3
    entries = world.operator.call("GET", f"/v1/operator/chargers/{charger_id}/journal")["items"]
    assert any(it["deviation"] for it in entries)


def test_an_app_session_whose_token_comes_back_with_a_tail_is_the_drivers_all_the_same(world: World) -> None:
    charger_id = world.register_charger()
    with knock(world, charger_id, PASSWORD, "ocpp1.6") as socket:
        say(socket, '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
        world.until_online(charger_id)
        session_id = world.driver.begin(charger_id)["session_id"]
        assert len(session_id) == 18
        message_id, payload = asked(socket, "RemoteStartTransaction")
        assert payload["idTag"] == session_id
        socket.send(json.dumps([3, message_id, {"status": "Accepted"}]))
        start = {
            "connectorId": 1,
            "idTag": session_id + "\x00\x17",
            "meterStart": 0,
            "timestamp": datetime.now(UTC).isoformat(),
        }
        answer = say(socket, json.dumps([2, "2", "StartTransaction", start]))
        assert isinstance(answer[2], dict)
        assert answer[2]["idTagInfo"] == {"status": "Accepted"}
        world.driver.until(session_id, lambda it: it["state"] == "active")
