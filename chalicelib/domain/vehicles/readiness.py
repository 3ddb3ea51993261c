"""Whether a car will be ready, by what it says of itself, and what follows where it will not by what was planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.vehicles.capability import ChargingState
from chalicelib.domain.vehicles.dispatch import Act, Stage
from chalicelib.domain.vehicles.estimate import charging_time, lacks_wh
from chalicelib.domain.vehicles.night import Night, NightFacts
from chalicelib.domain.vehicles.orders import (
    BEFORE_IT,
    BY_ITSELF,
    LAST_LOOK,
    LITTLE_PERCENT,
    LOOKED_AFTER,
    READY_SINCE,
    start_order,
)
from chalicelib.domain.vehicles.telemetry import Telemetry

# A charge that breaks off is begun again so often; who stops it once more wants it stopped.
_MOST_RESUMES = 2


def put_off(night: Night, telemetry: Telemetry, facts: NightFacts, at: datetime) -> Night:
    """Whether it is ready is looked at once it should be: a car that charges slower is looked at later."""
    departure, charging = night.departure, telemetry.charging
    if (
        departure is None
        or telemetry.percent is None
        or charging is None
        or charging.value is not ChargingState.CHARGING
    ):
        return night
    left = LOOKED_AFTER * charging_time(
        lacks_wh(telemetry.percent.value, departure.percent, facts.battery_wh), _power_w(night, telemetry)
    )
    due_at = max(at + READY_SINCE, min(telemetry.percent.at + left, departure.at - LAST_LOOK))
    orders = tuple(
        replace(it, due_at=due_at) if it.act is Act.READY and it.stage is Stage.PLANNED and due_at > it.due_at else it
        for it in night.orders
    )
    return replace(night, orders=orders)


def stop_sooner(night: Night, telemetry: Telemetry, facts: NightFacts, at: datetime) -> Night:
    """It has what it needs at once sooner than was thought."""
    percent = telemetry.percent
    if percent is None or percent.at < night.plugged_at or percent.value < facts.wish.least_percent:
        return night
    orders = tuple(
        replace(it, due_at=min(it.due_at, at)) if it.act is Act.STOP and it.stage is Stage.PLANNED else it
        for it in night.orders
    )
    return replace(night, orders=orders)


def resumed(night: Night, telemetry: Telemetry, facts: NightFacts, at: datetime) -> Night:
    """A charge that had begun and broke off is begun again."""
    charging, percent, departure = telemetry.charging, telemetry.percent, night.departure
    started = [it for it in night.orders if it.act is Act.START]
    if charging is None or departure is None or night.resumes >= _MOST_RESUMES or not started:
        return night
    last = started[-1]
    is_broken_off = charging.value is ChargingState.STOPPED and charging.at > max(
        last.seen_from, last.due_at - BY_ITSELF
    )
    has_enough = percent is not None and percent.value >= departure.percent - LITTLE_PERCENT
    if last.stage is not Stage.CONFIRMED or not is_broken_off or has_enough or at >= departure.at:
        return night
    again = start_order(at + timedelta(minutes=1), departure.at, charging.at + BEFORE_IT + timedelta(minutes=1))
    return replace(night, orders=(*night.orders, again), resumes=night.resumes + 1)


def is_late(night: Night, telemetry: Telemetry, facts: NightFacts, at: datetime) -> bool:
    """Whether it cannot be ready any more, by what it says: it ended below, or takes too long."""
    departure, percent, charging = night.departure, telemetry.percent, telemetry.charging
    if departure is None or percent is None or charging is None or percent.value >= departure.percent - LITTLE_PERCENT:
        return False
    if percent.at < night.plugged_at or charging.at < night.plugged_at or at >= departure.at:
        return False
    if charging.value in (ChargingState.FULL, ChargingState.FAULT):
        return True
    left_wh = lacks_wh(percent.value, departure.percent - LITTLE_PERCENT, facts.battery_wh)
    begins_at = max(percent.at, at) if charging.value is ChargingState.STOPPED else percent.at
    return begins_at + charging_time(left_wh, _power_w(night, telemetry)) > departure.at


def _power_w(night: Night, telemetry: Telemetry) -> int:
    """What it takes at the plug: what it was seen to take in this night, else what was planned by."""
    seen_w = telemetry.power_w
    if seen_w is not None and seen_w.value >= 500 and seen_w.at > night.plugged_at:
        return min(seen_w.value, night.power_w) if night.power_w else seen_w.value
    return night.power_w or 1
