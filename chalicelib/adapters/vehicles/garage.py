"""Cars and links in DynamoDB: a row each, changed by compare-and-set; where a car is stands apart and clears itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import can_be_key, decode, delete, encode, find, put, replaced
from chalicelib.adapters.tables import VehicleRow
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.budget import CLOSED, Breaker
from chalicelib.domain.vehicles.telemetry import Observed
from chalicelib.ports import Clock
from chalicelib.records import Conflict
from chalicelib.records.vehicles import CarLink, LinkAttempt, Vehicle

POSITION_KEPT = timedelta(days=7)
_CAR, _POSITION, _HEALTH = "car", "position", "health"
_ATTEMPTS = 8


class DynamoVehicles:
    """The port Vehicles. Methods make one call where they say nothing else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def put(self, vehicle: Vehicle) -> None:
        """Three calls, and four for one that a maker knows: the car comes last, for what leads to it harms nobody."""
        put(VehicleRow(_drivers(vehicle.driver_id), f"car/{vehicle.vehicle_id}", body=vehicle.vehicle_id))
        if vehicle.maker_id:
            put(VehicleRow(_makers(vehicle.maker, vehicle.maker_id), _CAR, body=vehicle.vehicle_id))
        self._put_position(vehicle)
        put(_row(replace(vehicle, revision=1)), VehicleRow.owner.does_not_exist())

    def get(self, vehicle_id: str) -> Vehicle | None:
        """One query, which finds both of its rows."""
        if not vehicle_id or not can_be_key(_cars(vehicle_id)):
            return None
        rows = {it.item: it for it in VehicleRow.query(_cars(vehicle_id), consistent_read=True)}
        car, place = rows.get(_CAR), rows.get(_POSITION)
        if car is None or car.body is None:
            return None
        vehicle = replace(decode(Vehicle, car.body), revision=car.revision or 0)
        # What has expired may lie there for two days more.
        if place is None or place.body is None or place.expires_at is None or place.expires_at <= self._clock():
            return vehicle
        position = decode(Observed[GeoPoint], place.body)
        return replace(vehicle, telemetry=replace(vehicle.telemetry, position=position))

    def of_driver(self, driver_id: str) -> Sequence[Vehicle]:
        """A query, and one for each car."""
        rows = VehicleRow.query(_drivers(driver_id), VehicleRow.item.startswith("car/"), consistent_read=True)
        found = [self.get(it.item.removeprefix("car/")) for it in rows]
        return sorted((it for it in found if it is not None), key=lambda it: (it.added_at, it.vehicle_id))

    def by_maker_id(self, maker: str, maker_id: str) -> Vehicle | None:
        """Two calls at most."""
        row = find(VehicleRow, _makers(maker, maker_id), _CAR)
        vehicle = self.get(row.body) if row is not None and row.body else None
        is_there = vehicle is not None and (vehicle.maker, vehicle.maker_id) == (maker, maker_id)
        return vehicle if is_there else None

    def change(self, vehicle_id: str, change: Callable[[Vehicle], Vehicle]) -> Vehicle | None:
        """Two calls where nobody else writes, and one more where it is somewhere else than before."""
        for _ in range(_ATTEMPTS):
            before = self.get(vehicle_id)
            if before is None:
                return None
            after = change(before)
            if after == before:
                return before
            kept = replace(after, revision=before.revision + 1)
            if put(_row(kept), VehicleRow.revision == before.revision):
                if after.telemetry.position != before.telemetry.position:
                    self._put_position(kept)
                return kept
        raise Conflict("others change that car all the time")

    def forget(self, vehicle: Vehicle) -> None:
        """Seven calls, and eight for one that a maker knows: its night and its driver's wish go with it."""
        if vehicle.maker_id:
            pointer = VehicleRow(_makers(vehicle.maker, vehicle.maker_id), _CAR)
            delete(pointer, VehicleRow.body == vehicle.vehicle_id)
        for item in (_POSITION, _CAR):
            delete(VehicleRow(_cars(vehicle.vehicle_id), item))
        for item in ("night", "wish"):
            delete(VehicleRow(f"night/{vehicle.vehicle_id}", item))
        for item in ("car", "trusted"):
            delete(VehicleRow(_drivers(vehicle.driver_id), f"{item}/{vehicle.vehicle_id}"))

    def _put_position(self, vehicle: Vehicle) -> None:
        position, owner = vehicle.telemetry.position, _cars(vehicle.vehicle_id)
        if position is not None:
            put(VehicleRow(owner, _POSITION, body=encode(position), expires_at=position.at + POSITION_KEPT))
        else:
            delete(VehicleRow(owner, _POSITION))


class DynamoCarLinks:
    """The port CarLinks. Methods make one call where they say nothing else."""

    def put(self, link: CarLink) -> None:
        """Two calls: what leads to it from its account comes first."""
        put(VehicleRow(_accounts(link.maker, link.account), "link", body=f"{link.driver_id}/{link.link_id}"))
        put(_link_row(link))

    def get(self, driver_id: str, link_id: str) -> CarLink | None:
        row = find(VehicleRow, _drivers(driver_id), f"link/{link_id}")
        return _link(row) if row is not None else None

    def by_account(self, maker: str, account: str) -> CarLink | None:
        """Two calls at most."""
        row = find(VehicleRow, _accounts(maker, account), "link")
        return self.get(*row.body.rsplit("/", 1)) if row is not None and row.body else None

    def of_driver(self, driver_id: str) -> Sequence[CarLink]:
        rows = VehicleRow.query(_drivers(driver_id), VehicleRow.item.startswith("link/"), consistent_read=True)
        return [_link(it) for it in rows]

    def save(self, link: CarLink) -> CarLink:
        kept = replace(link, revision=link.revision + 1)
        if not put(_link_row(kept), VehicleRow.revision == link.revision):
            raise Conflict("somebody else has changed that link")
        return kept

    def forget(self, link: CarLink) -> None:
        """Two calls at most."""
        pointer = VehicleRow(_accounts(link.maker, link.account), "link")
        delete(pointer, VehicleRow.body == f"{link.driver_id}/{link.link_id}")
        delete(VehicleRow(_drivers(link.driver_id), f"link/{link.link_id}"))

    def begin(self, attempt: LinkAttempt) -> None:
        put(VehicleRow(_attempts(attempt.state), "attempt", body=encode(attempt), expires_at=attempt.expires_at))

    def take(self, state: str, at: datetime) -> LinkAttempt | None:
        """One call, which empties the row: of two who bring the same state one finds something."""
        if not state or not can_be_key(_attempts(state)):
            return None
        row = VehicleRow(_attempts(state), "attempt")
        taken = replaced(row, [VehicleRow.body.remove()], VehicleRow.body.exists())
        if taken is None or taken.body is None:
            return None
        attempt = decode(LinkAttempt, taken.body)
        return attempt if at < attempt.expires_at else None


class DynamoMakerHealth:
    """The port MakerHealth: one call each."""

    def get(self, maker: str) -> Breaker:
        row = find(VehicleRow, f"maker/{maker}", _HEALTH, consistent=False)
        return decode(Breaker, row.body) if row is not None and row.body else CLOSED

    def put(self, maker: str, breaker: Breaker) -> None:
        put(VehicleRow(f"maker/{maker}", _HEALTH, body=encode(breaker)))


def _cars(vehicle_id: str) -> str:
    return f"car/{vehicle_id}"


def _drivers(driver_id: str) -> str:
    return f"driver/{driver_id}"


def _makers(maker: str, maker_id: str) -> str:
    return f"maker/{maker}/{maker_id}"


def _accounts(maker: str, account: str) -> str:
    return f"account/{maker}/{account}"


def _attempts(state: str) -> str:
    return f"attempt/{state}"


def _row(vehicle: Vehicle) -> VehicleRow:
    body = replace(vehicle, telemetry=vehicle.telemetry.without_position(), revision=0)
    return VehicleRow(_cars(vehicle.vehicle_id), _CAR, body=encode(body), revision=vehicle.revision)


def _link_row(link: CarLink) -> VehicleRow:
    owner, item = _drivers(link.driver_id), f"link/{link.link_id}"
    return VehicleRow(owner, item, body=encode(replace(link, revision=0)), revision=link.revision)


def _link(row: VehicleRow) -> CarLink:
    return replace(decode(CarLink, row.body or ""), revision=row.revision or 0)
