"""Models of tariffs, in OCPI's words (2.2.1 and 2.3.0, module Tariffs); plain prices may come in five fields."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer, StringConstraints, model_validator

from chalicelib.domain.pricing.tariff import Day, Priced, ReservationRestriction
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import Currency, Minor, Percent, Price, RequestBody, ResponseBody, example

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
# kWh, A and kW down to the whole Wh, mA and W.
Thousandths = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000, decimal_places=3),
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str, when_used="json"),
]
Seconds = Annotated[int, Field(ge=0, le=31_536_000)]


class PriceComponentBody(RequestBody):
    """One price, before tax unless `tax_included`: per kWh, per hour, or once. `step_size` in Wh or seconds."""

    type: Priced
    price: Price
    vat: Percent | None = None
    step_size: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class RestrictionsBody(RequestBody):
    """When an element applies; times and dates are the site's."""

    start_time: ClockTime | None = None
    end_time: ClockTime | None = None
    start_date: date | None = None
    end_date: Annotated[date | None, Field(description="exclusive")] = None
    min_kwh: Thousandths | None = None
    max_kwh: Thousandths | None = None
    min_current: Annotated[Thousandths | None, Field(description="A, the sum of all phases")] = None
    max_current: Thousandths | None = None
    min_power: Annotated[Thousandths | None, Field(description="kW")] = None
    max_power: Thousandths | None = None
    min_duration: Annotated[Seconds | None, Field(description="seconds since the session began")] = None
    max_duration: Seconds | None = None
    day_of_week: Annotated[list[Day], Field(max_length=7, default_factory=list)]
    reservation: ReservationRestriction | None = None


class ElementBody(RequestBody):
    """Prices that apply together. For each dimension the first element that applies has the price."""

    price_components: Annotated[list[PriceComponentBody], Field(min_length=1, max_length=4)]
    restrictions: RestrictionsBody | None = None


class PriceLimitBody(RequestBody):
    """A bound for a whole session; OCPI 2.2.1's names are understood too."""

    before_taxes: Annotated[Price | None, Field(validation_alias=AliasChoices("before_taxes", "excl_vat"))] = None
    after_taxes: Annotated[Price | None, Field(validation_alias=AliasChoices("after_taxes", "incl_vat"))] = None


# An OCPI Tariff says whose it is, how it is shown and when it holds; here its path, its site and its operator say that.
_OCPI_ONLY = (
    "country_code",
    "party_id",
    "id",
    "type",
    "tariff_alt_text",
    "tariff_alt_url",
    "start_date_time",
    "end_date_time",
    "energy_mix",
    "last_updated",
)
# OCPI 2.3.0, TaxIncluded.
_TAX_INCLUDED = {"YES": True, "NO": False, "N/A": False}


def _tax_included(value: object) -> object:
    return _TAX_INCLUDED.get(value, value) if isinstance(value, str) else value


_SIMPLE = ("price_per_kwh", "price_per_minute", "idle_price_per_minute", "flat_price", "tax_percent")


class TariffBody(RequestBody):
    """Prices in major units of the currency: `elements` as OCPI has them, or the plain ones, which always apply.

    An OCPI Tariff object is taken as it is. What it says of itself (`id`, `country_code`, `party_id`, `type`,
    `tariff_alt_text`, `tariff_alt_url`, `start_date_time`, `end_date_time`, `energy_mix`, `last_updated`) is not kept:
    a site's tariff holds as long as it is that site's.
    """

    model_config = RequestBody.model_config | example(
        name="Standard",
        currency="EUR",
        price_per_kwh="0.45",
        idle_price_per_minute="0.05",
        tax_percent="19",
        hold_minor=5000,
    )
    name: Annotated[
        str | None, StringConstraints(min_length=1, max_length=100), Field(description="the tariff's id if left out")
    ] = None
    currency: Annotated[Currency, Field(description="of ISO 4217, and one that Stripe takes cards in")]
    price_per_kwh: Price | None = None
    price_per_minute: Annotated[Price | None, Field(description="while charging; never while the car stands")] = None
    idle_price_per_minute: Annotated[
        Price | None, Field(description="plugged in and not charging, before, between and after, until unplugged")
    ] = None
    flat_price: Price | None = None
    tax_percent: Percent | None = None
    elements: Annotated[list[ElementBody], Field(max_length=100, default_factory=list)]
    min_price: PriceLimitBody | None = None
    max_price: PriceLimitBody | None = None
    tax_included: Annotated[
        bool,
        BeforeValidator(_tax_included),
        Field(description="prices are what the driver pays, tax and all; OCPI's YES, NO and N/A will do"),
    ] = False
    hold_minor: Annotated[
        int | None,
        Field(gt=0, le=100_000_000, description="5000 if left out, or what preauthorize_amount comes to"),
    ] = None
    preauthorize_amount: Annotated[Price | None, Field(description="OCPI's word for a hold, in major units")] = None
    cap_minor: Annotated[
        int | None,
        Field(gt=0, le=100_000_000, description="the most that one charge takes unasked; the platform's if left out"),
    ] = None
    idle_grace_s: Annotated[
        int,
        Field(ge=0, le=86_400, description="idle for less costs nothing, for longer from its start"),
    ] = 300

    @model_validator(mode="before")
    @classmethod
    def _of_ocpi(cls, body: Any) -> Any:
        return {name: it for name, it in body.items() if name not in _OCPI_ONLY} if isinstance(body, dict) else body

    @model_validator(mode="after")
    def _one_way_or_the_other(self) -> Self:
        plain = [name for name in _SIMPLE if getattr(self, name) is not None]
        if self.elements and plain:
            raise ValueError(f"give elements or {plain[0]}, not both")
        return self


class Prices(ResponseBody):
    """What charging costs, in major units: `now` for a charge that begins at this moment, `elements` at any time."""

    model_config = example(**examples.PRICES)
    tariff_id: str
    name: str
    currency: str
    tax_included: bool
    now: list[PriceComponentBody]
    elements: list[ElementBody]
    min_price: PriceLimitBody | None
    max_price: PriceLimitBody | None
    hold_minor: Minor
    cap_minor: Annotated[int, Field(description="the most that one charge takes without your being asked again")]
    idle_grace_s: int
