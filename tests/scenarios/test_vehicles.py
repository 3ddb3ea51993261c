"""A driver links a car at each maker's door, sees how full it is and how old that is, and takes it off again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import urllib3

from chalicelib.domain.pricing.tariff import DAYS
from chalicelib.wiring import network
from local.client import ApiError, Person
from local.makers_cars import SimulatedCar
from local.makers_shapes import pushed, sign
from tests.adapters.vehicles.conftest import went_to
from tests.scenarios.world import World, eventually


def link(world: World, driver: Person, maker: str, car: SimulatedCar, sharing: str = "none") -> dict[str, Any]:
    makers = world.stack.makers
    makers.cars["next"] = makers.cars[car.car_id]
    makers.doors[maker].account = car.car_id
    begun = driver.call("POST", "/v1/me/vehicles/links", {"maker": maker, "position_sharing": sharing})
    assert all(it["means"] for it in begun["scopes"])
    back = went_to(begun["url"])
    said = {name: it for name, it in back.items() if name in ("state", "code", "user_id", "error")}
    found: dict[str, Any] = driver.call("POST", "/v1/me/vehicles/callback", said)
    (linked,) = found["items"]
    return linked  # type: ignore[no-any-return]


def a_car(world: World, name: str) -> SimulatedCar:
    return world.stack.makers.add(name, account=name)


def push(world: World, maker: str, car: SimulatedCar, account: str) -> int:
    car.move_to(world.stack.clock())
    headers, body = pushed(maker, car, account, world.stack.clock())
    url = f"{world.stack.http_url}/v1/webhooks/cars/{maker}"
    return urllib3.request("POST", url, body=body, headers={"Content-Type": "application/json", **headers}).status


@pytest.mark.parametrize("maker", ["smartcar", "enode", "tesla"])
def test_a_car_is_linked_read_and_taken_off(world: World, maker: str) -> None:
    driver, car = world.new_driver(card=None), a_car(world, f"{maker}-car-1")
    linked = link(world, driver, maker, car, "coarse")
    assert (linked["maker"], linked["standing"], linked["percent"]) == (maker, "linked", None)
    path = f"/v1/me/vehicles/{linked['vehicle_id']}"
    car.plug(world.stack.clock(), is_in=True)
    assert [push(world, maker, car, "somebody") for _ in range(2)] == [200, 200]
    seen = driver.call("GET", path)
    assert (seen["percent"]["value"], seen["is_plugged"]["value"], seen["percent"]["is_fresh"]) == (40, True, True)
    # A Tesla's place is asked for with a look, and not streamed.
    if maker != "tesla":
        assert seen["position"]["value"] == {"latitude": 52.52, "longitude": 13.4}
    assert driver.call("PUT", f"{path}/position", {"sharing": "none"})["position"] is None
    assert [it["vehicle_id"] for it in driver.call("GET", "/v1/me/export")["cars"]] == [linked["vehicle_id"]]
    with pytest.raises(ApiError, match="not_found"):
        world.driver.call("GET", path)
    gone = driver.call("DELETE", path)
    assert bool(gone["withdraw_at"]) == (maker == "tesla")
    assert driver.call("GET", "/v1/me/vehicles")["items"] == []
    assert (world.stack.makers.invalid, world.stack.makers.doors[maker].invalid) == ([], [])


def test_a_car_by_hand_is_as_full_as_its_driver_says(world: World) -> None:
    driver = world.new_driver(card=None)
    made = driver.call("POST", "/v1/me/vehicles", {"name": "My Zoe", "battery_wh": 52_000})
    path = f"/v1/me/vehicles/{made['vehicle_id']}"
    assert driver.call("PUT", f"{path}/percent", {"percent": 42})["percent"]["value"] == 42
    with pytest.raises(ApiError, match="position_not_linked"):
        driver.call("PUT", f"{path}/position", {"sharing": "coarse"})
    driver.call("DELETE", "/v1/me")
    assert network().vehicles.get(made["vehicle_id"]) is None


def test_a_broken_link_is_told_among_the_notices(world: World) -> None:
    driver, car = world.new_driver(card=None), a_car(world, "enode-car-2")
    link(world, driver, "enode", car)
    account = next(user for user, some in world.stack.makers.cars.items() if car.car_id in some and user != car.car_id)
    told = [{"event": "user:credentials:invalidated", "user": {"id": account}, "vendor": "KIA"}]
    headers, body = sign("enode", json.dumps(told).encode())
    url = f"{world.stack.http_url}/v1/webhooks/cars/enode"
    assert urllib3.request("POST", url, body=body, headers=headers).status == 200
    kinds = eventually(lambda: [it["kind"] for it in driver.call("GET", "/v1/me/notices")["items"]])
    assert kinds == ["car_link_broken"]
    (seen,) = driver.call("GET", "/v1/me/vehicles")["items"]
    assert seen["standing"] == "link_broken"
    assert urllib3.request("POST", url, body=body, headers={}).status == 400


@pytest.mark.parametrize("maker", ["smartcar", "enode", "tesla"])
def test_a_car_that_is_plugged_in_at_home_is_planned_and_its_driver_told_once_without_being_asked(
    world: World, maker: str
) -> None:
    driver, car = world.new_driver(card=None), a_car(world, f"{maker}-car-3")
    path = f"/v1/me/vehicles/{link(world, driver, maker, car)['vehicle_id']}"
    # At whatever hour this runs it can be ready in time: a danger would be told too.
    later = world.stack.clock() + timedelta(hours=6)
    ready_by = [{"day": day, "at": f"{later:%H:%M}", "percent": 80} for day in DAYS]
    driver.call("PUT", f"{path}/wish", {"time_zone": "UTC", "ready_by": ready_by, "power_w": 11_000})
    car.plug(world.stack.clock(), is_in=True)
    assert push(world, maker, car, "somebody") == 200
    # A deployment brings at once what waits in the queue.
    world.stack.cloud.queues.deliver()
    assert [it["kind"] for it in driver.call("GET", "/v1/me/notices")["items"]] == ["car_planned"]
    night = driver.call("GET", f"{path}/night")
    assert (night["controller"], night["percent"], night["ended_at"]) == ("nobody", 80, None)
    assert driver.call("POST", f"{path}/charge-now")["charges_now"]
    with pytest.raises(ApiError, match="not_found"):
        world.driver.call("GET", f"{path}/night")
    assert world.stack.makers.invalid == []
