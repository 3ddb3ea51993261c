"""The night of five cars as a table: `make run ARGS=--cars`. The product's services, simulated cars, no stack.

One of them meets a dead line, one is plugged in too late to be ready, one keeps no schedule and waits for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from local.night_fleet import CarMonth
from local.night_makers import NO_FAULTS, Faults
from local.night_market import ZONE

_HEAD = ("car", "carried out by", "plan", "ready", "%", "calls, wakes", "cost, at once", "told")


@dataclass(frozen=True, slots=True)
class _Shown:
    what: str
    seed: int
    maker: str
    faults: Faults = NO_FAULTS


# Chosen by their seeds: the same night each time.
_FIVE = (
    _Shown("waits by its own schedule at home", 30, "tesla"),
    _Shown("out of reach for hours", 17, "tesla", replace(NO_FAULTS, uncovered=1.0)),
    _Shown("keeps no schedule", 5, "enode"),
    _Shown("its charge breaks off", 7, "smartcar", replace(NO_FAULTS, breaks_off=1.0)),
    _Shown("by hand", 9, "manual"),
)


def show(console: Console) -> None:
    """Let five cars stand a few nights, and show the last."""
    table = Table(*_HEAD, title="The night of five cars")
    for shown in _FIVE:
        table.add_row(f"{shown.maker}: {shown.what}", *_row(CarMonth(shown.seed, shown.faults, shown.maker)))
    console.print(table)
    console.print("docs/vehicles.md says what a night is; a month of a thousand: python -m benchmarks.vehicles")


def _row(month: CarMonth) -> list[str]:
    tally = month.run(3)
    night = month.nights.known[month.vehicle_id]
    control, plan = night.control, night.plan
    told = [news for (_, number, news) in month.teller.told if number == night.number]
    return [
        f"{control.controller}: {control.rule}".replace("_", " ") if control is not None else "",
        f"{_clock(night.plugged_at)} to {_clock(plan.starts_at)}" if plan is not None else "at once",
        _clock(plan.ready_at) if plan is not None and plan.ready_at is not None else "",
        f"{month.percent_when_wanted:.0f} of {month.target}",
        f"{sum(tally.calls.values())}, {month.car.wakes}",
        f"{tally.cost:.2f}, {tally.cost_at_once:.2f}",
        ", ".join(dict.fromkeys(it.removeprefix("car_").replace("_", " ") for it in told)),
    ]


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(ZONE)):%H:%M}"
