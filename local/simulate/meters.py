"""An ammeter at every phase of every node, a wattmeter at each: the judge of what an algorithm grants.

It shares no line with what it judges: loads between two phases are found from the voltages they lie between.
"""

from __future__ import annotations

from cmath import rect
from collections.abc import Iterator, Mapping
from math import radians

from chalicelib.domain.grid.tree import Node, Phase, Port, PortId, SiteTree

# A milliampere, or a watt, is no overload.
SLACK = 1.0

_VOLTAGE = {Phase.L1: rect(1, 0), Phase.L2: rect(1, radians(-120)), Phase.L3: rect(1, radians(120))}

Flow = tuple[int, complex]


class Meters:
    """All meters of a site."""

    def __init__(self, tree: SiteTree) -> None:
        """Phases of the site, nodes above each port, and the conductors beside the tree."""
        self.limits: list[float] = []
        self.names: list[str] = []
        self._ports = {port.port_id: port for port in tree.ports}
        self._nodes = {node.node_id: node for node in tree.nodes}
        self._by_phase = {
            (node.node_id, phase): self._meter(f"{node.node_id} {phase}", limit_ma)
            for node in tree.nodes
            for phase, limit_ma in zip(Phase, node.limit_ma, strict=True)
            if limit_ma is not None
        }
        self._power = {
            node.node_id: self._meter(f"{node.node_id} W", node.limit_w)
            for node in tree.nodes
            if node.limit_w is not None
        }
        self._beside: dict[PortId, list[Flow]] = {}
        for line in tree.conductors:
            place = self._meter(line.conductor_id, line.limit_ma)
            for term in line.terms:
                turned = rect(term.weight, radians(term.angle_deg))
                self._beside.setdefault(term.port_id, []).append((place, turned))
        self._known: dict[tuple[PortId, int | None], list[Flow]] = {}

    def flows(self, port_id: PortId, car_phases: int | None) -> list[Flow]:
        """What a milliampere at a port adds to which meters, its car on so many phases (None: all of the port's)."""
        if (port_id, car_phases) not in self._known:
            self._known[port_id, car_phases] = [*self._found(self._ports[port_id], car_phases)]
        return self._known[port_id, car_phases]

    def read(self, draws_ma: Mapping[PortId, int], car_phases: Mapping[PortId, int | None]) -> list[complex]:
        """What all meters show."""
        shown = [0j] * len(self.limits)
        for port_id, current_ma in draws_ma.items():
            for place, counted in self.flows(port_id, car_phases.get(port_id)) if current_ma else ():
                shown[place] += counted * current_ma
        return shown

    def over(
        self, draws_ma: Mapping[PortId, int], car_phases: Mapping[PortId, int | None], slack: float = SLACK
    ) -> list[str]:
        """The meters that show more than they may."""
        shown = self.read(draws_ma, car_phases)
        return [
            name for name, flow, limit in zip(self.names, shown, self.limits, strict=True) if abs(flow) > limit + slack
        ]

    def power_w(self, port_id: PortId, current_ma: int, car_phases: int | None) -> float:
        """What a current at a port is worth."""
        port = self._ports[port_id]
        loads = 1 if port.is_line_to_line else len(port.phases[: car_phases or 3])
        return port.voltage_v * loads * current_ma / 1000

    def _meter(self, name: str, limit: float) -> int:
        self.names.append(name)
        self.limits.append(limit)
        return len(self.limits) - 1

    def _above(self, port: Port) -> Iterator[Node]:
        node_id: str | None = port.node_id
        while node_id is not None:
            yield self._nodes[node_id]
            node_id = self._nodes[node_id].parent_id

    def _found(self, port: Port, car_phases: int | None) -> Iterator[Flow]:
        if port.is_line_to_line:
            one, other = port.phases
            between = (_VOLTAGE[one] - _VOLTAGE[other]) / abs(_VOLTAGE[one] - _VOLTAGE[other])
            currents = {one: between, other: -between}
        else:
            currents = {phase: _VOLTAGE[phase] for phase in port.phases[: car_phases or 3]}
        for node in self._above(port):
            for phase, current in currents.items():
                if (node.node_id, phase) in self._by_phase:
                    yield self._by_phase[node.node_id, phase], current
            if node.node_id in self._power:
                yield self._power[node.node_id], complex(self.power_w(port.port_id, 1000, car_phases) / 1000)
        yield from self._beside.get(port.port_id, ())
