"""What sharing out power takes, as kinds of `cli/fleet.py`: measured calls, and what there is around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A message for each 25 sites that are looked at, or planned; of a grant the frame and its answer, and the looks that go
# with it. A queue's message is sent, received and deleted.
_DOES: Mapping[str, Mapping[str, Any]] = {
    "check": {"invocations": {"balance_many": 1 / 25}, "queue_requests": 2.1 / 25},
    "frame": {"invocations": {"balance_now": 1.67, "websocket_message": 1}, "messages": 2, "queue_requests": 3 * 1.67},
    "reading": {},
    "plan": {"invocations": {"plan_sites": 1 / 25}, "queue_requests": 2.1 / 25},
}


def power_kinds(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Each measured thing as a kind of message: "power check", "power frame", "power reading", "power plan"."""
    return {
        f"power {kind}": {**it, **_DOES[kind], "calls": {"dynamodb.any": it["calls"]}} for kind, it in measured.items()
    }
