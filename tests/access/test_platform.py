"""The platform's administrator as a matrix: may do what is the platform's, and is shown nothing of any driver.

Both sides come from the app: a route that shows a driver or a session is refused to them unless it is listed here as of
their own account, and a route of the platform's is refused to everybody else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import app as switchboard
from chalicelib.domain.access.operators import OperatorCaps, OperatorStanding
from chalicelib.domain.access.rights import Role, Scope
from chalicelib.handlers.http.audited import platform_thing
from chalicelib.handlers.http.endpoint import ROUTES, Route
from tests.access.door import ADDRESS, Answered
from tests.access.things import DRIVER, MARKS, NEAR, OWN, RIVAL, UID, World, parameters, world
from tests.services.conftest import NOW

assert switchboard.app.app_name == "kerb"
ADMIN = "person-platform"
PLATFORMS = [it for it in ROUTES if it.is_platforms]
# How each is asked; a route of the platform's that is missing here fails.
ASKED: dict[str, Any] = {
    "GET /v1/platform/operators": None,
    "GET /v1/platform/operators/{operator_id}": None,
    "PUT /v1/platform/operators/{operator_id}": {"name": "Acme"},
    "POST /v1/platform/operators/{operator_id}/owners": {"email": "x@example.com"},
    "PUT /v1/platform/operators/{operator_id}/caps": {"kwh_eur": "0.50"},
    "POST /v1/platform/operators/{operator_id}/close": None,
    "POST /v1/platform/operators/{operator_id}/open": None,
    "GET /v1/platform/operators/{operator_id}/audit": None,
}
# What an account can do with itself: nothing of these shows a session, or anybody else.
OF_ACCOUNT = {
    "GET /v1/me",
    "DELETE /v1/me",
    "PUT /v1/me/password",
    "PUT /v1/me/email",
    "POST /v1/me/email/confirm",
    "POST /v1/logout",
    "GET /v1/me/second-factor",
    "POST /v1/me/second-factor",
    "POST /v1/me/second-factor/confirm",
    "DELETE /v1/me/second-factor",
}
KNOWN = [it for it in ROUTES if it.needs_login or it.is_personal]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as net:
        net.platform(ADMIN)
        net.platform("person-bare", is_proven=False)
        for role in Role:
            net.member(f"person-{role}", OWN, role)
        net.member("person-rival", RIVAL, Role.OWNER)
        # Whoever was an operator's before is no more: what they are there opens nothing.
        net.member(ADMIN, OWN, Role.OWNER)
        net.platform(ADMIN)
        net.key("all", frozenset(Scope))
        for operator in (OWN, RIVAL):
            net.kit.operators.note(operator)
        net.settled()
        yield net


@pytest.fixture
def net(made: World) -> Iterator[World]:
    yield made
    made.undo()
    # What is remembered for half a minute is asked anew.
    made.kit.operators.require_second_factor("nobody", frozenset())
    made.undo()


def ask(net: World, token: str, route: Route, operator_id: str = OWN) -> Answered:
    names = {**parameters(route.path, NEAR), "operator_id": operator_id}
    known = {key: names.get(key, "X-1") for key in _names(route)}
    body = ASKED.get(name(route), {})
    return net.door.ask(token, route.method, route.path, known, body)


def _names(route: Route) -> list[str]:
    return [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]


def test_no_route_is_left_out() -> None:
    assert {name(it) for it in PLATFORMS} == ASKED.keys()
    assert {name(it) for it in ROUTES if it.of_account} == OF_ACCOUNT


@pytest.mark.parametrize("route", KNOWN, ids=name)
def test_an_administrator_is_refused_whatever_is_not_the_platforms(net: World, route: Route) -> None:
    if route.is_platforms or name(route) in OF_ACCOUNT:
        return
    for token in (ADMIN, "person-bare"):
        answer = ask(net, token, route)
        assert (answer.status, answer.code, net.written) == (403, "forbidden", set()), name(route)
        assert [mark for mark in (*MARKS, DRIVER) if mark in answer.text] == []


@pytest.mark.parametrize("route", PLATFORMS, ids=name)
def test_the_platforms_is_for_its_administrators_alone_and_with_a_second_factor(net: World, route: Route) -> None:
    for token in (*(f"person-{role}" for role in Role), "person-rival", net.secrets["all"]):
        answer = ask(net, token, route)
        assert (answer.status, answer.code, net.written) == (403, "forbidden", set()), token
    bare = ask(net, "person-bare", route)
    assert (bare.status, bare.code, net.written) == (403, "second_factor_needed", set())
    assert ask(net, "nobody", route).status == 401
    assert ask(net, ADMIN, route).status in (200, 201)


@pytest.mark.parametrize("route", PLATFORMS, ids=name)
def test_what_an_administrator_is_shown_names_no_driver_and_no_session(net: World, route: Route) -> None:
    net.door.ask("person-owner", "PUT", "/v1/operator/tokens/{uid}", {"uid": UID}, {"driver_id": DRIVER})
    text = ask(net, ADMIN, route).text
    assert [mark for mark in (DRIVER, UID, f"S-{NEAR}", f"CP-{NEAR}", "tokens") if mark in text] == []


@pytest.mark.parametrize("route", [it for it in PLATFORMS if it.method != "GET"], ids=name)
def test_each_change_of_theirs_is_one_entry_that_the_operator_reads_too(net: World, route: Route) -> None:
    ask(net, ADMIN, route)
    (entry,) = net.audited()
    assert (entry.who, entry.operator_id, entry.thing) == (f"platform:{ADMIN}", OWN, platform_thing(OWN))
    assert (entry.route, entry.address, entry.at) == (route.path, ADDRESS, NOW)
    assert json.loads(entry.before)["operator_id"] == OWN
    paths = {"operator_id": OWN}
    (shown,) = net.door.ask(ADMIN, "GET", "/v1/platform/operators/{operator_id}/audit", paths).body["items"]
    assert shown["entry_id"] == entry.entry_id
    if not route.path.endswith("/close"):
        (read,) = net.door.ask("person-owner", "GET", "/v1/operator/audit").body["items"]
        assert read == shown


def test_an_operator_that_is_not_there_is_made_by_its_name_and_by_nothing_else(net: World) -> None:
    for route in PLATFORMS:
        if route.method != "GET" and name(route) != "PUT /v1/platform/operators/{operator_id}":
            assert ask(net, ADMIN, route, "no-one").status == 404, name(route)
    path = "/v1/platform/operators/{operator_id}"
    for wrong in ("a b", "a/b", "..", "x" * 65):
        assert net.door.ask(ADMIN, "PUT", path, {"operator_id": wrong}, {"name": "x"}).status == 400
    made = net.door.ask(ADMIN, "PUT", path, {"operator_id": "acme"}, {"name": "Acme"}).body
    assert (made["operator_id"], made["name"], made["closed_at"]) == ("acme", "Acme", None)
    listed = net.door.ask(ADMIN, "GET", "/v1/platform/operators", query={"limit": "100"}).body["items"]
    assert [it["operator_id"] for it in listed] == sorted(["acme", OWN, RIVAL], reverse=True)
    assert net.kit.operators.get("acme") == OperatorStanding(name="Acme", made_at=NOW, caps=OperatorCaps())
