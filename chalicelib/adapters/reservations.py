"""Reservations in DynamoDB.

What becomes of a reservation is one conditional write: whoever comes second learns that it was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import (
    decode,
    delete,
    delete_all,
    encode,
    find,
    put,
    shard_of,
    shards_of,
    some_due,
    update,
    update_and_read,
)
from chalicelib.adapters.tables import ReservationRow
from chalicelib.domain.reservations import Keeper, Reservation, ReservationStatus
from chalicelib.records.parts import SHARDS

_TURN = "turn/"
_KEPT_FOR = timedelta(days=400)


class DynamoReservations:
    """Reservations in DynamoDB: the port Reservations. Methods make one call where they say nothing else."""

    def add(self, reservation: Reservation) -> None:
        row = ReservationRow(
            reservation.reservation_id,
            driver_id=reservation.driver_id,
            created_at=reservation.created_at,
            until=reservation.until,
            body=encode(reservation),
            standing=reservation.standing.value,
            keeper=reservation.keeper.value,
            due_shard=shard_of(reservation.reservation_id, SHARDS),
            expires_at=reservation.until + _KEPT_FOR,
        )
        put(row, ReservationRow.reservation_id.does_not_exist())

    def get(self, reservation_id: str) -> Reservation | None:
        if reservation_id.startswith(_TURN):
            return None
        row = find(ReservationRow, reservation_id)
        return _reservation(row) if row else None

    def of_driver(self, driver_id: str, limit: int) -> Sequence[Reservation]:
        rows = ReservationRow.by_driver.query(driver_id, scan_index_forward=False, limit=limit)
        return [_reservation(row) for row in rows]

    def take_turn(self, driver_id: str, reservation_id: str, until: datetime, at: datetime) -> bool:
        row, holder = ReservationRow(f"{_TURN}{driver_id}"), ReservationRow.body
        is_free = holder.does_not_exist() | (holder == reservation_id) | (ReservationRow.until <= at)
        changes = [
            holder.set(reservation_id),
            ReservationRow.until.set(until),
            ReservationRow.expires_at.set(until + _KEPT_FOR),
        ]
        return update(row, changes, is_free)

    def end_turn(self, driver_id: str, reservation_id: str) -> None:
        row, holder = ReservationRow(f"{_TURN}{driver_id}"), ReservationRow.body
        update(row, [holder.remove(), ReservationRow.until.remove()], holder == reservation_id)

    def extend(self, reservation: Reservation, until: datetime) -> bool:
        is_as_known = (ReservationRow.standing == ReservationStatus.OPEN.value) & (
            ReservationRow.until == reservation.until
        )
        return update(ReservationRow(reservation.reservation_id), [ReservationRow.until.set(until)], is_as_known)

    def end(self, reservation_id: str, standing: ReservationStatus, at: datetime) -> Reservation | None:
        row = ReservationRow(reservation_id)
        changes = [ReservationRow.standing.set(standing.value), ReservationRow.ended_at.set(at)]
        is_open = ReservationRow.standing == ReservationStatus.OPEN.value
        return _reservation(row) if update_and_read(row, changes, is_open) else None

    def kept_by(self, reservation_id: str, keeper: Keeper) -> None:
        is_known = ReservationRow.reservation_id.exists()
        update(ReservationRow(reservation_id), [ReservationRow.keeper.set(keeper.value)], is_known)

    def due(self, at: datetime, shard: int | None = None) -> Iterable[Reservation]:
        """A call for each shard, and one for each found."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(ReservationRow.due.query, it, ReservationRow.until <= at):
                row = find(ReservationRow, key.reservation_id)
                if row is not None and row.due_shard is not None and row.until is not None and row.until <= at:
                    yield _reservation(row)

    def forget_driver(self, driver_id: str) -> Iterator[int]:
        """One call, and one for each 25."""
        yield from delete_all(ReservationRow(it.reservation_id) for it in ReservationRow.by_driver.query(driver_id))
        delete(ReservationRow(f"{_TURN}{driver_id}"))

    def settle(self, reservation: Reservation) -> None:
        """Two calls: the reservation, and its driver's turn."""
        row = ReservationRow(reservation.reservation_id)
        update(row, [ReservationRow.due_shard.remove()], ReservationRow.reservation_id.exists())
        self.end_turn(reservation.driver_id, reservation.reservation_id)


def _reservation(row: ReservationRow) -> Reservation:
    known = decode(Reservation, row.body or "")
    return replace(
        known,
        until=row.until or known.until,
        standing=ReservationStatus(row.standing) if row.standing else known.standing,
        keeper=Keeper(row.keeper) if row.keeper else known.keeper,
        ended_at=row.ended_at,
    )
