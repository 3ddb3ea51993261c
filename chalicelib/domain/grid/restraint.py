"""A site's sharing under what holds for a time: what all would draw if nothing were asked, and what each has.

A site is shared out twice: once as if nobody asked for less, which says what would have been drawn, and once within
what is asked; each port has the lesser of both. So nobody has more because of an event, and no node carries more than
before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from chalicelib.domain.chargers.events import Currents
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.currents import building_load_ma, phase_voltage
from chalicelib.domain.grid.demand_response import SiteDemand, demand_limits, holding
from chalicelib.domain.grid.needs import is_met
from chalicelib.domain.grid.tree import BuildingLoad, Claim, Conditions, Grants, OperatorLimit, Port, PortId, SiteTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """A sharing; `would_draw_w` is what the cars would draw if nobody asked for less, None where nobody does.

    `asked`: the limits that follow from what is asked.
    """

    grants: Grants
    would_draw_w: int | None = None
    asked: tuple[OperatorLimit, ...] = ()


def restrained(
    tree: SiteTree, claims: Sequence[Claim], at: datetime, conditions: Conditions, demands: Iterable[SiteDemand]
) -> Restraint:
    """Share out a site's power, within its limits for a time and demands too. ValueError for a tree that is none.

    A demand counts what those are granted who charge, and not what they, or those who do not, might draw in silence.
    """
    free = share(tree, claims, at, conditions)
    held = [it.demand for it in holding(demands, at)]
    if not held:
        return Restraint(grants=free)
    wanted_w = drawn_at_most_w(tree, claims, free)
    would_draw_w = _unasked_w(tree, claims, at, conditions, wanted_w)
    root_id = next((it.node_id for it in tree.nodes if it.parent_id is None), "")
    building = building_w(tree, conditions.building, at)
    asked = demand_limits(held, at, root_id, cars_w=would_draw_w, building_w=building, wanted_w=wanted_w)
    within = Conditions(building=conditions.building, limits=(*conditions.limits, *asked))
    grants = _lesser(free, share(tree, claims, at, within))
    return Restraint(grants=grants, would_draw_w=would_draw_w, asked=tuple(asked))


def beside_silent(  # noqa: PLR0913 (as `restrained`, and who does as it likes)
    tree: SiteTree,
    claims: Sequence[Claim],
    at: datetime,
    conditions: Conditions,
    demands: Sequence[SiteDemand],
    *,
    silent_ma: Mapping[PortId, int],
    kept_ma: Mapping[PortId, int],
) -> Restraint:
    """A sharing where some chargers hear nothing, and others do not yield below something (`kept_ma`).

    `silent_ma`: what each that hears nothing may go on drawing by what it was told. They are to have what is fair,
    should they hear of it. Until then the others have what is left beside what those hold: no more of it, and no less.
    """
    whole = restrained(tree, claims, at, conditions, demands)
    fair_ma = whole.grants.target_ma
    holding_ma = {it: least for it, least in kept_ma.items() if least > fair_ma.get(it, least)}
    holding_ma |= {it: most for it, most in silent_ma.items() if most != fair_ma.get(it, most)}
    if not holding_ma:
        return whole
    idle = {it for it, most in silent_ma.items() if most < fair_ma.get(it, 0)}
    held = replace(conditions, default_ma={**conditions.default_ma, **holding_ma})
    found = restrained(tree, [it for it in claims if it.port_id not in idle], at, held, demands)
    fair = {it: fair_ma[it] for it in holding_ma}
    grants = _with_notes(found.grants, whole.grants, idle)
    grants = replace(grants, target_ma={**grants.target_ma, **fair}, limit_ma={**grants.limit_ma, **fair})
    return replace(found, grants=grants, would_draw_w=whole.would_draw_w)


def _with_notes(grants: Grants, known: Grants, ports: Collection[PortId]) -> Grants:
    """The grants with what was found of those ports too."""
    notes = ((it.name, getattr(known, it.name)) for it in fields(Grants))
    more = {name: {it: told[it] for it in told if it in ports} for name, told in notes}
    return replace(grants, **{name: {**getattr(grants, name), **told} for name, told in more.items()})


def drawn_at_most_w(tree: SiteTree, claims: Iterable[Claim], grants: Grants) -> int:
    """What cars would draw that were granted so much, as far as they are known: none more than it ever took."""
    ports = {it.port_id: it for it in tree.ports}
    total_w = 0.0
    for claim in claims:
        port = ports.get(claim.port_id)
        if port is None or claim.port_id in grants.idle_since:
            continue
        current_ma = grants.target_ma.get(claim.port_id, 0)
        current_ma = min(current_ma, grants.car_most_ma.get(claim.port_id, current_ma))
        switching = grants.switching.get(claim.port_id)
        phases = 1 if switching is not None and switching.is_one else grants.car_phases.get(claim.port_id)
        total_w += current_ma * _volts(port, phases) / 1000
    return int(total_w)


def _unasked_w(tree: SiteTree, claims: Sequence[Claim], at: datetime, conditions: Conditions, wanted_w: int) -> int:
    """What cars would draw now if their plan knew of no event, where it does."""
    if all(it.unasked_ma is None for it in claims):
        return wanted_w
    unasked = [_unasked(it) for it in claims]
    return drawn_at_most_w(tree, unasked, share(tree, unasked, at, conditions))


def _unasked(claim: Claim) -> Claim:
    """A claim as it would be: who has had before an event what they would take in it would lack it now."""
    if claim.unasked_ma is None:
        return claim
    free = replace(claim, planned_ma=claim.unasked_ma, is_kept_to_plan=True)
    return replace(free, asked_wh=None, draws=(), idle_since=None) if is_met(claim) else free


def taken_w(port: Port, current_ma: Currents) -> int:
    """What flows at a port as its meter says, by its own phases."""
    if port.is_line_to_line:
        return (current_ma[0] or 0) * port.voltage_v // 1000
    return sum(it or 0 for it in current_ma) * port.voltage_v // 1000


def rated_w(tree: SiteTree) -> int:
    """What all ports can draw."""
    return int(sum(it.most_ma * _volts(it, None) for it in tree.ports) // 1000)


def _volts(port: Port, car_phases: int | None) -> int:
    """What a milliampere in each of its phases comes to, in milliwatts."""
    if port.is_line_to_line:
        return port.voltage_v
    return port.voltage_v * min(car_phases or len(port.phases), len(port.phases))


def building_w(tree: SiteTree, building: BuildingLoad | None, at: datetime) -> int:
    """What the site takes beside its cars, as far as that may be counted on."""
    return int(sum(building_load_ma(tree, building, at)) * phase_voltage(tree) / 1000)


def _lesser(free: Grants, within: Grants) -> Grants:
    """What both leave to each; who waits for a turn within what is asked keeps that place in the line."""
    least = {it: min(free.target_ma[it], within.target_ma[it]) for it in free.target_ma}
    return replace(
        free,
        limit_ma={it: min(most, least[it]) for it, most in free.limit_ma.items()},
        target_ma=least,
        bounds={it: _bound(it, free, within) for it in free.bounds},
        turn_since={it: since for it, since in within.turn_since.items() if least.get(it)},
        # By so many phases as the stricter sharing counted.
        switching=within.switching,
    )


def _bound(port_id: PortId, free: Grants, within: Grants) -> str | None:
    is_less = within.target_ma[port_id] < free.target_ma[port_id]
    bounds: Mapping[PortId, str | None] = within.bounds if is_less else free.bounds
    return bounds[port_id]
