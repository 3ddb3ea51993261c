"""How a managed site is shown: as it was described, as it would be at worst, and as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime

from chalicelib.domain.grid.currents import BUILDING_LOAD_LASTS, Conductors
from chalicelib.domain.grid.demand_response import SiteDemand, holding
from chalicelib.domain.grid.description import Preview
from chalicelib.domain.grid.grants import PortPage, held, held_by_port
from chalicelib.domain.grid.obedience import Measure
from chalicelib.domain.grid.sums import by_phase, conductor_sums, path
from chalicelib.domain.grid.tree import Port, PortCurrent, PortId, SiteTree, Switching
from chalicelib.handlers.chargers.wait_models import PowerWaitView
from chalicelib.handlers.grid.live_models import (
    LimitView,
    LiveConductor,
    LiveDemand,
    LiveNode,
    LivePort,
    LoadView,
    PlannedPortView,
    PlanView,
    PowerView,
    SwitchingView,
)
from chalicelib.handlers.grid.models import (
    ConductorSumView,
    ConductorView,
    GridView,
    NodeSumView,
    NodeView,
    PortView,
    PreviewView,
    TermView,
)
from chalicelib.records.grid import ManagedSite, NamedLimit, SiteState, StoredClaim
from chalicelib.services.grid.claimants import DRAW_LASTS, building_of, claimed, currents, on_site
from chalicelib.services.grid.site_conditions import sessions_of


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
                step_ma=port.step_ma,
                levels_ma=port.levels_ma,
                weight=port.weight,
            )
            for port in it.tree.ports
        ],
        conductors=[
            ConductorView(
                conductor_id=conductor.conductor_id,
                limit_ma=conductor.limit_ma,
                terms=[
                    TermView(
                        charger_id=term.port_id.charger_id,
                        connector=str(term.port_id.connector),
                        weight=term.weight,
                        angle_deg=term.angle_deg,
                    )
                    for term in conductor.terms
                ],
            )
            for conductor in it.tree.conductors
        ],
        reserve_ma=it.tree.reserve_ma,
        worst_load_ma=it.tree.worst_load_ma,
        floor_w=it.tree.floor_w,
        switches_phases=it.tree.switches_phases,
        proves_firmware=it.tree.proves_firmware,
        meter_charger_id=it.meter_charger_id,
    )


def previewed(found: Preview) -> PreviewView:
    """What each node and conductor would carry."""
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
            for it in found.nodes
        ],
        conductors=[
            ConductorSumView(
                conductor_id=it.worst.conductor_id,
                limit_ma=it.worst.limit_ma,
                worst_ma=it.worst.sum_ma,
                least_ma=it.least.sum_ma,
                silent_ma=it.silent.sum_ma,
                needs_balancing=it.needs_balancing,
                takes_turns=it.takes_turns,
            )
            for it in found.conductors
        ],
    )


def power(state: SiteState, at: datetime) -> PowerView:
    """A site now, from one query: what was decided, what may be drawn at worst, and what is."""
    tree = state.managed.tree
    pages = {it.port_id: it for it in state.book.pages}
    former = {it.port_id: it for it in state.former_ports(at) if it.port_id in pages}
    whole = replace(tree, ports=(*tree.ports, *former.values()))
    # A port that no look has seen yet may draw all it can.
    most = {it.port_id: PortCurrent.by_all(it.most_ma) for it in tree.ports}
    holding = most | dict(held_by_port(state.book.pages, at))
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
        nodes=_nodes(
            whole,
            Conductors.of(tree, at, load, [it.limit for it in state.limits]),
            holding,
            {name: _drawn(port, stored, at) for name, (port, stored) in drawing.items()},
        ),
        ports=[_port(state, it, drawing.get(it.port_id, (it, None))[1], at) for it in whole.ports],
        conductors=[
            LiveConductor(conductor_id=it.conductor_id, limit_ma=it.limit_ma, held_ma=it.sum_ma)
            for it in conductor_sums(whole, {port_id: it.first_ma for port_id, it in holding.items()})
        ],
        plan=_plan(state),
        alarms=list(state.book.alarms),
    )


def _plan(state: SiteState) -> PlanView | None:
    """The plan that stands, as far as those whom it is for still charge."""
    plan, now = state.plan, sessions_of(state)
    known = [it for it in plan.ports if now.get(it.port_id) == it.session_id] if plan is not None else []
    if plan is None or not known:
        return None
    ports = [
        PlannedPortView(
            charger_id=it.port_id.charger_id,
            connector=str(it.port_id.connector),
            session_id=it.session_id,
            limit_ma=list(it.limit_ma),
            starts_at=it.estimate.starts_at if it.estimate is not None else None,
            ready_at=it.estimate.ready_at if it.estimate is not None else None,
            unmet_wh=it.estimate.unmet_wh if it.estimate is not None else 0,
        )
        for it in known
    ]
    return PlanView(
        version=plan.version, planned_at=plan.planned_at, begins_at=plan.begins_at, source=plan.source, ports=ports
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


def _nodes(
    tree: SiteTree,
    conductors: Conductors,
    holding: Mapping[PortId, PortCurrent],
    drawn: Mapping[PortId, tuple[int, int, int]],
) -> list[LiveNode]:
    parents = {it.node_id: it.parent_id for it in tree.nodes}
    found = []
    for node in tree.nodes:
        beneath = [it for it in tree.ports if node.node_id in path(it.node_id, parents)]
        sums = [drawn[it.port_id] for it in beneath if it.port_id in drawn]
        one, two, three = (sum(it[place] for it in sums) for place in range(3))
        (room_1, room_2, room_3), room_w = conductors.room(node.node_id)
        found.append(
            LiveNode(
                node_id=node.node_id,
                limit_ma=node.limit_ma,
                limit_w=node.limit_w,
                room_ma=(_whole(room_1), _whole(room_2), _whole(room_3)),
                room_w=_whole(room_w),
                held_ma=by_phase(beneath, holding),
                drawn_ma=(one, two, three),
            )
        )
    return found


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _drawn(port: Port, stored: StoredClaim, at: datetime) -> tuple[int, int, int]:
    return on_site(stored.draws[-1], port) if _is_fresh(stored, at) else (0, 0, 0)


def _is_fresh(stored: StoredClaim, at: datetime) -> bool:
    return bool(stored.draws) and at - stored.draws[-1].at <= DRAW_LASTS


def _port(state: SiteState, port: Port, stored: StoredClaim | None, at: datetime) -> LivePort:
    note = next((it for it in state.book.notes if it.port_id == port.port_id), None)
    # A port that no look has seen yet.
    page = state.book.page(port.port_id) or PortPage(port_id=port.port_id, most_ma=port.most_ma)
    facts = next((it for it in state.book.chargers if it.charger_id == port.port_id.charger_id), None)
    newest = page.newest
    if stored is None or note is None or note.session_id != stored.session_id:
        note = None
    return LivePort(
        charger_id=port.port_id.charger_id,
        connector=str(port.port_id.connector),
        session_id=stored.session_id if stored is not None else None,
        grant_ma=newest.limit_ma(at) if note is not None and newest is not None else None,
        held_ma=held(page, at).first_ma,
        held_others_ma=held(page, at).others_ma,
        switching=_switching(note.switching) if note is not None and note.switching is not None else None,
        is_confirmed=newest is not None and newest.is_confirmed,
        drawn_ma=currents(stored.draws[-1], port) if stored is not None and _is_fresh(stored, at) else None,
        bound=note.bound if note is not None else None,
        waits=note is not None and not note.target_ma,
        power_wait=PowerWaitView(**asdict(stored.wait)) if stored is not None and stored.wait is not None else None,
        unanswered_since=newest.sent_at if newest is not None and newest.answered_at is None else None,
        default_ma=page.default_ma,
        trust=page.trust,
        note=facts.ability.note if facts is not None and facts.ability is not None else "",
        ignored_since=page.ignored_since,
        measures=[Measure(it) for it in page.measures],
        leaves_at=next((it.until for it in state.managed.former if it.port.port_id == port.port_id), None),
    )


def _switching(it: Switching) -> SwitchingView:
    return SwitchingView(is_one=it.is_one, is_shown=it.is_shown, left=it.left, why=_why(it))


def _why(it: Switching) -> str:
    is_changing = it.other_since is not None
    by_one = (
        (not it.is_shown, "somebody had to wait by three phases; it holds all of them until its meter has shown one"),
        (is_changing, "three phases fit again; it is switched back when they have for a quarter of an hour"),
        (True, "by three phases somebody would wait for the least current"),
    )
    by_all = (
        (not it.left, "it was switched as often as a session may be"),
        (is_changing, "somebody waits who would not if it charged by one phase; it is switched when that has lasted"),
        (True, "nobody waits who would not if it charged by one phase"),
    )
    if it.is_trial:
        return "it is tried whether its firmware charges by one phase when it is told to"
    return next(text for holds, text in (by_one if it.is_one else by_all) if holds)
