"""Offline defaults: what each connector of a site may draw when nobody speaks to it, whatever the others do.

Summed over *all* connectors they fit every node of the tree: all chargers may fall silent at the same moment. Where
each can have its least step, it has. Where not, those at which somebody charges have theirs first, and the others
nothing; where even that does not fit, the limit wins, who has charged the longest keeps, and the drivers of the rest
are told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.grid.tree import Node, Phase, Port, PortId, SiteTree

_NONE: Mapping[PortId, int] = {}


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
class OfflineDefaults:
    """The defaults of a site, and the sums that they come to; `left_out` charge now, and would stand still offline."""

    limit_ma: Mapping[PortId, int] = field(default_factory=dict)
    left_out: tuple[PortId, ...] = ()
    sums: tuple[NodeSum, ...] = ()


def node_sums(tree: SiteTree, currents_ma: Mapping[PortId, int]) -> tuple[NodeSum, ...]:
    """What flows through each node if every port draws so much, and the building its worst; the reserve is in it.

    Plain sums, which are never below those of phasors.
    """
    above = {it.node_id: it.parent_id for it in tree.nodes}
    sums = {it.node_id: [0, 0, 0] for it in tree.nodes}
    power = dict.fromkeys(sums, 0)
    for node in tree.nodes:
        if node.parent_id is None:
            taken = [it + tree.reserve_ma for it in tree.worst_load_ma]
            sums[node.node_id] = taken
            power[node.node_id] = sum(taken) * _voltage(tree) // 1000
    for port in tree.ports:
        current_ma = currents_ma.get(port.port_id, 0)
        node_id: str | None = port.node_id
        while node_id is not None:
            for phase in port.phases:
                sums[node_id][_PHASES.index(phase)] += current_ma
            power[node_id] += current_ma * port.voltage_v * _loads(port) // 1000
            node_id = above.get(node_id)
    return tuple(_sum_of(it, sums[it.node_id], power[it.node_id]) for it in tree.nodes)


def offline_defaults(
    tree: SiteTree, charging: Sequence[PortId] = (), unruly_ma: Mapping[PortId, int] = _NONE
) -> OfflineDefaults:
    """The defaults of all ports; `charging` are those at which somebody charges, who did so longest first.

    `unruly_ma`: what is drawn at worst by ports whose chargers provably do not keep a default.
    """
    everybody = {it.port_id: unruly_ma.get(it.port_id, it.least_ma) for it in tree.ports}
    sums = node_sums(tree, everybody)
    if all(it.fits for it in sums):
        return OfflineDefaults(limit_ma=everybody, sums=sums)
    limits = {it: unruly_ma.get(it, 0) for it in everybody}
    left_out = []
    for port_id in (it for it in charging if it in everybody and it not in unruly_ma):
        limits[port_id] = everybody[port_id]
        if not _fit(tree, limits, port_id):
            limits[port_id] = 0
            left_out.append(port_id)
    return OfflineDefaults(limit_ma=limits, left_out=tuple(left_out), sums=node_sums(tree, limits))


def preview(tree: SiteTree) -> OfflineDefaults:
    """What a site comes to as it is described, with nobody charging and with all: for whoever describes it."""
    return offline_defaults(tree, [it.port_id for it in tree.ports])


_PHASES = tuple(Phase)


def _fit(tree: SiteTree, limits: Mapping[PortId, int], port_id: PortId) -> bool:
    """Whether every node above a port carries it; one that another fills up alone is nothing to this port."""
    above = {it.node_id: it.parent_id for it in tree.nodes}
    path: list[str] = []
    node_id = next((it.node_id for it in tree.ports if it.port_id == port_id), None)
    while node_id is not None:
        path.append(node_id)
        node_id = above.get(node_id)
    return all(it.fits for it in node_sums(tree, limits) if it.node_id in path)


def _loads(port: Port) -> int:
    return 1 if port.is_line_to_line else len(port.phases)


def _voltage(tree: SiteTree) -> int:
    return max((it.voltage_v for it in tree.ports if not it.is_line_to_line), default=230)


def _sum_of(node: Node, sum_ma: Collection[int], sum_w: int) -> NodeSum:
    one, two, three = sum_ma
    return NodeSum(
        node_id=node.node_id,
        sum_ma=(one, two, three),
        limit_ma=node.limit_ma,
        sum_w=sum_w,
        limit_w=node.limit_w,
    )
