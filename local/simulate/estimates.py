"""What drivers were told as they plugged in, against what came: how far an estimate errs, and to which side.

Errors are what came less what was told, so that above nothing is later, dearer and more than told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.grid.estimates import ENOUGH
from local.simulate.day import Outcome
from local.simulate.signals import Signals

# Half of the sessions and nine in ten err by no more, to either side; and half of them lie above the median.
HEAD = ("told", "sessions", "half err by", "nine in ten by", "median")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one thing that is told: by session, what came less what was told."""

    by_session: Sequence[float] = ()

    @property
    def median(self) -> float:
        """To which side half of the sessions lie: the bias."""
        return _part(sorted(self.by_session), 0.5)

    def within(self, part: float) -> float:
        """By no more than this so many of them err, to either side."""
        return _part(sorted(map(abs, self.by_session)), part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Of a day: errors of the time when cars are ready (minutes), of cost and carbon (per cent of what was told), of
    energy (per cent of what was asked for).

    `told_ready` were told that they would have what they asked for, of whom `missed` had not when they left;
    `told_short`, that they would not, of whom `had_all` had it.
    """

    ready_min: Errors = Errors()
    cost_percent: Errors = Errors()
    carbon_percent: Errors = Errors()
    energy_percent: Errors = Errors()
    told_ready: int = 0
    missed: int = 0
    told_short: int = 0
    had_all: int = 0


def estimates(outcome: Outcome, signals: Signals) -> Estimates:
    """Of an outcome whose algorithm told drivers anything."""
    ready, cost, carbon, energy = [], [], [], []
    told_ready = missed = told_short = had_all = 0
    for session_id, told in outcome.told.items():
        came_at, taken = _came(outcome, session_id)
        came_wh = sum(it for _, it in taken)
        energy.append(100 * (came_wh - told.energy_wh) / outcome.asked_wh[session_id])
        if told.ready_at is None:
            told_short += 1
            had_all += came_at is not None
        else:
            told_ready += 1
            missed += came_at is None
        if told.ready_at is not None and came_at is not None:
            ready.append((came_at - told.ready_at) / _MINUTE)
        if told.energy_cost_micros:
            came = sum(signals.price_micros(at) * wh for at, wh in taken) / 1000
            cost.append(100 * (came - told.energy_cost_micros) / abs(told.energy_cost_micros))
        if told.carbon_g:
            carbon.append(100 * (sum(signals.carbon_g_at(at) * wh for at, wh in taken) / 1000 / told.carbon_g - 1))
    return Estimates(
        ready_min=Errors(ready),
        cost_percent=Errors(cost),
        carbon_percent=Errors(carbon),
        energy_percent=Errors(energy),
        told_ready=told_ready,
        missed=missed,
        told_short=told_short,
        had_all=had_all,
    )


def rows(found: Estimates) -> list[tuple[str, ...]]:
    """For a table, under `HEAD`."""
    errors = {
        "ready at (later, min)": found.ready_min,
        "cost (dearer, %)": found.cost_percent,
        "carbon (more, %)": found.carbon_percent,
        "energy (more, % of what was asked)": found.energy_percent,
    }
    return [
        *(
            (title, str(len(it.by_session)), f"{it.within(0.5):.0f}", f"{it.within(0.9):.0f}", f"{it.median:+.0f}")
            for title, it in errors.items()
        ),
        (f"ready in time: {found.missed} were not", str(found.told_ready), "", "", ""),
        (f"not ready: {found.had_all} were", str(found.told_short), "", "", ""),
    ]


def _came(outcome: Outcome, session_id: str) -> tuple[datetime | None, list[tuple[datetime, int]]]:
    """When it had what is enough of what it asked for, None if never; and what it took up to that, by period."""
    asked_wh = outcome.asked_wh[session_id]
    ready_at, had_wh, taken = None, 0, []
    for at, wh in outcome.taken_wh[session_id].items():
        counted_wh = min(wh, asked_wh - had_wh)
        if counted_wh <= 0:
            break
        if ready_at is None and had_wh + counted_wh >= ENOUGH * asked_wh:
            ready_at = at + (ENOUGH * asked_wh - had_wh) / wh * outcome.period
        taken.append((at, counted_wh))
        had_wh += counted_wh
    return ready_at, taken


def _part(ascending: Sequence[float], part: float) -> float:
    return ascending[min(len(ascending) - 1, int(len(ascending) * part))] if ascending else 0.0
