"""Under what a site's power is shared out, or planned: its building, its limits, what its ports draw in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.chargers.charging_ability import ChargingAbility, seen_in
from chalicelib.domain.grid.defaults import OfflineDefaults, offline_defaults
from chalicelib.domain.grid.grants import Trust, base_ma
from chalicelib.domain.grid.outlook import Plan
from chalicelib.domain.grid.tree import Conditions, PortId
from chalicelib.records.grid import ChargerFacts, SiteBook, SiteState
from chalicelib.services.grid.claimants import building_of, claimed


def conditions_of(state: SiteState, book: SiteBook, at: datetime) -> tuple[Conditions, OfflineDefaults]:
    """By what the book knows of it; and the offline default that each port is to have."""
    tree, drawing = state.managed.tree, claimed(state)
    charging = sorted(drawing, key=lambda it: drawing[it][1].begun_at)
    unruly = {it.port_id: it.most_ma for it in book.pages if it.trust is Trust.DISPROVEN}
    defaults = offline_defaults(tree, charging, unruly)
    bases = {it.port_id: max(base_ma(it), defaults.limit_ma[it.port_id]) for it in book.pages}
    limits = tuple(it.limit for it in state.limits)
    return Conditions(building=building_of(state, at), limits=limits, default_ma=bases), defaults


def plan_of(state: SiteState, book: SiteBook) -> Plan | None:
    """The plan that stands, for those who still charge; a charger that cannot pause keeps its least where it would."""
    if state.plan is None:
        return None
    drawing = claimed(state)
    plan = state.plan.of({it: stored.session_id for it, (_, stored) in drawing.items() if stored.is_plannable})
    facts = {it.charger_id: it for it in book.chargers}
    rows = {
        port_id: row
        if _pauses(facts.get(port_id.charger_id))
        else tuple(max(it, drawing[port_id][0].least_ma) for it in row)
        for port_id, row in plan.limit_ma.items()
    }
    return replace(plan, limit_ma=rows) if rows else None


def sessions_of(state: SiteState) -> Mapping[PortId, str]:
    """The session at each port that one claims power at."""
    return {it: stored.session_id for it, (_, stored) in claimed(state).items()}


def _pauses(facts: ChargerFacts | None) -> bool:
    if facts is None:
        return True
    return seen_in(facts.ability or ChargingAbility(), facts.firmware.learnt).pauses_at_zero
