"""No card number comes in by any route, no problem repeats what it was sent, and no place of anybody else's opens."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any

import pytest
import requests
import stripe

import app  # noqa: F401 (declares the routes)
from benchmarks.wire import Socket
from chalicelib.handlers.http.endpoint import ROUTES, Route
from local.client import ApiError, Person
from local.seed import Network, open_account, open_platform
from local.stack import Stack

CARD_NUMBER = "4242424242424242"
CARD = {"card_number": CARD_NUMBER, "cvc": "123", "card": {"number": CARD_NUMBER, "exp_year": 2030}}
WITH_BODY = [it for it in ROUTES if it.takes is not None]


@pytest.fixture(scope="module")
def platform(stack: Stack) -> Person:
    return open_platform(stack, f"platform-{secrets.token_hex(4)}@example.com", "Platform-story-1")


def token_for(route: Route, network: Network, platform: Person) -> str:
    """Whose routes those are: the operator's, who may call everything, or the platform's."""
    return platform.token if route.is_platforms else network.operator.token


def asked(stack: Stack, token: str, route: Route, body: Any) -> requests.Response:
    """Whoever may call that route does."""
    return requests.request(
        route.method,
        stack.http_url + re.sub(r"{\w+}", "X-1", route.path),
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda it: f"{it.method} {it.path}")
def test_no_route_takes_a_card_number_or_repeats_it(
    stack: Stack, network: Network, platform: Person, route: Route
) -> None:
    # A body that may be one of several things must first say which.
    kind = {"command": "clear_cache"} if route.path.endswith("/commands") else {}
    answer = asked(stack, token_for(route, network, platform), route, kind | CARD)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert CARD.keys() <= {it["field"].rpartition(".")[2] for it in answer.json()["errors"]}
    assert CARD_NUMBER not in answer.text


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda it: f"{it.method} {it.path}")
def test_a_problem_says_the_same_in_its_body_as_in_its_status(
    stack: Stack, network: Network, platform: Person, route: Route
) -> None:
    problem = asked(stack, token_for(route, network, platform), route, ["not", "an", "object"]).json()
    assert (problem["status"], problem["title"]) == (422, "Unprocessable Entity")
    assert problem["type"].startswith("urn:kerb:problem:")
    assert problem["detail"]


def test_a_problem_does_not_repeat_a_password(stack: Stack) -> None:
    body = {"email": "not an address", "password": "short", "remember": "Very-secret-1"}
    answer = requests.post(f"{stack.http_url}/v1/drivers", json=body, timeout=60)
    assert {it["field"] for it in answer.json()["errors"]} == {"email", "password", "remember"}
    for secret in ("short", "Very-secret-1"):
        assert f'"{secret}"' not in answer.text
        assert f"'{secret}'" not in answer.text


def test_another_drivers_cursor_shows_nothing_of_theirs(network: Network, stack: Stack, charger_id: str) -> None:
    socket = Socket(stack.socket_url, charger_id, "charge-me-if-you-can", "ocpp1.6")
    theirs = {network.driver.begin(charger_id, connector)["session_id"] for connector in ("1", "2")}
    cursor = network.driver.call("GET", "/v1/sessions?limit=1")["next_cursor"]
    socket.close()
    other = open_account(stack, f"curious-{secrets.token_hex(4)}@example.com", "Curious-driver-1", card=None)
    page = other.call("GET", f"/v1/sessions?limit=100&cursor={cursor}")
    assert len(theirs) == 2
    assert page == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", ["101", "-1", "1.5", "\u00b2", "", "\uff11"])
def test_a_limit_out_of_bounds_is_refused_by_name(network: Network, limit: str) -> None:
    with pytest.raises(ApiError) as error:
        network.driver.call("GET", f"/v1/sessions?limit={limit}")
    assert (error.value.status, error.value.problem["errors"][0]["field"]) == (400, "limit")


@pytest.mark.parametrize("length", [1, 255])
def test_an_idempotency_key_may_be_as_long_as_promised(
    network: Network, socket: Socket, charger_id: str, length: int
) -> None:
    key = secrets.token_hex(128)[:length] if length > 1 else "~"
    assert network.driver.begin(charger_id, "1", key)["charger_id"] == charger_id


@pytest.mark.parametrize("key", ["tab\there", "clé", "x" * 256])
def test_an_idempotency_key_with_anything_unprintable_begins_nothing(
    stack: Stack, network: Network, socket: Socket, charger_id: str, key: str
) -> None:
    headers: dict[str, str | bytes] = {
        "Authorization": f"Bearer {network.driver.token}",
        "Idempotency-Key": key.encode(),
    }
    answer = requests.post(
        f"{stack.http_url}/v1/sessions", json={"charger_id": charger_id}, headers=headers, timeout=60
    )
    assert answer.status_code == 400
    connectors = network.driver.call("GET", f"/v1/chargers/{charger_id}")["connectors"]
    assert not any(it["in_use"] for it in connectors)


def signed(stack: Stack, body: str, *, secret: str | None = None, at: float | None = None) -> str:
    signature = stripe.WebhookSignature.generate_signature_header(
        body, secret or stack.webhook_secret, int(at or time.time())
    )
    return str(signature)


def deliver(stack: Stack, body: str, signature: str) -> int:
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    return requests.post(f"{stack.http_url}/v1/webhooks/stripe", data=body, headers=headers, timeout=60).status_code


def test_a_webhook_is_believed_only_as_it_was_signed_by_whom_and_when(stack: Stack) -> None:
    event = {"id": f"evt_{secrets.token_hex(6)}", "object": "event", "type": "customer.created", "created": 1}
    body = json.dumps({**event, "data": {"object": {}}})
    assert deliver(stack, body + " ", signed(stack, body)) == 400
    assert deliver(stack, body, signed(stack, body, secret="whsec_anybodys")) == 400
    assert deliver(stack, body, signed(stack, body, at=time.time() - 3600)) == 400
    assert deliver(stack, body, signed(stack, body)) == 204


@pytest.mark.parametrize("body", ["[]", "{}", "no json", '{"id": "evt_1", "type": "customer.created"}'])
def test_a_signed_webhook_that_is_no_event_is_refused(stack: Stack, body: str) -> None:
    assert deliver(stack, body, signed(stack, body)) == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/v1/me", 405, "method_not_allowed"),
        ("PUT", "/v1/sessions", 405, "method_not_allowed"),
        ("DELETE", "/v1/openapi.json", 405, "method_not_allowed"),
        ("GET", "/v1/adhoc/checkouts", 405, "method_not_allowed"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
        ("GET", "/v1/me", 401, "not_allowed"),
    ],
)
def test_what_never_reaches_a_route_is_refused_with_a_problem_too(
    stack: Stack, method: str, path: str, status: int, code: str
) -> None:
    answer = requests.request(method, stack.http_url + path, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"urn:kerb:problem:{code}"
    if status == 405:
        assert answer.headers["Allow"]


def test_there_is_no_such_route_for_whoever_is_logged_in_either(network: Network) -> None:
    with pytest.raises(ApiError, match="not_found") as error:
        network.driver.call("GET", "/v1/nothing")
    assert error.value.status == 404


@pytest.mark.parametrize("route", ROUTES, ids=lambda it: f"{it.method} {it.path}")
def test_a_parameter_that_a_route_does_not_know_is_refused_by_name(
    stack: Stack, network: Network, platform: Person, route: Route
) -> None:
    answer = requests.request(
        route.method,
        stack.http_url + re.sub(r"{\w+}", "X-1", route.path),
        params={"limitt": "3"},
        headers={"Authorization": f"Bearer {token_for(route, network, platform)}"},
        timeout=60,
    )
    assert answer.status_code == 400
    assert [it["field"] for it in answer.json()["errors"]] == ["limitt"]
