"""What the routes of energy contracts take and answer. Prices are decimal text, of the contract's currency."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints

from chalicelib.domain.grid.signals import Guidance
from chalicelib.domain.pricing.tariff import Day
from chalicelib.handlers.http.fields import Currency, Percent, RequestBody, ResponseBody, example

_MOST_BANDS = 50
_LONGEST_CSV = 200_000
UnitPrice = Annotated[
    Decimal,
    Field(ge=-100, le=100, max_digits=9, decimal_places=6, description="for a kWh, before tax; may be below nothing"),
    PlainSerializer(lambda price: f"{price:f}", return_type=str, when_used="json"),
]
Charge = Annotated[
    Decimal,
    Field(ge=0, le=10_000, max_digits=11, decimal_places=6),
    PlainSerializer(lambda price: f"{price:f}", return_type=str, when_used="json"),
]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{2,32}$")]
# A program is called what its utility calls it; what a publisher's zones look like that source says.
ZoneName = Annotated[str, StringConstraints(pattern=r"^[^#\x00-\x1f\x7f]{1,128}$")]


def _quarter(at: time) -> time:
    if at.tzinfo is not None or at.minute % 15 or at.second or at.microsecond:
        raise ValueError("is no quarter of an hour by the clock at the site")
    return at


QuarterTime = Annotated[
    time,
    AfterValidator(_quarter),
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str, when_used="json"),
]
_MARKET: dict[str, Any] = {"kind": "market", "source": "entsoe", "zone": "10Y1001A1001A82H"}
_CARBON: dict[str, Any] = {"source": "electricity_maps", "zone": "DE"}
_SOLAR: dict[str, Any] = {"peak_w": 30000, "latitude": 53.5437, "longitude": 9.9924, "tilt_deg": 30, "azimuth_deg": 0}
_ENERGY: dict[str, Any] = {
    "currency": "EUR",
    "price": _MARKET,
    "carbon": _CARBON,
    "carbon_price_per_kg": "0.1",
    "demand_charge_per_kw": "8.5",
    "guarantees_of_origin_percent": "50",
    "solar": _SOLAR,
}


class FixedPrice(RequestBody):
    """One price at all times."""

    kind: Literal["fixed"]
    price_per_kwh: UnitPrice


class Band(RequestBody):
    """A price by the clock at the site; what is left out is every day, every month, from midnight to midnight."""

    price_per_kwh: UnitPrice
    days: Annotated[tuple[Day, ...], Field(max_length=7)] = ()
    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(max_length=12)] = ()
    begins: QuarterTime | None = None
    ends: QuarterTime | None = None


class TimeOfUse(RequestBody):
    """Prices by the clock at the site: the first band that holds, or else `price_per_kwh`."""

    kind: Literal["time_of_use"]
    price_per_kwh: UnitPrice
    bands: Annotated[list[Band], Field(min_length=1, max_length=_MOST_BANDS)]


class Market(RequestBody):
    """The day-ahead prices of a zone, by the source's own name of it."""

    kind: Literal["market"]
    source: SourceName
    zone: ZoneName


class Uploaded(RequestBody):
    """Prices of your own. What is uploaded adds to what was, and replaces it where it names the same quarters."""

    kind: Literal["csv"]
    csv: Annotated[
        str | None,
        Field(
            max_length=_LONGEST_CSV,
            description="columns `begins_at` (ISO 8601 with an offset) and `price` (for a kWh), each until the next; "
            "null: what was uploaded before",
        ),
    ] = None


PriceBody = Annotated[FixedPrice | TimeOfUse | Market | Uploaded, Field(discriminator="kind")]


class CarbonBody(RequestBody):
    """Whose carbon of which zone. What is marginal (`watttime`) is planned by, and told on no receipt."""

    source: SourceName
    zone: ZoneName


class SolarBody(RequestBody):
    """The site's own solar modules, taken for one field of them."""

    peak_w: Annotated[int, Field(ge=1, le=100_000_000)]
    latitude: Annotated[float, Field(ge=-66, le=66)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    tilt_deg: Annotated[int, Field(ge=0, le=90, description="from level")] = 30
    azimuth_deg: Annotated[int, Field(ge=-180, le=180, description="0 is south, -90 east, 90 west")] = 0


class EnergyBody(RequestBody):
    """What a site's power costs and where it comes from."""

    model_config = RequestBody.model_config | example(**_ENERGY)
    currency: Currency
    price: PriceBody
    carbon: CarbonBody | None = None
    carbon_price_per_kg: Annotated[Charge, Field(description="what a kilogram of CO2 counts in plans")] = Decimal(0)
    demand_charge_per_kw: Annotated[Charge, Field(description="of the month's highest quarter of an hour")] = Decimal(0)
    guarantees_of_origin_percent: Annotated[
        Percent, Field(description="so much of it is renewable by contract, whatever the grid's mix is")
    ] = Decimal(0)
    solar: SolarBody | None = None


class FeedView(ResponseBody):
    """How a signal from outside stands."""

    source: str
    zone: str
    told_at: Annotated[datetime | None, Field(description="when its source last confirmed it; null: never")]
    age_s: int | None
    known_until: datetime | None
    failing_since: Annotated[datetime | None, Field(description="null: it was told when it was last asked")]
    failure: Annotated[str | None, Field(description="what went wrong last")]
    next_at: datetime | None


class OutlookView(ResponseBody):
    """The coming day by quarters of an hour; a row ends where nothing is known."""

    begins_at: datetime
    price_per_kwh: list[str]
    carbon_g_per_kwh: list[int]
    renewable_percent: list[str]
    marginal_g_per_kwh: list[int]
    solar_w: list[int]


class EnergyView(ResponseBody):
    """A site's energy contract, its signals, and what it goes by now."""

    model_config = example(
        currency="EUR",
        price=_MARKET,
        carbon=_CARBON,
        carbon_price_per_kg="0.1",
        demand_charge_per_kw="8.5",
        guarantees_of_origin_percent="50",
        solar=_SOLAR,
        changed_at="2026-11-30T12:00:00Z",
        guidance="plan",
        feeds=[
            {
                "source": "entsoe",
                "zone": "10Y1001A1001A82H",
                "told_at": "2026-11-30T17:45:10Z",
                "age_s": 890,
                "known_until": "2026-12-01T23:00:00Z",
                "failing_since": None,
                "failure": None,
                "next_at": "2026-11-30T18:45:10Z",
            }
        ],
        outlook={
            "begins_at": "2026-11-30T18:00:00Z",
            "price_per_kwh": ["0.14217", "0.13888"],
            "carbon_g_per_kwh": [190, 188],
            "renewable_percent": ["74.1", "74.3"],
            "marginal_g_per_kwh": [],
            "solar_w": [0, 0],
        },
    )
    currency: str
    price: PriceBody
    carbon: CarbonBody | None
    carbon_price_per_kg: Charge
    demand_charge_per_kw: Charge
    guarantees_of_origin_percent: Percent
    solar: SolarBody | None
    changed_at: datetime
    guidance: Annotated[
        Guidance, Field(description="stale for two hours: the last plan stands; for a day: power is shared without one")
    ]
    feeds: list[FeedView]
    outlook: OutlookView
