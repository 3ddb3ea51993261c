"""A deposit on chain in a real browser: what is signed in the driver's own wallet is what lies in the contract then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.infrastructure.chain.chain import Chain
from tests.scenarios.test_deposits import DEEP, known_chain
from tests.scenarios.world import World
from tests.web.browser import until
from tests.web.conftest import Visitor
from tests.web.test_driver import signs_in

# As browsers' wallets are asked (EIP-1193); its owner says no at first.
_WALLET = """() => {
  window.sent = [];
  window.refused = 0;
  window.ethereum = { request: async ({ method, params }) => {
    if (method === 'eth_requestAccounts') return ['0x00000000000000000000000000000000000000d1'];
    if (method === 'eth_chainId') return '0x1';
    if (method === 'wallet_switchEthereumChain') { window.chain = params[0].chainId; return null; }
    if (window.refused++ === 0) throw { code: 4001, message: 'User rejected the request.' };
    window.sent.push(params[0]);
    return '0x' + '1'.repeat(64);
  } };
}"""


@pytest.fixture
def chain(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    with known_chain(world, monkeypatch) as chain:
        yield chain


def sent(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("window.sent")
    return found


def test_a_driver_deposits_from_a_wallet_of_their_own_and_may_plug_in(
    world: World, chain: Chain, visitor: Visitor
) -> None:
    charger_id = world.charger("2.0.1").setup.charger_id
    page = visitor(service_workers="block").go()
    signs_in(page, world, f"/charger/{charger_id}/1")
    page.get_by_label("A deposit on chain").check()
    page.get_by_role("button", name="Start charging").click()
    expect(page.get_by_text("Your deposit is awaited")).to_be_visible()
    # Who has no wallet in the browser is led to one on their phone.
    link = page.get_by_role("link", name="Open in a wallet app")
    address = link.get_attribute("href") or ""
    assert address.startswith(f"ethereum:{chain.escrow.lower()}@{chain.chain_id}/deposit?bytes32=0x")
    # Opened anew by one who has.
    session = page.url.partition("#")[2]
    page.evaluate(_WALLET)
    page.evaluate("location.hash = '/me'")
    expect(page.get_by_text(world.driver.email)).to_be_visible()
    page.evaluate("(to) => { location.hash = to; }", session)
    sign = page.get_by_role("button", name="Deposit €50.00 with my wallet")
    sign.click()
    expect(page.get_by_text("Your wallet has sent nothing.")).to_be_visible()
    assert sent(page) == []
    sign.click()
    until(page, lambda: bool(sent(page)))
    (wanted,) = sent(page)
    assert page.evaluate("window.chain") == hex(chain.chain_id)
    it = {"from": chain.people[1], "to": wanted["to"], "data": wanted["data"], "gas": 200_000}
    chain.tester.send_transaction({**it, "value": int(wanted["value"], 16)})
    expect(page.get_by_text(f"{DEEP} blocks deep")).to_be_visible()
    chain.tester.mine_blocks(DEEP)
    page.get_by_role("button", name="I have sent it: look now").click()
    expect(page.get_by_text("Plug in within")).to_be_visible()
    expect(page.get_by_text("€50.00 are set aside.")).to_be_visible()


def test_nobody_is_offered_a_deposit_where_there_is_no_chain(world: World, visitor: Visitor) -> None:
    charger_id = world.charger("2.0.1").setup.charger_id
    page = visitor().go()
    signs_in(page, world, f"/charger/{charger_id}/1")
    expect(page.get_by_text("Set aside until you are done")).to_be_visible()
    expect(page.get_by_label("A deposit on chain")).to_have_count(0)
