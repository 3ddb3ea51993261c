"""What operators' people take of a month, beside what they change: that they were there, and alarms that they watch."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.fleet import Fleet


def alarm_pages(fleet: Fleet, loads_a_month: float, seconds_a_month: float) -> dict[str, float]:
    """Pages of alarms that are open: each alarm that opens, is seen to and closes is told to one of them."""
    pages = fleet.chargers / fleet.chargers_per_alarm_page
    return {
        "alarms_open": pages * loads_a_month,
        "alarms_renew": pages * seconds_a_month / fleet.live_renew_s,
        "alarms_told": 3 * fleet.chargers / 50,
    }


def people(fleet: Fleet, writes: MutableMapping[str, float], reads: MutableMapping[str, float]) -> float:
    """Adds what is written and read of them, in units by table; returns ms of Lambda.

    When somebody acted last is a write of their row (two units) an hour. What holds for an operator is remembered for
    half a minute by a process, which helps nobody where thousands of processes serve hundreds of operators: it is read
    for each start by app or token, each look at a price, each request of an operator's.
    """
    noted = fleet.chargers / fleet.chargers_per_person * fleet.person_hours_month
    asked = fleet.sessions * (2 + fleet.searches_per_session) + fleet.chargers * fleet.changes_per_charger_month
    writes["drivers"] += 2 * noted
    reads["operators"] += asked
    return (noted + asked) * fleet.lambda_call_ms
