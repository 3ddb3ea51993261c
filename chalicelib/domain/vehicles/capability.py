"""What a car can tell and be told, whoever made it: capabilities, the commands that need them, and a driver's words.

Nothing here names a maker. Who plans asks for a capability; what a car cannot do is not in its set, and is never tried.
"""

from __future__ import annotations

from datetime import time
from enum import StrEnum

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass


class Capability(StrEnum):
    """One thing that a maker offers of its cars. The first six are told by a car, the others done by it."""

    PERCENT = "percent"
    BATTERY_WH = "battery_wh"
    LIMIT = "limit"
    PLUGGED = "plugged"
    CHARGING = "charging"
    POSITION = "position"
    # The maker tells by itself what changes: nobody has to ask.
    PUSH = "push"
    START_STOP = "start_stop"
    SET_LIMIT = "set_limit"
    SET_AMPS = "set_amps"
    SCHEDULE = "schedule"
    WAKE = "wake"


TOLD = frozenset(
    {
        Capability.PERCENT,
        Capability.BATTERY_WH,
        Capability.LIMIT,
        Capability.PLUGGED,
        Capability.CHARGING,
        Capability.POSITION,
    }
)


class ChargingState(StrEnum):
    """What a car says it does at a plug."""

    UNPLUGGED = "unplugged"
    STOPPED = "stopped"
    CHARGING = "charging"
    FULL = "full"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class OwnSchedule:
    """What a car does by itself at a plug: it begins at a time of day of the place where it stands; off: at once."""

    is_on: bool
    starts_at: time | None = None


@dataclass(frozen=True, slots=True)
class StartCarCharge:
    """Have the car begin to charge."""


@dataclass(frozen=True, slots=True)
class StopCarCharge:
    """Charge no further; the plug stays in."""


@dataclass(frozen=True, slots=True)
class SetCarLimit:
    """Charge up to that percentage, now and later."""

    percent: int


@dataclass(frozen=True, slots=True)
class SetCarAmps:
    """Draw no more than so many amperes from each phase."""

    amps: int


@dataclass(frozen=True, slots=True)
class SetOwnSchedule:
    """Keep this schedule, whoever else falls silent; `place`: there, in a car whose schedules are each of one place."""

    schedule: OwnSchedule
    place: GeoPoint | None = None


@dataclass(frozen=True, slots=True)
class RestoreOwnSchedule:
    """Keep what was found again. A car that keeps several still has its driver's, and only loses the one of ours."""

    found: OwnSchedule


@dataclass(frozen=True, slots=True)
class WakeCar:
    """Listen: only ever sent to carry out a plan, since each time drains what starts the car."""


CarCommand = StartCarCharge | StopCarCharge | SetCarLimit | SetCarAmps | SetOwnSchedule | RestoreOwnSchedule | WakeCar

NEEDS: dict[type, Capability] = {
    StartCarCharge: Capability.START_STOP,
    StopCarCharge: Capability.START_STOP,
    SetCarLimit: Capability.SET_LIMIT,
    SetCarAmps: Capability.SET_AMPS,
    SetOwnSchedule: Capability.SCHEDULE,
    RestoreOwnSchedule: Capability.SCHEDULE,
    WakeCar: Capability.WAKE,
}


def needed(command: CarCommand) -> Capability:
    """What a car must be able to do to be sent that."""
    return NEEDS[type(command)]
