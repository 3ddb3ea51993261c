"""A composite schedule: what a charger says that its limits come to, held against what it was granted.

It is a charger's own proof that it keeps a limit, and that it falls back to its default when a lease ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.chargers.charging_ability import RateUnit
from chalicelib.domain.chargers.events import ChargingPlanTold
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.profiles import CLOCK_TOLERANCE_S, ENDS_EARLY_S, Allowance, PortGrant
from chalicelib.domain.grid.tree import Port

# A charger counts from when it answers, and a turn of the plan is as much later; and rounds to a tenth.
_LATE_S = 10
_ROUNDING_MA = 100


@dataclass(frozen=True, slots=True)
class SchedulePeriod:
    """From `start_s` of the schedule on: at most `limit` (None: no limit), by `phases` where it says so."""

    start_s: int
    limit: float | None
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class CompositeSchedule:
    """What holds from now on for `duration_s` seconds, as a charger tells it."""

    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    duration_s: int

    def limit_ma(self, second: int, port: Port, car_phases: int | None = None) -> int | None:
        """What it allows by each phase at that second; None where it has no limit, or says nothing about it."""
        begun = [it for it in self.periods if it.start_s <= second]
        period = begun[-1] if begun and second < self.duration_s else None
        if period is None or period.limit is None:
            return None
        if self.unit is RateUnit.AMPERES:
            return round(period.limit * 1000)
        there = 1 if port.is_line_to_line else len(port.phases)
        phases = min(car_phases or period.phases or there, there)
        return round(period.limit * 1000 / (port.voltage_v * phases))


@dataclass(frozen=True, slots=True)
class ScheduleProof:
    """What a composite schedule shows: whether the grant is kept, and whether the default is once its lease is over.

    `keeps_default` None: the schedule does not reach so far. `worst_ma`: the most that it allows above the grant.
    """

    keeps_grant: bool
    keeps_default: bool | None
    worst_ma: int | None


def follows(schedule: CompositeSchedule, grant: PortGrant, default_ma: int) -> ScheduleProof:
    """Whether a charger that says so keeps to `grant`, and to `default_ma` by each phase when that is over.

    The schedule was asked for when the grant had just been sent. Less than was granted is kept, too: something else
    limits it more; and so is the default, which is booked anyhow, where a lease that counts from its receipt ends
    early. `worst_ma` is None where there is no limit at all at some moment.
    """
    ends_s = grant.lease_s - ENDS_EARLY_S
    above = [
        _above(schedule, grant, it, default_ma if it >= ends_s else 0)
        for it in _moments(schedule, grant)
        if it < grant.lease_s
    ]
    known = [it for it in above if it is not None]
    keeps_grant = bool(above) and len(known) == len(above) and max(known) <= _ROUNDING_MA
    keeps_grant = keeps_grant and not _is_by_more(schedule, grant, ends_s)
    after_s = grant.lease_s + CLOCK_TOLERANCE_S + _LATE_S
    keeps_default: bool | None = None
    if schedule.duration_s > after_s:
        later = [schedule.limit_ma(it, grant.port, grant.car_phases) for it in _moments(schedule, grant, after_s)]
        keeps_default = all(it is not None and it <= default_ma + _ROUNDING_MA for it in later)
    worst_ma = max(known) if known and len(known) == len(above) else None
    return ScheduleProof(keeps_grant, keeps_default, worst_ma)


def planned(plan: ChargingPlanTold, at: datetime, duration_s: int) -> CompositeSchedule:
    """What a car is going to draw over the next `duration_s` seconds, as a schedule that begins now.

    A car that does not say how much, or only from later on, draws what it is offered: nothing is above a grant there.
    """
    passed_s = max(round((at - plan.starts_at).total_seconds()), 0)
    unit = RateUnit.AMPERES if plan.in_amps else RateUnit.WATTS
    in_order = sorted(plan.periods, key=lambda it: it.start_s)
    found = [
        SchedulePeriod(max(it.start_s - passed_s, 0), float(it.limit or 0), it.phases)
        for number, it in enumerate(in_order)
        # One that is over before now says nothing.
        if number + 1 == len(in_order) or in_order[number + 1].start_s > passed_s
    ]
    if not found or found[0].start_s > 0:
        found.insert(0, SchedulePeriod(0, 0.0))
    return CompositeSchedule(unit, tuple(found), duration_s)


def is_within(plan: ChargingPlanTold, grant: PortGrant) -> bool:
    """Whether a car that plans so draws no more than it was granted."""
    return follows(planned(plan, grant.at, grant.lease_s), grant, 0).keeps_grant


def _moments(schedule: CompositeSchedule, grant: PortGrant, from_s: int = 0) -> Iterator[int]:
    """The seconds at which either may change its mind, just before, and just after."""
    turns = {from_s, *(it.start_s for it in schedule.periods), *(it.start_s for it in grant.allowances)}
    near = {turn + off for turn in turns for off in (-1, 0, _LATE_S)}
    return iter(sorted(it for it in near if from_s <= it < schedule.duration_s))


def _above(schedule: CompositeSchedule, grant: PortGrant, second: int, booked_ma: int) -> int | None:
    limit_ma = schedule.limit_ma(second, grant.port, grant.car_phases)
    if limit_ma is None:
        return None
    nearby = (_allowed(grant.allowances, it) for it in (second - _LATE_S, second, second + _LATE_S))
    return limit_ma - max(booked_ma, *nearby)


def _is_by_more(schedule: CompositeSchedule, grant: PortGrant, ends_s: int) -> bool:
    """Whether it says more phases than were granted, where that says one."""
    if grant.allowances[0].phases != 1:
        return False
    return any((it.phases or 1) > 1 for it in schedule.periods if it.start_s < min(ends_s, schedule.duration_s))


def _allowed(allowances: tuple[Allowance, ...], second: int) -> int:
    begun = [it for it in allowances if it.start_s <= max(second, 0)]
    return begun[-1].limit_ma
