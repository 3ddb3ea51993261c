"""What a Lambda did to our tables in any run, however badly it went, its handwritten policy allows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from tests.faults.injector import Seen

_POLICIES = Path(__file__).parents[2] / ".chalice"
_OWN = ("sweep", "claim", "reservations", "debts", "message", "disconnect", "connect")
_OF_PEOPLE = ("begin", "end", "reserve", "webhook")


def forbidden(seen: Sequence[Seen]) -> list[str]:
    """What of it AWS would not have let happen."""
    done = {(_policy(it.within), *_what(it.name)) for it in seen if it.within and _is_ours(it.name)}
    return [
        f"policy-{policy} does not allow {action} on {table}"
        for policy, action, table in sorted(done)
        if not _allows(policy, action, table)
    ]


def _is_ours(name: str) -> bool:
    return name.startswith("TransactWriteItems") or (len(name.split()) > 1 and not name.startswith(("stripe", "->")))


def _policy(within: str) -> str:
    return within if within in _OWN else "api" if within in _OF_PEOPLE else "step"


def _what(name: str) -> tuple[str, str]:
    action, *where = name.split()
    if action == "TransactWriteItems":
        return "PutItem", "kerb-ledger"
    return action, "kerb-" + "/index/".join(where)


@cache
def _allows(policy: str, action: str, table: str) -> bool:
    statements = json.loads((_POLICIES / f"policy-{policy}.json").read_text())["Statement"]
    return any(
        may == f"dynamodb:{action}" and fnmatch(table, resource.partition(":table/")[2])
        for it in statements
        for may in it["Action"]
        for resource in it["Resource"]
    )
