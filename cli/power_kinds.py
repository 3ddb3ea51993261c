"""What sharing out power takes, as kinds of `cli/fleet.py`: measured calls, and what there is around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.signals import PUBLISHER_MS, fetches

if TYPE_CHECKING:
    from cli.fleet import Fleet

# A utility's server answers within this, seven times where it has three programs (`cli/schedules.py`).
SERVER_MS = 7 * 200
# Few utilities ask by OpenADR: one operator's server for so many chargers, asked each minute, and twice more by
# messages that are for all servers together.
_CHARGERS_A_SERVER = 25_000
_ASKED_AGAIN = 2
_MINUTES_A_DAY = 24 * 60

# A queue's message is sent, received and deleted.
_REQUESTS_A_MESSAGE = 3
# All who charge there say when they leave, and each hears twice what to expect: as they come, and as they say something
# else or have to wait.
ESTIMATES_A_SESSION = 2
# The first of them is a notice, too.
PLAN_NOTICES_A_SESSION = 1
# A site's solution (docs/planning.md), in a function with 3.5 times the memory of the others.
_SOLVED_MS = 25 * 1769 / 512
# A message for each 25 sites that are looked at; of a grant the frame and its answer.
_DOES: Mapping[str, Mapping[str, Any]] = {
    "check": {"invocations": {"balance_many": 1 / 25}, "queue_requests": 2.1 / 25},
    "frame": {"invocations": {"websocket_message": 1}, "messages": 2},
    "reading": {},
    "plan": {"invocations": {"plan_sites": 1 / 25}, "queue_requests": 2.1 / 25, "solved_ms": _SOLVED_MS},
    "estimate": {
        "invocations": {"plan_sites": 1},
        "queue_requests": _REQUESTS_A_MESSAGE,
        "solved_ms": _SOLVED_MS,
    },
}


def power_kinds(measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Each measured thing as a kind of message: "power check", "power frame", "power reading" and so on.

    And a minute's messages that have utilities' servers asked again, sent by one call, of which each finds out who has
    a server; and the invocation that asks one of them.
    """
    again = {
        "calls": {"sqs.SendMessage": 1, "dynamodb.any": _ASKED_AGAIN},
        "invocations": {"demand_response": _ASKED_AGAIN},
        "queue_requests": (_REQUESTS_A_MESSAGE - 1) * _ASKED_AGAIN,
        "read_units": {"grid": _ASKED_AGAIN / 2},
    }
    # What is done in it is measured.
    asked = {"invocations": {"openadr": 1}}
    kinds = {f"power {kind}": _kind(it, _DOES[kind]) for kind, it in measured.items()}
    return {**kinds, "servers again": again, "server asked": asked}


def asked_of_sites(fleet: Fleet, minutes: float) -> dict[str, float]:
    """In so many minutes: busy sites found each minute, and each quarter of an hour to be planned; servers asked.

    And sites planned each quarter, for whoever charges there may say when they leave; drivers told what to expect.
    """
    return {
        "power plan": fleet.busy_sites * minutes / 15,
        "power estimate": estimates(fleet, minutes),
        "found busy_sites sites": fleet.busy_sites * minutes * 16 / 15,
        "found signals feeds": fetches(fleet, minutes / _MINUTES_A_DAY),
        # Where nobody has a server there are no messages.
        "servers again": min(1.0, servers(fleet)) * minutes,
        **dict.fromkeys(("found openadr servers", "found openadr operator", "server asked"), asks(fleet, minutes)),
    }


def estimates(fleet: Fleet, minutes: float) -> float:
    """How often drivers at sites whose power is shared out are told what to expect."""
    return fleet.sessions_per_day * minutes / _MINUTES_A_DAY * fleet.managed_share * ESTIMATES_A_SESSION


def servers(fleet: Fleet) -> float:
    """Utilities' servers that operators have events from."""
    return fleet.chargers / _CHARGERS_A_SERVER


def asks(fleet: Fleet, minutes: float) -> float:
    """How often any of them is asked."""
    return servers(fleet) * minutes * (1 + _ASKED_AGAIN)


def waited_ms(fleet: Fleet, minutes: float) -> float:
    """What others' servers are waited for: utilities', and publishers'."""
    return asks(fleet, minutes) * SERVER_MS + fetches(fleet, minutes / _MINUTES_A_DAY) * PUBLISHER_MS


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
