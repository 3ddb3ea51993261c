"""Models of charging preferences: what a driver wants of a charge, what becomes of that, and what was saved."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from chalicelib.domain.charging.preferences import ChargingProfile, WaitReason
from chalicelib.handlers.http.fields import Minor, RequestBody, ResponseBody, example
from chalicelib.services.grid.driver_preferences import PreferencesResult

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
    waits_for: Annotated[WaitReason | None, Field(description="why it does not charge at once; null: it does")]
