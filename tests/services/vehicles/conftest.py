"""A network that speaks with the makers of this machine, over the real tables and a key of KMS's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import boto3
import pytest

from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.vehicles.telemetry import CarEvent
from chalicelib.records.drivers import Driver
from chalicelib.records.vehicles import PositionSharing, Vehicle
from chalicelib.wiring import Network
from local.makers import CarMakers
from local.makers_cars import SimulatedCar
from local.makers_shapes import pushed
from tests.adapters.vehicles.conftest import Moment, code_of, went_to

DRIVER = "driver-1"


@dataclass
class Cars:
    """A network, its makers, and what its planner would be told."""

    network: Network
    server: CarMakers
    clock: Moment
    happened: list[CarEvent] = field(default_factory=list)

    def link(
        self, maker: str, sharing: PositionSharing = PositionSharing.NONE, driver_id: str = DRIVER
    ) -> tuple[Vehicle, SimulatedCar]:
        """Go to a maker's door as a driver, and come back; their car here and there."""
        car = self.server.add(f"{maker}-car", **{})
        return self.again(maker, sharing, driver_id)[0], car

    def again(self, maker: str, sharing: PositionSharing = PositionSharing.NONE, driver_id: str = DRIVER) -> Any:
        begun = self.network.car_linking.begin(driver_id, maker, sharing)
        back = went_to(begun.url)
        return self.network.car_linking.finish(driver_id, back["state"], code_of(back))

    def told(self) -> list[NotificationKind]:
        page, _ = self.network.notifications.page(DRIVER, 20, None)
        return [it.kind for it in page]

    def push(self, maker: str, car: SimulatedCar, account: str = "alice") -> None:
        car.move_to(self.clock())
        headers, body = pushed(maker, car, account, self.clock())
        self.network.car_telemetry.heard(maker, {name.lower(): it for name, it in headers.items()}, body)

    def stored(self, vehicle: Vehicle) -> Vehicle:
        found = self.network.vehicles.get(vehicle.vehicle_id)
        assert found is not None
        return found


@pytest.fixture
def has_stream() -> bool:
    """Whether Teslas have a server that they tell."""
    return False


@pytest.fixture
def cars(tables: None, has_stream: bool) -> Iterator[Cars]:
    clock = Moment()
    server = CarMakers(clock)
    server.has_stream = has_stream
    server.start()
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    yield _cars(server, clock, key)
    server.stop()


def _cars(server: CarMakers, clock: Moment, key: str) -> Cars:
    happened: list[CarEvent] = []

    def heard(_: Vehicle, events: Sequence[CarEvent]) -> None:
        happened.extend(events)

    network = Network(
        {**server.settings, "KERB_CAR_KEY": key, "KERB_STATE_MACHINE_ARN": "none"},
        clock=clock,
        new_id=(f"id-{number}" for number in count(1)).__next__,
        sleep=lambda _: None,
        on_car_events=heard,
    )
    network.drivers.put(Driver(driver_id=DRIVER, email="d@example.com"))
    return Cars(network, server, clock, happened)
