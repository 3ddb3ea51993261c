"""What flows through a site's nodes and conductors if each port draws so much: for whoever describes it, or looks.

Currents are added as phasors, as `share` does: three loads of 15 A between phases make 26 A in each conductor, not 30.
"""

from __future__ import annotations

from cmath import rect
from collections.abc import Iterable, Mapping, Sequence
from math import radians

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.currents import at_worst, phase_voltage, turned
from chalicelib.domain.grid.tree import Phase, Port, PortCurrent, PortId, SiteTree

_PHASES = tuple(Phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSum:
    """What flows through a node at worst, by phase and in all, beside what it may carry (None: not limited)."""

    node_id: str
    sum_ma: tuple[int, int, int]
    limit_ma: tuple[int | None, int | None, int | None]
    sum_w: int = 0
    limit_w: int | None = None

    @property
    def fits(self) -> bool:
        """Whether it may carry that."""
        if self.limit_w is not None and self.sum_w > self.limit_w:
            return False
        return all(limit is None or it <= limit for it, limit in zip(self.sum_ma, self.limit_ma, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConductorSum:
    """What flows through a conductor that the tree does not show, at worst, beside what it may carry."""

    conductor_id: str
    sum_ma: int
    limit_ma: int

    @property
    def fits(self) -> bool:
        """Whether it may carry that."""
        return self.sum_ma <= self.limit_ma


def node_sums(tree: SiteTree, currents_ma: Mapping[PortId, int]) -> tuple[NodeSum, ...]:
    """What flows through each node if every port draws so much, and the building its worst; the reserve is in it."""
    above = {it.node_id: it.parent_id for it in tree.nodes}
    flows: dict[tuple[str, Phase], list[tuple[float, complex]]] = {}
    power = dict.fromkeys(above, 0)
    for port in tree.ports:
        current_ma = currents_ma.get(port.port_id, 0)
        if not current_ma:
            continue
        parts = turned(port)
        for node_id in path(port.node_id, above):
            for phase, counted in parts.items():
                flows.setdefault((node_id, phase), []).append((current_ma, counted))
            power[node_id] += current_ma * port.voltage_v * (1 if port.is_line_to_line else len(port.phases)) // 1000
    found = []
    for node in tree.nodes:
        taken = [it + tree.reserve_ma for it in tree.worst_load_ma] if node.parent_id is None else [0, 0, 0]
        one, two, three = (
            less + round(at_worst(flows.get((node.node_id, of), ()))) for of, less in zip(_PHASES, taken, strict=True)
        )
        found.append(
            NodeSum(
                node_id=node.node_id,
                sum_ma=(one, two, three),
                limit_ma=node.limit_ma,
                sum_w=power[node.node_id] + round(sum(taken) * phase_voltage(tree) / 1000),
                limit_w=node.limit_w,
            )
        )
    return tuple(found)


def conductor_sums(tree: SiteTree, currents_ma: Mapping[PortId, int]) -> tuple[ConductorSum, ...]:
    """What flows through each conductor beside the tree if every port draws so much."""
    found = []
    for conductor in tree.conductors:
        counted: dict[PortId, complex] = {}
        for it in conductor.terms:
            counted[it.port_id] = counted.get(it.port_id, 0) + rect(it.weight, radians(it.angle_deg))
        sum_ma = round(at_worst((currents_ma.get(port_id, 0), it) for port_id, it in counted.items()))
        found.append(ConductorSum(conductor_id=conductor.conductor_id, sum_ma=sum_ma, limit_ma=conductor.limit_ma))
    return tuple(found)


def by_phase(ports: Iterable[Port], drawn: Mapping[PortId, PortCurrent]) -> tuple[int, int, int]:
    """What these ports' currents sum to at worst in L1, L2 and L3."""
    parts = []
    for port in (it for it in ports if it.port_id in drawn):
        current = drawn[port.port_id]
        parts.append((current.others_ma, turned(port)))
        if not port.is_line_to_line:
            parts.append((current.first_ma - current.others_ma, turned(port, port.phases[:1])))
    one, two, three = (round(at_worst((ma, it[of]) for ma, it in parts if of in it)) for of in _PHASES)
    return one, two, three


def path(node_id: str, parents: Mapping[str, str | None]) -> Sequence[str]:
    """A node and all above it, the grid connection last; what hangs in a circle is named once."""
    found: list[str] = []
    at: str | None = node_id
    while at is not None and at in parents and at not in found:
        found.append(at)
        at = parents[at]
    return found
