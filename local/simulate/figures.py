"""The figures of a day by each algorithm, side by side: what it delivered and to whom, cost, peak, carbon, time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from local.simulate.day import Outcome
from local.simulate.signals import Signals

FIGURES: Mapping[str, Callable[[Outcome, Signals], str]] = {
    "energy %": lambda it, _: f"{it.energy_percent:.1f}",
    "fully met %": lambda it, _: f"{it.met_percent:.0f}",
    "lowest decile": lambda it, _: f"{it.lowest_decile:.2f}",
    "Jain": lambda it, _: f"{it.jain:.3f}",
    "peak kW": lambda it, _: f"{it.peak_w / 1000:.1f}",
    "cost a kWh": lambda it, signals: f"{signals.cost(it):.4f}",
    "g CO2 a kWh": lambda it, signals: f"{signals.carbon_g(it):.0f}",
    "p99 ms": lambda it, _: f"{it.solve_s * 1000:.0f}",
    "violations": lambda it, _: str(it.violations),
    "invalid": lambda it, _: str(it.invalid),
    "changes a session": lambda it, _: f"{it.changes / len(it.asked_wh):.1f}",
}


def rows(outcomes: Sequence[Outcome], signals: Signals) -> list[tuple[str, ...]]:
    """A row for each algorithm, under a head."""
    told = (tuple(figure(it, signals) for figure in FIGURES.values()) for it in outcomes)
    return [("algorithm", *FIGURES), *((it.name, *row) for it, row in zip(outcomes, told, strict=True))]


def table(title: str, outcomes: Sequence[Outcome], signals: Signals) -> Table:
    """A column for each algorithm, so that all of it fits a terminal of eighty."""
    found = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    found.add_column("", no_wrap=True)
    for it in outcomes:
        found.add_column(it.name.replace("-", "\n"), justify="right", no_wrap=True)
    for name, figure in FIGURES.items():
        found.add_row(name, *(figure(it, signals) for it in outcomes))
    return found
