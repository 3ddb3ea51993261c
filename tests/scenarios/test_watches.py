"""A driver finds a connector taken, asks to be told, and is told when its car has left; over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from local.client import ApiError, Person
from local.simulator.charger import Charger
from tests.scenarios.test_reservations import reserve, status
from tests.scenarios.test_stories import finished
from tests.scenarios.world import World, eventually


def watch(driver: Person, charger: Charger, connector: str | None = "1") -> dict[str, Any]:
    return driver.call("POST", "/v1/me/watches", {"charger_id": charger.setup.charger_id, "connector": connector})


def told(driver: Person) -> list[dict[str, Any]]:
    return [it for it in driver.call("GET", "/v1/me/notices")["items"] if it["kind"] == "connector_free"]


def waits(driver: Person) -> list[str]:
    return [it["watch_id"] for it in driver.call("GET", "/v1/me/watches")["items"]]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_who_waits_is_told_when_the_car_has_left(world: World, version: str) -> None:
    charger, other = world.charger(version), world.new_driver(card=None)
    eventually(lambda: status(world, charger) == "available")
    with pytest.raises(ApiError, match="connector_free"):
        watch(other, charger)
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    world.do(charger.plug(1))
    world.draw(charger)
    # What is ended before it is known to have begun has failed.
    world.driver.until(session_id, lambda it: it["state"] == "active")
    made = watch(other, charger)
    assert watch(other, charger) == made
    assert waits(other) == [made["watch_id"]]
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    assert told(other) == []
    world.do(charger.unplug(1))
    (notice,) = eventually(lambda: told(other))
    assert (notice["charger_id"], notice["connector"]) == (charger.setup.charger_id, "1")
    assert (notice["session_id"], notice["session_url"], notice["token"]) == (None, None, None)
    eventually(lambda: waits(other) == [])


def test_who_waits_is_told_when_a_reservation_is_given_up(world: World) -> None:
    charger, other = world.charger(), world.new_driver(card=None)
    eventually(lambda: status(world, charger) == "available")
    made = reserve(world.driver, charger)
    watch(other, charger)
    world.driver.call("DELETE", f"/v1/reservations/{made['reservation_id']}")
    eventually(lambda: told(other))


def test_who_gives_up_is_not_told(world: World) -> None:
    charger, other = world.charger(), world.new_driver(card=None)
    eventually(lambda: status(world, charger) == "available")
    made = reserve(world.driver, charger)
    other.call("DELETE", f"/v1/me/watches/{watch(other, charger)['watch_id']}")
    world.driver.call("DELETE", f"/v1/reservations/{made['reservation_id']}")
    eventually(lambda: status(world, charger) == "available")
    assert (told(other), waits(other)) == ([], [])
