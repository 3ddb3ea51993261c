"""What the routes of demand response take and answer: events, contracts of sites, reports. Power is in watts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from chalicelib.domain.grid.demand_response import USUAL_ASK, AskKind, DemandAsk
from chalicelib.handlers.grid.models import Watts
from chalicelib.handlers.http.fields import Id, RequestBody, ResponseBody, example, secret
from chalicelib.records.grid import OpenAdrVersion as Version

_MOST_INTERVALS, _MOST_SITES, _MOST_AREAS = 96, 1000, 50
_LATEST_START_S = 3600
_AT, _UNTIL = "2026-11-30T17:00:00Z", "2026-11-30T19:00:00Z"
Program = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
Permille = Annotated[int, Field(ge=0, le=1000)]
_INTERVAL: dict[str, Any] = {
    "begins_at": _AT,
    "ends_at": _UNTIL,
    "kind": "relative",
    "level": None,
    "permille": 200,
    "power_w": None,
}
_EVENT: dict[str, Any] = {
    "program": "evening-peak",
    "intervals": [_INTERVAL],
    "site_ids": [],
    "areas": ["hamburg-north"],
    "random_start_s": 0,
}
_CONTRACT: dict[str, Any] = {
    "programs": ["evening-peak"],
    "areas": ["hamburg-north"],
    "level_permille": [200, 500, 1000],
    "floor_w": 4200,
}
_SERVER: dict[str, Any] = {
    "url": "https://vtn.example.com/openadr3/3.1.0",
    "version": "3.1.0",
    "client_id": "kerb",
    "ven_name": "kerb-harbour",
    "token_url": "",
    "programs": [],
}
_QUARTER: dict[str, Any] = {"begins_at": _AT, "baseline_w": 22000, "drawn_w": 17500, "delivered_w": 4500}


class IntervalBody(RequestBody):
    """What is asked between two moments; a fifth less than would have been drawn, where nothing else is said."""

    begins_at: AwareDatetime
    ends_at: AwareDatetime
    kind: Annotated[
        AskKind,
        Field(
            description="`relative`: permille less than cars would have drawn; `cap` and `setpoint`: power_w for the "
            "cars of all sites together; `import_limit`: power_w of each site, building included; `load_control`: "
            "permille of what its ports can draw; `level`: 0 to 3, as each contract has it"
        ),
    ] = AskKind.RELATIVE
    level: Annotated[int | None, Field(ge=0, le=3)] = None
    permille: Permille | None = None
    power_w: Watts | None = None

    @property
    def ask(self) -> DemandAsk:
        """What is asked. Raises ValueError for one that says too much or too little."""
        if self.kind is AskKind.RELATIVE and (self.level, self.permille, self.power_w) == (None, None, None):
            return USUAL_ASK
        return DemandAsk(kind=self.kind, level=self.level, permille=self.permille, power_w=self.power_w)

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.ends_at <= self.begins_at:
            raise ValueError("ends before it begins")
        # Whatever is wrong with it is said.
        _ = self.ask
        return self


class EventBody(RequestBody):
    """A demand response event. Where neither sites nor areas are named it is for all that take part."""

    model_config = RequestBody.model_config | example(**_EVENT)
    program: Program
    intervals: Annotated[list[IntervalBody], Field(min_length=1, max_length=_MOST_INTERVALS)]
    site_ids: Annotated[tuple[Id, ...], Field(max_length=_MOST_SITES)] = ()
    areas: Annotated[tuple[Id, ...], Field(max_length=_MOST_AREAS)] = ()
    random_start_s: Annotated[
        int, Field(ge=0, le=_LATEST_START_S, description="each site begins later by a part of that, its own")
    ] = 0


class IntervalView(ResponseBody):
    """What is asked between two moments."""

    begins_at: datetime
    ends_at: datetime
    kind: AskKind
    level: int | None
    permille: int | None
    power_w: int | None


class EventView(ResponseBody):
    """A demand response event, as it was told last."""

    model_config = example(
        event_id="peak-1",
        **_EVENT,
        source="api",
        revision=1,
        told_at=_AT,
        told_by="key:3f1c",
        cancelled_at=None,
    )
    event_id: str
    program: str
    intervals: list[IntervalView]
    site_ids: list[str]
    areas: list[str]
    random_start_s: int
    source: Annotated[str, Field(description="`api`, or the OpenADR server that it came from")]
    revision: Annotated[int, Field(description="one more each time that something else was asked")]
    told_at: datetime
    told_by: str
    cancelled_at: datetime | None


class EventPage(ResponseBody):
    """Demand response events by their ids, the last first."""

    model_config = example(
        items=[EventView.model_config["json_schema_extra"]["examples"][0]],  # type: ignore[index]
        next_cursor=None,
    )
    items: list[EventView]
    next_cursor: str | None


class ContractBody(RequestBody):
    """What a site agrees to."""

    model_config = RequestBody.model_config | example(**_CONTRACT)
    programs: Annotated[tuple[Program, ...], Field(max_length=50, description="whose events; none: all of them")] = ()
    areas: Annotated[tuple[Id, ...], Field(max_length=_MOST_AREAS, description="names by which it is meant too")] = ()
    level_permille: Annotated[
        tuple[Permille, Permille, Permille], Field(description="how much less levels 1, 2 and 3 are")
    ] = (200, 500, 1000)
    floor_w: Annotated[Watts, Field(description="its cars keep that in any case")] = 0


class ContractView(ResponseBody):
    """What a site agreed to."""

    model_config = example(site_id="harbour", **_CONTRACT, rated_w=22080, signed_at=_AT)
    site_id: str
    programs: list[str]
    areas: list[str]
    level_permille: tuple[int, int, int]
    floor_w: int
    rated_w: Annotated[int, Field(description="what its ports can draw, by which it has its part of a cap for several")]
    signed_at: datetime


class QuarterView(ResponseBody):
    """A quarter of an hour, on its average; of its minutes those count in which the event held."""

    begins_at: datetime
    baseline_w: Annotated[int, Field(description="what cars would have drawn without the event")]
    drawn_w: Annotated[int, Field(description="what they drew, by their meters")]
    delivered_w: Annotated[int, Field(description="the difference")]


class SiteDeliveryView(ResponseBody):
    """What a site delivered."""

    site_id: str
    quarters: list[QuarterView]


class UtilityLinkBody(RequestBody):
    """A utility's OpenADR 3 server, and who we are there."""

    model_config = RequestBody.model_config | example(**_SERVER, client_secret="4d7c0f1e")
    url: Annotated[str, Field(max_length=500, description="where the paths `/programs` and `/events` begin")]
    version: Version = Version.V3_1_0
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    client_secret: Annotated[str, secret(1, 500)]
    ven_name: Annotated[str, Field(min_length=1, max_length=128)]
    token_url: Annotated[str, Field(max_length=500, description="empty: where the server says")] = ""
    programs: Annotated[tuple[Program, ...], Field(max_length=50, description="by name; none: all of them")] = ()


class UtilityLinkView(ResponseBody):
    """A utility's server, never the secret; and what it said when it was asked last."""

    model_config = example(**_SERVER, heard_at=_AT, fault="", events=["openadr-0d2f"])
    url: str
    version: str
    client_id: str
    ven_name: str
    token_url: str
    programs: list[str]
    heard_at: Annotated[datetime | None, Field(description="when it last had something else to say; null: never")]
    fault: Annotated[str, Field(description="why it could not be asked; empty: it could")]
    events: Annotated[list[str], Field(description="its events, by their ids among the operator's own")]


class DemandReportView(ResponseBody):
    """What an event delivered: all sites together, and a page of them one by one, by their ids."""

    model_config = example(
        event_id="peak-1",
        quarters=[_QUARTER],
        sites=[{"site_id": "harbour", "quarters": [_QUARTER]}],
        site_count=1,
        next_cursor=None,
    )
    event_id: str
    quarters: list[QuarterView]
    sites: list[SiteDeliveryView]
    site_count: int
    next_cursor: str | None
