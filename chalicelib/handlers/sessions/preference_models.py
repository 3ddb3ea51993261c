"""Models of charging preferences: what a driver wants of a charge, what becomes of that, and what was saved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from chalicelib.domain.charging.preferences import (
    ChargingPreferences,
    ChargingProfile,
    UsualPreferences,
    WaitReason,
)
from chalicelib.handlers.http.endpoint import BadRequest
from chalicelib.handlers.http.fields import Id, Minor, RequestBody, ResponseBody, example
from chalicelib.services.grid.driver_preferences import LONGEST_STAY, PreferencesResult

_READY_BY = "2026-11-22T07:00:00Z"
_PREFERENCES = {
    "result": "accepted",
    "detail": "planned within a quarter of an hour; until then it has its fair share",
    "ready_by": _READY_BY,
    "energy_wh": 20_000,
    "target_percent": None,
    "battery_percent": None,
    "capacity_wh": None,
    "asked_wh": 20_000,
    "boost": False,
    "profile": "cheap",
}


class ChargingPreferencesBody(RequestBody):
    """What a driver wants of a charge (OCPI's ChargingPreferences). Nothing: as if nothing had been said."""

    model_config = RequestBody.model_config | example(ready_by=_READY_BY, energy_wh=20_000, profile="cheap")
    ready_by: Annotated[AwareDatetime | None, Field(description="when the car leaves, within 7 days")] = None
    energy_wh: Annotated[int | None, Field(gt=0, le=1_000_000, description="of the session, in all")] = None
    target_percent: Annotated[
        int | None, Field(ge=1, le=100, description="instead of energy_wh, with the next two")
    ] = None
    battery_percent: Annotated[int | None, Field(ge=0, le=100, description="now")] = None
    capacity_wh: Annotated[int | None, Field(ge=1_000, le=1_000_000, description="what a full battery holds")] = None
    boost: Annotated[bool, Field(description="now, with its full fair share: no plan holds it back")] = False
    profile: Annotated[
        ChargingProfile, Field(description="which hours are best; needs ready_by, or nobody knows of which")
    ] = ChargingProfile.REGULAR

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        battery = (self.target_percent, self.battery_percent, self.capacity_wh)
        if any(it is not None for it in battery):
            if self.target_percent is None or self.battery_percent is None or self.capacity_wh is None:
                raise ValueError("target_percent, battery_percent and capacity_wh go together")
            if self.energy_wh is not None:
                raise ValueError("energy_wh and target_percent say the same: send one")
            if self.target_percent <= self.battery_percent:
                raise ValueError("target_percent is above battery_percent")
        if self.boost and (self.ready_by is not None or self.profile is not ChargingProfile.REGULAR):
            raise ValueError("boost is now: it takes no ready_by, and no profile")
        return self


def preferences_of(body: ChargingPreferencesBody, now: datetime) -> ChargingPreferences:
    """What was said. BadRequest for a departure that is past, or too far away."""
    if body.ready_by is not None and not now < body.ready_by <= now + LONGEST_STAY:
        raise BadRequest(f"ready_by must be within {LONGEST_STAY.days} days from now", "ready_by")
    return ChargingPreferences(**body.model_dump(exclude={"boost"}), is_boosted=body.boost)


_USUAL = {"site_id": None, "ready_at": "07:30", "energy_wh": 20_000, "profile": "cheap"}


class UsualPreferencesItem(RequestBody):
    """What a driver usually wants at a site, or at all others."""

    model_config = RequestBody.model_config | example(**_USUAL)
    site_id: Annotated[Id | None, Field(description="null: wherever none of the others is for")] = None
    ready_at: Annotated[
        str,
        StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
        Field(description="by the site's clock; holds for whoever comes one to 16 hours before that"),
    ]
    energy_wh: Annotated[int | None, Field(gt=0, le=1_000_000, description="of a session, in all")] = None
    profile: ChargingProfile = ChargingProfile.REGULAR


class UsualPreferencesBody(RequestBody):
    """How the caller usually wants to charge; it counts where a session's own preferences were not said."""

    model_config = RequestBody.model_config | example(items=[_USUAL])
    items: Annotated[list[UsualPreferencesItem], Field(max_length=10)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({it.site_id for it in self.items}) < len(self.items):
            raise ValueError("a site has one usual wish")
        return self


class UsualPreferencesView(ResponseBody):
    """How the caller usually wants to charge."""

    model_config = example(items=[_USUAL])
    items: list[UsualPreferencesItem]


def usual_of(body: UsualPreferencesBody) -> list[UsualPreferences]:
    """What was said, in the words of the domain."""
    return [
        UsualPreferences(
            site_id=it.site_id,
            ready_at_min=60 * int(it.ready_at[:2]) + int(it.ready_at[3:]),
            energy_wh=it.energy_wh,
            profile=it.profile,
        )
        for it in body.items
    ]


def usual_view(usual: Iterable[UsualPreferences]) -> list[UsualPreferencesItem]:
    """What was said, as it is shown."""
    return [
        UsualPreferencesItem(
            site_id=it.site_id,
            ready_at=f"{it.ready_at_min // 60:02}:{it.ready_at_min % 60:02}",
            energy_wh=it.energy_wh,
            profile=it.profile,
        )
        for it in usual
    ]


class ChargingPreferencesView(ResponseBody):
    """A driver's preferences, and what becomes of them."""

    model_config = example(**_PREFERENCES)
    result: Annotated[
        PreferencesResult,
        Field(
            description="`accepted`; `departure_required`: without ready_by no hour is better than now; "
            "`not_possible`: this site's power is not shared out, the car charges at once, as fast as it can"
        ),
    ]
    detail: Annotated[str, Field(description="the same for a person")]
    ready_by: datetime | None
    energy_wh: int | None
    target_percent: int | None
    battery_percent: int | None
    capacity_wh: int | None
    asked_wh: Annotated[int | None, Field(description="what follows: of the session, in all")]
    boost: bool
    profile: ChargingProfile


class ChargePlanView(ResponseBody):
    """What is planned for a charge, as its driver was told last."""

    planned_at: datetime
    starts_at: datetime
    ready_at: Annotated[datetime | None, Field(description="null: it will lack `unmet_wh` when it leaves")]
    energy_wh: Annotated[int, Field(description="still to come")]
    unmet_wh: int
    cost_minor: Annotated[Minor, Field(description="what the session will come to by its tariff, with tax, about")]
    energy_cost_minor: Annotated[int | None, Field(description="what that energy costs the site; null: not known")]
    currency: Annotated[str, Field(description="of energy_cost_minor")]
    carbon_g: int | None
    source: Annotated[str, Field(description="where energy's price and carbon came from")]
    waits_for: Annotated[
        WaitReason | None,
        Field(description="why it does not charge at once, or is ready later for an event; null: neither is so"),
    ]
