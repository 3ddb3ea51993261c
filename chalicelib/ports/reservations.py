"""What the services ask of reservations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.reservations import Keeper, Reservation, ReservationStatus


class Reservations(Protocol):
    """Reservations, and whose turn it is to have one: a driver has one at a time."""

    def add(self, reservation: Reservation) -> None: ...
    def get(self, reservation_id: str) -> Reservation | None: ...
    def of_driver(self, driver_id: str, limit: int) -> Sequence[Reservation]:
        """Newest first."""

    def take_turn(self, driver_id: str, reservation_id: str, until: datetime, at: datetime) -> bool:
        """False while another reservation of the driver's is open `at` that moment."""

    def end_turn(self, driver_id: str, reservation_id: str) -> None: ...
    def extend(self, reservation: Reservation, until: datetime) -> bool:
        """False when it is no longer open, or somebody else extended it."""

    def end(self, reservation_id: str, standing: ReservationStatus, at: datetime) -> Reservation | None:
        """What becomes of it is decided once: the reservation as it ended, or None when that was decided before."""

    def kept_by(self, reservation_id: str, keeper: Keeper) -> None: ...
    def due(self, at: datetime) -> Iterable[Reservation]:
        """Those over by then that nobody has settled."""

    def forget_driver(self, driver_id: str) -> None:
        """Delete a driver's reservations."""

    def settle(self, reservation: Reservation) -> None:
        """Nothing is left to be done about it; its driver may have another."""
