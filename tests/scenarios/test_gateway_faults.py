"""Whatever API Gateway does to chargers and to us, sessions come to the same end: told and paid once, nothing held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from local.client import ApiError
from local.gateway_faults import GatewayFault
from local.simulator.charger import Charger
from local.simulator.line import Offline
from tests.scenarios.test_stories import finished, meter_wh
from tests.scenarios.world import World, eventually

# Those that meet with what a version does its own way are told in both.
BOTH = (GatewayFault.CUT_OFF, GatewayFault.GONE, GatewayFault.LATE_DISCONNECT)
TOLD = [
    *((it, "1.6") for index, it in enumerate(GatewayFault) if it in BOTH or index % 2),
    *((it, "2.0.1") for index, it in enumerate(GatewayFault) if it in BOTH or not index % 2),
]


@pytest.fixture
def misbehaving(world: World, fault: GatewayFault) -> Iterator[World]:
    """The network, with chargers behind a gateway that does one thing wrong."""
    gateway, clock = world.stack.gateway, world.stack.clock
    gateway.misbehave(fault)
    yield world
    gateway.misbehave()
    clock.offset_s = 0.0


def swipe(world: World, charger: Charger, card: str) -> bool:
    """A driver whose card got no answer shows it again."""

    def once() -> Any:
        try:
            return [world.do(charger.swipe(card))]
        except Offline:
            return None

    return bool(eventually(once)[0])


def asked(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a driver gets who is told that the charger is offline, and asks again."""

    def once() -> dict[str, Any] | None:
        try:
            return ask()
        except ApiError as refused:
            if refused.problem["type"] != "urn:kerb:problem:charger_offline":
                raise
            return None

    return dict(eventually(once))


def stopped(world: World, charger: Charger, session_id: str) -> None:
    """A stop that did not reach the charger is asked for again, each minute."""

    looks = count()

    def once() -> bool:
        if charger.connectors[1].transaction is None:
            return True
        # A look at the session takes as long as whatever else is asked of this machine.
        world.driver.session(session_id)
        if charger.is_online and next(looks) % 30 == 29:
            world.stack.clock.offset_s += 61
            world.stack.cloud.fire("sweep")
        return False

    world.driver.end(session_id)
    eventually(once)


def paid(world: World, session_id: str, energy_wh: int) -> None:
    session = finished(world, session_id)
    assert (session["state"], session["energy_wh"]) == ("completed", energy_wh), session
    assert world.driver.receipt(session_id)["paid_minor"] == session["cost"]["total_minor"] > 0
    assert world.books_are_settled(session_id)


def sessions(world: World) -> list[str]:
    return [it["session_id"] for it in world.driver.call("GET", "/v1/sessions")["items"]]


@pytest.mark.parametrize(("fault", "version"), TOLD)
def test_a_day_at_a_charger_goes_well_whatever_the_gateway_does(misbehaving: World, version: str) -> None:
    world, told = misbehaving, []
    charger = world.charger(version, interval_s=1.0)
    charger_id = charger.setup.charger_id
    began_wh = meter_wh(charger)
    card = world.issue_card()

    # By app, and stopped by app.
    told.append(asked(lambda: world.driver.begin(charger_id))["session_id"])
    world.do(charger.plug(1))
    world.draw(charger)
    world.driver.until(told[-1], lambda it: it["state"] == "active")
    stopped(world, charger, told[-1])
    paid(world, told[-1], 2_000)
    world.do(charger.unplug(1))

    # By card.
    world.do(charger.plug(1))
    assert swipe(world, charger, card)
    world.draw(charger)
    told.append(eventually(lambda: next((it for it in sessions(world) if it not in told), None)))
    assert swipe(world, charger, card)
    paid(world, told[-1], 2_000)
    world.do(charger.unplug(1))

    # From a reservation.
    eventually(lambda: world.connector(charger_id)["status"] == "available")
    wish = {"charger_id": charger_id}
    told.append(asked(lambda: world.driver.call("POST", "/v1/reservations", wish))["reservation_id"])
    other = world.new_driver()
    with pytest.raises(ApiError, match="connector_reserved"):
        asked(lambda: other.begin(charger_id))
    assert asked(lambda: world.driver.begin(charger_id))["session_id"] == told[-1]
    world.do(charger.plug(1))
    world.draw(charger)
    world.driver.until(told[-1], lambda it: it["state"] == "active")

    # And away, while the car leaves.
    world.at_chargers(charger.go_offline)
    world.draw(charger, 400)
    world.do(charger.unplug(1))
    world.at_chargers(lambda: charger.go_online(reboot=False))
    paid(world, told[-1], 2_400)

    assert sorted(sessions(world)) == sorted(told)
    assert meter_wh(charger) - began_wh == 6_400
