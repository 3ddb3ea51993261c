"""A month of a simulated fleet, by maker: who was ready, who was told, what it cost in calls, money and carbon.

`python -m benchmarks.vehicles --cars 1000 --nights 30`: minutes on two cores; each car is a process's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from rich.console import Console
from rich.table import Table

from chalicelib.domain.vehicles.budget import CallKind
from local.night_fleet import fleet
from local.night_makers import NO_FAULTS, Faults
from local.night_tally import Tally

_AT_ONCE = 25
_HEAD = (
    "maker", "cars", "nights", "could be", "ready %", "missed", "untold", "unready untold", "in vain", "waited",
    "looks", "commands", "wakes", "by maker", "$ a car-month", "dearest $", "low 12 V", "cost", "at once", "kg CO2",
    "at once", "writes a car-day",
)  # fmt: skip


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.vehicles", description=__doc__)
    parser.add_argument("--cars", type=int, default=1_000)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--unguarded", action="store_true", help="all drivers let those wait that keep no schedule")
    asked = parser.parse_args()
    faults = NO_FAULTS if asked.no_faults else Faults()
    Console(width=240).print(report(asked.cars, asked.nights, faults, asked.processes, unguarded=asked.unguarded))


def report(cars: int, nights: int, faults: Faults, processes: int, *, unguarded: bool = False) -> Table:
    """The table of a fleet's month."""
    found = months(cars, nights, faults, processes, unguarded=unguarded)
    total = Tally()
    for it in found.values():
        total.add(it)
    table = Table(*_HEAD, title=f"{cars} cars, {nights} nights")
    for name, it in [*sorted(found.items()), ("all", total)]:
        table.add_row(*_row(name, it, nights))
    return table


def months(cars: int, nights: int, faults: Faults, processes: int, *, unguarded: bool = False) -> Mapping[str, Tally]:
    """Tallies by maker."""
    found: dict[str, Tally] = {}
    firsts = range(0, cars, _AT_ONCE)
    run = partial(_some, cars, nights, faults, unguarded)
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(run, firsts):
            for name, it in part.items():
                found.setdefault(name, Tally()).add(it)
    return found


def _some(cars: int, nights: int, faults: Faults, unguarded: bool, first: int) -> Mapping[str, Tally]:
    return fleet(min(_AT_ONCE, cars - first), nights, faults, first, unguarded=unguarded)


def _row(name: str, it: Tally, nights: int) -> list[str]:
    months_of_cars = max(1e-9, it.cars * nights / 30)
    calls = [f"{it.calls.get(kind, 0) / months_of_cars:.1f}" for kind in CallKind]
    ready = 100 * it.ready / it.could_be if it.could_be else 100.0
    return [
        name,
        *map(str, (it.cars, it.nights, it.could_be)),
        f"{ready:.3f}",
        *map(str, (it.missed, it.missed_untold, it.unready_untold, it.warned_in_vain, it.waited)),
        *calls,
        f"{it.makers_wakes / months_of_cars:.1f}",
        f"{it.micro_usd / 1e6 / months_of_cars:.3f}",
        f"{it.dearest_car_micro_usd / 1e6:.3f}",
        str(it.low_days),
        *(f"{value:.0f}" for value in (it.cost, it.cost_at_once, it.carbon_kg, it.carbon_kg_at_once)),
        f"{it.writes / max(1, it.cars * nights):.1f}",
    ]


if __name__ == "__main__":
    main()
