"""Somebody without an account scans the code at a charger, pays by card, charges, and gets a receipt by link."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from chalicelib import wiring
from local.client import ApiError, Person
from local.simulator.charger import Charger
from local.stripe_server import confirm_payment, give_test_card
from tests.scenarios.world import World, eventually

VERSIONS = ["1.6", "2.0.1", "2.1"]
CHECKOUTS = "/v1/adhoc/checkouts"


class Guest(Person):
    """Nobody: a phone with a browser, and what a checkout told it."""

    def __init__(self, world: World) -> None:
        super().__init__(world.stack.http_url, "", "")
        self.stripe_url = world.stack.stripe.url
        self.checkout: dict[str, Any] = {}

    @property
    def path(self) -> str:
        return f"{CHECKOUTS}/{self.checkout['checkout_id']}"

    @property
    def secret(self) -> dict[str, str]:
        return {"Checkout-Secret": self.checkout["secret"]}

    def scan(self, charger_id: str, connector: str = "1") -> dict[str, Any]:
        """Open what the code at the connector leads to."""
        self.checkout = self.call("POST", CHECKOUTS, {"charger_id": charger_id, "connector": connector})
        return self.checkout

    def give_card(self, card: str = "pm_card_visa") -> str:
        return give_test_card(self.stripe_url, self.checkout["publishable_key"], card)

    def pay(self, card: str, **more: Any) -> dict[str, Any]:
        return self.call("POST", f"{self.path}/pay", {"payment_method_id": card, **more}, self.secret)

    def look(self) -> dict[str, Any]:
        return self.call("GET", self.path, headers=self.secret)

    def stop(self) -> dict[str, Any]:
        return self.call("DELETE", self.path, headers=self.secret)

    def until_session(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        def seen() -> dict[str, Any] | None:
            looked = self.look()
            return looked if reached(looked["session"]) else None

        return dict(eventually(seen))


def free(world: World, charger: Charger) -> None:
    eventually(lambda: world.connector(charger.setup.charger_id)["status"] == "available")


def is_over(session: dict[str, Any]) -> bool:
    return session["state"] in ("completed", "failed")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_guest_scans_pays_charges_and_has_a_receipt_by_link(world: World, version: str) -> None:
    charger, guest = world.charger(version), Guest(world)
    free(world, charger)
    offer = guest.scan(charger.setup.charger_id)
    assert (offer["session"], offer["receipt_url"]) == (None, None)
    assert [it["per"] for it in offer["prices"]["price"]] == ["kwh", "minute"]
    assert offer["site"]["name"] == "Harbour car park"

    card = guest.give_card()
    paid = guest.pay(card, limits={"amount_minor": 1000})
    session_id = paid["session"]["session_id"]
    assert guest.pay(card, limits={"amount_minor": 1000})["session"]["session_id"] == session_id
    world.do(charger.plug(1))
    guest.until_session(lambda it: it["state"] == "active")
    world.draw(charger)
    guest.until_session(lambda it: it["energy_wh"] == 2_000)
    assert guest.look()["session"]["held_minor"] == 1000
    guest.stop()
    done = guest.until_session(lambda it: is_over(it) and it["receipt_url"] is not None)
    assert done["session"]["state"] == "completed"
    assert done["session"]["paid_minor"] == done["session"]["cost"]["total_minor"] > 0
    assert world.books_are_settled(session_id)

    answer = requests.get(world.stack.http_url + done["receipt_url"], timeout=60)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "4242" in answer.text
    as_json = requests.get(world.stack.http_url + done["receipt_url"].replace("html", "json"), timeout=60)
    assert as_json.json()["paid_minor"] == done["session"]["paid_minor"]
    assert as_json.headers["Cache-Control"] == "no-store"
    # It is the operator's to give back, as any driver's.
    back = world.operator.call("POST", f"/v1/operator/sessions/{session_id}/refund", {}, {"Idempotency-Key": "all"})
    assert back["refunded_minor"] == done["session"]["paid_minor"]
    if version == "2.1":
        _disputes(world, guest, session_id, done["receipt_url"].partition("?ticket=")[2].partition("&")[0])


def _disputes(world: World, guest: Guest, session_id: str, ticket: str) -> None:
    """By the link to the receipt a guest disputes the bill, reads the answer, and has the evidence its operator has."""
    path, operators = f"/v1/receipts/{session_id}", f"/v1/operator/sessions/{session_id}"
    said = guest.call("POST", f"{path}/dispute?ticket={ticket}", {"reason": "energy", "text": "my car took less"})
    assert said["items"][0]["status"] == "open"
    assert world.operator.call("GET", f"{operators}/dispute") == said
    answer = {"status": "upheld", "answer": "you are right", "settled_by": "all"}
    told = world.operator.call("PUT", f"{operators}/dispute", answer)
    assert guest.call("GET", f"{path}/dispute?ticket={ticket}") == told
    world.until_logged(session_id)
    assert guest.call("GET", f"{path}/evidence?ticket={ticket}") == world.operator.call("GET", f"{operators}/evidence")
    assert guest.call("DELETE", f"{path}/dispute?ticket={ticket}") == told
    for wrong in ("", f"?ticket={ticket}x"):
        with pytest.raises(ApiError, match="401"):
            guest.call("GET", f"{path}/evidence{wrong}")


def test_a_guest_whose_bank_asks_confirms_and_charges(world: World) -> None:
    charger, guest = world.charger(), Guest(world)
    free(world, charger)
    guest.scan(charger.setup.charger_id)
    guest.pay(guest.give_card("pm_card_authenticationRequired"))
    asked = guest.until_session(lambda it: it["action"] is not None)["session"]["action"]
    confirm_payment(guest.stripe_url, asked["client_secret"], asked["publishable_key"])
    world.do(charger.plug(1))
    guest.until_session(lambda it: it["state"] == "active")
    guest.stop()
    guest.until_session(is_over)


def test_a_card_that_is_declined_begins_nothing_and_frees_the_connector(world: World) -> None:
    charger, guest = world.charger(), Guest(world)
    free(world, charger)
    guest.scan(charger.setup.charger_id)
    guest.pay(guest.give_card("pm_card_chargeCustomerFail"))
    failed = guest.until_session(is_over)["session"]
    assert (failed["state"], failed["reason"]) == ("failed", "payment_declined")
    assert "RemoteStartTransaction" not in [action for action, _ in charger.line.received]
    again = Guest(world)
    assert again.scan(charger.setup.charger_id)["secret"] != guest.checkout["secret"]
    assert again.pay(again.give_card())["session"]["state"] == "initiated"


def test_whoever_lacks_the_secret_sees_pays_and_stops_nothing(world: World) -> None:
    charger, guest, thief = world.charger(), Guest(world), Guest(world)
    free(world, charger)
    guest.scan(charger.setup.charger_id)
    guest.pay(guest.give_card())
    thief.scan(charger.setup.charger_id, "2")
    # The thief's own secret, and none that is near, opens another's checkout.
    for secret in (thief.checkout["secret"], guest.checkout["secret"][:-1], "x", guest.checkout["checkout_id"]):
        headers = {"Checkout-Secret": secret}
        for method, path, body in (
            ("GET", guest.path, None),
            ("DELETE", guest.path, None),
            ("POST", f"{guest.path}/pay", {"payment_method_id": "pm_card_visa"}),
        ):
            with pytest.raises(ApiError) as error:
                thief.call(method, path, body, headers)
            assert (error.value.status, error.value.problem["type"]) == (404, "urn:kerb:problem:not_found")
    with pytest.raises(ApiError, match="not_allowed"):
        thief.call("GET", guest.path)
    session_id = guest.look()["session"]["session_id"]
    with pytest.raises(ApiError) as error:
        world.driver.call("GET", f"/v1/sessions/{session_id}")
    assert error.value.status == 404
    guest.stop()


def test_a_secret_is_kept_by_nobody_but_its_guest(world: World) -> None:
    charger, guest = world.charger(), Guest(world)
    free(world, charger)
    offer = guest.scan(charger.setup.charger_id)
    kept = wiring.network().checkouts.get(offer["checkout_id"])
    assert offer["secret"] not in json.dumps(str(kept))
    assert len(offer["secret"]) >= 43
    assert guest.look()["secret"] is None


def test_the_card_of_somebody_who_has_saved_it_is_no_guests_card(world: World) -> None:
    charger, guest = world.charger(), Guest(world)
    free(world, charger)
    guest.scan(charger.setup.charger_id)
    driver = wiring.network().drivers.get(world.driver.call("GET", "/v1/me")["driver_id"])
    assert driver is not None
    for card in (str(driver.payment_method_id), "pm_nobodys"):
        with pytest.raises(ApiError, match="card_not_ready"):
            guest.pay(card)
    with pytest.raises(ApiError, match="no_card"):
        guest.call("POST", f"{guest.path}/pay", {}, guest.secret)
    assert guest.look()["session"] is None


def test_ten_taps_on_pay_are_one_charge(world: World) -> None:
    charger, guest = world.charger(), Guest(world)
    free(world, charger)
    guest.scan(charger.setup.charger_id)
    card = guest.give_card()
    with ThreadPoolExecutor(10) as pool:
        seen = list(pool.map(lambda _: guest.pay(card)["session"]["session_id"], range(10)))
    assert len(set(seen)) == 1
    guest.stop()
