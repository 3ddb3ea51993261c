"""Models of cars' nights: what a driver wishes of a car, what is planned of it, and at which session it hangs."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, StringConstraints

from chalicelib.domain.pricing.tariff import Day
from chalicelib.domain.vehicles.controller import Controller, ControlRule
from chalicelib.domain.vehicles.dispatch import Act, Stage
from chalicelib.domain.vehicles.match import MatchState
from chalicelib.handlers.grid.energy_models import CarbonBody, FixedPrice, Market, TimeOfUse
from chalicelib.handlers.http.fields import Currency, RequestBody, ResponseBody, example

WallTime = Annotated[time, PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str, when_used="json")]
VehicleId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_WISH: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "ready_by": [{"day": "MONDAY", "at": "07:30", "percent": 80}],
    "least_percent": 20,
    "home": {"latitude": 52.52, "longitude": 13.4},
    "prices": {"currency": "EUR", "price": {"kind": "market", "source": "entsoe", "zone": "10Y1001A1001A82H"}},
    "power_w": 11000,
    "waits_unguarded": False,
    "quiet_from": "22:00",
    "quiet_until": "06:30",
}
_MATCH: dict[str, Any] = {
    "session_id": "KQ2M4V7XJ3RZ8N5TWB",
    "vehicle_id": "5c2f0f5e-6a38-4d0e-9f6e-0c6a7c1d2b3a",
    "state": "guessed",
    "at": "2026-11-21T18:02:20Z",
}
_NIGHT: dict[str, Any] = {
    "plugged_at": "2026-11-21T18:02:11Z",
    "ended_at": None,
    "number": 3,
    "departs_at": "2026-11-22T06:30:00Z",
    "percent": 80,
    "controller": "car",
    "rule": "own_schedule_beneath",
    "charges_now": False,
    "starts_at": "2026-11-22T00:15:00Z",
    "ready_at": "2026-11-22T03:40:00Z",
    "energy_wh": 24000,
    "unmet_wh": 0,
    "cost_micros": 3120000,
    "currency": "EUR",
    "carbon_g": 4100,
    "renewable_permille": 612,
    "saved_micros": 1980000,
    "saved_g": 900,
    "orders": [{"act": "schedule", "stage": "confirmed", "attempts": 1}],
}


class ReadyByBody(RequestBody):
    """To be so full at that time of that day, by the clock on the wall."""

    day: Day
    at: WallTime
    percent: Annotated[int, Field(ge=1, le=100)]


class HomeBody(RequestBody):
    """Where home is: a car further away than about a kilometre waits for nothing."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class HomePricesBody(RequestBody):
    """What a kWh costs at home, and whose carbon counts there."""

    currency: Currency
    price: Annotated[FixedPrice | TimeOfUse | Market, Field(discriminator="kind")]
    carbon: CarbonBody | None = None


class CarWishBody(RequestBody):
    """What a driver wishes of a car. What is left out is as if it had never been said."""

    model_config = RequestBody.model_config | example(**_WISH)
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    ready_by: Annotated[tuple[ReadyByBody, ...], Field(max_length=7, description="one for each day at most")] = ()
    least_percent: Annotated[int, Field(ge=0, le=100, description="up to here it charges at once")] = 20
    home: HomeBody | None = None
    prices: Annotated[HomePricesBody | None, Field(description="null: nothing waits for cheaper hours")] = None
    power_w: Annotated[int, Field(ge=1_000, le=43_000, description="what the plug at home gives")] = 7_400
    waits_unguarded: Annotated[
        bool, Field(description="it may wait though it keeps no schedule of its own to begin by, should we fall silent")
    ] = False
    quiet_from: Annotated[WallTime | None, Field(description="from then nobody is told what can wait")] = time(22)
    quiet_until: WallTime | None = time(6, 30)


class CarWishView(ResponseBody):
    """What is kept of a driver's wishes for a car."""

    model_config = example(**{**_WISH, "prices": True})
    time_zone: str
    ready_by: list[ReadyByBody]
    least_percent: int
    home: HomeBody | None
    prices: Annotated[bool, Field(description="whether prices at home are known")]
    power_w: int
    waits_unguarded: bool
    quiet_from: WallTime | None
    quiet_until: WallTime | None


class CarOrderView(ResponseBody):
    """One thing that was to be brought about, and how far it has come."""

    act: Act
    stage: Stage
    attempts: int


class CarNightView(ResponseBody):
    """A car's night at a plug: who alone carries it out and by which rule, what is planned, what that comes to."""

    model_config = example(**_NIGHT)
    plugged_at: datetime
    ended_at: datetime | None
    number: Annotated[int, Field(description="counts plans; 0: none yet")]
    departs_at: datetime | None
    percent: int | None
    controller: Controller | None
    rule: ControlRule | None
    charges_now: bool
    starts_at: datetime | None
    ready_at: Annotated[datetime | None, Field(description="null: it will lack `unmet_wh` by then, or no plan is made")]
    energy_wh: int | None
    unmet_wh: int | None
    cost_micros: Annotated[int | None, Field(description="millionths of `currency`")]
    currency: str | None
    carbon_g: int | None
    renewable_permille: int | None
    saved_micros: Annotated[int | None, Field(description="against charging at once; may be below 0")]
    saved_g: int | None
    orders: list[CarOrderView]


class CarMatchView(ResponseBody):
    """Which of the driver's cars hangs at a session; `guessed` counts for nothing until it is confirmed."""

    model_config = example(**_MATCH)
    session_id: str
    vehicle_id: str
    state: MatchState
    at: datetime


class CarMatchList(ResponseBody):
    """All that is known, or guessed, of the driver's sessions under way."""

    model_config = example(items=[_MATCH])
    items: list[CarMatchView]


class CarAtSession(RequestBody):
    """Which car it is."""

    model_config = RequestBody.model_config | example(vehicle_id=_MATCH["vehicle_id"])
    vehicle_id: VehicleId
