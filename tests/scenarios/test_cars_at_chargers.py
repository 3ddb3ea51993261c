"""A linked car at a charger of ours: matched as it is plugged in, confirmed once, told by its percentage."""

from __future__ import annotations

import urllib3

from chalicelib.domain.vehicles.telemetry import Observed, Telemetry
from chalicelib.wiring import network
from local.context import LambdaContext
from local.makers_cars import SimulatedCar
from local.seed import SITE_ID
from local.simulator.battery import Car
from local.simulator.charger import Charger
from tests.scenarios.test_vehicles import a_car, link, push
from tests.scenarios.world import World, eventually

_LIMIT = 60


def under_way(world: World, charger: Charger) -> str:
    """A charge by AC, of whose battery its charger learns nothing."""
    body = {"charger_id": charger.setup.charger_id, "connector": "1", "limits": {"soc_percent": _LIMIT}}
    session_id: str = world.driver.call("POST", "/v1/sessions", body)["session_id"]
    world.do(charger.plug(1, Car(tells_percent=False)))
    world.draw(charger)
    live = world.driver.until(session_id, lambda it: it["energy_wh"] == 2_000 and it["power_w"])
    assert live["soc_percent"] is None
    return session_id


def begun(world: World, charger: Charger, car: SimulatedCar) -> str:
    """The same, of a car that tells that it is plugged in as it draws."""
    session_id = under_way(world, charger)
    car.plug(world.stack.clock(), is_in=True)
    car.power_w = world.driver.session(session_id)["power_w"]
    return session_id


def tells(world: World, car: SimulatedCar, percent: int) -> None:
    """The car says how full it is."""
    car.energy_wh = car.battery_wh * (percent + 0.5) / 100
    assert push(world, "enode", car, "somebody") == 200


def matches(world: World) -> list[tuple[str, str]]:
    items = world.driver.call("GET", "/v1/me/vehicles/matches")["items"]
    return [(it["session_id"], it["state"]) for it in items]


def receipt_page(world: World, session_id: str) -> str:
    """The receipt as people see it."""
    url = f"{world.stack.http_url}/v1/sessions/{session_id}/receipt?format=html"
    headers = {"Authorization": f"Bearer {world.driver.token}"}
    return urllib3.request("GET", url, headers=headers).data.decode()


def test_a_linked_car_is_matched_confirmed_once_stops_at_its_percentage_and_stands_on_the_receipt(world: World) -> None:
    site = network().sites.get(SITE_ID)
    assert site is not None
    assert site.spot is not None
    charger, car = world.charger(), a_car(world, f"car-{world.number}")
    car.latitude, car.longitude, car.limit_percent = site.spot.latitude, site.spot.longitude, 90
    vehicle_id = link(world, world.driver, "enode", car, "coarse")["vehicle_id"]

    first = begun(world, charger, car)
    tells(world, car, 40)
    # By time, place and power; nothing follows before its driver says so.
    kept = network().car_matches.of_session(first)
    assert kept is not None
    assert matches(world) == [(first, "guessed")]
    tells(world, car, 41)
    assert world.driver.session(first)["soc_percent"] is None
    path = f"/v1/sessions/{first}/vehicle"
    assert world.driver.call("PUT", path, {"vehicle_id": vehicle_id})["state"] == "confirmed"
    tells(world, car, 55)
    world.driver.until(first, lambda it: it["soc_percent"] == 55)
    assert world.driver.session(first)["state"] == "active"
    tells(world, car, _LIMIT)
    ended = world.driver.until(first, lambda it: it["state"] == "completed")
    assert (ended["reason"], ended["energy_wh"]) == ("limit_reached", 2_000)
    assert world.driver.receipt(first)["car"] == "Kia EV6 2024"
    assert "Kia EV6 2024" in receipt_page(world, first)
    car.plug(world.stack.clock(), is_in=False)
    tells(world, car, 41)
    world.do(charger.unplug(1))

    second = begun(world, charger, car)
    tells(world, car, 42)
    assert matches(world) == [(second, "confirmed")]
    world.driver.until(second, lambda it: it["soc_percent"] == 42)
    assert world.driver.call("DELETE", f"/v1/sessions/{second}/vehicle")["state"] == "undone"
    tells(world, car, _LIMIT + 5)
    assert world.driver.session(second)["state"] == "active"
    world.driver.end(second)
    world.driver.until(second, lambda it: it["state"] == "completed")
    assert world.driver.receipt(second)["car"] is None

    world.driver.call("DELETE", path)
    assert eventually(lambda: world.driver.receipt(first)["car"] is None)
    assert "Kia" not in receipt_page(world, first)
    # A car that is unlinked is named no more where it was.
    third = begun(world, charger, car)
    world.driver.call("PUT", f"/v1/sessions/{third}/vehicle", {"vehicle_id": vehicle_id})
    world.driver.end(third)
    world.driver.until(third, lambda it: it["state"] == "completed")
    assert eventually(lambda: world.driver.receipt(third)["car"] == "Kia EV6 2024")
    world.driver.call("DELETE", f"/v1/me/vehicles/{vehicle_id}")
    assert eventually(lambda: world.driver.receipt(third)["car"] is None)
    assert "Kia" not in receipt_page(world, third)
    assert world.stack.makers.invalid == []


def test_a_car_that_has_to_be_asked_counts_for_its_session_all_the_same(world: World) -> None:
    charger, car = world.charger(), a_car(world, f"car-{world.number}")
    vehicle_id = link(world, world.driver, "tesla", car)["vehicle_id"]
    session_id = under_way(world, charger)
    world.driver.call("PUT", f"/v1/sessions/{session_id}/vehicle", {"vehicle_id": vehicle_id})

    def answers(percent: int) -> None:
        # Whoever asks cars does so with these rights: test_rights.py holds them to what is called here.
        context, at = LambdaContext("plan_sites", 60.0), world.stack.clock()
        told = Telemetry(is_plugged=Observed(True, at), percent=Observed(percent, at))
        assert network().car_telemetry.merge(vehicle_id, told) is not None, context

    answers(50)
    world.driver.until(session_id, lambda it: it["soc_percent"] == 50)
    answers(_LIMIT)
    assert world.driver.until(session_id, lambda it: it["state"] == "completed")["reason"] == "limit_reached"
