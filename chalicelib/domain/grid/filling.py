"""Water poured into a site: all rise together, each as fast as its weight, until a conductor or itself is full.

Pouring is computed conductor by conductor: at which level it would be full if all below it rose to their ends. The
first to be full stops those behind it, which leaves the others more. A level is where `current / weight` is equal
(max-min fairness); what is lost to whole steps is given out step by step, the lowest first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from math import inf, sqrt

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.grid.currents import Conductors, Flow
from chalicelib.domain.grid.tree import Port

# Of a conductor's limit: far below any meter, far above what floating point loses.
_SLACK = 1e-6


@dataclass(slots=True, eq=False, kw_only=True)
class Glass:
    """What one port is filled with: at least `least_ma` or nothing, at most `most_ma`.

    `base_ma` is counted as its own whatever it gets. `rank` settles what is otherwise equal, the lower first.
    `stopped_by`: the conductor that had no more.
    """

    port: Port
    flows: tuple[Flow, ...]
    most_ma: int
    weight: float
    rank: int
    base_ma: int = 0
    current_ma: int = 0
    stopped_by: int | None = None
    rise: tuple[float, float] = field(default=(0.0, 0.0))

    @property
    def counted_ma(self) -> int:
        """What conductors carry for it."""
        return max(self.current_ma, self.base_ma)

    def next_ma(self) -> int | None:
        """One step more; None at its end."""
        port = self.port
        if port.levels_ma:
            above = bisect_right(port.levels_ma, max(self.current_ma, port.least_ma - 1))
            more = port.levels_ma[above] if above < len(port.levels_ma) else None
        else:
            more = self.current_ma + port.step_ma if self.current_ma else port.least_ma
        return None if more is None or more > self.most_ma else more


class Filling:
    """What flows in each conductor as glasses are filled."""

    def __init__(self, conductors: Conductors, bases: Iterable[tuple[tuple[Flow, ...], int]]) -> None:
        """`bases`: what flows beside all grants, by port."""
        self._limits = [limit + _SLACK * max(limit, 1.0) for limit in conductors.limits]
        self._flow: list[complex | float] = [0.0] * len(self._limits)
        for flows, current_ma in bases:
            if current_ma:
                self._add(flows, current_ma)

    def admit(self, glasses: Iterable[Glass]) -> list[Glass]:
        """Give the least to whom it can be given, in this order; those who have it."""
        return [glass for glass in glasses if self._give(glass, glass.next_ma())]

    def pour(self, glasses: Sequence[Glass]) -> None:
        """Raise all who have something to a common level, then by what steps are left."""
        risen = [glass for glass in glasses if glass.current_ma < glass.most_ma]
        _Pouring(self._limits, self._flow, risen).pour()
        for glass in risen:
            level = glass.port.level_below(min(glass.most_ma, glass.rise[0] + _SLACK))
            if level > glass.current_ma:
                self._set(glass, level)

    def top_up(self, glasses: Iterable[Glass]) -> None:
        """Step by step, the lowest first: nobody is left who could have one step more."""
        waiting = [(glass.current_ma / glass.weight, glass.rank, glass) for glass in glasses]
        heapify(waiting)
        while waiting:
            _, rank, glass = waiting[0]
            if self._give(glass, glass.next_ma()):
                heapreplace(waiting, (glass.current_ma / glass.weight, rank, glass))
            else:
                heappop(waiting)

    def _give(self, glass: Glass, current_ma: int | None) -> bool:
        if current_ma is None:
            glass.stopped_by = None
            return False
        more = max(current_ma, glass.base_ma) - glass.counted_ma
        if more > 0:
            for place, counted in glass.flows:
                if abs(self._flow[place] + counted * more) > self._limits[place]:
                    glass.stopped_by = place
                    return False
        self._set(glass, current_ma)
        return True

    def _set(self, glass: Glass, current_ma: int) -> None:
        before = glass.counted_ma
        glass.current_ma = current_ma
        if glass.counted_ma != before:
            self._add(glass.flows, glass.counted_ma - before)

    def _add(self, flows: Iterable[Flow], current_ma: int) -> None:
        for place, counted in flows:
            self._flow[place] += counted * current_ma


class _Pouring:
    """One pouring: `rise` of each glass is at last (its current, the level at which it stopped)."""

    def __init__(self, limits: list[float], flow: list[complex | float], glasses: Sequence[Glass]) -> None:
        self._limits, self._flow = limits, flow
        self._stopped: set[int] = set()
        self._behind: dict[int, list[tuple[Glass, complex | float]]] = {}
        for glass in glasses:
            # From the level at which it begins to count, to its end.
            glass.rise = glass.counted_ma / glass.weight, max(glass.most_ma, glass.counted_ma) / glass.weight
            for place, counted in glass.flows:
                self._behind.setdefault(place, []).append((glass, counted))
        self._glasses = glasses
        self._fixed: dict[int, complex | float] = {}

    def pour(self) -> None:
        full = [(level, place) for place in self._behind if (level := self._full_at(place, 0.0)) < inf]
        heapify(full)
        stale: set[int] = set()
        while full:
            level, place = heappop(full)
            if place in stale:
                stale.discard(place)
                if (again := self._full_at(place, level)) < inf:
                    heappush(full, (again, place))
                continue
            for glass in self._stopped_by(place, level):
                self._stopped.add(glass.rank)
                current = min(max(level, glass.rise[0]), glass.rise[1]) * glass.weight
                begin = glass.counted_ma
                glass.rise = (current, level)
                for where, counted in glass.flows:
                    self._fixed[where] = self._fixed.get(where, 0.0) + counted * (current - begin)
                    stale.add(where)
            stale.discard(place)
            if (again := self._full_at(place, level)) < inf:
                heappush(full, (again, place))
        for glass in self._glasses:
            if glass.rank not in self._stopped:
                glass.rise = (float(glass.most_ma), inf)

    def _rising(self, place: int) -> list[tuple[Glass, complex | float]]:
        return [(glass, counted) for glass, counted in self._behind[place] if glass.rank not in self._stopped]

    def _stopped_by(self, place: int, level: float) -> list[Glass]:
        """Those whose rising makes this conductor carry more; all, where rounding hides who that is."""
        rising = [(glass, counted) for glass, counted in self._rising(place) if glass.rise[1] > level]
        carried = self._flow[place] + self._fixed.get(place, 0.0)
        for glass, counted in self._rising(place):
            carried += counted * (min(max(level, glass.rise[0]), glass.rise[1]) - glass.rise[0]) * glass.weight
        towards = carried.conjugate()
        found = [glass for glass, counted in rising if (towards * counted).real > 0]
        return found or [glass for glass, _ in rising]

    def _full_at(self, place: int, above: float) -> float:
        """From which level on it would carry more than its limit; infinity: never."""
        limit = self._limits[place]
        rising = self._rising(place)
        carried = self._flow[place] + self._fixed.get(place, 0.0)
        slope: complex | float = 0.0
        turns: list[tuple[float, complex | float]] = []
        for glass, counted in rising:
            begin, end = glass.rise
            pace = counted * glass.weight
            if end <= above:
                carried += pace * (end - begin)
                continue
            if begin <= above:
                carried += pace * (above - begin)
                slope += pace
            else:
                turns.append((begin, pace))
            turns.append((end, -pace))
        turns.sort(key=_first)
        level = above
        for until, change in turns:
            if until > level:
                reached = carried + slope * (until - level)
                if abs(reached) > limit:
                    return level + _way(carried, slope, limit)
                carried, level = reached, until
            slope += change
        return inf


def _first(pair: tuple[float, complex | float]) -> float:
    return pair[0]


def _way(carried: complex | float, slope: complex | float, limit: float) -> float:
    """How much level from here until the sum is as long as the limit."""
    square = abs(slope) ** 2
    along = (carried.conjugate() * slope).real
    beyond = abs(carried) ** 2 - limit**2
    if square == 0.0:
        return 0.0
    return max(0.0, (-along + sqrt(max(0.0, along * along - square * beyond))) / square)
