"""Which car hangs at which of our chargers: guessed from what both say, confirmed by the driver, undone in one tap.

Until it is confirmed nothing follows from a match. From then on the car's percentage counts for the session, its plan
is the charger's to carry out, and the receipt names it; undone, also when the charge is over, none of that holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.match import CarMatch, MatchState, SeenCar, SeenSession, guessed
from chalicelib.domain.vehicles.telemetry import CarChargingChanged, CarEvent, CarPluggedIn
from chalicelib.ports import Clock
from chalicelib.ports.nights import CarMatches, CarSessions, Nights
from chalicelib.ports.vehicles import Vehicles
from chalicelib.records.vehicles import Vehicle
from chalicelib.services.access import NotFound, Refusal, drivers_own
from chalicelib.services.at_once import at_once


@dataclass(frozen=True, kw_only=True)
class CarMatching:
    """Matches drivers' cars with sessions.

    `matched(vehicle_id, session_id)`: its night goes on there; `parted(vehicle_id, session_id)`: there no more.
    """

    vehicles: Vehicles
    nights: Nights
    sessions: CarSessions
    matches: CarMatches
    matched: Callable[[str, str], object]
    parted: Callable[[str, str], object]
    clock: Clock

    def heard(self, vehicle: Vehicle, happened: Sequence[CarEvent]) -> None:
        """A car was plugged in, or charges or does no more: that is when it can be told where it hangs."""
        if any(isinstance(it, CarPluggedIn | CarChargingChanged) for it in happened):
            self.look(vehicle.driver_id)

    def look(self, driver_id: str) -> list[CarMatch]:
        """Guess anew for the driver's sessions under way where it is not known; what counts, and what to ask."""
        sessions = list(self.sessions.of_driver(driver_id))
        if not sessions:
            return []
        trusted = self.matches.trusted(driver_id)
        cars = {it.vehicle_id: it for it in self.vehicles.of_driver(driver_id)}
        found = (self._looked(it, cars, trusted) for it in sessions)
        return [it for it in found if it is not None]

    def confirm(self, driver_id: str, session_id: str, vehicle_id: str) -> CarMatch:
        """The driver says which car it is; from then on it is matched without asking. Raises NotFound, Refusal."""
        session = self._session(driver_id, session_id)
        vehicle = drivers_own(self.vehicles.get(vehicle_id), driver_id, f"vehicle {vehicle_id}")
        at, before = self.clock(), self.matches.of_session(session_id)
        refused = tuple(it for it in (before.refused if before is not None else ()) if it != vehicle_id)
        if before is not None and before.counts and before.vehicle_id == vehicle_id:
            self._follow(before, session, vehicle)
            return before
        match = CarMatch(
            session_id=session_id, vehicle_id=vehicle_id, state=MatchState.CONFIRMED, at=at, refused=refused
        )
        self._keep(match, before)
        self.matches.trust(driver_id, vehicle_id, is_so=True)
        if before is not None and before.counts:
            self.parted(before.vehicle_id, session_id)
        self._follow(match, session, vehicle)
        return match

    def undo(self, driver_id: str, session_id: str) -> CarMatch:
        """It is not that car; it is asked about again from then on. Raises NotFound, Refusal."""
        before = self.matches.of_session(session_id) if self.sessions.is_of(session_id, driver_id) else None
        if before is None:
            raise NotFound(f"a car at session {session_id}")
        match = before.undone(self.clock())
        if match is not before:
            self._keep(match, before)
        # Also where it was undone before: whoever did may not have come so far.
        self.matches.trust(driver_id, before.vehicle_id, is_so=False)
        self.parted(before.vehicle_id, session_id)
        self.sessions.name_car(session_id, "")
        return match

    def forget(self, vehicle: Vehicle) -> None:
        """A car is unlinked: no session of its driver's names it any more, nor is it guessed there.

        By its match, else by its name, where no other car of theirs has that. Once more does no harm.
        """
        driver_id, name = vehicle.driver_id, _called(vehicle)
        others = {_called(it) for it in self.vehicles.of_driver(driver_id) if it.vehicle_id != vehicle.vehicle_id}
        named = dict(self.sessions.naming(driver_id))
        asked = {it.session_id for it in self.sessions.of_driver(driver_id)} - named.keys()

        def forget_at(session_id: str) -> None:
            match, called = self.matches.of_session(session_id), named.get(session_id, "")
            is_its = match.vehicle_id == vehicle.vehicle_id if match is not None else called == name not in others
            if match is not None and is_its:
                self.matches.keep(match.undone(self.clock()), match)
            if is_its and called:
                self.sessions.name_car(session_id, "")

        at_once(forget_at, [*named, *asked])

    def _session(self, driver_id: str, session_id: str) -> SeenSession:
        found = next((it for it in self.sessions.of_driver(driver_id) if it.session_id == session_id), None)
        if found is None:
            raise NotFound(f"session {session_id}")
        return found

    def _looked(self, session: SeenSession, cars: Mapping[str, Vehicle], trusted: frozenset[str]) -> CarMatch | None:
        at, known = self.clock(), self.matches.of_session(session.session_id)
        seen = [self._seen(it, at) for it in cars.values()]
        match = guessed(session, seen, known, at, trusted)
        if match is not None and match is not known and not self.matches.keep(match, known):
            # Somebody else was faster, and knows as much.
            return self.matches.of_session(session.session_id)
        vehicle = cars.get(match.vehicle_id) if match is not None and match.counts else None
        if match is not None and vehicle is not None:
            self._follow(match, session, vehicle)
        return match

    def _follow(self, match: CarMatch, session: SeenSession, vehicle: Vehicle) -> None:
        """What a match that counts brings; once more it brings what is missing of that, and asks nobody again."""
        if session.car != _called(vehicle):
            self.sessions.name_car(match.session_id, _called(vehicle))
        night = self.nights.get(vehicle.vehicle_id)
        if night is not None and night.ended_at is None and night.session_id != match.session_id:
            self.matched(vehicle.vehicle_id, match.session_id)

    def _seen(self, vehicle: Vehicle, at: datetime) -> SeenCar:
        told, night = vehicle.telemetry.believed(at), self.nights.get(vehicle.vehicle_id)
        is_plugged = told.is_plugged is not None and told.is_plugged.value
        # What a car says of its plug it says again and again; its night began when that went in.
        since = night.plugged_at if night is not None and night.ended_at is None else None
        return SeenCar(
            vehicle_id=vehicle.vehicle_id,
            plugged_at=since if is_plugged else None,
            position=told.position.value if told.position is not None else None,
            power_w=told.power_w,
        )

    def _keep(self, match: CarMatch, before: CarMatch | None) -> None:
        if not self.matches.keep(match, before):
            raise Refusal("match_changed", "this was answered on another device just now: look again")


def _called(vehicle: Vehicle) -> str:
    """What sessions and receipts call it."""
    return vehicle.name or vehicle.maker
