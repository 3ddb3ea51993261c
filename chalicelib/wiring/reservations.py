"""Wires reservations: keeping connectors for drivers, at the charger or by us alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.discovery import DiscoveryServices

if TYPE_CHECKING:
    from chalicelib.services.reservations import DriverReservations


class ReservationServices(DiscoveryServices):
    """Builds the reservations of drivers from eligibility and the commands to chargers."""

    @cached_property
    def driver_reservations(self) -> DriverReservations:
        from chalicelib.services.reservations import DriverReservations

        return DriverReservations(
            reservations=self.reservations,
            chargers=self.chargers,
            connectors=self.connectors,
            history=self.history,
            places=self.places,
            sessions=self.sessions,
            eligibility=self.eligibility,
            watches=self.watches,
            commands=self.commands,
            workflow=self.workflow,
            payments=lambda: self.payments,
            clock=self.clock,
            new_id=self.new_id,
        )
