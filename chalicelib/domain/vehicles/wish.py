"""What a driver wishes of a car: ready when and how full on which day, how full at once, and where home is.

Times are those of the clock on the wall where the car stands. A time that the clocks leave out, or show twice, is the
earlier of the two moments that may be meant: a car is ready too soon rather than too late.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from chalicelib.domain.chargers.geography import GeoPoint, distance_m
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.wall_clock import is_zone, zone

DAYS = 7
# A position to about a kilometre (`telemetry.coarse_point`) is told from home by no less.
COARSE_M = 1_200


# The table of all zones takes longer to look through than all else about a car.
_is_zone = lru_cache(maxsize=256)(is_zone)


class Whereabouts(StrEnum):
    """Where a car stands, as far as its position says."""

    HOME = "home"
    AWAY = "away"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReadyBy:
    """To be so full at that time of day."""

    at: time
    percent: int


@dataclass(frozen=True, slots=True)
class Departure:
    """When a car is to be ready next, and how full."""

    at: datetime
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CarWish:
    """One car's wishes. `ready_by` by weekday, Monday first; None: not on that day.

    Up to `least_percent` it charges at once, whatever it costs. `price_site` names whose prices count at home (a site
    with an energy contract); empty: none are known, and nothing waits for them. `power_w` is what its plug at home
    gives. `waits_unguarded`: it may wait though it has no schedule of its own to fall back upon. From `quiet_from` to
    `quiet_until` (None: at no time) nobody is told what can wait.
    """

    time_zone: str = "UTC"
    ready_by: tuple[ReadyBy | None, ...] = (None,) * DAYS
    least_percent: int = 20
    home: GeoPoint | None = None
    price_site: str = ""
    power_w: int = 7_400
    waits_unguarded: bool = False
    quiet_from: time | None = time(22)
    quiet_until: time | None = time(6, 30)

    def __post_init__(self) -> None:
        """ValueError that names what is wrong."""
        if not _is_zone(self.time_zone):
            raise ValueError(f"time_zone: {self.time_zone!r} is in no table of time zones")
        if len(self.ready_by) != DAYS:
            raise ValueError("ready_by: one for each day of the week, Monday first")
        if any(it is not None and not 1 <= it.percent <= 100 for it in self.ready_by):
            raise ValueError("ready_by: a percentage from 1 to 100")
        if not 0 <= self.least_percent <= 100:
            raise ValueError("least_percent: from 0 to 100")
        if not 1_000 <= self.power_w <= 43_000:
            raise ValueError("power_w: from 1,000 to 43,000")

    def departure(self, at: datetime) -> Departure | None:
        """The next one after a moment; None where it is to be ready on no day."""
        today = at.astimezone(zone(self.time_zone)).date()
        for later in range(DAYS + 1):
            day = today + timedelta(days=later)
            wanted = self.ready_by[day.weekday()]
            if wanted is not None and (moment := wall_moment(self.time_zone, day.toordinal(), wanted.at)) > at:
                return Departure(moment, wanted.percent)
        return None

    def told_at(self, at: datetime) -> datetime:
        """When the driver may be told something: now, or as the quiet hours end."""
        begins, ends = self.quiet_from, self.quiet_until
        if begins is None or ends is None or begins == ends:
            return at
        here = at.astimezone(zone(self.time_zone))
        now = here.time()
        is_quiet = begins <= now < ends if begins < ends else now >= begins or now < ends
        if not is_quiet:
            return at
        today = here.date().toordinal()
        return min(it for it in (wall_moment(self.time_zone, day, ends) for day in (today, today + 1)) if it > at)

    def place(self, position: GeoPoint | None) -> Whereabouts:
        """Whether a car that stands there is at home."""
        if position is None or self.home is None:
            return Whereabouts.UNKNOWN
        return Whereabouts.HOME if distance_m(position, self.home) <= COARSE_M else Whereabouts.AWAY


def wall_moment(time_zone: str, ordinal: int, at: time) -> datetime:
    """The moment (UTC) at which a day's clocks show that time first."""
    day = datetime.combine(datetime.fromordinal(ordinal).date(), at, zone(time_zone))
    return min(day.astimezone(UTC), day.replace(fold=1).astimezone(UTC))
