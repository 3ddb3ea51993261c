"""Load balancing measured: what `share` costs, and how it fares beside other algorithms, in our simulation and ACN-Sim.

`make bench-grid` runs this. ACN-Sim has a place of its own (`build/acn`, made once), for it wants other versions of
everything; the judge is a script that is given the name of our seam (`benchmarks/acn_seam.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Claim, Node, SiteTree
from local.simulate.algorithms import ALGORITHMS
from local.simulate.day import Outcome, simulate
from local.simulate.days import generate
from local.simulate.sites import garage, street

ROOT = Path(__file__).parents[1]
_PLACE = ROOT / "build" / "acn"
_NEEDS = ("acnportal==0.3.3", "highspy==1.16.0")
_SEAM = "benchmarks.acn_seam:schedule"
_AT = datetime(2026, 6, 1, tzinfo=UTC)
_ROUNDS = 7
# Per cent of what was asked for, and what the least served tenth had of it, at the least (issue of load balancing).
_BARS = {"us-scarce": (70.6, 0.38), "us-hard": (61.6, 0.0), "us-roomy": (91.6, 0.0), "eu-tree": (77.2, 0.0)}
_OWN: Mapping[str, Callable[[], SiteTree]] = {
    "street 125 A": lambda: street(50, 125),
    "street 90 A": lambda: street(50, 90),
    "garage 139 A": lambda: garage(54, 139),
    "garage 100 A": lambda: garage(54, 100),
}


def main() -> int:
    """Returns the exit status: 1 where a limit was exceeded, a current invalid or a bar missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.grid", description=__doc__)
    parser.add_argument("--judge", type=Path, help="acn_scarce.py; without it only our own simulation is run")
    parser.add_argument("--scenarios", default=",".join(_BARS), help="of the judge's (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of our own days (%(default)s)")
    asked = parser.parse_args()
    console = Console(highlight=False, width=130 if not sys.stdout.isatty() else None)
    console.print(table())
    console.print(_own(asked.seed))
    if asked.judge is None or not asked.judge.exists():
        console.print(f"ACN-SIM NOT RUN: there is no {asked.judge}; make bench-grid ACN=FILE", markup=False)
        return 0
    judged = _judged(asked.judge.resolve(), asked.scenarios.split(","))
    console.print(_shown(judged))
    return int(any(_is_missed(name, row) for name, row in judged.items()))


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
    return found


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


def _own(seed: int) -> Table:
    found = Table(title="A day in our own simulation, energy % / lowest decile", title_justify="left")
    found.add_column("site")
    for name in ALGORITHMS:
        found.add_column(name, justify="right")
    found.add_column("violations, invalid", justify="right")
    for title, make in _OWN.items():
        tree = make()
        requests = generate(tree, _AT, cars=70, seed=seed)
        outcomes = [simulate(name, algorithm(tree), tree, requests) for name, algorithm in ALGORITHMS.items()]
        ours = outcomes[-1]
        found.add_row(title, *map(_told, outcomes), f"{ours.violations}, {ours.invalid}")
    return found


def _told(outcome: Outcome) -> str:
    return f"{outcome.energy_percent:.1f} / {outcome.lowest_decile:.2f}"


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
    command = [str(python), str(judge), "-s", ",".join(scenarios), "-a", "", "-p", _SEAM, "-o", str(kept)]
    subprocess.run(command, check=True, cwd=_PLACE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    done = json.loads(kept.read_text())
    return {name: {**done[name].get("built_in", {}), "share": done[name]["algorithms"][_SEAM]} for name in scenarios}


def _shown(judged: Mapping[str, Mapping[str, Any]]) -> Table:
    found = Table(title="ACN-Sim", title_justify="left")
    columns = {"energy_percent": "energy %", "met_percent": "met %", "p10_share": "p10", "jain": "Jain"}
    columns |= {"violations": "violations", "invalid": "invalid", "changes_per_session": "changes"}
    columns |= {"solve_ms_p99": "p99 ms"}
    for number, name in enumerate(("scenario", "algorithm", *columns.values(), "bar")):
        found.add_column(name, justify="right" if number > 1 else "left")
    for scenario, rows in judged.items():
        for name, row in _sorted(rows):
            bar = _BARS.get(scenario) if name == "share" else None
            told = "" if bar is None else f"{bar[0]}" + (f", p10 {bar[1]}" if bar[1] else "")
            told = row.get("error", told)
            style = None if name != "share" else "red" if _is_missed(scenario, rows) else "green"
            found.add_row(scenario, name, *(str(row.get(it, "")) for it in columns), told, style=style)
        found.add_section()
    return found


def _sorted(rows: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from sorted(rows.items(), key=lambda it: (it[0] == "share", it[1].get("energy_percent", 0)))


def _is_missed(scenario: str, rows: Mapping[str, Any]) -> bool:
    ours, (energy, decile) = rows["share"], _BARS.get(scenario, (0.0, 0.0))
    if "error" in ours:
        return True
    is_safe = not (ours["violations"] or ours["invalid"])
    return not (is_safe and ours["energy_percent"] >= energy and ours["p10_share"] >= decile)


if __name__ == "__main__":
    sys.exit(main())
