"""Carries out what a car's night asks for: each step is stored before anybody is asked, and safe to repeat.

Two processes never send the same at once, for one of them stores that it does; one that dies in between leaves an order
that is looked at and asked again a little later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.capability import (
    Capability,
    OwnSchedule,
    RestoreOwnSchedule,
    SetOwnSchedule,
    WakeCar,
)
from chalicelib.domain.vehicles.dispatch import Act, CarOrder, CommandAnswered, CommandOutcome, Effect, Stage
from chalicelib.domain.vehicles.events import CarConfirmed, CarDispatched, NightEvent
from chalicelib.domain.vehicles.night import Night, NightFacts, OrderWork, Tell, Work
from chalicelib.domain.vehicles.night_steps import NightStep, answered, charger_lost, handed_to_charger, seen
from chalicelib.ports import Clock
from chalicelib.ports.nights import CarSessions, Nights, NightTeller
from chalicelib.ports.vehicles import CarRemote
from chalicelib.records.vehicles import BudgetSpent, CarAsleep, CarUnreachable, LinkBroken, MakerUnavailable, Vehicle

# What a look is for: whether it charges, how full it is, and which schedule it keeps.
_LOOKED_FOR = frozenset({Capability.CHARGING, Capability.PERCENT, Capability.PLUGGED, Capability.LIMIT})
_ITS_SCHEDULE = _LOOKED_FOR | {Capability.SCHEDULE}
# A step brings at most a look, a command, a wake and a handing on; more would be a circle.
_MOST_ROUNDS = 6
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CarDispatch:
    """Stores a night's step, tells its driver, and asks the car or the charger."""

    nights: Nights
    remote: CarRemote
    sessions: CarSessions
    teller: NightTeller
    clock: Clock
    say: Callable[[NightEvent], None] = lambda event: None

    def follow(
        self, vehicle_id: str, facts: NightFacts, step: Callable[[Night], NightStep], *, rounds: int = _MOST_ROUNDS
    ) -> Night | None:
        """Make a step as things stand now, and do what follows from it; None where the car has no night."""
        work: Sequence[Work] = ()
        confirmed: list[CarOrder] = []

        def change(night: Night | None) -> Night | None:
            nonlocal work
            if night is None:
                work = ()
                return None
            after, work = step(night)
            # Told before it is stored: whoever dies in between tells the same again, under the same id.
            for it in work:
                if isinstance(it, Tell):
                    self.teller.tell(after, it.news)
            confirmed[:] = _confirmed(night, after)
            return after if after != night else None

        night = self.nights.change(vehicle_id, change)
        for order in confirmed:
            self.say(CarConfirmed(vehicle_id, self.clock(), order.act))
        for it in work:
            if isinstance(it, OrderWork) and night is not None and rounds > 0:
                night = self._do(night, it, facts, rounds - 1) or night
        return night

    def restore(self, vehicle: Vehicle, schedule: OwnSchedule) -> None:
        """The car's own schedule is as it was found, if it can be told so now."""
        if Capability.SCHEDULE in vehicle.can:
            outcome, _ = self._outcome(
                lambda at: self.remote.send(vehicle.vehicle_id, RestoreOwnSchedule(schedule), at).kind.value
            )
            _log.info("schedule restored", extra={"vehicle_id": vehicle.vehicle_id, "outcome": outcome.value})

    def _do(self, night: Night, work: OrderWork, facts: NightFacts, rounds: int) -> Night | None:
        match work.effect:
            case Effect.LOOK:
                return self._look(night, work.place, facts, rounds)
            case Effect.SEND:
                return self._send(night, work.place, facts, rounds)
            case Effect.WAKE:
                return self._wake(night, work.place, facts, rounds)
            case Effect.HAND_TO_CHARGER:
                return self._hand_on(night, work.place, facts, rounds)
        return None

    def _look(self, night: Night, place: int, facts: NightFacts, rounds: int) -> Night | None:
        """What cannot be seen now is not woken for."""
        at = self.clock()
        is_of_schedule = 0 <= place < len(night.orders) and night.orders[place].act is Act.SCHEDULE
        try:
            telemetry = self.remote.look(night.vehicle_id, _ITS_SCHEDULE if is_of_schedule else _LOOKED_FOR, at)
        except (CarAsleep, CarUnreachable, LinkBroken, MakerUnavailable, BudgetSpent):
            return None
        return self.follow(night.vehicle_id, facts, lambda it: seen(it, telemetry, facts, at), rounds=rounds)

    def _send(self, night: Night, place: int, facts: NightFacts, rounds: int) -> Night | None:
        order = night.orders[place] if place < len(night.orders) else None
        # A look may have shown meanwhile that nothing is to be sent.
        if order is None or order.stage is not Stage.COMMANDED:
            return None
        command = order.command
        if isinstance(command, SetOwnSchedule):
            # Where it is to hold is kept with no order: it goes with the position, and with the wish.
            command = replace(command, place=facts.place)
        outcome, until = self._outcome(lambda at: self.remote.send(night.vehicle_id, command, at).kind.value)
        at = self.clock()
        self.say(CarDispatched(night.vehicle_id, at, order.act, outcome))
        event = CommandAnswered(at=at, outcome=outcome, until=until)
        return self.follow(night.vehicle_id, facts, _of(night, place, order, event), rounds=rounds)

    def _wake(self, night: Night, place: int, facts: NightFacts, rounds: int) -> Night | None:
        order = night.orders[place]
        outcome, until = self._outcome(lambda at: self.remote.send(night.vehicle_id, WakeCar(), at).kind.value)
        if outcome in (CommandOutcome.ACCEPTED, CommandOutcome.ALREADY, CommandOutcome.ASLEEP):
            return None
        event = CommandAnswered(at=self.clock(), outcome=outcome, until=until)
        return self.follow(night.vehicle_id, facts, _of(night, place, order, event), rounds=rounds)

    def _hand_on(self, night: Night, place: int, facts: NightFacts, rounds: int) -> Night | None:
        taken = self.sessions.wish(night.session_id, night.departure, facts.percent(night), facts.battery_wh)
        at = self.clock()

        def step(now: Night) -> NightStep:
            if now.number != night.number:
                return now, ()
            return (handed_to_charger(now, at), ()) if taken else charger_lost(now, place, at)

        return self.follow(night.vehicle_id, facts, step, rounds=rounds)

    def _outcome(self, ask: Callable[[datetime], str]) -> tuple[CommandOutcome, datetime | None]:
        """What came of it, and until when it is not worth asking again."""
        at = self.clock()
        try:
            return CommandOutcome(ask(at)), None
        except CarAsleep:
            return CommandOutcome.ASLEEP, None
        except CarUnreachable:
            return CommandOutcome.UNREACHABLE, None
        except LinkBroken:
            return CommandOutcome.BROKEN, None
        except BudgetSpent as spent:
            return CommandOutcome.LATER, spent.until
        except MakerUnavailable as error:
            return CommandOutcome.LATER, at + error.retry_after if error.retry_after is not None else None


def _of(night: Night, place: int, order: CarOrder, event: CommandAnswered) -> Callable[[Night], NightStep]:
    """That answer as a step, if the night still has the order that was asked for; else it is no news."""

    def step(now: Night) -> NightStep:
        is_same = now.number == night.number and place < len(now.orders) and now.orders[place].act is order.act
        return answered(now, place, event) if is_same else (now, ())

    return step


def _confirmed(before: Night, after: Night) -> Sequence[CarOrder]:
    if before.number != after.number:
        return [it for it in after.orders if it.stage is Stage.CONFIRMED]
    known = [it.stage for it in before.orders]
    return [
        it
        for place, it in enumerate(after.orders)
        if it.stage is Stage.CONFIRMED and (place >= len(known) or known[place] is not Stage.CONFIRMED)
    ]
