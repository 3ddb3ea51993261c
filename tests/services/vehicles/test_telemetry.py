"""What cars say is kept by their own time; looking costs what it may and wakes nobody; position is its driver's."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.tables import VehicleRow
from chalicelib.adapters.vehicles.garage import POSITION_KEPT
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.vehicles.capability import Capability, SetCarLimit, StartCarCharge, StopCarCharge, WakeCar
from chalicelib.domain.vehicles.telemetry import CarPluggedIn, CarTold, CarUnplugged, Observed, Telemetry
from chalicelib.records.vehicles import AnswerKind, BudgetSpent, MakerUnavailable, NotPushed, PositionSharing
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.vehicles.garage import CarStanding
from local.makers_cars import CarFault
from local.makers_oauth import WEBHOOK_SECRET
from local.makers_shapes import sign
from tests.services.vehicles.conftest import DRIVER, Cars

ALL = frozenset(Capability)
PERCENT = frozenset({Capability.PERCENT})


def test_what_a_maker_pushes_is_kept_once_and_told_on_once(cars: Cars) -> None:
    vehicle, car = cars.link("smartcar")
    car.plug(cars.clock(), is_in=True)
    cars.push("smartcar", car)
    first = cars.stored(vehicle)
    cars.push("smartcar", car)
    assert cars.stored(vehicle).revision == first.revision
    assert [type(it) for it in cars.happened].count(CarPluggedIn) == 1
    cars.clock.later(minutes=1)
    car.plug(cars.clock(), is_in=False)
    cars.push("smartcar", car)
    assert [type(it) for it in cars.happened].count(CarUnplugged) == 1


def test_what_comes_late_takes_nobodys_place(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    now = cars.clock()
    young, old = (Telemetry(percent=Observed(value, now - timedelta(minutes=age))) for value, age in ((50, 1), (40, 9)))
    cars.network.car_telemetry.merge(vehicle.vehicle_id, young)
    cars.network.car_telemetry.merge(vehicle.vehicle_id, old)
    assert cars.stored(vehicle).telemetry.percent == young.percent
    assert [type(it) for it in cars.happened] == [CarTold]


def test_what_a_car_says_from_the_future_is_not_believed(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    ahead = Telemetry(percent=Observed(99, cars.clock() + timedelta(hours=1)))
    cars.network.car_telemetry.merge(vehicle.vehicle_id, ahead)
    assert cars.stored(vehicle).telemetry.percent is None


def test_a_webhook_that_nobody_signed_or_sends_here_is_refused(cars: Cars) -> None:
    for maker in ("smartcar", "enode", "tesla"):
        with pytest.raises(NotPushed):
            cars.network.car_telemetry.heard(maker, {}, b"[]")
    # Its key alone opens nothing where there is no server for Teslas.
    with pytest.raises(NotPushed):
        cars.network.car_telemetry.heard("tesla", {"x-kerb-key": WEBHOOK_SECRET}, b"[]")
    with pytest.raises(NotFound):
        cars.network.car_telemetry.heard("nobody", {}, b"[]")


def test_a_consent_taken_back_there_is_heard_of(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    gone = [{"event": "user:credentials:invalidated", "user": {"id": vehicle.link_id}, "vendor": "KIA"}]
    headers, body = sign("enode", json.dumps(gone).encode())
    for _ in range(2):
        cars.network.car_telemetry.heard("enode", {name.lower(): it for name, it in headers.items()}, body)
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN]


def heard_of(cars: Cars, **event: object) -> None:
    headers, body = sign("enode", json.dumps([event]).encode())
    cars.network.car_telemetry.heard("enode", {name.lower(): it for name, it in headers.items()}, body)


def test_a_consent_that_was_given_again_is_not_ended_by_late_news_of_the_old_ones_end(cars: Cars) -> None:
    vehicle, _ = cars.link("enode")
    ended = {"event": "user:credentials:invalidated", "user": {"id": vehicle.link_id}}
    heard_of(cars, **ended, createdAt=(cars.clock() - timedelta(minutes=1)).isoformat())
    assert cars.told() == []
    heard_of(cars, **ended, createdAt=(cars.clock() + timedelta(minutes=1)).isoformat())
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN]


def test_one_car_that_was_taken_off_there_leaves_the_others_of_its_link_linked(cars: Cars) -> None:
    first, _ = cars.link("enode")
    cars.server.add("enode-other", account=first.link_id)
    cars.network.vehicles.put(replace(first, vehicle_id="other", maker_id="enode-other"))
    gone = {"event": "user:vehicle:deleted", "user": {"id": first.link_id}, "vehicle": {"id": first.maker_id}}
    for _ in range(2):
        heard_of(cars, **gone, createdAt=cars.clock().isoformat())
    standing = {it.vehicle.vehicle_id: it.standing for it in cars.network.garage.of_driver(DRIVER)}
    assert standing == {first.vehicle_id: CarStanding.LINK_BROKEN, "other": CarStanding.LINKED}
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN]
    heard_of(cars, **gone | {"vehicle": {"id": "enode-other"}}, createdAt=cars.clock().isoformat())
    assert [it.standing for it in cars.network.garage.of_driver(DRIVER)] == [CarStanding.LINK_BROKEN] * 2
    assert cars.told() == [NotificationKind.CAR_LINK_BROKEN] * 2


def test_a_value_that_is_young_enough_is_not_asked_for(cars: Cars) -> None:
    vehicle, _ = cars.link("tesla")
    for _ in range(5):
        cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
    assert cars.server.billed["tesla", "data"] == 1


def test_a_car_that_sleeps_is_asked_once_and_left_asleep(cars: Cars) -> None:
    vehicle, car = cars.link("tesla")
    cars.clock.later(minutes=50)
    for _ in range(4):
        told = cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
        assert told.is_awake is not None
        assert not told.is_awake.value
        cars.clock.later(minutes=3)
    assert (cars.server.billed["tesla", "data"], car.wakes) == (1, 0)


def test_looking_leaves_of_the_budget_what_commands_need(cars: Cars) -> None:
    vehicle, car = cars.link("tesla")
    car.plug(cars.clock(), is_in=True)
    car.energy_wh, car.battery_wh, car.power_w = 1_000, 500_000, 1_000
    cars.clock.later(days=1)
    for _ in range(120):
        with suppress(BudgetSpent):
            cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
        cars.clock.later(minutes=16)
    spent = cars.stored(vehicle).spent
    assert spent.micro_usd == 180_000
    assert spent.calls == cars.server.billed["tesla", "data"]
    assert cars.network.car_remote.send(vehicle.vehicle_id, SetCarLimit(70), cars.clock()).kind is AnswerKind.ACCEPTED


def test_a_car_is_woken_three_times_a_month_and_not_more(cars: Cars) -> None:
    vehicle, car = cars.link("tesla")
    cars.clock.later(days=1)
    for _ in range(3):
        cars.clock.later(hours=1)
        cars.network.car_remote.send(vehicle.vehicle_id, WakeCar(), cars.clock())
    with pytest.raises(BudgetSpent) as error:
        cars.network.car_remote.send(vehicle.vehicle_id, WakeCar(), cars.clock())
    assert car.wakes == 3
    assert (error.value.until.month, error.value.until.day) == (1, 1)


def test_what_a_car_cannot_do_is_an_answer(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    by_hand = cars.network.garage.add(DRIVER, "My Zoe", 52_000).vehicle
    for vehicle_id, command in (
        (vehicle.vehicle_id, WakeCar()),
        (by_hand.vehicle_id, StartCarCharge()),
        ("x", WakeCar()),
    ):
        assert cars.network.car_remote.send(vehicle_id, command, cars.clock()).kind is AnswerKind.REFUSED
    assert cars.network.car_remote.look(by_hand.vehicle_id, ALL, cars.clock()) == by_hand.telemetry
    assert sum(cars.server.billed.values()) == 0


def test_a_command_is_carried_out_by_the_car(cars: Cars) -> None:
    for maker in ("smartcar", "enode", "tesla"):
        vehicle, car = cars.link(maker)
        car.plug(cars.clock(), is_in=True)
        assert (
            cars.network.car_remote.send(vehicle.vehicle_id, StopCarCharge(), cars.clock()).kind is AnswerKind.ACCEPTED
        )
        assert not car.is_charging
        del cars.server.cars["alice"][car.car_id]


def test_a_maker_that_is_busy_is_left_alone_as_long_as_it_asked(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    cars.server.busy["smartcar"] = 600
    with pytest.raises(MakerUnavailable):
        cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
    cars.server.busy.clear()
    cars.clock.later(minutes=9)
    with pytest.raises(BudgetSpent):
        cars.network.car_remote.send(vehicle.vehicle_id, StartCarCharge(), cars.clock())
    cars.clock.later(minutes=2)
    assert cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock()).percent is not None


def test_a_maker_that_fails_again_and_again_is_asked_for_no_car(cars: Cars) -> None:
    vehicle, _ = cars.link("smartcar")
    other, _ = cars.link("enode")
    cars.server.down.add("smartcar")
    for _ in range(5):
        with pytest.raises(MakerUnavailable):
            cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
        cars.clock.later(minutes=6)
    with pytest.raises(MakerUnavailable):
        cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
    with pytest.raises(BudgetSpent, match="left alone"):
        cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
    assert cars.network.car_remote.look(other.vehicle_id, PERCENT, cars.clock()).percent is not None
    cars.server.down.clear()
    cars.clock.later(minutes=31)
    assert cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock()).percent is not None


def test_a_car_that_nobody_reaches_is_known_as_it_was(cars: Cars) -> None:
    vehicle, car = cars.link("tesla")
    before = cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock())
    cars.clock.later(hours=1)
    car.faults.add(CarFault.NO_COVERAGE)
    assert cars.network.car_remote.look(vehicle.vehicle_id, PERCENT, cars.clock()).percent == before.percent


def test_where_a_car_is_is_kept_as_its_driver_shares_it_and_for_days(cars: Cars) -> None:
    vehicle, car = cars.link("smartcar", PositionSharing.COARSE)
    car.latitude, car.longitude = 52.523456, 13.412345
    cars.push("smartcar", car)
    position = cars.stored(vehicle).telemetry.position
    assert position is not None
    assert position.value == GeoPoint(52.52, 13.41)
    assert "52.523456" not in " ".join(str(it.attribute_values) for it in VehicleRow.scan())
    cars.clock.later(seconds=POSITION_KEPT.total_seconds())
    assert cars.stored(vehicle).telemetry.position is None


def test_a_position_that_is_shared_no_more_is_gone_at_once(cars: Cars) -> None:
    vehicle, car = cars.link("smartcar", PositionSharing.PRECISE)
    cars.push("smartcar", car)
    cars.network.garage.share_position(DRIVER, vehicle.vehicle_id, PositionSharing.NONE)
    cars.clock.later(minutes=1)
    cars.push("smartcar", car)
    assert [it for it in VehicleRow.scan() if it.item == "position"] == []
    assert cars.stored(vehicle).telemetry.position is None


def test_a_position_that_the_maker_was_never_asked_for_needs_another_link(cars: Cars) -> None:
    by_hand = cars.network.garage.add(DRIVER, "My Zoe", None).vehicle
    with pytest.raises(Refusal, match="link this car again"):
        cars.network.garage.share_position(DRIVER, by_hand.vehicle_id, PositionSharing.COARSE)


def test_a_driver_says_how_full_a_car_is_that_does_not_say_so(cars: Cars) -> None:
    by_hand = cars.network.garage.add(DRIVER, "My Zoe", 52_000).vehicle
    percent = cars.network.garage.set_percent(DRIVER, by_hand.vehicle_id, 42).vehicle.telemetry.percent
    assert percent == Observed(42, cars.clock())
    linked, _ = cars.link("enode")
    with pytest.raises(Refusal, match="says itself"):
        cars.network.garage.set_percent(DRIVER, linked.vehicle_id, 42)
