"""A driver's cards and data over HTTP: theirs to add, to block, to take along, and to have deleted."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from benchmarks.wire import Socket
from local.client import ApiError, Person
from local.seed import CHARGER_PASSWORD, RFID_UID, Network
from local.stack import Stack
from tests.handlers.conftest import until_gone
from tests.handlers.money.test_money import refused
from tests.handlers.sessions.test_sessions import stamp


@pytest.fixture
def uid() -> str:
    return secrets.token_hex(7).upper()


def authorize(socket: Socket, uid: str) -> str:
    return str(socket.call("Authorize", {"idTag": uid})["idTagInfo"]["status"])


def test_a_drivers_own_card_charges_until_they_block_it(
    driver: Person, socket: Socket, charger_id: str, uid: str
) -> None:
    assert authorize(socket, uid) == "Invalid"
    driver.call("PUT", f"/v1/me/tokens/{uid.lower()}", {})
    assert authorize(socket, uid) == "Accepted"
    driver.call("PUT", f"/v1/me/tokens/{uid}", {"blocked": True})
    assert authorize(socket, uid) == "Blocked"
    (shown,) = driver.call("GET", "/v1/me/tokens")["items"]
    assert shown == {
        "uid": uid,
        "operator_id": None,
        "blocked": True,
        "blocked_by_operator": False,
        "consent": "given",
        "claimed_until": None,
        "refused": {"at": shown["refused"]["at"], "charger_id": charger_id, "reason": "blocked"},
        "paid_by_organisation": None,
    }
    driver.call("DELETE", f"/v1/me/tokens/{uid}")
    assert authorize(socket, uid) == "Invalid"


def test_a_card_has_one_owner(network: Network, driver: Person, socket: Socket, uid: str) -> None:
    driver.call("PUT", f"/v1/me/tokens/{uid}", {})
    assert refused(network.driver, "PUT", f"/v1/me/tokens/{uid}", {}) == (409, "taken")
    assert refused(network.driver, "DELETE", f"/v1/me/tokens/{uid}")[0] == 404
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    assert authorize(socket, uid) == "Accepted"
    assert refused(network.operator, "PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id}) == (409, "taken")


def test_what_a_driver_only_says_is_theirs_is_the_drivers_to_whom_an_operator_issues_it(
    network: Network, driver: Person, socket: Socket, uid: str
) -> None:
    spelled = ":".join(uid[at : at + 2] for at in range(0, len(uid), 2)).lower()
    network.driver.call("PUT", f"/v1/me/tokens/{spelled}", {})
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    network.operator.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id})
    (shown,) = driver.call("GET", "/v1/me/tokens")["items"]
    assert (shown["uid"], shown["consent"]) == (uid, "by_terms")
    assert uid not in [it["uid"] for it in network.driver.call("GET", "/v1/me/tokens")["items"]]
    assert authorize(socket, spelled) == "Accepted"
    assert refused(network.driver, "PUT", f"/v1/me/tokens/{spelled}", {}) == (409, "taken")


def rivals_charger(stack: Stack, rival: Person, price: str) -> tuple[str, Socket]:
    """A charger of another operator's, at that price for a kWh, and its socket."""
    tag = secrets.token_hex(4)
    rival.call("PUT", f"/v1/operator/tariffs/r-{tag}", {"name": "R", "currency": "EUR", "price_per_kwh": price})
    site = {"name": "R", "address": "Road 1", "time_zone": "Europe/Berlin", "tariff_id": f"r-{tag}"}
    rival.call("PUT", f"/v1/operator/sites/r-{tag}", site)
    body = {"site_id": f"r-{tag}", "connectors": ["1"], "password": CHARGER_PASSWORD}
    rival.call("PUT", f"/v1/operator/chargers/R-{tag}", body)
    return f"R-{tag}", Socket(stack.socket_url, f"R-{tag}", CHARGER_PASSWORD, "ocpp1.6")


def swipe(socket: Socket, uid: str) -> str:
    begun = {"connectorId": 1, "idTag": uid, "meterStart": 0, "timestamp": stamp()}
    answer = socket.call("StartTransaction", begun)
    ended = {"transactionId": answer["transactionId"], "meterStop": 10_000, "timestamp": stamp()}
    socket.call("StopTransaction", ended)
    return str(answer["idTagInfo"]["status"])


def test_a_stranger_who_is_an_operator_charges_nobody_by_a_token_of_its_own_making(
    stack: Stack, rival: Person, driver: Person, uid: str
) -> None:
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    _, socket = rivals_charger(stack, rival, "0.50")
    rival.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id})
    assert swipe(socket, uid) == "Blocked"
    assert driver.call("GET", "/v1/sessions")["items"] == []
    assert rival.call("GET", f"/v1/operator/tokens/{uid}")["consent"] == "asked"
    (shown,) = driver.call("GET", "/v1/me/tokens")["items"]
    assert (shown["consent"], shown["operator_id"], shown["refused"]["reason"]) == ("asked", "rival-2", "not_agreed")
    (notice,) = driver.call("GET", "/v1/me/notices")["items"]
    assert (notice["kind"], notice["session_id"], notice["token"]["uid"]) == ("token_issued", None, uid)
    driver.call("PUT", notice["token"]["token_url"], {"blocked": True})
    assert authorize(socket, uid) == "Blocked"
    driver.call("PUT", notice["token"]["token_url"], {})
    assert swipe(socket, uid) == "Accepted"
    assert len(driver.call("GET", "/v1/sessions")["items"]) == 1
    socket.close()


def test_abroad_a_card_takes_nothing_at_a_price_above_the_cap(
    stack: Stack, rival: Person, driver: Person, socket: Socket, uid: str
) -> None:
    driver.call("PUT", f"/v1/me/tokens/{uid}", {})
    assert authorize(socket, uid) == "Accepted"
    (dear_id, dear), (_, cheap) = rivals_charger(stack, rival, "5"), rivals_charger(stack, rival, "0.60")
    assert swipe(dear, uid) == "Blocked"
    assert driver.call("GET", "/v1/sessions")["items"] == []
    (shown,) = driver.call("GET", "/v1/me/tokens")["items"]
    assert (shown["refused"]["reason"], shown["refused"]["charger_id"]) == ("too_dear", dear_id)
    said = driver.call("PUT", "/v1/me/roaming", {"most_per_kwh": {"EUR": "0.55"}})
    assert (said["is_in_force"], said["caps_in_force"]["EUR"]) == (True, "0.55")
    assert authorize(cheap, uid) == "Blocked"
    driver.call("PUT", "/v1/me/roaming", {"is_allowed": False})
    assert driver.call("GET", "/v1/me/roaming")["is_in_force"] is False
    assert authorize(cheap, uid) == "Blocked"
    driver.call("PUT", "/v1/me/roaming", {})
    assert swipe(cheap, uid) == "Accepted"
    dear.close()
    cheap.close()


def test_a_reader_that_guesses_is_shown_to_its_operator(network: Network, charger_id: str, socket: Socket) -> None:
    for _ in range(60):
        authorize(socket, secrets.token_hex(4))
    assert authorize(socket, RFID_UID) == "Invalid"
    knocks = network.operator.call("GET", "/v1/operator/knocks?limit=100")["items"]
    assert (charger_id, "tokens_unknown") in [(it["charger_id"], it["reason"]) for it in knocks]


def test_an_operators_card_may_be_blocked_by_its_driver_and_not_deleted(
    network: Network, driver: Person, socket: Socket, uid: str
) -> None:
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    network.operator.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id})
    driver.call("PUT", f"/v1/me/tokens/{uid}", {"blocked": True})
    assert authorize(socket, uid) == "Blocked"
    assert refused(driver, "DELETE", f"/v1/me/tokens/{uid}") == (409, "not_yours")
    # What the driver has blocked, the operator does not open by issuing it again.
    network.operator.call("PUT", f"/v1/operator/tokens/{uid}", {"driver_id": driver_id})
    assert authorize(socket, uid) == "Blocked"


def test_a_driver_takes_their_data_along_and_leaves(
    stack: Stack, network: Network, driver: Person, socket: Socket, charger_id: str, uid: str
) -> None:
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    driver.call("PUT", f"/v1/me/tokens/{uid}", {})
    begun = {"connectorId": 1, "idTag": uid, "meterStart": 0, "timestamp": stamp()}
    transaction_id = socket.call("StartTransaction", begun)["transactionId"]
    assert refused(driver, "DELETE", "/v1/me") == (409, "session_open")
    socket.call("StopTransaction", {"transactionId": transaction_id, "meterStop": 3000, "timestamp": stamp()})
    (session,) = driver.call("GET", "/v1/sessions")["items"]
    driver.until(session["session_id"], lambda it: it["state"] == "completed")

    kept = driver.call("GET", "/v1/me/export")
    assert (kept["email"], kept["card"]) == (driver.email, "visa 4242")
    assert [it["uid"] for it in kept["tokens"]] == [uid]
    assert [it["session_id"] for it in kept["sessions"]] == [session["session_id"]]
    assert {it["kind"] for it in kept["notices"]} >= {"started", "finished"}

    driver.call("DELETE", "/v1/me")
    for path in ("/v1/me", "/v1/me/export"):
        assert refused(driver, "GET", path)[0] == 401
    assert refused(driver, "GET", "/v1/sessions")[0] == 401
    with pytest.raises(ApiError) as error:
        driver.log_in()
    assert error.value.status == 401
    assert authorize(socket, uid) in ("Blocked", "Invalid")
    until_gone(stack, driver_id)
    assert authorize(socket, uid) == "Invalid"
    books = network.operator.call("GET", f"/v1/operator/sessions/{session['session_id']}/books")
    assert sum(books["balances_minor"].values()) == 0


def test_who_has_left_has_no_token_that_is_good(driver: Person) -> None:
    driver.call("DELETE", "/v1/me")
    for method, path in (("DELETE", "/v1/me"), ("GET", "/v1/me"), ("GET", "/v1/sessions"), ("POST", "/v1/logout")):
        assert refused(driver, method, path) == (401, "not_allowed")


@pytest.mark.parametrize("uid", ["a b", "x" * 65, "ä"])
def test_what_cannot_be_a_card_is_refused(driver: Person, uid: str) -> None:
    assert refused(driver, "PUT", f"/v1/me/tokens/{uid}", {})[0] == 400


def test_a_tariff_in_ocpis_words_comes_back_as_it_was(network: Network, rival: Person) -> None:
    elements: list[dict[str, Any]] = [
        {
            "price_components": [{"type": "ENERGY", "price": "0.20", "vat": "19", "step_size": 100}],
            "restrictions": {"start_time": "22:00", "end_time": "06:00", "day_of_week": ["SATURDAY", "SUNDAY"]},
        },
        {
            "price_components": [{"type": "ENERGY", "price": "0.45", "vat": "19", "step_size": 1}],
            "restrictions": {"max_kwh": "20.5", "min_power": "3.7"},
        },
        {"price_components": [{"type": "PARKING_TIME", "price": "3", "vat": "19", "step_size": 900}]},
        {
            "price_components": [{"type": "FLAT", "price": "4", "vat": None, "step_size": 1}],
            "restrictions": {"reservation": "RESERVATION_EXPIRES"},
        },
    ]
    body = {
        "name": "Night",
        "currency": "EUR",
        "elements": elements,
        "min_price": {"excl_vat": "0.50", "incl_vat": "0.60"},
        "max_price": {"after_taxes": "50"},
    }
    rival.call("PUT", "/v1/operator/tariffs/rival-night", body)
    site = {"name": "N", "address": "Night 1", "time_zone": "Europe/Berlin", "tariff_id": "rival-night"}
    rival.call("PUT", "/v1/operator/sites/rival-night-site", site)
    shown = network.driver.call("GET", "/v1/sites/rival-night-site")["prices"]
    assert shown["idle_grace_s"] == 300
    assert shown["min_price"] == {"before_taxes": "0.50", "after_taxes": "0.60"}
    for given, got in zip(elements, shown["elements"], strict=True):
        assert got["price_components"] == given["price_components"]
        kept = {name: it for name, it in (got["restrictions"] or {}).items() if it not in (None, [])}
        assert kept == given.get("restrictions", {})


_AT_25 = {"price_components": [{"type": "ENERGY", "price": "1"}], "restrictions": {"start_time": "25:00"}}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"elements": [], "price_per_kwh": "-1"}, "price_per_kwh"),
        ({"elements": [{"price_components": []}]}, "elements"),
        ({"elements": [{"price_components": [{"type": "WATER", "price": "1"}]}]}, "elements"),
        ({"price_per_kwh": "1", "elements": [{"price_components": [{"type": "FLAT", "price": "1"}]}]}, ""),
        (
            {
                "elements": [
                    {"price_components": [{"type": "ENERGY", "price": "1"}], "restrictions": {"start_time": "25:00"}}
                ]
            },
            "elements",
        ),
        ({"elements": [{"price_components": [{"type": "FLAT", "price": "1"}]}] * 101}, "elements"),
        ({"price_per_kwh": "1", "idle_grace_s": -1}, "idle_grace_s"),
        ({"price_per_kwh": "1", "idle_grace_s": 86_401}, "idle_grace_s"),
    ],
)
def test_a_tariff_that_cannot_be_says_what_is_wrong(network: Network, more: dict[str, Any], field: str) -> None:
    with pytest.raises(ApiError) as error:
        network.operator.call("PUT", "/v1/operator/tariffs/odd", {"name": "Odd", "currency": "EUR", **more})
    assert error.value.status in (400, 422)
    assert error.value.problem["errors"][0]["field"].startswith(field)


def test_a_reservations_element_prices_neither_energy_nor_parking(network: Network) -> None:
    element = {
        "price_components": [{"type": "ENERGY", "price": "1"}],
        "restrictions": {"reservation": "RESERVATION"},
    }
    body = {"name": "Odd", "currency": "EUR", "elements": [element]}
    status, _ = refused(network.operator, "PUT", "/v1/operator/tariffs/odd", body)
    assert status == 400
