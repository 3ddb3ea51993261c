"""What the API says to people: statuses, problems that name the field, and nothing about anybody else."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from benchmarks.wire import Socket
from chalicelib import wiring
from local.client import ApiError, Person
from local.seed import CHARGER_PASSWORD, SITE_ID, TARIFF_ID, Network, open_account, open_operator
from local.stack import Stack


def refused(person: Person, method: str, path: str, body: Any = None, headers: Any = None) -> ApiError:
    with pytest.raises(ApiError) as error:
        person.call(method, path, body, headers)
    return error.value


def code(error: ApiError) -> tuple[int, str]:
    return error.status, str(error.problem["type"]).removeprefix("urn:kerb:problem:")


@pytest.fixture(scope="module")
def other(stack: Stack, network: Network) -> Person:
    """Another driver, with a card."""
    return open_account(stack, f"other-{secrets.token_hex(4)}@example.com", "Other-driver-1")


@pytest.fixture(scope="module")
def rival(stack: Stack, network: Network) -> Person:
    """Another operator."""
    return open_operator(stack, f"rival-{secrets.token_hex(4)}@example.com", "Rival-operator-1", "rival")


def test_a_problem_names_every_field_that_is_wrong(network: Network) -> None:
    error = refused(
        network.driver, "POST", "/v1/sessions", {"charger_id": "a b", "connector": 0, "card_number": "4242"}
    )
    assert code(error) == (422, "invalid")
    assert {it["field"] for it in error.problem["errors"]} == {"charger_id", "connector", "card_number"}


def test_a_problem_is_problem_json(stack: Stack) -> None:
    answer = requests.post(f"{stack.http_url}/v1/login", json={}, timeout=60)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_is_not_json_is_refused_as_such(stack: Stack) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{stack.http_url}/v1/login", data="{oops", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:kerb:problem:not_json")


@pytest.mark.parametrize("token", ["", "nonsense", "eyJhbGciOiJub25lIn0.e30."])
def test_nobody_gets_in_without_a_good_token(stack: Stack, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert requests.get(f"{stack.http_url}/v1/me", headers=headers, timeout=60).status_code == 401


def test_a_wrong_password_and_an_unknown_address_are_told_alike(stack: Stack, network: Network) -> None:
    answers = [
        refused(
            Person(stack.http_url, email, "Wrong-password-1"), "POST", "/v1/login", {"email": email, "password": "W"}
        )
        for email in (network.driver.email, "nobody@example.com")
    ]
    assert code(answers[0]) == code(answers[1]) == (401, "not_allowed")
    assert answers[0].problem == answers[1].problem


def test_an_address_registers_once(stack: Stack, network: Network) -> None:
    body = {"email": network.driver.email, "password": "Another-one-1"}
    assert code(refused(Person(stack.http_url, "", ""), "POST", "/v1/drivers", body)) == (409, "already_registered")


def test_a_weak_password_is_refused_and_says_why(stack: Stack) -> None:
    body = {"email": "weak@example.com", "password": "weakweak"}
    error = refused(Person(stack.http_url, "", ""), "POST", "/v1/drivers", body)
    assert error.status == 401
    assert "assword" in error.problem["detail"]


def test_a_refresh_token_gives_a_new_access_token(stack: Stack, network: Network) -> None:
    person = network.driver
    tokens = person.call("POST", "/v1/login", {"email": person.email, "password": person.password})
    again = person.call("POST", "/v1/login/refresh", {"refresh_token": tokens["refresh_token"]})
    assert again["access_token"]


def test_a_driver_is_no_operator(network: Network) -> None:
    assert code(refused(network.driver, "GET", "/v1/operator/chargers")) == (403, "forbidden")


def test_an_operator_sees_and_takes_only_its_own(network: Network, rival: Person, charger_id: str) -> None:
    assert rival.call("GET", "/v1/operator/chargers")["items"] == []
    tariff = {"name": "Mine", "currency": "EUR", "price_per_kwh": "0.10"}
    site = {"name": "Mine", "address": "Here", "time_zone": "UTC", "tariff_id": TARIFF_ID}
    charger = {"site_id": SITE_ID, "connectors": ["1"], "password": CHARGER_PASSWORD}
    assert code(refused(rival, "PUT", f"/v1/operator/tariffs/{TARIFF_ID}", tariff)) == (409, "taken")
    assert code(refused(rival, "PUT", f"/v1/operator/sites/{SITE_ID}", site)) == (409, "taken")
    assert refused(rival, "PUT", "/v1/operator/sites/rival-site", site).status == 404
    assert refused(rival, "PUT", f"/v1/operator/chargers/{charger_id}", charger).status == 404
    listed = network.operator.call("GET", "/v1/operator/chargers")["items"]
    assert charger_id in {it["charger_id"] for it in listed}
    assert not {"password", "password_hash"} & {name for it in listed for name in it}
    assert "scrypt" not in json.dumps(listed)


def test_a_charger_changes_without_its_password_but_not_begins_without(network: Network, charger_id: str) -> None:
    body = {"site_id": SITE_ID, "connectors": ["1"]}
    network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    assert [it["connector"] for it in network.driver.call("GET", f"/v1/chargers/{charger_id}")["connectors"]] == ["1"]
    assert code(refused(network.operator, "PUT", "/v1/operator/chargers/NEW-1", body)) == (409, "password_missing")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_per_kwh", "-0.1"),
        ("price_per_kwh", "0.12345"),
        ("currency", "euro"),
        ("hold_minor", 0),
        ("tax_percent", "101"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused_by_its_field(network: Network, field: str, value: Any) -> None:
    body = {"name": "T", "currency": "EUR", "price_per_kwh": "0.45", field: value}
    error = refused(network.operator, "PUT", "/v1/operator/tariffs/odd", body)
    assert code(error) == (422, "invalid")
    assert error.problem["errors"][0]["field"] == field


def test_a_session_needs_a_card_a_charger_that_exists_and_one_that_is_online(
    stack: Stack, network: Network, charger_id: str
) -> None:
    cardless = open_account(stack, f"cardless-{secrets.token_hex(4)}@example.com", "Cardless-1", card=None)
    body = {"charger_id": charger_id, "connector": "1"}
    assert code(refused(cardless, "POST", "/v1/sessions", body)) == (402, "no_card")
    assert code(refused(network.driver, "POST", "/v1/sessions", body)) == (409, "charger_offline")
    assert refused(network.driver, "POST", "/v1/sessions", {"charger_id": "NOWHERE"}).status == 404
    assert refused(network.driver, "POST", "/v1/sessions", {**body, "connector": "9"}).status == 404


@pytest.mark.parametrize("key", ["has space", "x" * 256])
def test_an_idempotency_key_that_is_none_is_refused_by_name(network: Network, charger_id: str, key: str) -> None:
    headers = {"Idempotency-Key": key}
    error = refused(network.driver, "POST", "/v1/sessions", {"charger_id": charger_id}, headers)
    assert (error.status, error.problem["errors"][0]["field"]) == (400, "Idempotency-Key")


def test_a_connector_out_of_order_is_not_started(network: Network, socket: Socket, charger_id: str) -> None:
    socket.call("StatusNotification", {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted"})
    body = {"charger_id": charger_id, "connector": "1"}
    assert code(refused(network.driver, "POST", "/v1/sessions", body)) == (409, "connector_out_of_order")


def begin(network: Network, socket: Socket, charger_id: str) -> str:
    session_id = str(network.driver.begin(charger_id)["session_id"])
    socket.await_command()
    start = {"connectorId": 1, "idTag": socket.command["idTag"], "meterStart": 0, "timestamp": now()}
    socket.call("StartTransaction", start)
    return session_id


def now() -> str:
    return datetime.now(UTC).isoformat()


def read(socket: Socket, network: Network, session_id: str, wh: int) -> None:
    values = [{"timestamp": now(), "sampledValue": [{"value": str(wh)}]}]
    socket.call("MeterValues", {"connectorId": 1, "meterValue": values})


def test_nobody_sees_another_drivers_session(network: Network, other: Person, socket: Socket, charger_id: str) -> None:
    session_id = begin(network, socket, charger_id)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/receipt"), ("GET", "/live")):
        assert refused(other, method, f"/v1/sessions/{session_id}{path}").status == 404
    assert session_id not in json.dumps(other.call("GET", "/v1/sessions"))
    assert network.driver.session(session_id)["state"] == "active"


def test_there_is_no_receipt_before_payment(network: Network, socket: Socket, charger_id: str) -> None:
    session_id = begin(network, socket, charger_id)
    assert code(refused(network.driver, "GET", f"/v1/sessions/{session_id}/receipt")) == (409, "no_receipt_yet")


def events(text: str) -> list[dict[str, str]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block) for block in blocks]


def test_a_live_view_tells_each_step_once_and_then_the_end(
    stack: Stack, network: Network, socket: Socket, charger_id: str
) -> None:
    session_id = begin(network, socket, charger_id)
    url = stack.http_url + network.driver.session(session_id)["live_url"]
    read(socket, network, session_id, 1000)
    first = requests.get(url, timeout=60)
    assert first.headers["Content-Type"] == "text/event-stream"
    retry, step = events(first.text)
    assert int(retry["retry"]) > 0
    assert int(retry["retry"]) < 10_000, "what the charger says is seen within ten seconds"
    assert (step["event"], json.loads(step["data"])["energy_wh"]) == ("progress", 1000)
    seen = {"Last-Event-ID": step["id"]}
    assert events(requests.get(url, headers=seen, timeout=60).text)[1:] == []
    read(socket, network, session_id, 2000)
    (_, step) = events(requests.get(url, headers=seen, timeout=60).text)
    assert json.loads(step["data"])["energy_wh"] == 2000
    network.driver.end(session_id)
    socket.await_command()
    (soon, stopping) = events(requests.get(url, headers={"Last-Event-ID": step["id"]}, timeout=60).text)
    assert int(soon["retry"]) < int(retry["retry"]), "an end is waited for"
    assert json.loads(stopping["data"])["state"] == "stopping"
    stop = {"transactionId": socket.command["transactionId"], "meterStop": 3000, "timestamp": now()}
    socket.call("StopTransaction", stop)
    network.driver.until(session_id, lambda it: it["state"] == "completed")
    last = events(requests.get(url, headers={"Last-Event-ID": stopping["id"]}, timeout=60).text)[-1]
    assert (last["event"], last["id"], json.loads(last["data"])["energy_wh"]) == ("end", "end", 3000)
    assert requests.get(url, headers={"Last-Event-ID": "end"}, timeout=60).status_code == 204
    assert requests.get(url, headers={"Last-Event-ID": "rubbish"}, timeout=60).status_code == 400


def test_a_ticket_opens_its_own_session_for_its_own_time(
    stack: Stack, network: Network, socket: Socket, charger_id: str
) -> None:
    session_id = begin(network, socket, charger_id)
    driver_id = network.driver.call("GET", "/v1/me")["driver_id"]
    live = f"{stack.http_url}/v1/sessions/{session_id}/live"
    later = datetime.now(UTC) + timedelta(hours=1)
    good = wiring.network().tickets.issue(session_id, driver_id, later)
    assert requests.get(live, params={"ticket": good}, timeout=60).status_code == 200
    for bad in (
        wiring.network().tickets.issue("KOTHER", driver_id, later),
        wiring.network().tickets.issue(session_id, driver_id, datetime.now(UTC) - timedelta(hours=1)),
        good[:-2],
    ):
        assert requests.get(live, params={"ticket": bad}, timeout=60).status_code == 401
    assert requests.get(live, timeout=60).status_code == 401


def test_paging_walks_every_session_once(network: Network, socket: Socket, charger_id: str) -> None:
    made = [network.driver.begin(charger_id, connector)["session_id"] for connector in ("1", "2")]
    found: list[str] = []
    cursor = None
    while True:
        page = network.driver.call("GET", "/v1/sessions?limit=1" + (f"&cursor={cursor}" if cursor else ""))
        found += [it["session_id"] for it in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found[:2] == made[::-1]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(("query", "field"), [("limit=0", "limit"), ("limit=x", "limit"), ("cursor=xyz", "cursor")])
def test_a_page_that_makes_no_sense_is_refused_by_name(network: Network, query: str, field: str) -> None:
    error = refused(network.driver, "GET", f"/v1/sessions?{query}")
    assert (error.status, error.problem["errors"][0]["field"]) == (400, field)


def test_a_webhook_without_stripes_signature_is_refused(stack: Stack) -> None:
    body = json.dumps({"id": "evt_1", "type": "payment_intent.succeeded"})
    for signature in ("", "t=1,v1=00"):
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        answer = requests.post(f"{stack.http_url}/v1/webhooks/stripe", data=body, headers=headers, timeout=60)
        assert answer.status_code == 400


def test_a_setup_that_is_not_finished_or_not_mine_saves_no_card(network: Network, other: Person) -> None:
    setup = network.driver.call("POST", "/v1/cards/setup", {})
    body = {"setup_id": setup["setup_id"]}
    assert code(refused(network.driver, "POST", "/v1/cards", body)) == (409, "card_not_ready")
    assert code(refused(other, "POST", "/v1/cards", body)) == (409, "card_not_ready")
