"""What is to be brought about at a car by a plan, and at a car that is to charge at once: orders, in their order.

First the car's own schedule, then the stop that it makes safe; a start is asked for only where the car has not begun by
itself; last, whether it is ready is looked at while there is still time to do something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.domain.vehicles.capability import (
    Capability,
    OwnSchedule,
)
from chalicelib.domain.vehicles.controller import Controller
from chalicelib.domain.vehicles.dispatch import Act, CarOrder
from chalicelib.domain.vehicles.estimate import charging_time
from chalicelib.domain.vehicles.night import Night, NightFacts
from chalicelib.domain.vehicles.plan import QUARTER, CarQuestion
from chalicelib.domain.vehicles.wish import Departure

# By less than that nobody's morning is spoilt.
LITTLE_PERCENT = 2
# A car that is to begin by itself is given so long before anybody asks it to.
BY_ITSELF = timedelta(minutes=10)
BEFORE_IT = timedelta(minutes=5)
# Whether it will be ready is looked at after such a part of its time: it is awake then, and one that sleeps does not
# charge. No sooner than so long after now, and no later than so long before it is to be.
LOOKED_AFTER = 0.75
READY_SINCE = timedelta(minutes=10)
LAST_LOOK = timedelta(minutes=45)


def orders_of(
    night: Night, asked: CarQuestion, departure: Departure, facts: NightFacts, at: datetime
) -> Iterator[CarOrder]:
    """What is to be brought about, in this order."""
    start = night.plan.starts_at if night.plan is not None else asked.at
    by_car = night.control is not None and night.control.controller is Controller.CAR
    can_switch = Capability.START_STOP in facts.can
    waits = by_car and asked.energy_wh > 0 and start >= max(at, asked.at) + QUARTER
    limit = facts.telemetry.limit_percent
    if (
        not night.session_id
        and Capability.SET_LIMIT in facts.can
        and limit is not None
        and limit.value != departure.percent
    ):
        yield _order(Act.LIMIT, at, departure.at, wanted_percent=departure.percent)
    if waits:
        if facts.means.car_keeps_schedule:
            here = start.astimezone(zone(facts.wish.time_zone))
            schedule = OwnSchedule(is_on=True, starts_at=here.time().replace(second=0, microsecond=0))
            yield _order(Act.SCHEDULE, at, start, wanted_schedule=schedule)
        yield _order(Act.STOP, asked.at if asked.at > at else at, start)
        yield replace(start_order(start + _grace(facts), departure.at, start), may_wake=True)
    elif by_car and asked.energy_wh > 0 and can_switch:
        if asked.standing_at is not None and asked.standing_at > at + QUARTER:
            off = OwnSchedule(is_on=False)
            yield _order(Act.SCHEDULE, at, departure.at, wanted_schedule=off)
        # An own schedule of another day may keep it from beginning by itself.
        yield replace(start_order(at + BEFORE_IT, departure.at, at), may_wake=True)
    if facts.telemetry.percent is not None and can_switch and not night.session_id:
        ready_at = start + LOOKED_AFTER * charging_time(asked.energy_wh, asked.power_w)
        yield _order(
            Act.READY,
            max(at + READY_SINCE, min(ready_at, departure.at - LAST_LOOK)),
            departure.at,
            wanted_percent=departure.percent - LITTLE_PERCENT,
            may_wake=by_car,
            seen_from=start,
        )


def _grace(facts: NightFacts) -> timedelta:
    return BY_ITSELF if facts.means.car_keeps_schedule else timedelta(0)


def start_order(due_at: datetime, lost_at: datetime, since: datetime) -> CarOrder:
    """To begin a charge: the one thing for which a car is woken."""
    return _order(Act.START, due_at, lost_at, may_wake=True, seen_from=since - BEFORE_IT)


def _order(act: Act, due_at: datetime, lost_at: datetime, **more: object) -> CarOrder:
    about: dict[str, object] = {"seen_from": due_at, **more}
    return CarOrder(act=act, due_at=due_at, lost_at=lost_at, **about)  # type: ignore[arg-type]
