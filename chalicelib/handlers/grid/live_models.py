"""What an operator sees of a site's power now: nodes, ports, what they were granted, may draw and do draw, and why.

Currents are milliamperes in the site's own L1, L2 and L3.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chalicelib.domain.grid.grants import Trust
from chalicelib.domain.grid.obedience import Measure
from chalicelib.handlers.chargers.wait_models import PowerWaitView
from chalicelib.handlers.grid.models import AT, LIMIT
from chalicelib.handlers.http.fields import ResponseBody, example


class LimitView(ResponseBody):
    """A limit for a time."""

    limit_id: str
    node_id: str
    limit_w: int | None
    limit_ma: int | None
    begins_at: datetime
    ends_at: datetime
    told_by: str


class LoadView(ResponseBody):
    """What the building was last told to take; `is_old`: the configured worst case counts instead."""

    at: datetime
    load_ma: tuple[int, int, int]
    is_old: bool


class LiveNode(ResponseBody):
    """A node now: what cars may take of it, what they hold, and what they draw, by phase."""

    node_id: str
    limit_ma: tuple[int | None, int | None, int | None]
    limit_w: int | None
    room_ma: Annotated[
        tuple[int | None, int | None, int | None],
        Field(description="what of it cars may take now: less building, reserve and the limits that hold"),
    ]
    room_w: int | None
    held_ma: Annotated[tuple[int, int, int], Field(description="what its ports may draw at worst")]
    drawn_ma: Annotated[tuple[int, int, int], Field(description="what their meters last said")]


class LiveConductor(ResponseBody):
    """A conductor beside the tree now."""

    conductor_id: str
    limit_ma: int
    held_ma: Annotated[int, Field(description="what its ports may draw at worst")]


class SwitchingView(ResponseBody):
    """By how many phases a charge is told to draw, whose charger can switch between one and all that its port has."""

    is_one: Annotated[bool, Field(description="it is to charge by one phase")]
    is_shown: Annotated[bool, Field(description="its meter has shown so, and only then it holds one conductor alone")]
    left: Annotated[int, Field(description="so many switches it may still have in this session")]
    why: Annotated[str, Field(description="in words")]


class LivePort(ResponseBody):
    """A connector of the site now: who charges there, what it was granted, what it may draw, and what it draws."""

    charger_id: str
    connector: str
    session_id: str | None
    grant_ma: Annotated[int | None, Field(description="by each of its phases; null: nobody charges there")]
    held_ma: Annotated[int, Field(description="what it may draw at worst, until its charger has answered")]
    held_others_ma: Annotated[
        int, Field(description="the same by its second and third conductor: less where it was switched to one phase")
    ]
    switching: Annotated[SwitchingView | None, Field(description="null: its phases are not to be switched")]
    is_confirmed: Annotated[bool, Field(description="its charger has said that it keeps the grant")]
    drawn_ma: Annotated[
        tuple[int | None, int | None, int | None] | None, Field(description="by its own phases, in their order")
    ]
    bound: Annotated[
        str | None,
        Field(description="what holds it back: a node, or `demand:` and an event; null: its own most, or its car's"),
    ]
    waits: Annotated[bool, Field(description="its car's turn will come")]
    power_wait: Annotated[PowerWaitView | None, Field(description="what its driver was told")]
    unanswered_since: Annotated[
        datetime | None, Field(description="its charger was sent its grant then, and has not answered")
    ]
    default_ma: Annotated[int | None, Field(description="what it falls to in silence, as it showed; null: not yet")]
    trust: Annotated[
        Trust, Field(description="whether its firmware was proven to keep limits in silence; if not, it holds its most")
    ]
    note: Annotated[str, Field(description="why it takes no limits from outside, if it takes none")]
    ignored_since: Annotated[datetime | None, Field(description="it draws more than it was granted since then")]
    measures: Annotated[list[Measure], Field(description="what was done about that")]
    leaves_at: Annotated[
        datetime | None, Field(description="it is not in the tree any more, and holds what it was told until then")
    ]


class PlannedPortView(ResponseBody):
    """What is planned for a charge, from the plan's first quarter of an hour on."""

    charger_id: str
    connector: str
    session_id: str
    limit_ma: Annotated[list[int], Field(description="by each of its phases, a number for each quarter of an hour")]
    starts_at: datetime | None
    ready_at: Annotated[datetime | None, Field(description="null: it will lack `unmet_wh` when it leaves")]
    unmet_wh: int


class PlanView(ResponseBody):
    """A site's plan of the coming day. Who is not in it has a fair share."""

    version: int
    planned_at: datetime
    begins_at: datetime
    source: Annotated[str, Field(description="by whose price and carbon")]
    ports: list[PlannedPortView]


class LiveDemand(ResponseBody):
    """A demand response event that is told of a site, until a day after it is over."""

    event_id: str
    program: str
    begins_at: datetime
    ends_at: Annotated[datetime, Field(description="earlier than it was told where it was cancelled or opted out of")]
    holds_permille: Annotated[int, Field(description="0: nothing of it holds now; less than 1000: it is given back")]
    is_opted_out: bool


class PowerView(ResponseBody):
    """A site's power as it is shared out now."""

    model_config = example(
        site_id="harbour",
        changed_at=AT,
        building={"at": AT, "load_ma": [12400, 9800, 15100], "is_old": False},
        limits=[{"limit_id": "evening", **LIMIT, "told_by": "key:3f1c"}],
        demands=[
            {
                "event_id": "peak-1",
                "program": "evening-peak",
                "begins_at": "2026-11-30T18:00:00Z",
                "ends_at": "2026-11-30T19:00:00Z",
                "holds_permille": 1000,
                "is_opted_out": False,
            }
        ],
        nodes=[
            {
                "node_id": "grid",
                "limit_ma": [63000, 63000, 63000],
                "limit_w": None,
                "room_ma": [49600, 52200, 46900],
                "room_w": 4200,
                "held_ma": [32000, 32000, 32000],
                "drawn_ma": [15800, 15900, 15800],
            }
        ],
        ports=[
            {
                "charger_id": "DEMO-16",
                "connector": "1",
                "session_id": "KAAAAAAAAAAAAAAAAAAA",
                "grant_ma": 16000,
                "held_ma": 16000,
                "held_others_ma": 16000,
                "switching": None,
                "is_confirmed": True,
                "drawn_ma": [15800, 15900, 15800],
                "bound": "north",
                "waits": False,
                "power_wait": None,
                "unanswered_since": None,
                "default_ma": 6000,
                "trust": "proven",
                "note": "",
                "ignored_since": None,
                "measures": [],
                "leaves_at": None,
            }
        ],
        conductors=[{"conductor_id": "busbar", "limit_ma": 50000, "held_ma": 32000}],
        plan={
            "version": 7,
            "planned_at": AT,
            "begins_at": "2026-11-21T09:30:00Z",
            "source": "entsoe",
            "ports": [
                {
                    "charger_id": "DEMO-16",
                    "connector": "1",
                    "session_id": "KAAAAAAAAAAAAAAAAAAA",
                    "limit_ma": [0, 0, 16000, 16000],
                    "starts_at": "2026-11-21T10:00:00Z",
                    "ready_at": "2026-11-21T10:27:00Z",
                    "unmet_wh": 0,
                }
            ],
        },
        alarms=[],
    )
    site_id: str
    changed_at: datetime | None
    building: LoadView | None
    limits: list[LimitView]
    demands: list[LiveDemand]
    nodes: list[LiveNode]
    ports: list[LivePort]
    conductors: list[LiveConductor]
    plan: Annotated[PlanView | None, Field(description="null: nobody who charges here said when they leave")]
    alarms: Annotated[list[str], Field(description="what is wrong with its power now: `site_over_limit`, ...")]
