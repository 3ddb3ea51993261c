"""What every route has in common: what it asks of a request, and what it answers when something is wrong."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

import pytest
import requests

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.handlers.http import observability as observe
from chalicelib.records import Conflict
from chalicelib.records.drivers import AlreadyRegistered, Login, NotAllowed
from chalicelib.records.money import Declined, PaymentsUnavailable
from chalicelib.services.access import NotFound, Refusal
from local.seed import CHARGER_PASSWORD, SITE_ID, Network
from local.stack import Stack

CREDENTIALS = {"email": "d@example.com", "password": "whatever-1"}


class Accounts:
    """Logging in ends as told."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def log_in(self, email: str, password: str, code: str = "") -> None:
        raise self.error


@pytest.fixture
def log_in(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], requests.Response]:
    """The answer to a login that ends with that error."""

    def answer(error: Exception) -> requests.Response:
        monkeypatch.setattr(wiring.network(), "accounts", Accounts(error))
        return requests.post(f"{stack.http_url}/v1/login", json=CREDENTIALS, timeout=60)

    return answer


def bearer(network: Network, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {network.operator.token}", **headers}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("driver"), 404, "not_found"),
        (NotAllowed("no"), 401, "not_allowed"),
        (AlreadyRegistered("known"), 409, "already_registered"),
        (Conflict("busy"), 409, "conflict"),
        (Declined("no money"), 402, "declined"),
        (PaymentsUnavailable("later"), 503, "payments_unavailable"),
        (Refusal("connector_busy", "in use"), 409, "connector_busy"),
        (Refusal("idempotency_key_reused", "used"), 422, "idempotency_key_reused"),
        (Refusal("driver_blocked", "blocked"), 403, "driver_blocked"),
        (Refusal("no_card", "no card"), 402, "no_card"),
    ],
)
def test_each_thing_that_goes_wrong_has_its_status_and_says_why(
    log_in: Callable[[Exception], requests.Response], error: Exception, status: int, code: str
) -> None:
    answer = log_in(error)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["type"]) == (status, status, f"urn:kerb:problem:{code}")
    assert problem["detail"] == str(error)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_a_login_is_kept_by_nobody_and_taken_for_nothing_else(stack: Stack, network: Network) -> None:
    driver = requests.get(f"{stack.http_url}/v1/me", headers=bearer(network), timeout=60)
    refused = requests.post(f"{stack.http_url}/v1/login", json=CREDENTIALS, timeout=60)
    for answer in (driver, refused):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache")
    assert refused.headers["Cache-Control"] == "no-store"


def test_what_nobody_foresaw_is_logged_and_tells_the_client_nothing(
    log_in: Callable[[Exception], requests.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(observe.logger, "exception", logged.append)
    answer = log_in(RuntimeError("table kerb-drivers in account 123456789012"))
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:kerb:problem:internal")
    assert "kerb-drivers" not in answer.text
    assert "RuntimeError" not in answer.text
    assert logged == ["request failed"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "application/xml"])
def test_a_body_that_does_not_say_it_is_json_is_refused_as_a_problem(stack: Stack, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = requests.post(f"{stack.http_url}/v1/login", data="email=a", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:kerb:problem:not_json")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_say_more_of_itself(stack: Stack, network: Network, content_type: str) -> None:
    body = f'{{"email": "{network.driver.email}", "password": "{network.driver.password}"}}'
    headers = {"Content-Type": content_type}
    assert requests.post(f"{stack.http_url}/v1/login", data=body, headers=headers, timeout=60).status_code == 200


def test_a_request_without_a_body_may_say_any_content_type(stack: Stack, network: Network) -> None:
    headers = bearer(network, **{"Content-Type": "text/plain"})
    assert requests.get(f"{stack.http_url}/v1/me", headers=headers, timeout=60).status_code == 200


@pytest.mark.parametrize("body", ["[]", '"x"', "null", "1"])
def test_json_that_is_no_object_is_invalid(stack: Stack, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{stack.http_url}/v1/login", data=body, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:kerb:problem:invalid")


def test_whose_request_it_is_counts_before_what_it_says(stack: Stack, network: Network) -> None:
    url = f"{stack.http_url}/v1/operator/tariffs/standard"
    headers = {"Authorization": f"Bearer {network.driver.token}"}
    assert requests.put(url, json={"nonsense": True}, headers=headers, timeout=60).status_code == 403
    assert requests.put(url, json={"nonsense": True}, headers=bearer(network), timeout=60).status_code == 422


def test_a_charger_may_have_any_name_ocpp_allows(network: Network) -> None:
    charger_id = f"A*b-_=:+|@.{secrets.token_hex(3)}"
    path = quote(charger_id, safe="")
    network.operator.call(
        "PUT",
        f"/v1/operator/chargers/{path}",
        {"site_id": SITE_ID, "connectors": [1, "2.2"], "password": CHARGER_PASSWORD},
    )
    seen = network.driver.call("GET", f"/v1/chargers/{path}")
    assert seen["charger_id"] == charger_id


@pytest.mark.parametrize("charger_id", ["has space", "has/slash", "x" * 49, "naïve"])
def test_a_name_no_charger_can_have_is_refused_by_its_field(stack: Stack, network: Network, charger_id: str) -> None:
    body = {"site_id": SITE_ID, "connectors": ["1"], "password": CHARGER_PASSWORD}
    url = f"{stack.http_url}/v1/operator/chargers/{quote(charger_id, safe='')}"
    answer = requests.put(url, json=body, headers=bearer(network), timeout=60)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "charger_id")


@pytest.mark.parametrize("connectors", [["1", "1"], [1, "1.1"], [], ["0"], ["1.0"]])
def test_a_charger_has_connectors_and_each_once(stack: Stack, network: Network, connectors: list[Any]) -> None:
    body = {"site_id": SITE_ID, "connectors": connectors, "password": CHARGER_PASSWORD}
    url = f"{stack.http_url}/v1/operator/chargers/TWICE"
    answer = requests.put(url, json=body, headers=bearer(network), timeout=60)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("connectors")


def test_a_password_is_taken_to_the_letter(stack: Stack, network: Network) -> None:
    charger_id, password = f"SP-{secrets.token_hex(4)}", "  spaces at both ends  "
    body = {"site_id": SITE_ID, "connectors": ["1"], "password": password}
    network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    Socket(stack.socket_url, charger_id, password, "ocpp1.6").close()


def test_a_browser_on_another_site_may_send_what_the_api_asks_for(stack: Stack) -> None:
    answer = requests.options(f"{stack.http_url}/v1/sessions", timeout=60)
    allowed = {it.strip() for it in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"} <= allowed
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "POST"} <= {it.strip() for it in answer.headers["Access-Control-Allow-Methods"].split(",")}


def test_a_problem_can_be_read_by_a_browser_on_another_site(stack: Stack) -> None:
    answer = requests.post(f"{stack.http_url}/v1/login", json={}, timeout=60)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_limit_too_long_to_be_a_number_is_refused(stack: Stack, network: Network) -> None:
    url = f"{stack.http_url}/v1/sessions"
    answer: Any = requests.get(url, params={"limit": "9" * 5000}, headers=bearer(network), timeout=60)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "limit")


def test_what_has_not_changed_is_not_sent_again(stack: Stack, network: Network, charger_id: str) -> None:
    url = f"{stack.http_url}/v1/chargers/{charger_id}"
    login = {"Authorization": f"Bearer {network.driver.token}"}
    first = requests.get(url, headers=login, timeout=60)
    assert first.status_code == 200
    for seen in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}', "*"):
        again = requests.get(url, headers={**login, "If-None-Match": seen}, timeout=60)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
    changed = requests.get(url, headers={**login, "If-None-Match": first.headers["ETag"]}, timeout=60)
    assert (changed.status_code, changed.json()["online"]) == (200, True)
    socket.close()


def test_a_session_that_stands_still_looks_the_same(network: Network, charger_id: str, socket: Socket) -> None:
    session_id = network.driver.begin(charger_id)["session_id"]
    socket.await_command()
    views = [network.driver.session(session_id) for _ in range(2)]
    assert views[0]["live_url"] == views[1]["live_url"]
    network.driver.end(session_id)


def test_an_answer_that_its_own_model_refuses_is_our_fault_and_not_the_callers(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Confused:
        def log_in(self, email: str, password: str, code: str = "") -> Login:
            wrong = cast(int, "soon, hidden@example.com")
            return Login(account_id="driver-1", access_token="token", refresh_token=None, expires_s=wrong)

    monkeypatch.setattr(wiring.network(), "accounts", Confused())
    answer = requests.post(f"{stack.http_url}/v1/login", json=CREDENTIALS, timeout=60)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:kerb:problem:internal")
    assert "hidden" not in answer.text
