"""Planning: when each car at a site charges in the coming day, so that all are ready in time, cheaply and cleanly.

A plan is the cheapest answer to a linear program over quarters of an hour: first as little as can be lacks when
drivers leave (the more a car lacks the more it counts, so that scarcity is shared), then cost, carbon and the month's
highest quarter, then changes. It is no promise of current: `balancing.share` has the last word.
"""

from __future__ import annotations

from cmath import rect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, field, replace
from chalicelib.domain.grid.assumptions import USUAL, Assumptions
from chalicelib.domain.grid.currents import Conductors, Flow, shadows
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.stays import HOUR, Coming, Settings, Slot, Stay, coming, parts, power_kw, stay, usual_a
from chalicelib.domain.grid.tree import Claim, Conditions, Port, SiteTree

# What a car lacks in parts of what it asked for, and how much more each further part counts: scarcity is shared.
_SLICES = ((0.25, 1.0), (0.2, 1.1), (0.2, 1.35), (1.0, 1.9))
# The next parts count on all that a car may take; of what comes later, what is not sure counts less.
_NEAR_PARTS = 2
_UNSURE = 0.25
# What those lack who may still come, against one who is there; from when on they are planned, and for how long.
_COMING_WEIGHT = 0.9
_COMING_FROM_H = 0.5
_COMING_UNTIL_H = 8.0
# They are counted behind what so many ports share.
_SHARED_BY = 3
_FULL = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """A program to be solved, and what its amounts mean.

    `columns`: by stay and by part in which it is there, the amounts that are its amperes together. `lacks`: by stay,
    the kilowatt-hours that it will not have. `behind`: by stay and part, the rows that may hold it back.
    `coming`: what those ask for who may come, by the amount that is what they will not have. `alone`: what somebody
    will not have, and how much of it even alone. `power`: by part, the amounts that flow in it with kilowatts of each.
    """

    program: LinearProgram
    begins_at: datetime
    parts: tuple[Slot, ...]
    stays: tuple[Stay, ...]
    columns: tuple[tuple[tuple[int, ...], ...], ...]
    lacks: tuple[tuple[int, ...], ...]
    behind: Mapping[tuple[int, int], Sequence[int]]
    coming: Mapping[int, float]
    alone: tuple[tuple[tuple[int, ...], float], ...]
    power: Mapping[int, tuple[tuple[int, float], ...]]


def problem(  # noqa: PLR0913, PLR0917 (as `share`, and what is to come)
    tree: SiteTree,
    claims: Iterable[Claim],
    outlook: Outlook,
    at: datetime,
    conditions: Conditions | None = None,
    settings: Settings | None = None,
    assumed: Assumptions = USUAL,
) -> PlanProblem:
    """What is to be solved so that the site's cars are ready in time.

    `at` lies in the outlook's first quarter, or later in it; claims are those of `share`, whatever is remembered of
    them filled in. Cars that want nothing, or sleep, have no part in it. ValueError for a tree that is none.
    """
    conditions, settings = conditions or Conditions(), settings or Settings()
    ports = {it.port_id: it for it in tree.ports}
    claims = list(claims)
    ordered = sorted(claims, key=lambda it: (it.begun_at, it.session_id, it.port_id))
    found = [stay(it, ports[it.port_id], at, settings, assumed) for it in ordered if it.port_id in ports]
    stays = tuple(it for it in found if it is not None)
    day = tuple(parts(outlook, at, settings))
    writing = _Writing(tree, stays, day, outlook, conditions, settings.margin, assumed)
    return writing.problem(coming(tree, claims, outlook, at, assumed))


def read(problem: PlanProblem, solution: Sequence[float] | None) -> Plan:
    """The plan that a solution means, in steps that each charger knows; an empty one (fair share) for none."""
    if solution is None:
        return Plan(begins_at=problem.begins_at)
    full = {
        row
        for row in {it for rows in problem.behind.values() for it in rows}
        if problem.program.sum_of(row, solution) >= _FULL * problem.program.at_most[row]
    }
    limit_ma, is_full, unmet_wh = {}, {}, {}
    for number, it in enumerate(problem.stays):
        owed_ah = 0.0
        row: list[int] = []
        tight: list[bool] = []
        for place, (part, columns) in enumerate(zip(problem.parts, problem.columns[number], strict=False)):
            wanted_a = sum(solution[column] for column in columns)
            is_tight = not full.isdisjoint(problem.behind.get((number, place), ()))
            # What steps lose is made up for later, though not where there is no more; less than the least for long is
            # the least for a while.
            is_short = 0 < wanted_a * 1000 < it.port.least_ma
            level_ma = _level(
                it,
                wanted_a + owed_ah / part.hours if is_short or (wanted_a and not is_tight) else wanted_a,
                is_tight=is_tight,
            )
            if wanted_a:
                owed_ah += (wanted_a - min(level_ma / 1000, it.most_a)) * part.hours
            quarters = _quarters(part, problem.begins_at)
            row += [level_ma] * quarters
            tight += [is_tight] * quarters
        port_id = it.port.port_id
        limit_ma[port_id], is_full[port_id] = tuple(row), tuple(tight)
        unmet_wh[port_id] = round(1000 * sum(solution[column] for column in problem.lacks[number]))
    asked_kwh = sum(it.lacks_kwh for it in problem.stays) + sum(problem.coming.values())
    short_kwh = sum(max(0.0, sum(solution[it] for it in lacks) - alone) for lacks, alone in problem.alone)
    coming_kwh = sum(solution[column] for column in problem.coming)
    return Plan(
        begins_at=problem.begins_at,
        limit_ma=limit_ma,
        is_full=is_full,
        unmet_wh=unmet_wh,
        coming_lacks_permille=round(1000 * coming_kwh / asked_kwh) if asked_kwh else 0,
        lacks_permille=round(1000 * short_kwh / asked_kwh) if asked_kwh else 0,
    )


def _level(it: Stay, amperes: float, *, is_tight: bool) -> int:
    """The charger's own current up to so many amperes, of those that the car takes; from half of it on, the least.

    All that the car takes is the next one above, where there is room: it leaves what is more.
    """
    port = it.port
    wanted_ma = min(amperes, it.most_a) * 1000 + 1
    if wanted_ma < port.least_ma:
        return port.least_ma if wanted_ma >= port.least_ma / 2 else 0
    if wanted_ma > it.most_a * 1000 and not is_tight:
        return port.level_for(round(it.most_a * 1000))
    return port.level_below(wanted_ma)


def _quarters(part: Slot, begins_at: datetime) -> int:
    """How many of the plan's quarters a part stands for."""
    first = (part.begins_at - begins_at) // QUARTER
    return -((begins_at - part.ends_at) // QUARTER) - first


@dataclass(slots=True, kw_only=True)
class _Row:
    """What flows in one conductor in one part: amounts, what an ampere of each counts, and the most of it.

    `numbers` of the stays behind it. `base`: what flows whatever is planned.
    """

    terms: list[tuple[int, complex, float]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    base: complex = 0j


@dataclass(frozen=True, slots=True)
class _Guests:
    """Who may come to ports that are wired alike: one of those, and by part the amount that is their amperes."""

    port: Port
    kw: float
    most_a: float
    columns: Mapping[int, int]


class _Writing:
    """One program as it is written down."""

    def __init__(  # noqa: PLR0913, PLR0917 (the same)
        self,
        tree: SiteTree,
        stays: tuple[Stay, ...],
        day: tuple[Slot, ...],
        outlook: Outlook,
        conditions: Conditions,
        margin: timedelta,
        assumed: Assumptions,
    ) -> None:
        self._tree, self._stays, self._parts = tree, stays, day
        self._outlook, self._conditions, self._margin, self._assumed = outlook, conditions, margin, assumed
        self._program = LinearProgram()
        self._columns: list[tuple[tuple[int, ...], ...]] = []
        self._lacks: list[tuple[int, ...]] = []
        self._behind: dict[tuple[int, int], list[int]] = {}
        self._conductors: dict[object, Conductors] = {}
        self._shadows: dict[tuple[complex, ...], Sequence[tuple[complex, float, Sequence[float]]]] = {}
        self._guests: list[_Guests] = []
        self._coming: dict[int, float] = {}
        self._alone: list[tuple[tuple[int, ...], float]] = []
        self._shared: dict[int, frozenset[int]] = {}
        self._power: dict[int, tuple[tuple[int, float], ...]] = {}
        costs = [it.cost for it in day] or [0.0]
        self._range = max(*costs, 0.0) - min(*costs, 0.0)
        self._demand = outlook.demand_charge_micros / 1e6
        # No cost at all makes up for a kilowatt-hour that is lacking: no price, risk and what else counts taken
        # together, nor a quarter's highest power.
        self._worth = max(2 * (self._range + self._demand * (HOUR / QUARTER)), 30 * self._range) + 0.1

    def problem(self, coming: Coming) -> PlanProblem:
        """All of it."""
        for it in self._stays:
            self._write_stay(it)
        if coming.cars and self._stays:
            self._write_coming(coming)
        peak = self._write_peak() if self._demand else None
        for place, part in enumerate(self._parts):
            self._write_part(place, part, peak)
        return PlanProblem(
            program=self._program,
            begins_at=self._outlook.begins_at,
            parts=self._parts,
            stays=self._stays,
            columns=tuple(self._columns),
            lacks=tuple(self._lacks),
            behind=self._behind,
            coming=self._coming,
            alone=tuple(self._alone),
            power=self._power,
        )

    def _write_stay(self, it: Stay) -> None:
        """What a car takes in each part and what it will lack are together what it lacks now."""
        program, begins_at = self._program, self._parts[0].begins_at if self._parts else self._outlook.begins_at
        mine: list[tuple[int, ...]] = []
        terms: list[tuple[int, float]] = []
        for place, part in enumerate(self._parts):
            if part.begins_at >= it.ends_at:
                break
            worth = self._worth * it.kw * part.hours
            later = self._assumed.later * it.haste(begins_at) * ((part.begins_at - begins_at) / HOUR)
            risk = it.risk(part, self._margin)
            # No price at all makes up for waiting until its driver may leave.
            late = self._range * it.kw * part.hours if risk else 0.0
            cost = worth * (it.weight * risk + later) + late
            most_a = it.most_a * it.there(part)
            near_a = it.next_a if place == 0 else it.most_a if place < _NEAR_PARTS else it.sure_a
            sure_a = min(most_a, near_a * it.there(part))
            columns = [program.amount(cost=cost, most=sure_a)]
            if most_a > sure_a:
                columns.append(program.amount(cost=cost + worth * _UNSURE * it.weight, most=most_a - sure_a))
            mine.append(tuple(columns))
            terms += [(column, it.kw * part.hours) for column in columns]
        lacks = tuple(
            program.amount(cost=self._worth * dear * it.weight, most=part * it.asked_kwh) for part, dear in _SLICES
        )
        program.limit([*terms, *((column, 1.0) for column in lacks)], at_least=it.lacks_kwh, at_most=it.lacks_kwh)
        if mine:
            cost = self._worth * self._assumed.changed * it.kw * self._parts[0].hours
            more, less = program.amount(cost=cost), program.amount(cost=cost)
            now = [*((column, 1.0) for column in mine[0]), (more, -1.0), (less, 1.0)]
            program.limit(now, at_least=it.now_a, at_most=it.now_a)
        self._columns.append(tuple(mine))
        self._lacks.append(lacks)
        self._alone.append((lacks, self._short_kwh(it.lacks_kwh, terms)))

    def _write_coming(self, coming: Coming) -> None:
        """Those who may still come, as one for all free ports that are wired alike."""
        taken = {it.port.port_id for it in self._stays}
        free = [it for it in self._tree.ports if it.port_id not in taken]
        conductors = self._conductors_in(self._parts[0])
        shared = self._shared_in(conductors)
        alike: dict[tuple[tuple[Flow, ...], float], list[Port]] = {}
        for port in free:
            flows = tuple(it for it in conductors.flows(port, None) if it[0] in shared)
            alike.setdefault((flows, power_kw(port)), []).append(port)
        begins_at = self._parts[0].begins_at
        for (_, kw), ports in alike.items():
            cars = coming.cars * len(ports) / len(free)
            most_a = cars * sum(usual_a(it, self._assumed) for it in ports) / len(ports)
            columns: dict[int, int] = {}
            terms: list[tuple[int, float]] = []
            for place, part in enumerate(self._parts):
                since_h = (part.begins_at - begins_at) / HOUR
                if _COMING_FROM_H <= since_h < _COMING_UNTIL_H:
                    cost = self._worth * kw * part.hours * USUAL.later * since_h
                    columns[place] = self._program.amount(cost=cost, most=most_a)
                    terms.append((columns[place], kw * part.hours))
            lacks_kwh = cars * coming.kwh
            lacks = self._program.amount(cost=self._worth * _COMING_WEIGHT, most=lacks_kwh)
            self._program.limit([*terms, (lacks, 1.0)], at_least=lacks_kwh, at_most=lacks_kwh)
            self._coming[lacks] = lacks_kwh
            self._alone.append(((lacks,), self._short_kwh(lacks_kwh, terms)))
            self._guests.append(_Guests(ports[0], kw, most_a, columns))

    def _short_kwh(self, wanted_kwh: float, terms: Sequence[tuple[int, float]]) -> float:
        """What of it does not come even of all that it may take."""
        return max(0.0, wanted_kwh - sum(self._program.most[column] * kwh for column, kwh in terms))

    def _shared_in(self, conductors: Conductors) -> frozenset[int]:
        """What several ports share: elsewhere nobody is kept from anything by who comes."""
        if id(conductors) not in self._shared:
            behind = Counter(where for port in self._tree.ports for where, _ in conductors.flows(port, None))
            self._shared[id(conductors)] = frozenset(it for it, ports in behind.items() if ports >= _SHARED_BY)
        return self._shared[id(conductors)]

    def _write_peak(self) -> int:
        """The highest quarter, which costs nothing up to the month's highest so far."""
        cost = self._demand * self._assumed.demand
        peak = self._program.amount(cost=cost)
        free = self._program.amount(cost=-cost, most=max(0.0, self._outlook.peak_w / 1000))
        self._program.limit([(peak, 1.0), (free, -1.0)], at_least=0.0)
        return peak

    def _write_part(self, place: int, part: Slot, peak: int | None) -> None:
        """What flows in each conductor, and what the site draws in all."""
        there = [number for number, mine in enumerate(self._columns) if place < len(mine)]
        if not there:
            return
        program, conductors = self._program, self._conductors_in(part)
        kinds: dict[tuple[tuple[Flow, ...], float], list[int]] = {}
        for number in there:
            it = self._stays[number]
            kinds.setdefault((conductors.flows(it.port, it.phases), it.kw), []).append(number)
        rows: dict[int, _Row] = {}
        power: list[tuple[int, float]] = []
        for (flows, kw), numbers in kinds.items():
            # Cars that are wired alike are one sum, which keeps the rows short.
            column = self._sum(numbers, place)
            most_a = sum(self._stays[it].most_a * self._stays[it].there(part) for it in numbers)
            power.append((column, kw))
            for where, counted in flows:
                row = rows.setdefault(where, _Row())
                row.terms.append((column, complex(counted), most_a))
                row.numbers += numbers
        for guests in self._guests:
            if place in guests.columns:
                power.append((guests.columns[place], guests.kw))
                for where, counted in conductors.flows(guests.port, None):
                    if where in rows and where in self._shared_in(conductors):
                        rows[where].terms.append((guests.columns[place], complex(counted), guests.most_a))
        base = self._base(conductors)
        for where, row in rows.items():
            row.base = base.get(where, 0j)
            self._hold(place, row, conductors.limits[where] / 1000)
        self._power[place] = tuple(power)
        drawn = program.amount(cost=part.cost * part.hours)
        own = program.amount(most=max(0.0, part.solar_kw - part.building_kw))
        program.limit([*power, (own, -1.0), (drawn, -1.0)], at_least=0.0, at_most=0.0)
        if peak is not None:
            program.limit([(drawn, 1.0), (peak, -1.0)], at_most=-max(0.0, part.building_kw - part.solar_kw))

    def _sum(self, numbers: Sequence[int], place: int) -> int:
        """One amount that is the amperes of several cars."""
        columns = [column for number in numbers for column in self._columns[number][place]]
        if len(columns) == 1:
            return columns[0]
        total = self._program.amount()
        self._program.limit([(total, -1.0), *((column, 1.0) for column in columns)], at_least=0.0, at_most=0.0)
        return total

    def _hold(self, place: int, row: _Row, limit_a: float) -> None:
        """No shadow of a conductor's current is longer than its limit; nothing is written of what cannot be."""
        if sum(abs(counted) * most_a for _, counted, most_a in row.terms) + abs(row.base) <= limit_a:
            return
        program, first = self._program, len(self._program.at_most)
        for turned, reach, factors in self._shadows_of(tuple(counted for _, counted, _ in row.terms)):
            most_a = max(0.0, limit_a * reach - (row.base * turned).real)
            terms = [(column, factor) for (column, _, _), factor in zip(row.terms, factors, strict=True)]
            program.limit(terms, at_most=most_a)
        mine = range(first, len(program.at_most))
        for number in row.numbers:
            self._behind.setdefault((number, place), []).extend(mine)

    def _shadows_of(self, counted: tuple[complex, ...]) -> Sequence[tuple[complex, float, Sequence[float]]]:
        """The shadows of such a sum, each with what its terms count in it: one part of the day is like another."""
        if counted not in self._shadows:
            self._shadows[counted] = [
                (turned, reach, [(it * turned).real for it in counted])
                for angle, reach in shadows(counted)
                for turned in (rect(1, -angle),)
            ]
        return self._shadows[counted]

    def _base(self, conductors: Conductors) -> Mapping[int, complex]:
        """What flows for ports that are not planned, whatever they are told."""
        planned = {it.port.port_id for it in self._stays}
        found: dict[int, complex] = {}
        for port in self._tree.ports:
            current_ma = self._conditions.default_ma.get(port.port_id, 0)
            if current_ma and port.port_id not in planned:
                for where, counted in conductors.flows(port, None):
                    found[where] = found.get(where, 0j) + counted * current_ma / 1000
        return found

    def _conductors_in(self, part: Slot) -> Conductors:
        """What may flow then: operators' limits as they will be, the building as it is now (what is dated is worst)."""
        limits = tuple(it for it in self._conditions.limits if it.begins_at <= part.begins_at < it.ends_at)
        if limits not in self._conductors:
            building = self._conditions.building
            seen = None if building is None else replace(building, at=part.begins_at)
            self._conductors[limits] = Conductors.of(self._tree, part.begins_at, seen, limits)
        return self._conductors[limits]
