"""Models of the registry: the sites and chargers an operator registers, and how they are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.chargers.opening_hours import ExceptionalPeriod, OpeningHours, RegularHours
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.pricing.wall_clock import is_zone
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import (
    Connector,
    Id,
    RequestBody,
    ResponseBody,
    all_different,
    example,
    secret,
)
from chalicelib.handlers.pricing.models import Prices
from chalicelib.records.chargers import Admission, PasswordSource


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError("is no time zone of the IANA database, such as Europe/Berlin")
    return name


TimeZone = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*$", max_length=64),
    AfterValidator(_known_zone),
]
# OCPP 1.6's parentIdTag holds no more.
Group = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*\-_=:+|@.]{1,20}$")]


HourOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]


class RegularHoursBody(RequestBody):
    """Open on that day of the week (1: Monday) between two times of the site's clock."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    period_begin: HourOfDay
    period_end: HourOfDay


class ExceptionalPeriodBody(RequestBody):
    """Open or closed once."""

    period_begin: AwareDatetime
    period_end: AwareDatetime


class OpeningHoursBody(RequestBody):
    """Opening hours as OCPI has them; a closing beats an opening, and both beat what is regular."""

    twentyfourseven: bool
    regular_hours: Annotated[list[RegularHoursBody], Field(max_length=50, default_factory=list)]
    exceptional_openings: Annotated[list[ExceptionalPeriodBody], Field(max_length=50, default_factory=list)]
    exceptional_closings: Annotated[list[ExceptionalPeriodBody], Field(max_length=50, default_factory=list)]

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        opening_hours(self)
        return self


def opening_hours(body: OpeningHoursBody) -> OpeningHours:
    """Opening hours as kept. Raises ValueError for what no clock shows."""
    return OpeningHours(
        twentyfourseven=body.twentyfourseven,
        regular_hours=tuple(RegularHours(**it.model_dump()) for it in body.regular_hours),
        exceptional_openings=tuple(ExceptionalPeriod(**it.model_dump()) for it in body.exceptional_openings),
        exceptional_closings=tuple(ExceptionalPeriod(**it.model_dump()) for it in body.exceptional_closings),
    )


class SiteSummary(ResponseBody):
    """Where a charger is, and when one may come; `is_open` null: nobody said."""

    model_config = example(**examples.SITE)
    site_id: str
    name: str
    address: str
    latitude: float | None
    longitude: float | None
    time_zone: str
    opening_hours: OpeningHoursBody | None
    is_open: bool | None


class SiteBody(RequestBody):
    """A site: a place with one grid connection."""

    model_config = RequestBody.model_config | example(
        name="Harbour car park",
        address="Hafenstrasse 1, Hamburg",
        time_zone="Europe/Berlin",
        tariff_id="standard",
        country="DE",
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    address: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    time_zone: TimeZone
    tariff_id: Id
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    is_load_managed: Annotated[
        bool, Field(description="its power is shared out: chargers are asked for current and power by phase")
    ] = False
    opening_hours: OpeningHoursBody | None = None
    country: Annotated[
        str,
        StringConstraints(pattern=r"^([A-Z]{2})?$"),
        Field(description="ISO 3166 alpha-2: its measuring law counts; empty: that of its time zone"),
    ] = ""


class PlugBody(RequestBody):
    """A plug: what a connector offers a car."""

    connector: Connector
    kind: PlugType = PlugType.UNKNOWN
    max_power_w: Annotated[
        int,
        Field(ge=0, le=20_000_000, description="the most it gives: no more than that can have flowed, or is billed"),
    ] = 0


class ChargerBody(RequestBody):
    """A charger's place, plugs and password; leave the password out to keep it."""

    model_config = RequestBody.model_config | example(
        site_id="harbour",
        connectors=["1", "2"],
        plugs=[{"connector": "1", "kind": "ccs2", "max_power_w": 150000}],
        password="at-least-12-characters",
    )
    site_id: Id
    connectors: Annotated[list[Connector], Field(min_length=1, max_length=64), AfterValidator(all_different)]
    plugs: Annotated[list[PlugBody], Field(max_length=64, default_factory=list)]
    password: Annotated[str, secret(12, 64)] | None = None
    security_profile: Annotated[
        int, Field(ge=0, le=3, description="OCPP's: 0 nothing, 1 and 2 the password, 3 a certificate")
    ] = 1
    keeps_list: Annotated[bool, Field(description="keep the charger's own list of RFID tokens up to date")] = False
    has_main_meter: Annotated[bool, Field(description="it measures itself as a whole too")] = False
    has_card_terminal: Annotated[
        bool, Field(description="it takes cards itself: who pays there charges (2.1 DirectPayment, NotifySettlement)")
    ] = False
    blocked: Annotated[bool, Field(description="let it in no more")] = False


class RegisteredCharger(ResponseBody):
    """A charger as its operator sees it in a list."""

    charger_id: str
    site_id: str
    admission: Admission
    security_profile: int
    password_from: Annotated[
        PasswordSource,
        Field(description="charger: whoever came by this name first brought it; accepted as it is, that one counts"),
    ]
    keeps_list: bool
    connectors: list[str]
    online: bool
    protocol: str | None
    connected_at: datetime | None
    vendor: str | None
    model: str | None
    firmware: str | None
    has_main_meter: bool
    has_card_terminal: bool
    metering: Annotated[
        MeteringCapability, Field(description="what its charges can be billed by, as its settings tell")
    ]


class RegisteredChargers(ResponseBody):
    """Some of an operator's chargers, by id; ask again with `cursor` for more."""

    model_config = example(**examples.REGISTERED, next_cursor=None)
    items: list[RegisteredCharger]
    next_cursor: str | None


class ConnectorView(ResponseBody):
    """A connector and what it does."""

    connector: str
    kind: PlugType
    max_power_w: int
    status: ConnectorStatus
    status_at: datetime | None
    error: str
    in_use: bool


class ChargerView(ResponseBody):
    """A charger as anyone may see it."""

    model_config = example(**examples.CHARGER)
    charger_id: str
    operator_id: str
    site_id: str
    site_name: str
    address: str
    site: SiteSummary
    online: bool
    metering: Annotated[MeteringCapability, Field(description="`none`: it does not measure energy, and sells none")]
    connectors: list[ConnectorView]
    prices: Prices


class CorrectionView(ResponseBody):
    """A correction of a bill: what its driver pays in all at the most, by whose word and why.

    `is_settled`: it is booked, and what was paid beyond it has gone back.
    """

    total_minor: int
    by: str
    at: datetime
    note: str
    waived_minor: int
    is_settled: bool


class SettlementView(ResponseBody):
    """What the charger's own card terminal took; nothing else is charged for the session."""

    psp_ref: str
    amount_minor: int
    at: datetime
    receipt_id: str
    receipt_url: str
