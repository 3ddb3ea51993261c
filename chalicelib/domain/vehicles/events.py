"""What becomes of a car's night, as events, beside those of what a car says (`telemetry.events`); each has one outcome.

Makers' adapters say what a car says; plans say what becomes of it. Neither knows the other: they know these.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.dispatch import Act, CommandOutcome


@dataclass(frozen=True, slots=True)
class CarRegistered:
    """A car was added by hand or found behind a link; `is_again`: its driver had it here before."""

    vehicle_id: str
    at: datetime
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class CarNightPlanned:
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


NightEvent = CarNightPlanned | CarDispatched | CarConfirmed


class EventOutcome(StrEnum):
    """What followed from what a car said."""

    IGNORED = "ignored"
    BEGUN = "begun"
    FOLLOWED = "followed"
    ENDED = "ended"
