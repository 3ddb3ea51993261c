"""Claims of power: written as a session takes and leaves a port of a managed site, with what its car draws there.

Whether a site is managed stands in the session and in the charger's socket, which are there anyhow, so that elsewhere
nothing is asked. A claim is written before its session is; one that was lost, or is of a charge that began before its
site was described, comes back with the next reading of that charge, and with what its driver said (one read then).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import pairwise

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.tree import PortId
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.grid import Looks, ManagedSites
from chalicelib.records.chargers import Connection
from chalicelib.records.charging import Transaction
from chalicelib.records.grid import StoredClaim, ToldDraw

# By less a meter differs from itself.
STEP_MA = 1_000
_PHASE_W = 230
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SiteClaims:
    """The port PowerClaims. A write and a message where a charge begins or ends; a write for its readings.

    And a message, where what it draws has changed by an ampere from one reading to the next, or to the one after that.
    """

    managed_sites: ManagedSites
    sessions: Sessions
    looks: Looks
    clock: Clock

    def changed(self, before: Session, after: Session) -> None:
        """Where its charge begins, moves or ends it claims power, elsewhere, or none. A message is lost, at worst."""
        if not after.is_load_managed:
            return
        was, now = _place(before), _place(after)
        if was == now:
            return
        try:
            if was is not None:
                self.managed_sites.end(after.site_id, was, after.session_id)
            if now is not None:
                self._begin(after.site_id, now, after.session_id, after.ref, after)
            self.looks.ask(after.site_id)
        except Exception:
            # Power is no reason to lose a charger's word: its next reading, or the next look, makes it good.
            _log.exception("claim not changed", extra={"session_id": after.session_id})

    def drew(self, connection: Connection, known: Transaction, readings: Sequence[Reading]) -> None:
        """What its car draws now: the newest reading that says so."""
        site_id, session_id = connection.managed_at, known.session_id
        told = max((it for it in readings if _tells_draw(it)), key=lambda it: it.at, default=None)
        if not site_id or session_id is None or known.connector is None or told is None:
            return
        port_id = PortId(known.charger_id, known.connector)
        draw = ToldDraw(at=min(told.at, self.clock()), current_ma=told.phase_currents_ma, power_w=told.power_w)
        try:
            draws = self.managed_sites.drew(site_id, port_id, session_id, draw, told.energy_wh)
            if not draws and known.stopped_heard_at is None and known.left_at is None:
                self._begin(site_id, port_id, session_id, known.ref, self.sessions.get(session_id))
                draws = self.managed_sites.drew(site_id, port_id, session_id, draw, told.energy_wh)
                self.looks.ask(site_id)
            elif has_changed(draws):
                self.looks.ask(site_id)
        except Exception:
            _log.exception("draw not noted", extra={"session_id": session_id})

    def _begin(self, site_id: str, port_id: PortId, session_id: str, ref: str | None, session: Session | None) -> None:
        """What is asked for is the session's in all, so that its energy counts from the session's beginning."""
        claim = StoredClaim(
            site_id=site_id,
            port_id=port_id,
            session_id=session_id,
            begun_at=self.clock(),
            ref=ref or "",
            first_wh=session.meter_start_wh if session is not None else None,
            preferences=session.preferences if session is not None else None,
        )
        self.managed_sites.begin(claim)


def has_changed(draws: Sequence[ToldDraw]) -> bool:
    """Whether the newest draw is a step away from the one before it, or confirms that one, which was.

    What a car leaves unused counts from its second reading on, so a step is worth two looks. The first is one too.
    """
    if len(draws) < _A_PAIR:
        return bool(draws)
    return any(_differ(one, other) for one, other in pairwise(draws))


_A_PAIR = 2


def _differ(one: ToldDraw, other: ToldDraw) -> bool:
    if one.current_ma is not None and other.current_ma is not None:
        return any(abs((a or 0) - (b or 0)) >= STEP_MA for a, b in zip(one.current_ma, other.current_ma, strict=True))
    return abs((one.power_w or 0) - (other.power_w or 0)) >= _PHASE_W * STEP_MA // 1000


def _tells_draw(reading: Reading) -> bool:
    return reading.phase_currents_ma is not None or reading.power_w is not None


def _place(session: Session) -> PortId | None:
    """The port at which a session takes power; None while it takes none."""
    return PortId(session.charger_id, session.connector) if session.takes_power else None
