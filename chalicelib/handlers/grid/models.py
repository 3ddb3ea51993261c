"""What the routes of load balancing take and answer. Currents are milliamperes in the site's own L1, L2 and L3."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from chalicelib.domain.grid.tree import Phase
from chalicelib.handlers.http.fields import ChargerId, Connector, Id, RequestBody, ResponseBody, example

# The grid connection of an airport.
_MOST_MA, _MOST_W = 10_000_000, 100_000_000
Milliamperes = Annotated[int, Field(ge=0, le=_MOST_MA)]
Watts = Annotated[int, Field(ge=0, le=_MOST_W)]
ThreePhases = tuple[Milliamperes, Milliamperes, Milliamperes]
MaybeThree = tuple[Milliamperes | None, Milliamperes | None, Milliamperes | None]
_MOST_NODES, _MOST_PORTS = 200, 500
_AT = "2026-11-30T18:00:00Z"
_NODES = [
    {"node_id": "grid", "parent_id": None, "limit_ma": [63000, 63000, 63000], "limit_w": None},
    {"node_id": "north", "parent_id": "grid", "limit_ma": [40000, 40000, 40000], "limit_w": None},
]
_PORT: dict[str, Any] = {
    "charger_id": "DEMO-16",
    "connector": "1",
    "node_id": "north",
    "phases": ["L2", "L3", "L1"],
    "is_line_to_line": False,
    "voltage_v": 230,
    "least_ma": 6000,
    "most_ma": 32000,
    "weight": 1,
}
_GRID: dict[str, Any] = {
    "nodes": _NODES,
    "ports": [_PORT],
    "reserve_ma": 1000,
    "worst_load_ma": [20000, 20000, 20000],
    "floor_w": None,
    "meter_charger_id": None,
}
_LIMIT: dict[str, Any] = {
    "node_id": "grid",
    "limit_w": 11000,
    "limit_ma": None,
    "begins_at": _AT,
    "ends_at": "2026-11-30T20:00:00Z",
}


class NodeBody(RequestBody):
    """A grid connection, a panel or a charger's feed. `parent_id` null: the grid connection, of which there is one."""

    node_id: Id
    parent_id: Id | None = None
    limit_ma: Annotated[MaybeThree, Field(description="by phase; null: not limited")] = (None, None, None)
    limit_w: Annotated[Watts | None, Field(description="all phases together; null: not limited")] = None


class PortBody(RequestBody):
    """How a connector is wired into its site."""

    charger_id: ChargerId
    connector: Connector
    node_id: Id
    phases: Annotated[
        tuple[Phase, ...],
        Field(
            min_length=1,
            max_length=3,
            description="the site's phases in the order of the connector's own L1, L2, L3: three, or one; two are "
            "those between which a single load lies (208 V), with `is_line_to_line`",
        ),
    ] = (Phase.L1, Phase.L2, Phase.L3)
    is_line_to_line: bool = False
    voltage_v: Annotated[
        int, Field(ge=100, le=1000, description="what one phase of the load sees: to neutral, or line to line")
    ] = 230
    least_ma: Annotated[Milliamperes, Field(description="with less it cannot charge")] = 6_000
    most_ma: Milliamperes = 32_000
    weight: Annotated[int, Field(ge=1, le=100, description="so many shares, where there is too little")] = 1


class GridBody(RequestBody):
    """A site's electric tree: what may flow where, and what of it is not for cars."""

    model_config = RequestBody.model_config | example(**_GRID)
    nodes: Annotated[list[NodeBody], Field(min_length=1, max_length=_MOST_NODES)]
    ports: Annotated[list[PortBody], Field(max_length=_MOST_PORTS)]
    reserve_ma: Annotated[Milliamperes, Field(description="kept back of the grid connection, by phase")] = 0
    worst_load_ma: Annotated[
        ThreePhases, Field(description="what the building may take, where nobody has told for two minutes")
    ] = (0, 0, 0)
    floor_w: Annotated[
        Watts | None, Field(description="what an operator of the grid leaves the site in any case (§14a EnWG)")
    ] = None
    meter_charger_id: Annotated[
        ChargerId | None, Field(description="its main meter (connector 0) counts all that the site takes")
    ] = None


class NodeView(ResponseBody):
    """A node, as described."""

    node_id: str
    parent_id: str | None
    limit_ma: tuple[int | None, int | None, int | None]
    limit_w: int | None


class PortView(ResponseBody):
    """A port, as described."""

    charger_id: str
    connector: str
    node_id: str
    phases: tuple[Phase, ...]
    is_line_to_line: bool
    voltage_v: int
    least_ma: int
    most_ma: int
    weight: int


class GridView(ResponseBody):
    """A site's electric tree, as described."""

    model_config = example(**_GRID)
    nodes: list[NodeView]
    ports: list[PortView]
    reserve_ma: int
    worst_load_ma: tuple[int, int, int]
    floor_w: int | None
    meter_charger_id: str | None


class NodeSumView(ResponseBody):
    """What is asked of a node by phase: at worst, at least, and when nobody speaks to its chargers."""

    node_id: str
    limit_ma: Annotated[
        tuple[int | None, int | None, int | None],
        Field(description="the sums below have the reserve and the worst building load in them"),
    ]
    limit_w: int | None
    worst_ma: Annotated[tuple[int, int, int], Field(description="all ports draw all they can")]
    worst_w: int
    least_ma: Annotated[tuple[int, int, int], Field(description="all charge with the least they can")]
    silent_ma: Annotated[tuple[int, int, int], Field(description="all fall to their offline default")]
    needs_balancing: Annotated[bool, Field(description="its ports could overload it")]
    takes_turns: Annotated[bool, Field(description="not all of its ports can charge at once")]


class PreviewView(ResponseBody):
    """What a tree would ask of each of its nodes."""

    model_config = example(
        nodes=[
            {
                "node_id": "north",
                "limit_ma": [40000, 40000, 40000],
                "limit_w": None,
                "worst_ma": [64000, 64000, 64000],
                "worst_w": 44160,
                "least_ma": [12000, 12000, 12000],
                "silent_ma": [12000, 12000, 12000],
                "needs_balancing": True,
                "takes_turns": False,
            }
        ]
    )
    nodes: list[NodeSumView]


class LoadBody(RequestBody):
    """What the building takes beside the cars, by phase, now or at a moment that is past."""

    model_config = RequestBody.model_config | example(load_ma=[12400, 9800, 15100], at=_AT)
    load_ma: ThreePhases
    at: AwareDatetime | None = None


class LimitBody(RequestBody):
    """A limit for a time: a grid operator's, or the site's own wish."""

    model_config = RequestBody.model_config | example(**_LIMIT)
    node_id: Id
    limit_w: Annotated[Watts | None, Field(description="all phases together")] = None
    limit_ma: Annotated[Milliamperes | None, Field(description="each phase")] = None
    begins_at: AwareDatetime
    ends_at: AwareDatetime

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.limit_w is None and self.limit_ma is None:
            raise ValueError("needs limit_w or limit_ma")
        if self.ends_at <= self.begins_at:
            raise ValueError("ends before it begins")
        return self


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
    held_ma: Annotated[tuple[int, int, int], Field(description="what its ports may draw at worst")]
    drawn_ma: Annotated[tuple[int, int, int], Field(description="what their meters last said")]


class LivePort(ResponseBody):
    """A connector of the site now: who charges there, what it was granted, what it may draw, and what it draws."""

    charger_id: str
    connector: str
    session_id: str | None
    grant_ma: Annotated[int | None, Field(description="by each of its phases; null: nobody charges there")]
    held_ma: Annotated[int, Field(description="what it may draw at worst, until its charger has answered")]
    is_confirmed: Annotated[bool, Field(description="its charger has said that it keeps the grant")]
    drawn_ma: Annotated[
        tuple[int | None, int | None, int | None] | None, Field(description="by its own phases, in their order")
    ]
    bound: Annotated[
        str | None,
        Field(description="the node, or `demand:` and the event, that holds it back; null: its own most, or its car's"),
    ]
    waits: Annotated[bool, Field(description="its car's turn will come")]


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
        changed_at=_AT,
        building={"at": _AT, "load_ma": [12400, 9800, 15100], "is_old": False},
        limits=[{"limit_id": "evening", **_LIMIT, "told_by": "key:3f1c"}],
        demands=[
            {
                "event_id": "peak-1",
                "program": "evening-peak",
                "begins_at": _AT,
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
                "is_confirmed": True,
                "drawn_ma": [15800, 15900, 15800],
                "bound": "north",
                "waits": False,
            }
        ],
        plan=None,
        alarms=[],
    )
    site_id: str
    changed_at: datetime | None
    building: LoadView | None
    limits: list[LimitView]
    demands: list[LiveDemand]
    nodes: list[LiveNode]
    ports: list[LivePort]
    plan: Annotated[None, Field(description="null: nothing is planned ahead yet")]
    alarms: Annotated[list[str], Field(description="what is wrong with its power now: `site_over_limit`, ...")]
