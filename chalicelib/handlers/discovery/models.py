"""Models of discovery: what a search asks and answers, as the API has it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.handlers.chargers.models import OpeningHoursBody
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import ResponseBody
from chalicelib.handlers.pricing.models import Prices


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


_FOUND: dict[str, Any] = {
    "charger_id": "DEMO-16",
    "operator_id": "demo",
    "site_id": "harbour",
    "site_name": "Harbour car park",
    "address": "Hafenstrasse 1, Hamburg",
    "latitude": 53.5437,
    "longitude": 9.9924,
    "online": True,
    "is_metered": True,
    "available": 1,
    "connectors": [{"connector": "1", "kind": "ccs2", "max_power_w": 150000, "status": "available", "available": True}],
    "prices": examples.PRICES,
    "distance_m": 420,
    "eta_s": 71,
    "eta_is_estimate": True,
    "along_m": None,
}


class FoundConnector(ResponseBody):
    """A connector as it is now; `available` when somebody could plug in there."""

    connector: str
    kind: PlugType
    max_power_w: int
    status: ConnectorStatus
    available: bool


class FoundCharger(ResponseBody):
    """A charger that fits. `along_m` is where on the way it lies, for a search along a way."""

    model_config = ResponseBody.model_config | _example(**_FOUND)
    charger_id: str
    operator_id: str
    site_id: str
    site_name: str
    address: str
    latitude: float
    longitude: float
    online: bool
    is_metered: Annotated[bool, Field(description="false: it does not measure energy, and sells none by app")]
    available: Annotated[int, Field(description="how many of its connectors somebody could plug in now")]
    connectors: list[FoundConnector]
    prices: Prices | None
    distance_m: int
    eta_s: int
    eta_is_estimate: Annotated[bool, Field(description="no map was asked: as the crow flies, lengthened as roads do")]
    along_m: int | None


class FoundPage(ResponseBody):
    """A page of a search: the nearest first, or in the order of the way; ask again with `cursor` for more."""

    model_config = ResponseBody.model_config | _example(items=[_FOUND], next_cursor=None)
    items: list[FoundCharger]
    next_cursor: str | None


class SiteCharger(ResponseBody):
    """One of a site's chargers."""

    charger_id: str
    online: bool
    available: int
    connectors: list[FoundConnector]


class SiteView(ResponseBody):
    """A site and all that stands there."""

    model_config = ResponseBody.model_config | _example(
        site_id="harbour",
        operator_id="demo",
        name="Harbour car park",
        address="Hafenstrasse 1, Hamburg",
        latitude=53.5437,
        longitude=9.9924,
        time_zone="Europe/Berlin",
        opening_hours=examples.SITE["opening_hours"],
        is_open=True,
        prices=examples.PRICES,
        chargers=[{"charger_id": "DEMO-16", "online": True, "available": 1, "connectors": _FOUND["connectors"]}],
    )
    site_id: str
    operator_id: str
    name: str
    address: str
    latitude: float | None
    longitude: float | None
    time_zone: str
    opening_hours: OpeningHoursBody | None
    is_open: Annotated[bool | None, Field(description="null: nobody said when it is")]
    prices: Prices | None
    chargers: list[SiteCharger]
