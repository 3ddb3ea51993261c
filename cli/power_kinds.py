"""What sharing out power takes, as kinds of `cli/fleet.py`: measured calls, and what there is around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A queue's message is sent, received and deleted.
_REQUESTS_A_MESSAGE = 3
# A message for each 25 sites that are looked at; of a grant the frame and its answer.
_DOES: Mapping[str, Mapping[str, Any]] = {
    "check": {"invocations": {"balance_many": 1 / 25}, "queue_requests": 2.1 / 25},
    "frame": {"invocations": {"websocket_message": 1}, "messages": 2},
    "reading": {},
    "plan": {"invocations": {"plan_sites": 1 / 25}, "queue_requests": 2.1 / 25},
}


def power_kinds(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Each measured thing as a kind of message: "power check", "power frame", "power reading", "power plan"."""
    return {f"power {kind}": _kind(it, _DOES[kind]) for kind, it in measured.items()}


def _kind(taken: Mapping[str, Any], does: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was measured, with what there is around it; whoever asks for a look has it made by an invocation."""
    asks = taken["asks"]
    invocations = {**does.get("invocations", {}), **({"balance_now": asks} if asks else {})}
    return {
        **taken,
        **does,
        "calls": {"dynamodb.any": taken["calls"]},
        "invocations": invocations,
        "queue_requests": does.get("queue_requests", 0) + _REQUESTS_A_MESSAGE * asks,
    }
