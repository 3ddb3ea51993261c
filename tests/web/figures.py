"""How soon a driver sees what is so, in a browser on this machine: `python -m tests.web.figures`. It tests nothing.

From the moment a charger sends a frame to the frame of the browser that shows it; from a start's refusal, or from the
end of the time to plug in, to the words that nothing was charged and where else to go; and how long the page of the map
keeps a finger waiting while 200 chargers change. The machine's own load stands beside them: nothing here is a limit.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from playwright.sync_api import Browser, Page, Route, expect

from local.stack import Options, Stack
from tests.browsers import MISSING, chromium
from tests.scenarios.world import DRIVER_PASSWORD, World
from tests.web.browser import Visit, launched, until
from tests.web.conftest import until_found

FRAMES = 60
STEP_WH = 100
CHARGERS, SITES, CHANGES = 200, 40, 20
# The text that a figure shows, and when the frame that shows it was drawn.
_WATCH = """() => {
  globalThis.seen = [];
  const note = () => requestAnimationFrame(() => setTimeout(() => {
    const text = document.querySelector('[data-figure=energy]')?.textContent;
    if (text && text !== globalThis.seen.at(-1)?.[0]) globalThis.seen.push([text, Date.now()]);
  }));
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
_SEEN_AT = "text => globalThis.seen.find(([it]) => it === text)?.[1] ?? null"
# What is looked for again each quarter of a minute is so each half second.
_HURRY = """const slowly = globalThis.setInterval;
globalThis.setInterval = (work, ms, ...more) => slowly(work, ms >= 15_000 ? 500 : ms, ...more);"""
_LONG_TASKS = """() => {
  globalThis.long = [];
  new PerformanceObserver((told) => { for (const it of told.getEntries()) globalThis.long.push(it.duration); })
    .observe({ type: 'longtask' });
}"""


class Sent(list[tuple[str, Any]]):
    """What a charger sends, each with the moment at which it did."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ms: list[float] = []

    def append(self, frame: tuple[str, Any]) -> None:
        self.at_ms.append(time.time() * 1000)
        super().append(frame)

    def first_with(self, register_wh: float) -> float:
        """When it first told that its meter stands there."""
        for at_ms, (_, payload) in zip(self.at_ms, self, strict=True):
            if any(float(it) == register_wh for it in _registers(payload)):
                return at_ms
        raise LookupError(register_wh)


def _registers(payload: Any) -> list[str]:
    """All readings of the meter in a frame, of any version."""
    found = []
    for meter_value in payload.get("meterValue", ()):
        for it in meter_value["sampledValue"]:
            if it.get("measurand", "").startswith("Energy.Active.Import.Register"):
                found.append(str(it["value"]))
    return found


def enters(visit: Visit, world: World, path: str) -> Page:
    page = visit.go(f"/sign-in?then={path}")
    page.locator("#email").fill(world.driver.email)
    page.locator("#password").fill(DRIVER_PASSWORD)
    page.locator("form button.main").click()
    return page


def frame_to_pixel(browser: Browser, world: World) -> list[float]:
    """Milliseconds, one for each reading."""
    charger = world.charger("2.0.1", interval_s=1.0)
    sent = charger.line.sent = Sent()
    visit = Visit(browser, world.stack)
    page = enters(visit, world, f"/charger/{charger.setup.charger_id}/1")
    world.do(charger.plug(1))
    page.get_by_role("button", name="Start charging").click()
    expect(page.locator("[data-figure=energy]")).to_be_visible()
    page.evaluate(_WATCH)
    begins_wh = charger.connectors[1].register_wh
    took_ms = []
    for step in range(1, FRAMES + 1):
        world.draw(charger, STEP_WH)
        shown_ms = _seen_at(page, f"{step * STEP_WH / 1000:.2f}")
        took_ms.append(shown_ms - sent.first_with(begins_wh + step * STEP_WH))
    visit.close()
    return took_ms


def _seen_at(page: Page, text: str) -> float:
    """When the frame was drawn that shows this figure."""
    expect(page.locator("[data-figure=energy]")).to_have_text(text)
    until(page, lambda: page.evaluate(_SEEN_AT, text) is not None)
    return float(page.evaluate(_SEEN_AT, text))


def refused_start(browser: Browser, world: World) -> float:
    """Seconds from the press of the button, refusal and all, to the words and the nearest free charger."""
    refusing, other = world.charger("1.6", rejects_remote_start=True), world.charger("1.6")
    until_found(world, other.setup.charger_id)
    visit = Visit(browser, world.stack)
    page = enters(visit, world, f"/charger/{refusing.setup.charger_id}/1")
    button = page.get_by_role("button", name="Start charging")
    expect(button).to_be_visible()
    begun_s = time.time()
    button.click()
    _says_so(page)
    took_s = time.time() - begun_s
    visit.close()
    return took_s


def nobody_plugged_in(browser: Browser, world: World) -> float:
    """Seconds from the end of the time to plug in to the words and the nearest free charger."""
    charger = world.charger("1.6", never_starts=True, connection_timeout_s=5.0)
    visit = Visit(browser, world.stack)
    page = enters(visit, world, f"/charger/{charger.setup.charger_id}/1")
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_role("timer")).to_be_visible()
    session = world.driver.call("GET", f"/v1/sessions/{page.url.rpartition('/')[2]}")
    ends_s = datetime.fromisoformat(session["start_before"]).timestamp()
    _says_so(page)
    took_s = time.time() - ends_s
    visit.close()
    return took_s


def _says_so(page: Page) -> None:
    expect(page.get_by_text("Nothing was charged.")).to_be_visible()
    expect(page.locator("section a.row-link .badge.go")).to_be_visible()


def long_tasks(browser: Browser, world: World, slower: int) -> list[float]:
    """Milliseconds of tasks over 50 while all of 200 chargers change, 20 times, on a processor that much slower."""
    state = {"round": 0}

    def told(route: Route) -> None:
        state["round"] += 1
        route.fulfill(json={"items": [_charger(number, state["round"]) for number in range(CHARGERS)]})

    visit = Visit(browser, world.stack, service_workers="block")
    page = visit.page
    page.add_init_script(_HURRY)
    page.route("**/v1/chargers/nearby*", told)
    visit.go()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    expect(page.locator(".site-mark")).to_have_count(SITES)
    page.evaluate(_LONG_TASKS)
    expect(page.locator("main")).to_contain_text(f"Site 0, state {state['round'] + CHANGES}")
    found: list[float] = page.evaluate("globalThis.long")
    visit.close()
    return found


def _charger(number: int, turn: int) -> dict[str, Any]:
    site, is_free = number % SITES, (number + turn) % 3 > 0
    plug = {"connector": "1", "kind": "ccs2", "max_power_w": 150_000, "status": "available", "available": is_free}
    price = {"per": "kwh", "amount": "0.5355", "tax_percent": "19"}
    return {
        "charger_id": f"CP-{number}",
        "operator_id": "demo",
        "site_id": f"site-{site}",
        "site_name": f"Site {site}, state {turn}",
        "address": "Quay 2",
        "latitude": 53.2 + site / 60,
        "longitude": 9.5 + site * 7 % SITES / 60,
        "online": (number + turn) % 11 > 0,
        "is_metered": True,
        "available": int(is_free),
        "connectors": [plug],
        "distance_m": 100 * site,
        "prices": {"currency": "EUR", "price": [price], "hold_minor": 5000},
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and the worst."""
    ordered = sorted(values)
    at_95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered)), "p95": round(at_95), "most": round(ordered[-1])}


def tell(what: str, found: Any) -> None:
    """A line for each, with how busy the machine is meanwhile."""
    sys.stdout.write(f"{what}: {json.dumps(found)} (load {os.getloadavg()[0]:.1f})\n")
    sys.stdout.flush()


def main() -> None:
    path = chromium()
    if path is None:
        raise SystemExit(MISSING)
    stack = Stack(Options(start_timeout_s=5, ticks_per_second=0, unclaimed_s=0))
    stack.start()
    try:
        with World.founded(stack).story(1) as world, launched(path) as browser:
            for slower in (1, 4):
                tasks = long_tasks(browser, world, slower)
                tell(f"long tasks of {slower} x, ms", {"number": len(tasks), "most": round(max(tasks, default=0))})
            tell("frame to pixel, ms", spread(frame_to_pixel(browser, world)))
            tell("refused start, s", round(refused_start(browser, world), 1))
            tell("nobody plugged in, s", round(nobody_plugged_in(browser, world), 1))
    finally:
        stack.stop()


if __name__ == "__main__":
    main()
