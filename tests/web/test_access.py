"""For everybody: axe finds nothing serious on any page, light and dark, in both languages; and how heavy it all is.

With it goes that no target is smaller than 24 px (WCAG 2.5.8), and that each page fits a phone of 320 px.
"""

from __future__ import annotations

import gzip
import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, Response, ViewportSize, expect

from tests.scenarios.world import DRIVER_PASSWORD, World
from tests.web.browser import DESKTOP, PHONE, until
from tests.web.conftest import Visitor, until_found
from tests.web.test_files import FIRST_LOAD_BYTES

# Every page there is, by its address; `{charger}`, `{session}` and `{car}` are the story's own.
PAGES = (
    "/", "/charger/{charger}", "/pay/{charger}/1", "/charging", "/history", "/me", "/cards", "/cards/new", "/balance",
    "/tokens", "/wallet", "/usual", "/cars", "/cars/new", "/car/{car}", "/organisations", "/notices", "/settings",
    "/scan", "/sign-in", "/sign-up", "/confirm", "/forgot", "/parts", "/session/{session}", "/receipt/{session}",
)  # fmt: skip
GRAVE = ("serious", "critical")
NARROW: ViewportSize = {"width": 320, "height": 640}
# The size of targets is not looked at if it is not asked for.
_AXE = "axe.run({resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})"


def charged(world: World, car_id: str | None = None) -> tuple[str, str]:
    """The story's driver has charged somewhere, that car if it is theirs: the charger and the session."""
    charger = world.charger("1.6")
    world.do(charger.plug(1))
    session_id = world.driver.begin(charger.setup.charger_id)["session_id"]
    world.draw(charger, 2_000)
    world.driver.until(session_id, lambda it: it["energy_wh"] == 2_000)
    if car_id:
        world.driver.call("PUT", f"/v1/sessions/{session_id}/vehicle", {"vehicle_id": car_id})
    world.driver.end(session_id)
    world.driver.until(session_id, lambda it: it["receipt_url"] is not None)
    return charger.setup.charger_id, session_id


def settled(page: Page, waits: int = 0) -> None:
    """The page stands: it has its heading, and waits for nothing any more, be it said already or not."""
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("div[role=status]:empty")).to_have_count(0)
    expect(page.locator(".waits")).to_have_count(waits)


def fits(page: Page, path: str) -> None:
    """Nothing sticks out, once the page has heard how narrow it is."""
    until(page, lambda: page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path)


@pytest.mark.parametrize(("locale", "theme"), [("en-GB", "light"), ("de-DE", "dark")])
def test_axe_finds_nothing_serious_on_any_page(world: World, visitor: Visitor, locale: str, theme: str) -> None:
    charger_id, session_id = charged(world)
    car_id = world.driver.call("POST", "/v1/me/vehicles", {"name": "My Zoe", "battery_wh": 52_000})["vehicle_id"]
    ready = {"time_zone": "Europe/Berlin", "ready_by": [{"day": "MONDAY", "at": "07:30", "percent": 80}]}
    world.driver.call("PUT", f"/v1/me/vehicles/{car_id}/wish", ready)
    window = PHONE if theme == "light" else DESKTOP
    visit = visitor(locale=locale, color_scheme=theme, viewport=window)
    page = visit.go("/sign-in?then=/me")
    page.locator("#email").fill(world.driver.email)
    page.locator("#password").fill(DRIVER_PASSWORD)
    page.locator("form button.main").click()
    expect(page.get_by_text(world.driver.email)).to_be_visible()
    names = {"charger": charger_id, "session": session_id, "car": car_id}
    found: dict[str, list[str]] = {}
    page.evaluate(AXE_SCRIPT)
    # What runs or is kept leads from the page of charging to its own: it comes last.
    for pattern in (*PAGES, "/reservation/{reservation}"):
        if "reservation" in pattern:
            wish = {"charger_id": charger_id, "connector": "2"}
            names["reservation"] = world.driver.call("POST", "/v1/reservations", wish)["reservation_id"]
        path = pattern.format(**names)
        page.evaluate("path => { location.hash = path; }", path)
        expect(page.locator("main > *").first).to_be_visible()
        expect(page.locator(f'[data-path="{path}"]')).to_have_count(1)
        # One page shows all parts: how something is waited for, too.
        settled(page, waits=int(path == "/parts"))
        told = page.evaluate(_AXE)["violations"]
        found[path] = [f"{it['id']}: {it['nodes'][0]['html'][:160]}" for it in told if it["impact"] in GRAVE]
        page.set_viewport_size(NARROW)
        fits(page, path)
        page.set_viewport_size(window)
    assert not {path: it for path, it in found.items() if it}


def test_the_first_load_with_its_map_is_light_and_fits_a_narrow_phone(network: World, visitor: Visitor) -> None:
    assert network.stack
    visit = visitor(viewport=NARROW, service_workers="block")
    answers: list[Response] = []
    page = visit.page
    # A method of a list bears no mark of Playwright's.
    page.on("response", lambda it: answers.append(it))  # noqa: PLW0108
    visit.go()
    expect(page.locator(".country").first).to_be_attached()
    expect(page.get_by_role("heading", name="Harbour car park")).to_be_visible()
    page.wait_for_load_state("networkidle")
    files = [it for it in answers if it.ok and "/v1/" not in it.url]
    loaded = {it.url: len(gzip.compress(it.body(), 9)) for it in files}
    assert any("land-110m" in it for it in loaded)
    assert sum(loaded.values()) < FIRST_LOAD_BYTES, loaded
    fits(page, "/")


def test_whoever_has_no_mouse_reaches_a_charger_by_keys(world: World, visitor: Visitor) -> None:
    charger_id = world.charger("1.6").setup.charger_id
    until_found(world, charger_id)
    page = visitor().go()
    page.get_by_role("searchbox").focus()
    page.keyboard.type(charger_id)
    expect(page.get_by_role("link", name=re.compile(charger_id))).to_have_count(1)
    # All others are gone: what is reached by keys now is there to stay.
    expect(page.locator("a[href^='#/charger/']")).to_have_count(1)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href') ?? ''").startswith("#/charger/"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_text("20 kWh come to about")).to_be_visible()
