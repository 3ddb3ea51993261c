"""One car's night at a plug, as it is kept: what is planned, by whom it is carried out, how far that has come.

How it changes stands in `night_steps.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.capability import Capability, OwnSchedule
from chalicelib.domain.vehicles.controller import Control, ControlRule, Means
from chalicelib.domain.vehicles.dispatch import Act, CarOrder, Effect, Stage
from chalicelib.domain.vehicles.estimate import counted_percent
from chalicelib.domain.vehicles.plan import CarPlan
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.domain.vehicles.wish import CarWish, Departure

MOST_WAKES = 3
WAKES_COUNT_FOR = timedelta(days=31)
# So long after its departure a night is over: what it says of itself then is of the next.
GONE_AFTER = timedelta(hours=1)


class NightNews(StrEnum):
    """What a driver is told of a night."""

    PLANNED = "car_planned"
    CHANGED = "car_plan_changed"
    AT_RISK = "car_at_risk"
    NOT_SEEN = "car_not_seen"
    UNPLUGGED_EARLY = "car_unplugged_early"


@dataclass(frozen=True, slots=True)
class OrderWork:
    """Something to be done for the order at that place."""

    place: int
    effect: Effect


@dataclass(frozen=True, slots=True)
class Tell:
    """The driver is to be told that."""

    news: NightNews


Work = OrderWork | Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What is kept of a car at a plug. `number` counts plans; `told` what its driver knows of this night.

    `wakes` and `schedule_before` (the car's own, as it was found) outlive a night; `session_id` is that of the charger
    of ours at which it stands. `ended_at`: since then it is unplugged, or thought to be. `watch_at`: then a car that
    tells nothing by itself is looked at, whether it is plugged in again. `is_schedule_unsure`: it was told in the last
    night to keep a schedule, and nobody saw whether it does.
    """

    vehicle_id: str
    driver_id: str
    plugged_at: datetime
    number: int = 0
    session_id: str = ""
    departure: Departure | None = None
    power_w: int = 0
    control: Control | None = None
    plan: CarPlan | None = None
    orders: tuple[CarOrder, ...] = ()
    told: tuple[NightNews, ...] = ()
    resumes: int = 0
    is_boosted: bool = False
    ended_at: datetime | None = None
    wakes: tuple[datetime, ...] = ()
    schedule_before: OwnSchedule | None = None
    watch_at: datetime | None = None
    is_schedule_unsure: bool = False
    revision: int = 0

    @property
    def was_plugged(self) -> bool:
        """Whether it ever was: of a car that was never seen at a plug one begins and is over at once."""
        return self.ended_at is None or self.plugged_at < self.ended_at

    @property
    def leaves_at(self) -> datetime | None:
        """When it is thought to be gone, whatever it says."""
        return self.departure.at + GONE_AFTER if self.departure is not None else None

    @property
    def next_at(self) -> datetime | None:
        """When something is to be done, if nothing is heard; None: nothing more."""
        if self.ended_at is not None:
            return self.watch_at
        late = gated(self)
        moments = (it.next_at for place, it in enumerate(self.orders) if place not in late)
        return min((it for it in (*moments, self.leaves_at) if it is not None), default=None)

    def may_wake(self, at: datetime) -> bool:
        """Whether a plan may still wake it: of a month's three one is left."""
        return sum(it > at - WAKES_COUNT_FOR for it in self.wakes) < MOST_WAKES


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """What a plan is made from, beside the night: wishes, what the car says and can, what there is to act with.

    `place`: where its own schedule is to hold, as exactly as its driver lets that be known.
    """

    wish: CarWish
    telemetry: Telemetry
    can: frozenset[Capability]
    means: Means
    battery_wh: int | None = None
    place: GeoPoint | None = None

    def percent(self, night: Night) -> int | None:
        """How full it is thought to be."""
        return counted_percent(self.telemetry.percent, night.plugged_at, 0, self.battery_wh)


def gated(night: Night) -> frozenset[int]:
    """The places of orders whose time has not come whatever the clock says: nothing stops before its net is there."""
    needs_net = night.control is not None and night.control.rule is ControlRule.OWN_SCHEDULE_BENEATH
    has_net = any(it.act is Act.SCHEDULE and it.stage is Stage.CONFIRMED for it in night.orders)
    if not needs_net or has_net:
        return frozenset()
    return frozenset(place for place, it in enumerate(night.orders) if it.act is Act.STOP)


def begun(before: Night | None, vehicle_id: str, driver_id: str, at: datetime) -> Night:
    """The night of a car that was just plugged in; what outlives one is taken from the last."""
    if before is None:
        return Night(vehicle_id=vehicle_id, driver_id=driver_id, plugged_at=at)
    return Night(
        vehicle_id=vehicle_id,
        driver_id=driver_id,
        plugged_at=at,
        number=before.number,
        wakes=tuple(it for it in before.wakes if it > at - WAKES_COUNT_FOR),
        schedule_before=before.schedule_before,
        revision=before.revision,
    )
