"""Under what a site's power is shared out, or planned: its building, its limits, what its ports draw in silence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from chalicelib.domain.chargers.charging_ability import ChargingAbility, forms, seen_in
from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.defaults import OfflineDefaults, offline_defaults, silent_room
from chalicelib.domain.grid.grants import Trust, base_ma, held_ma
from chalicelib.domain.grid.outlook import Plan
from chalicelib.domain.grid.tree import Claim, Conditions, Port, PortId, SiteTree
from chalicelib.records.grid import ChargerFacts, SiteBook, SiteState
from chalicelib.services.grid.claimants import building_of, claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSite:
    """A site as its power is shared out: its tree with the ports that it had before (`former`), and under what."""

    tree: SiteTree
    conditions: Conditions
    defaults: OfflineDefaults
    former: Mapping[PortId, Port]


def site_to_share(state: SiteState, book: SiteBook, claims: Sequence[Claim], at: datetime) -> SharedSite:
    """By what the book knows of it; with the offline default that each port is to have."""
    tree, drawing = state.managed.tree, claimed(state)
    # Who is switched to one phase has no default, where not all have one: that would be by three, and nobody else's.
    switched = {it.port_id for it in claims if it.switching is not None and it.switching.is_one}
    switched -= {it.port_id for it in claims if it.switching is not None and it.switching.is_trial}
    charging = sorted(drawing.keys() - switched, key=lambda it: drawing[it][1].begun_at)
    untold = _untold(book)
    unruly = {it.port_id: it.most_ma for it in book.pages if it.trust is Trust.DISPROVEN or it.port_id in untold}
    former = {it.port_id: it for it in state.former_ports(at)}
    whole = replace(tree, ports=(*tree.ports, *former.values()))
    building, limits = building_of(state, at), tuple(it.limit for it in state.limits)
    # What nobody charges at, or nobody can limit, is as it is, whoever has a turn.
    idle = {
        it.port_id: held_ma(it, at) if it.port_id in former or it.port_id in untold else base_ma(it)
        for it in book.pages
        if it.port_id not in drawing or it.port_id in unruly or it.ignored_since is not None
    }
    room = silent_room(tree, at, building, limits)
    defaults = offline_defaults(tree, charging, unruly, room)
    if defaults.left_out:
        # Who has a turn keeps a default first: the room of one that others have would never be theirs.
        wish = share(whole, claims, at, Conditions(building=building, limits=limits, default_ma=idle))
        charging.sort(key=lambda it: not wish.target_ma.get(it))
        defaults = offline_defaults(tree, charging, unruly, room)
    left_out = [it.port_id for it in claims if it.port_id in switched and not defaults.limit_ma.get(it.port_id, 1)]
    defaults = replace(defaults, left_out=(*defaults.left_out, *left_out))
    bases = {it.port_id: max(idle.get(it.port_id, 0), defaults.limit_ma.get(it.port_id, 0)) for it in book.pages}
    conditions = Conditions(building=building, limits=limits, default_ma=bases)
    return SharedSite(tree=whole, conditions=conditions, defaults=defaults, former=former)


def plan_of(state: SiteState, book: SiteBook) -> Plan | None:
    """The plan that stands, for those who still charge; a charger that cannot pause keeps its least where it would."""
    if state.plan is None:
        return None
    drawing = claimed(state)
    plan = state.plan.of({it: stored for it, (_, stored) in drawing.items() if stored.is_plannable})
    facts = {it.charger_id: it for it in book.chargers}
    rows = {
        port_id: row
        if port_id.charger_id not in facts or _ability(facts[port_id.charger_id]).pauses_at_zero
        else tuple(max(it, drawing[port_id][0].least_ma) for it in row)
        for port_id, row in plan.limit_ma.items()
    }
    return replace(plan, limit_ma=rows) if rows else None


def sessions_of(state: SiteState) -> Mapping[PortId, str]:
    """The session at each port that one claims power at."""
    return {it: stored.session_id for it, (_, stored) in claimed(state).items()}


def unyielding_ma(state: SiteState, book: SiteBook, at: datetime) -> Mapping[PortId, int]:
    """What each charge goes on drawing whatever it is granted, where that is anything.

    All that its port can, where its charger takes no limit; its least once it has begun, where that cannot pause.
    """
    drawing, untold = claimed(state), _untold(book)
    unpaused = {it.charger_id for it in book.chargers if not _ability(it).pauses_at_zero}
    found = {}
    for page in book.pages:
        port, _ = drawing.get(page.port_id, (None, None))
        if port is not None and page.port_id in untold:
            found[page.port_id] = held_ma(page, at)
        elif port is not None and page.port_id.charger_id in unpaused and held_ma(page, at) >= port.least_ma:
            found[page.port_id] = port.least_ma
    return found


def _untold(book: SiteBook) -> Collection[PortId]:
    """The ports whose chargers take no limit."""
    takes_none = {it.charger_id for it in book.chargers if not _takes_limits(_ability(it))}
    return {it.port_id for it in book.pages if it.port_id.charger_id in takes_none}


def _takes_limits(ability: ChargingAbility) -> bool:
    # Of hundreds nearly all refuse nothing.
    return ability.is_controllable and (not ability.refused or bool(forms(ability, ProfilePurpose.SESSION)))


def _ability(facts: ChargerFacts) -> ChargingAbility:
    return seen_in(facts.ability or ChargingAbility(), facts.firmware.learnt)
