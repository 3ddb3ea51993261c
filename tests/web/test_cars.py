"""A driver's cars and who pays for them, in a real browser: a maker's door and back, a night, a session, a code."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.test_organisations import BODY
from tests.scenarios.test_vehicles import a_car, push
from tests.scenarios.world import World
from tests.web.conftest import Visitor
from tests.web.test_access import NARROW
from tests.web.test_driver import signs_in


def goes(page: Page, path: str) -> None:
    page.goto(page.url.partition("?")[0].partition("#")[0] + f"#{path}")


def test_a_car_is_linked_at_its_makers_door_read_planned_charged_at_once_and_taken_off(
    world: World, visitor: Visitor
) -> None:
    car = a_car(world, "web-car")
    makers = world.stack.makers
    makers.doors["smartcar"].account = "web-car"
    page = visitor(also=makers.base).go()
    signs_in(page, world, "/cars")
    expect(page.get_by_text("No car yet")).to_be_visible()
    page.get_by_role("link", name="Add a car").click()
    expect(page.get_by_text("What Smartcar will ask you to allow")).to_be_visible()
    expect(page.get_by_text("where it is", exact=True)).to_have_count(0)
    page.get_by_role("radio", name="To about a kilometre").check()
    expect(page.get_by_text("where it is", exact=True)).to_be_visible()
    page.get_by_role("button", name="Go on at Smartcar").click()
    expect(page.get_by_text("It has not said yet how full it is.")).to_be_visible()
    assert "user_id=" not in page.url

    page.get_by_text("When it is to be ready").click()
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"):
        page.get_by_role("checkbox", name=day).check()
        page.get_by_label(f"{day}: ready at").fill("07:00")
    page.get_by_role("radio", name="Less at night").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()

    car.plug(world.stack.clock(), is_in=True)
    assert push(world, "smartcar", car, "somebody") == 200
    world.stack.cloud.queues.deliver()
    page.reload()
    expect(page.locator("[data-figure=percent]")).to_have_text("40%")
    # As of now, or a while ago on a machine that takes one.
    expect(page.get_by_text(re.compile("as of"))).to_be_visible()
    # Said before, it is there again; prices too, which the API does not tell.
    expect(page.get_by_label("Monday: ready at")).to_have_value("07:00")
    expect(page.get_by_role("radio", name="Less at night")).to_be_checked()
    page.get_by_role("button", name="Charge now").click()
    expect(page.get_by_text("It charges now, whatever was planned")).to_be_visible()

    page.get_by_role("radio", name="Not shared").check()
    expect(page.get_by_text("Kept for seven days")).to_be_visible()
    page.get_by_role("button", name="Unlink this car").click()
    page.get_by_role("button", name="Yes, take it off").click()
    expect(page.get_by_text("No car yet")).to_be_visible()
    assert (makers.invalid, makers.doors["smartcar"].invalid) == ([], [])


def test_who_does_not_allow_it_is_told_so_and_may_add_their_car_by_hand(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = world.stack.makers
    monkeypatch.setattr(makers.doors["smartcar"], "denies", True)
    charger = world.charger("2.0.1")
    page = visitor(also=makers.base, viewport=NARROW).go()
    signs_in(page, world, "/cars/new")
    page.get_by_role("button", name="Go on at Smartcar").click()
    expect(page.get_by_text("You did not allow it at the maker.")).to_be_visible()
    page.get_by_role("link", name="Link it again").click()
    page.get_by_text("My car cannot be linked").click()
    page.get_by_label("Its name").fill("My Zoe")
    page.get_by_label("Its battery holds").fill("52")
    page.get_by_role("button", name="Add it by hand").click()
    page.get_by_label("How full it is now").fill("42")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator("[data-figure=percent]")).to_have_text("42%")
    page.get_by_text("When it is to be ready").click()
    page.get_by_role("checkbox", name="Wednesday").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()

    # At a charger it counts once its driver has said that it is this one.
    goes(page, f"/charger/{charger.setup.charger_id}/1")
    world.do(charger.plug(1))
    page.get_by_role("button", name="Start charging").click()
    page.get_by_role("button", name=re.compile("My Zoe|Yes, this car")).click()
    expect(page.get_by_text(re.compile(r"My Zoe · 42"))).to_be_visible()
    page.get_by_role("button", name="It is another car").click()
    expect(page.get_by_text("Which car is it?")).to_be_visible()


def test_an_organisation_pays_once_its_code_was_typed_and_says_what_is_left(world: World, visitor: Visitor) -> None:
    fleet = "/v1/operator/organisations/web-fleet"
    world.operator.call("PUT", fleet, {**BODY, "name": "Harbour Fleet", "rules": {"weekdays": [0, 1, 2, 3, 4, 5, 6]}})
    code = world.operator.call("POST", f"{fleet}/invitations", {"reference": "4711"})["code"]
    charger = world.charger("2.0.1")
    page = visitor().go()
    signs_in(page, world, "/organisations")
    expect(page.get_by_text("You pay yourself")).to_be_visible()
    page.get_by_label("Code that you were given").fill(code)
    page.get_by_role("button", name="Let them pay").click()
    expect(page.locator("[data-figure=left]")).to_have_text("€90.00")
    expect(page.get_by_text("Monday, Tuesday")).to_be_visible()
    page.get_by_role("switch").check()
    goes(page, f"/charger/{charger.setup.charger_id}/1")
    expect(page.get_by_role("radio", name="Harbour Fleet · €90.00 left")).to_be_checked()
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_text("Paid by")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Yes, stop").click()
    goes(page, "/organisations")
    page.get_by_role("button", name="Pay myself from now on").click()
    page.get_by_role("dialog").get_by_role("button", name="Pay myself from now on").click()
    expect(page.get_by_text("You pay yourself")).to_be_visible()
