"""Chargers whose clocks stand wrong by forty minutes: limits name times, and hold all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib import wiring
from chalicelib.services.grid import charger_news
from local.simulator import parts
from local.simulator.battery import Car
from tests.scenarios.test_charge_plans import long_ago, plan_now, planned_day, until_planned
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World, eventually


@pytest.mark.parametrize("ahead_min", [40, -40])
def test_a_grant_holds_now_and_a_plan_is_told_turn_by_turn_whatever_the_chargers_clock_shows(
    world: World, monkeypatch: pytest.MonkeyPatch, ahead_min: int
) -> None:
    monkeypatch.setattr(parts, "CLOCK_AHEAD", timedelta(minutes=ahead_min))
    # What it tells as it comes is no late word of an hour ago: nobody was here then.
    monkeypatch.setattr(charger_news, "_CATCHES_UP", timedelta(0))
    site = Site(world, number=2)
    site.describe()
    # Of a socket is remembered for a minute what it was before its site was managed.
    wiring.network().sockets._known_connection.cache_clear()
    charger = site.chargers[0]
    with planned_day(), world.watching(site.keep_worst):
        world.do(charger.plug(1, Car(max_power_w=22_080)))
        wishes = {"ready_by": (datetime.now(UTC) + timedelta(hours=10)).isoformat(), "energy_wh": 11_000}
        body = {"charger_id": charger.setup.charger_id, "connector": "1", "preferences": wishes}
        path = f"/v1/sessions/{world.driver.call('POST', '/v1/sessions', body)['session_id']}"
        eventually(lambda: _is_known_wrong(site, ahead_min))
        # More than its offline default, which is all that a grant would leave it that begins in forty minutes.
        site.until_offered(32.0, 0)
        until_planned(site, lambda: world.driver.call("GET", path)["plan"])
        long_ago(site, path.rpartition("/")[2])
        plan_now(site)
        site.until_offered(0, 0)
        # It waits until it is told otherwise, and begins no forty minutes early.
        assert next(it["limit"] for it in world.at_chargers(lambda: _to_come(site))) == 0
        assert all(it["limit"] < 16 for it in world.at_chargers(lambda: _to_come(site)))


def _is_known_wrong(site: Site, ahead_min: int) -> bool:
    site.looked()
    state = wiring.network().managed_sites.state(site.site_id)
    assert state is not None
    told = next(it.clock_ahead_s for it in state.book.chargers if it.charger_id == site.chargers[0].setup.charger_id)
    return abs(told / 60 - ahead_min) < 5


def _to_come(site: Site) -> list[dict[str, float]]:
    """What its first charger keeps for the coming day, by its own clock."""
    charger = site.chargers[0]
    at = charger.connectors[1]
    return charger.memory.profiles.composite(1, parts.now(), 24 * 3600, "A", charger.charge(at), 1)
