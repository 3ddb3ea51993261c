"""Reservations."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.reservations import DriverReservations
from chalicelib.wiring.discovery import DiscoveryServices


class ReservationServices(DiscoveryServices):
    """Reservations."""

    @cached_property
    def driver_reservations(self) -> DriverReservations:
        return DriverReservations(
            reservations=self.reservations,
            chargers=self.chargers,
            connectors=self.connectors,
            places=self.places,
            sessions=self.sessions,
            eligibility=self.eligibility,
            commands=self.commands,
            workflow=self.workflow,
            clock=self.clock,
            new_id=self.new_id,
        )
