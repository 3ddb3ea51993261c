"""Rights as a matrix: every route of an operator's, asked by each role, key, foreign operator and holder of a site.

The routes come from the app: one that `things.ASKED` does not list fails here, and so does one whose check is dropped.
What somebody may not see is to them as what is not there; what is refused changes no row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import app as switchboard
from chalicelib.domain.access.rights import NOT_FOR_KEYS, ROLES, Membership, Role, Scope, SiteRule
from chalicelib.handlers.http.endpoint import ROUTES, Route
from tests.access.door import Answered
from tests.access.things import ASKED, FAR, MARKS, NEAR, NOWHERE, OWN, RIVAL, World, parameters, world
from tests.services.conftest import NOW

assert switchboard.app.app_name == "kerb"
OPERATORS = [it for it in ROUTES if it.path.startswith("/v1/operator/")]
ALL = frozenset(Scope)


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def net() -> Iterator[World]:
    with world() as made:
        for role in Role:
            made.member(f"person-{role}", OWN, role)
            for place in (NEAR, FAR):
                made.member(f"person-{role}-{place}", OWN, role, frozenset({f"site-{place}"}))
        made.member("person-rival", RIVAL, Role.OWNER)
        made.member("person-stranger", RIVAL, Role.OWNER)
        made.kit.memberships.change("person-stranger", RIVAL, lambda _: Membership(role=None, since=NOW))
        made.member("person-left", OWN, Role.OWNER)
        for number, scope in enumerate(Scope):
            made.key(f"only{number:02}", frozenset({scope}))
            made.key(f"but{number:02}", ALL - {scope})
        made.key("all", ALL)
        made.key("near", ALL, sites=frozenset({f"site-{NEAR}"}))
        made.key("far", ALL, sites=frozenset({f"site-{FAR}"}))
        made.key("heldmaker", ALL, maker=f"person-owner-{FAR}")
        made.key("weakmaker", ALL, maker="person-read_only")
        made.key("revoked", ALL, revoked_at=NOW)
        made.key("over", ALL, expires_at=NOW)
        made.key("orphan", ALL, maker="person-left")
        made.kit.memberships.change("person-left", OWN, lambda _: Membership(role=None, since=NOW))
        made.settled()
        yield made


class Walk:
    """One route, asked by many; whatever changes anything is undone."""

    def __init__(self, net: World, route: Route) -> None:
        self.net, self.route, self.asked = net, route, ASKED[name(route)]

    def ask(self, token: str, place: str = NEAR, *, eased: bool = False) -> Answered:
        body = self.asked.eased if eased else self.asked.said(place)
        path = self.route.path
        return self.net.door.ask(token, self.route.method, path, parameters(path, place), body, query=self.asked.query)

    def is_let_in(self, token: str, place: str = NEAR, *, eased: bool = False) -> Answered:
        """Asked by somebody who may; what it changed is put back."""
        answer = self.ask(token, place, eased=eased)
        self.net.undo()
        assert answer.code == self.asked.refused, (name(self.route), token, answer)
        assert answer.status < 300 or self.asked.refused, (name(self.route), token, answer)
        return answer

    def is_refused(self, token: str, status: int, place: str = NEAR, *, eased: bool = False) -> Answered:
        """Asked by somebody who may not: nothing is written, but beyond the door that it was tried.

        What the audit says of that it says to them, and tells nothing of the thing.
        """
        answer = self.ask(token, place, eased=eased)
        tried = self.net.audited() if status in (404, 409) else []
        assert [it for it in tried if it.before or token not in it.who] == [], name(self.route)
        written = sorted(self.net.written - ({"kerb-audit"} if tried else set()))
        self.net.undo()
        assert (answer.status, written) == (status, []), (name(self.route), token, answer)
        return answer

    def is_not_there(self, token: str, place: str) -> None:
        """To them it is as what does not exist, in every letter but the name they gave it themselves."""
        answer, none = self.is_refused(token, 404, place), self.ask(token, NOWHERE)
        self.net.undo()
        said = answer.text
        for mine, nowhere in zip(
            parameters(self.route.path, place).values(), parameters(self.route.path, NOWHERE).values(), strict=True
        ):
            said = said.replace(mine, nowhere)
        if self.route.makes:
            return
        assert (answer.status, said) == (none.status, none.text), name(self.route)


def needed(route: Route) -> tuple[Scope, Scope | None]:
    assert route.needs is not None
    return route.needs, route.eases[0] if route.eases else None


@pytest.fixture(params=OPERATORS, ids=name)
def walk(net: World, request: pytest.FixtureRequest) -> Walk:
    if name(request.param) not in ASKED:
        pytest.fail(f"{name(request.param)} is not listed in tests/access/things.py, with how to ask for its thing")
    return Walk(net, request.param)


def test_no_route_is_listed_that_the_app_has_not() -> None:
    assert set(ASKED) == {name(it) for it in OPERATORS}


def test_strangers_and_former_members_are_refused(walk: Walk) -> None:
    walk.is_refused("nobody", 401)
    walk.is_refused("person-stranger", 403)
    walk.is_refused("person-left", 403)


def test_a_role_may_do_what_its_line_says(walk: Walk) -> None:
    scope, lesser = needed(walk.route)
    for role, rights in ROLES.items():
        token = f"person-{role}"
        walk.is_let_in(token) if scope in rights.scopes else walk.is_refused(token, 403)
        if lesser is not None:
            may = {scope, lesser} & rights.scopes
            walk.is_let_in(token, eased=True) if may else walk.is_refused(token, 403, eased=True)


def test_a_key_may_do_what_its_scopes_say_and_its_maker_may(walk: Walk) -> None:
    scope, lesser = needed(walk.route)
    number, secrets = list(Scope).index(scope), walk.net.secrets
    only, but = secrets[f"only{number:02}"], secrets[f"but{number:02}"]
    if scope in NOT_FOR_KEYS:
        for token in (only, but, secrets["all"]):
            walk.is_refused(token, 403)
        return
    if name(walk.route) != "POST /v1/operator/keys":
        walk.is_let_in(only)
    walk.is_refused(but, 403)
    if lesser is not None:
        walk.is_let_in(secrets[f"only{list(Scope).index(lesser):02}"], eased=True)
        walk.is_refused(secrets[f"only{list(Scope).index(lesser):02}"], 403)
    if scope not in ROLES[Role.READ_ONLY].scopes:
        walk.is_refused(secrets["weakmaker"], 403)


def test_a_key_that_is_over_or_whose_maker_left_is_refused(walk: Walk) -> None:
    for key in ("revoked", "over", "orphan"):
        walk.is_refused(walk.net.secrets[key], 401)


def test_another_operators_thing_is_not_there(walk: Walk) -> None:
    route, foreign = walk.route, walk.asked.foreign
    if foreign == "absent":
        walk.is_not_there("person-rival", NEAR)
    elif foreign == "taken":
        assert walk.is_refused("person-rival", 409).code == "taken"
    else:
        own = ("/members/{person_id}", "/events/{event_id}", "/organisations/{organisation_id}")
        assert "{" not in route.path or route.path.endswith(own)
        answer = walk.ask("person-rival")
        # Of what is written what is theirs alone has changed, and nothing of the other's.
        tables = sorted(walk.net.written - {"kerb-drivers"})
        before, after = walk.net.rows_before(tables), walk.net.rows(tables)
        walk.net.undo()
        assert answer.status < 300
        assert not [mark for mark in MARKS if mark in answer.text.replace("person-OWN", "")], answer
        assert {it for it in after.items() if OWN in str(it)} == {it for it in before.items() if OWN in str(it)}


def held(walk: Walk, place: str) -> Iterator[tuple[str, frozenset[Scope]]]:
    """Whoever is held to the site of that place, with what they may do there: members, keys, keys of a held maker."""
    for role, rights in ROLES.items():
        yield f"person-{role}-{place}", rights.scopes
    yield walk.net.secrets[place.lower()], ALL - NOT_FOR_KEYS
    if place == FAR:
        yield walk.net.secrets["heldmaker"], ALL - NOT_FOR_KEYS


def test_whoever_is_held_to_a_site_finds_there_what_they_may(walk: Walk) -> None:
    scope, _ = needed(walk.route)
    for token, scopes in held(walk, NEAR):
        if scope not in scopes or walk.route.sites is SiteRule.ALL:
            walk.is_refused(token, 403)
        elif "/v1/operator/keys/" in name(walk.route) or name(walk.route).startswith("DELETE /v1/operator/members"):
            # A key for all sites is more than is theirs.
            walk.is_refused(token, 404)
        else:
            walk.is_let_in(token)


def test_what_stands_at_another_site_is_not_there(walk: Walk) -> None:
    scope, _ = needed(walk.route)
    for token, scopes in held(walk, FAR):
        if scope not in scopes:
            continue
        if walk.route.names_things:
            walk.is_not_there(token, NEAR)
        elif walk.route.sites is SiteRule.LISTS:
            text = walk.is_let_in(token).text
            assert (NEAR in text, FAR in text) == (False, True), name(walk.route)


def test_nothing_is_moved_or_made_at_a_site_that_is_not_ones_own(net: World) -> None:
    (route,) = (it for it in OPERATORS if it.stands_at is not None)
    body = {"site_id": f"site-{NEAR}", "connectors": ["1"], "password": "a-password-123"}
    for charger_id in (f"CP-{FAR}", "CP-NEW"):
        answer = net.door.ask(f"person-technician-{FAR}", "PUT", route.path, {"charger_id": charger_id}, body)
        assert (answer.status, net.written) == (404, set())


def test_a_route_of_an_operator_that_says_not_who_may_use_it_cannot_be_declared() -> None:
    assert all(it.needs is not None for it in OPERATORS)
    assert not [it for it in OPERATORS if it.names_things == (it.sites is not None)]


def test_whoever_may_only_read_can_change_nothing_by_any_route() -> None:
    assert [name(it) for it in OPERATORS if (it.method == "GET") != needed(it)[0].endswith(":read")] == []


def test_every_scope_opens_something() -> None:
    asked_for = {it.needs for it in OPERATORS} | {it.eases[0] for it in OPERATORS if it.eases}
    assert set(Scope) - asked_for == set()


def test_a_list_shows_both_sites_to_whoever_is_held_to_none(walk: Walk) -> None:
    if walk.route.sites is SiteRule.LISTS:
        text = walk.is_let_in("person-owner").text
        assert [it for it in (NEAR, FAR) if it not in text] == []
    assert re.fullmatch(r"[a-z]+:[a-z]+", str(walk.route.needs))
