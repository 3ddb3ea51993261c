"""Which car hangs at which of our chargers: guessed from what both say, confirmed by the driver, undone in one tap.

Until it is confirmed nothing follows from a match. From then on the car's percentage counts for the session, and its
plan is the charger's to carry out; undone, the car is nobody's there again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.vehicles.match import CarMatch, MatchState, SeenCar, SeenSession, guessed
from chalicelib.ports import Clock
from chalicelib.ports.nights import CarMatches, CarSessions
from chalicelib.ports.vehicles import Vehicles
from chalicelib.records.vehicles import Vehicle
from chalicelib.services.access import NotFound, Refusal, drivers_own


@dataclass(frozen=True, kw_only=True)
class CarMatching:
    """Matches drivers' cars with sessions. `matched(vehicle_id, session_id)`: its night goes on there; "": no more."""

    vehicles: Vehicles
    sessions: CarSessions
    matches: CarMatches
    matched: Callable[[str, str], object]
    clock: Clock

    def look(self, driver_id: str) -> list[CarMatch]:
        """Guess anew for the driver's sessions under way where it is not known; what counts, and what to ask."""
        sessions = list(self.sessions.of_driver(driver_id))
        if not sessions:
            return []
        cars, trusted = self.vehicles.of_driver(driver_id), self.matches.trusted(driver_id)
        found = (self._looked(it, cars, trusted) for it in sessions)
        return [it for it in found if it is not None]

    def confirm(self, driver_id: str, session_id: str, vehicle_id: str) -> CarMatch:
        """The driver says which car it is; from then on it is matched without asking. Raises NotFound, Refusal."""
        self._session(driver_id, session_id)
        drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        at, before = self.clock(), self.matches.of_session(session_id)
        refused = tuple(it for it in (before.refused if before is not None else ()) if it != vehicle_id)
        if before is not None and before.counts and before.vehicle_id == vehicle_id:
            return before
        match = CarMatch(
            session_id=session_id, vehicle_id=vehicle_id, state=MatchState.CONFIRMED, at=at, refused=refused
        )
        self._keep(match, before)
        self.matches.trust(driver_id, vehicle_id, is_so=True)
        if before is not None and before.counts:
            self.matched(before.vehicle_id, "")
        self.matched(vehicle_id, session_id)
        return match

    def undo(self, driver_id: str, session_id: str) -> CarMatch:
        """It is not that car; it is asked about again from then on. Raises NotFound, Refusal."""
        self._session(driver_id, session_id)
        before = self.matches.of_session(session_id)
        if before is None:
            raise NotFound(f"a car at session {session_id}")
        match = before.undone(self.clock())
        if match is not before:
            self._keep(match, before)
            self.matches.trust(driver_id, before.vehicle_id, is_so=False)
            if before.counts:
                self.matched(before.vehicle_id, "")
        return match

    def of(self, driver_id: str, session_id: str) -> CarMatch | None:
        """What is known of a driver's session under way; None where nobody can tell. Raises NotFound."""
        self._session(driver_id, session_id)
        return self.matches.of_session(session_id)

    def _session(self, driver_id: str, session_id: str) -> SeenSession:
        found = next((it for it in self.sessions.of_driver(driver_id) if it.session_id == session_id), None)
        if found is None:
            raise NotFound(f"session {session_id}")
        return found

    def _looked(self, session: SeenSession, cars: Sequence[Vehicle], trusted: frozenset[str]) -> CarMatch | None:
        at, known = self.clock(), self.matches.of_session(session.session_id)
        seen = [_seen(it, at) for it in cars]
        match = guessed(session, seen, known, at, trusted)
        if match is None or match is known:
            return match
        if not self.matches.keep(match, known):
            # Somebody else was faster, and knows as much.
            return self.matches.of_session(session.session_id)
        if match.counts:
            self.matched(match.vehicle_id, session.session_id)
        return match

    def _keep(self, match: CarMatch, before: CarMatch | None) -> None:
        if not self.matches.keep(match, before):
            raise Refusal("match_changed", "this was answered on another device just now: look again")


def _seen(vehicle: Vehicle, at: datetime) -> SeenCar:
    told = vehicle.telemetry.believed(at)
    plugged = told.is_plugged
    return SeenCar(
        vehicle_id=vehicle.vehicle_id,
        plugged_at=plugged.at if plugged is not None and plugged.value else None,
        position=told.position.value if told.position is not None else None,
        power_w=told.power_w,
    )
