"""A site's tree as somebody describes it: what cannot be so, and what its ports sum to at worst, phase by phase."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Generic, TypeVar

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.defaults import preview
from chalicelib.domain.grid.sums import ConductorSum, NodeSum, conductor_sums, node_sums, path
from chalicelib.domain.grid.tree import Node, Phase, Port, PortId, SiteTree

# OCPP and IEC 61851 know no charge below six amperes.
LEAST_MA = 6_000
_TWO, _THREE = 2, 3


def tree_faults(tree: SiteTree) -> Iterator[str]:
    """What of a tree cannot be so, each in a sentence that names it; nothing where all can."""
    yield from _node_faults(tree.nodes)
    known = {it.node_id for it in tree.nodes}
    seen: set[PortId] = set()
    for port in tree.ports:
        name = f"port {port.port_id}"
        if port.port_id in seen:
            yield f"{name} is there twice"
        seen.add(port.port_id)
        if port.node_id not in known:
            yield f"{name} hangs at node {port.node_id!r}, which is not there"
        yield from _port_faults(name, port)
    yield from _limits_below_ports(tree)
    yield from _conductor_faults(tree, known)


def _node_faults(nodes: Sequence[Node]) -> Iterator[str]:
    parents = {it.node_id: it.parent_id for it in nodes}
    if len(parents) < len(nodes):
        names = [it.node_id for it in nodes]
        yield f"node {next(it for it in names if names.count(it) > 1)!r} is there twice"
    roots = [it.node_id for it in nodes if it.parent_id is None]
    if len(roots) > 1:
        yield f"nodes {', '.join(map(repr, roots))} have no parent: a site has one grid connection"
    if not roots:
        yield "no node is without a parent: a site needs its grid connection"
    for node in nodes:
        if node.parent_id is not None and node.parent_id not in parents:
            yield f"node {node.node_id!r} hangs at {node.parent_id!r}, which is not there"
    in_circle = [it for it in parents if _leads_to_itself(it, parents)]
    if in_circle:
        yield f"nodes {', '.join(map(repr, in_circle))} hang at each other in a circle"
    if len(roots) == 1:
        root = next(it for it in nodes if it.parent_id is None)
        if root.limit_w is None and None in root.limit_ma:
            yield f"node {root.node_id!r} is the grid connection, and needs a limit for each phase, or one in watts"


def _leads_to_itself(node_id: str, parents: Mapping[str, str | None]) -> bool:
    at = parents[node_id]
    for _ in parents:
        if at is None or at == node_id:
            break
        at = parents.get(at)
    return at == node_id


def _port_faults(name: str, port: Port) -> Iterator[str]:
    if len(set(port.phases)) < len(port.phases):
        yield f"{name} has a phase twice"
    if port.is_line_to_line != (len(port.phases) == _TWO):
        yield f"{name} has {len(port.phases)} phases: two are for what lies between them (is_line_to_line), else 1 or 3"
    if port.least_ma < LEAST_MA:
        yield f"{name} cannot charge with less than {LEAST_MA} mA"
    if port.most_ma < port.least_ma:
        yield f"{name} takes at most {port.most_ma} mA, which is less than its least, {port.least_ma} mA"
    levels = port.levels_ma
    if levels and any(later <= earlier for earlier, later in pairwise(levels)):
        yield f"{name} has levels that do not rise"
    elif levels and (levels[0] != port.least_ma or levels[-1] > port.most_ma):
        yield f"{name} has levels from its least, {port.least_ma} mA, to its most, {port.most_ma} mA, and no others"


def _limits_below_ports(tree: SiteTree) -> Iterator[str]:
    """Nodes behind which nobody could ever charge."""
    parents = {it.node_id: it.parent_id for it in tree.nodes}
    for node in tree.nodes:
        beneath = [it for it in tree.ports if node.node_id in path(it.node_id, parents)]
        least = min((it.least_ma for it in beneath), default=None)
        if least is None:
            continue
        spare = [tree.reserve_ma] * _THREE if node.parent_id is None else [0] * _THREE
        for limit, less, of in zip(node.limit_ma, spare, Phase, strict=True):
            if limit is not None and limit - less < least and any(of in it.phases for it in beneath):
                yield f"node {node.node_id!r} leaves {limit - less} mA on {of}, and no port behind it takes so little"


def _conductor_faults(tree: SiteTree, node_ids: Collection[str]) -> Iterator[str]:
    ports = {it.port_id: it for it in tree.ports}
    seen: set[str] = set()
    for conductor in tree.conductors:
        name = f"conductor {conductor.conductor_id!r}"
        if conductor.conductor_id in seen or conductor.conductor_id in node_ids:
            # What holds a port back is told by its name.
            yield f"{name} has the name of another, or of a node"
        seen.add(conductor.conductor_id)
        told = [it.port_id for it in conductor.terms]
        if len(set(told)) < len(told):
            yield f"{name} has a port twice"
        for port_id in told:
            if port_id not in ports:
                yield f"{name} counts port {port_id}, which is not there"
        least = [abs(it.weight) * ports[it.port_id].least_ma for it in conductor.terms if it.port_id in ports]
        if least and min(least) > conductor.limit_ma:
            yield f"{name} carries {conductor.limit_ma} mA, and no port behind it takes so little"


_Sum = TypeVar("_Sum", NodeSum, ConductorSum)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumPreview(Generic[_Sum]):
    """What a node, or a conductor beside the tree, would carry, reserve and worst building load in it.

    `worst`: all ports draw all they can. `least`: all charge with the least they can. `silent`: all fall to their
    offline default, as far as these fit.
    """

    worst: _Sum
    least: _Sum
    silent: _Sum

    @property
    def needs_balancing(self) -> bool:
        """Whether its ports could overload it."""
        return not self.worst.fits

    @property
    def takes_turns(self) -> bool:
        """Whether not all of its ports can charge at once."""
        return not self.least.fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a tree's nodes and conductors would carry, in its order."""

    nodes: tuple[SumPreview[NodeSum], ...]
    conductors: tuple[SumPreview[ConductorSum], ...]


def previewed(tree: SiteTree) -> Preview:
    """What a tree would carry at worst, at least, and in silence."""
    worst = {it.port_id: it.most_ma for it in tree.ports}
    least = {it.port_id: it.least_ma for it in tree.ports}
    silent = preview(tree).limit_ma
    nodes = zip(*(node_sums(tree, it) for it in (worst, least, silent)), strict=True)
    conductors = zip(*(conductor_sums(tree, it) for it in (worst, least, silent)), strict=True)
    return Preview(
        nodes=tuple(SumPreview(worst=all_, least=few, silent=none) for all_, few, none in nodes),
        conductors=tuple(SumPreview(worst=all_, least=few, silent=none) for all_, few, none in conductors),
    )
