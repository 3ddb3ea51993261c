"""What the routes of load balancing take and answer. Currents are milliamperes in the site's own L1, L2 and L3."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, field_validator, model_validator

from chalicelib.domain.grid.tree import Phase
from chalicelib.handlers.http.fields import ChargerId, Connector, Id, RequestBody, ResponseBody, example

# The grid connection of an airport.
_MOST_MA, _MOST_W = 10_000_000, 100_000_000
Milliamperes = Annotated[int, Field(ge=0, le=_MOST_MA)]
Watts = Annotated[int, Field(ge=0, le=_MOST_W)]
ThreePhases = tuple[Milliamperes, Milliamperes, Milliamperes]
MaybeThree = tuple[Milliamperes | None, Milliamperes | None, Milliamperes | None]
_MOST_NODES, _MOST_PORTS = 200, 500
_MOST_LEVELS, _MOST_CONDUCTORS = 100, 50
AT = "2026-11-30T18:00:00Z"
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
    "step_ma": 100,
    "levels_ma": [],
    "weight": 1,
}
_CONDUCTOR: dict[str, Any] = {
    "conductor_id": "busbar",
    "limit_ma": 50000,
    "terms": [{"charger_id": "DEMO-16", "connector": "1", "weight": 1.0, "angle_deg": 0.0}],
}
_GRID: dict[str, Any] = {
    "nodes": _NODES,
    "ports": [_PORT],
    "conductors": [_CONDUCTOR],
    "reserve_ma": 1000,
    "worst_load_ma": [20000, 20000, 20000],
    "floor_w": None,
    "switches_phases": True,
    "proves_firmware": True,
    "meter_charger_id": None,
}
LIMIT: dict[str, Any] = {
    "node_id": "grid",
    "limit_w": 11000,
    "limit_ma": None,
    "begins_at": AT,
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
    step_ma: Annotated[int, Field(ge=100, le=100_000, description="it is told whole steps from its least on")] = 100
    levels_ma: Annotated[
        tuple[Milliamperes, ...],
        Field(max_length=_MOST_LEVELS, description="all that it knows, rising from its least; empty: any step"),
    ] = ()
    weight: Annotated[int, Field(ge=1, le=100, description="so many shares, where there is too little")] = 1


class TermBody(RequestBody):
    """What of a port's current flows in a conductor, by what turns ratio (negative: against it) and at what angle."""

    charger_id: ChargerId
    connector: Connector
    weight: Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)] = 1.0
    angle_deg: Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)] = 0.0

    @field_validator("weight")
    @classmethod
    def _counts(cls, weight: float) -> float:
        if not weight:
            raise ValueError("a port that counts nothing is left out")
        return weight


class ConductorBody(RequestBody):
    """A limited conductor that the tree does not show: a transformer's other side, a busbar across panels.

    Its current is the sum of its terms as phasors, and that sum's length is limited.
    """

    conductor_id: Id
    limit_ma: Milliamperes
    terms: Annotated[list[TermBody], Field(min_length=1, max_length=_MOST_PORTS)]


class GridBody(RequestBody):
    """A site's electric tree: what may flow where, and what of it is not for cars."""

    model_config = RequestBody.model_config | example(**_GRID)
    nodes: Annotated[list[NodeBody], Field(min_length=1, max_length=_MOST_NODES)]
    ports: Annotated[list[PortBody], Field(max_length=_MOST_PORTS)]
    conductors: Annotated[list[ConductorBody], Field(default_factory=list, max_length=_MOST_CONDUCTORS)]
    reserve_ma: Annotated[Milliamperes, Field(description="kept back of the grid connection, by phase")] = 0
    worst_load_ma: Annotated[
        ThreePhases, Field(description="what the building may take, where nobody has told for two minutes")
    ] = (0, 0, 0)
    floor_w: Annotated[
        Watts | None, Field(description="what an operator of the grid leaves the site in any case (§14a EnWG)")
    ] = None
    switches_phases: Annotated[
        bool,
        Field(description="cars may be told to charge by one phase, where others wait and their chargers provably can"),
    ] = True
    proves_firmware: Annotated[
        bool,
        Field(
            description="a charger of a firmware that nobody knows may be cut off and started anew, once each and while"
            " no car is plugged in there; else it counts with all that it can draw"
        ),
    ] = True
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
    step_ma: int
    levels_ma: tuple[int, ...]
    weight: int


class TermView(ResponseBody):
    """What of a port's current flows in a conductor, as described."""

    charger_id: str
    connector: str
    weight: float
    angle_deg: float


class ConductorView(ResponseBody):
    """A conductor beside the tree, as described."""

    conductor_id: str
    limit_ma: int
    terms: list[TermView]


class GridView(ResponseBody):
    """A site's electric tree, as described."""

    model_config = example(**_GRID)
    nodes: list[NodeView]
    ports: list[PortView]
    conductors: list[ConductorView]
    reserve_ma: int
    worst_load_ma: tuple[int, int, int]
    floor_w: int | None
    switches_phases: bool
    proves_firmware: bool
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


class ConductorSumView(ResponseBody):
    """What is asked of a conductor beside the tree: at worst, at least, and when nobody speaks to its chargers."""

    conductor_id: str
    limit_ma: int
    worst_ma: Annotated[int, Field(description="all ports draw all they can")]
    least_ma: Annotated[int, Field(description="all charge with the least they can")]
    silent_ma: Annotated[int, Field(description="all fall to their offline default")]
    needs_balancing: Annotated[bool, Field(description="its ports could overload it")]
    takes_turns: Annotated[bool, Field(description="not all of its ports can charge at once")]


class PreviewView(ResponseBody):
    """What a tree would ask of each of its nodes, and of the conductors beside it."""

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
        ],
        conductors=[
            {
                "conductor_id": "busbar",
                "limit_ma": 50000,
                "worst_ma": 64000,
                "least_ma": 12000,
                "silent_ma": 12000,
                "needs_balancing": True,
                "takes_turns": False,
            }
        ],
    )
    nodes: list[NodeSumView]
    conductors: list[ConductorSumView]


class LoadBody(RequestBody):
    """What the building takes beside the cars, by phase, now or at a moment that is past."""

    model_config = RequestBody.model_config | example(load_ma=[12400, 9800, 15100], at=AT)
    load_ma: ThreePhases
    at: AwareDatetime | None = None


class LimitBody(RequestBody):
    """A limit for a time: a grid operator's, or the site's own wish."""

    model_config = RequestBody.model_config | example(**LIMIT)
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
