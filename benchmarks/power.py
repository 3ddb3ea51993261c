"""What load balancing takes of AWS: a site's look when nothing is due, a grant that goes out, a reading. Counted.

The real services over the real tables; chargers, sockets and queues are doubles (`tests/services/grid/plant.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from benchmarks import schedules
from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.grid.energy import EnergyContract, Feed
from chalicelib.domain.grid.signals import Series, Signal, SignalRow, TimedValue
from chalicelib.records.charging import Transaction
from chalicelib.records.grid import FeedState, ToldDraw
from tests import tables
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant
from tests.services.grid.test_plans import CHEAP, CheapHours, Days

Prepared = Callable[[Kit], tuple[schedules.Run, int]]


def measure() -> dict[str, dict[str, Any]]:
    """What happens -> calls of AWS for it, queues' apart (`asks`), and DynamoDB's units by table."""
    os.environ.setdefault("AWS_DEFAULT_REGION", tables.REGION)
    return {name: {**schedules.taken_by(prepare), "asks": asks} for name, (prepare, asks) in PREPARED.items()}


def _charging(kit: Kit) -> Plant:
    """Four chargers, at three of which cars charge; everything is confirmed, and folded in."""
    plant = Plant(kit)
    plant.describe()
    for number in range(3):
        plant.begin(number)
        plant.live(8)
    plant.live(65 * 60)
    return plant


def _check(kit: Kit) -> tuple[schedules.Run, int]:
    """A minute's look, at cars of whom something was just heard."""
    plant = _charging(kit)
    for number in range(3):
        draw = ToldDraw(at=kit.clock(), current_ma=(11_000, 11_000, 11_000))
        kit.managed_sites.drew(SITE_ID, plant.port(number), f"S-{number}", draw, 1_000)
    left = [SITE_ID]

    def run() -> None:
        for it in left:
            kit.balancer.look(it, is_check=True)
        left.clear()

    return run, 1


# A fourth car comes: three have to do with less, then it is told what there is; and when it goes, the three are told.
_FRAMES = 7


def _frame(kit: Kit) -> tuple[schedules.Run, int]:
    """A car comes, and goes: seven frames, their answers, and the looks around them. The minute's looks are apart."""
    plant = _charging(kit)
    before = sum(it.frames for it in plant.outlets)
    left = [3]

    def run() -> None:
        for it in left:
            for happens in (plant.begin, plant.end):
                plant.checked_at = kit.clock()
                happens(it)
                plant.live(20)
            if (sent := sum(it.frames for it in plant.outlets) - before) != _FRAMES:
                raise RuntimeError(f"{sent} frames where {_FRAMES} were to be measured")
        left.clear()

    return run, _FRAMES


def _reading(kit: Kit) -> tuple[schedules.Run, int]:
    """A reading of a car that draws what it drew."""
    plant = _charging(kit)
    outlet = plant.outlets[0]
    connection = kit.sockets.connection(outlet.connection_id)
    assert connection is not None
    known = Transaction(charger_id=outlet.charger_id, ref="1", session_id="S-0", connector=plant.port(0).connector)
    reading = Reading(at=kit.clock(), energy_wh=1_000, phase_currents_ma=(10_000, 10_000, 10_000))
    for _ in range(3):
        kit.power_claims.drew(connection, known, [reading])
    left = [reading]

    def run() -> None:
        for it in left:
            kit.power_claims.drew(connection, known, [it])
        left.clear()

    return run, 1


def _estimate(kit: Kit) -> tuple[schedules.Run, int]:
    """A driver who said when they leave is told what to expect, by prices that nobody has asked for just now."""
    plant = Plant(kit)
    vars(kit)["planner"] = CheapHours()
    plant.describe()
    now, feed = kit.clock(), Feed("entsoe", "10Y1001A1001A82H")
    prices = Series.of([TimedValue(now - timedelta(hours=1), now + timedelta(days=2), CHEAP)])
    kit.signals.keep(feed, Signal(rows={SignalRow.PRICE: prices}, currency="EUR"))
    contract = EnergyContract(
        site_id=SITE_ID, operator_id="op", time_zone="UTC", currency="EUR", changed_at=now, price_feed=feed
    )
    kit.energy_contracts.put(contract, None, now)
    assert kit.signals.save(FeedState(feed=feed, next_at=now, version=1, told_at=now))
    plant.known(0)
    plant.begin(0, ChargingPreferences(ready_by=now + timedelta(hours=9), energy_wh=20_000))
    plant.live(200)
    left = [SITE_ID]

    def run() -> None:
        for it in left:
            kit.quarter_plans.foretell(it, ["S-0"])
        left.clear()
        # Looked up in the run that finds none, too, so that it counts in neither.
        if kit.session("S-0").told_plan is None:
            raise RuntimeError("nobody was told anything where an estimate was to be measured")

    return run, 1


def _plan(kit: Kit) -> tuple[schedules.Run, int]:
    """A quarter's plan of a site with three cars that leave in the morning; nothing in it is new to anybody."""
    plant = Plant(kit)
    vars(kit)["outlooks"], vars(kit)["planner"] = Days(), CheapHours()
    plant.describe()
    for number in range(3):
        plant.known(number)
        plant.begin(number, ChargingPreferences(ready_by=kit.clock() + timedelta(hours=9), energy_wh=20_000))
    plant.live(200)
    left = [SITE_ID]
    for _ in range(2):
        kit.quarter_plans.plan(SITE_ID)
        plant.live(30 * 60)

    def run() -> None:
        for it in left:
            kit.quarter_plans.plan(it)
        left.clear()

    return run, 1


# How often a queue is asked something for one: for those frames the looks at whoever comes and goes, for the three
# answers that the fourth car waits for, and eleven seconds after each of the three looks that sent some.
PREPARED: Mapping[str, tuple[Prepared, float]] = {
    "check": (_check, 0.0),
    "frame": (_frame, round((2 + 3 + 3) / _FRAMES, 2)),
    "reading": (_reading, 0.0),
    "plan": (_plan, 0.0),
    "estimate": (_estimate, 0.0),
}
