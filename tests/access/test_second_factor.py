"""A role that needs a second factor may do nothing without one, by any route; with one it is what it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.domain.access.rights import Role
from chalicelib.handlers.http.endpoint import ROUTES
from tests.access.things import ASKED, NEAR, OWN, World, parameters, world
from tests.services.conftest import NOW

OPERATORS = [it for it in ROUTES if it.path.startswith("/v1/operator/")]
RULE = "/v1/operator/security"


@pytest.fixture(scope="module")
def net() -> Iterator[World]:
    with world() as made:
        for name, role in (("person-owner", Role.OWNER), ("person-bare", Role.OWNER), ("person-support", Role.SUPPORT)):
            made.member(name, OWN, role)
        made.kit.second_factors.note_proven("person-owner", "login-person-owner", NOW)
        # Another login of somebody who has a second factor: it took none.
        made.kit.second_factors.note_proven("person-bare", "login-of-another-day", NOW)
        answer = made.door.ask("person-owner", "PUT", RULE, body={"second_factor": ["owner", "finance"]})
        assert answer.status == 204
        made.settled()
        yield made


@pytest.mark.parametrize("route", OPERATORS, ids=lambda it: f"{it.method} {it.path}")
def test_without_one_nothing_is_done_and_it_is_said_what_to_do(net: World, route: object) -> None:
    it = next(one for one in OPERATORS if one is route)
    asked = ASKED[f"{it.method} {it.path}"]
    answer = net.door.ask(
        "person-bare", it.method, it.path, parameters(it.path, NEAR), asked.said(NEAR), query=asked.query
    )
    assert (answer.status, answer.code, net.written) == (403, "second_factor_needed", set())
    assert "/v1/me/second-factor" in answer.body["detail"]
    assert "/v1/login" in answer.body["detail"]


def test_with_one_and_in_other_roles_all_is_as_before(net: World) -> None:
    for token in ("person-owner", "person-support"):
        assert net.door.ask(token, "GET", "/v1/operator/chargers").status == 200


def test_nobody_requires_of_themselves_what_they_have_not(net: World) -> None:
    net.member("person-new", OWN, Role.OWNER)
    net.kit.operators.require_second_factor(OWN, frozenset())
    for roles, status in ((["finance"], 204), (["owner"], 403)):
        answer = net.door.ask("person-new", "PUT", RULE, body={"second_factor": roles})
        assert (answer.status, answer.code) == (status, "" if status == 204 else "second_factor_needed")
    net.undo()


def test_an_owner_says_who_needs_one_and_whoever_keeps_the_books_does_not(net: World) -> None:
    net.member("person-finance", OWN, Role.FINANCE)
    net.kit.operators.require_second_factor(OWN, frozenset())
    assert net.door.ask("person-finance", "PUT", RULE, body={"second_factor": []}).status == 403
    net.undo()
