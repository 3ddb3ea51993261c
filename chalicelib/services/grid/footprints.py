"""Footprints of sessions that are over: their readings, and what a kWh cost and emitted at their site meanwhile."""

from __future__ import annotations

import logging
from datetime import timedelta

from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.footprints import EnergyRegister, footprint
from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.ports.grid import Outlooks
from chalicelib.services.pricing.evidence import Evidence

_LONGEST = timedelta(days=2)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SessionFootprints:
    """The port Footprints. No call but at sites whose power is shared out.

    There an outlook, and where there is one all readings of the charge. No error leaves it: a receipt is worth more
    than what it says of carbon.
    """

    outlooks: Outlooks
    evidence: Evidence

    def of(self, session: Session) -> Footprint | None:
        """What its energy came to; None where nobody knows."""
        began_at, ended_at, energy_wh = session.started_at, session.stopped_at, session.energy_wh
        if not session.is_load_managed or began_at is None or ended_at is None or not energy_wh:
            return None
        if not timedelta(0) < ended_at - began_at <= _LONGEST:
            return None
        try:
            outlook = self.outlooks.of(session.site_id, began_at, (ended_at - began_at) // QUARTER + 2)
            if not outlook.price_micros and not outlook.carbon_g:
                return None
            return footprint(self._registers(session, energy_wh), outlook, session.plug_w)
        except Exception:
            _log.exception("no footprint", extra={"session_id": session.session_id})
            return None

    def _registers(self, session: Session, energy_wh: int) -> list[EnergyRegister]:
        """From nothing at its beginning to what was billed at its end, and only ever upward."""
        began_wh, began_at, ended_at = session.meter_start_wh or 0, session.started_at, session.stopped_at
        if began_at is None or ended_at is None:
            return []
        known = sorted(
            (
                EnergyRegister(it.reading.at, it.reading.energy_wh - began_wh)
                for it in self.evidence.all_of(session)
                if it.reading.energy_wh is not None and began_at < it.reading.at < ended_at
            ),
            key=lambda it: it.at,
        )
        found = [EnergyRegister(began_at, 0)]
        for it in known:
            if found[-1].energy_wh <= it.energy_wh <= energy_wh:
                found.append(it)
        return [*found, EnergyRegister(ended_at, energy_wh)]
