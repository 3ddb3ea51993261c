"""A site's tree as somebody describes it: what cannot be so, and what its ports sum to at worst, phase by phase."""

from __future__ import annotations

from cmath import phase, rect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi

from chalicelib.domain.grid.currents import at_worst
from chalicelib.domain.grid.defaults import NodeSum, node_sums, preview
from chalicelib.domain.grid.tree import Node, Phase, Port, PortId, SiteTree

# OCPP and IEC 61851 know no charge below six amperes.
LEAST_MA = 6_000
_TWO, _THREE = 2, 3
_ANGLE = {Phase.L1: 0.0, Phase.L2: -2 * pi / 3, Phase.L3: 2 * pi / 3}


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


def path(node_id: str, parents: Mapping[str, str | None]) -> list[str]:
    """A node and all above it, the grid connection last; what hangs in a circle is named once."""
    found: list[str] = []
    at: str | None = node_id
    while at is not None and at in parents and at not in found:
        found.append(at)
        at = parents[at]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePreview:
    """What a node would carry, reserve and worst building load in it.

    `worst`: all ports draw all they can. `least`: all charge with the least they can. `silent`: all fall to their
    offline default, as far as these fit.
    """

    worst: NodeSum
    least: NodeSum
    silent: NodeSum

    @property
    def needs_balancing(self) -> bool:
        """Whether its ports could overload it."""
        return not self.worst.fits

    @property
    def takes_turns(self) -> bool:
        """Whether not all of its ports can charge at once."""
        return not self.least.fits


def previews(tree: SiteTree) -> list[NodePreview]:
    """What each node would carry, in the tree's order."""
    worst = node_sums(tree, {it.port_id: it.most_ma for it in tree.ports})
    least = node_sums(tree, {it.port_id: it.least_ma for it in tree.ports})
    silent = preview(tree).sums
    return [NodePreview(worst=it, least=few, silent=none) for it, few, none in zip(worst, least, silent, strict=True)]


def by_phase(ports: Sequence[Port], drawn_ma: Mapping[PortId, int]) -> tuple[int, int, int]:
    """What these ports' currents sum to at worst in L1, L2 and L3; what lies between two phases is added as phasors."""
    one, two, three = (
        round(at_worst((drawn_ma.get(it.port_id, 0), turned) for it in ports for turned in _in_phase(it, of)))
        for of in Phase
    )
    return one, two, three


def _in_phase(port: Port, of: Phase) -> list[complex]:
    """How a milliampere of the port's flows in that conductor, against its own phase; nothing where it does not."""
    if of not in port.phases:
        return []
    if not port.is_line_to_line:
        return [1 + 0j]
    first, other = port.phases
    between = phase(rect(1, _ANGLE[first]) - rect(1, _ANGLE[other]))
    turned = rect(1, between - _ANGLE[of])
    return [turned if of is first else -turned]
