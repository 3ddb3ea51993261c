"""Port of reservations: the stored reservation, and whose turn it is to have one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.reservations import Keeper, Reservation, ReservationStatus


class Reservations(Protocol):
    """Reservations; a driver has one at a time, and takes a turn for it."""

    def add(self, reservation: Reservation) -> None:
        """Store a new reservation; the same one again changes nothing."""

    def get(self, reservation_id: str) -> Reservation | None:
        """The reservation of that id, and what has become of it; None for an unknown one."""

    def of_driver(self, driver_id: str, limit: int) -> Sequence[Reservation]:
        """The driver's reservations, newest first."""

    def take_turn(self, driver_id: str, reservation_id: str, until: datetime, at: datetime) -> bool:
        """Let a driver have this reservation; False while another of the driver's is open `at` that moment."""

    def end_turn(self, driver_id: str, reservation_id: str) -> None:
        """Let the driver have another; nothing happens when the turn is another reservation's."""

    def extend(self, reservation: Reservation, until: datetime) -> bool:
        """Keep the connector longer; False when it is no longer open, or somebody else extended it."""

    def end(self, reservation_id: str, standing: ReservationStatus, at: datetime) -> Reservation | None:
        """What becomes of it is decided once: the reservation as it ended, or None when that was decided before."""

    def kept_by(self, reservation_id: str, keeper: Keeper) -> None:
        """Note who keeps others away: the charger itself, or only we."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[Reservation]:
        """Reservations over by then that nobody has settled: those of one shard, or all; in no order."""

    def forget_driver(self, driver_id: str) -> Iterable[int]:
        """Delete a driver's reservations, some at a time; whoever stops asking leaves the rest."""

    def settle(self, reservation: Reservation) -> None:
        """Nothing is left to be done about the reservation; its driver may have another."""
