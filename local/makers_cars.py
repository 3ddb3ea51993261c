"""Cars as makers see them: they charge, sleep, wake slowly, go where nobody reaches them, and run their 12 V down.

A car moves by the clock alone: whoever asks finds it as it would be by then. Each wake costs its small battery some
minutes of driving; awake at no plug, or woken too often, it is flat before the day is over.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.geography import GeoPoint, distance_m

# A car that nobody does anything with falls asleep.
SLEEPS_AFTER = timedelta(minutes=15)
WAKES_WITHIN = timedelta(seconds=30)
# A 12 V battery of 45 Ah, of which a car may use two thirds; awake it takes some 15 A, asleep 20 mA, a wake 0.5 Ah.
_SMALL_WH, _AWAKE_W, _ASLEEP_W, _WAKE_WH = 360.0, 180.0, 0.25, 6.0
_FLAT = 0.2
# A schedule holds so far around its place; Tesla does not say how far.
_SAME_PLACE_M = 200


class CarFault(StrEnum):
    """What a car can do wrong."""

    IGNORES = "ignores"
    OLD_VALUES = "old_values"
    NO_COVERAGE = "no_coverage"
    NEVER_WAKES = "never_wakes"


@dataclass(frozen=True, slots=True)
class PlaceSchedule:
    """One of a car's schedules: when it begins to charge there, each day."""

    begins: time
    latitude: float
    longitude: float
    is_on: bool = True


@dataclass
class SimulatedCar:
    """One car, by its own clock `at`; `wakes` are all there ever were, `faults` what goes wrong with it now."""

    car_id: str
    at: datetime
    battery_wh: int = 60_000
    power_w: int = 11_000
    energy_wh: float = 24_000
    limit_percent: int = 80
    amps: int = 16
    is_plugged: bool = False
    wants_charge: bool = True
    # What it runs, and from 2024.26 on the schedules that it keeps, each of one place, by their numbers.
    software: str = "2026.32.6 4f1c0a2b"
    schedules: dict[int, PlaceSchedule] = field(default_factory=dict)
    # Older cars keep one, wherever they stand.
    schedule: time | None = None
    latitude: float = 52.52
    longitude: float = 13.405
    faults: set[CarFault] = field(default_factory=set)
    woken_at: datetime | None = None
    stirred_at: datetime | None = None
    small_wh: float = _SMALL_WH
    wakes: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.stirred_at = self.at

    @property
    def percent(self) -> int:
        """How full it is."""
        return int(self.energy_wh * 100 / self.battery_wh)

    @property
    def keeps_by_place(self) -> bool:
        """Whether its schedules are each of one place."""
        year, week = self.software.split(".")[:2]
        return (int(year), int(week)) >= (2024, 26)

    @property
    def beginnings(self) -> list[time]:
        """When it begins to charge by itself where it stands."""
        here = GeoPoint(self.latitude, self.longitude)
        kept = [
            it.begins
            for it in self.schedules.values()
            if it.is_on and distance_m(here, GeoPoint(it.latitude, it.longitude)) <= _SAME_PLACE_M
        ]
        return [*kept, *([self.schedule] if self.schedule is not None else [])]

    @property
    def is_charging(self) -> bool:
        """Whether it draws power now."""
        return self.is_plugged and self.wants_charge and self.percent < self.limit_percent

    @property
    def is_small_battery_flat(self) -> bool:
        """Whether its 12 V battery starts it no more."""
        return self.small_wh < _SMALL_WH * _FLAT

    def is_awake(self, at: datetime) -> bool:
        """Whether it answers: it charges, or something was done with it just now."""
        stirred = self.stirred_at or self.at
        return self.is_charging or (at - stirred < SLEEPS_AFTER and at >= stirred)

    def move_to(self, at: datetime) -> None:
        """Be as it is at a later moment."""
        with self.lock:
            hours = max(0.0, (at - self.at).total_seconds() / 3600)
            if self.is_plugged and any(self._passed(it, at) for it in self.beginnings):
                self.wants_charge = True
            if self.is_charging:
                full = self.battery_wh * self.limit_percent / 100
                self.energy_wh = max(self.energy_wh, min(full, self.energy_wh + self.power_w * hours))
                self.small_wh = _SMALL_WH
            else:
                awake = _AWAKE_W if self.is_awake(at) else _ASLEEP_W
                self.small_wh = max(0.0, self.small_wh - awake * min(hours, 0.25 if awake == _AWAKE_W else hours))
            self.at = max(self.at, at)

    def plug(self, at: datetime, *, is_in: bool) -> None:
        """A plug goes in or comes out, which wakes it."""
        with self.lock:
            self.move_to(at)
            self.is_plugged, self.stirred_at, self.wants_charge = is_in, at, not self.beginnings

    def drive(self, at: datetime, energy_wh: float) -> None:
        """It is driven so far, and its small battery is full again."""
        with self.lock:
            self.plug(at, is_in=False)
            self.energy_wh, self.small_wh = max(0.0, self.energy_wh - energy_wh), _SMALL_WH

    def wake(self, at: datetime) -> None:
        """It is told to wake, and answers half a minute later."""
        with self.lock:
            self.move_to(at)
            if self.is_awake(at) or CarFault.NEVER_WAKES in self.faults:
                return
            self.wakes += 1
            self.small_wh = max(0.0, self.small_wh - _WAKE_WH)
            self.stirred_at = at + WAKES_WITHIN

    def told(
        self,
        at: datetime,
        command: str,
        value: int = 0,
        begins: time | None = None,
        schedule: PlaceSchedule | None = None,
    ) -> str:
        """Do something; returns why not, empty where it is done, or said to be."""
        with self.lock:
            self.move_to(at)
            self.stirred_at = at
            if command in ("start", "stop") and not self.is_plugged:
                return "disconnected"
            if command == "start" and self.percent >= min(100, self.limit_percent):
                return "complete"
            if command == "start" and self.is_charging:
                return "is_charging"
            if command == "stop" and not self.is_charging:
                return "not_charging"
            if CarFault.IGNORES not in self.faults:
                self._do(command, value, begins, schedule)
            return ""

    def _do(self, command: str, value: int, begins: time | None, schedule: PlaceSchedule | None) -> None:
        match command:
            case "start":
                self.wants_charge = True
            case "stop":
                self.wants_charge = False
            case "limit":
                self.limit_percent = value
            case "amps":
                self.amps = value
            case "schedule" if not self.keeps_by_place:
                self.schedule = begins
            case "schedule" if begins is not None:
                # It makes another one each time, and takes none away.
                number = max(self.schedules, default=0) + 1
                self.schedules[number] = PlaceSchedule(begins, self.latitude, self.longitude)
            case "add_schedule" if schedule is not None:
                self.schedules[value] = schedule
            case "remove_schedule":
                self.schedules.pop(value, None)

    def _passed(self, moment: time, at: datetime) -> bool:
        """Whether that time of day has come since it was last looked at."""
        today = at.replace(hour=moment.hour, minute=moment.minute, second=0, microsecond=0)
        return any(self.at < it <= at for it in (today, today - timedelta(days=1)))
