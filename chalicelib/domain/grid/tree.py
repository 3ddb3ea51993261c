"""A site's electric tree: grid connection, panels, ports; what each may carry, who wants what, and who gets what.

Currents are milliamperes (`_ma`) in the site's own L1, L2 and L3, whatever an electrician named them at a charger.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.chargers.events import ConnectorId, Currents
from chalicelib.domain.data_classes import dataclass, field


class Phase(StrEnum):
    """A phase of the site's grid connection."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


@dataclass(frozen=True, slots=True, order=True)
class PortId:
    """A connector of one of the site's chargers."""

    charger_id: str
    connector: ConnectorId

    def __hash__(self) -> int:
        # Of few connectors each: a text knows its own hash, and a site is asked for its ports by the thousand.
        return hash(self.charger_id)

    def __str__(self) -> str:
        return f"{self.charger_id}/{self.connector}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A grid connection, a panel or a charger's own feed: what flows through it to all below it is limited.

    `limit_ma` by phase and `limit_w` over all of them; None: not limited. `parent_id` None: the grid connection, of
    which a site has one.
    """

    node_id: str
    parent_id: str | None = None
    limit_ma: Currents = (None, None, None)
    limit_w: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """How a connector is wired into its site.

    `phases`: the site's phases in the order of the connector's own L1, L2, L3 (three, or one). Two phases with
    `is_line_to_line` are the two that a single load lies between (208 V). `voltage_v` is what one phase of the load
    sees: phase to neutral, or line to line. Grants are 0 or at least `least_ma`, at most `most_ma`, in steps of
    `step_ma` (100: OCPP's tenth of an ampere), or one of `levels_ma` (ascending) where a charger knows those alone. A
    DC port is counted by what it takes from the grid.
    """

    port_id: PortId
    node_id: str
    phases: tuple[Phase, ...] = (Phase.L1, Phase.L2, Phase.L3)
    is_line_to_line: bool = False
    voltage_v: int = 230
    least_ma: int = 6_000
    most_ma: int = 32_000
    step_ma: int = 100
    levels_ma: tuple[int, ...] = ()
    weight: int = 1

    def level_below(self, current_ma: float) -> int:
        """The highest that its charger knows up to so much."""
        if self.levels_ma:
            below = bisect_right(self.levels_ma, current_ma)
            return self.levels_ma[below - 1] if below else 0
        if current_ma < self.least_ma:
            return 0
        return self.least_ma + int((current_ma - self.least_ma) // self.step_ma) * self.step_ma

    def level_for(self, car_ma: int) -> int:
        """What a car that takes so much, and no less than the least, is granted to have it all."""
        if self.levels_ma:
            return next((it for it in self.levels_ma if it >= car_ma), self.most_ma)
        return min(self.most_ma, self.level_below(car_ma + self.step_ma - 1))


@dataclass(frozen=True, slots=True)
class PortCurrent:
    """What flows, or may flow, at a port: in the first of its conductors, and in each of its others.

    They differ where a charger was switched to one phase. Never more in the others than in the first.
    """

    first_ma: int
    others_ma: int

    @classmethod
    def by_all(cls, current_ma: int) -> PortCurrent:
        """The same in each of them."""
        return cls(current_ma, current_ma)

    def exceeds(self, other: PortCurrent) -> bool:
        """Whether it is more in any of them."""
        return self.first_ma > other.first_ma or self.others_ma > other.others_ma


@dataclass(frozen=True, slots=True)
class Term:
    """What a port's current counts in a `Conductor`: so much of it, turned by so many degrees."""

    port_id: PortId
    weight: float
    angle_deg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conductor:
    """A limited conductor that the tree does not show: a transformer's other side, a busbar across panels.

    Its current is the sum of its terms as phasors, and that sum's length is limited.
    """

    conductor_id: str
    limit_ma: int
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTree:
    """All nodes and ports of a site, `conductors` beside them, and what of its limit is not for cars.

    `reserve_ma` is kept back by phase. `worst_load_ma` counts for the building where nobody has told it lately.
    `floor_w`: the least that an operator of the grid leaves the site when it asks for less (§14a EnWG); None: nothing
    is left. `switches_phases`: whether cars may be told to charge by one phase, where their chargers provably can.
    `proves_firmware`: whether a charger of a firmware that nobody knows may be cut off and started anew for that.
    """

    site_id: str
    nodes: tuple[Node, ...]
    ports: tuple[Port, ...]
    conductors: tuple[Conductor, ...] = ()
    reserve_ma: int = 0
    worst_load_ma: tuple[int, int, int] = (0, 0, 0)
    floor_w: int | None = None
    switches_phases: bool = True
    proves_firmware: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingLoad:
    """What the building takes beside the cars, by phase, as it was told `at`."""

    at: datetime
    load_ma: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLimit:
    """What the site, or one node of it, may take between two moments, as a grid's operator or the site's own wishes.

    `is_of_cars`: what it takes beside the cars counts apart. `name` stands for it where it holds a port back.
    """

    node_id: str
    limit_w: int | None = None
    limit_ma: int | None = None
    begins_at: datetime
    ends_at: datetime
    is_of_cars: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a site's current is shared under at a moment.

    `building`: what the rest of the site takes; None, or older than two minutes: what the tree says of the worst.
    `default_ma`: what each port draws at worst without us, whatever it is granted; ports without a claim too.
    `held_ma`: what each port may draw at worst at this moment, by what it was told and has not been seen to obey.
    """

    building: BuildingLoad | None = None
    limits: tuple[OperatorLimit, ...] = ()
    held_ma: Mapping[PortId, int] = field(default_factory=dict)
    default_ma: Mapping[PortId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a port took, by its own L1, L2, L3, as its meter said at `at`; `granted_ma` was its grant then.

    `is_by_one`: it had been told to charge by one phase, so that this says nothing of what its car can.
    """

    at: datetime
    current_ma: Currents
    granted_ma: int
    is_by_one: bool = False


# There, and back.
SWITCHES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """How a charge stands whose charger can charge by one phase what it could by all.

    `is_one`: it is to charge by one. `is_shown`: its meter has shown that it does, and it counts so. `left`: so many
    switches it may still have. `other_since`: since when the other would be better, None: it is not. `fed_at`: then it
    had current first, for its meter to show by how many it charges. `is_trial`: it is tried, since `other_since`,
    whether its firmware does as it is told.
    """

    is_one: bool = False
    is_shown: bool = False
    left: int = SWITCHES
    other_since: datetime | None = None
    fed_at: datetime | None = None
    is_trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A car that wants power at a port.

    `draws`: the latest looks at its meter, oldest first (two are enough). `served_wh`: what it has had, by which the
    least served goes first. `asked_wh` and `departs_at`: what its driver said, None: nothing. What is remembered from
    one sharing to the next is in `Grants` under the same names: `car_phases` and `car_most_ma`, what was learnt of the
    car (None: nothing yet), `idle_since`, since when it takes nothing, `turn_since`, since when it has its turn
    (None: it waits). `planned_ma`: what a plan gives it now (None: it follows none and has its fair share);
    `is_kept_to_plan`: it shall have no more than that, though more were left (cheaper hours will come). `unasked_ma`:
    what a plan would give it now if nobody asked the site for less (None: the same). `switching`: whether it may be
    switched between one phase and all (None: it may not).
    """

    port_id: PortId
    session_id: str
    begun_at: datetime
    car_phases: int | None = None
    car_most_ma: int | None = None
    draws: tuple[Draw, ...] = ()
    served_wh: int = 0
    turn_since: datetime | None = None
    idle_since: datetime | None = None
    asked_wh: int | None = None
    departs_at: datetime | None = None
    weight: int = 1
    planned_ma: int | None = None
    is_kept_to_plan: bool = False
    unasked_ma: int | None = None
    switching: Switching | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What each port with a claim may draw by each of its phases, 0 where nothing, and why.

    `limit_ma` is what can be said now, `target_ma` what will be, once others are known to have lowered theirs (the
    same, where nothing is held). `bounds`: for each port the node or conductor whose limit it met (None: its own most,
    or its car's), to be shown to a person. The rest is to be kept and given again with the next claims: who has a turn
    since when (`turn_since`), what was learnt of cars (`car_phases`, `car_most_ma`), who takes nothing (`idle_since`),
    by how many phases it is to charge (`switching`, of those alone that can be switched).
    """

    limit_ma: Mapping[PortId, int] = field(default_factory=dict)
    target_ma: Mapping[PortId, int] = field(default_factory=dict)
    bounds: Mapping[PortId, str | None] = field(default_factory=dict)
    turn_since: Mapping[PortId, datetime] = field(default_factory=dict)
    car_phases: Mapping[PortId, int] = field(default_factory=dict)
    car_most_ma: Mapping[PortId, int] = field(default_factory=dict)
    idle_since: Mapping[PortId, datetime] = field(default_factory=dict)
    switching: Mapping[PortId, Switching] = field(default_factory=dict)
