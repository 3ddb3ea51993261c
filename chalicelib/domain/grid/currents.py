"""What flows where: a port's current in each limited conductor above it, as phasors; and what each may carry now.

A conductor is over its limit if it is so for any part of its grant that each car may take, for a car takes less when
it likes. Two currents 120° apart are shorter together than the longer alone, so that a car that stops could overload
a transformer that seemed well: no current is counted on to take away from another's. Where all are within 90° of one
another (every conductor of a grid connection is so) that is the length of their sum, as it is.
"""

from __future__ import annotations

from cmath import phase, rect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil, cos, inf, pi, radians, sqrt

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.grid.tree import BuildingLoad, Conductor, Node, OperatorLimit, Phase, Port, PortId, SiteTree

BUILDING_LOAD_LASTS = timedelta(minutes=2)

_ANGLE = {Phase.L1: 0.0, Phase.L2: -2 * pi / 3, Phase.L3: 2 * pi / 3}
_RIGHT_ANGLE = pi / 2 + 1e-9
_STRAIGHT = pi - 1e-9
# A length is held by its shadows: so far apart they let it be 0.4 % shorter than it might be, and never longer.
_STEP = pi / 18

# Of a conductor, by its place in `Conductors.limits`: what a milliampere of a port's counts there.
Flow = tuple[int, complex | float]


@dataclass(slots=True, kw_only=True)
class Conductors:
    """All that is limited at a site, at a moment: limits in milliamperes (watts, where power is limited), and names."""

    limits: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    _above: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _by_node: dict[str, tuple[tuple[int | None, ...], int | None]] = field(default_factory=dict)
    _beside: dict[PortId, list[Flow]] = field(default_factory=dict)
    _known: dict[object, tuple[Flow, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, tree: SiteTree, at: datetime, building: BuildingLoad | None, limits: Iterable[OperatorLimit]
    ) -> Conductors:
        """What may flow at `at`; ValueError for a tree that is none."""
        found = cls()
        nodes = {node.node_id: node for node in tree.nodes}
        rooms = _rooms(tree, at, building, [it for it in limits if it.begins_at <= at < it.ends_at])
        for node_id, room in rooms.items():
            places = tuple(found._add(node_id, it) for it in room.by_phase)
            found._by_node[node_id] = places, found._add(room.power_name or node_id, room.power_w)
            found._above[node_id] = tuple(_way_up(nodes, node_id))
        for conductor in tree.conductors:
            found._add_conductor(conductor)
        return found

    def flows(self, port: Port, car_phases: int | None) -> tuple[Flow, ...]:
        """In what each milliampere of a port flows, its car using so many phases (None: all that the port has)."""
        phases = port.phases if port.is_line_to_line else port.phases[: car_phases or len(port.phases)]
        beside = self._beside.get(port.port_id)
        kind = (port.node_id, phases, port.is_line_to_line, port.voltage_v)
        if kind not in self._known:
            self._known[kind] = tuple(self._up(port, phases))
        return (*self._known[kind], *beside) if beside else self._known[kind]

    def room(self, node_id: str) -> tuple[tuple[float | None, ...], float | None]:
        """What cars may take of a node, in milliamperes by phase and in watts; None: it is not limited."""
        by_phase, power = self._by_node[node_id]
        room_ma = tuple(None if it is None else self.limits[it] for it in by_phase)
        return room_ma, None if power is None else self.limits[power]

    def _add(self, name: str, limit: float | None) -> int | None:
        if limit is None:
            return None
        self.limits.append(max(0.0, limit))
        self.names.append(name)
        return len(self.limits) - 1

    def _up(self, port: Port, phases: Sequence[Phase]) -> Iterator[Flow]:
        """Each conductor's angle is its own phase's: what lies between phase and neutral counts as it is there."""
        shares = turned(port, phases)
        power_w = port.voltage_v * (1 if port.is_line_to_line else len(phases)) / 1000
        for node_id in self._above[port.node_id]:
            by_phase, power_place = self._by_node[node_id]
            for place, of in zip(by_phase, Phase, strict=True):
                if place is not None and of in shares:
                    yield place, shares[of]
            if power_place is not None:
                yield power_place, power_w

    def _add_conductor(self, conductor: Conductor) -> None:
        """A conductor for each set of currents that may be longer alone than with the rest."""
        turned: dict[PortId, complex] = {}
        for it in conductor.terms:
            turned[it.port_id] = turned.get(it.port_id, 0) + rect(it.weight, radians(it.angle_deg))
        found = [(port_id, counted, round(phase(counted), 9)) for port_id, counted in turned.items() if counted]
        for angles in _together({angle for _, _, angle in found}):
            self.limits.append(conductor.limit_ma)
            self.names.append(conductor.conductor_id)
            place, is_plain = len(self.limits) - 1, len(angles) == 1
            for port_id, counted, angle in found:
                if angle in angles:
                    self._beside.setdefault(port_id, []).append((place, abs(counted) if is_plain else counted))


def least_power_w(devices: int) -> int:
    """What a site keeps, whatever its grid's operator asks (§14a EnWG; BNetzA BK6-22-300, annex 1, 4.5.2).

    `devices`: the controllable ones behind one energy management, the private charging points among them.
    """
    at_once = {2: 80, 3: 75, 4: 70, 5: 65, 6: 60, 7: 55, 8: 50}
    return 4_200 + (devices - 1) * at_once.get(devices, 45) * 42 if devices > 0 else 0


def _way_up(nodes: Mapping[str, Node], node_id: str) -> Iterator[str]:
    seen = set()
    at: str | None = node_id
    while at is not None:
        if at in seen or at not in nodes:
            raise ValueError(f"node {node_id!r} leads to no grid connection")
        seen.add(at)
        yield at
        at = nodes[at].parent_id


@dataclass(slots=True)
class _Room:
    """What cars behind a node may take; `power_name`: the limit that is the least in watts, where it has a name."""

    by_phase: list[float | None]
    power_w: float | None
    power_name: str = ""

    def hold(self, most_w: float, name: str) -> None:
        if self.power_w is None or most_w < self.power_w:
            self.power_w, self.power_name = most_w, name


def _rooms(
    tree: SiteTree, at: datetime, building: BuildingLoad | None, limits: Sequence[OperatorLimit]
) -> Mapping[str, _Room]:
    """What the cars behind each node may take: limits less building and reserve, cut by who may say so."""
    known = {node.node_id for node in tree.nodes}
    root_id = next((node.node_id for node in tree.nodes if node.parent_id is None), "")
    load_ma = building_load_ma(tree, building, at)
    volts = phase_voltage(tree)
    found: dict[str, _Room] = {}
    for node in tree.nodes:
        taken = [it + tree.reserve_ma for it in load_ma] if node.node_id == root_id else [0, 0, 0]
        taken_w = sum(taken) * volts / 1000
        room = found[node.node_id] = _Room(
            [None if it is None else it - less for it, less in zip(node.limit_ma, taken, strict=True)],
            None if node.limit_w is None else node.limit_w - taken_w,
        )
        for limit in limits:
            if limit.node_id != node.node_id and not (node.node_id == root_id and limit.node_id not in known):
                continue
            # §14a is about what can be steered, and leaves the building alone; any other limit is the whole site's.
            floor_w = tree.floor_w if node.node_id == root_id else None
            is_apart = limit.is_of_cars or floor_w is not None
            if limit.limit_w is not None:
                room.hold(max(limit.limit_w - (0 if is_apart else taken_w), floor_w or -inf), limit.name)
            if limit.limit_ma is not None:
                floor_ma = -inf if floor_w is None else floor_w * 1000 / (3 * volts)
                for place, it in enumerate(room.by_phase):
                    most = max(limit.limit_ma - (0 if is_apart else taken[place]), floor_ma)
                    room.by_phase[place] = most if it is None else min(it, most)
    return found


def turned(port: Port, phases: Sequence[Phase] | None = None) -> Mapping[Phase, complex | float]:
    """What a milliampere of a port's is in each conductor of its site, against that conductor's own angle.

    `phases`: those that its car uses, None: all that the port has.
    """
    if not port.is_line_to_line:
        return dict.fromkeys(port.phases if phases is None else phases, 1.0)
    one, other = port.phases
    between = phase(rect(1, _ANGLE[one]) - rect(1, _ANGLE[other]))
    return {one: rect(1, between - _ANGLE[one]), other: -rect(1, between - _ANGLE[other])}


def building_load_ma(tree: SiteTree, building: BuildingLoad | None, at: datetime) -> tuple[int, int, int]:
    """What the building takes by phase: as it was told lately, else the worst."""
    is_fresh = building is not None and at - building.at <= BUILDING_LOAD_LASTS
    return building.load_ma if building is not None and is_fresh else tree.worst_load_ma


def phase_voltage(tree: SiteTree) -> float:
    """From a phase to neutral, as the ports say; the highest counts."""
    return max((it.voltage_v / sqrt(3) if it.is_line_to_line else it.voltage_v for it in tree.ports), default=230)


def _together(angles: set[float]) -> list[frozenset[float]]:
    """Which currents may be at their longest together: all within a half-plane, and each such set once.

    Within a right angle of one another nobody shortens anybody, and what is part of such a set need not be looked at.
    """
    if _spread(angles) <= _RIGHT_ANGLE:
        return [frozenset(angles)] if angles else []
    found: set[frozenset[float]] = set()
    ordered = sorted(angles)
    for first in ordered:
        within = sorted((it - first) % (2 * pi) for it in ordered if (it - first) % (2 * pi) < _STRAIGHT)
        for last in within:
            found.add(frozenset(it for it in ordered if (it - first) % (2 * pi) <= last))
    return [it for it in found if not any(it < other and _spread(other) <= _RIGHT_ANGLE for other in found)]


def _spread(angles: Iterable[float]) -> float:
    """The widest angle between any two."""
    listed = list(angles)
    return max((abs((a - b + pi) % (2 * pi) - pi) for a in listed for b in listed), default=0.0)


def at_worst(flows: Iterable[tuple[float, complex]]) -> float:
    """The longest that a sum of currents can be, each anywhere between nothing and its whole."""
    turned = [amount * counted for amount, counted in flows if amount and counted]
    if all(it.imag == 0 and it.real > 0 for it in turned):
        return sum(it.real for it in turned)
    angles = {round(phase(it), 9) for it in turned}
    return max(
        (abs(sum(it for it in turned if round(phase(it), 9) in some)) for some in _together(angles)), default=0.0
    )


def shadows(counted: Sequence[complex]) -> Iterator[tuple[float, float]]:
    """Directions in which a sum of such currents may lie, and how much of its limit each lets it have."""
    middle = phase(sum(it / abs(it) for it in counted))
    angles = [phase(it * rect(1, -middle)) for it in counted]
    least, most = min(angles), max(angles)
    number = max(1, ceil((most - least) / _STEP - 1e-9))
    width = (most - least) / number
    for it in range(number):
        yield middle + least + (it + 0.5) * width, cos(width / 2)
