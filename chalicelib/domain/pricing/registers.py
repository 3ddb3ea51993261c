"""Registers of a meter that can be believed: the longest run that one meter can have shown while one car charged.

Registers lie about in a charge: zeros of a meter that was not ready, spikes, a second meter between those of the first,
readings rounded to 10 Wh. A run is what remains when as few as possible are left out: it never falls, and never rises
faster than the plug can give.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, pairwise

from chalicelib.domain.data_classes import dataclass

# EN 50160 lets the mains stand a tenth above their nominal voltage, and with it what a plug of 22 kW gives.
_ABOVE_NOMINAL = 1.1
# A register may be told in whole kWh, and a time in whole minutes.
_WHOLE_WH = 1_000
_WHOLE_S = 60
# How far back a run is looked for: all of an ordinary charge, and no more steps than this for a second's readings.
_STEPS = 1_500_000
_NEAREST, _FARTHEST = 12, 400
# A register that began anew costs a run as much as half a reading that was left out.
_WHOLE, _HALF = 2, 1


@dataclass(frozen=True, slots=True)
class Point:
    """A meter's register at a time."""

    at: datetime
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Supply:
    """The most that a plug gives: what it is registered with, or where nobody said what plugs like it give at most."""

    power_w: int
    is_registered: bool = True

    @property
    def slack_wh(self) -> int:
        """How far two true registers may be off together: a whole kWh, or what a minute gives."""
        return max(_WHOLE_WH, self.power_w * _WHOLE_S // 3600)

    def reach_wh(self, lasted_s: float) -> int:
        """The most a register can rise in that time."""
        return int(self.power_w * _ABOVE_NOMINAL * max(0.0, lasted_s) / 3600) + self.slack_wh

    def sure_wh(self, lasted_s: float) -> float:
        """What no rise in that time is too much for, whichever way it is looked at."""
        return self.power_w * _ABOVE_NOMINAL * lasted_s / 3600 + self.slack_wh

    def can_give(self, before: Point, after: Point) -> bool:
        """Whether a register that stood at `before` can stand at `after`."""
        rise_wh = after.energy_wh - before.energy_wh
        return 0 <= rise_wh <= self.reach_wh((after.at - before.at).total_seconds())


@dataclass(frozen=True, slots=True)
class Run:
    """Points that one meter can have shown, in order; `anew` are the places in it where its register began again."""

    points: tuple[Point, ...] = ()
    anew: frozenset[int] = frozenset()

    @property
    def energy_wh(self) -> int:
        """The sum of its rises; what passed while a register began anew is not known, and not counted."""
        steps = enumerate(pairwise(self.points), start=1)
        return sum(after.energy_wh - before.energy_wh for place, (before, after) in steps if place not in self.anew)

    @property
    def settled(self) -> Run:
        """Without what began anew at its end and never rose: that proves nothing."""
        end = len(self.points)
        while end - 1 in self.anew:
            end -= 1
        return Run(self.points[:end], frozenset(it for it in self.anew if it < end))


def distinct(points: Sequence[Point]) -> list[Point]:
    """Without repetitions: a register told again and again is one piece of news, from when it was first told."""
    return [it for before, it in pairwise([None, *points]) if it and (not before or before.energy_wh != it.energy_wh)]


def longest_run(points: Sequence[Point], supply: Supply, *, may_begin_anew: bool = False) -> Run:
    """The run of most points, and of those the one of least energy; `points` in the order of their times.

    With `may_begin_anew` a register may fall once in a while to what it can have counted since. Bounded work: among
    very many points a run is looked for in the neighbourhood of each, and at the end of the longest run so far.
    """
    if not points:
        return Run()
    span = min(_FARTHEST, max(_NEAREST, _STEPS // len(points)))
    began_at = points[0].at
    at_s = [(it.at - began_at).total_seconds() for it in points]
    wh = [it.energy_wh for it in points]
    slack_wh, per_s = supply.slack_wh, supply.power_w * _ABOVE_NOMINAL / 3600
    # For the run that ends at each point: how much it is worth, its energy with the sign turned, and what came before.
    worth = [_WHOLE] * len(points)
    saved_wh = [0] * len(points)
    came_from = [-1] * len(points)
    champion = 0
    for here in range(1, len(points)):
        best, from_place = (_WHOLE, 0), -1
        here_s, here_wh = at_s[here], wh[here]
        first = max(0, here - span)
        for before in range(here - 1, first - 1, -1) if champion >= first else (*range(first, here), champion):
            if worth[before] + _WHOLE < best[0]:
                continue
            rise_wh = here_wh - wh[before]
            reach_wh = per_s * (here_s - at_s[before]) + slack_wh
            if 0 <= rise_wh <= reach_wh:
                candidate = (worth[before] + _WHOLE, saved_wh[before] - rise_wh)
            elif may_begin_anew and rise_wh < 0 and here_wh <= reach_wh:
                candidate = (worth[before] + _HALF, saved_wh[before])
            else:
                continue
            if candidate > best:
                best, from_place = candidate, before
        (worth[here], saved_wh[here]), came_from[here] = best, from_place
        if worth[here] >= worth[champion]:
            champion = here
    last = max(range(len(points)), key=lambda place: (worth[place], saved_wh[place], -place))
    places = [last]
    while came_from[places[-1]] >= 0:
        places.append(came_from[places[-1]])
    run = _run([points[place] for place in reversed(places)])
    # A register that is back where it fell from never began anew: something else stood in between.
    return run if not _came_back(run) else longest_run(points, supply)


def _run(points: Sequence[Point]) -> Run:
    falls = (place for place, (before, after) in enumerate(pairwise(points), 1) if after.energy_wh < before.energy_wh)
    return Run(tuple(points), frozenset(falls))


def _came_back(run: Run) -> bool:
    highest_wh = [*accumulate((it.energy_wh for it in reversed(run.points)), max)][::-1]
    return any(highest_wh[place] >= run.points[place - 1].energy_wh for place in run.anew)
