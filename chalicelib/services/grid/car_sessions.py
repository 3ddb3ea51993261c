"""Sessions as drivers' cars see them: where a car may hang, whose charger carries out its plan, how full it says it is.

What a car says of its battery counts for a session as if its charger had said it: the live view, limits by state of
charge and the site's plan read it where they read everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from chalicelib.domain.chargers.events import Reading, ReadingsTaken
from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.wishes import CarNamed, CarToldPercent
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.match import SeenSession
from chalicelib.domain.vehicles.telemetry import Observed
from chalicelib.domain.vehicles.wish import Departure
from chalicelib.ports.chargers import Sites
from chalicelib.ports.charging import Readings, Sessions
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.records.chargers import Connection
from chalicelib.services.access import Refusal, is_drivers
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.grid.driver_preferences import DriverPreferences

_NEWEST, _PAGE = 10, 100
_SAID_AGAIN = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class CarSessionsHere:
    """The port CarSessions, by what is kept of sessions. `read` takes readings as a charger tells them."""

    sessions: Sessions
    sites: Sites
    preferences: DriverPreferences
    readings: Readings
    changes: SessionChanges
    read: Callable[[Connection, ReadingsTaken], object]

    def of_driver(self, driver_id: str) -> Iterable[SeenSession]:
        """Two calls, and two for each session under way."""
        found, _ = self.sessions.of_driver(driver_id, _NEWEST, None)
        return [self._seen(it) for it in found if it.state in (State.INITIATED, State.ACTIVE)]

    def is_of(self, session_id: str, driver_id: str) -> bool:
        """Whether it is that driver's. One call."""
        session = self.sessions.get(session_id)
        return session is not None and is_drivers(session, driver_id)

    def naming(self, driver_id: str) -> Iterable[tuple[str, str]]:
        """A call for each hundred of the driver's sessions."""
        cursor: str | None = None
        while True:
            found, cursor = self.sessions.of_driver(driver_id, _PAGE, cursor)
            yield from ((it.session_id, it.car) for it in found if it.car)
            if cursor is None:
                return

    def name_car(self, session_id: str, name: str) -> None:
        """Its driver's car is called so; empty: none is known. Two calls, one where it is called so already."""
        self.changes.apply(session_id, CarNamed(name))

    def is_planned(self, session_id: str) -> bool:
        """One call, of the session alone."""
        session = self.sessions.get(session_id)
        return session is not None and session.is_load_managed and session.state is State.ACTIVE

    def wish(self, session_id: str, departure: Departure | None, percent: int | None, battery_wh: int | None) -> bool:
        """As its driver's own word, in place of any before."""
        session = self.sessions.get(session_id)
        if session is None or session.driver_id is None or not session.is_load_managed:
            return False
        wanted = ChargingPreferences(
            ready_by=departure.at if departure is not None else None,
            target_percent=departure.percent if departure is not None else None,
            battery_percent=percent if departure is not None else None,
            capacity_wh=battery_wh,
            is_boosted=departure is None,
        )
        try:
            self.preferences.prefer(session.driver_id, session_id, wanted)
        except Refusal:
            return False
        return True

    def tell_percent(self, session_id: str, percent: Observed[int]) -> None:
        """One call, and where it is news another and those of a reading.

        Said again and again it is written down each so often: what a session shows must not grow old.
        """
        session = self.sessions.get(session_id)
        if session is None or session.ref is None or session.state is not State.ACTIVE:
            return
        known = session.car_percent
        again_after = _SAID_AGAIN if known is not None and known.value == percent.value else timedelta(0)
        if known is not None and percent.at - known.at <= again_after:
            return
        self.changes.apply(session_id, CarToldPercent(percent), known=session)
        # As the plainest of chargers would tell it: nothing goes back to this one for it.
        by_car = Connection(
            connection_id="", charger_id=session.charger_id, operator_id=session.operator_id, protocol=OLDEST
        )
        told = (Reading(at=percent.at, soc_percent=percent.value),)
        self.read(by_car, ReadingsTaken(ref=session.ref, connector=None, readings=told))

    def _seen(self, session: Session) -> SeenSession:
        site = self.sites.get(session.site_id)
        return SeenSession(
            session_id=session.session_id,
            plugged_at=session.started_at or session.created_at,
            position=site.spot if site is not None else None,
            power_w=self._power(session),
            car=session.car,
        )

    def _power(self, session: Session) -> Observed[int] | None:
        """What its charger says that it draws; None before it has."""
        known = self.readings.newest(session.charger_id, session.ref) if session.ref is not None else ()
        told = (it.reading for it in known)
        return next((Observed(it.power_w, it.at) for it in told if it.power_w is not None), None)
