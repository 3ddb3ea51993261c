"""Sharing and planning measured: what they cost, how they fare beside other algorithms, in our simulation and ACN-Sim.

`make bench-grid` runs this. ACN-Sim has a place of its own (`build/acn`, made once), for it wants other versions of
everything; the judge is a script that is given the name of our seam (`benchmarks/acn_seam.py`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.day_plans import DayPlans
from chalicelib.domain.grid.demand_response import AskedInterval, AskKind, DemandAsk, SiteDemand
from chalicelib.domain.grid.outlook import Outlook
from chalicelib.domain.grid.plans import problem, read
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.tree import Claim, Node, SiteTree, Switching
from local.simulate import figures
from local.simulate.algorithms import ALGORITHMS, algorithm
from local.simulate.day import simulate
from local.simulate.days import generate
from local.simulate.estimates import estimates
from local.simulate.signals import CARBON, PRICES, Signals
from local.simulate.sites import garage, street

ROOT = Path(__file__).parents[1]
_PLACE = ROOT / "build" / "acn"
_NEEDS = ("acnportal==0.3.3", "highspy==1.16.0")
_SEAMS = {"share": "benchmarks.acn_seam:schedule", "plan": "benchmarks.acn_seam:plan"}
_AT = datetime(2026, 6, 1, tzinfo=UTC)
_ROUNDS = 7
# At the least: per cent of what was asked for, what the least served tenth had of it. At the most: what a kWh costs,
# what it emits, in grams; what a question takes, in ms.
_LEAST = ("energy_percent", "p10_share")
_BARS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "share": {
        "us-scarce": {"energy_percent": 70.6, "p10_share": 0.38},
        "us-hard": {"energy_percent": 61.6},
        "us-roomy": {"energy_percent": 91.6},
        "eu-tree": {"energy_percent": 77.2},
    },
    "plan": {
        "us-scarce": {"energy_percent": 81.5, "p10_share": 0.49},
        "us-hard": {"energy_percent": 71.0},
        "us-liars": {"energy_percent": 78.5},
        "us-roomy": {"energy_percent": 97.0, "per_kwh": 0.211},
        "us-day": {"energy_percent": 97.8, "solve_ms_p99": 500.0},
        "eu-tree": {"energy_percent": 84.5},
        "eu-roomy": {"energy_percent": 98.2, "per_kwh": 0.103, "g_per_kwh": 140.0},
    },
}
# Each change is a frame.
_MOST_CHANGES = 30
_OWN: Mapping[str, Callable[[], SiteTree]] = {
    "street 400 A": lambda: street(50, 400),
    "street 125 A": lambda: street(50, 125),
    "street 90 A": lambda: street(50, 90),
    "garage 139 A": lambda: garage(54, 139),
    "garage 100 A": lambda: garage(54, 100),
}


def main() -> int:
    """Returns the exit status: 1 where a limit was exceeded, a current invalid or a bar missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.grid", description=__doc__)
    parser.add_argument("--judge", type=Path, help="acn_scarce.py; without it only our own simulation is run")
    parser.add_argument("--scenarios", default=",".join(_BARS["plan"]), help="of the judge's (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of our own days (%(default)s)")
    parser.add_argument("--price", choices=PRICES, default="day-ahead", help="of our own days (%(default)s)")
    parser.add_argument("--carbon", choices=CARBON, default="sunny", help="of our own days (%(default)s)")
    parser.add_argument("--demand-charge", type=float, default=0.5, help="for a kW, on our own days (%(default)s)")
    asked = parser.parse_args()
    console = Console(highlight=False, width=130 if not sys.stdout.isatty() else None)
    console.print(table())
    console.print(planning())
    console.print(roomy_planning())
    for it in _own(asked.seed, Signals(price=asked.price, carbon=asked.carbon, demand_charge=asked.demand_charge)):
        console.print(it)
    if asked.judge is None or not asked.judge.exists():
        console.print(f"ACN-SIM NOT RUN: there is no {asked.judge}; make bench-grid ACN=FILE", markup=False)
        return 0
    judged = _judged(asked.judge.resolve(), asked.scenarios.split(","))
    console.print(_shown(judged))
    return int(any(_is_missed(ours, name, rows[ours]) for name, rows in judged.items() for ours in _SEAMS))


def table() -> Table:
    """What one sharing costs the processor, by the size of its site, against a plain loop of the same run."""
    found = Table(title="Sharing a site's current, everybody present", title_justify="left")
    for column in ("ports", "cars", "ms", "in loops of 10,000 additions"):
        found.add_column(column, justify="right")
    loop_s = min(_loop() for _ in range(_ROUNDS))
    for ports, amperes in ((50, 125), (50, 400), (500, 1_250), (500, 4_000)):
        tree, claims = crowd(ports, amperes)
        spent_s = min(_sharing(tree, claims) for _ in range(_ROUNDS))
        found.add_row(f"{ports}, {amperes} A", str(len(claims)), f"{spent_s * 1000:.1f}", f"{spent_s / loop_s:.0f}")
        able = [replace(it, switching=Switching()) for it in claims]
        spent_s = min(_sharing(tree, able) for _ in range(_ROUNDS))
        title = f"{ports}, {amperes} A, may be switched to one phase"
        found.add_row(title, str(len(able)), f"{spent_s * 1000:.1f}", f"{spent_s / loop_s:.0f}")
    return found


def planning() -> Table:
    """What one plan of a day costs the processor: written, solved and read."""
    found = Table(title="Planning a day, everybody present", title_justify="left")
    for column in ("ports", "amounts", "rows", "written ms", "solved ms", "read ms"):
        found.add_column(column, justify="right")
    for ports, amperes in ((10, 63), (50, 125), (500, 1_250)):
        tree, claims = crowd(ports, amperes)
        times = [time.process_time()]
        asked = problem(tree, claims, _outlook(), _AT)
        times.append(time.process_time())
        solution = Highs().solve(asked.program)
        times.append(time.process_time())
        read(asked, solution)
        times.append(time.process_time())
        spent = [f"{(after - before) * 1000:.0f}" for before, after in itertools.pairwise(times)]
        sizes = len(asked.program.costs), len(asked.program.at_most)
        found.add_row(f"{ports}, {amperes} A", *map(str, sizes), *spent)
    return found


def roomy_planning() -> Table:
    """What a whole plan of a roomy site costs the processor, with and without an announced event: the most programs."""
    found = Table(title="Planning a roomy site's day, everybody present", title_justify="left")
    for column in ("ports", "programs", "ms", "programs in an event", "ms in it"):
        found.add_column(column, justify="right")
    nothing = DemandAsk(kind=AskKind.CAP, power_w=0)
    held = AskedInterval(begins_at=_AT + timedelta(hours=1), ends_at=_AT + timedelta(hours=3), ask=nothing)
    event = SiteDemand(event_id="event", operator_id="operator", site_id="street", program="", intervals=(held,))
    for ports, amperes in ((10, 320), (50, 1_600), (500, 12_000)):
        tree, claims = crowd(ports, amperes)
        outlook = replace(_outlook(), coming_permille=(1_000,) * 96)
        shown: list[str] = []
        for demands in ((), (event,)):
            asked = DayPlans(tree=tree, claims=claims, outlook=replace(outlook, demands=demands), at=_AT)
            spent_s, programs = min(_planned(asked) for _ in range(_ROUNDS))
            shown += [str(programs), f"{spent_s * 1000:.0f}"]
        found.add_row(f"{ports}, {amperes} A", *shown)
    return found


def _planned(asked: DayPlans) -> tuple[float, int]:
    solved: list[int] = []

    def solve(program: LinearProgram) -> Sequence[float] | None:
        solved.append(len(program.costs))
        return Highs().solve(program)

    began = time.process_time()
    asked.best(solve)
    return time.process_time() - began, len(solved)


def _outlook() -> Outlook:
    price = tuple(round(1e6 * PRICES["day-ahead"](it / 4)) for it in range(96))
    return Outlook(begins_at=_AT, price_micros=price, demand_charge_micros=500_000)


def crowd(ports: int, amperes: int) -> tuple[SiteTree, list[Claim]]:
    """A street with a feed to each charger, kilowatts limited too, and at every port a car unlike the next."""
    tree = street(ports, amperes)
    feeds = [
        Node(node_id=str(it.port_id), parent_id=it.node_id, limit_ma=(32_000,) * 3, limit_w=22_080) for it in tree.ports
    ]
    tree = SiteTree(site_id="street", nodes=(*tree.nodes, *feeds), ports=tree.ports)
    claims = [
        Claim(
            port_id=it.port_id,
            session_id=f"s{number}",
            begun_at=_AT - timedelta(minutes=number % 90),
            car_phases=(1, 3, 3, None)[number % 4],
            car_most_ma=(None, 16_000, 13_000, None, 20_000)[number % 5],
            served_wh=number * 137 % 20_000,
            asked_wh=(8_000, 20_000, 35_000)[number % 3],
            departs_at=_AT + timedelta(hours=1 + number * 7 % 9),
        )
        for number, it in enumerate(tree.ports)
    ]
    return tree, claims


def _sharing(tree: SiteTree, claims: Sequence[Claim]) -> float:
    began = time.process_time()
    share(tree, claims, _AT)
    return time.process_time() - began


def _loop() -> float:
    began, sum_of_all = time.process_time(), 0
    for number in range(10_000):
        sum_of_all += number
    return time.process_time() - began


def _own(seed: int, signals: Signals) -> Iterator[Table]:
    """How all fare on days of our own, and how what the plan's drivers were told compares with what came."""
    told = Table(title="Told at plug-in, against what came: half err by, nine in ten by (median)", title_justify="left")
    for name in ("site", "ready, min later", "cost, % dearer", "carbon, % more", "energy, % of what was asked"):
        told.add_column(name, justify="right" if name != "site" else "left")
    for name in ("told ready, were not", "told short, were ready"):
        told.add_column(name, justify="right")
    for title, make in _OWN.items():
        tree = make()
        requests = generate(tree, _AT, cars=70, seed=seed)
        outcomes = {name: simulate(name, algorithm(name, tree, signals), tree, requests) for name in ALGORITHMS}
        yield figures.table(f"A day in our own simulation: {title}", tuple(outcomes.values()), signals)
        erred = estimates(outcomes["plan"], signals)
        errors = (erred.ready_min, erred.cost_percent, erred.carbon_percent, erred.energy_percent)
        shown = (f"{it.within(0.5):.0f}, {it.within(0.9):.0f} ({it.median:+.0f})" for it in errors)
        counted = f"{erred.missed} of {erred.told_ready}", f"{erred.had_all} of {erred.told_short}"
        told.add_row(title, *shown, *counted)
    yield told


def _judged(judge: Path, scenarios: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """By scenario, all rows that the judge knows, ours among them."""
    python = _PLACE / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_PLACE)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *_NEEDS], check=True)
    kept = _PLACE / "judged.json"
    figures = judge.with_name("figures.json")
    known = json.loads(figures.read_text()) if figures.exists() else {}
    # What is known need not be computed again; an old figure of ours is none.
    kept.write_text(json.dumps(known))
    plugs = [it for seam in _SEAMS.values() for it in ("-p", seam)]
    command = [str(python), str(judge), "-s", ",".join(scenarios), "-a", "", *plugs, "-o", str(kept)]
    subprocess.run(command, check=True, cwd=_PLACE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    done = json.loads(kept.read_text())
    return {
        name: {
            **done[name].get("built_in", {}),
            **{ours: done[name]["algorithms"][seam] for ours, seam in _SEAMS.items()},
        }
        for name in scenarios
    }


def _shown(judged: Mapping[str, Mapping[str, Any]]) -> Table:
    found = Table(title="ACN-Sim", title_justify="left")
    columns = {"energy_percent": "energy %", "met_percent": "met %", "p10_share": "p10", "jain": "Jain"}
    columns |= {"peak_kw": "peak kW", "per_kwh": "cost a kWh", "g_per_kwh": "g a kWh"}
    columns |= {"violations": "violations", "invalid": "invalid", "changes_per_session": "changes"}
    columns |= {"solve_ms_p99": "p99 ms"}
    for number, name in enumerate(("scenario", "algorithm", *columns.values(), "bar")):
        found.add_column(name, justify="right" if number > 1 else "left")
    for scenario, rows in judged.items():
        for name, row in _sorted(rows):
            bars = _BARS.get(name, {}).get(scenario, {})
            told = ", ".join(f"{columns[it]} {'≥' if it in _LEAST else '≤'} {bar}" for it, bar in bars.items())
            told = row.get("error", told)
            style = None if name not in _SEAMS else "red" if _is_missed(name, scenario, row) else "green"
            found.add_row(scenario, name, *(str(row.get(it, "")) for it in columns), told, style=style)
        found.add_section()
    return found


def _sorted(rows: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from sorted(rows.items(), key=lambda it: (it[0] in _SEAMS, it[1].get("energy_percent", 0)))


def _is_missed(name: str, scenario: str, row: Mapping[str, Any]) -> bool:
    if "error" in row or row["violations"] or row["invalid"] or row["changes_per_session"] > _MOST_CHANGES:
        return True
    bars = _BARS[name].get(scenario, {})
    return any(row[it] < bar if it in _LEAST else row[it] > bar for it, bar in bars.items())


if __name__ == "__main__":
    sys.exit(main())
