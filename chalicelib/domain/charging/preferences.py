"""Charging preferences (OCPI's ChargingPreferences): when a car is to be ready, and what comes of it.

What was said holds for one session. What its site's plan makes of it is told once, and again only where it comes to be
something else by more than plans waver (`ToldPlan.is_news`): sooner or later, or less than was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.wall_clock import zone

# So much of what a charger gives does not reach the battery.
_LOST_PERCENT = 10
# By less an estimate differs from itself: half of them err by as much (docs/planning.md).
TOLD_AGAIN_AFTER = timedelta(minutes=30)
# What is far away errs by more: so much of the time until then.
_TOLD_AGAIN_PART = 0.25
_UNMET_WH = 1_000
_MORE_UNMET = 1.25
# What a driver usually wants is no word of a day on which they come at another time: nobody stays so long, or so short.
_USUAL_STAY_H = (1, 16)


class ChargingProfile(StrEnum):
    """What a driver wants of the hours in which a car could charge: nothing, the cheapest, the greenest."""

    REGULAR = "regular"
    CHEAP = "cheap"
    GREEN = "green"


class WaitReason(StrEnum):
    """Why a car does not charge at once, or not as fast as it could."""

    CHEAPER_LATER = "cheaper_later"
    GREENER_LATER = "greener_later"
    SHARES_POWER = "shares_power"
    DEMAND_RESPONSE = "demand_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingPreferences:
    """What a driver said of one session: ready by then, with so much energy in all, or so full.

    A battery's percent is told as it was when `had_wh` of the session had been given, with what it holds
    (`capacity_wh`). `is_boosted`: now, whatever it costs; no plan holds it back.
    """

    ready_by: datetime | None = None
    energy_wh: int | None = None
    target_percent: int | None = None
    battery_percent: int | None = None
    capacity_wh: int | None = None
    had_wh: int = 0
    is_boosted: bool = False
    profile: ChargingProfile = ChargingProfile.REGULAR

    @property
    def asked_wh(self) -> int | None:
        """The energy of the session, from its beginning, that is asked for; None: nobody said."""
        if self.energy_wh is not None:
            return self.energy_wh
        if self.target_percent is None or self.battery_percent is None or self.capacity_wh is None:
            return None
        lacks_wh = self.capacity_wh * max(0, self.target_percent - self.battery_percent) // (100 - _LOST_PERCENT)
        return self.had_wh + lacks_wh

    @property
    def lacks_departure(self) -> bool:
        """Whether it is to charge in the best hours, and nobody knows of which."""
        return self.profile is not ChargingProfile.REGULAR and self.ready_by is None and not self.is_boosted


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualPreferences:
    """What a driver usually wants where they say nothing: ready at that time of day by the site's clock.

    `ready_at_min` counts minutes from midnight. `site_id` None: at all sites that none of the others is for.
    """

    ready_at_min: int
    energy_wh: int | None = None
    profile: ChargingProfile = ChargingProfile.REGULAR
    site_id: str | None = None

    def ready_by(self, time_zone: str, at: datetime) -> datetime | None:
        """When that time comes next; None where whoever comes then would leave too soon, or stay too long, for it."""
        clock = time(self.ready_at_min // 60, self.ready_at_min % 60)
        today = at.astimezone(zone(time_zone)).date()
        least, most = (at + timedelta(hours=it) for it in _USUAL_STAY_H)
        days = (datetime.combine(today + timedelta(days=it), clock, zone(time_zone)) for it in range(2))
        return next((it for day in days if least <= (it := day.astimezone(UTC)) <= most), None)


def usual_at(
    usual: Iterable[UsualPreferences], site_id: str, time_zone: str, at: datetime
) -> ChargingPreferences | None:
    """What a driver who comes to a site then and says nothing is taken to want; None: nothing."""
    mine = {it.site_id: it for it in usual}
    wanted = mine.get(site_id) or mine.get(None)
    ready_by = wanted.ready_by(time_zone, at) if wanted is not None else None
    if wanted is None or ready_by is None:
        return None
    return ChargingPreferences(ready_by=ready_by, energy_wh=wanted.energy_wh, profile=wanted.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPlan:
    """What a driver is told of the plan: when the car begins to charge, and when it has what was asked for.

    `ready_at` None: it will not have it by then, but lack `unmet_wh`. `energy_wh` is to come after `had_wh`.
    `energy_cost_micros`: what that costs the site by its signals (millionths of `currency`), and `carbon_g` what it
    emits; None: nobody knows. `waits_for` None: it does not wait, and is no later for an event. `number`: so often was
    something else told before.
    """

    planned_at: datetime
    starts_at: datetime
    ready_at: datetime | None
    energy_wh: int
    had_wh: int = 0
    unmet_wh: int = 0
    energy_cost_micros: int | None = None
    currency: str = ""
    carbon_g: int | None = None
    source: str = ""
    waits_for: WaitReason | None = None
    number: int = 0

    @property
    def asked_wh(self) -> int:
        """What was asked for in all, as far as it counted."""
        return self.had_wh + self.energy_wh + self.unmet_wh

    def is_news(self, told: ToldPlan | None, *, is_answer: bool = False) -> bool:
        """Whether it is to be told to whoever was `told` that.

        Plans of later quarters waver, so only what is more than that is told again. `is_answer`: it was asked for just
        now, by another wish or by who waits, and then less is news.
        """
        if told is None or (is_answer and abs(self.asked_wh - told.asked_wh) >= _UNMET_WH):
            return True
        if self.ready_at is None and told.ready_at is None:
            return self.unmet_wh >= told.unmet_wh * (1 if is_answer else _MORE_UNMET) + _UNMET_WH
        if self.ready_at is None:
            return is_answer or self.unmet_wh >= _UNMET_WH
        if told.ready_at is None:
            return True
        # A demand event that is announced, or called off, is no wavering.
        is_grids_wish = WaitReason.DEMAND_RESPONSE in {self.waits_for, told.waits_for}
        is_certain = is_answer or (is_grids_wish and self.waits_for is not told.waits_for)
        far = timedelta(0) if is_certain else (told.ready_at - self.planned_at) * _TOLD_AGAIN_PART
        return abs(self.ready_at - told.ready_at) > max(TOLD_AGAIN_AFTER, far)


def combined(
    said: ChargingPreferences | None, car_wh: int | None, car_departs_at: datetime | None
) -> tuple[int | None, datetime | None]:
    """What is asked for in all, and until when, where driver and car (ISO 15118) may both have said something.

    A driver knows better than the car's memory when they leave: their word goes before its own. Of energies the least
    counts: a car takes no more than it says, and a driver wants no more than they say. Boosted: neither counts.
    """
    if said is None:
        return car_wh, car_departs_at
    if said.is_boosted:
        return None, None
    asked = [it for it in (said.asked_wh, car_wh) if it is not None]
    return min(asked, default=None), said.ready_by or car_departs_at
