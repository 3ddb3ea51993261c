"""What else a driver expects beside charging, in a real browser: a wallet, usual wishes, a word against a bill."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Route, expect

from tests.scenarios.test_proof import invoice_proof
from tests.scenarios.world import World
from tests.web.conftest import Visitor
from tests.web.test_access import charged
from tests.web.test_driver import signs_in


def test_a_driver_pays_into_a_wallet_says_how_they_usually_charge_and_both_count_at_a_charger(
    world: World, visitor: Visitor
) -> None:
    charger_id = world.charger("1.6").setup.charger_id
    page = visitor().go()
    signs_in(page, world, "/wallet")
    page.get_by_role("button", name="Pay in €20.00").click()
    expect(page.locator("[data-figure=balance]")).to_have_text("€20.00")
    expect(page.get_by_text("€20.00 after it")).to_be_visible()
    page.goto(page.url.partition("#")[0] + "#/usual")
    page.get_by_label("Ready by").fill("06:30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("As usual: ready by 06:30")).to_be_visible()
    page.goto(page.url.partition("#")[0] + f"#/charger/{charger_id}/1")
    expect(page.get_by_text("Your wallet pays first")).to_be_visible()
    expect(page.get_by_text("As usual: ready by 06:30").first).to_be_visible()


def test_a_bill_is_disputed_from_its_receipt_and_the_next_on_this_phone_sees_nothing_of_it(
    world: World, visitor: Visitor
) -> None:
    _, session_id = charged(world)
    page = visitor().go()
    signs_in(page, world, f"/receipt/{session_id}")
    page.get_by_text("Something is wrong with this bill").click()
    page.get_by_label("What is wrong").select_option("price")
    page.get_by_label("In your words").fill("The sign said less.")
    page.get_by_role("button", name="Tell the operator").click()
    expect(page.get_by_text("Not answered yet", exact=True)).to_be_visible()
    expect(page.get_by_text("The sign said less.")).to_be_visible()
    page.get_by_role("link", name="Me", exact=True).click()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert not page.evaluate("Object.keys(localStorage).filter((it) => /tokens|session|running/.test(it))")
    # What no page is, and what no text is, leads nowhere worse than to the map.
    for path in ("/constructor", "/charger/%E0%A4%A", "/session/..%2F..%2Fv1"):
        page.goto(page.url.partition("#")[0] + f"#{path}")
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        expect(page.locator("main h1")).to_have_count(1)
    expect(page).to_have_title(re.compile("Kerb$"))


def test_a_statement_goes_back_to_its_first_line_and_what_is_typed_beside_it_stays(
    world: World, visitor: Visitor
) -> None:
    page = visitor(service_workers="block").go()
    line = {"kind": "top_up", "amount_minor": 2_000, "session_id": None, "paid_minor": 0, "at": "2026-11-30T10:00:00Z"}

    def lines(*numbers: int) -> list[dict[str, Any]]:
        return [{**line, "balance_minor": 100 * it, "reference": f"t{it}"} for it in numbers]

    def answer(route: Route) -> None:
        is_first = "cursor=" not in route.request.url
        route.fulfill(json={"items": lines(9, 8) if is_first else lines(7), "next_cursor": "c 1" if is_first else None})

    page.route(re.compile(r"/v1/me/wallets/EUR/entries"), answer)
    signs_in(page, world, "/wallet")
    page.get_by_text("Pay in by itself", exact=True).click()
    page.get_by_label("In a month at the most (EUR)").fill("77")
    page.get_by_role("button", name="Show older ones").click()
    expect(page.get_by_text("€7.00 after it")).to_be_visible()
    expect(page.get_by_text("€9.00 after it")).to_be_visible()
    expect(page.get_by_role("button", name="Show older ones")).to_have_count(0)
    # Money that comes draws what is in it anew, and takes nothing from whoever types.
    page.get_by_role("button", name="Pay in €20.00").click()
    expect(page.locator("[data-figure=balance]")).to_have_text("€20.00")
    expect(page.get_by_label("In a month at the most (EUR)")).to_have_value("77")


def test_a_paper_is_a_link_to_touch_where_no_tab_may_be_opened(world: World, visitor: Visitor) -> None:
    _, session_id = charged(world)
    page = visitor(service_workers="block").go()
    signs_in(page, world, f"/receipt/{session_id}")
    expect(page.get_by_role("button", name="Open as PDF")).to_be_visible()
    page.evaluate("() => { window.open = () => null; }")
    page.get_by_role("button", name="Open as PDF").click()
    link = page.get_by_role("link", name="It is here: open it")
    expect(link).to_have_attribute("target", "_blank")
    assert "/v1/receipts/" in (link.get_attribute("href") or "")
    assert page.url.endswith(f"#/receipt/{session_id}")


def test_a_currency_without_hundredths_is_counted_in_whole_ones(network: World, visitor: Visitor) -> None:
    assert network.stack
    page = visitor().go()
    expect(page.get_by_role("searchbox")).to_be_visible()
    limits = page.evaluate(
        """async () => {
          const { limitsOf, noWish } = await import('/driver/wishes.js');
          const { money } = await import('/parts/words.js');
          const wish = { ...noWish(), limit: 'amount' };
          const asked = { ...wish, amount: '12,50' };
          return [limitsOf(wish, 'JPY'), limitsOf(wish, 'EUR'), limitsOf(asked, 'EUR'), money(2000, 'JPY')];
        }"""
    )
    assert limits == [{"amount_minor": 2_000}, {"amount_minor": 2_000}, {"amount_minor": 1_250}, "¥2,000"]


def test_a_receipt_names_the_car_and_its_invoice_is_proven_in_the_browser(world: World, visitor: Visitor) -> None:
    car_id = world.driver.call("POST", "/v1/me/vehicles", {"name": "My Zoe", "battery_wh": 52_000})["vehicle_id"]
    _, session_id = charged(world, car_id)
    invoice_proof(world, session_id)
    page = visitor().go()
    signs_in(page, world, f"/receipt/{session_id}")
    expect(page.get_by_text("My Zoe", exact=True)).to_be_visible()
    page.get_by_role("button", name="Invoice for my business").click()
    proof = page.locator("section").filter(has=page.get_by_role("heading", name=re.compile("^Proof of ")))
    proof.get_by_role("button", name="Check now").click()
    for check in ("inclusion", "signature", "sums"):
        expect(proof.locator(f"[data-check={check}]")).to_have_attribute("data-so", "true")
    # What is shown beside another paper, or was changed, is not proven.
    wrong = page.evaluate(
        """async (path) => {
          const { check } = await import('/parts/proof.js');
          const { get, post } = await import('/parts/api.js');
          const [paper] = (await post(path)).items;
          const proof = await (await get(`${path}/${paper.number}?format=tlog-proof`, { raw: true })).text();
          const { verifier_key: key } = await get('/v1/log');
          const changed = proof.replace(/^extra (.*)$/m, (_, it) => `extra ${btoa(atob(it).replace('Acme', 'Acne'))}`);
          const found = [];
          for (const [one, shown, isInvoice] of [
            [proof, { ...paper, total_minor: 1 }, true],
            [proof, { ...paper, number: 'X-1' }, true],
            [proof, paper, false],
            [changed, paper, true],
          ]) found.push((await check(one, key, shown, isInvoice)).checks);
          return found;
        }""",
        f"/v1/sessions/{session_id}/invoice",
    )
    assert [it["sums"] for it in wrong] == [False, False, False, True]
    assert [it["inclusion"] for it in wrong] == [True, True, True, False]
