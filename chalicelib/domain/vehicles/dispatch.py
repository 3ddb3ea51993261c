"""How one thing is brought about at a car: one table, planned, commanded, confirmed, or handed on.

What a maker answers is a word; only what the car says of itself afterwards confirms. What is not confirmed is asked
again, which does no harm, then handed to the charger where one can do it, then to the driver. An event that the table
does not know for a stage changes nothing, so that whatever comes twice or late leaves an order as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.capability import (
    CarCommand,
    ChargingState,
    OwnSchedule,
    SetCarLimit,
    SetOwnSchedule,
    StartCarCharge,
    StopCarCharge,
)
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry

MOST_ATTEMPTS = 4
# So long a car has to say of itself that it does what it was told; no car is looked at sooner than that again.
_CONFIRMED_WITHIN = timedelta(minutes=6)
_WAKES_WITHIN = timedelta(minutes=1)
_AGAIN_AFTER = timedelta(minutes=2)
# Clocks differ: what a car says of a moment before it was told may be of after it.
_SLACK = timedelta(seconds=30)


class Act(StrEnum):
    """What an order brings about."""

    # The car's own schedule stands beneath all else.
    SCHEDULE = "schedule"
    LIMIT = "limit"
    STOP = "stop"
    START = "start"
    # It has what it is to have, or charges.
    READY = "ready"


# Of these nobody knows but by a look; whether a car charges it says when it is asked to once more, for half the price.
_LOOKED_AT = (Act.SCHEDULE, Act.READY)


class Stage(StrEnum):
    """How far an order has come."""

    PLANNED = "planned"
    COMMANDED = "commanded"
    CONFIRMED = "confirmed"
    WITH_CHARGER = "with_charger"
    WITH_DRIVER = "with_driver"
    DROPPED = "dropped"


class CommandOutcome(StrEnum):
    """What came of a command: the car's maker says so, or nobody was asked."""

    ACCEPTED = "accepted"
    ALREADY = "already"
    REFUSED = "refused"
    ASLEEP = "asleep"
    UNREACHABLE = "unreachable"
    # The maker did not answer, or it is not worth its price now.
    LATER = "later"
    # The maker takes our word no more.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarOrder:
    """One thing to be brought about from `due_at` on; `lost_at`: then it is too late to ask again.

    The car may do it by itself before it is due, and what it says from `seen_from` on counts. `wanted`: the percentage
    or schedule by which it is known to be so. `may_wake`: for this a sleeping car is woken.
    """

    act: Act
    due_at: datetime
    lost_at: datetime
    seen_from: datetime
    wanted_percent: int | None = None
    wanted_schedule: OwnSchedule | None = None
    may_wake: bool = False
    has_charger: bool = False
    stage: Stage = Stage.PLANNED
    attempts: int = 0
    again_at: datetime | None = None
    is_woken: bool = False

    @property
    def command(self) -> CarCommand:
        """What the car is told."""
        match self.act:
            case Act.SCHEDULE:
                return SetOwnSchedule(self.wanted_schedule or OwnSchedule(is_on=False))
            case Act.LIMIT:
                return SetCarLimit(self.wanted_percent or 100)
            case Act.STOP:
                return StopCarCharge()
        return StartCarCharge()

    @property
    def next_at(self) -> datetime | None:
        """When something is to be done about it, if nothing is heard; None: nothing more."""
        if self.stage is Stage.PLANNED:
            return self.due_at
        return self.again_at if self.stage is Stage.COMMANDED else None

    @property
    def is_open(self) -> bool:
        """Whether it is still under way."""
        return self.stage in (Stage.PLANNED, Stage.COMMANDED)


@dataclass(frozen=True, slots=True)
class Due:
    """Time has come; `may_wake`: there is a wake left this month."""

    at: datetime
    may_wake: bool = True


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    """What came of the command; not before `until` is it worth asking again."""

    at: datetime
    outcome: CommandOutcome
    may_wake: bool = True
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the car says of itself."""

    at: datetime
    telemetry: Telemetry


@dataclass(frozen=True, slots=True)
class Dropped:
    """It is wanted no more."""

    at: datetime


OrderEvent = Due | CommandAnswered | Seen | Dropped


class Effect(StrEnum):
    """What follows from an order's step, in this order: what a look shows may make it needless to send anything."""

    SEND = "send"
    WAKE = "wake"
    LOOK = "look"
    HAND_TO_CHARGER = "hand_to_charger"
    TELL_DRIVER = "tell_driver"


Step = tuple[CarOrder, tuple[Effect, ...]]


def step(order: CarOrder, event: OrderEvent) -> Step:
    """The order after an event, and what is to be done."""
    move = TABLE.get((order.stage, type(event)))
    return move(order, event) if move is not None else (order, ())


def is_so(order: CarOrder, telemetry: Telemetry) -> bool:
    """Whether the car says, of a time that counts, that what was to be brought about is so."""
    since = order.seen_from - _SLACK

    def said(value: Observed[ChargingState] | None, *wanted: ChargingState) -> bool:
        return value is not None and value.at >= since and value.value in wanted

    match order.act:
        case Act.SCHEDULE:
            return telemetry.schedule is not None and telemetry.schedule.value == order.wanted_schedule
        case Act.LIMIT:
            return telemetry.limit_percent is not None and telemetry.limit_percent.value == order.wanted_percent
        case Act.STOP:
            return said(telemetry.charging, ChargingState.STOPPED, ChargingState.FULL, ChargingState.UNPLUGGED)
        case Act.START:
            return said(telemetry.charging, ChargingState.CHARGING, ChargingState.FULL)
    percent = telemetry.percent
    has_enough = percent is not None and percent.value >= (order.wanted_percent or 0)
    is_at_it = order.stage is Stage.COMMANDED and said(telemetry.charging, ChargingState.CHARGING)
    return has_enough or is_at_it or said(telemetry.charging, ChargingState.FULL)


def _send(order: CarOrder, event: Due) -> Step:
    if event.at < order.due_at:
        return order, ()
    commanded = replace(
        order, stage=Stage.COMMANDED, attempts=1, again_at=event.at + _AGAIN_AFTER, seen_from=_from(order, event.at)
    )
    # Whether it has enough is looked at first: one that is full says no to whatever it is asked.
    return commanded, (Effect.LOOK, Effect.SEND) if order.act is Act.READY else (Effect.SEND,)


def _from(order: CarOrder, at: datetime) -> datetime:
    """To stop is to be seen after it was asked for; all else may have come about before."""
    return at if order.act is Act.STOP else min(order.seen_from, at)


def _send_again(order: CarOrder, event: Due) -> Step:
    if order.again_at is None or event.at < order.again_at:
        return order, ()
    if order.attempts >= MOST_ATTEMPTS or event.at >= order.lost_at:
        return _handed_on(order)
    wait = _AGAIN_AFTER * 2**order.attempts
    again = replace(order, attempts=order.attempts + 1, again_at=event.at + wait)
    # What was lost may be the car's word alone.
    return again, (Effect.LOOK, Effect.SEND) if order.act in _LOOKED_AT else (Effect.SEND,)


def _take(order: CarOrder, event: CommandAnswered) -> Step:
    after = order
    effects: tuple[Effect, ...] = ()
    match event.outcome:
        case CommandOutcome.ACCEPTED:
            after = replace(order, again_at=event.at + _CONFIRMED_WITHIN)
        case CommandOutcome.ALREADY:
            after = replace(order, stage=Stage.CONFIRMED, again_at=None)
        case CommandOutcome.ASLEEP if order.is_woken:
            # It wakes slowly: that is no attempt.
            after = replace(order, attempts=max(1, order.attempts - 1), again_at=event.at + _WAKES_WITHIN)
        case CommandOutcome.ASLEEP if order.may_wake and event.may_wake:
            within = _CONFIRMED_WITHIN if order.act in _LOOKED_AT else _WAKES_WITHIN
            after, effects = replace(order, is_woken=True, again_at=event.at + within), (Effect.WAKE,)
        case CommandOutcome.REFUSED if order.act in (Act.START, Act.READY) and not order.has_charger:
            # One that is full says no to everything: it is looked at.
            after, effects = replace(order, again_at=event.at + _CONFIRMED_WITHIN), (Effect.LOOK,)
        case CommandOutcome.REFUSED | CommandOutcome.BROKEN | CommandOutcome.ASLEEP:
            after, effects = _handed_on(order)
        case CommandOutcome.UNREACHABLE | CommandOutcome.LATER:
            again_at = max(event.at + _AGAIN_AFTER * 2**order.attempts, event.until or event.at)
            after = replace(order, again_at=min(again_at, max(order.lost_at, event.at + _AGAIN_AFTER)))
    return after, effects


def _confirm(order: CarOrder, event: Seen) -> Step:
    if not is_so(order, event.telemetry):
        return order, ()
    return replace(order, stage=Stage.CONFIRMED, again_at=None), ()


def _lose_charger(order: CarOrder, event: Due) -> Step:
    """The charger had it, and until it was too late nobody has seen that it is so."""
    if event.at < order.lost_at:
        return order, ()
    return replace(order, stage=Stage.WITH_DRIVER), (Effect.TELL_DRIVER,)


def _handed_on(order: CarOrder) -> Step:
    if order.has_charger:
        return replace(order, stage=Stage.WITH_CHARGER, again_at=None), (Effect.HAND_TO_CHARGER,)
    return replace(order, stage=Stage.WITH_DRIVER, again_at=None), (Effect.TELL_DRIVER,)


def _drop(order: CarOrder, event: Dropped) -> Step:
    return replace(order, stage=Stage.DROPPED, again_at=None), ()


TABLE: Mapping[tuple[Stage, type], Callable[..., Step]] = {
    (Stage.PLANNED, Due): _send,
    (Stage.PLANNED, Seen): _confirm,
    (Stage.PLANNED, Dropped): _drop,
    (Stage.COMMANDED, Due): _send_again,
    (Stage.COMMANDED, CommandAnswered): _take,
    (Stage.COMMANDED, Seen): _confirm,
    (Stage.COMMANDED, Dropped): _drop,
    (Stage.WITH_CHARGER, Due): _lose_charger,
    (Stage.WITH_CHARGER, Seen): _confirm,
    (Stage.WITH_CHARGER, Dropped): _drop,
    (Stage.WITH_DRIVER, Seen): _confirm,
    (Stage.WITH_DRIVER, Dropped): _drop,
}
