"""The numbers in docs/ stand between marks and are written by these functions; nobody types them.

`python -m cli pages` writes them, and a test asks whether they are still true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from cli import cars, chain, chart, contracts, keys, limits, organisations, power, report, schedules
from cli.fleet import Fleet

DOCS = Path(__file__).parent.parent / "docs"
BIG = Fleet(500_000, 100_000)
SESSIONS_AT_ONCE = 50_000
PLOT = DOCS / "cost.svg"

BLOCKS: Mapping[str, Callable[[], str]] = {
    "verdict": lambda: report.verdict(BIG),
    "services": lambda: report.services(BIG).markdown(),
    "lines": lambda: report.lines(BIG).markdown(),
    "cars": lambda: cars.sheet().markdown(),
    "contracts": lambda: contracts.sheet().markdown(),
    "organisations": lambda: organisations.sheet().markdown(),
    "deposits": lambda: chain.sheet().markdown(),
    "live": lambda: report.live(BIG).markdown(),
    "log": lambda: report.log(BIG).markdown(),
    "sizes": lambda: report.sizes(BIG).markdown(),
    "choices": lambda: report.choices(BIG).markdown(),
    "storms": lambda: report.storms(BIG.chargers).markdown(),
    "echoes": lambda: report.echoes(BIG.chargers).markdown(),
    "keys": lambda: keys.sheet(BIG, SESSIONS_AT_ONCE).markdown(),
    "schedules": lambda: schedules.sheet(BIG).markdown(),
    "power": lambda: power.sheet().markdown(),
    "limits": lambda: limits.sheet(BIG, SESSIONS_AT_ONCE).markdown(),
}
PAGES = ("cost.md", "scale.md")
_BLOCK = re.compile(r"(<!-- kerb (\w+) -->\n)(?:.*?\n)??(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """A page with every block as it is computed now."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}", page)


def plot() -> str:
    """docs/cost.svg."""
    return chart.svg(
        report.curves(BIG.sessions_per_day / BIG.chargers), "USD a charger-month on AWS, by fleet and heartbeat"
    )


def write() -> None:
    for name in PAGES:
        path = DOCS / name
        path.write_text(filled(path.read_text()))
    PLOT.write_text(plot())
