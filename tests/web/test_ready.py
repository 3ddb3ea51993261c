"""A driver says in the app when the car is to be ready and how full, cannot wait after all, and then can."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from local.simulator.battery import Car
from tests.scenarios.test_charge_plans import planned_day
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World, eventually
from tests.web.conftest import Visitor
from tests.web.test_driver import signs_in


def test_a_wish_is_said_in_percent_overruled_by_one_touch_and_said_again(world: World, visitor: Visitor) -> None:
    site = Site(world, number=2)
    site.describe()
    charger = site.chargers[0]
    with planned_day():
        world.do(charger.plug(1, Car(max_power_w=11_040)))
        page = visitor().go()
        signs_in(page, world, f"/charger/{charger.setup.charger_id}/1")
        page.get_by_text("Limits and departure time").click()
        page.get_by_role("radio", name="Cheapest hours").check()
        page.get_by_role("radio", name="In % of the battery").check()
        start = page.get_by_role("button", name="Start charging")
        start.click()
        expect(page.get_by_text("Something is missing: by when, and how much.")).to_be_visible()
        page.get_by_label("Battery now, %").fill("4")
        page.get_by_label("A full battery holds, kWh").fill("52,5")
        start.click()
        path = f"/v1/sessions/{_session_id(world)}"

        def is_told() -> bool:
            site.looked()
            return world.driver.call("GET", path)["plan"] is not None

        eventually(is_told)
        said = world.driver.call("GET", path)["preferences"]
        assert (said["battery_percent"], said["target_percent"], said["capacity_wh"]) == (4, 80, 52_500)
        assert said["asked_wh"] == 52_500 * 76 // 90
        expect(page.get_by_text(re.compile("^Begins at "))).to_be_visible()
        expect(page.get_by_text("Your car waits for cheaper hours.").first).to_be_visible()

        page.get_by_role("button", name="Charge now, whatever it costs").click()
        expect(page.get_by_text("It charges now, with its full fair share.")).to_be_visible()
        assert world.driver.call("GET", path)["preferences"]["boost"]

        # What was said before stands there to be said again.
        page.get_by_text("Change when it charges").click()
        expect(page.get_by_label("A full battery holds, kWh")).to_have_value("52.5")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Noted. What comes of it stands here in a moment.").first).to_be_visible()
        again = world.driver.call("GET", path)["preferences"]
        unchanged = ("ready_by", "target_percent", "capacity_wh", "profile", "boost")
        assert [again[it] for it in unchanged] == [said[it] for it in unchanged]


def _session_id(world: World) -> str:
    return str(eventually(world.newest_session)["session_id"])
