"""What an operator registers is its own: nobody takes it, uses it, or changes it by asking for the same id."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest
import requests

import app  # noqa: F401 (declares the routes)
from benchmarks.wire import Socket
from chalicelib.handlers.http.endpoint import ROUTES
from local.client import ApiError, Person
from local.seed import CHARGER_PASSWORD, RFID_UID, SITE_ID, TARIFF_ID, Network
from local.stack import Stack

TARIFF = {"name": "Mine", "currency": "EUR", "price_per_kwh": "0.10"}
SITE = {"name": "Mine", "address": "Here 1", "time_zone": "Europe/Berlin"}
CHARGER = {"connectors": ["1"], "password": "another-password-1"}
OPERATOR_ROUTES = [(it.method, it.path) for it in ROUTES if it.path.startswith("/v1/operator/")]


def refusal(person: Person, path: str, body: dict[str, Any]) -> tuple[int, str]:
    with pytest.raises(ApiError) as error:
        person.call("PUT", f"/v1/operator/{path}", body)
    return error.value.status, str(error.value.problem["type"]).removeprefix("urn:kerb:problem:")


def driver_id(network: Network) -> str:
    return str(network.driver.call("GET", "/v1/me")["driver_id"])


def test_every_operators_route_needs_an_operator(stack: Stack, network: Network) -> None:
    assert len(OPERATOR_ROUTES) == 104
    driver = {"Authorization": f"Bearer {network.driver.token}"}
    for method, path in OPERATOR_ROUTES:
        url = stack.http_url + re.sub(r"{\w+}", "X-1", path)
        assert requests.request(method, url, json={}, timeout=60).status_code == 401
        answer = requests.request(method, url, json={}, headers=driver, timeout=60)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:kerb:problem:forbidden")


def test_another_operators_charger_cannot_be_taken_to_a_site_of_ones_own(
    stack: Stack, network: Network, rival: Person, charger_id: str
) -> None:
    body = {**CHARGER, "site_id": "rival-site-2"}
    assert refusal(rival, f"chargers/{charger_id}", body) == (409, "taken")
    assert network.driver.call("GET", f"/v1/chargers/{charger_id}")["site_id"] == SITE_ID
    Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6").close()


def test_another_operators_site_or_tariff_cannot_be_used(rival: Person) -> None:
    assert refusal(rival, "chargers/RIVAL-1", {**CHARGER, "site_id": SITE_ID}) == (404, "not_found")
    assert refusal(rival, "sites/rival-site-2", {**SITE, "tariff_id": TARIFF_ID}) == (404, "not_found")


def test_a_site_or_tariff_that_is_not_there_and_one_that_is_anothers_are_told_alike(rival: Person) -> None:
    assert refusal(rival, "chargers/RIVAL-1", {**CHARGER, "site_id": "nowhere"}) == (404, "not_found")
    assert refusal(rival, "sites/rival-site-2", {**SITE, "tariff_id": "nothing"}) == (404, "not_found")


@pytest.mark.parametrize("uid", [RFID_UID, RFID_UID.lower()])
def test_another_operators_rfid_card_cannot_be_taken_however_its_uid_is_written(
    network: Network, rival: Person, uid: str
) -> None:
    body = {"driver_id": driver_id(network), "blocked": True}
    assert refusal(rival, f"tokens/{uid}", body) == (409, "taken")


def test_an_rfid_card_needs_a_driver_who_exists(network: Network) -> None:
    assert refusal(network.operator, "tokens/04AABBCC", {"driver_id": "nobody"}) == (404, "not_found")


def test_a_blocked_rfid_card_is_refused_at_the_charger(network: Network, socket: Socket) -> None:
    uid = secrets.token_hex(7)
    for blocked, status in ((False, "Accepted"), (True, "Blocked"), (False, "Accepted")):
        body = {"driver_id": driver_id(network), "blocked": blocked}
        network.operator.call("PUT", f"/v1/operator/tokens/{uid}", body)
        assert socket.call("Authorize", {"idTag": uid.upper()})["idTagInfo"]["status"] == status


def test_what_is_registered_twice_is_registered_once(network: Network, rival: Person) -> None:
    for _ in range(2):
        rival.call("PUT", "/v1/operator/chargers/RIVAL-TWICE", {**CHARGER, "site_id": "rival-site-2"})
    listed = [it["charger_id"] for it in rival.call("GET", "/v1/operator/chargers")["items"]]
    assert listed.count("RIVAL-TWICE") == 1
    others = [it["charger_id"] for it in network.operator.call("GET", "/v1/operator/chargers")["items"]]
    assert "RIVAL-TWICE" not in others


def test_a_charger_changed_without_its_password_keeps_password_and_socket(
    stack: Stack, network: Network, socket: Socket, charger_id: str
) -> None:
    body = {"site_id": SITE_ID, "connectors": ["1", "2", "3"]}
    network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    assert network.driver.call("GET", f"/v1/chargers/{charger_id}")["online"] is True
    assert "currentTime" in socket.call("Heartbeat", {})
    Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6").close()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("tariffs", TARIFF),
        ("sites", {**SITE, "tariff_id": TARIFF_ID}),
        ("tokens", {"driver_id": "d"}),
        ("chargers", {**CHARGER, "site_id": SITE_ID}),
    ],
)
def test_an_id_that_cannot_be_one_is_refused_by_name(network: Network, kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as error:
        network.operator.call("PUT", f"/v1/operator/{kind}/not%20an%20id", body)
    (wrong,) = error.value.problem["errors"]
    assert error.value.status == 400
    assert wrong["field"] == {"tokens": "uid"}.get(kind, f"{kind.removesuffix('s')}_id")


def test_a_driver_sees_a_chargers_price_and_never_its_password(network: Network, charger_id: str) -> None:
    seen = network.driver.call("GET", f"/v1/chargers/{charger_id}")
    assert (seen["prices"]["currency"], seen["prices"]["now"][0]["price"]) == ("EUR", "0.45")
    assert CHARGER_PASSWORD not in str(seen)
    assert not {it for it in seen if "password" in it}
