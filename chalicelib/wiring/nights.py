"""Wires the nights of drivers' cars: who plans them, who carries them out, which charger has them, who is told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.grid import GridServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.adapters.grid.car_nights import DynamoCarMatches, DynamoNights
    from chalicelib.domain.chargers.events import ReadingsTaken
    from chalicelib.domain.vehicles.events import NightEvent
    from chalicelib.domain.vehicles.telemetry import CarEvent
    from chalicelib.ports.nights import CarSessions, NightAsks
    from chalicelib.records.chargers import Connection
    from chalicelib.records.vehicles import Vehicle
    from chalicelib.services.grid.home_energy import HomeEnergy
    from chalicelib.services.vehicles.matches import CarMatching
    from chalicelib.services.vehicles.plans import CarNights, DueNights
    from chalicelib.services.vehicles.telemetry import OnEvents

_log = logging.getLogger(__name__)


class NightServices(GridServices):
    """Builds what decides when drivers' cars charge; only where something is planned is a solver loaded."""

    @cached_property
    def nights(self) -> DynamoNights:
        from chalicelib.adapters.grid.car_nights import DynamoNights

        return DynamoNights()

    @cached_property
    def car_matches(self) -> DynamoCarMatches:
        from chalicelib.adapters.grid.car_nights import DynamoCarMatches

        return DynamoCarMatches()

    @cached_property
    def car_sessions(self) -> CarSessions:
        from chalicelib.services.grid.car_sessions import CarSessionsHere

        return CarSessionsHere(
            sessions=self.sessions,
            sites=self.sites,
            preferences=self.driver_preferences,
            readings=self.readings,
            changes=self.changes,
            read=self._read_by_car,
        )

    def _read_by_car(self, connection: Connection, event: ReadingsTaken) -> None:
        self.charging.readings_taken(connection, event)

    @cached_property
    def car_nights(self) -> CarNights:
        from chalicelib.services.grid.home_plans import HomePlans
        from chalicelib.services.vehicles.dispatch import CarDispatch
        from chalicelib.services.vehicles.notices import NightNotices
        from chalicelib.services.vehicles.plans import CarNights

        return CarNights(
            vehicles=self.vehicles,
            nights=self.nights,
            planner=HomePlans(outlooks=self.outlooks, planner=lambda: self.planner),
            sessions=self.car_sessions,
            dispatch=CarDispatch(
                nights=self.nights,
                remote=self.car_remote,
                sessions=self.car_sessions,
                teller=NightNotices(outbox=self.outbox, nights=self.nights, clock=self.clock),
                clock=self.clock,
                say=_logged,
            ),
            clock=self.clock,
            asks=self.night_asks,
            say=_logged,
        )

    @cached_property
    def night_asks(self) -> NightAsks:
        from chalicelib.adapters.grid.night_asks import SqsNightAsks

        return SqsNightAsks(client("sqs"), self.setting("PLANS_QUEUE", ""))

    @cached_property
    def due_nights(self) -> DueNights:
        from chalicelib.services.vehicles.plans import DueNights

        return DueNights(nights=self.nights, asks=self.night_asks, clock=self.clock)

    @cached_property
    def home_energy(self) -> HomeEnergy:
        from chalicelib.services.grid.home_energy import HomeEnergy

        return HomeEnergy(contracts=self.energy_contracts, sources=self.signal_sources, clock=self.clock)

    def car_leaves(self, vehicle: Vehicle) -> None:
        """Its own schedule is as it was found."""
        self.car_nights.release(vehicle.driver_id, vehicle.vehicle_id)

    def car_left(self, vehicle: Vehicle) -> None:
        """What power costs at its home goes with it, and its name from the sessions that it was matched with."""
        self.home_energy.keep(vehicle.vehicle_id, None)
        self.car_matching.forget(vehicle)

    @cached_property
    def car_matching(self) -> CarMatching:
        from chalicelib.services.vehicles.matches import CarMatching

        return CarMatching(
            vehicles=self.vehicles,
            nights=self.nights,
            sessions=self.car_sessions,
            matches=self.car_matches,
            matched=self.car_nights.matched,
            parted=self.car_nights.parted,
            clock=self.clock,
        )

    @cached_property
    def on_car_events(self) -> OnEvents:
        """Whatever a car says, its night goes on by it; then it is looked at which session it may be."""

        def heard(vehicle: Vehicle, happened: Sequence[CarEvent]) -> None:
            outcome = self.car_nights.heard(vehicle)
            for it in happened:
                about = {"car_event": type(it).__name__, "vehicle_id": vehicle.vehicle_id, "outcome": outcome}
                _log.info("a car's word", extra=about)
            self.car_matching.heard(vehicle, happened)

        return heard


def _logged(event: NightEvent) -> None:
    """What became of a car's night, for whoever looks into it: a line in the log."""
    _log.info("a car's night", extra={"car_event": type(event).__name__, **asdict(event)})
