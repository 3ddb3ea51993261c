"""What a site will be asked for, as its plan heeds it: what its cars would take then they take before, or afterwards.

A plan is made twice where an event falls into it: as if nobody asked, which says what would be drawn, and once more
within what is left of that in each part of the day. What would be drawn is what was planned before anything was moved,
for as long as the event is to come or holds: an event is asked for a part of that, and is delivered against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.charging.preferences import TOLD_AGAIN_AFTER, ToldPlan, WaitReason
from chalicelib.domain.data_classes import replace
from chalicelib.domain.grid.demand_response import AskedInterval, Holding, SiteDemand, asked_spans, cars_within_w
from chalicelib.domain.grid.estimates import power_w
from chalicelib.domain.grid.needs import is_met
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.plans import PlanProblem, read
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.restraint import restrained
from chalicelib.domain.grid.stays import Slot
from chalicelib.domain.grid.tree import Claim, Conditions, Port, PortId, SiteTree

# Of a kilowatt: what a solver's sums err by.
_TINY_KW = 1e-6
_QUARTERS = timedelta(days=1) // QUARTER

Solve = Callable[[LinearProgram], Sequence[float] | None]


def heeded(  # noqa: PLR0913 (a problem, its answer, and what is asked of whom)
    problem: PlanProblem,
    solution: Sequence[float],
    solve: Solve,
    *,
    free: Plan,
    tree: SiteTree,
    claims: Sequence[Claim],
    outlook: Outlook,
    building_w: int,
) -> Plan | None:
    """The plan that heeds what the site is asked for; `solution`, and `free` by it, are as if nobody asked.

    Solved once more where that is more than is left; None where nobody finds that.
    """
    held = _within(problem, solution, tree, claims, outlook, building_w=building_w) if outlook.demands else None
    if held is None:
        return free
    again = solve(held.program)
    return replace(read(held, again), unasked_ma=free.limit_ma) if again is not None else None


def _within(  # noqa: PLR0913 (the same)
    problem: PlanProblem,
    solution: Sequence[float],
    tree: SiteTree,
    claims: Sequence[Claim],
    outlook: Outlook,
    *,
    building_w: int,
) -> PlanProblem | None:
    """The problem with what is asked of the site written behind it; None where its solution keeps that already."""
    spans = list(asked_spans(outlook.demands))
    most_kw: dict[int, float] = {}
    for place, part in enumerate(problem.parts):
        held = [it for it in spans if it.interval.begins_at < part.ends_at and part.begins_at < it.interval.ends_at]
        if held and place in problem.power:
            cars_w = round(1000 * _unasked_kw(problem, solution, place, tree, claims, outlook.unasked))
            most_kw[place] = min(cars_within_w(it, cars_w=cars_w, building_w=building_w) for it in held) / 1000
    drawn_kw = {it: sum(kw * solution[column] for column, kw in problem.power[it]) for it in most_kw}
    if all(drawn_kw[it] <= most + _TINY_KW for it, most in most_kw.items()):
        return None
    behind = {key: list(rows) for key, rows in problem.behind.items()}
    for place, most in most_kw.items():
        row = len(problem.program.at_most)
        problem.program.limit(problem.power[place], at_most=most)
        # Of a part that it does not fill nobody is to have more before it begins, and less then.
        is_filled = any(_fills(it.interval, problem.parts[place]) for it in spans)
        for number, columns in enumerate(problem.columns):
            if is_filled and place < len(columns):
                behind.setdefault((number, place), []).append(row)
    return replace(problem, behind=behind)


def _fills(interval: AskedInterval, part: Slot) -> bool:
    return interval.begins_at <= part.begins_at and part.ends_at <= interval.ends_at


def because_asked(told: ToldPlan, unasked: ToldPlan) -> ToldPlan:
    """What a driver is told, who would be told that if nobody asked the site for less: the reason, where it is that."""
    is_short = told.unmet_wh > unasked.unmet_wh
    is_late = bool(told.ready_at and unasked.ready_at and told.ready_at > unasked.ready_at + TOLD_AGAIN_AFTER)
    if told.starts_at > unasked.starts_at or is_short or is_late:
        return replace(told, waits_for=WaitReason.DEMAND_RESPONSE)
    return told


def _unasked_kw(  # noqa: PLR0913, PLR0917 (as `heeded`, for one part)
    problem: PlanProblem,
    solution: Sequence[float],
    place: int,
    tree: SiteTree,
    claims: Sequence[Claim],
    unasked: Plan | None,
) -> float:
    """What would be drawn in a part: by the problem's solution, and where that was planned before, as it was then."""
    part, rows = problem.parts[place], unasked.limit_ma if unasked is not None else {}
    found = sum(kw * solution[column] for column, kw in problem.power[place])
    for number, it in enumerate(problem.stays):
        if it.port.port_id in rows and place < len(problem.columns[number]):
            found -= it.kw * sum(solution[column] for column in problem.columns[number][place])
    ports = {it.port_id: it for it in tree.ports}
    kws = {it.port.port_id: (it.kw, it.most_a) for it in problem.stays}
    for claim in claims:
        planned_ma = unasked.at(claim.port_id, part.begins_at)[0] if unasked is not None else None
        # Whoever is full and lacks something yet takes nothing more; who has had all has had what was moved.
        is_full = claim.idle_since is not None and not is_met(claim)
        if planned_ma and claim.port_id in ports and not is_full:
            found += _row_kw(planned_ma, claim, ports[claim.port_id], kws)
    return max(0.0, found)


def _row_kw(planned_ma: int, claim: Claim, port: Port, kws: Mapping[PortId, tuple[float, float]]) -> float:
    if claim.port_id in kws:
        kw, most_a = kws[claim.port_id]
        return kw * min(planned_ma / 1000, most_a)
    return power_w(port, min(planned_ma, claim.car_most_ma or planned_ma), claim.car_phases) / 1000


def fair_rows(
    tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
) -> Mapping[PortId, tuple[int, ...]]:
    """What the fair share of now comes to in each of the outlook's quarters of a day, within what is asked in it."""
    spans = list(asked_spans(outlook.demands))
    shared: dict[tuple[int, ...], Mapping[PortId, int]] = {}
    rows: dict[PortId, list[int]] = {it.port_id: [] for it in claims}
    for place in range(_QUARTERS):
        begins_at = outlook.begins_at + place * QUARTER
        since, until = max(at, begins_at), begins_at + QUARTER
        held = tuple(
            number for number, it in enumerate(spans) if it.interval.begins_at < until and since < it.interval.ends_at
        )
        if held not in shared:
            # Of then nothing is known but what is asked.
            demands = [_now(spans[it], at) for it in held]
            shared[held] = restrained(tree, claims, at, conditions, demands).grants.target_ma
        for port_id, row in rows.items():
            row.append(shared[held].get(port_id, 0))
    return {port_id: tuple(row) for port_id, row in rows.items()}


def _now(held: Holding, at: datetime) -> SiteDemand:
    interval = replace(held.interval, begins_at=at, ends_at=at + QUARTER)
    return replace(held.demand, intervals=(interval,), stopped_at=None)
