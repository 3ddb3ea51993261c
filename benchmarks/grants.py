"""Thousands of histories of a site against the book of grants, and without it: overloads found, by their seeds.

The world is that of the tests (`tests/domain/grid/world.py`): frames 0.1 to 8 s late, one in twenty lost each way, no
order among them, boots, new sockets, deaf chargers, firmwares that forget, plans, leases that end while we are gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from rich.table import Table

from tests.domain.grid.phases_world import PHASE_WAYS, live_by_phases
from tests.domain.grid.world import WAYS, History, live

_COMPARED = 200


def table(number: int, first_seed: int = 0) -> Table:
    """So many histories by the book, and the first of them in each other way; a seed shows one again (`again`)."""
    shown = Table(title="Histories of a site, and those in which it was above its limit", title_justify="left")
    for column in ("how limits are told", "histories", "overloaded", "most above its limit", "seeds", "s"):
        shown.add_column(column, justify="left" if column == "seeds" else "right")
    ways: dict[str, Callable[[int], History]] = {way: partial(live, way=way) for way in WAYS}
    ways |= {f"one phase or three: {way}": partial(live_by_phases, way=way) for way in PHASE_WAYS}
    for way, lived in ways.items():
        count = number if way == "the book" else min(number, _COMPARED)
        began = time.perf_counter()
        found = [lived(seed) for seed in range(first_seed, first_seed + count)]
        bad = [it for it in found if it.overloads or it.above_book]
        worst = max((it.worst_ma / it.limit_ma for it in bad), default=0)
        seeds = ", ".join(str(it.seed) for it in bad[:5])
        above = f"{max(0.0, worst - 1):.0%}" if bad else "-"
        took = f"{time.perf_counter() - began:.0f}"
        shown.add_row(way, str(len(found)), str(len(bad)), above, seeds, took)
    return shown


def again(seed: int, way: str = "the book") -> str:
    """One history by its seed, as it was."""
    return str(live(seed, way))
