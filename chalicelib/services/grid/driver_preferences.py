"""A driver's charging preferences for a session under way: kept in it, and beside its claim of power where it has one.

What is told again replaces what was told before, and is safe to repeat: the claim first, then the session; a charge
that begins in between takes them from the session.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.wishes import Preferred
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.tree import PortId
from chalicelib.ports.charging import Readings, Sessions
from chalicelib.ports.grid import Looks, ManagedSites
from chalicelib.services.access import Refusal, drivers_own
from chalicelib.services.charging.session_changes import SessionChanges

# No claim is kept for longer, so no departure is further away.
LONGEST_STAY = timedelta(days=7)


class PreferencesResult(StrEnum):
    """What becomes of preferences, in OCPI's words (ChargingPreferencesResponse)."""

    ACCEPTED = "accepted"
    DEPARTURE_REQUIRED = "departure_required"
    NOT_POSSIBLE = "not_possible"


def result_of(session: Session) -> PreferencesResult:
    """What becomes of a session's preferences: at a site whose power nobody shares out they mean nothing."""
    if not session.is_load_managed:
        return PreferencesResult.NOT_POSSIBLE
    lacks_departure = session.preferences is not None and session.preferences.lacks_departure
    return PreferencesResult.DEPARTURE_REQUIRED if lacks_departure else PreferencesResult.ACCEPTED


@dataclass(frozen=True, kw_only=True)
class DriverPreferences:
    """Takes in what drivers say of sessions that have begun, or are about to."""

    sessions: Sessions
    readings: Readings
    managed_sites: ManagedSites
    changes: SessionChanges
    looks: Looks

    def prefer(self, driver_id: str, session_id: str, preferences: ChargingPreferences) -> Session:
        """The session with these preferences in place of any before. Raises NotFound, Refusal.

        At a site whose power nobody shares out nothing is kept (`result_of` says so).
        """
        session = drivers_own(self.sessions.get(session_id), driver_id, f"session {session_id}")
        if session.state not in (State.INITIATED, State.ACTIVE):
            raise Refusal("session_over", "this charge has ended, or is about to")
        if not session.is_load_managed:
            return session
        if preferences.battery_percent is not None:
            preferences = replace(preferences, had_wh=self._had_wh(session))
        is_claimed = self._claimed(session, preferences)
        session = self.changes.apply(session_id, Preferred(preferences), known=session)
        if not is_claimed and session.takes_power:
            is_claimed = self._claimed(session, preferences)
        if is_claimed:
            self.looks.ask(session.site_id)
        return session

    def _claimed(self, session: Session, preferences: ChargingPreferences) -> bool:
        port_id = PortId(session.charger_id, session.connector)
        return self.managed_sites.prefer(session.site_id, port_id, session.session_id, preferences)

    def _had_wh(self, session: Session) -> int:
        """The session's energy by its newest reading."""
        known = self.readings.newest(session.charger_id, session.ref) if session.ref is not None else ()
        energy_wh = known[-1].reading.energy_wh if known else None
        if energy_wh is None or session.meter_start_wh is None:
            return 0
        return max(0, energy_wh - session.meter_start_wh)
