"""Whether a site's chargers keep their limits, as their meters say; what is done where not, and who is told of it.

What a port draws is held against what its charger confirmed (`domain/grid/obedience.py`). What a firmware was seen to
refuse or ignore is written down for it; an alarm is asked for when something is found, and when it is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.obedience import TOLERATED_MA, judged
from chalicelib.domain.grid.one_phase import metered
from chalicelib.domain.grid.tree import Claim, PortCurrent, PortId
from chalicelib.domain.operators import AlarmKind
from chalicelib.ports.grid import Firmwares
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records.grid import SiteBook, SiteState
from chalicelib.services.grid.claimants import DRAW_LASTS, claims_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Obedience:
    """Judges what ports draw. No call but where something is new: a write for a firmware, a message for an alarm."""

    firmwares: Firmwares
    alarm_checks: AlarmChecks

    def judged(self, state: SiteState, book: SiteBook, at: datetime) -> SiteBook:
        """The book with what is to be done about ports that do not keep their grants."""
        claims = {it.port_id: it for it in claims_of(state, {it.port_id: it for it in book.pages})}
        facts = {it.charger_id: it for it in book.chargers}
        firmwares = {it.firmware.name: it.firmware for it in facts.values()}
        pages = []
        for page in book.pages:
            fact = facts[page.port_id.charger_id]
            before = firmwares[fact.firmware.name]
            claim = claims.get(page.port_id)
            draws = claim.draws if claim is not None else ()
            metered_page, firmware = metered(page, before, draws)
            found = judged(metered_page, firmware, fact.ability or ChargingAbility(), draws, at)
            if found.firmware != before:
                firmwares[before.name] = found.firmware
                if before.name:
                    self.firmwares.learn(before, found.firmware)
            if found.measure is not None:
                told = {"port": str(page.port_id), "measure": found.measure}
                _log.warning("limit not kept", extra=told)
            pages.append(found.page)
        chargers = tuple(replace(it, firmware=firmwares[it.firmware.name]) for it in facts.values())
        return replace(book, pages=tuple(pages), chargers=chargers)

    def tell(self, state: SiteState, after: SiteBook) -> None:
        """Have alarms looked at where a port came to ignore its limit, or a site's own are others than before."""
        was, now = _ignoring(state.book), _ignoring(after)
        for charger_id in sorted(was ^ now):
            self.alarm_checks.ask(AlarmKind.LIMIT_IGNORED, charger_id)
        for kind in (AlarmKind.SITE_OVER_LIMIT, AlarmKind.LOAD_SILENT):
            if (kind in state.book.alarms) is not (kind in after.alarms):
                self.alarm_checks.ask(kind, state.managed.tree.site_id)


def alarms_of(
    state: SiteState, book: SiteBook, at: datetime, fits: Callable[[Mapping[PortId, PortCurrent]], bool]
) -> tuple[str, ...]:
    """What is wrong with a site's power now, by the kinds of alarms; `fits`: whether it carries what ports draw."""
    drawn = {it.port_id: _drawn(it, at) for it in claims_of(state, {it.port_id: it for it in book.pages})}
    found = [] if fits(drawn) else [AlarmKind.SITE_OVER_LIMIT.value]
    found += [AlarmKind.LOAD_SILENT.value] if state.is_load_silent(at) else []
    return (*found, *([AlarmKind.LIMIT_IGNORED.value] if _ignoring(book) else []))


def _ignoring(book: SiteBook) -> set[str]:
    return {it.port_id.charger_id for it in book.pages if it.ignored_since is not None}


def _drawn(claim: Claim, at: datetime) -> PortCurrent:
    """What a port drew lately, less what a meter may be wrong by."""
    newest = claim.draws[-1] if claim.draws and at - claim.draws[-1].at <= DRAW_LASTS else None
    told = [max(0, it - TOLERATED_MA) for it in newest.current_ma if it is not None] if newest is not None else []
    most_ma = max(told, default=0)
    if newest is None or not newest.is_by_one:
        return PortCurrent.by_all(most_ma)
    return PortCurrent(most_ma, max(told[1:], default=0))
