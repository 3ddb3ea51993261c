"""The course of a plan at each port: what a charger is told of the coming hours, so that it follows them without us.

What a plan gives is shared out anew for each part of an hour, as `balancing.share` would then: no node is above its
limit, whoever follows no plan has its fair share beside it for as long as that is leased, and after a pause a car has
two minutes of the least current to wake by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE, Period
from chalicelib.domain.grid.needs import MARGIN, USUAL_WH, even_ma
from chalicelib.domain.grid.outlook import QUARTER, Plan
from chalicelib.domain.grid.tree import BuildingLoad, Claim, Conditions, Port, PortCurrent, PortId, SiteTree

# So long a car that was plugged in, or was paused, is given the least, for it to wake by.
WAKES_FOR = timedelta(minutes=2)

Fits = Callable[[Mapping[PortId, PortCurrent]], bool]


@dataclass(frozen=True, slots=True)
class PlanCourse:
    """What a port is told: the periods behind the one that has begun, and when the plan ends."""

    later: tuple[Period, ...]
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseSite:
    """A site whose plan is to be told: its claims, what each is to have now (`target_ma`) under which `conditions`.

    `fits_at(at)`: whether the site then carries it if each port draws so much. `building_at(at)`: what its building
    takes then, as far as anybody may count on it (`building_then`).
    """

    tree: SiteTree
    plan: Plan
    claims: Sequence[Claim]
    target_ma: Mapping[PortId, int]
    conditions: Conditions
    fits_at: Callable[[datetime], Fits]
    building_at: Callable[[datetime], BuildingLoad | None]


def building_then(tree: SiteTree, building: BuildingLoad | None, at: datetime, then: datetime) -> BuildingLoad | None:
    """What a building is taken to take at a later moment: as now for as long as a lease may last, then its worst."""
    if building is None or is_near(at, then):
        return building and replace(building, at=then)
    worst = [max(now, most) for now, most in zip(building.load_ma, tree.worst_load_ma, strict=True)]
    return BuildingLoad(at=then, load_ma=(worst[0], worst[1], worst[2]))


def is_near(at: datetime, then: datetime) -> bool:
    """Whether a grant of now may still hold at that moment, unrenewed."""
    return then < at + LEASE + CLOCK_SLACK


def planned(claim: Claim, port: Port, plan: Plan, at: datetime) -> Claim:
    """The claim with what the plan gives it at that moment; it follows none once it was to have left.

    From half an hour before its latest start on nothing holds it back but what others have, whatever that would save.
    """
    amount_ma, is_kept = _amount(claim, port, plan, at)
    return replace(claim, planned_ma=amount_ma, is_kept_to_plan=is_kept and not must_hurry(claim, port, at))


def guided(claim: Claim, port: Port, plan: Plan, at: datetime) -> Claim:
    """The claim with what it is to have now: as `planned`; whoever came since a roomy site was planned, evenly.

    Until the next plan, so that nobody takes in its first minutes what costs least in hours. It is in no course.
    """
    if claim.port_id not in plan.newcomers:
        return planned(claim, port, plan, at)
    even = even_ma(claim, port, claim.car_phases or len(port.phases), at)
    return replace(claim, planned_ma=even, is_kept_to_plan=even is not None)


def courses(site: CourseSite, at: datetime) -> Mapping[PortId, PlanCourse]:
    """The courses of all ports that follow the plan now."""
    ports = {it.port_id: it for it in site.tree.ports}
    ends = {it.port_id: end for it in site.claims if (end := _end(it, site.plan, at)) is not None}
    following = [it for it in site.claims if it.port_id in ends]
    until = max(ends.values(), default=at)
    limits = {moment for it in site.conditions.limits for moment in (it.begins_at, it.ends_at)}
    # Where no lease reaches the building may take its worst (`CourseSite.building_at`).
    held = {it for it in (*limits, _next_quarter(site.plan, at + LEASE + CLOCK_SLACK)) if at < it < until}
    turns = sorted(held | {turn for it in following for turn in _turns(it, site.plan, at, ends[it.port_id])})
    found: dict[PortId, list[Period]] = {it: [] for it in ends}
    last = {it: site.target_ma.get(it, 0) for it in ends}
    for turn in turns:
        amounts = _shared(site, ports, turn, at)
        for port_id, periods in found.items():
            if turn < ends[port_id] and amounts[port_id] != last[port_id]:
                periods.append(Period(turn, amounts[port_id]))
                last[port_id] = amounts[port_id]
    return {port_id: PlanCourse(tuple(periods), ends[port_id]) for port_id, periods in found.items()}


def cut(course: PlanCourse, most_periods: int | None) -> PlanCourse:
    """As much of it as a charger has room for: it is told the rest when that is nearer."""
    if most_periods is None or len(course.later) < max(most_periods, 1):
        return course
    kept = max(most_periods, 1) - 1
    return PlanCourse(course.later[:kept], course.later[kept].starts_at)


def _shared(site: CourseSite, ports: Mapping[PortId, Port], turn: datetime, at: datetime) -> Mapping[PortId, int]:
    claims = [planned(it, ports[it.port_id], site.plan, turn) for it in site.claims]
    amounts = {it.port_id: it.planned_ma for it in claims if it.planned_ma is not None}
    # A grant that is no plan's may be renewed, and counts beyond its lease only then.
    is_leased = is_near(at, turn)
    bases = site.conditions.default_ma
    others = site.target_ma if is_leased else {}
    # By all phases, as a port that is switched now may be by then.
    most = {it: max(amounts.get(it, others.get(it, 0)), bases.get(it, 0)) for it in ports}
    drawn = {it: PortCurrent.by_all(most_ma) for it, most_ma in most.items()}
    if site.fits_at(turn)(drawn):
        return amounts
    then = replace(site.conditions, building=site.building_at(turn))
    known = claims if is_leased else [it for it in claims if it.planned_ma is not None]
    granted = share(site.tree, known, turn, then).target_ma
    return {it: min(amount, granted.get(it, 0)) for it, amount in amounts.items()}


def _amount(claim: Claim, port: Port, plan: Plan, at: datetime) -> tuple[int | None, bool]:
    amount_ma, is_kept = plan.at(claim.port_id, at)
    if amount_ma is None or (claim.departs_at is not None and at >= claim.departs_at):
        return None, False
    if claim.begun_at <= at < claim.begun_at + WAKES_FOR:
        return max(amount_ma, port.least_ma), is_kept
    if amount_ma > port.least_ma and at < _quarter(plan, at) + WAKES_FOR and _was_paused(claim, plan, at):
        return port.least_ma, True
    return amount_ma, is_kept


def must_hurry(claim: Claim, port: Port, at: datetime) -> bool:
    """Whether so little time is left that all of it, but the margin for drivers who err, is needed to charge in."""
    lacks_wh = (claim.asked_wh or USUAL_WH) - claim.served_wh
    if claim.departs_at is None or lacks_wh <= 0:
        return False
    most_ma = min(port.most_ma, claim.car_most_ma or port.most_ma)
    phases = 1 if port.is_line_to_line else min(claim.car_phases or 1, len(port.phases))
    needs_h = lacks_wh / (most_ma * port.voltage_v * phases / 1000)
    return at >= claim.departs_at - MARGIN - timedelta(hours=needs_h)


def _was_paused(claim: Claim, plan: Plan, at: datetime) -> bool:
    before = _quarter(plan, at) - QUARTER
    return claim.begun_at < before + QUARTER and plan.at(claim.port_id, before)[0] == 0


def _quarter(plan: Plan, at: datetime) -> datetime:
    return plan.begins_at + (at - plan.begins_at) // QUARTER * QUARTER


def _next_quarter(plan: Plan, at: datetime) -> datetime:
    return _quarter(plan, at) + QUARTER


def _end(claim: Claim, plan: Plan, at: datetime) -> datetime | None:
    """When the plan has no more to say of it; None where it says nothing now."""
    row = plan.limit_ma.get(claim.port_id, ())
    end = plan.begins_at + len(row) * QUARTER
    if claim.departs_at is not None:
        end = min(end, claim.departs_at)
    return end if plan.begins_at <= at < end else None


def _turns(claim: Claim, plan: Plan, at: datetime, end: datetime) -> Iterable[datetime]:
    """The moments to come at which what it is given may change."""
    row = plan.limit_ma[claim.port_id]
    for place, (before, after) in enumerate(zip((None, *row), row, strict=False)):
        begins_at = plan.begins_at + place * QUARTER
        if before != after:
            yield from (it for it in (begins_at, begins_at + WAKES_FOR) if at < it < end)
    if at < claim.begun_at + WAKES_FOR < end:
        yield claim.begun_at + WAKES_FOR
