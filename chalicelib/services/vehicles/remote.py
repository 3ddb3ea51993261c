"""Reaches a driver's car through whoever made it: looks at it, and has it do things, within what that may cost.

A call is counted before it is made. Looking never wakes a car, and one that sleeps is not asked again for a while; a
maker that asks to be left alone, or fails again and again, is. What cannot be done is an answer, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.budget import CLOSED, CallKind, counted, refused_until
from chalicelib.domain.vehicles.capability import (
    TOLD,
    Capability,
    CarCommand,
    RestoreOwnSchedule,
    SetCarAmps,
    SetCarLimit,
    SetOwnSchedule,
    StartCarCharge,
    StopCarCharge,
    WakeCar,
    needed,
)
from chalicelib.domain.vehicles.telemetry import FRESH_FOR, NOTHING_TOLD, Observed, Telemetry
from chalicelib.ports import Clock
from chalicelib.ports.vehicles import LinksCars, MakerHealth, Vehicles
from chalicelib.records.vehicles import (
    AnswerKind,
    BudgetSpent,
    CarAnswer,
    CarAsleep,
    CarUnreachable,
    LinkAccess,
    LinkBroken,
    MakerUnavailable,
    PlaceNotShared,
    PositionSharing,
    Vehicle,
)
from chalicelib.services.vehicles.telemetry import CarTelemetry
from chalicelib.services.vehicles.tokens import LinkTokens

# For a maker that does not say how long to stay away.
_QUIET = timedelta(minutes=1)
_VALUES: Mapping[Capability, str] = {
    Capability.PERCENT: "percent",
    Capability.BATTERY_WH: "battery_wh",
    Capability.LIMIT: "limit_percent",
    Capability.PLUGGED: "is_plugged",
    Capability.CHARGING: "charging",
    Capability.POSITION: "position",
}
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class MakerRemote:
    """The port CarRemote, by the makers that are set."""

    vehicles: Vehicles
    telemetry: CarTelemetry
    tokens: LinkTokens
    health: MakerHealth
    makers: Mapping[str, LinksCars]
    clock: Clock

    def look(self, vehicle_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        """What is known of it now, asked for where that is older than it may be; a sleeping car is left asleep."""
        vehicle = self.vehicles.get(vehicle_id)
        if vehicle is None:
            return NOTHING_TOLD
        asked = self._missing(vehicle, wanted, at)
        if not asked or vehicle.maker not in self.makers:
            return vehicle.telemetry
        maker: Any = self.makers[vehicle.maker]
        try:
            told: Telemetry = self._asked(
                vehicle, CallKind.DATA, lambda access: maker.look(access, vehicle.maker_id, asked, at)
            )
        except CarAsleep:
            told = Telemetry(is_awake=Observed(False, at))
        except CarUnreachable:
            return vehicle.telemetry
        except PlaceNotShared:
            self._unshare(vehicle)
            return vehicle.telemetry
        known = self.telemetry.merge(vehicle_id, told)
        return known.telemetry if known is not None else told

    def send(self, vehicle_id: str, command: CarCommand, at: datetime) -> CarAnswer:
        """Have it do that; sent again it does no harm. REFUSED where the car has no such capability, or is unknown."""
        vehicle = self.vehicles.get(vehicle_id)
        if vehicle is None or vehicle.maker not in self.makers or needed(command) not in vehicle.can:
            return CarAnswer(AnswerKind.REFUSED, "this car cannot do that")
        if _lacks_place(vehicle, command):
            return CarAnswer(AnswerKind.REFUSED, "its schedules hold at one place each, and none is known")
        maker: Any = self.makers[vehicle.maker]
        kind = CallKind.WAKE if isinstance(command, WakeCar) else CallKind.COMMAND
        try:
            return self._asked(vehicle, kind, lambda access: _carried_out(maker, access, vehicle, command))
        except CarAsleep:
            return CarAnswer(AnswerKind.ASLEEP)
        except CarUnreachable:
            return CarAnswer(AnswerKind.UNREACHABLE)

    def _missing(self, vehicle: Vehicle, wanted: frozenset[Capability], at: datetime) -> frozenset[Capability]:
        """What of it has to be asked for: nothing of a car that was found asleep just now."""
        awake = vehicle.telemetry.is_awake
        if awake is not None and not awake.value and awake.is_fresh(at):
            return frozenset()
        if Capability.SCHEDULE in wanted:
            # Nobody tells by itself of a schedule that was set: a plan that rests on it asks.
            return self._shared(vehicle, wanted)
        known = {it for it, name in _VALUES.items() if _is_fresh(getattr(vehicle.telemetry, name), at)}
        if vehicle.battery_wh is not None:
            known.add(Capability.BATTERY_WH)
        missing = (wanted & vehicle.can & TOLD) - known
        return self._shared(vehicle, missing) if missing else missing

    def _shared(self, vehicle: Vehicle, asked: frozenset[Capability]) -> frozenset[Capability]:
        """Where it is, and the schedules that it keeps by place, are asked along, and only where its driver lets us."""
        by_place = frozenset({Capability.POSITION, Capability.SCHEDULE})
        if vehicle.sharing is PositionSharing.NONE or Capability.POSITION not in vehicle.can:
            return (asked & vehicle.can & TOLD) - by_place
        return (asked | by_place) & vehicle.can

    def _unshare(self, vehicle: Vehicle) -> None:
        """The driver left that out at the maker's door: it is not asked for again until they link again."""

        def without(it: Vehicle) -> Vehicle:
            told = it.telemetry.without_position()
            return replace(it, can=it.can - {Capability.POSITION}, sharing=PositionSharing.NONE, telemetry=told)

        self.vehicles.change(vehicle.vehicle_id, without)

    def _asked(self, vehicle: Vehicle, kind: CallKind, call: Callable[[LinkAccess], Found]) -> Found:
        """One call, and once more with new tokens where those were refused before their time."""
        access = self.tokens.access(vehicle.driver_id, vehicle.link_id)
        try:
            return self._counted(vehicle, kind, lambda: call(access))
        except LinkBroken:
            if access.token:
                access = self.tokens.access(vehicle.driver_id, vehicle.link_id, refused=access.token)
                try:
                    return self._counted(vehicle, kind, lambda: call(access), is_again=True)
                except LinkBroken:
                    pass
            self.tokens.end(vehicle.driver_id, vehicle.link_id)
            raise

    def _counted(self, vehicle: Vehicle, kind: CallKind, call: Callable[[], Found], *, is_again: bool = False) -> Found:
        at = self.clock()
        breaker = self.health.get(vehicle.maker)
        if breaker.is_open(at) and breaker.open_until is not None:
            raise BudgetSpent("the maker is being left alone", breaker.open_until)
        self._count(vehicle, kind, at, is_again=is_again)
        try:
            found = call()
        except MakerUnavailable as error:
            self.health.put(vehicle.maker, breaker.after_failure(at))
            until = at + (error.retry_after or _QUIET)
            self.vehicles.change(vehicle.vehicle_id, lambda it: replace(it, spent=replace(it.spent, quiet_until=until)))
            raise
        if breaker != CLOSED:
            self.health.put(vehicle.maker, CLOSED)
        return found

    def _count(self, vehicle: Vehicle, kind: CallKind, at: datetime, *, is_again: bool) -> None:
        """Count it as stored at that moment. Raises BudgetSpent where it is not to be made."""
        prices = self.makers[vehicle.maker].prices

        def with_call(it: Vehicle) -> Vehicle:
            spent = replace(it.spent, looked_at=None) if is_again else it.spent
            until = refused_until(spent, kind, prices, at)
            if until is not None:
                raise BudgetSpent("this car was asked often enough", until)
            return replace(it, spent=counted(it.spent, kind, prices, at))

        self.vehicles.change(vehicle.vehicle_id, with_call)


def _is_fresh(value: Observed[object] | None, at: datetime) -> bool:
    return value is not None and value.is_fresh(at, FRESH_FOR)


def _lacks_place(vehicle: Vehicle, command: CarCommand) -> bool:
    is_set = isinstance(command, SetOwnSchedule) and command.schedule.is_on and command.place is None
    return is_set and vehicle.telemetry.keeps_by_place


def _carried_out(maker: Any, access: LinkAccess, vehicle: Vehicle, command: CarCommand) -> CarAnswer:
    """The command in the maker's words. That it has them its capabilities say, and the contract test holds it to."""
    maker_id, by_place = vehicle.maker_id, vehicle.telemetry.keeps_by_place
    answer: CarAnswer
    match command:
        case StartCarCharge():
            answer = maker.start(access, maker_id)
        case StopCarCharge():
            answer = maker.stop(access, maker_id)
        case SetCarLimit(percent):
            answer = maker.set_limit(access, maker_id, percent)
        case SetCarAmps(amps):
            answer = maker.set_amps(access, maker_id, amps)
        case SetOwnSchedule(schedule, place) if not by_place:
            answer = maker.set_schedule(access, maker_id, schedule, None)
        case RestoreOwnSchedule(found) if not by_place:
            answer = maker.set_schedule(access, maker_id, found, None)
        case SetOwnSchedule(schedule, place) if schedule.is_on:
            answer = maker.set_schedule(access, maker_id, schedule, place)
        case SetOwnSchedule() | RestoreOwnSchedule():
            answer = maker.drop_schedule(access, maker_id)
        case WakeCar():
            answer = maker.wake(access, maker_id)
    return answer
