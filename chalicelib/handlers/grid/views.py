"""How a managed site is shown: as it was described, as it would be at worst, and as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.domain.chargers.events import Currents
from chalicelib.domain.grid.currents import BUILDING_LOAD_LASTS
from chalicelib.domain.grid.description import NodeSum, by_phase, path
from chalicelib.domain.grid.grants import held_ma
from chalicelib.domain.grid.tree import Phase, Port, PortId
from chalicelib.handlers.grid.models import (
    GridView,
    LimitView,
    LiveNode,
    LivePort,
    LoadView,
    NodeSumView,
    NodeView,
    PortView,
    PowerView,
    PreviewView,
)
from chalicelib.records.grid import ManagedSite, SiteState


def grid(it: ManagedSite) -> GridView:
    """A tree, in the form in which it is described."""
    return GridView(
        nodes=[
            NodeView(node_id=node.node_id, parent_id=node.parent_id, limit_ma=node.limit_ma, limit_w=node.limit_w)
            for node in it.tree.nodes
        ],
        ports=[
            PortView(
                charger_id=port.port_id.charger_id,
                connector=str(port.port_id.connector),
                node_id=port.node_id,
                phases=port.phases,
                is_line_to_line=port.is_line_to_line,
                voltage_v=port.voltage_v,
                least_ma=port.least_ma,
                most_ma=port.most_ma,
                weight=port.weight,
            )
            for port in it.tree.ports
        ],
        reserve_ma=it.tree.reserve_ma,
        worst_load_ma=it.tree.worst_load_ma,
        floor_w=it.tree.floor_w,
        meter_charger_id=it.meter_charger_id,
    )


def previewed(sums: Sequence[NodeSum]) -> PreviewView:
    """What each node is asked for."""
    return PreviewView(
        nodes=[
            NodeSumView(
                node_id=it.node_id,
                limit_ma=it.limit_ma,
                limit_w=it.limit_w,
                worst_ma=it.worst_ma,
                worst_w=it.worst_w,
                least_ma=it.least_ma,
                silent_ma=it.silent_ma,
                needs_balancing=it.needs_balancing,
                takes_turns=it.takes_turns,
            )
            for it in sums
        ]
    )
