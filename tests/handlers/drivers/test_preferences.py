"""What a driver says of themselves: the language they read, and which terms of use they accepted when."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import requests

from benchmarks.wire import Socket
from chalicelib import wiring
from chalicelib.records.drivers import TermsOfUse
from local.client import Person
from local.seed import Network, open_account
from local.stack import Stack
from tests.handlers.money.test_money import refused

TERMS = TermsOfUse("2026-11", "https://example.com/terms", is_required=True)


@pytest.fixture
def newcomer(stack: Stack, network: Network) -> Person:
    """Somebody with a card, who has accepted nothing."""
    return open_account(stack, f"new-{secrets.token_hex(4)}@example.com", "Driver-new-12", "pm_card_visa")


@pytest.fixture
def terms(network: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[TermsOfUse]:
    """A platform whose terms must be accepted."""
    it = wiring.network()
    for name in ("eligibility", "preferences", "driver_sessions", "driver_reservations"):
        monkeypatch.delitem(vars(it), name, raising=False)
    monkeypatch.setitem(vars(it), "terms_of_use", TERMS)
    yield TERMS
    for name in ("eligibility", "preferences", "driver_sessions", "driver_reservations"):
        vars(it).pop(name, None)


def register(stack: Stack, language: str = "", **more: str) -> requests.Response:
    body = {"email": f"d-{secrets.token_hex(4)}@example.com", "password": "Driver-pref-1", **more}
    headers = {"Accept-Language": language}
    return requests.post(f"{stack.http_url}/v1/drivers", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize(("header", "locale"), [("nl-BE,nl;q=0.9,en;q=0.1", "nl-BE"), ("tlh", ""), ("", "")])
def test_the_first_language_is_that_of_whoever_registers(
    stack: Stack, network: Network, header: str, locale: str
) -> None:
    assert register(stack, header).json()["locale"] == locale


def test_a_driver_says_what_they_read(network: Network, newcomer: Person) -> None:
    assert newcomer.call("PATCH", "/v1/me", {"locale": "fr"})["locale"] == "fr"
    assert refused(newcomer, "PATCH", "/v1/me", {})[0] == 422
    assert refused(newcomer, "PATCH", "/v1/me", {"locale": "tlh"})[0] == 422
    assert newcomer.call("GET", "/v1/me/export")["locale"] == "fr"


def test_without_terms_there_is_nothing_to_accept(network: Network, newcomer: Person) -> None:
    me = newcomer.call("GET", "/v1/me")
    assert (me["terms_of_use"], me["accepted_terms"]) == (None, [])
    assert refused(newcomer, "PUT", "/v1/me/terms", {"version": "1"}) == (409, "terms_outdated")


def test_no_charge_begins_before_the_terms_are_accepted(
    network: Network, socket: Socket, charger_id: str, newcomer: Person, terms: TermsOfUse
) -> None:
    wanted = {"charger_id": charger_id, "connector": "1"}
    assert refused(newcomer, "POST", "/v1/sessions", wanted) == (409, "terms_not_accepted")
    assert refused(newcomer, "POST", "/v1/reservations", wanted) == (409, "terms_not_accepted")
    assert refused(newcomer, "PUT", "/v1/me/terms", {"version": "2025-01"}) == (409, "terms_outdated")
    first = newcomer.call("PUT", "/v1/me/terms", {"version": terms.version})
    assert first["terms_of_use"]["is_accepted"]
    again = newcomer.call("PUT", "/v1/me/terms", {"version": terms.version})
    assert again["accepted_terms"] == first["accepted_terms"]
    assert [it["version"] for it in newcomer.call("GET", "/v1/me/export")["accepted_terms"]] == [terms.version]
    session_id = newcomer.call("POST", "/v1/sessions", wanted)["session_id"]
    newcomer.end(session_id)


def test_terms_are_accepted_as_one_registers(stack: Stack, network: Network, terms: TermsOfUse) -> None:
    assert register(stack, terms_version="of old").status_code == 409
    me = register(stack, terms_version=terms.version).json()
    assert [it["version"] for it in me["accepted_terms"]] == [terms.version]


def test_what_was_said_as_one_registered_counts_from_the_first_login(
    stack: Stack, network: Network, terms: TermsOfUse
) -> None:
    email = f"d-{secrets.token_hex(4)}@example.com"
    body = {"email": email, "password": "Driver-pref-1", "terms_version": terms.version}
    told = requests.post(
        f"{stack.http_url}/v1/drivers", json=body, headers={"Accept-Language": "nl-BE"}, timeout=60
    ).json()
    if not stack.options.confirms_accounts:
        code = stack.mails.code(email, "confirm_account")
        requests.post(f"{stack.http_url}/v1/drivers/confirm", json={"email": email, "code": code}, timeout=60)
    person = Person(stack.http_url, email, "Driver-pref-1")
    person.log_in()
    me = person.call("GET", "/v1/me")
    assert (me["locale"], me["accepted_terms"]) == ("nl-BE", told["accepted_terms"])
    assert [it["version"] for it in me["accepted_terms"]] == [terms.version]
