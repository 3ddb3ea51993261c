"""Models of the registry: the sites and chargers an operator registers, and how they are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from chalicelib.domain.chargers.events import ConnectorStatus
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
from chalicelib.records.chargers import Admission, PasswordSource, PlugType


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


class SiteBody(RequestBody):
    """A site: a place with one grid connection."""

    model_config = RequestBody.model_config | example(
        name="Harbour car park", address="Hafenstrasse 1, Hamburg", time_zone="Europe/Berlin", tariff_id="standard"
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
    metering: Annotated[
        MeteringCapability, Field(description="what its charges can be billed by, as its settings tell")
    ]


class RegisteredChargers(ResponseBody):
    """All of an operator's chargers."""

    model_config = example(**examples.REGISTERED)
    items: list[RegisteredCharger]


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
    site_id: str
    site_name: str
    address: str
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
