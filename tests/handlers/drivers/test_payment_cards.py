"""A driver's payment cards: several, one of which pays; none goes that is needed."""

from __future__ import annotations

from typing import Any

from benchmarks.wire import Socket
from local.client import Person
from local.seed import Network, open_account
from local.stack import Stack
from local.stripe_server import save_test_card
from tests.handlers.money.test_money import refused, start


def cards(person: Person) -> list[dict[str, Any]]:
    return list(person.call("GET", "/v1/me/cards")["items"])


def save(stack: Stack, person: Person, card: str = "pm_card_visa") -> None:
    setup = person.call("POST", "/v1/cards/setup", {})
    save_test_card(stack.stripe.url, setup["client_secret"], setup["publishable_key"], card)
    person.call("POST", "/v1/cards", {"setup_id": setup["setup_id"]})


def paying(person: Person) -> list[str]:
    return [it["card_id"] for it in cards(person) if it["is_default"]]


def test_cards_are_listed_with_when_they_expire_and_which_one_pays(stack: Stack, driver: Person) -> None:
    (first,) = cards(driver)
    assert (first["card"], first["is_default"], first["wallet"]) == ("visa 4242", True, None)
    assert (first["has_expired"], first["expires_soon"]) == (False, False)
    assert len(first["expires"]) == 7
    save(stack, driver)
    older, newer = cards(driver)
    assert older["card_id"] == first["card_id"]
    assert (older["is_default"], newer["is_default"]) == (False, True)


def test_another_card_pays_when_its_owner_says_so(stack: Stack, driver: Person) -> None:
    save(stack, driver)
    older, _ = cards(driver)
    driver.call("PUT", "/v1/me/cards/default", {"card_id": older["card_id"]})
    assert paying(driver) == [older["card_id"]]
    assert driver.call("GET", "/v1/me")["card"] == older["card"]
    assert refused(driver, "PUT", "/v1/me/cards/default", {"card_id": "pm_nobodys"})[0] == 404


def test_a_card_that_goes_leaves_the_newest_to_pay(stack: Stack, driver: Person) -> None:
    save(stack, driver)
    older, newer = cards(driver)
    driver.call("DELETE", f"/v1/me/cards/{newer['card_id']}")
    assert paying(driver) == [older["card_id"]]
    assert refused(driver, "DELETE", f"/v1/me/cards/{newer['card_id']}")[0] == 404
    driver.call("DELETE", f"/v1/me/cards/{older['card_id']}")
    assert cards(driver) == []
    assert driver.call("GET", "/v1/me")["card"] is None


def test_nobody_sees_chooses_or_removes_anothers_card(stack: Stack, driver: Person, network: Network) -> None:
    (theirs,) = cards(driver)
    assert theirs["card_id"] not in [it["card_id"] for it in cards(network.driver)]
    assert refused(network.driver, "PUT", "/v1/me/cards/default", {"card_id": theirs["card_id"]})[0] == 404
    assert refused(network.driver, "DELETE", f"/v1/me/cards/{theirs['card_id']}")[0] == 404
    assert cards(driver) == [theirs]


def test_the_last_card_stays_while_a_session_is_under_way(
    stack: Stack, driver: Person, network: Network, socket: Socket, charger_id: str
) -> None:
    session_id = start(network, socket, charger_id, driver)
    (only,) = cards(driver)
    assert refused(driver, "DELETE", f"/v1/me/cards/{only['card_id']}") == (409, "session_open")
    save(stack, driver)
    driver.call("DELETE", f"/v1/me/cards/{only['card_id']}")
    assert len(cards(driver)) == 1
    driver.end(session_id)


def test_an_account_has_so_many_cards_at_the_most(stack: Stack) -> None:
    person = open_account(stack, "many-cards@example.com", "Many-cards-1", card=None)
    for _ in range(10):
        save(stack, person)
    setup = person.call("POST", "/v1/cards/setup", {})
    save_test_card(stack.stripe.url, setup["client_secret"], setup["publishable_key"])
    answer = refused(person, "POST", "/v1/cards", {"setup_id": setup["setup_id"]})
    assert answer == (409, "too_many_payment_cards")
