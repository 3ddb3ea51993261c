"""Drivers who wait, in a real browser: for cheap hours, and for a charger that never starts. What they are told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.scenarios.test_charge_plans import planned_day, until_planned
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World
from tests.web.conftest import Visitor
from tests.web.test_driver import signs_in

PLUG_IN_S = 2


def test_a_car_waits_for_cheap_hours_says_why_and_charges_at_once_when_it_is_told_to(
    world: World, visitor: Visitor
) -> None:
    site = Site(world, number=1)
    site.describe()
    charger = site.chargers[0]
    page = visitor().go()
    with planned_day():
        signs_in(page, world, f"/charger/{charger.setup.charger_id}/1")
        page.get_by_text("Limits and departure time").click()
        page.get_by_role("radio", name="Cheapest hours").check()
        world.do(charger.plug(1))
        page.get_by_role("button", name="Start charging").click()
        expect(page.get_by_role("heading", name="Plan")).to_be_visible()
        session_id = page.url.rpartition("/")[2]
        until_planned(site, lambda: world.driver.call("GET", f"/v1/sessions/{session_id}")["plan"])
        expect(page.get_by_text(re.compile(r"Begins at .*\d\d:\d\d"))).to_be_visible()
        expect(page.locator(".now").get_by_text("Your car waits for cheaper hours. Ready at")).to_be_visible()
        page.get_by_role("button", name="Charge now, whatever it costs").click()
        until_planned(site, lambda: not world.driver.call("GET", f"/v1/sessions/{session_id}")["plan"])
        expect(page.get_by_text(re.compile("Begins at"))).to_have_count(0)


def test_a_charger_that_never_starts_says_that_nothing_was_charged_and_where_else_to_go(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever its charger says of how long it waits for a car.
    monkeypatch.setattr("chalicelib.services.sessions.driver_sessions._LONGEST_START", timedelta(seconds=PLUG_IN_S))
    charger = world.charger("1.6", never_starts=True)
    page = visitor().go()
    signs_in(page, world, f"/charger/{charger.setup.charger_id}/1")
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_text("It did not start")).to_be_visible()
    expect(page.get_by_text("No car was plugged in in time. Nothing was charged.")).to_be_visible()
    expect(page.get_by_role("link", name="Try here again")).to_be_visible()
