"""Drivers in a real browser, against simulated chargers: from the first load to the receipt."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.scenarios.world import World
from tests.web.conftest import Visitor

PASSWORD = "Driver-story-12"


def signs_up(page: Page) -> None:
    """From the form to the card's, and the card saved."""
    page.get_by_label("E-mail").fill(f"web-{secrets.token_hex(4)}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open an account").click()
    expect(page.get_by_label("Card number")).to_be_visible()
    page.get_by_role("button", name="Save card").click()


def test_a_driver_signs_up_finds_a_charger_charges_stops_and_has_the_receipt(world: World, visitor: Visitor) -> None:
    charger = world.charger("2.0.1")
    charger_id = charger.setup.charger_id
    page = visitor().go()
    page.get_by_role("searchbox").fill(charger_id)
    page.get_by_role("link", name=charger_id).click()
    expect(page.get_by_text("per kWh").first).to_be_visible()
    page.get_by_role("link", name="Sign in to start").click()
    page.get_by_role("link", name="Open an account").click()
    signs_up(page)

    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_text("set aside on your card")).to_be_visible()
    world.do(charger.plug(1))
    expect(page.get_by_text("Goes on until the car is full")).to_be_visible()
    world.draw(charger, 2_000)
    expect(page.locator("[data-figure=energy]")).to_have_text("2.00")
    cost = page.locator("[data-figure=cost]")
    expect(cost).not_to_have_text("€0.00")

    page.get_by_role("button", name="Stop charging").click()
    page.get_by_role("button", name="Yes, stop").click()
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_text("What it is made of")).to_be_visible()
    expect(page.get_by_text("2.00 kWh at €0.45")).to_be_visible()
    expect(page.get_by_text("paid with visa 4242")).to_be_visible()
    assert quote(charger_id) in page.content()
