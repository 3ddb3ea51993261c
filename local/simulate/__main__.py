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

from local.simulate import chart
from local.simulate.algorithms import ALGORITHMS
from local.simulate.day import Outcome, periods, simulate
from local.simulate.days import Unreadable, generate, replay
from local.simulate.sites import SITES

_FIRST_DAY = datetime(2026, 6, 1, tzinfo=UTC)
_HEAD = (
    "algorithm",
    "energy %",
    "fully met %",
    "lowest decile",
    "Jain",
    "peak kW",
    "violations",
    "invalid",
    "changes a session",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 for a file that cannot be read, 2 where the fair share broke a limit."""
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
                    ALGORITHMS[name](tree),
                    tree,
                    requests,
                    period=period,
                    noise_ma=round(asked.noise * 1000),
                    on_period=lambda bar=bar: bars.advance(bar),  # type: ignore[misc]
                )
            )
    rows = [_HEAD, *(_row(it) for it in outcomes)]
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(_HEAD):
        table.add_column(name, justify="right" if number else "left")
    for row in rows[1:]:
        table.add_row(*row)
    console.print(table)
    if asked.html:
        asked.html.write_text(chart.html(outcomes, title, rows))
    if asked.png:
        try:
            chart.png(outcomes, title, asked.png)
        except chart.NoImages as error:
            console.print(str(error))
            return 1
    return 2 if any(it.name == "fair-share" and (it.violations or it.invalid) for it in outcomes) else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.simulate",
        description="A day of charging requests over a site: what each algorithm delivers, and to whom.",
        epilog="docs/grid.md says how the fair share decides and what the columns mean.",
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
    parser.add_argument("--period", type=int, default=5, metavar="MIN", help="minutes from one sharing to the next (5)")
    parser.add_argument("--noise", type=float, default=0.0, metavar="A", help="meters err by up to so many amperes (0)")
    parser.add_argument("--algorithm", "-a", action="append", choices=ALGORITHMS, help="as often as you like (all)")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the load curves as a picture")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw the load curves as a page, with the table")
    return parser.parse_args(arguments)


def _row(it: Outcome) -> tuple[str, ...]:
    return (
        it.name,
        f"{it.energy_percent:.1f}",
        f"{it.met_percent:.0f}",
        f"{it.lowest_decile:.2f}",
        f"{it.jain:.3f}",
        f"{it.peak_w / 1000:.1f}",
        str(it.violations),
        str(it.invalid),
        f"{it.changes / len(it.asked_wh):.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
