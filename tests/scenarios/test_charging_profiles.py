"""A limit that an operator sets is kept by a charger of any version, by phase, and its composite schedule says so."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib import wiring
from local.seed import TARIFF_ID
from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.needs import in_hours, tell_needs
from tests.scenarios.world import World, until


def managed_site(world: World) -> str:
    """A site whose power is shared out."""
    site_id = world.new_site()
    site = {"name": site_id, "address": "Quay 2", "time_zone": "Europe/Berlin", "tariff_id": TARIFF_ID}
    world.operator.call("PUT", f"/v1/operator/sites/{site_id}", {**site, "is_load_managed": True})
    return site_id


def order(world: World, charger: Charger, **command: Any) -> dict[str, Any]:
    """A command and its answer, as the operator sees it."""
    path = f"/v1/operator/chargers/{charger.charger_id}/commands?wait_s=20"
    answer = dict(world.operator.call("POST", path, command, headers={"Idempotency-Key": secrets.token_hex(8)}))
    assert answer["state"] == "accepted"
    return answer


def ability(charger_id: str) -> Any:
    """What Kerb has learnt of the profiles that it takes."""
    charger = wiring.network().chargers.get(charger_id)
    known = charger.ability if charger is not None else None
    return None if known is None else (known.most_stack_level, known.most_periods, known.is_controllable)


def currents(charger: Charger) -> list[float]:
    """What it last told of its phases."""
    for action, payload in reversed(charger.line.sent):
        values = payload.get("meterValue") if action in ("MeterValues", "TransactionEvent") else None
        samples = [it for value in values or () for it in value["sampledValue"]]
        found = [float(it["value"]) for it in samples if it.get("measurand") == "Current.Import"]
        if found:
            return found
    return []


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_an_operators_limit_is_kept_by_phase_and_the_composite_schedule_says_so(world: World, version: str) -> None:
    charger = world.charger(version, managed_site(world), measures_phases=True, least_a=6.0)
    charger_id = charger.charger_id
    until(lambda: ability(charger_id), (10, 100, True))
    session_id = world.driver.begin(charger_id)["session_id"]
    world.do(charger.plug(1, Car(max_power_w=7_360, phases=1)))
    world.driver.until(session_id, lambda it: it["state"] == "active")
    at = charger.connectors[1]
    starts_at = datetime.now(UTC) - timedelta(seconds=5)
    limits = [{"start_s": 0, "limit": "10"}, {"start_s": 600, "limit": "6.5"}]
    shared = {"in_amps": True, "connector": "1", "starts_at": starts_at.isoformat()}
    default = {"profile_id": 7, "purpose": "default", "stack_level": 3, "limits": limits, **shared}
    order(world, charger, command="set_profile", **default)
    world.do(charger.until(lambda _: at.power_w == 2_300))
    until(lambda: currents(charger), [10.0, 0.0, 0.0])
    told = order(world, charger, command="read_schedule", duration_s=1800, connector="1", in_amps=True)["answer"]
    schedule = told.get("chargingSchedule") or told["schedule"]
    (first, second) = schedule["chargingSchedulePeriod"]
    assert (first["limit"], second["limit"], first["startPeriod"]) == (10.0, 6.5, 0)
    # Ten minutes after the profile's start, whenever that is asked after.
    passed_s = (datetime.now(UTC) - starts_at).total_seconds()
    assert 599 - passed_s <= second["startPeriod"] <= 600
    order(world, charger, command="clear_profiles", profile_id=7)
    world.do(charger.until(lambda _: at.power_w == 7_333))
    if version != "1.6":
        answer = world.do(tell_needs(charger, 1, 20_000, in_hours(8)))
        assert answer in ("Rejected", "NoChargingProfile", "Processing")
    world.draw(charger)
    world.driver.end(session_id)
    world.driver.until(session_id, lambda it: it["state"] == "completed")
