"""What a look at a site notes of demand response: what its cars would draw and do, and when the next event begins.

Most sites have none, and of those nothing is asked and nothing written.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.delivery import Sample
from chalicelib.domain.grid.demand_response import holding, next_begin
from chalicelib.domain.grid.restraint import Restraint, taken_w
from chalicelib.ports.grid import DemandEvents, Looks
from chalicelib.records.grid import SiteState
from chalicelib.services.grid.claimants import DRAW_LASTS, claimed, currents

# The next look that each minute brings may come this late.
_SOON = timedelta(seconds=90)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DemandNotes:
    """A write for each event that holds, a message for one about to begin, and no call where there is neither."""

    events: DemandEvents
    looks: Looks

    def note(self, state: SiteState, restraint: Restraint, at: datetime) -> None:
        """Note what was found; what fails is logged, for a minute less in a report stops no sharing."""
        if not state.demands:
            return
        begins_at = next_begin(state.demands, at)
        if begins_at is not None and begins_at - at <= _SOON:
            self.looks.ask_later(state.managed.tree.site_id, begins_at - at)
        if restraint.would_draw_w is None:
            return
        sample = Sample(at=at, baseline_w=restraint.would_draw_w, drawn_w=drawn_w(state, at))
        held = {it.demand.event_id: it.demand for it in holding(state.demands, at)}
        try:
            for demand in held.values():
                self.events.note(demand, sample)
        except Exception:
            _log.exception("delivery not noted", extra={"site_id": state.managed.tree.site_id})


def drawn_w(state: SiteState, at: datetime) -> int:
    """What cars draw at a site, as their meters said lately."""
    total_w = 0
    for port, stored in claimed(state).values():
        newest = stored.draws[-1] if stored.draws and at - stored.draws[-1].at <= DRAW_LASTS else None
        if newest is not None:
            total_w += newest.power_w if newest.power_w is not None else taken_w(port, currents(newest, port))
    return total_w
