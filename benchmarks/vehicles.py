"""A month of a simulated fleet, by maker: who was ready, who was told, what it cost in calls, money and carbon.

`python -m benchmarks.vehicles --cars 1000 --nights 30`: minutes on two cores; each car is a process's own. With
`--write` what it found takes the place of the tables in docs/vehicles.md. A smaller one is part of `make bench`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chalicelib.domain.vehicles.budget import CallKind
from cli import cars
from local.night_fleet import fleet
from local.night_makers import NO_FAULTS, Faults
from local.night_tally import Tally

_AT_ONCE = 25
_SMALL_CARS, _NIGHTS = 40, 30
_PAGE = Path(__file__).parents[1] / "docs" / "vehicles.md"
_BEGINS, _ENDS = "<!-- a month of cars: begins -->", "<!-- a month of cars: ends -->"
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
    parser.add_argument("--streams", action="store_true", help="there is a server for Teslas, which tell by themselves")
    parser.add_argument("--write", action="store_true", help="into docs/vehicles.md")
    asked = parser.parse_args()
    faults = NO_FAULTS if asked.no_faults else Faults()
    found = months(asked.cars, asked.nights, faults, asked.processes, unguarded=asked.unguarded, streams=asked.streams)
    Console(width=240).print(report(found, asked.nights), bars(found))
    if asked.write:
        write(found, asked.nights)


def table() -> Table:
    """What `make bench` shows: the bars, of a small fleet's month."""
    return bars(months(_SMALL_CARS, _NIGHTS, Faults(), 2))


def report(found: Mapping[str, Tally], nights: int) -> Table:
    """The table of a fleet's month."""
    it = whole(found)
    table = Table(*_HEAD, title=f"{it.cars} cars, {nights} nights")
    for name, some in [*sorted(found.items()), ("all", it)]:
        table.add_row(*_row(name, some, nights))
    return table


def bars(found: Mapping[str, Tally]) -> Table:
    """What was promised of a month of linked cars, and what came of it."""
    table = Table("linked cars", "bar", "measured", title=f"{whole(found).cars} linked cars, everything going wrong")
    for row in _bars(found):
        table.add_row(*row)
    return table


def whole(found: Mapping[str, Tally]) -> Tally:
    """All makers' together."""
    total = Tally()
    for it in found.values():
        total.add(it)
    return total


def write(found: Mapping[str, Tally], nights: int) -> None:
    """Put both tables into docs/vehicles.md, in place of those there."""
    before, _, rest = _PAGE.read_text().partition(_BEGINS)
    after = rest.partition(_ENDS)[2]
    rows = [("all", whole(found)), *sorted(found.items())]
    lines = [
        "| bar | | measured |",
        "| --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in _bars(found)),
        "",
        "| | of those that could be | missed | not told | looks, commands, wakes | $ a car-month (dearest) "
        "| cost and CO2 against at once |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(_line(name, it, nights) for name, it in rows),
    ]
    _PAGE.write_text(before + "\n".join([_BEGINS, *lines, _ENDS]) + after)


def _line(name: str, it: Tally, nights: int) -> str:
    car_months = max(1e-9, it.cars * nights / 30)
    looks, commands, wakes = (it.calls.get(kind, 0) / car_months for kind in CallKind)
    cells = (
        name,
        f"{_percent(it)} of {it.could_be:,}",
        str(it.missed),
        str(it.missed_untold),
        f"{looks:.0f}, {commands:.0f}, {wakes:.1f}",
        f"{it.micro_usd / 1e6 / car_months:.2f} ({it.dearest_car_micro_usd / 1e6:.2f})",
        f"€{it.cost:,.0f} and {it.carbon_kg / 1000:.1f} t against "
        f"{it.cost_at_once:,.0f} and {it.carbon_kg_at_once / 1000:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _percent(it: Tally) -> str:
    return f"{100 * it.ready / it.could_be if it.could_be else 100:.3f} %"


def _bars(found: Mapping[str, Tally]) -> list[tuple[str, str, str]]:
    it = whole(found)
    notice_s = sorted(it.notice_s) or [0.0]
    waited_s = notice_s[len(notice_s) * 95 // 100]
    return [
        (
            "ready in time, of those that could be",
            "99.9 %",
            f"{_percent(it)} of {it.could_be:,}",
        ),
        ("missed and not told beforehand", "0", f"{it.missed_untold}"),
        ("told of a danger that was none, of all nights", "", f"{it.warned_in_vain / max(1, it.nights):.1%}"),
        ("wakes outside plans", "0", f"{it.wakes_outside}"),
        ("days on which a 12 V battery fell below four fifths", "0", f"{it.low_days}"),
        ("most wakes of a car in a month", "3", f"{it.most_wakes}"),
        ("dearest car-month at its maker", "$0.30", f"${it.dearest_car_micro_usd / 1e6:.2f}"),
        ("plug-in to notice, p95, without the queue between", "10 s", f"{waited_s:.2f} s"),
        ("AWS calls a car and day", "", f"{cars.calls_a_day():.0f}"),
        ("AWS, a car-month", f"${cars.TARGET_USD}", f"${cars.aws_usd():.4f}"),
    ]


def months(
    number: int, nights: int, faults: Faults, processes: int, *, unguarded: bool = False, streams: bool = False
) -> Mapping[str, Tally]:
    """Tallies by maker."""
    found: dict[str, Tally] = {}
    firsts = range(0, number, _AT_ONCE)
    run = partial(_some, number, nights, faults, unguarded, streams)
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(run, firsts):
            for name, it in part.items():
                found.setdefault(name, Tally()).add(it)
    return found


def _some(number: int, nights: int, faults: Faults, unguarded: bool, streams: bool, first: int) -> Mapping[str, Tally]:
    return fleet(min(_AT_ONCE, number - first), nights, faults, first, unguarded=unguarded, streams=streams)


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
