"""People who mean ill with cards and names of chargers, over real sockets: what they get, and who pays for it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from chalicelib import wiring
from local.client import ApiError, Person
from local.seed import SITE_ID, open_operator
from tests.scenarios.test_door import heartbeat, knock, say
from tests.scenarios.world import OPERATOR_ID, PASSWORD, World, eventually


@pytest.fixture
def rival(world: World) -> Person:
    """Another operator in the same network."""
    tag = secrets.token_hex(4)
    return open_operator(world.stack, f"rival-{tag}@example.com", "Rival-story-1", f"rival-{tag}")


def charger_of(operator: Person, price: str) -> str:
    """A charger of that operator's, at that price for a kWh."""
    tag = secrets.token_hex(4)
    operator.call("PUT", f"/v1/operator/tariffs/t-{tag}", {"name": "T", "currency": "EUR", "price_per_kwh": price})
    site = {"name": "Place", "address": "Road 1", "time_zone": "Europe/Berlin", "tariff_id": f"t-{tag}"}
    operator.call("PUT", f"/v1/operator/sites/s-{tag}", site)
    plugs = [{"connector": "1", "max_power_w": 20_000_000}]
    body = {"site_id": f"s-{tag}", "connectors": ["1"], "plugs": plugs, "password": PASSWORD}
    operator.call("PUT", f"/v1/operator/chargers/C-{tag}", body)
    return f"C-{tag}"


def now() -> str:
    # Two charges of one second, of one card and register, are one.
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def swipe(socket: ClientConnection, uid: str, energy_wh: int = 10_000) -> str:
    """A charge under that card, begun and ended; returns what was said of the card."""
    start = f'[2,"s","StartTransaction",{{"connectorId":1,"idTag":"{uid}","meterStart":0,"timestamp":"{now()}"}}]'
    _, _, answer = say(socket, start)
    assert isinstance(answer, dict)
    ended = f'"transactionId":{answer["transactionId"]},"meterStop":{energy_wh},"timestamp":"{now()}"'
    say(socket, f'[2,"e","StopTransaction",{{{ended}}}]')
    return str(answer["idTagInfo"]["status"])


def is_closed(socket: ClientConnection) -> bool:
    try:
        heartbeat(socket)
    except ConnectionClosed:
        return True
    return False


def driver_id(person: Person) -> str:
    return str(person.call("GET", "/v1/me")["driver_id"])


def test_an_operator_who_gives_a_stranger_a_card_of_its_own_making_takes_nothing(world: World, rival: Person) -> None:
    charger_id, uid = charger_of(rival, "1.90"), secrets.token_hex(7).upper()
    rival.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id(world.driver)})
    socket = knock(world, charger_id, PASSWORD, "ocpp1.6")
    assert swipe(socket, uid) == "Blocked"
    assert world.newest_session() is None
    assert world.driver.call("GET", "/v1/me/balance")["debts"] == []
    # Only its driver's yes makes it good.
    world.driver.call("PUT", f"/v1/me/tokens/{uid}", {})
    assert swipe(socket, uid) == "Accepted"
    assert eventually(world.newest_session)["charger_id"] == charger_id
    socket.close()


def test_a_card_shown_at_a_price_nobody_saw_takes_nothing(world: World, rival: Person) -> None:
    uid = secrets.token_hex(7).upper()
    home, abroad = world.register_charger(), charger_of(rival, "5")
    world.driver.call("PUT", f"/v1/me/tokens/{uid}", {"charger_id": home})
    away = knock(world, abroad, PASSWORD, "ocpp1.6")
    assert swipe(away, uid) == "Invalid"
    socket = knock(world, home, PASSWORD, "ocpp1.6")
    assert say(socket, f'[2,"a","Authorize",{{"idTag":"{uid}"}}]')[2] == {"idTagInfo": {"status": "Accepted"}}
    assert swipe(away, uid) == "Blocked"
    assert world.newest_session() is None
    (token,) = world.driver.call("GET", "/v1/me/tokens")["items"]
    assert (token["consent"], token["refused"]["reason"]) == ("given", "too_dear")
    for it in (socket, away):
        it.close()


def test_a_thief_who_claims_a_strangers_card_beforehand_neither_has_it_nor_its_charges(world: World) -> None:
    uid = secrets.token_hex(7).upper()
    thief, socket = world.new_driver(), knock(world, world.register_charger(), PASSWORD, "ocpp1.6")
    spelled = ":".join(uid[at : at + 2] for at in range(0, len(uid), 2))
    thief.call("PUT", f"/v1/me/tokens/{spelled}", {})
    world.operator.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id(world.driver)})
    assert swipe(socket, spelled) == "Accepted"
    session = eventually(world.newest_session)
    assert thief.call("GET", "/v1/sessions")["items"] == []
    world.driver.until(session["session_id"], lambda it: it["state"] in ("completed", "failed"))
    with pytest.raises(ApiError):
        thief.call("PUT", f"/v1/me/tokens/{uid.lower()}", {})
    socket.close()


def test_a_debtor_begins_nothing_anew_with_the_same_card_under_another_name(world: World) -> None:
    debtor, charger_id = world.new_driver("pm_card_chargeCustomerFail"), world.register_charger()
    uid, socket = secrets.token_hex(7).upper(), knock(world, charger_id, PASSWORD, "ocpp1.6")
    debtor.call("PUT", f"/v1/me/tokens/{uid}", {})
    assert swipe(socket, uid) == "Accepted"
    eventually(lambda: debtor.call("GET", "/v1/me/balance")["debts"])
    for person, method, code in ((debtor, "DELETE", "open_balance"), (world.new_driver(), "PUT", "taken")):
        with pytest.raises(ApiError) as error:
            person.call(method, f"/v1/me/tokens/{uid}", {} if method == "PUT" else None)
        assert error.value.problem["type"].endswith(code)
    assert swipe(socket, uid) == "Blocked"
    socket.close()
    world.pay_up(debtor)


def test_whoever_came_first_by_a_chargers_name_is_out_once_its_operator_registers_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, charger_id = wiring.network(), f"NEW-{secrets.token_hex(4)}"
    monkeypatch.setattr(network, "connections", replace(network.connections, newcomers_to=OPERATOR_ID))
    squatter = knock(world, charger_id, "squatters-own-word", "ocpp1.6")
    boot = (
        '[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"EVIL"}]'
    )
    say(squatter, boot)
    listed = {it["charger_id"]: it for it in world.operator.call("GET", "/v1/operator/chargers")["items"]}
    assert (listed[charger_id]["admission"], listed[charger_id]["password_from"]) == ("pending", "charger")
    body = {"site_id": SITE_ID, "connectors": ["1"], "password": PASSWORD}
    world.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    eventually(lambda: is_closed(squatter))
    with pytest.raises(InvalidStatus):
        knock(world, charger_id, "squatters-own-word", "ocpp1.6")
    socket = knock(world, charger_id, PASSWORD, "ocpp1.6")
    assert heartbeat(socket) == 3
    shown = world.operator.call("GET", f"/v1/operator/chargers/{charger_id}")
    assert (shown["password_from"], shown["serial"]) == ("operator", None)
    socket.close()
