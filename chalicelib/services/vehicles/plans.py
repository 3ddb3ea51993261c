"""Cars' nights: planned as a car is plugged in, followed until it leaves; each event of a car has one outcome.

A car is planned again where its driver wishes otherwise or it finds its charger, and never because time has passed.
Who plans knows prices and no makers; who carries it out knows what a car can, and not whose it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.capability import Capability, OwnSchedule
from chalicelib.domain.vehicles.controller import Controller, Means
from chalicelib.domain.vehicles.events import CarNightPlanned, EventOutcome, NightEvent
from chalicelib.domain.vehicles.night import Night, NightFacts, begun
from chalicelib.domain.vehicles.night_steps import NightStep, boosted, due, planned, question, seen, watching
from chalicelib.domain.vehicles.wish import CarWish, Whereabouts
from chalicelib.ports import Clock
from chalicelib.ports.nights import CarPlanner, CarSessions, NightAsks, Nights
from chalicelib.ports.vehicles import Vehicles
from chalicelib.records.parts import WHOLE, Part
from chalicelib.records.vehicles import PositionSharing, Vehicle
from chalicelib.services.access import NotFound, Refusal, drivers_own
from chalicelib.services.vehicles.dispatch import CarDispatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DueNights:
    """Finds the nights of which something is due, each minute; who speaks with makers goes on with them."""

    nights: Nights
    asks: NightAsks
    clock: Clock

    def hand_on(self, part: Part = WHOLE) -> int:
        """Those of a shard; returns how many. One call, and one more for each hundred."""
        found = list(part.in_time(self.nights.due(self.clock(), part.shard), self.clock))
        self.asks.go_on_with(found)
        return len(found)


@dataclass(frozen=True, kw_only=True)
class CarNights:
    """Takes what happens to cars, and what their drivers say. One read of the car, one of its wish, one of its night.

    `say`: what became of a car, for whoever listens.
    """

    vehicles: Vehicles
    nights: Nights
    planner: CarPlanner
    sessions: CarSessions
    dispatch: CarDispatch
    clock: Clock
    asks: NightAsks
    say: Callable[[NightEvent], None] = lambda event: None

    def heard(self, vehicle: Vehicle) -> EventOutcome:
        """A car has said something: its night begins, goes on, or is over; what it said before changes nothing."""
        plugged = vehicle.telemetry.is_plugged
        if plugged is None:
            return EventOutcome.IGNORED
        night = self.nights.get(vehicle.vehicle_id)
        if night is None or night.ended_at is not None:
            is_new = night is None or plugged.at > max(night.plugged_at, night.ended_at or night.plugged_at)
            return self._begin(vehicle, plugged.at) if plugged.value and is_new else EventOutcome.IGNORED
        facts = self._facts(vehicle, night)
        at = self.clock()
        self._tell_session(vehicle, night)
        after = self.dispatch.follow(vehicle.vehicle_id, facts, lambda it: seen(it, vehicle.telemetry, facts, at))
        return EventOutcome.ENDED if after is not None and after.ended_at is not None else EventOutcome.FOLLOWED

    def plan(self, vehicle_id: str) -> Night | None:
        """Plan a car's night anew; None where it has none, or is to charge now whatever is planned."""
        vehicle, night = self.vehicles.get(vehicle_id), self.nights.get(vehicle_id)
        if vehicle is None or night is None or night.ended_at is not None or night.is_boosted:
            return None
        return self._planned(vehicle, night)

    def wish(self, driver_id: str, vehicle_id: str, wish: CarWish) -> Night | None:
        """From now on the driver wishes that of a car; a night that has begun is planned anew. Raises NotFound."""
        vehicle = drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        self.nights.keep_wish(vehicle_id, wish)
        self._watch(vehicle)
        self.asks.plan(vehicle_id)
        return self.nights.get(vehicle_id)

    def wish_of(self, driver_id: str, vehicle_id: str) -> CarWish:
        """What a driver wishes of a car; where nothing was said, nothing but the least. Raises NotFound."""
        drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        return self.nights.wish(vehicle_id) or CarWish()

    def night_of(self, driver_id: str, vehicle_id: str) -> Night:
        """A car's night at a plug, this one or the last. Raises NotFound."""
        drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        night = self.nights.get(vehicle_id)
        if night is None:
            raise NotFound(f"a night of vehicle {vehicle_id}")
        return night

    def charge_now(self, driver_id: str, vehicle_id: str) -> Night:
        """Whatever was planned, it charges now until it is unplugged. Raises NotFound, Refusal."""
        vehicle = drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        night = self.nights.get(vehicle_id)
        if night is None or night.ended_at is not None:
            raise Refusal("car_not_plugged_in", "this car is not known to be plugged in")
        at = self.clock()
        can_switch = Capability.START_STOP in vehicle.can
        if night.session_id and night.control is not None and night.control.controller is Controller.CHARGER:
            self.sessions.wish(night.session_id, None, None, vehicle.battery_wh)
        facts = self._facts(vehicle, night)
        after = self.dispatch.follow(vehicle_id, facts, lambda it: boosted(it, at, can_switch=can_switch))
        return after or night

    def release(self, driver_id: str, vehicle_id: str) -> None:
        """A car is about to be unlinked: its own schedule is as it was found. A car that sleeps keeps the last one."""
        vehicle = drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        night = self.nights.get(vehicle_id)
        if night is None:
            return
        # A car that keeps several has its driver's still, whatever was found: it loses the one of ours.
        none_of_ours = OwnSchedule(is_on=False) if vehicle.telemetry.keeps_by_place else None
        if (before := night.schedule_before or none_of_ours) is not None:
            self.dispatch.restore(vehicle, before)

    def look_due(self, part: Part = WHOLE) -> int:
        """Go on with the nights of which something is due; returns how many."""
        looked = 0
        for vehicle_id in part.in_time(self.nights.due(self.clock(), part.shard), self.clock):
            try:
                self.look(vehicle_id)
            except Exception:
                # One that fails must not keep the others.
                _log.exception("a car's night did not go on", extra={"vehicle_id": vehicle_id})
                continue
            looked += 1
        return looked

    def look(self, vehicle_id: str) -> Night | None:
        """What time has brought to a car's night."""
        vehicle, night = self.vehicles.get(vehicle_id), self.nights.get(vehicle_id)
        if vehicle is None or night is None:
            return None
        at = self.clock()
        facts = self._facts(vehicle, night)
        after = self.dispatch.follow(vehicle_id, facts, lambda it: due(it, facts, at))
        if night.ended_at is not None:
            # It was looked at, whether it is plugged in again.
            looked_at = self.vehicles.get(vehicle_id)
            if looked_at is not None:
                self.heard(looked_at)
        return after

    def _watch(self, vehicle: Vehicle) -> None:
        """Where it is not plugged in as far as is known, it is looked at from now on if it tells nothing by itself."""
        at = self.clock()
        begun_never = Night(vehicle_id=vehicle.vehicle_id, driver_id=vehicle.driver_id, plugged_at=at, ended_at=at)

        def change(night: Night | None) -> Night | None:
            night = night or begun_never
            if night.ended_at is None:
                return None
            return watching(night, self._facts(vehicle, night), at)

        if Capability.PUSH not in vehicle.can:
            self.nights.change(vehicle.vehicle_id, change)

    def _begin(self, vehicle: Vehicle, plugged_at: datetime) -> EventOutcome:
        """A night of its own for each time that it is plugged in, planned at once, while it is awake."""

        def change(before: Night | None) -> Night | None:
            if before is not None and (before.ended_at is None or before.plugged_at >= plugged_at):
                return None
            return begun(before, vehicle.vehicle_id, vehicle.driver_id, plugged_at)

        night = self.nights.change(vehicle.vehicle_id, change)
        if night is None or night.plugged_at != plugged_at:
            return EventOutcome.IGNORED
        self.asks.plan(vehicle.vehicle_id)
        return EventOutcome.BEGUN

    def matched(self, vehicle_id: str, session_id: str) -> None:
        """It stands at a charger of ours, which learns how full it is; the plan is made anew for who carries it out."""
        night = self._moved(vehicle_id, lambda it: session_id)
        vehicle = self.vehicles.get(vehicle_id) if night is not None else None
        if night is not None and vehicle is not None:
            self._tell_session(vehicle, night)

    def parted(self, vehicle_id: str, session_id: str) -> None:
        """It does not stand there, after all; where it was thought to stand elsewhere meanwhile, nothing changes."""
        self._moved(vehicle_id, lambda it: "" if it == session_id else it)

    def _moved(self, vehicle_id: str, whither: Callable[[str], str]) -> Night | None:
        """Its night elsewhere, planned anew; None where nothing changes."""
        is_moved = False

        def change(night: Night | None) -> Night | None:
            nonlocal is_moved
            is_moved = night is not None and night.ended_at is None and whither(night.session_id) != night.session_id
            return replace(night, session_id=whither(night.session_id)) if night is not None and is_moved else None

        night = self.nights.change(vehicle_id, change)
        if not is_moved:
            return None
        self.asks.plan(vehicle_id)
        return night

    def _planned(self, vehicle: Vehicle, night: Night) -> Night | None:
        facts = self._facts(vehicle, night)
        at = self.clock()
        asked = question(night, facts, facts.wish.power_w, at)
        plan = self.planner.plan(asked) if asked is not None and asked.energy_wh > 0 else None

        def step(now: Night) -> NightStep:
            return planned(now, asked, plan, facts, at)

        after = self.dispatch.follow(vehicle.vehicle_id, facts, step)
        if after is None:
            return None
        if after.control is not None and after.control.controller is Controller.CHARGER:
            self.sessions.wish(after.session_id, after.departure, facts.percent(after), vehicle.battery_wh)
        self.say(CarNightPlanned(vehicle.vehicle_id, at, after.number))
        # What is due at once is done at once: the plug-in keeps the car awake for a while.
        return self.dispatch.follow(vehicle.vehicle_id, facts, lambda it: due(it, facts, at))

    def _tell_session(self, vehicle: Vehicle, night: Night) -> None:
        percent = vehicle.telemetry.percent
        if night.session_id and percent is not None and percent.at >= night.plugged_at:
            try:
                self.sessions.tell_percent(night.session_id, percent)
            except Exception:
                # A plan is worth more than what a session shows of it.
                _log.exception("percentage not told", extra={"session_id": night.session_id})

    def _facts(self, vehicle: Vehicle, night: Night) -> NightFacts:
        wish = self.nights.wish(vehicle.vehicle_id) or CarWish()
        at = self.clock()
        position = vehicle.telemetry.position
        where = wish.place(position.value if position is not None else None)
        is_planned = bool(night.session_id) and self.sessions.is_planned(night.session_id)
        place = _schedule_place(vehicle, wish, where)
        means = Means(
            car_switches=Capability.START_STOP in vehicle.can,
            car_keeps_schedule=Capability.SCHEDULE in vehicle.can
            and (place is not None or not vehicle.telemetry.keeps_by_place),
            may_wait_unguarded=wish.waits_unguarded and (Capability.WAKE not in vehicle.can or night.may_wake(at)),
            is_charger_ours=bool(night.session_id),
            charger_shares_power=is_planned,
            is_home=where is not Whereabouts.AWAY,
        )
        return NightFacts(
            wish=wish,
            telemetry=vehicle.telemetry.believed(at),
            can=vehicle.can,
            means=means,
            battery_wh=vehicle.battery_wh or _told_wh(vehicle),
            place=place,
        )


def _schedule_place(vehicle: Vehicle, wish: CarWish, where: Whereabouts) -> GeoPoint | None:
    """Where its own schedule is to hold; None where nobody said, or its driver shares no place.

    Where it stands now, if that is known to the metre; else where its driver said home is.
    """
    position = vehicle.telemetry.position
    if vehicle.sharing is PositionSharing.NONE or where is Whereabouts.AWAY:
        return None
    if vehicle.sharing is PositionSharing.PRECISE and position is not None:
        return position.value
    return wish.home


def _told_wh(vehicle: Vehicle) -> int | None:
    told = vehicle.telemetry.battery_wh
    return told.value if told is not None else None
