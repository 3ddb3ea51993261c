"""How a car's night goes on: by a new plan, by time, by what a maker answers, by what the car says, by its driver.

A car waits only once its own schedule is known to stand beneath, or its driver said it may. Nothing wakes it but an
order that begins a charge, three times a month at the most. "Charge now" drops every order and is followed by no plan.
Whatever is to fail the driver is told while something can still be done about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta

from chalicelib.domain.pricing.wall_clock import zone
from chalicelib.domain.vehicles.capability import Capability, OwnSchedule
from chalicelib.domain.vehicles.controller import Control, Controller, ControlRule, chosen
from chalicelib.domain.vehicles.dispatch import (
    Act,
    CarOrder,
    CommandAnswered,
    Dropped,
    Due,
    Effect,
    OrderEvent,
    Seen,
    Stage,
    step,
)
from chalicelib.domain.vehicles.estimate import charging_time, duration, lacks_wh
from chalicelib.domain.vehicles.night import Night, NightFacts, NightNews, OrderWork, Tell, Work, gated
from chalicelib.domain.vehicles.orders import LITTLE_PERCENT, orders_of, start_order
from chalicelib.domain.vehicles.plan import MARGIN, MARGIN_UNGUARDED, QUARTER, CarPlan, CarQuestion
from chalicelib.domain.vehicles.readiness import is_late, put_off, resumed, stop_sooner
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.domain.vehicles.wish import Departure, wall_moment

# "Charge now" is asked for so long; later nobody waits for it.
_TRIED_FOR = timedelta(hours=1)
_EARLY = timedelta(minutes=30)
# A car that tells nothing is looked at so long after it should have begun by itself; or after cars are usually plugged
# in (when this one was, nobody saw: only when it was looked at), and so long before it is to be ready.
_WATCHED_AFTER = (timedelta(minutes=40), timedelta(minutes=115))
_WATCHED_FIRST = tuple(timedelta(minutes=40 + 75 * it) for it in range(5))
_WATCHED_LAST = timedelta(hours=3)
_BEGUN = timedelta(minutes=12)
# Where none of these looks saw it at its plug its driver is told: a little later, and while something can be done.
_LOOKED = timedelta(minutes=15)
_LAST_WORD = timedelta(minutes=30)
_WORST_PERCENT = 15
_USUALLY = time(18)
_NO_ORDER = -1

NightStep = tuple[Night, tuple[Work, ...]]


def question(night: Night, facts: NightFacts, power_w: int, at: datetime) -> CarQuestion | None:
    """What is to be planned; None where nobody said when it is to be ready."""
    departure = facts.wish.departure(at)
    if departure is None:
        return None
    percent = facts.percent(night)
    # What it needs at once is no matter of choice.
    first_wh = lacks_wh(percent, facts.wish.least_percent, facts.battery_wh) if percent is not None else 0
    wanted_wh = lacks_wh(percent, departure.percent, facts.battery_wh)
    return CarQuestion(
        vehicle_id=night.vehicle_id,
        price_site=facts.wish.price_site,
        at=at + duration(min(first_wh, wanted_wh), power_w),
        plugged_at=night.plugged_at,
        departs_at=departure.at,
        energy_wh=max(0, wanted_wh - first_wh),
        power_w=power_w,
        standing_at=_standing_at(facts, at) if facts.means.car_keeps_schedule else None,
        margin=MARGIN if facts.means.car_keeps_schedule else MARGIN_UNGUARDED,
        may_wait=chosen(facts.means, at).controller is not Controller.NOBODY,
        worst_wh=0 if Capability.PUSH in facts.can else lacks_wh(_WORST_PERCENT, departure.percent, facts.battery_wh),
    )


def _standing_at(facts: NightFacts, at: datetime) -> datetime | None:
    """When its own schedule lets it begin next."""
    told = facts.telemetry.schedule
    if told is None or not told.value.is_on or told.value.starts_at is None:
        return None
    today = at.astimezone(zone(facts.wish.time_zone)).date().toordinal()
    moments = (wall_moment(facts.wish.time_zone, day, told.value.starts_at) for day in (today, today + 1))
    return min((it for it in moments if it > at), default=None)


def planned(
    night: Night, asked: CarQuestion | None, plan: CarPlan | None, facts: NightFacts, at: datetime
) -> NightStep:
    """The night by a new plan, in place of any before; without one it charges at once, and is watched all the same."""
    control = chosen(facts.means, at)
    departure = facts.wish.departure(at)
    after = replace(
        night,
        number=night.number + 1,
        control=control,
        plan=plan,
        departure=departure,
        power_w=asked.power_w if asked is not None else night.power_w,
        orders=(),
        schedule_before=night.schedule_before or _found(facts.telemetry),
    )
    if asked is not None and departure is not None and control.controller is not Controller.CHARGER:
        after = replace(after, orders=(*after.orders, *orders_of(after, asked, departure, facts, at)))
    work: list[Work] = []
    if asked is not None:
        if NightNews.PLANNED not in night.told:
            after = _told(after, NightNews.PLANNED, work)
        elif _differs(night, after):
            after = _told(after, NightNews.CHANGED, work, again=True)
        if asked.at + charging_time(asked.energy_wh, asked.power_w) > asked.departs_at:
            after = _told(after, NightNews.AT_RISK, work)
        if departure is not None and _ends_below(facts, departure):
            after = _told(after, NightNews.AT_RISK, work)
    # What the car says already is no news to wait for.
    after, more = _each(after, lambda it: Seen(at, facts.telemetry), after.orders)
    return after, (*work, *more)


def _differs(before: Night, after: Night) -> bool:
    """Whether what its driver was told is so no more: when it is to be ready, who sees to it, and its hours."""
    if (before.departure, _controller(before)) != (after.departure, _controller(after)):
        return True
    if before.plan is None or after.plan is None:
        return before.plan is not after.plan
    if (before.plan.ready_at is None) != (after.plan.ready_at is None):
        return True
    hours = ((it.starts_at, it.ready_at or it.starts_at) for it in (before.plan, after.plan))
    return any(abs(told - now) > QUARTER for told, now in zip(*hours, strict=True))


def _controller(night: Night) -> Controller | None:
    return night.control.controller if night.control is not None else None


def _ends_below(facts: NightFacts, departure: Departure) -> bool:
    """Whether the car ends by itself below what is wanted, and nobody can tell it otherwise."""
    limit = facts.telemetry.limit_percent
    may_set = Capability.SET_LIMIT in facts.can
    return limit is not None and not may_set and limit.value < departure.percent - LITTLE_PERCENT


def due(night: Night, facts: NightFacts, at: datetime) -> NightStep:
    """What time brings to a night, or to a car that is watched for its next."""
    if night.ended_at is not None:
        return _watched(night, facts, at)
    if night.leaves_at is not None and at >= night.leaves_at:
        return _over(night, facts, at), ()
    return _each(night, lambda it: Due(at, night.may_wake(at)), night.orders, gated(night), at)


def watching(night: Night, facts: NightFacts, at: datetime) -> Night:
    """A night that is over, and when it is looked at whether the next has begun: where nobody tells.

    Where its own schedule has it begin, a little after that; else in the hours after cars are usually plugged in. While
    there is time to tell its driver where there may be something to tell: a car that charges is awake.
    """
    if Capability.PUSH in facts.can or Capability.PLUGGED not in facts.can or facts.wish.departure(at) is None:
        return replace(night, watch_at=None)
    here = zone(facts.wish.time_zone)
    today = at.astimezone(here).date().toordinal()
    evenings = [wall_moment(facts.wish.time_zone, day, _USUALLY) for day in (today, today + 1)]
    if (standing_at := _standing_at(facts, at - _BEGUN)) is not None:
        moments = [standing_at + _BEGUN]
    else:
        afters = _WATCHED_AFTER if night.was_plugged else _WATCHED_FIRST
        moments = [it + after for it in evenings for after in afters]
    departures = (facts.wish.departure(later) for later in (at, at + timedelta(days=1)))
    for it in departures:
        if it is not None and _may_wait_or_end_short(night, it, facts):
            moments += [it.at - _WATCHED_LAST, _unseen_at(facts, it)]
    return replace(night, watch_at=min(it for it in moments if it > at))


def _watched(night: Night, facts: NightFacts, at: datetime) -> NightStep:
    if night.watch_at is None or at < night.watch_at:
        return night, ()
    departure = facts.wish.departure(at)
    may_be_short = departure is not None and _may_wait_or_end_short(night, departure, facts)
    if departure is not None and may_be_short and at >= _unseen_at(facts, departure):
        return _unseen(night, departure, facts, at)
    return watching(night, facts, at), (OrderWork(_NO_ORDER, Effect.LOOK),)


def _may_wait_or_end_short(night: Night, departure: Departure, facts: NightFacts) -> bool:
    """Whether its driver can do anything for a car that nobody sees: it may wait for its schedule, or end too early.

    One that keeps none, as far as is known, charges as it is plugged in: there is nothing that anybody has to see to.
    """
    schedule, limit = facts.telemetry.schedule, facts.telemetry.limit_percent
    if schedule is None or schedule.value.is_on or night.is_schedule_unsure:
        return True
    return limit is None or limit.value < departure.percent - LITTLE_PERCENT


def _unseen_at(facts: NightFacts, departure: Departure) -> datetime:
    """When a car that was not seen has had its last look: one whose schedule begins late is looked at later still."""
    last = departure.at - _WATCHED_LAST
    standing_at = _standing_at(facts, departure.at - timedelta(days=1))
    if standing_at is not None and standing_at < departure.at:
        last = max(last, standing_at + _BEGUN)
    return min(last + _LOOKED, departure.at - _LAST_WORD)


def _unseen(night: Night, departure: Departure, facts: NightFacts, at: datetime) -> NightStep:
    """Nobody knows whether it is plugged in, or why it sleeps: its driver is told that it was not seen."""
    work: list[Work] = []
    after = replace(night, number=night.number + 1, departure=departure, plan=None, orders=(), told=())
    return watching(_told(after, NightNews.NOT_SEEN, work), facts, at), tuple(work)


def _over(night: Night, facts: NightFacts, at: datetime) -> Night:
    asked = [it for it in night.orders if it.act is Act.SCHEDULE and it.attempts and it.stage is not Stage.CONFIRMED]
    is_unsure = any(it.wanted_schedule is not None and it.wanted_schedule.is_on for it in asked)
    return watching(replace(night, orders=(), ended_at=at, is_schedule_unsure=is_unsure), facts, at)


def answered(night: Night, place: int, event: CommandAnswered) -> NightStep:
    """What a maker made of an order's command."""
    return _apply(night, place, event, event.at)


def seen(night: Night, telemetry: Telemetry, facts: NightFacts, at: datetime) -> NightStep:
    """What the car says of itself."""
    if night.ended_at is not None:
        return night, ()
    plugged = telemetry.is_plugged
    if plugged is not None and not plugged.value and plugged.at > night.plugged_at:
        return _unplugged(night, telemetry, facts, at)
    after, work = _each(night, lambda it: Seen(at, telemetry), night.orders)
    after = put_off(after, telemetry, facts, at)
    after = stop_sooner(after, telemetry, facts, at)
    after = resumed(after, telemetry, facts, at)
    more: list[Work] = []
    if is_late(after, telemetry, facts, at):
        after = _told(after, NightNews.AT_RISK, more)
    return after, (*work, *more)


def boosted(night: Night, at: datetime, *, can_switch: bool) -> NightStep:
    """It is to charge now: nothing that was planned holds it back until it is unplugged."""
    if night.is_boosted or night.ended_at is not None:
        return night, ()
    orders: tuple[CarOrder, ...] = ()
    by_charger = night.control is not None and night.control.controller is Controller.CHARGER
    if can_switch and not by_charger:
        orders = (start_order(at, at + _TRIED_FOR, at),)
    controller = Controller.CHARGER if by_charger else Controller.CAR if can_switch else Controller.NOBODY
    after = replace(
        night, orders=orders, is_boosted=True, plan=None, control=Control(controller, ControlRule.CHARGE_NOW, at)
    )
    return _each(after, lambda it: Due(at), after.orders)


def handed_to_charger(night: Night, at: datetime) -> Night:
    """The charger alone has it from now on: whatever was to be asked of the car is dropped."""
    orders = tuple(it if it.stage is Stage.WITH_CHARGER else _dropped(it, at) for it in night.orders)
    return replace(night, orders=orders, control=Control(Controller.CHARGER, ControlRule.HANDED_ON, at))


def charger_lost(night: Night, place: int, at: datetime) -> NightStep:
    """The charger takes no wishes: whatever was handed to it is the driver's to see to."""
    order = replace(night.orders[place], stage=Stage.WITH_DRIVER)
    work: list[Work] = []
    after = replace(night, orders=(*night.orders[:place], order, *night.orders[place + 1 :]))
    return _failed(after, order, work, at), tuple(work)


def _each(
    night: Night,
    event_of: Callable[[CarOrder], OrderEvent],
    orders: tuple[CarOrder, ...],
    left_out: Iterable[int] = (),
    at: datetime | None = None,
) -> NightStep:
    work: list[Work] = []
    for place, it in enumerate(orders):
        if place not in left_out:
            event = event_of(it)
            night, more = _apply(night, place, event, at or event.at)
            work += more
    return night, tuple(work)


def _apply(night: Night, place: int, event: OrderEvent, at: datetime) -> NightStep:
    """One order's step, and what it means for the night."""
    before = night.orders[place]
    if isinstance(event, CommandAnswered):
        event = replace(event, may_wake=event.may_wake and (night.is_boosted or night.may_wake(at)))
    order, effects = step(before, event)
    if order is before:
        return night, ()
    night = replace(night, orders=(*night.orders[:place], order, *night.orders[place + 1 :]))
    work: list[Work] = []
    for effect in effects:
        if effect is Effect.TELL_DRIVER:
            night = _failed(night, order, work, at)
            continue
        if effect is Effect.WAKE:
            # Counted before it is done: one that was lost on the way counts too.
            night = replace(night, wakes=(*night.wakes, at))
        work.append(OrderWork(place, effect))
    return night, tuple(work)


def _failed(night: Night, order: CarOrder, work: list[Work], at: datetime) -> Night:
    """What could not be brought about: without its net nothing stops, and it charges at once, which harms nobody."""
    if order.act in (Act.START, Act.READY):
        return _told(night, NightNews.AT_RISK, work)
    if order.act in (Act.SCHEDULE, Act.STOP):
        orders = tuple(_dropped(it, at) if it.act is Act.STOP and it.is_open else it for it in night.orders)
        return _told(replace(night, orders=orders), NightNews.CHANGED, work)
    limit_is_lower = night.departure is not None
    return _told(night, NightNews.AT_RISK, work) if limit_is_lower else night


def _unplugged(night: Night, telemetry: Telemetry, facts: NightFacts, at: datetime) -> NightStep:
    work: list[Work] = []
    after = _over(night, facts, at)
    departure, percent = night.departure, telemetry.percent
    lacks = departure is not None and (percent is None or percent.value < departure.percent - LITTLE_PERCENT)
    if departure is not None and lacks and at < departure.at - _EARLY:
        after = _told(after, NightNews.UNPLUGGED_EARLY, work)
    return after, tuple(work)


def _found(telemetry: Telemetry) -> OwnSchedule | None:
    return telemetry.schedule.value if telemetry.schedule is not None else None


def _told(night: Night, news: NightNews, work: list[Work], *, again: bool = False) -> Night:
    """Told once a night; `again`: each time."""
    if news in night.told and not again:
        return night
    work.append(Tell(news))
    return night if news in night.told else replace(night, told=(*night.told, news))


def _dropped(order: CarOrder, at: datetime) -> CarOrder:
    return step(order, Dropped(at))[0]
