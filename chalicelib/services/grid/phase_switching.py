"""Which charges may be switched between one phase and three, and how a firmware's word on that is tried.

On where a charger says that it can, its firmware was proven to (`domain/grid/firmware.py`), and its site does not
forbid it (`switches_phases` of its tree). A charge that follows a plan is left as it is: the plan counts its phases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.chargers.charging_ability import ChargingAbility, forms, seen_in
from chalicelib.domain.chargers.commands import ProfilePurpose
from chalicelib.domain.grid.grants import PortPage, Trust
from chalicelib.domain.grid.one_phase import SwitchFacts, standing
from chalicelib.domain.grid.tree import Claim, Port, PortId
from chalicelib.records.grid import ChargerFacts, SiteBook, SiteState
from chalicelib.services.grid.claimants import claimed

_THREE = 3


def switchable(state: SiteState, book: SiteBook, claims: Iterable[Claim], at: datetime) -> list[Claim]:
    """The claims with how each stands; one charge at a time tries a firmware."""
    facts = {it.charger_id: it for it in book.chargers}
    pages = {it.port_id: it for it in book.pages}
    notes = {it.port_id: it for it in state.book.notes}
    drawing = claimed(state)
    tried = {
        facts[it.port_id.charger_id].firmware.name
        for it in state.book.notes
        if it.switching is not None and it.switching.is_trial and it.port_id.charger_id in facts
    }
    found = []
    for claim in claims:
        fact, note = facts.get(claim.port_id.charger_id), notes.get(claim.port_id)
        page = pages.get(claim.port_id)
        if fact is None or page is None:
            found.append(claim)
            continue
        port, stored = drawing[claim.port_id]
        before = note.switching if note is not None and note.session_id == claim.session_id else None
        is_possible = _can(state, fact, port) and not stored.is_plannable and _is_told(page)
        known = SwitchFacts(
            session_id=claim.session_id,
            is_possible=is_possible and claim.car_phases != 1,
            car_phases=claim.car_phases,
            is_fed=_is_fed(page, port, claim.session_id, at),
        )
        now = standing(before, known, page, fact.firmware, at)
        if now is not None and now.is_trial and before is None:
            now = None if fact.firmware.name in tried else now
            tried.add(fact.firmware.name)
        found.append(replace(claim, switching=now))
    return found


def quiet_phases(state: SiteState, facts: ChargerFacts, port_id: PortId) -> int | None:
    """By how many phases a port at which nobody charges has its default: by one, while that proves what is not known.

    After all else that its firmware is to prove.
    """
    port = next((it for it in state.managed.tree.ports if it.port_id == port_id), None)
    one = facts.firmware.one_phase
    is_open = facts.firmware.trust is Trust.PROVEN and not one.is_kept and not one.is_disproven
    return 1 if port is not None and is_open and _can(state, facts, port) else None


def _can(state: SiteState, facts: ChargerFacts, port: Port) -> bool:
    """Whether its site, its wiring and its charger's settings allow it; through 0 A is the only way."""
    ability = seen_in(facts.ability or ChargingAbility(), facts.firmware.learnt)
    form = next(iter(forms(ability, ProfilePurpose.SESSION, facts.firmware.learnt.best)), None)
    is_wired = len(port.phases) == _THREE and not port.is_line_to_line
    is_able = ability.switches_phases and ability.pauses_at_zero
    is_its_own = form is not None and form.purpose is ProfilePurpose.SESSION
    return state.managed.tree.switches_phases and is_wired and is_able and is_its_own


def _is_told(page: PortPage) -> bool:
    return page.ignored_since is None and not page.measures


def _is_fed(page: PortPage, port: Port, session_id: str, at: datetime) -> bool:
    lease = page.newest
    is_its = lease is not None and lease.session_id == session_id and lease.is_confirmed and not lease.is_over
    return is_its and lease is not None and lease.phases is None and lease.limit_ma(at) >= port.least_ma
