"""Who calls: tokens that are not ours, groups that are not the operator's, and what a login leaves in the log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.utilities.utils import load_resource

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.domain.access.api_keys import ShownKey
from chalicelib.handlers.http.caller import Caller, caller_from
from chalicelib.handlers.http.observability import logger
from local import identity
from local.client import Person
from local.seed import OPERATOR_ID, Network, open_account
from local.stack import Stack

PASSWORD = "Quite-secret-1"
Forge = Callable[..., str]


@pytest.fixture
def forge(network: Network) -> Forge:
    """An access token of the driver's, with other claims, signed with the pool's key unless told otherwise."""
    claims = jwt.decode(network.driver.token, options={"verify_signature": False})
    header = jwt.get_unverified_header(network.driver.token)
    pool_key = jwt.PyJWK(load_resource("cognitoidp/resources/jwks-private.json"), "RS256").key

    def token(key: Any = pool_key, **changes: Any) -> str:
        return jwt.encode({**claims, **changes}, key, "RS256", {"kid": header["kid"]})

    return token


def me(stack: Stack, authorization: str) -> requests.Response:
    return requests.get(f"{stack.http_url}/v1/me", headers={"Authorization": authorization}, timeout=60)


def test_a_token_says_who_calls(stack: Stack, network: Network, forge: Forge) -> None:
    for token in (network.driver.token, forge()):
        assert me(stack, f"Bearer {token}").json()["email"] == network.driver.email


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", "Bearer   {}", "{}"])
def test_the_scheme_may_be_written_as_clients_write_it(stack: Stack, network: Network, form: str) -> None:
    assert me(stack, form.format(network.driver.token)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 3600},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"client_id": "another-client"},
        {"token_use": "id"},
        {"token_use": "refresh"},
    ],
    ids=["old", "issuer", "client", "id", "refresh"],
)
def test_a_token_that_is_old_or_for_something_else_is_refused(
    stack: Stack, forge: Forge, changes: dict[str, Any]
) -> None:
    assert me(stack, f"Bearer {forge(**changes)}").status_code == 401


def test_a_token_signed_by_anybody_else_is_refused(stack: Stack, forge: Forge) -> None:
    anybodys = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert me(stack, f"Bearer {forge(anybodys)}").status_code == 401


def test_a_password_is_no_token(stack: Stack, network: Network) -> None:
    assert me(stack, f"Basic {network.driver.token}").status_code == 401


def test_the_live_view_takes_a_token_as_every_other_route_does(
    stack: Stack, network: Network, forge: Forge, socket: Socket, charger_id: str
) -> None:
    live = f"{stack.http_url}/v1/sessions/{network.driver.begin(charger_id)['session_id']}/live"
    tokens = [network.driver.token, forge(exp=1), "nonsense", network.operator.token]
    answers = [requests.get(live, headers={"Authorization": f"Bearer {it}"}, timeout=60) for it in tokens]
    assert [it.status_code for it in answers] == [200, 401, 401, 404]


def test_a_stranger_cannot_ask_whether_a_session_has_ended(
    stack: Stack, network: Network, socket: Socket, charger_id: str
) -> None:
    live = f"{stack.http_url}/v1/sessions/{network.driver.begin(charger_id)['session_id']}/live"
    ended = {"Last-Event-ID": "end"}
    assert requests.get(live, headers=ended, timeout=60).status_code == 401
    operators = {**ended, "Authorization": f"Bearer {network.operator.token}"}
    assert requests.get(live, headers=operators, timeout=60).status_code == 404


def test_only_a_group_named_after_an_operator_makes_one(stack: Stack, network: Network) -> None:
    person = open_account(stack, "grouped@example.com", PASSWORD, card=None)
    for group, status in ((OPERATOR_ID, 403), (f"xoperator:{OPERATOR_ID}", 403), (f"operator:{OPERATOR_ID}", 200)):
        identity.add_to_group(stack.user_pool_id, person.email, group)
        person.log_in()
        headers = {"Authorization": f"Bearer {person.token}"}
        assert requests.get(f"{stack.http_url}/v1/operator/chargers", headers=headers, timeout=60).status_code == status


@pytest.mark.parametrize(
    ("authorizer", "caller"),
    [
        ({"principalId": "d1"}, Caller(driver_id="d1")),
        ({"principalId": "d1", "groups": ""}, Caller(driver_id="d1")),
        ({"principalId": "d1", "groups": "beta,testers"}, Caller(driver_id="d1")),
        ({"principalId": "d1", "groups": "beta,operator:north"}, Caller(driver_id="d1", groups=("north",))),
        ({"principalId": "k1", "key_hash": "ab12"}, Caller(driver_id="", key=ShownKey("k1", "ab12"))),
    ],
)
def test_the_gateway_passes_the_caller_on_as_text(authorizer: dict[str, str], caller: Caller) -> None:
    assert caller_from(authorizer) == caller


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Every line that reaches a log: ours at DEBUG and in its final form, the libraries' at INFO."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    ours, root = logging.getLogger("chalicelib"), logging.getLogger()
    as_written, plain = Listener(), Listener()
    as_written.setFormatter(ours.handlers[0].formatter)
    powertools = logging.getLogger(logger.name)
    heard = [(ours, as_written), (powertools, as_written), (root, plain)]
    levels = [(it, it.level) for it in (ours, root)]
    for source, listener in heard:
        source.addHandler(listener)
    ours.setLevel(logging.DEBUG)
    root.setLevel(logging.INFO)
    yield lines
    for source, listener in heard:
        source.removeHandler(listener)
    for source, level in levels:
        source.setLevel(level)


def test_a_login_and_a_live_view_leave_no_secret_in_the_log(
    stack: Stack, network: Network, socket: Socket, charger_id: str, told: list[str]
) -> None:
    person = Person(stack.http_url, network.driver.email, network.driver.password)
    tokens = person.call("POST", "/v1/login", {"email": person.email, "password": person.password})
    session = network.driver.begin(charger_id)
    assert requests.get(stack.http_url + session["live_url"], timeout=60).status_code == 200
    requests.post(f"{stack.http_url}/v1/login", json={"email": person.email, "password": PASSWORD}, timeout=60)
    ticket = session["live_url"].partition("ticket=")[2]
    logging.getLogger("chalicelib.here").info("listening")
    text = "\n".join(told)
    assert '"listening"' in text
    for secret in (person.password, PASSWORD, tokens["access_token"], tokens["refresh_token"], ticket):
        assert secret not in text


def test_a_login_that_breaks_leaves_no_password_in_the_log(
    stack: Stack, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Mock(**{"log_in.side_effect": json.JSONDecodeError("broken", "{", 1)})
    monkeypatch.setattr(wiring.network(), "accounts", broken)
    body = {"email": "broken@example.com", "password": PASSWORD}
    answer = requests.post(f"{stack.http_url}/v1/login", json=body, timeout=60)
    assert answer.status_code == 500
    assert any("request failed" in line for line in told)
    assert PASSWORD not in "\n".join(told) + answer.text
