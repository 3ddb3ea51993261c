"""The audit as a matrix: every route that changes anything of an operator's writes one entry, and no secret into it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.access.audit import AuditOutcome, AuditQuery
from chalicelib.domain.access.rights import Role, Scope
from chalicelib.handlers.http import endpoint
from chalicelib.handlers.http.endpoint import ROUTES, Route
from tests.access.door import ADDRESS
from tests.access.things import ASKED, NEAR, OWN, RIVAL, World, parameters, world
from tests.services.conftest import NOW

CHANGES = [it for it in ROUTES if it.path.startswith("/v1/operator/") and it.method != "GET"]
# The platform's administrator changes operators, and whoever is invited joins one: tests/access/test_platform.py,
# tests/access/test_invitations.py.
OTHERS = {f"{it.method} {it.path}" for it in ROUTES if it.is_platforms and it.method != "GET"} | {
    "POST /v1/me/operators"
}
AUDIT = "/v1/operator/audit"
MARK = "sUp3r-s3cret-0f-mine"
# Actions: they replace nothing that could be shown.
MAKES_OR_ACTS = {
    "POST /v1/operator/keys",
    "POST /v1/operator/invitations",
    "POST /v1/operator/organisations/{organisation_id}/invitations",
    "POST /v1/operator/chargers/{charger_id}/commands",
    "POST /v1/operator/chargers/{charger_id}/start",
    "POST /v1/operator/chargers/{charger_id}/password",
    "POST /v1/operator/chargers/{charger_id}/setup",
    "POST /v1/operator/sites/{site_id}/grid/preview",
    "POST /v1/operator/sites/{site_id}/load",
}


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as net:
        net.member("person-owner", OWN, Role.OWNER)
        net.member("person-rival", RIVAL, Role.OWNER)
        net.key("all", frozenset(Scope))
        net.settled()
        yield net


@pytest.fixture
def net(made: World) -> Iterator[World]:
    yield made
    made.undo()


def ask(net: World, route: Route, token: str = "person-owner", **more: Any) -> Any:
    asked = ASKED[name(route)]
    said = {"body": asked.said(NEAR), "query": asked.query, **more}
    return net.door.ask(token, route.method, route.path, parameters(route.path, NEAR), **said)


@pytest.mark.parametrize("route", CHANGES, ids=name)
def test_each_change_is_one_entry_that_says_who_what_and_from_where(net: World, route: Route) -> None:
    refused = ASKED[name(route)].refused
    assert ask(net, route).code == refused
    (entry,) = net.audited()
    thing = route.path.format(**parameters(route.path, NEAR)).removeprefix("/v1/operator/")
    assert (entry.who, entry.operator_id, entry.thing, entry.route) == ("person-owner", OWN, thing, route.path)
    assert (entry.method, entry.address, entry.request_id, entry.at) == (route.method, ADDRESS, "request-1", NOW)
    body = ASKED[name(route)].said(NEAR)
    assert bool(entry.asked) is (route.takes is not None)
    assert not body or set(body) <= set(json.loads(entry.asked)) or "hidden" in entry.asked
    assert bool(entry.before) is (name(route) not in MAKES_OR_ACTS), entry
    (shown,) = net.door.ask("person-owner", "GET", AUDIT).body["items"]
    assert (shown["entry_id"], shown["outcome"]) == (entry.entry_id, "refused" if refused else "done")
    assert shown["problem"] == (refused or None)


@pytest.mark.parametrize("route", CHANGES, ids=name)
def test_a_request_repeated_with_its_key_is_the_same_entry(net: World, route: Route) -> None:
    for number in range(3):
        net.door.request_id = f"request-{number}"
        ask(net, route, headers={"idempotency-key": "once"})
    net.door.request_id = "request-1"
    assert len(net.audited()) == 1


def test_what_is_replaced_or_removed_is_read_before() -> None:
    silent = [name(it) for it in CHANGES if endpoint.reads_of(it) is None]
    assert set(silent) == MAKES_OR_ACTS


def test_nothing_that_only_reads_or_is_no_operators_is_written_down(net: World) -> None:
    assert {name(it) for it in ROUTES if it.is_audited} == {name(it) for it in CHANGES} | OTHERS
    for route in (it for it in ROUTES if it.method == "GET" and it.needs is not None):
        ask(net, route)
    assert net.audited() == []


def test_a_key_is_written_down_as_itself_and_with_its_maker(net: World) -> None:
    (route,) = (it for it in CHANGES if name(it) == "PUT /v1/operator/charger-profile")
    assert ask(net, route, net.secrets["all"]).status == 204
    (entry,) = net.audited()
    assert (entry.who, entry.person_id) == ("key:all000000000", "person-owner")


SECRETS: list[tuple[str, dict[str, Any]]] = [
    ("PUT /v1/operator/webhook", {"url": f"https://{MARK}:{MARK}@hooks.example.com/x?token={MARK}", "secret": MARK}),
    ("PUT /v1/operator/chargers/{charger_id}", {"site_id": "site-NEAR", "connectors": ["1"], "password": MARK}),
    *(
        ("POST /v1/operator/chargers/{charger_id}/commands", body)
        for body in (
            {"command": "write_setting", "name": "AuthorizationKey", "value": MARK},
            {"command": "ask", "action": "ChangeConfiguration", "payload": {"key": "x", "value": MARK}},
            {
                "command": "upload_log",
                "request_id": 1,
                "kind": "diagnostics",
                "url": f"ftp://u:{MARK}@files.example.com/x?{MARK}",
            },
            {
                "command": "update_firmware",
                "request_id": 1,
                "url": f"https://files.example.com/x?X-Amz-Signature={MARK}",
                "retrieve_at": "2026-11-21T09:30:00Z",
            },
            {"command": "transfer", "vendor": "x", "data": MARK},
        )
    ),
]


@pytest.mark.parametrize(("named", "body"), SECRETS, ids=lambda it: it if isinstance(it, str) else str(sorted(it))[:60])
def test_no_secret_is_written_down(net: World, named: str, body: dict[str, Any]) -> None:
    (route,) = (it for it in CHANGES if name(it) == named)
    for _ in range(2):
        # The second time it is what was there before.
        net.door.request_id += "+"
        ask(net, route, body=body)
    net.door.request_id = "request-1"
    assert len(net.audited()) == 2
    assert MARK not in str(net.rows(["kerb-audit"]))


def test_a_new_keys_secret_is_written_down_nowhere(net: World) -> None:
    for named in ("POST /v1/operator/keys", "POST /v1/operator/keys/{key_id}/rotate"):
        (route,) = (it for it in CHANGES if name(it) == named)
        secret = ask(net, route).body["secret"]
        assert secret.startswith("kerb_live_")
        rows = str(net.rows(["kerb-audit", "kerb-keys"]))
        assert secret not in rows
        assert secret[22:-6] not in rows


def test_a_change_that_was_broken_off_has_its_entry_and_done_again_is_the_same(
    net: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (route,) = (it for it in CHANGES if name(it) == "PUT /v1/operator/charger-profile")

    class Killed(BaseException):
        """The Lambda is gone."""

    def killed(*_: object) -> None:
        raise Killed

    said: dict[str, Any] = {"headers": {"idempotency-key": "once"}}
    with monkeypatch.context() as patch:
        patch.setattr(net.kit.setups, "put_profile", killed)
        with pytest.raises(Killed):
            ask(net, route, **said)
    assert len(net.audited()) == 1
    assert ask(net, route, **said).status == 204
    (shown,) = net.door.ask("person-owner", "GET", AUDIT).body["items"]
    assert (len(net.audited()), shown["outcome"]) == (1, "done")


def test_what_breaks_is_marked_so_and_what_was_refused_once_and_then_done_is_done(
    net: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (route,) = (it for it in CHANGES if name(it) == "PUT /v1/operator/charger-profile")
    said: dict[str, Any] = {"headers": {"idempotency-key": "once"}}

    def broken(*_: object) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(net.kit.setups, "put_profile", broken)
        assert ask(net, route, **said).status == 500
    assert net.door.ask("person-owner", "GET", AUDIT).body["items"][0]["outcome"] == AuditOutcome.FAILED
    assert ask(net, route, **said).status == 204
    assert net.door.ask("person-owner", "GET", AUDIT).body["items"][0]["outcome"] == AuditOutcome.DONE


def test_where_nothing_can_be_written_down_nothing_is_changed(net: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise ConnectionError("no table")

    monkeypatch.setattr(type(net.kit.audit_log.entries), "add", full)
    for route in CHANGES:
        assert ask(net, route).status == 500
    assert net.written == set()


def test_the_audit_is_read_by_thing_by_person_by_time_and_in_pages(net: World) -> None:
    (block,) = (it for it in CHANGES if it.path.endswith("/block"))
    (accept,) = (it for it in CHANGES if it.path.endswith("/accept"))
    before = net.kit.clock.now
    for number, (route, token) in enumerate([(block, "person-owner"), (accept, net.secrets["all"])] * 2):
        net.kit.clock.advance(minutes=1)
        net.door.request_id = f"request-{number}"
        ask(net, route, token)
    net.door.request_id = "request-1"

    def read(**query: str) -> list[str]:
        page = net.door.ask("person-owner", "GET", AUDIT, query=query).body
        return [it["thing"].rpartition("/")[2] for it in page["items"]]

    assert read() == ["accept", "block", "accept", "block"]
    assert read(thing="chargers/CP-NEAR/block") == ["block", "block"]
    assert read(who="key:all000000000") == ["accept", "accept"]
    assert len(read(who="person-owner")) == 4
    assert read(since="2026-11-21T09:32:30Z") == ["accept", "block"]
    assert read(until="2026-11-21T09:31:30Z") == ["block"]
    assert read(thing="chargers/CP-FAR/block") == []
    first = net.door.ask("person-owner", "GET", AUDIT, query={"limit": "3"}).body
    rest = net.door.ask("person-owner", "GET", AUDIT, query={"limit": "3", "cursor": first["next_cursor"]}).body
    assert [len(it["items"]) for it in (first, rest)] == [3, 1]
    assert net.door.ask("person-rival", "GET", AUDIT).body["items"] == []
    for query in ({"since": "yesterday"}, {"until": "2026-11-21T09:30:00"}, {"cursor": "x"}):
        assert net.door.ask("person-owner", "GET", AUDIT, query=query).status == 400
    net.kit.clock.now = before


def test_a_thing_of_any_name_is_written_down_and_is_not_there(net: World) -> None:
    (block,) = (it for it in CHANGES if it.path.endswith("/block"))
    for charger_id in ("x" * 5000, "{charger_id}", "\u20ac" * 900, " ", "a/b"):
        answer = net.door.ask("person-owner", "POST", block.path, {"charger_id": charger_id})
        assert answer.status == 404
    assert {it.outcome for it in net.kit.audit_log.page(OWN, AuditQuery(), 9, None)[0]} == {AuditOutcome.REFUSED}


def test_no_function_may_change_or_delete_what_is_written_down() -> None:
    append = {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchGetItem"}
    for path in (Path(__file__).parents[2] / ".chalice").glob("policy-*.json"):
        for it in json.loads(path.read_text())["Statement"]:
            tables = {arn.partition(":table/")[2].partition("/")[0] for arn in it["Resource"]}
            assert "kerb-audit" not in tables or set(it["Action"]) == append, path.name
            assert not [name for name in tables if "*" in name], path.name
