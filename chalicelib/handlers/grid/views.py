"""How a managed site is shown: as it was described, as it would be at worst, and as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.domain.grid.currents import BUILDING_LOAD_LASTS
from chalicelib.domain.grid.demand_response import SiteDemand, holding
from chalicelib.domain.grid.description import NodePreview, by_phase, path
from chalicelib.domain.grid.grants import held_by_port
from chalicelib.domain.grid.tree import Port, PortId, SiteTree
from chalicelib.handlers.grid.models import (
    GridView,
    LimitView,
    LiveDemand,
    LiveNode,
    LivePort,
    LoadView,
    NodeSumView,
    NodeView,
    PortView,
    PowerView,
    PreviewView,
)
from chalicelib.records.grid import ManagedSite, NamedLimit, SiteBook, SiteState, StoredClaim
from chalicelib.services.grid.claimants import DRAW_LASTS, building_of, claimed, currents, on_site


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


def previewed(nodes: Sequence[NodePreview]) -> PreviewView:
    """What each node would carry."""
    return PreviewView(
        nodes=[
            NodeSumView(
                node_id=it.worst.node_id,
                limit_ma=it.worst.limit_ma,
                limit_w=it.worst.limit_w,
                worst_ma=it.worst.sum_ma,
                worst_w=it.worst.sum_w,
                least_ma=it.least.sum_ma,
                silent_ma=it.silent.sum_ma,
                needs_balancing=it.needs_balancing,
                takes_turns=it.takes_turns,
            )
            for it in nodes
        ]
    )


def power(state: SiteState, at: datetime) -> PowerView:
    """A site now, from one query: what was decided, what may be drawn at worst, and what is."""
    tree = state.managed.tree
    held = held_by_port(state.book.pages, at)
    drawing = claimed(state)
    load = building_of(state, at)
    return PowerView(
        site_id=tree.site_id,
        changed_at=state.book.changed_at,
        building=LoadView(at=load.at, load_ma=load.load_ma, is_old=at - load.at > BUILDING_LOAD_LASTS)
        if load
        else None,
        limits=[_limit(it) for it in sorted(state.limits, key=lambda it: it.limit.begins_at) if it.limit.ends_at > at],
        demands=[_demand(it, at) for it in sorted(state.demands, key=lambda it: it.event_id) if it.intervals],
        nodes=_nodes(tree, held, {name: _drawn(port, stored, at) for name, (port, stored) in drawing.items()}),
        ports=[_port(state.book, it, drawing.get(it.port_id, (it, None))[1], at) for it in tree.ports],
        plan=None,
        alarms=list(state.book.alarms),
    )


def _limit(it: NamedLimit) -> LimitView:
    return LimitView(
        limit_id=it.limit_id,
        node_id=it.limit.node_id,
        limit_w=it.limit.limit_w,
        limit_ma=it.limit.limit_ma,
        begins_at=it.limit.begins_at,
        ends_at=it.limit.ends_at,
        told_by=it.told_by,
    )


def _demand(it: SiteDemand, at: datetime) -> LiveDemand:
    ends_at = max(asked.ends_at for asked in it.intervals)
    return LiveDemand(
        event_id=it.event_id,
        program=it.program,
        begins_at=min(asked.begins_at for asked in it.intervals),
        ends_at=min(ends_at, it.stopped_at or ends_at),
        holds_permille=round(1000 * max((part.weight for part in holding([it], at)), default=0)),
        is_opted_out=it.is_opted_out,
    )


def _nodes(tree: SiteTree, held: Mapping[PortId, int], drawn: Mapping[PortId, tuple[int, int, int]]) -> list[LiveNode]:
    parents = {it.node_id: it.parent_id for it in tree.nodes}
    found = []
    for node in tree.nodes:
        beneath = [it for it in tree.ports if node.node_id in path(it.node_id, parents)]
        sums = [drawn[it.port_id] for it in beneath if it.port_id in drawn]
        one, two, three = (sum(it[place] for it in sums) for place in range(3))
        found.append(
            LiveNode(
                node_id=node.node_id,
                limit_ma=node.limit_ma,
                limit_w=node.limit_w,
                held_ma=by_phase(beneath, {it.port_id: held.get(it.port_id, it.most_ma) for it in beneath}),
                drawn_ma=(one, two, three),
            )
        )
    return found


def _drawn(port: Port, stored: StoredClaim, at: datetime) -> tuple[int, int, int]:
    return on_site(stored.draws[-1], port) if _is_fresh(stored, at) else (0, 0, 0)


def _is_fresh(stored: StoredClaim, at: datetime) -> bool:
    return bool(stored.draws) and at - stored.draws[-1].at <= DRAW_LASTS


def _port(book: SiteBook, port: Port, stored: StoredClaim | None, at: datetime) -> LivePort:
    note = next((it for it in book.notes if it.port_id == port.port_id), None)
    page = book.page(port.port_id)
    newest = page.newest if page is not None else None
    if stored is None or note is None or note.session_id != stored.session_id:
        note = None
    return LivePort(
        charger_id=port.port_id.charger_id,
        connector=str(port.port_id.connector),
        session_id=stored.session_id if stored is not None else None,
        grant_ma=newest.limit_ma(at) if note is not None and newest is not None else None,
        held_ma=held_by_port([page], at)[page.port_id] if page is not None else port.most_ma,
        is_confirmed=newest is not None and newest.is_confirmed,
        drawn_ma=currents(stored.draws[-1], port) if stored is not None and _is_fresh(stored, at) else None,
        bound=note.bound if note is not None else None,
        waits=note is not None and not note.target_ma,
    )
