"""Drivers in a real browser, against simulated chargers: from the first load to the receipt."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Page, expect

from local.stripe_server import save_test_card
from tests.scenarios.world import DRIVER_PASSWORD, World
from tests.web.browser import touches
from tests.web.conftest import Visitor, until_found

PASSWORD = "Driver-story-12"


def signs_up(page: Page) -> None:
    """From the form to the card's, and the card saved."""
    # The page before it, which asks for an address too, stays until this one is there.
    expect(page.get_by_role("heading", name="Open an account")).to_be_visible()
    page.get_by_label("E-mail").fill(f"web-{secrets.token_hex(4)}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open an account").click()
    expect(page.get_by_label("Card number")).to_be_visible()
    page.get_by_role("button", name="Save card").click()


def signs_in(page: Page, world: World, then: str) -> None:
    """The story's driver, back at where they were going."""
    page.goto(page.url.partition("#")[0] + f"#/sign-in?then={then}")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.get_by_label("E-mail").fill(world.driver.email)
    page.get_by_label("Password").fill(DRIVER_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def stops(page: Page) -> None:
    page.get_by_role("button", name="Stop charging").click()
    page.get_by_role("button", name="Yes, stop").click()


def test_a_driver_signs_up_finds_a_charger_charges_stops_and_has_the_receipt(world: World, visitor: Visitor) -> None:
    charger = world.charger("2.0.1")
    charger_id = charger.setup.charger_id
    until_found(world, charger_id)
    page = visitor().go()
    with touches(page, 1):
        page.get_by_role("searchbox").fill(charger_id)
        page.get_by_role("link", name=charger_id).click()
        expect(page.get_by_text("20 kWh come to about")).to_be_visible()
    page.get_by_role("link", name="Sign in to start").click()
    page.get_by_role("link", name="Open an account").click()
    signs_up(page)

    with touches(page, 1):
        page.get_by_role("button", name="Start charging").click()
        expect(page.get_by_text("Plug in within")).to_be_visible()
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"\d:\d\d"))
    world.do(charger.plug(1))
    expect(page.get_by_text("Goes on until the car is full")).to_be_visible()
    world.draw(charger, 2_000)
    expect(page.locator("[data-figure=energy]")).to_have_text("2.00")
    expect(page.locator("[data-figure=cost]")).not_to_have_text("€0.00")
    expect(page.get_by_text("€50.00 are set aside")).to_be_visible()

    with touches(page, 2):
        stops(page)
    with touches(page, 1):
        page.get_by_role("link", name="Receipt").click()
        expect(page.get_by_text("2.00 kWh at €0.45")).to_be_visible()
    expect(page.get_by_text("paid with visa 4242")).to_be_visible()
    # The browser checks that it is there.
    world.until_logged(page.url.rpartition("/")[2])
    page.get_by_role("button", name="Check now").click()
    for check in ("inclusion", "signature", "sums"):
        expect(page.locator(f"[data-check={check}]")).to_have_attribute("data-so", "true")
    with touches(page, 2):
        page.get_by_role("link", name="History").click()
        page.get_by_role("link", name=charger_id).click()
        expect(page.get_by_text("2.00 kWh at €0.45")).to_be_visible()


def test_somebody_without_an_account_pays_by_card_at_the_code_and_keeps_the_receipt(
    world: World, visitor: Visitor
) -> None:
    charger = world.charger("1.6")
    until_found(world, charger.setup.charger_id)
    page = visitor().go(f"/charger/{charger.setup.charger_id}/1")
    with touches(page, 1):
        page.get_by_role("link", name="Pay by card, no account").click()
        expect(page.get_by_text("The most it can cost")).to_be_visible()
    # The stand-in's own: no driver chooses whether their bank asks.
    page.get_by_role("radio", name="Bank asks").check()
    with touches(page, 2):
        page.get_by_role("button", name="Pay and start").click()
        page.get_by_role("button", name="Confirm with my bank").click()
        expect(page.get_by_text("Plug in within")).to_be_visible()
    world.do(charger.plug(1))
    world.draw(charger, 3_000)
    expect(page.locator("[data-figure=energy]")).to_have_text("3.00")
    stops(page)
    receipt = page.get_by_role("link", name="Receipt")
    expect(receipt).to_have_attribute("href", re.compile("/v1/receipts/"))
    assert page.request.get(world.stack.http_url + (receipt.get_attribute("href") or "")).ok


def test_a_start_that_fails_says_that_nothing_was_charged_and_where_else_to_go(world: World, visitor: Visitor) -> None:
    refusing, other = world.charger("1.6", rejects_remote_start=True), world.charger("1.6")
    until_found(world, other.setup.charger_id)
    page = visitor().go()
    signs_in(page, world, f"/charger/{refusing.setup.charger_id}/1")
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_text("It did not start")).to_be_visible()
    expect(page.get_by_text("Nothing was charged.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("of 2 free"))).to_be_visible()
    # A card that is declined is said as plainly.
    setup = world.driver.call("POST", "/v1/cards/setup", {})
    save_test_card(
        world.stack.stripe.url, setup["client_secret"], setup["publishable_key"], "pm_card_chargeCustomerFail"
    )
    world.driver.call("POST", "/v1/cards", {"setup_id": setup["setup_id"]})
    page.goto(page.url.partition("#")[0] + f"#/charger/{other.setup.charger_id}/1")
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_text("Your card was declined.")).to_be_visible()


def test_a_stop_without_a_line_is_told_once_when_it_is_back(world: World, visitor: Visitor) -> None:
    charger = world.charger("2.0.1")
    visit = visitor()
    page = visit.go()
    signs_in(page, world, f"/charger/{charger.setup.charger_id}/1")
    world.do(charger.plug(1))
    page.get_by_role("button", name="Start charging").click()
    world.draw(charger, 1_500)
    expect(page.locator("[data-figure=energy]")).to_have_text("1.50")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    visit.context.set_offline(True)
    expect(page.get_by_text("No connection.")).to_be_visible()
    stops(page)
    expect(page.get_by_text("Your stop is told as soon as there is a connection.")).to_be_visible()
    # The shell opens without a line, with what was known last, shown as such.
    page.reload()
    expect(page.locator("[data-figure=energy]")).to_have_text("1.50")
    expect(page.get_by_text(re.compile(r"As of \d\d:\d\d"))).to_be_visible()

    visit.context.set_offline(False)
    expect(page.get_by_role("link", name="Receipt")).to_be_visible()
    # However often the page tried: an answer may be lost as the line comes and goes.
    assert [action for action, _ in charger.line.received].count("RequestStopTransaction") == 1


def test_a_connector_is_kept_counted_down_and_given_up(world: World, visitor: Visitor) -> None:
    charger = world.charger("1.6")
    charger_id = charger.setup.charger_id
    until_found(world, charger_id)
    page = visitor().go()
    signs_in(page, world, f"/charger/{charger_id}/1")
    page.get_by_role("button", name="Reserve").click()
    expect(page.get_by_text("Kept for you")).to_be_visible()
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"1?\d:\d\d"))
    page.get_by_role("button", name="Give it up").click()
    expect(page.get_by_text("Given up")).to_be_visible()


def test_the_app_speaks_german_and_what_it_is_told_of_tokens(world: World, visitor: Visitor) -> None:
    uid = world.issue_card()
    page = visitor(locale="de-DE").go()
    page.goto(page.url.partition("#")[0] + "#/sign-in?then=/tokens")
    page.get_by_label("E-Mail").fill(world.driver.email)
    page.get_by_label("Passwort").fill(DRIVER_PASSWORD)
    page.get_by_role("button", name="Anmelden", exact=True).click()
    expect(page.get_by_text(uid)).to_be_visible()
    page.get_by_role("button", name="Sperren", exact=True).click()
    expect(page.get_by_text("Gesperrt")).to_be_visible()
    page.goto(page.url.partition("#")[0] + "#/settings")
    page.get_by_role("radio", name="English").check()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
