"""What a car said of itself: each value with the car's own time of it, merged by that time and never by arrival.

An older value never takes the place of a younger one; one that is told again changes nothing; what was not said is
None, never a guess. How old a value is can always be asked, and whoever shows one as of now asks.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.capability import ChargingState, OwnSchedule

Value = TypeVar("Value")
Told_co = TypeVar("Told_co", covariant=True)

# A car whose clock runs ahead is believed no further than this: its value would outlive all that follow.
MOST_AHEAD = timedelta(minutes=2)
# What is younger may be shown and planned by as it stands.
FRESH_FOR = timedelta(minutes=15)
# About a kilometre: two digits of a degree.
_COARSE_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Observed(Generic[Told_co]):
    """A value, and the car's own time of it."""

    value: Told_co
    at: datetime

    def age(self, at: datetime) -> timedelta:
        """How old it is at a moment; never less than nothing."""
        return max(timedelta(0), at - self.at)

    def is_fresh(self, at: datetime, within: timedelta = FRESH_FOR) -> bool:
        """Whether it may pass for what is so now."""
        return self.age(at) <= within


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """All that is known of a car. `power_w` is what it takes at the plug, `battery_wh` what it holds when full.

    `is_awake` False: it answers nothing until it wakes. `schedule` is its own, as it was found or set;
    `schedule_by_place`: it keeps several, each of one place, and `schedule` is the one that was set from here.
    """

    percent: Observed[int] | None = None
    battery_wh: Observed[int] | None = None
    limit_percent: Observed[int] | None = None
    is_plugged: Observed[bool] | None = None
    charging: Observed[ChargingState] | None = None
    power_w: Observed[int] | None = None
    amps: Observed[int] | None = None
    position: Observed[GeoPoint] | None = None
    schedule: Observed[OwnSchedule] | None = None
    schedule_by_place: Observed[bool] | None = None
    is_awake: Observed[bool] | None = None

    def merged(self, told: Telemetry) -> Telemetry:
        """Both, each value by the younger, so that the order in which they came is no matter.

        Of two different values of one time the same one stays, whichever came first.
        """
        return Telemetry(**{it.name: _younger(getattr(self, it.name), getattr(told, it.name)) for it in fields(self)})

    def believed(self, at: datetime) -> Telemetry:
        """The same, without what a car says is from the future."""
        late = at + MOST_AHEAD
        kept = {it.name: getattr(self, it.name) for it in fields(self)}
        return Telemetry(**{name: it if it is None or it.at <= late else None for name, it in kept.items()})

    def without_position(self) -> Telemetry:
        """The same, without where it is."""
        return replace(self, position=None)

    def coarse(self) -> Telemetry:
        """The same, with where it is to about a kilometre."""
        if self.position is None:
            return self
        return replace(self, position=Observed(coarse_point(self.position.value), self.position.at))

    @property
    def keeps_by_place(self) -> bool:
        """Whether its schedules are each of one place, as far as is known."""
        return self.schedule_by_place is not None and self.schedule_by_place.value

    @property
    def latest_at(self) -> datetime | None:
        """The car's time of the youngest value; None where nothing was ever said."""
        return max((it.at for it in (getattr(self, each.name) for each in fields(self)) if it), default=None)


NOTHING_TOLD = Telemetry()


@dataclass(frozen=True, slots=True)
class CarPluggedIn:
    """A plug went in, by the car's own time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CarUnplugged:
    """A plug came out, by the car's own time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CarChargingChanged:
    """It charges, or does no more, by the car's own time."""

    at: datetime
    state: ChargingState


@dataclass(frozen=True, slots=True)
class CarTold:
    """Something else is known of it than before."""

    at: datetime


CarEvent = CarPluggedIn | CarUnplugged | CarChargingChanged | CarTold


def events(before: Telemetry, after: Telemetry) -> tuple[CarEvent, ...]:
    """What happened from one to the other, each thing once; nothing where nothing is new."""
    found: list[CarEvent] = []
    plug, was = after.is_plugged, before.is_plugged
    if plug is not None and (was.value if was is not None else False) != plug.value:
        found.append(CarPluggedIn(plug.at) if plug.value else CarUnplugged(plug.at))
    state, stood = after.charging, before.charging
    if state is not None and (stood is None or stood.value is not state.value):
        found.append(CarChargingChanged(state.at, state.value))
    if after != before and after.latest_at is not None:
        found.append(CarTold(after.latest_at))
    return tuple(found)


def coarse_point(point: GeoPoint) -> GeoPoint:
    """A point to about a kilometre."""
    return GeoPoint(round(point.latitude, _COARSE_DIGITS), round(point.longitude, _COARSE_DIGITS))


def _younger(one: Observed[Value] | None, other: Observed[Value] | None) -> Observed[Value] | None:
    if one is None or other is None:
        return one or other
    if one.at != other.at:
        return one if one.at > other.at else other
    return max(one, other, key=lambda it: repr(it.value))
