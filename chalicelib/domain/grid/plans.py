"""Planning: when each car at a site charges in the coming day, so that all are ready in time, cheaply and cleanly.

A plan is the cheapest answer to a linear program over quarters of an hour: first as little as can be lacks when
drivers leave (the more a car lacks the more it counts, so that scarcity is shared), then cost, carbon and the month's
highest quarter, then changes. It is no promise of current: `balancing.share` has the last word.
"""

from __future__ import annotations

from cmath import phase, rect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil, cos, pi

from chalicelib.domain.grid.currents import Conductors
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.stays import Part, Settings, Stay, parts, stay
from chalicelib.domain.grid.tree import Claim, Conditions, SiteTree

# What a car lacks in parts of what it asked for, and how much more each further part counts: scarcity is shared.
_SLICES = ((0.2, 1.0), (0.2, 1.1), (0.2, 1.25), (0.2, 1.45), (1.0, 1.7))
# A length is held by its shadows: so far apart they let it be 0.4 % shorter than it might be, and never longer.
_STEP = pi / 18
# Of what a kilowatt-hour that is lacking counts: to charge an hour later, an ampere's change of a kilowatt-hour.
_LATER = 1e-4
_CHANGE = 2e-4
_FULL = 0.97
_SURE_PARTS = 2
_HOPED = 0.25
_KEPT, _KEPT_H = 0.5, 2.0
_EAGER = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A program to be solved, and what its amounts mean.

    `columns`: by stay, the amperes in each part in which it is there; `lacks`: by stay, the kilowatt-hours that it
    will not have. `rows`: by stay, the columns, factors and limits of what may be full in a part.
    """

    program: LinearProgram
    begins_at: datetime
    parts: tuple[Part, ...]
    stays: tuple[Stay, ...]
    columns: tuple[tuple[int, ...], ...]
    lacks: tuple[tuple[int, ...], ...]
    behind: Mapping[tuple[int, int], tuple[int, ...]]


def problem(
    tree: SiteTree,
    claims: Iterable[Claim],
    outlook: Outlook,
    at: datetime,
    conditions: Conditions | None = None,
    settings: Settings | None = None,
) -> Problem:
    """What is to be solved so that the site's cars are ready in time.

    `at` lies in the outlook's first quarter, or later in it; claims are those of `share`, whatever is remembered of
    them filled in. Cars that want nothing, or sleep, have no part in it. ValueError for a tree that is none.
    """
    conditions, settings = conditions or Conditions(), settings or Settings()
    ports = {it.port_id: it for it in tree.ports}
    ordered = sorted(claims, key=lambda it: (it.begun_at, it.session_id, it.port_id))
    found = [stay(it, ports[it.port_id], at, settings) for it in ordered if it.port_id in ports]
    stays = tuple(it for it in found if it is not None)
    return _Writing(tree, stays, tuple(parts(outlook, at, settings)), outlook, conditions, settings).problem()


def read(problem: Problem, solution: Sequence[float] | None) -> Plan:
    """The plan that a solution means, in steps that each charger knows; an empty plan (fair share) where there is none."""
    if solution is None:
        return Plan(begins_at=problem.begins_at)
    program = problem.program
    full = {
        row
        for row in {it for rows in problem.behind.values() for it in rows}
        if _sum(program, row, solution) >= _FULL * program.at_most[row]
    }
    limit_ma, is_full = {}, {}
    for number, (it, columns) in enumerate(zip(problem.stays, problem.columns, strict=True)):
        owed_ah = 0.0
        row: list[int] = []
        tight: list[bool] = []
        for place, (part, column) in enumerate(zip(problem.parts, columns, strict=False)):
            # What steps lose in one part is made up for in the next.
            asked_a = solution[column] + owed_ah / part.hours
            level_ma = _level(it, asked_a)
            owed_ah = (asked_a - level_ma / 1000) * part.hours if solution[column] > 0 else owed_ah
            quarters = _quarters(part, problem.begins_at)
            row += [level_ma] * quarters
            tight += [not full.isdisjoint(problem.behind.get((number, place), ()))] * quarters
        limit_ma[it.port.port_id], is_full[it.port.port_id] = tuple(row), tuple(tight)
    return Plan(
        begins_at=problem.begins_at,
        limit_ma=limit_ma,
        is_full=is_full,
        unmet_wh={
            it.port.port_id: round(1000 * sum(solution[column] for column in columns))
            for it, columns in zip(problem.stays, problem.lacks, strict=True)
        },
    )


def _sum(program: LinearProgram, row: int, solution: Sequence[float]) -> float:
    ends = program.starts[row + 1] if row + 1 < len(program.starts) else len(program.columns)
    places = range(program.starts[row], ends)
    return sum(program.factors[it] * solution[program.columns[it]] for it in places)


def _level(it: Stay, amperes: float) -> int:
    """The charger's own current nearest to so many amperes; half of the least and more is the least."""
    port = it.port
    most_ma = it.most_a * 1000
    levels = [0, *(level for level in port.levels_ma or (port.least_ma,) if level <= most_ma + 1)]
    if not port.levels_ma and amperes * 1000 > port.least_ma:
        steps = round((min(amperes * 1000, most_ma) - port.least_ma) / port.step_ma)
        level_ma = port.least_ma + steps * port.step_ma
        return level_ma if level_ma <= most_ma + 1 else level_ma - port.step_ma
    return min(levels, key=lambda level: (abs(level - amperes * 1000), level))


def _quarters(part: Part, begins_at: datetime) -> int:
    """How many quarters of the plan a part ends after the one before."""
    first = (part.begins_at - begins_at) // QUARTER
    return max(1, -((begins_at - part.ends_at) // QUARTER) - first)


class _Writing:
    """One program as it is written down."""

    def __init__(
        self,
        tree: SiteTree,
        stays: tuple[Stay, ...],
        day: tuple[Part, ...],
        outlook: Outlook,
        conditions: Conditions,
        settings: Settings,
    ) -> None:
        self._tree, self._stays, self._parts = tree, stays, day
        self._outlook, self._conditions, self._margin = outlook, conditions, settings.margin
        self._program = LinearProgram()
        self._behind: dict[tuple[int, int], tuple[int, ...]] = {}
        self._conductors: dict[object, Conductors] = {}
        costs = [it.cost for it in day] or [0.0]
        self._spread = _EAGER * (max(*costs, 0.0) - min(*costs, 1e9)) + 1e-3
        self._demand = outlook.demand_charge_micros / 1e6
        # No cost at all makes up for a kilowatt-hour that is lacking, not even a quarter's highest power.
        self._worth = 2 * (max(*costs, 0.0) - min(*costs, 0.0) + self._demand * 4) + 0.1

    def problem(self) -> Problem:
        """All of it."""
        program = self._program
        columns: list[tuple[int, ...]] = []
        lacks: list[tuple[int, ...]] = []
        hoped: dict[tuple[int, int], int] = {}
        for number, it in enumerate(self._stays):
            begins_at = self._parts[0].begins_at
            mine = []
            for place, part in enumerate(self._parts):
                if part.begins_at >= it.ends_at:
                    break
                kwh = it.kw * part.hours
                hours = (part.begins_at - begins_at).total_seconds() / 3600
                cost = self._worth * kwh * (it.risk(part, self._margin) * it.weight * 0.5 + _LATER * hours)
                most_a = self._most_a(it, place)
                sure_a = most_a if place < _SURE_PARTS else min(most_a, it.sure_a * it.there(part))
                mine.append(program.amount(cost=cost, most=sure_a))
                if most_a > sure_a:
                    hoped[number, place] = program.amount(
                        cost=cost + _HOPED * self._worth * kwh * it.weight, most=most_a - sure_a
                    )
            columns.append(tuple(mine))
            slices = tuple(
                program.amount(cost=self._worth * dear * it.weight, most=part * it.asked_kwh) for part, dear in _SLICES
            )
            lacks.append(slices)
            terms = [(column, it.kw * part.hours) for column, part in zip(mine, self._parts, strict=False)]
            terms += [
                (column, it.kw * self._parts[place].hours) for (who, place), column in hoped.items() if who == number
            ]
            program.limit([*terms, *((column, 1.0) for column in slices)], at_least=it.lacks_kwh, at_most=it.lacks_kwh)
            if mine:
                more, less = (program.amount(cost=self._worth * _CHANGE * it.kw) for _ in range(2))
                program.limit([(mine[0], 1.0), (more, -1.0), (less, 1.0)], at_least=it.now_a, at_most=it.now_a)
        peak = program.amount(cost=self._demand) if self._demand else None
        if peak is not None:
            # Up to the month's highest so far it costs nothing.
            free = program.amount(cost=-self._demand, most=max(0.0, self._outlook.peak_w / 1000))
            program.limit([(peak, 1.0), (free, -1.0)], at_least=0.0)
        for place, part in enumerate(self._parts):
            self._write_part(place, part, columns, hoped, peak)
        return Problem(
            program=program,
            begins_at=self._outlook.begins_at,
            parts=self._parts,
            stays=self._stays,
            columns=tuple(columns),
            lacks=tuple(lacks),
            behind=self._behind,
        )

    def _most_a(self, it: Stay, place: int) -> float:
        """By the car, how long it is there, and what is its own alone."""
        return it.most_a * it.there(self._parts[place])

    def _write_part(
        self,
        place: int,
        part: Part,
        columns: Sequence[tuple[int, ...]],
        hoped: Mapping[tuple[int, int], int],
        peak: int | None,
    ) -> None:
        program = self._program
        there = [
            (number, it, columns[number][place])
            for number, it in enumerate(self._stays)
            if place < len(columns[number])
        ]
        if not there:
            return
        conductors = self._conductors_in(part)
        kinds: dict[object, list[tuple[int, Stay, int]]] = {}
        for one in there:
            kinds.setdefault((conductors.flows(one[1].port, one[1].phases), one[1].kw), []).append(one)
        # Cars that are wired alike are one sum, which keeps the rows short.
        rows: dict[int, list[tuple[int, complex, float, list[int]]]] = {}
        power: list[tuple[int, float]] = []
        for (flows, kw), some in kinds.items():  # type: ignore[misc]
            sums = [it for _, _, it in some] + [
                hoped[number, place] for number, _, _ in some if (number, place) in hoped
            ]
            column = sums[0]
            if len(sums) > 1:
                column = program.amount()
                program.limit([(column, -1.0), *((it, 1.0) for it in sums)], at_least=0.0, at_most=0.0)
            most_a = sum(self._most_a(it, place) for _, it, _ in some)
            power.append((column, kw))
            for where, counted in flows:
                rows.setdefault(where, []).append((column, complex(counted), most_a, [number for number, _, _ in some]))
        base = self._base(conductors)
        for where, terms in rows.items():
            self._hold(place, conductors.limits[where] / 1000, base.get(where, 0j), terms)
        drawn = program.amount(cost=part.cost * part.hours)
        own = program.amount(most=max(0.0, part.solar_kw - part.building_kw))
        program.limit([*power, (own, -1.0), (drawn, -1.0)], at_least=0.0, at_most=0.0)
        if peak is not None:
            building_kw = max(0.0, part.building_kw - part.solar_kw)
            program.limit([(drawn, 1.0), (peak, -1.0)], at_most=-building_kw)

    def _hold(
        self, place: int, limit_a: float, base: complex, terms: list[tuple[int, complex, float, list[int]]]
    ) -> None:
        """No shadow of a conductor's current is longer than its limit; nothing is written of what cannot be."""
        if sum(abs(counted) * most_a for _, counted, most_a, _ in terms) + abs(base) <= limit_a:
            return
        part = self._parts[place]
        kept = self._reserve(part)
        used = None
        if kept:
            used = self._program.amount(cost=self._spread * limit_a * 0.23 * part.hours, most=kept)
        for angle, reach in _shadows([counted for _, counted, _, _ in terms]):
            turned = rect(1, -angle)
            row = len(self._program.at_most)
            most = max(0.0, limit_a * reach - (base * turned).real)
            shares = [(column, (counted * turned).real) for column, counted, _, _ in terms]
            if used is not None:
                shares.append((used, -most))
            self._program.limit(shares, at_most=most * (1 - kept))
            for _, _, _, numbers in terms:
                for number in numbers:
                    self._behind[number, place] = (*self._behind.get((number, place), ()), row)

    def _reserve(self, part: Part) -> float:
        """How much of everything is kept for who will have come by then, as far as that is wise."""
        hours = (part.begins_at - self._parts[0].begins_at).total_seconds() / 3600
        return min(_KEPT, _KEPT * hours / _KEPT_H)

    def _base(self, conductors: Conductors) -> Mapping[int, complex]:
        """What flows for ports that are not planned, whatever they are told."""
        planned = {it.port.port_id for it in self._stays}
        flowing: dict[int, complex] = {}
        for port in self._tree.ports:
            current_ma = self._conditions.default_ma.get(port.port_id, 0)
            if current_ma and port.port_id not in planned:
                for where, counted in conductors.flows(port, None):
                    flowing[where] = flowing.get(where, 0j) + counted * current_ma / 1000
        return flowing

    def _conductors_in(self, part: Part) -> Conductors:
        """What may flow then: operators' limits as they will be, the building as it is told, or as it is now."""
        limits = tuple(it for it in self._conditions.limits if it.begins_at <= part.begins_at < it.ends_at)
        building = self._conditions.building
        key = limits
        if key not in self._conductors:
            seen = None if building is None else replace(building, at=part.begins_at)
            self._conductors[key] = Conductors.of(self._tree, part.begins_at, seen, limits)
        return self._conductors[key]


def _shadows(counted: Sequence[complex]) -> Iterator[tuple[float, float]]:
    """Directions in which a sum of such currents may lie, and how much of its limit each lets it have."""
    middle = phase(sum(it / abs(it) for it in counted if it))
    angles = [phase(it * rect(1, -middle)) for it in counted if it]
    least, most = min(angles), max(angles)
    if most - least < 1e-9:
        yield middle + least, 1.0
        return
    number = ceil((most - least) / _STEP - 1e-9)
    width = (most - least) / number
    for it in range(number):
        yield middle + least + (it + 0.5) * width, cos(width / 2)
