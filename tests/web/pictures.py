"""Pictures of every page for docs/design.md: `python -m tests.web.pictures`. Look at them after each change."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from chalicelib.domain.pricing.tariff import DAYS
from local.seed import SITE_ID, TARIFF_ID
from local.stack import Options, Stack
from tests.browsers import MISSING, chromium
from tests.scenarios.test_organisations import BODY
from tests.scenarios.test_vehicles import a_car, link, push
from tests.scenarios.world import DRIVER_PASSWORD, World, eventually
from tests.scenarios.world import PASSWORD as CHARGER_SECRET
from tests.web.browser import DESKTOP, PHONE, Visit, launched

SCREENS = Path(__file__).parent.parent.parent / "docs" / "screens"
PAGE = Path(__file__).parent.parent.parent / "docs" / "design.md"
WINDOWS = {"phone": PHONE, "desktop": DESKTOP}
_COLOURS = 96
_HEAD = "| phone | desktop |\n| --- | --- |\n"
GUESTS = ("A guest plugs in", "A guest charges")
DARK = ("Find", "A charger", "Charging", "Receipt")
# What each is called on the page, its address, and whether it is seen before somebody logs in.
PAGES = (
    ("Find", "/", True),
    ("A charger, without an account", "/charger/{charger}/1", True),
    ("Pay without an account", "/pay/{charger}/1", True),
    ("Sign in", "/sign-in", True),
    ("Sign up", "/sign-up", True),
    ("Confirm the address", "/confirm", True),
    ("Password forgotten", "/forgot", True),
    ("A charger", "/charger/{charger}/1", False),
    ("Scan", "/scan", False),
    ("A reservation", "/reservation/{reservation}", False),
    ("Charging", "/session/{session}", False),
    ("Failed to start", "/session/{failed}", False),
    ("Receipt", "/receipt/{paid}", False),
    ("History", "/history", False),
    ("Me", "/me", False),
    ("Payment cards", "/cards", False),
    ("Add a card", "/cards/new", False),
    ("Wallet", "/wallet", False),
    ("How I usually charge", "/usual", False),
    ("Cars", "/cars", False),
    ("Add a car", "/cars/new", False),
    ("A car", "/car/{car}", False),
    ("Who pays for me", "/organisations", False),
    ("What I owe", "/balance", False),
    ("RFID cards", "/tokens", False),
    ("Notices", "/notices", False),
    ("Settings", "/settings", False),
    ("Parts", "/parts", False),
)


def told(world: World) -> dict[str, str]:
    """A street with something of everything: a charge that is paid, one that runs, one that failed, a reservation."""
    square = {"name": "Market square", "address": "Am Markt 3, 20095 Hamburg", "time_zone": "Europe/Berlin"}
    # Where no search finds it: a charge that shows something in a minute needs a plug faster than any street has.
    world.operator.call("PUT", "/v1/operator/sites/market", {**square, "tariff_id": TARIFF_ID})
    charger = world.charger("2.0.1", site_id="market", speed=1.0)
    other, refusing = world.charger(), world.charger(rejects_remote_start=True)
    failed = world.driver.begin(refusing.setup.charger_id)["session_id"]
    world.driver.until(failed, lambda it: it["state"] == "failed")
    world.do(other.plug(1))
    paid = world.driver.begin(other.setup.charger_id)["session_id"]
    world.draw(other, 23_400)
    world.driver.until(paid, lambda it: it["energy_wh"] == 23_400)
    world.driver.end(paid)
    world.driver.until(paid, lambda it: it["receipt_url"] is not None)
    world.do(other.unplug(1))
    reservation = world.driver.call(
        "POST", "/v1/reservations", {"charger_id": other.setup.charger_id, "connector": "2"}
    )
    world.do(charger.plug(1))
    session = world.driver.begin(charger.setup.charger_id)["session_id"]
    for step in range(1, 13):
        world.draw(charger, 1_530)
        wanted = 1_530 * step
        world.driver.until(session, lambda it, wanted=wanted: it["energy_wh"] >= wanted)  # type: ignore[misc]
    world.driver.call("POST", "/v1/me/wallets/EUR/top-ups", {"amount_minor": 2_000})
    eventually(lambda: world.driver.call("GET", "/v1/me/wallets")["items"])
    car_id, fleet = a_car_at_home(world), "/v1/operator/organisations/harbour-fleet"
    world.operator.call("PUT", fleet, {**BODY, "name": "Harbour Fleet"})
    code = world.operator.call("POST", f"{fleet}/invitations", {"reference": "4711"})["code"]
    world.driver.call("POST", "/v1/me/organisations", {"code": code})
    # Seen as a street has them: they were faster, to have something to show.
    for it in (other, refusing):
        plugs = [{"connector": one, "kind": "type2", "max_power_w": 22_000} for one in ("1", "2")]
        body = {"site_id": SITE_ID, "connectors": ["1", "2"], "plugs": plugs, "password": CHARGER_SECRET}
        world.operator.call("PUT", f"/v1/operator/chargers/{it.setup.charger_id}", body)
    return {
        "charger": other.setup.charger_id,
        "session": session,
        "paid": paid,
        "failed": failed,
        "reservation": reservation["reservation_id"],
        "car": car_id,
    }


def a_car_at_home(world: World) -> str:
    """The story's driver has linked a car, which hangs at its plug and is to be ready in the morning."""
    car = a_car(world, "picture-car")
    car_id: str = link(world, world.driver, "smartcar", car)["vehicle_id"]
    ready_by = [{"day": day, "at": "07:00", "percent": 80} for day in DAYS]
    night = {"kind": "time_of_use", "price_per_kwh": "0.34", "bands": [{"price_per_kwh": "0.19", "ends": "06:00"}]}
    wish = {"time_zone": "Europe/Berlin", "ready_by": ready_by, "prices": {"currency": "EUR", "price": night}}
    world.driver.call("PUT", f"/v1/me/vehicles/{car_id}/wish", {**wish, "power_w": 11_000, "waits_unguarded": True})
    car.plug(world.stack.clock(), is_in=True)
    push(world, "smartcar", car, "somebody")
    world.stack.cloud.queues.deliver()
    return car_id


def taken(browser: Browser, world: World, names: dict[str, str], window: str, theme: str, locale: str) -> None:
    """All pages in one window; only the most looked at in the dark."""
    visit = Visit(browser, world.stack, viewport=WINDOWS[window], color_scheme=theme, locale=locale)
    has_entered = False
    for title, path, is_open in PAGES:
        if not is_open and not has_entered:
            visit.go("/sign-in?then=/me")
            visit.page.locator("#email").fill(world.driver.email)
            visit.page.locator("#password").fill(DRIVER_PASSWORD)
            visit.page.locator("form button.main").click()
            expect(visit.page.get_by_text(world.driver.email)).to_be_visible()
            has_entered = True
        if theme == "dark" and title not in DARK:
            continue
        address = path.format(**names)
        visit.go(address)
        expect(visit.page.locator(f'[data-path="{address}"]')).to_have_count(1)
        visit.page.wait_for_load_state("networkidle")
        visit.page.wait_for_timeout(1_200)
        saved(visit.page.screenshot(), title, window, theme)
    visit.close()


def guests(browser: Browser, world: World, window: str) -> None:
    """Somebody without an account: they plug in, and their charge runs."""
    charger = world.charger("1.6")
    visit = Visit(browser, world.stack, viewport=WINDOWS[window])
    page = visit.go(f"/pay/{charger.setup.charger_id}/1")
    page.get_by_role("button", name="Pay and start").click()
    expect(page.get_by_text("Plug in within")).to_be_visible()
    saved(page.screenshot(), "A guest plugs in", window, "light")
    world.do(charger.plug(1))
    world.draw(charger, 6_200)
    expect(page.locator("[data-figure=energy]")).to_have_text("6.20")
    saved(page.screenshot(), "A guest charges", window, "light")
    visit.close()


def saved(picture: bytes, title: str, window: str, theme: str) -> None:
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    image.save(SCREENS / file_of(title, window, theme), optimize=True)


def file_of(title: str, window: str, theme: str) -> str:
    name = title.lower().replace(",", "").replace(" ", "-")
    return f"{name}-{window}{'-dark' if theme == 'dark' else ''}.png"


def main() -> None:
    path = chromium()
    if path is None:
        raise SystemExit(MISSING)
    SCREENS.mkdir(exist_ok=True)
    stack = Stack(Options(start_timeout_s=600, ticks_per_second=0, unclaimed_s=0))
    stack.start()
    try:
        with World.founded(stack).story(1) as world, launched(path) as browser:
            names = told(world)
            for window in WINDOWS:
                for theme in ("light", "dark"):
                    taken(browser, world, names, window, theme, "en-GB")
                guests(browser, world, window)
    finally:
        stack.stop()
    PAGE.write_text(f"{PAGE.read_text().partition(_HEAD)[0]}{_HEAD}{_table()}")


def _table() -> str:
    rows = [(title, "light") for title in (*(title for title, _, _ in PAGES), *GUESTS)] + [
        (title, "dark") for title in DARK
    ]
    return "".join(
        "".join(
            f"| ![{title}, {window}, {theme}](screens/{file_of(title, window, theme)}) "
            for window in ("phone", "desktop")
        )
        + "|\n"
        for title, theme in rows
    )


if __name__ == "__main__":
    main()
