"""`python -m local.simulate`: a day of charging requests over a site, one algorithm beside another."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from local.simulate import chart, figures
from local.simulate.algorithms import ALGORITHMS, algorithm
from local.simulate.day import periods, simulate
from local.simulate.days import Request, Unreadable, generate, replay, write
from local.simulate.estimates import HEAD, Estimates, estimates, rows
from local.simulate.signals import CARBON, PRICES, Signals
from local.simulate.sites import SITES

_FIRST_DAY = datetime(2026, 6, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_SIMULATED = ("charging_request_simulation", "system_charging_optimization")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 for a file that cannot be read, 2 where the fair share or the plan broke one."""
    asked = _arguments(arguments)
    console = Console(highlight=False)
    tree = SITES[asked.site](**{name: it for name, it in vars(asked).items() if name in ("ports", "amperes") and it})
    period = timedelta(minutes=asked.period)
    try:
        requests = (
            replay(tree, asked.replay, asked.seed)
            if asked.replay
            else generate(tree, _FIRST_DAY, days=asked.days, cars=asked.cars, seed=asked.seed, liars_h=asked.liars)
        )
    except Unreadable as error:
        console.print(str(error), markup=False)
        return 1
    if not requests:
        console.print("Nobody comes: there is nothing to share")
        return 1
    if asked.part == "charging_request_simulation":
        console.print(_requests(requests, f"{tree.site_id}, {len(tree.ports)} ports, {len(requests)} sessions"))
        if asked.csv:
            write(requests, asked.csv)
        return 0
    signals = Signals(price=asked.price, carbon=asked.carbon, demand_charge=asked.demand_charge)
    title = f"{tree.site_id}, {len(tree.ports)} ports, {len(requests)} sessions, {period.seconds // 60} min"
    outcomes = []
    with Progress(
        TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bars:
        for name in asked.algorithm or ALGORITHMS:
            bar = bars.add_task(name, total=periods(requests, period))
            outcomes.append(
                simulate(
                    name,
                    algorithm(name, tree, signals),
                    tree,
                    requests,
                    period=period,
                    noise_ma=round(asked.noise * 1000),
                    on_period=lambda bar=bar: bars.advance(bar),  # type: ignore[misc]
                )
            )
    console.print(figures.table(title, outcomes, signals))
    for it in outcomes:
        if it.told:
            console.print(_told(estimates(it, signals)))
    if asked.html:
        asked.html.write_text(chart.html(outcomes, title, figures.rows(outcomes, signals)))
    if asked.png:
        try:
            chart.png(outcomes, title, asked.png)
        except chart.NoImages as error:
            console.print(str(error))
            return 1
    return 2 if any(it.name in ("fair-share", "plan") and (it.violations or it.invalid) for it in outcomes) else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.simulate",
        description="A day of charging requests over a site: what each algorithm delivers, and to whom.",
        epilog="docs/grid.md says how the fair share decides and what columns mean, docs/planning.md how plans come.",
    )
    parser.add_argument(
        "part",
        nargs="?",
        choices=_SIMULATED,
        default="system_charging_optimization",
        help="charging_request_simulation: make or replay requests, show them, write them as CSV; "
        "system_charging_optimization: run algorithms over them, the plan among them, and compare (the default)",
    )
    parser.add_argument("--site", choices=SITES, default="street", help="what the site is like (street)")
    parser.add_argument("--ports", type=int, help="how many ports it has")
    parser.add_argument("--amperes", type=int, help="its grid connection, by phase")
    parser.add_argument("--days", type=int, default=1, help="how many days are made up (1)")
    parser.add_argument("--cars", type=float, default=60, help="about how many cars come each day (60)")
    parser.add_argument("--seed", type=int, default=1, help="another number, another day (1)")
    parser.add_argument("--liars", type=float, default=0, metavar="H", help="drivers err by so many hours (0)")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="ACN-Data's JSON, or CSV: arrival, departure, kwh, ..."
    )
    parser.add_argument(
        "--price", choices=PRICES, default="day-ahead", help="what energy costs by the hour (day-ahead)"
    )
    parser.add_argument("--carbon", choices=CARBON, default="sunny", help="what it emits by the hour (sunny)")
    parser.add_argument(
        "--demand-charge", type=float, default=0.5, metavar="M", help="for a kW of the highest quarter (0.5)"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the requests, to be replayed")
    parser.add_argument("--period", type=int, default=5, metavar="MIN", help="minutes from one sharing to the next (5)")
    parser.add_argument("--noise", type=float, default=0.0, metavar="A", help="meters err by up to so many amperes (0)")
    parser.add_argument("--algorithm", "-a", action="append", choices=ALGORITHMS, help="as often as you like (all)")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the load curves as a picture")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw the load curves as a page, with the table")
    return parser.parse_args(arguments)


def _requests(requests: Sequence[Request], title: str) -> Table:
    """Who comes when, by the hour."""
    found = Table(title=title, title_justify="left")
    for name in ("hour", "come", "kWh asked", "mean stay h", "there"):
        found.add_column(name, justify="right")
    first = min(it.arrives_at for it in requests).replace(minute=0, second=0, microsecond=0)
    last = max(it.arrives_at for it in requests)
    while first <= last:
        come = [it for it in requests if first <= it.arrives_at < first + _HOUR]
        there = sum(it.arrives_at < first + _HOUR and it.departs_at > first for it in requests)
        stay_h = sum((it.departs_at - it.arrives_at) / _HOUR for it in come) / len(come) if come else 0.0
        asked_kwh = sum(it.asked_wh for it in come) / 1000
        found.add_row(f"{first:%d %H:%M}", str(len(come)), f"{asked_kwh:.1f}", f"{stay_h:.1f}", str(there))
        first += _HOUR
    return found


def _told(found: Estimates) -> Table:
    """How the estimates of plug-in compare with what came."""
    table = Table(title="What drivers were told at plug-in, against what came", title_justify="left")
    for number, name in enumerate(HEAD):
        table.add_column(name, justify="right" if number else "left")
    for row in rows(found):
        table.add_row(*row)
    return table


if __name__ == "__main__":
    sys.exit(main())
