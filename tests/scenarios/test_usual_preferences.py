"""Who has said once how they charge need not say it again; who has no account says it as they pay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib import wiring
from local.client import ApiError
from tests.scenarios.test_adhoc import Guest, free
from tests.scenarios.test_charge_plans import until_planned
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World

PATH = "/v1/me/charging-preferences"


def in_some_hours(zone: ZoneInfo) -> datetime:
    """In six hours or so, to the minute, by the site's clock; in eight where that clock shows it twice tonight."""
    at = (datetime.now(UTC) + timedelta(hours=6)).replace(second=0, microsecond=0).astimezone(zone)
    is_shown_twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
    return (at.astimezone(UTC) + timedelta(hours=2)).astimezone(zone) if is_shown_twice else at


def test_a_charge_begun_without_a_word_follows_what_its_driver_usually_wants(world: World) -> None:
    site = Site(world, number=2)
    site.describe()
    mine, guests = site.chargers
    known = wiring.network().sites.get(site.site_id)
    assert known is not None
    ready_by = in_some_hours(ZoneInfo(known.time_zone))
    clock = f"{ready_by:%H:%M}"
    usual = [{"site_id": site.site_id, "ready_at": clock, "energy_wh": 15_000, "profile": "cheap"}]
    world.driver.call("PUT", PATH, {"items": usual})
    try:
        assert world.driver.call("GET", PATH) == {"items": usual}
        assert world.driver.call("GET", "/v1/me/export")["usual_preferences"] == usual
        with pytest.raises(ApiError) as error:
            world.driver.call("PUT", PATH, {"items": usual * 2})
        assert error.value.status == 422
        world.do(mine.plug(1))
        session = world.driver.call("POST", "/v1/sessions", {"charger_id": mine.setup.charger_id, "connector": "1"})
        wanted = session["preferences"]
        assert (wanted["result"], wanted["energy_wh"], wanted["profile"]) == ("accepted", 15_000, "cheap")
        assert datetime.fromisoformat(wanted["ready_by"]) == ready_by
        path = f"/v1/sessions/{session['session_id']}"
        # Told within seconds, by the planner itself, though this site has no prices.
        told = until_planned(site, lambda: world.driver.call("GET", path)["plan"])
        assert told["energy_cost_minor"] is None
    finally:
        world.driver.call("PUT", PATH, {"items": []})

    free(world, guests)
    guest = Guest(world)
    guest.scan(guests.setup.charger_id)
    world.do(guests.plug(1))
    paid = guest.pay(guest.give_card(), preferences={"ready_by": ready_by.isoformat(), "energy_wh": 8_000})
    assert paid["session"]["preferences"]["asked_wh"] == 8_000
    assert until_planned(site, lambda: guest.look()["session"]["plan"])["unmet_wh"] == 0
    said = guest.call("PUT", f"{guest.path}/charging-preferences", {"boost": True}, guest.secret)
    assert (said["result"], said["boost"]) == ("accepted", True)
    with pytest.raises(ApiError) as error:
        guest.call("PUT", f"{guest.path}/charging-preferences", {"boost": True}, {"Checkout-Secret": "another"})
    assert error.value.status == 404
