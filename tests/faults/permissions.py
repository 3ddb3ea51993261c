"""What a Lambda did to our tables in any run, however badly it went, its handwritten policy allows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from infrastructure.vault import PAYERS
from tests.faults.injector import Seen

_POLICIES = Path(__file__).parents[2] / ".chalice"
_OF_PEOPLE = ("begin", "end", "reserve", "top up", "pay out", "webhook", "move", "leave")
_SERVICES = {
    "StartExecution": "states:StartExecution",
    "SendTaskSuccess": "states:SendTaskSuccess",
    "SendTaskFailure": "states:SendTaskFailure",
    "PostToConnection": "execute-api:ManageConnections",
    "GetConnection": "execute-api:ManageConnections",
    "DeleteConnection": "execute-api:ManageConnections",
    "Invoke": "lambda:InvokeFunction",
    "ListUsers": "cognito-idp:ListUsers",
    "AdminDeleteUser": "cognito-idp:AdminDeleteUser",
}


def forbidden(seen: Sequence[Seen]) -> list[str]:
    """What of it AWS would not have let happen."""
    done = {(_policy(it.within), *_what(it.name)) for it in seen if it.within and _is_ours(it.name)}
    return [
        f"policy-{policy} does not allow {action} on {table}"
        for policy, action, table in sorted(done)
        if not _allows(policy, action, table)
    ] + [f"{name} has no key of the payment provider" for name in sorted(_paying(seen) - {*PAYERS})]


def _paying(seen: Sequence[Seen]) -> set[str]:
    return {
        "api_handler" if it.within in _OF_PEOPLE else it.within
        for it in seen
        if it.within and it.name.startswith("stripe")
    }


def services(seen: Sequence[Seen], function: str) -> set[str]:
    """Those of AWS that a function called."""
    return {_what(it.name)[0].partition(":")[0] for it in seen if it.within == function and _is_ours(it.name)}


def granted(function: str) -> set[str]:
    """The services that its policy opens beside its log."""
    return {action.partition(":")[0] for it in _statements(_policy(function)) for action in it["Action"]} - {"logs"}


def _is_ours(name: str) -> bool:
    return not name.startswith(("stripe", "->"))


def _policy(within: str) -> str:
    return "api" if within in _OF_PEOPLE else within


def _what(name: str) -> tuple[str, str]:
    action, *where = name.split()
    if action in _SERVICES:
        return _SERVICES[action], ""
    if action == "TransactWriteItems":
        return "dynamodb:PutItem", "kerb-ledger"
    return f"dynamodb:{action}", "kerb-" + "/index/".join(where)


@cache
def _statements(policy: str) -> list[dict[str, list[str]]]:
    statements: list[dict[str, list[str]]] = json.loads((_POLICIES / f"policy-{policy}.json").read_text())["Statement"]
    return statements


@cache
def _allows(policy: str, action: str, table: str) -> bool:
    return any(
        action in it["Action"]
        and (not table or any(fnmatch(table, ref.partition(":table/")[2]) for ref in it["Resource"]))
        for it in _statements(policy)
    )
