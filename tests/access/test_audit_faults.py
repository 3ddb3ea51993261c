"""A Lambda dies before or after any call of a request that changes something: no change is without its entry.

And the request made again, with its key, ends well and is the same entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.domain.access.rights import Role
from tests.access.things import ASKED, NEAR, OWN, World, parameters, world

CHANGED = (
    "PUT /v1/operator/tariffs/{tariff_id}",
    "PUT /v1/operator/members/{person_id}",
    "DELETE /v1/operator/members/{person_id}",
    "POST /v1/operator/chargers/{charger_id}/block",
    "POST /v1/operator/sessions/{session_id}/settle",
    "POST /v1/operator/chargers/{charger_id}/commands",
    "DELETE /v1/operator/keys/{key_id}",
)


class Killed(BaseException):
    """The Lambda is gone."""


@contextmanager
def killed_at(number: int, *, after: bool) -> Iterator[list[str]]:
    """The call of that number is the last, be it made or not; yields the calls that were begun."""
    base: Any = BaseClient
    original = base._make_api_call
    calls: list[str] = []

    def make_api_call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        calls.append(operation)
        if len(calls) == number and not after:
            raise Killed
        answer = original(client, operation, params)
        if len(calls) == number:
            raise Killed
        return answer

    base._make_api_call = make_api_call
    try:
        yield calls
    finally:
        base._make_api_call = original


@pytest.fixture(scope="module")
def net() -> Iterator[World]:
    with world() as made:
        made.member("person-owner", OWN, Role.OWNER)
        made.settled()
        yield made


@pytest.mark.parametrize("named", CHANGED)
def test_no_change_is_without_its_entry_whenever_its_lambda_dies(net: World, named: str) -> None:
    method, path = named.split(" ")

    def ask() -> Any:
        said = {"body": ASKED[named].said(NEAR), "query": ASKED[named].query, "headers": {"idempotency-key": "once"}}
        return net.door.ask("person-owner", method, path, parameters(path, NEAR), **said)

    with killed_at(0, after=False) as calls:
        assert ask().status < 300
    net.undo()
    for number in range(1, len(calls) + 1):
        for after in (False, True):
            # Another run may need a call less, for what a process remembers.
            with killed_at(number, after=after), suppress(Killed):
                ask()
            entries = net.audited()
            assert len(entries) <= 1
            assert entries or net.written <= {"kerb-audit"}, (named, number)
            again = ask()
            # What was removed is not there any more.
            assert again.status < 300 or (method == "DELETE" and again.status == 404), (named, number, again)
            assert len(net.audited()) == 1
            net.undo()
