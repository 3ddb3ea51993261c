"""A driver on the way keeps a connector, and finds it free; over real sockets, in every version."""

from __future__ import annotations

from typing import Any

import pytest

from local.client import ApiError, Person
from local.simulator.charger import Charger
from tests.scenarios.test_stories import finished
from tests.scenarios.world import World, eventually

VERSIONS = ["1.6", "2.0.1", "2.1"]


def reserve(driver: Person, charger: Charger, **more: Any) -> dict[str, Any]:
    return driver.call("POST", "/v1/reservations", {"charger_id": charger.setup.charger_id, **more})


def status(world: World, charger: Charger) -> str:
    return str(world.connector(charger.setup.charger_id)["status"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_driver_reserves_arrives_charges_and_pays(world: World, version: str) -> None:
    charger = world.charger(version)
    eventually(lambda: status(world, charger) == "available")
    made = reserve(world.driver, charger, arrive_in_s=600)
    assert made["standing"] == "open"
    path = f"/v1/reservations/{made['reservation_id']}"
    eventually(lambda: world.driver.call("GET", path)["keeper"] == "charger")
    assert status(world, charger) == "reserved"

    other = world.new_driver()
    with pytest.raises(ApiError, match="connector_reserved"):
        other.begin(charger.setup.charger_id)
    with pytest.raises(ApiError, match="connector_reserved"):
        reserve(other, charger)

    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    assert session_id == made["reservation_id"]
    world.do(charger.plug(1))
    world.draw(charger)
    world.driver.until(session_id, lambda it: it["energy_wh"] == 2_000)
    assert world.driver.call("GET", path)["standing"] == "used"
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    assert world.books_are_settled(session_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_reservation_is_free_for_the_next(world: World, version: str) -> None:
    charger = world.charger(version)
    eventually(lambda: status(world, charger) == "available")
    made = reserve(world.driver, charger)
    path = f"/v1/reservations/{made['reservation_id']}"
    eventually(lambda: world.driver.call("GET", path)["keeper"] == "charger")
    assert world.driver.call("POST", f"{path}/extend", {})["until"] > made["until"]
    assert world.driver.call("DELETE", path)["standing"] == "cancelled"
    eventually(lambda: status(world, charger) == "available")
    assert reserve(world.new_driver(), charger)["standing"] == "open"
    assert [it["standing"] for it in world.driver.call("GET", "/v1/reservations")["items"]] == ["cancelled"]
