"""Chargers as their makers deliver them, on a running stack: set up, they are billed right; else they sell nothing."""

from __future__ import annotations

from typing import Any

import pytest

from local.client import ApiError
from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.setup import UNMEASURED
from tests.scenarios.world import World, eventually

ENERGY = "Energy.Active.Import.Register"
# The network of the stories leaves the interval to its chargers: time flies there.
AS_DELIVERED = {**UNMEASURED, "SampledDataCtrlr.TxUpdatedInterval": "1"}


def setup_of(world: World, charger: Charger) -> dict[str, Any]:
    """How the operator sees its setup."""
    path = f"/v1/operator/chargers/{charger.setup.charger_id}"
    return dict(world.operator.call("GET", path)["setup"])


def settled(world: World, charger: Charger) -> dict[str, Any]:
    """The same, once all is asked."""

    def look() -> dict[str, Any] | None:
        found = setup_of(world, charger)
        return found if found["state"] == "settled" else None

    return dict(eventually(look))


def setting(setup: dict[str, Any], name: str) -> dict[str, Any]:
    """One of its settings."""
    (found,) = (it for it in setup["settings"] if it["name"] == name)
    return dict(found)


def billed_wh(world: World, charger: Charger) -> tuple[int, int]:
    """What a charge of 2 kWh was billed, and what the charger's own meter counted."""
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    at = charger.connectors[1]
    before = int(at.register_wh)
    world.do(charger.plug(1, Car(60_000, 20_000)))
    eventually(lambda: at.register_wh > before + 2_000)
    world.driver.end(session_id)
    done = world.driver.until(session_id, lambda it: it["state"] == "completed")
    return done["energy_wh"], int(at.register_wh) - before


def test_a_charger_that_measures_nothing_as_delivered_is_billed_right_once_kerb_has_set_it_up(world: World) -> None:
    charger = world.charger("2.0.1", settings=AS_DELIVERED, speed=200.0)
    setup = settled(world, charger)
    assert setup["metering"] == "full"
    assert setup["is_current"]
    assert charger.memory.settings.find("SampledDataCtrlr.TxEndedMeasurands").value == ENERGY  # type: ignore[union-attr]
    energy_wh, meter_wh = billed_wh(world, charger)
    assert abs(energy_wh - meter_wh) <= 1
    assert meter_wh >= 2_000


def test_what_a_charger_loses_at_a_reboot_it_gets_again(world: World) -> None:
    charger = world.charger("2.0.1", settings=AS_DELIVERED, forgets=True, speed=200.0)
    settled(world, charger)
    began = setup_of(world, charger)["begun_at"]
    world.do(charger.reset())
    eventually(lambda: setup_of(world, charger)["begun_at"] != began)
    assert settled(world, charger)["metering"] == "full"
    energy_wh, meter_wh = billed_wh(world, charger)
    assert abs(energy_wh - meter_wh) <= 1


def test_a_charger_that_will_not_measure_says_so_before_a_driver_meets_it(world: World) -> None:
    refused = frozenset(it for it in UNMEASURED if it.endswith("Measurands"))
    charger = world.charger("2.0.1", settings=UNMEASURED, refused=refused)
    setup = settled(world, charger)
    assert setup["metering"] == "none"
    assert setting(setup, "SampledDataCtrlr.TxEndedMeasurands")["standing"] == "refused"
    assert world.look(charger.setup.charger_id)["metering"] == "none"
    with pytest.raises(ApiError) as error:
        world.driver.begin(charger.setup.charger_id)
    assert error.value.problem["type"] == "urn:kerb:problem:not_metered"
    told = [payload for action, payload in charger.line.received if action == "SetVariables"]
    world.operator.call("POST", f"/v1/operator/chargers/{charger.setup.charger_id}/setup")
    eventually(lambda: len([1 for action, _ in charger.line.received if action == "SetVariables"]) > len(told))


@pytest.mark.parametrize("version", ["1.6", "2.1"])
def test_a_reboot_that_a_setting_needs_is_the_operators_to_order(world: World, version: str) -> None:
    name = "MeterValuesSampledData" if version == "1.6" else "SampledDataCtrlr.TxUpdatedMeasurands"
    charger = world.charger(version, settings={name: ""}, at_reboot=frozenset({name}))
    assert setting(settled(world, charger), name)["standing"] == "needs_reboot"
    assert "Reset" not in {action for action, _ in charger.line.received}
    began = setup_of(world, charger)["begun_at"]
    world.do(charger.reset())
    eventually(lambda: setup_of(world, charger)["begun_at"] != began)
    assert setting(settled(world, charger), name)["standing"] == "as_wanted"
