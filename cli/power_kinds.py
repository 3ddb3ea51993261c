"""What sharing out power takes, as kinds of `cli/fleet.py`: measured calls, and what there is around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.signals import PUBLISHER_MS, fetches

if TYPE_CHECKING:
    from cli.fleet import Fleet

# A utility's server answers within this, seven times where it has three programs (`cli/schedules.py`).
SERVER_MS = 7 * 200
# Few utilities ask by OpenADR: one operator's server for so many chargers, asked each minute.
_CHARGERS_A_SERVER = 25_000
_MINUTES_A_DAY = 24 * 60

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


def asked_of_sites(fleet: Fleet, minutes: float) -> dict[str, float]:
    """In so many minutes: busy sites found each minute, and each quarter of an hour to be planned; servers asked."""
    return {
        "found busy_sites sites": fleet.busy_sites * minutes * 16 / 15,
        "found signals feeds": fetches(fleet, minutes / _MINUTES_A_DAY),
        "found openadr servers": servers(fleet) * minutes,
        "found openadr operator": servers(fleet) * minutes,
    }


def servers(fleet: Fleet) -> float:
    """Utilities' servers that operators have events from."""
    return fleet.chargers / _CHARGERS_A_SERVER


def waited_ms(fleet: Fleet, minutes: float) -> float:
    """What others' servers are waited for: utilities', and publishers'."""
    return servers(fleet) * minutes * SERVER_MS + fetches(fleet, minutes / _MINUTES_A_DAY) * PUBLISHER_MS


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
