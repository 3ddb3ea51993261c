"""A night over the real tables, a maker's own wire and the solver: planned, carried out, told, and in budget."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from chalicelib.adapters.tables import VehicleRow
from chalicelib.adapters.vehicles.tesla import OURS
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.grid.energy import EnergyContract, PriceBand
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.vehicles.capability import Capability, OwnSchedule, SetOwnSchedule
from chalicelib.domain.vehicles.controller import ControlRule
from chalicelib.domain.vehicles.dispatch import Act, CommandOutcome, Stage
from chalicelib.domain.vehicles.night import Night
from chalicelib.domain.vehicles.wish import CarWish, ReadyBy
from chalicelib.records.vehicles import AnswerKind, PositionSharing, Vehicle
from chalicelib.services.access import Refusal
from chalicelib.services.grid.home_energy import home_of
from local.makers_cars import CarFault, PlaceSchedule, SimulatedCar
from local.night_stores import NoSessions
from tests.adapters.vehicles.conftest import NOW
from tests.services.vehicles.conftest import DRIVER, Cars

SEVEN = datetime(2026, 12, 1, 7, tzinfo=UTC)
CHEAP = PriceBand(price_micros=100_000, begins=time(1), ends=time(5))
HOME = GeoPoint(52.52, 13.405)
WISH = CarWish(ready_by=(ReadyBy(time(7), 80),) * 7, power_w=11_000, home=HOME)
OLDER = "2024.20.9 4f1c0a2b"


def a_tesla(cars: Cars, sharing: PositionSharing = PositionSharing.COARSE) -> tuple[Vehicle, SimulatedCar]:
    return cars.link("tesla", sharing)


def wished(cars: Cars, vehicle: Vehicle) -> None:
    # It never stands at a charger of ours.
    vars(cars.network)["car_sessions"] = NoSessions()
    contract = EnergyContract(
        site_id="",
        operator_id="",
        time_zone="UTC",
        currency="EUR",
        changed_at=NOW,
        price_micros=300_000,
        bands=(CHEAP,),
    )
    site = cars.network.home_energy.keep(vehicle.vehicle_id, contract)
    cars.network.car_nights.wish(DRIVER, vehicle.vehicle_id, replace(WISH, price_site=site))


def night(cars: Cars, vehicle: Vehicle) -> Night:
    found = cars.network.nights.get(vehicle.vehicle_id)
    assert found is not None
    return found


def stages(cars: Cars, vehicle: Vehicle) -> dict[Act, Stage]:
    return {it.act: it.stage for it in night(cars, vehicle).orders}


def pass_until(cars: Cars, car: SimulatedCar, until: datetime) -> None:
    """What is due is done in its minute, as the schedule and the queue would."""
    network = cars.network
    while cars.clock.at < until:
        at = cars.clock.at + timedelta(minutes=1)
        due_at = min((it.next_at for it in _nights(cars) if it.next_at is not None), default=until)
        cars.clock.at = max(at, min(until, due_at))
        while car.at < cars.clock.at:
            # What begins within a step would have begun with it.
            car.move_to(min(car.at + timedelta(minutes=5), cars.clock.at))
        for vehicle_id in list(network.nights.due(cars.clock.at)):
            network.car_nights.look(vehicle_id)


def _nights(cars: Cars) -> list[Night]:
    found = (cars.network.nights.get(it.vehicle_id) for it in cars.network.vehicles.of_driver(DRIVER))
    return [it for it in found if it is not None]


def plugged_in(cars: Cars, vehicle: Vehicle, car: SimulatedCar) -> None:
    """It comes home and is looked at, as its evening's watch would."""
    cars.network.car_nights.heard(cars.stored(vehicle))
    car.plug(cars.clock(), is_in=True)
    cars.clock.later(minutes=1)
    cars.network.car_remote.look(vehicle.vehicle_id, vehicle.can, cars.clock())
    cars.network.car_nights.heard(cars.stored(vehicle))
    cars.network.car_nights.plan(vehicle.vehicle_id)


@pytest.mark.parametrize("software", ["", OLDER])
def test_a_night_waits_for_the_cheap_hours_by_the_cars_own_schedule_and_is_ready(cars: Cars, software: str) -> None:
    vehicle, car = a_tesla(cars, PositionSharing.NONE if software else PositionSharing.COARSE)
    car.software = software or car.software
    wished(cars, vehicle)
    plugged_in(cars, vehicle, car)
    plan = night(cars, vehicle).plan
    assert plan is not None
    assert 1 <= plan.starts_at.hour < 5
    assert (plan.saved_micros or 0) > 0
    assert cars.told() == [NotificationKind.CAR_PLANNED]
    pass_until(cars, car, NOW + timedelta(minutes=40))
    assert len(car.beginnings) == 1
    assert not car.is_charging
    pass_until(cars, car, SEVEN)
    assert car.percent == 80
    assert cars.told() == [NotificationKind.CAR_PLANNED]
    assert (car.wakes, cars.server.invalid) == (0, [])
    assert cars.stored(vehicle).spent.micro_usd <= 20_000


def test_a_car_that_takes_no_schedule_never_stops_and_its_driver_knows(cars: Cars) -> None:
    vehicle, car = a_tesla(cars)
    wished(cars, vehicle)
    car.faults = {CarFault.IGNORES}
    plugged_in(cars, vehicle, car)
    pass_until(cars, car, NOW + timedelta(hours=3))
    assert car.is_charging or car.percent == 80
    assert stages(cars, vehicle)[Act.SCHEDULE] is Stage.WITH_DRIVER
    assert NotificationKind.CAR_PLAN_CHANGED in cars.told()


def test_a_car_without_a_schedule_of_its_own_is_left_to_charge_at_once(cars: Cars) -> None:
    vehicle, car = cars.link("smartcar")
    wished(cars, vehicle)
    car.plug(cars.clock(), is_in=True)
    cars.push("smartcar", car)
    cars.network.car_nights.heard(cars.stored(vehicle))
    cars.network.car_nights.plan(vehicle.vehicle_id)
    control = night(cars, vehicle).control
    assert control is not None
    assert control.rule is ControlRule.NOTHING_BENEATH
    pass_until(cars, car, NOW + timedelta(hours=4))
    assert car.percent == 80


def test_charge_now_is_asked_of_the_car_at_once(cars: Cars) -> None:
    vehicle, car = a_tesla(cars)
    wished(cars, vehicle)
    with pytest.raises(Refusal):
        cars.network.car_nights.charge_now(DRIVER, vehicle.vehicle_id)
    plugged_in(cars, vehicle, car)
    pass_until(cars, car, NOW + timedelta(minutes=30))
    assert not car.is_charging
    found = cars.network.car_nights.charge_now(DRIVER, vehicle.vehicle_id)
    assert found.is_boosted
    # It slept: it was woken at once, and answers half a minute later.
    assert car.wakes == 1
    pass_until(cars, car, cars.clock() + timedelta(minutes=2))
    assert car.is_charging


def test_what_becomes_of_a_night_is_a_line_in_the_log_each_with_what_came_of_it(
    cars: Cars, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("chalicelib.wiring.nights")
    log.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, log.name)
    vehicle, car = a_tesla(cars)
    wished(cars, vehicle)
    plugged_in(cars, vehicle, car)
    pass_until(cars, car, NOW + timedelta(minutes=20))
    log.removeHandler(caplog.handler)
    seen = [vars(it) for it in caplog.records if it.name == log.name]
    assert {it["vehicle_id"] for it in seen} == {vehicle.vehicle_id}
    told = [(it["car_event"], it.get("act"), it.get("outcome")) for it in seen]
    assert told[0] == ("CarNightPlanned", None, None)
    assert ("CarDispatched", Act.SCHEDULE, CommandOutcome.ACCEPTED) in told
    assert ("CarConfirmed", Act.STOP, None) in told


@pytest.mark.parametrize("leaves", ["unlinked", "account"])
def test_a_car_that_leaves_has_its_schedule_as_it_was_found_and_nothing_of_its_night_is_left(
    cars: Cars, leaves: str
) -> None:
    vehicle, car = a_tesla(cars, PositionSharing.NONE)
    car.software, car.schedule = OLDER, time(23)
    wished(cars, vehicle)
    plugged_in(cars, vehicle, car)
    pass_until(cars, car, NOW + timedelta(minutes=10))
    assert car.schedule != time(23)
    if leaves == "unlinked":
        cars.network.car_linking.unlink(DRIVER, vehicle.vehicle_id)
    else:
        cars.network.car_linking.forget_driver(DRIVER)
    assert car.schedule == time(23)
    assert cars.network.energy_contracts.of(home_of(vehicle.vehicle_id)) is None
    assert cars.network.nights.get(vehicle.vehicle_id) is None
    assert cars.network.nights.wish(vehicle.vehicle_id) is None
    assert list(cars.network.nights.due(SEVEN)) == []


def test_a_car_that_keeps_schedules_by_place_loses_ours_as_it_leaves_and_keeps_its_drivers(cars: Cars) -> None:
    vehicle, car = a_tesla(cars)
    drivers = PlaceSchedule(time(23), HOME.latitude, HOME.longitude)
    # One of another evening's is still there: the car slept as it was unlinked.
    car.schedules = {1_764_000_000: drivers, OURS: PlaceSchedule(time(2), HOME.latitude, HOME.longitude)}
    wished(cars, vehicle)
    plugged_in(cars, vehicle, car)
    pass_until(cars, car, NOW + timedelta(minutes=10))
    assert stages(cars, vehicle)[Act.SCHEDULE] is Stage.CONFIRMED
    assert (len(car.schedules), car.schedules[1_764_000_000]) == (2, drivers)
    assert car.schedules[OURS].begins != time(2)
    cars.network.car_linking.unlink(DRIVER, vehicle.vehicle_id)
    assert car.schedules == {1_764_000_000: drivers}
    assert cars.server.invalid == []


@pytest.mark.parametrize(
    ("sharing", "where"),
    [(PositionSharing.COARSE, (52.52, 13.405)), (PositionSharing.PRECISE, (52.5204, 13.4056))],
)
def test_a_schedule_holds_where_home_is_or_where_the_car_stands_if_that_is_known_to_the_metre(
    cars: Cars, sharing: PositionSharing, where: tuple[float, float]
) -> None:
    vehicle, car = a_tesla(cars, sharing)
    car.latitude, car.longitude = 52.5204, 13.4056
    wished(cars, vehicle)
    plugged_in(cars, vehicle, car)
    pass_until(cars, car, NOW + timedelta(minutes=10))
    kept = car.schedules[OURS]
    assert (kept.latitude, kept.longitude) == where
    if sharing is PositionSharing.COARSE:
        assert "52.5204" not in " ".join(str(it.attribute_values) for it in VehicleRow.scan())


def test_a_car_whose_schedules_need_a_place_charges_at_once_where_none_is_shared(cars: Cars) -> None:
    vehicle, car = a_tesla(cars, PositionSharing.NONE)
    wished(cars, vehicle)
    plugged_in(cars, vehicle, car)
    control = night(cars, vehicle).control
    assert control is not None
    assert control.rule is ControlRule.NOTHING_BENEATH
    pass_until(cars, car, NOW + timedelta(hours=4))
    assert (car.percent, car.schedules, cars.server.invalid) == (80, {}, [])
    assert cars.told() == [NotificationKind.CAR_PLANNED]


def test_a_place_that_was_left_out_at_the_makers_door_is_asked_for_once_and_the_night_goes_on(cars: Cars) -> None:
    cars.server.doors["tesla"].leaves_out = {"vehicle_location"}
    vehicle, car = a_tesla(cars)
    assert Capability.POSITION in vehicle.can
    wished(cars, vehicle)
    car.plug(cars.clock(), is_in=True)
    looked_for = frozenset({Capability.PERCENT, Capability.PLUGGED})
    cars.network.car_remote.look(vehicle.vehicle_id, looked_for, cars.clock())
    stored = cars.stored(vehicle)
    assert (stored.sharing, Capability.POSITION in stored.can) == (PositionSharing.NONE, False)
    cars.clock.later(minutes=6)
    plugged_in(cars, vehicle, car)
    assert night(cars, vehicle).control is not None
    assert cars.told() == [NotificationKind.CAR_PLANNED]


def test_a_schedule_for_a_place_that_is_known_no_more_is_refused_and_nothing_is_billed(cars: Cars) -> None:
    vehicle, car = a_tesla(cars)
    plugged_in(cars, vehicle, car)
    before = cars.stored(vehicle).spent
    command = SetOwnSchedule(OwnSchedule(is_on=True, starts_at=time(1)))
    answer = cars.network.car_remote.send(vehicle.vehicle_id, command, cars.clock())
    assert answer.kind is AnswerKind.REFUSED
    assert (cars.stored(vehicle).spent, car.schedules) == (before, {})


@pytest.mark.parametrize("has_stream", [True])
def test_a_car_that_streams_is_planned_as_it_is_plugged_in_and_billed_by_what_it_tells(cars: Cars) -> None:
    vehicle, car = a_tesla(cars)
    assert Capability.PUSH in vehicle.can
    wished(cars, vehicle)
    car.plug(cars.clock(), is_in=True)
    for _ in range(2):
        cars.push("tesla", car)
    assert cars.stored(vehicle).spent.micro_usd == 3 * 7
    cars.network.car_nights.heard(cars.stored(vehicle))
    cars.network.car_nights.plan(vehicle.vehicle_id)
    assert cars.told() == [NotificationKind.CAR_PLANNED]
    assert cars.server.billed["tesla", "data"] == 0
    pass_until(cars, car, NOW + timedelta(minutes=10))
    assert stages(cars, vehicle)[Act.SCHEDULE] is Stage.CONFIRMED
    assert list(car.schedules) == [OURS]
    cars.push("tesla", car)
    cars.network.car_nights.heard(cars.stored(vehicle))
    assert stages(cars, vehicle)[Act.STOP] is Stage.CONFIRMED
    cars.network.car_linking.unlink(DRIVER, vehicle.vehicle_id)
    assert (cars.server.streaming, car.schedules, cars.server.invalid) == (set(), {}, [])
