"""A driver's own cars: added by hand or linked, read as they are known, and shared no further than they say.

A car whose maker is gone, or whose link broke, goes on as one whose driver types the percentage, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.events import CarRegistered
from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.ports import Clock, NewId
from chalicelib.ports.vehicles import CarLinks, LinksCars, Vehicles
from chalicelib.records.vehicles import MANUAL, LinkState, PositionSharing, Vehicle
from chalicelib.services.access import Refusal, drivers_own
from chalicelib.services.vehicles.links import MOST_CARS
from chalicelib.services.vehicles.telemetry import CarTelemetry, allowed

BY_HAND = frozenset({Capability.PERCENT, Capability.BATTERY_WH})


class CarStanding(StrEnum):
    """How a car is reached; all but `LINKED` are as good as manual."""

    MANUAL = "manual"
    LINKED = "linked"
    LINK_BROKEN = "link_broken"
    MAKER_GONE = "maker_gone"


@dataclass(frozen=True, slots=True)
class OwnCar:
    """A car as its driver has it: how it is reached, and what it can for as long as that is so."""

    vehicle: Vehicle
    standing: CarStanding

    @property
    def can(self) -> frozenset[Capability]:
        """What it can now: what was linked, or what any car can."""
        return self.vehicle.can if self.standing is CarStanding.LINKED else BY_HAND


@dataclass(frozen=True, kw_only=True)
class Garage:
    """Adds, reads and changes a driver's cars; `say` is told of each that is added."""

    vehicles: Vehicles
    links: CarLinks
    telemetry: CarTelemetry
    makers: Mapping[str, LinksCars]
    clock: Clock
    new_id: NewId
    say: Callable[[CarRegistered], None] = lambda event: None

    def add(self, driver_id: str, name: str, battery_wh: int | None) -> OwnCar:
        """A car by hand: its driver says how full it is. Raises Refusal (`too_many_cars`)."""
        if len(self.vehicles.of_driver(driver_id)) >= MOST_CARS:
            raise Refusal("too_many_cars", f"you have {MOST_CARS} cars here; remove one first")
        vehicle = Vehicle(
            vehicle_id=self.new_id(),
            driver_id=driver_id,
            maker=MANUAL,
            name=name,
            added_at=self.clock(),
            can=BY_HAND,
            battery_wh=battery_wh,
        )
        self.vehicles.put(vehicle)
        self.say(CarRegistered(vehicle.vehicle_id, vehicle.added_at))
        return OwnCar(vehicle, CarStanding.MANUAL)

    def of_driver(self, driver_id: str) -> Sequence[OwnCar]:
        """All cars of a driver, in the order they were added."""
        standing = {it.link_id: it.state for it in self.links.of_driver(driver_id)}
        return [OwnCar(it, self._standing(it, standing)) for it in self.vehicles.of_driver(driver_id)]

    def get(self, driver_id: str, vehicle_id: str) -> OwnCar:
        """A driver's car, as it is known; nobody is asked for it. Raises NotFound."""
        vehicle = drivers_own(self.vehicles.get(vehicle_id), driver_id, f"car {vehicle_id}")
        link = self.links.get(driver_id, vehicle.link_id) if vehicle.link_id else None
        return OwnCar(vehicle, self._standing(vehicle, {link.link_id: link.state} if link is not None else {}))

    def set_percent(self, driver_id: str, vehicle_id: str, percent: int) -> OwnCar:
        """The driver says how full it is, now. Raises NotFound, Refusal (`car_tells`) where the car says it itself."""
        if self.get(driver_id, vehicle_id).standing is CarStanding.LINKED:
            raise Refusal("car_tells", "this car says itself how full it is")
        self.telemetry.merge(vehicle_id, Telemetry(percent=Observed(percent, self.clock())))
        return self.get(driver_id, vehicle_id)

    def share_position(self, driver_id: str, vehicle_id: str, sharing: PositionSharing) -> OwnCar:
        """How much is kept of where it is, from now on and of what is kept already.

        Raises NotFound, Refusal (`position_not_linked`) where the maker was never asked for it.
        """
        car = self.get(driver_id, vehicle_id)
        if sharing is not PositionSharing.NONE and Capability.POSITION not in car.can:
            raise Refusal("position_not_linked", "link this car again, and share its position there")
        self.vehicles.change(
            vehicle_id, lambda it: replace(it, sharing=sharing, telemetry=allowed(it.telemetry, sharing))
        )
        return self.get(driver_id, vehicle_id)

    def _standing(self, vehicle: Vehicle, links: Mapping[str, LinkState]) -> CarStanding:
        if vehicle.is_manual:
            return CarStanding.MANUAL
        if vehicle.maker not in self.makers:
            return CarStanding.MAKER_GONE
        is_linked = links.get(vehicle.link_id) is LinkState.LINKED
        return CarStanding.LINKED if is_linked else CarStanding.LINK_BROKEN
