"""Answers that come late, in a real browser: they take nothing from a finger, undo nothing, and lead nobody back."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.scenarios.world import World
from tests.web.browser import until
from tests.web.conftest import Visitor
from tests.web.test_driver import signs_in


class Held:
    """Requests to an address that are answered when the test says so."""

    def __init__(self, page: Page, pattern: str | re.Pattern[str]) -> None:
        self._page = page
        self._routes: list[Route] = []
        # A method of a list bears no mark of Playwright's.
        page.route(pattern, lambda it: self._routes.append(it))  # noqa: PLW0108

    def asked(self, part: str = "") -> Route:
        """The oldest that was asked so and is not answered, once there is one."""

        def found() -> list[Route]:
            return [it for it in self._routes if part in it.request.url]

        until(self._page, lambda: bool(found()), part)
        route = found()[0]
        self._routes.remove(route)
        return route

    def answer(self, told: Any, part: str = "") -> None:
        self.asked(part).fulfill(json=told)


def has_settled(page: Page) -> None:
    """What was answered before has been heard, and the next frame drawn."""
    page.evaluate(
        """async () => {
          await (await fetch('/v1/log')).text();
          await new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)));
        }"""
    )


def chargers(*charger_ids: str) -> dict[str, Any]:
    """What a search answers: chargers of one place, in this order."""
    plug = {"connector": "1", "kind": "ccs2", "max_power_w": 150_000, "status": "available", "available": True}
    place = {"site_id": "late", "site_name": "Late quay", "address": "Quay 2", "latitude": 53.54, "longitude": 9.99}
    rest = {"operator_id": "demo", "online": True, "is_metered": True, "available": 1, "prices": None}
    each = {**place, **rest, "connectors": [plug], "distance_m": 100}
    return {"items": [{**each, "charger_id": it} for it in charger_ids]}


def found_two(visitor: Visitor) -> tuple[Page, Held]:
    """The app with two chargers found, and its later searches held back."""
    visit = visitor(service_workers="block")
    held = Held(visit.page, "**/v1/chargers/nearby*")
    visit.go()
    held.answer(chargers("CP-LATE-1", "CP-LATE-2"))
    return visit.page, held


def test_a_touch_is_a_touch_though_the_search_answers_while_the_finger_is_down(
    network: World, visitor: Visitor
) -> None:
    assert network.stack
    page, held = found_two(visitor)
    page.get_by_role("searchbox").fill("LATE-2")
    link = page.get_by_role("link", name="CP-LATE-2")
    link.hover()
    page.mouse.down()
    held.answer(chargers("CP-LATE-2"), "q=LATE-2")
    until(page, lambda: page.evaluate("!localStorage['kerb.found'].includes('CP-LATE-1')"))
    has_settled(page)
    page.mouse.up()
    page.wait_for_url("**/#/charger/CP-LATE-2")


def test_a_finger_that_slips_off_lets_the_list_be_drawn(network: World, visitor: Visitor) -> None:
    assert network.stack
    page, held = found_two(visitor)
    page.get_by_role("searchbox").fill("LATE-2")
    page.get_by_role("link", name="CP-LATE-2").hover()
    page.mouse.down()
    held.answer(chargers("CP-LATE-2"), "q=LATE-2")
    page.mouse.move(4, 4)
    page.mouse.up()
    expect(page.get_by_role("link", name="CP-LATE-1")).to_have_count(0)
    expect(page.get_by_role("link", name="CP-LATE-2")).to_be_visible()


def test_an_answer_that_was_overtaken_counts_no_more(network: World, visitor: Visitor) -> None:
    assert network.stack
    page, held = found_two(visitor)
    page.get_by_role("searchbox").fill("LATE")
    late = held.asked("q=LATE")
    page.get_by_role("searchbox").fill("LATE-2")
    held.answer(chargers("CP-LATE-2"), "q=LATE-2")
    expect(page.get_by_role("link", name="CP-LATE-1")).to_have_count(0)
    late.fulfill(json=chargers("CP-LATE-1", "CP-LATE-2"))
    has_settled(page)
    expect(page.get_by_role("link", name="CP-LATE-1")).to_have_count(0)


def test_who_has_left_is_led_nowhere_by_what_comes_late(world: World, visitor: Visitor) -> None:
    charger_id = world.charger("1.6").setup.charger_id
    page = visitor(service_workers="block").go()
    signs_in(page, world, "/me")
    expect(page.get_by_text(world.driver.email)).to_be_visible()
    held = Held(page, re.compile(r"/v1/reservations$"))
    page.get_by_role("link", name="Charging").click()
    looks = held.asked()
    page.get_by_role("link", name="Me", exact=True).click()
    expect(page.get_by_text(world.driver.email)).to_be_visible()
    kept = {"reservation_id": "r1", "charger_id": charger_id, "connector": "1", "standing": "open"}
    looks.fulfill(json={"items": [kept]})
    has_settled(page)
    assert page.url.endswith("#/me")

    # A start is begun all the same: it is found under the bolt below.
    page.goto(page.url.partition("#")[0] + f"#/charger/{charger_id}/1")
    starts = Held(page, re.compile(r"/v1/sessions$"))
    page.get_by_role("button", name="Start charging").click()
    begun = starts.asked()
    page.get_by_role("link", name="Me", exact=True).click()
    expect(page.get_by_text(world.driver.email)).to_be_visible()
    begun.continue_()
    expect(page.get_by_text("a charge is running")).to_be_attached()
    assert page.url.endswith("#/me")
    page.get_by_role("link", name="Charging").click()
    expect(page.get_by_text("Plug in within")).to_be_visible()


def test_what_is_typed_while_it_is_saved_stays_and_is_not_said_to_be_saved(world: World, visitor: Visitor) -> None:
    page = visitor(service_workers="block").go()
    signs_in(page, world, "/settings")
    page.get_by_text("My business").click()
    name, form = page.get_by_label("Name", exact=True), page.locator("form", has=page.locator("#business-name"))
    name.fill("Ada")
    held = Held(page, re.compile(r"/v1/me/business$"))
    form.get_by_role("button", name="Save").click()
    saves = held.asked()
    name.fill("Ada Ltd")
    saves.fulfill(json={"name": "Ada"})
    has_settled(page)
    expect(name).to_have_value("Ada Ltd")
    expect(form.get_by_role("button", name="Save", exact=True)).to_be_visible()
    form.get_by_role("button", name="Save").click()
    held.asked().fulfill(json={"name": "Ada Ltd"})
    expect(form.get_by_role("button", name="Saved")).to_be_visible()
    expect(name).to_have_value("Ada Ltd")


def test_a_mark_of_the_map_is_touched_though_its_number_changes_meanwhile(network: World, visitor: Visitor) -> None:
    assert network.stack
    visit = visitor(service_workers="block")
    page = visit.page
    held = Held(page, "**/v1/chargers/nearby*")
    visit.go()
    told = chargers("CP-LATE-1", "CP-LATE-2")
    held.answer(told)
    mark = page.get_by_role("button", name=re.compile("Late quay"))
    expect(mark).to_have_text("2")
    page.get_by_role("searchbox").fill("LATE")
    mark.hover()
    page.mouse.down()
    told["items"][0]["available"] = 0
    held.answer(told, "q=LATE")
    has_settled(page)
    page.mouse.up()
    expect(page.get_by_role("link", name="CP-LATE-1")).to_be_focused()
    expect(mark).to_have_text("1")
