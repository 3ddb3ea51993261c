"""What happens to a car, as events: each is taken by one who knows what follows, and has one outcome.

Makers' adapters say what a car says; plans say what becomes of it. Neither knows the other: they know these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.vehicles.dispatch import Act, CommandOutcome


@dataclass(frozen=True, slots=True)
class CarRegistered:
    """A driver has added a car."""

    vehicle_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CarPluggedIn:
    """A car was plugged in somewhere."""

    vehicle_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CarTelemetryTold:
    """A car has said something of itself; what, stands with the car."""

    vehicle_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CarPlanned:
    """A car's night was planned, or planned anew."""

    vehicle_id: str
    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class CarDispatched:
    """A car was told to do something, and that came of it."""

    vehicle_id: str
    at: datetime
    act: Act
    outcome: CommandOutcome


@dataclass(frozen=True, slots=True)
class CarConfirmed:
    """A car says of itself that what was to be brought about is so."""

    vehicle_id: str
    at: datetime
    act: Act


CarEvent = CarRegistered | CarPluggedIn | CarTelemetryTold | CarPlanned | CarDispatched | CarConfirmed


class EventOutcome(StrEnum):
    """What followed from an event."""

    IGNORED = "ignored"
    AWAITED = "awaited"
    PLANNED = "planned"
    FOLLOWED = "followed"
    HANDED_ON = "handed_on"
    ENDED = "ended"
