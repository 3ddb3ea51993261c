"""Models of drivers' cars: a value is never shown without the car's time of it and its age."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chalicelib.domain.vehicles.capability import Capability
from chalicelib.handlers.http.fields import RequestBody, ResponseBody, example, secret
from chalicelib.records.vehicles import PositionSharing
from chalicelib.services.vehicles.garage import CarStanding

SCOPE = {"name": "read_battery", "opens": ["percent", "battery_wh"], "means": "how full the battery is, and its size"}
MAKER: dict[str, Any] = {"maker": "smartcar", "can": ["percent", "plugged", "start_stop"], "scopes": [SCOPE]}
CAR: dict[str, Any] = {
    "vehicle_id": "5c2f0f5e-6a38-4d0e-9f6e-0c6a7c1d2b3a",
    "name": "Tesla Model 3 2022",
    "maker": "smartcar",
    "standing": "linked",
    "can": ["percent", "plugged", "start_stop"],
    "battery_wh": 60000,
    "position_sharing": "none",
    "percent": {"value": 42, "at": "2026-11-21T18:02:11Z", "age_s": 65, "is_fresh": True},
    "limit_percent": None,
    "is_plugged": {"value": True, "at": "2026-11-21T18:02:11Z", "age_s": 65, "is_fresh": True},
    "charging": {"value": "stopped", "at": "2026-11-21T18:02:11Z", "age_s": 65, "is_fresh": True},
    "position": None,
}
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class ScopeView(ResponseBody):
    """One thing that a driver is asked to allow at the maker, and in plain words what it is for."""

    model_config = example(**SCOPE)
    name: str
    opens: list[Capability]
    means: str


class MakerView(ResponseBody):
    """A maker that cars can be linked to, and what its cars can at best."""

    model_config = example(**MAKER)
    maker: str
    can: list[Capability]
    scopes: list[ScopeView]


class MakerList(ResponseBody):
    """All makers that cars can be linked to here."""

    model_config = example(items=[MAKER])
    items: list[MakerView]


class NewCar(RequestBody):
    """A car that is added by hand: its driver says how full it is."""

    model_config = RequestBody.model_config | example(name="My Zoe", battery_wh=52000)
    name: Name
    battery_wh: Annotated[int, Field(ge=1000, le=1_500_000)] | None = None


class NewCarLink(RequestBody):
    """Which maker to link a car at, and how much of its position is shared (its own consent, none by default)."""

    model_config = RequestBody.model_config | example(maker="smartcar", position_sharing="none")
    maker: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
    position_sharing: PositionSharing = PositionSharing.NONE


class BegunLinkView(ResponseBody):
    """Where the driver goes to allow it, and until when they may be back."""

    model_config = example(
        url="https://connect.smartcar.com/oauth/authorize?…",
        state="o7h1…",
        expires_at="2026-11-21T18:12:00Z",
        scopes=[SCOPE],
    )
    url: str
    state: str
    expires_at: datetime
    scopes: list[ScopeView]


class CarLinkAnswer(RequestBody):
    """What the maker's door said when it sent the driver back: parameters of the address that they came to.

    Some makers say `user_id` in the place of `code`.
    """

    model_config = RequestBody.model_config | example(state="o7h1…", code="4f5a…")
    state: Annotated[str, secret(1, 200)]
    code: Annotated[str, secret(0, 2000)] = ""
    user_id: Annotated[str, secret(0, 200)] = ""
    error: Annotated[str, StringConstraints(max_length=200)] = ""


class TimedView(ResponseBody):
    """A value, the car's own time of it, how old it is, and whether it may pass for now."""

    value: Any
    at: datetime
    age_s: int
    is_fresh: bool


class PlaceView(ResponseBody):
    """Where a car was, as precise as its driver shares it."""

    latitude: float
    longitude: float


class CarView(ResponseBody):
    """A car as its driver sees it; what it never said is null."""

    model_config = example(**CAR)
    vehicle_id: str
    name: str
    maker: str
    standing: Annotated[
        CarStanding, Field(description="`link_broken`: link it again; `maker_gone`: nobody here speaks with its maker")
    ]
    can: list[Capability]
    battery_wh: int | None
    position_sharing: PositionSharing
    percent: TimedView | None
    limit_percent: TimedView | None
    is_plugged: TimedView | None
    charging: TimedView | None
    position: TimedView | None


class CarList(ResponseBody):
    """All cars of the driver, in the order they were added."""

    model_config = example(items=[CAR])
    items: list[CarView]


KEPT_CAR: dict[str, Any] = {
    "vehicle_id": CAR["vehicle_id"],
    "name": CAR["name"],
    "maker": "smartcar",
    "id_at_maker": "36ab27d0-fd9d-4455-823a-ce30af709ffc",
    "added_at": "2026-11-20T18:00:00Z",
    "battery_wh": 60000,
    "position_sharing": "none",
    "told": {"percent": {"value": 42, "at": "2026-11-21T18:02:11Z"}},
    "wish": None,
    "night": None,
}


class KeptCar(ResponseBody):
    """All that is kept of a car: what it last told of each thing, under the names that are used here."""

    model_config = example(**KEPT_CAR)
    vehicle_id: str
    name: str
    maker: str
    id_at_maker: str
    added_at: datetime
    battery_wh: int | None
    position_sharing: PositionSharing
    told: dict[str, Any]
    wish: Annotated[dict[str, Any] | None, Field(description="what was wished of it")]
    night: Annotated[dict[str, Any] | None, Field(description="its night at a plug, this one or the last")]


class CarPercent(RequestBody):
    """How full the car is, now, as its driver reads it."""

    model_config = RequestBody.model_config | example(percent=42)
    percent: Annotated[int, Field(ge=0, le=100)]


class CarPosition(RequestBody):
    """How much is kept of where the car is, for seven days: nothing, to about a kilometre, or as the car says it."""

    model_config = RequestBody.model_config | example(sharing="coarse")
    sharing: PositionSharing


class Unlinked(ResponseBody):
    """The car is gone here and at its maker; where `withdraw_at` is set, only the driver can take the rest back."""

    model_config = example(withdraw_at=None)
    withdraw_at: str | None


class HeardCars(ResponseBody):
    """The answer to a maker's webhook; `challenge` proves to one that asks that its secret is known here."""

    model_config = example(challenge=None)
    challenge: str | None = None
