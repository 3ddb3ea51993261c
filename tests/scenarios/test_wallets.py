"""A prepaid wallet over real sockets, and Stripe's own webhooks: paid in, set aside, raised, settled, paid out."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.money.ledger import balances
from local.client import ApiError, Person
from tests.scenarios.world import World, eventually

WALLET = "/v1/me/wallets/EUR"


def balance_minor(driver: Person) -> int:
    found = [it["balance_minor"] for it in driver.call("GET", "/v1/me/wallets")["items"] if it["currency"] == "EUR"]
    return int(sum(found))


def top_up(driver: Person, amount_minor: int, key: str) -> None:
    before = balance_minor(driver)
    driver.call("POST", f"{WALLET}/top-ups", {"amount_minor": amount_minor}, headers={"Idempotency-Key": key})
    assert eventually(lambda: balance_minor(driver) - before) == amount_minor


def entries(driver: Person) -> list[dict[str, Any]]:
    return list(driver.call("GET", f"{WALLET}/entries")["items"])


def test_a_charge_is_paid_from_the_wallet_and_its_rest_goes_back(world: World) -> None:
    driver, charger = world.driver, world.charger("2.0.1")
    top_up(driver, 15_000, "first")
    session_id = driver.begin(charger.setup.charger_id)["session_id"]
    world.do(charger.plug(1))
    live = driver.until(session_id, lambda it: it["state"] == "active")
    assert live["held_minor"] == 5_000
    assert balance_minor(driver) == 10_000
    world.draw(charger)
    driver.until(session_id, lambda it: it["energy_wh"] == 2_000)
    driver.end(session_id)
    done = driver.until(session_id, lambda it: it["state"] in ("completed", "failed"))
    receipt = driver.receipt(session_id)
    total_minor = done["cost"]["total_minor"]
    assert receipt["card"] == "wallet"
    assert receipt["paid_minor"] == total_minor > 0
    assert balance_minor(driver) == 15_000 - total_minor
    transfers = wiring.network().ledger.of_session(session_id)
    assert len({it.at for it in transfers if it.kind not in ("escrow",)}) == 1, "settled in one step"
    assert world.books_are_settled(session_id)
    assert not balances(transfers).get((f"escrow/{session_id}", "EUR"))
    newest, *_ = entries(driver)
    assert (newest["kind"], newest["session_id"], newest["paid_minor"]) == ("given_back", session_id, total_minor)


def test_what_is_left_goes_back_to_its_card(world: World) -> None:
    driver = world.new_driver()
    top_up(driver, 2_000, "one")
    top_up(driver, 3_000, "two")
    key = {"Idempotency-Key": "back"}
    for _ in range(2):
        done = driver.call("POST", f"{WALLET}/pay-outs", {"amount_minor": 4_000}, headers=key)
        assert (done["amount_minor"], done["is_done"]) == (4_000, True)
    assert balance_minor(driver) == 1_000
    with pytest.raises(ApiError) as refused:
        driver.call("POST", f"{WALLET}/pay-outs", {"amount_minor": 1_001}, headers={"Idempotency-Key": "more"})
    assert refused.value.status == 409
    assert [it["balance_minor"] for it in entries(driver)] == [1_000, 5_000, 2_000]
