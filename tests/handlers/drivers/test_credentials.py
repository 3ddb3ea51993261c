"""Who a driver is can be changed by the driver alone, and whoever is out is out at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.client import ApiError, Person
from local.seed import Network
from local.stack import Stack
from tests.handlers.money.test_money import refused

NEW_PASSWORD = "Another-pass-2"


@pytest.fixture
def by_hand(stack: Stack) -> Iterator[Stack]:
    """The stack as it is with `--confirm-by-hand`: nobody reads mail but whoever asks."""
    read, stack.mails.on_mail = stack.mails.on_mail, None
    yield stack
    stack.mails.on_mail = read


def login(person: Person, password: str | None = None) -> dict[str, Any]:
    return person.call("POST", "/v1/login", {"email": person.email, "password": password or person.password})


def is_in(person: Person) -> bool:
    try:
        return bool(person.call("GET", "/v1/me"))
    except ApiError as error:
        assert error.status == 401
        return False


def as_if_logged_in_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock is beyond what counts as recent, and short of the token's end."""
    monkeypatch.setattr("chalicelib.handlers.http.route._RECENT_S", -1)


def test_an_account_is_confirmed_with_the_code_in_its_mail(by_hand: Stack) -> None:
    person = Person(by_hand.http_url, "by-hand@example.com", "By-hand-pass-1")
    person.register()
    assert refused(person, "POST", "/v1/login", {"email": person.email, "password": person.password})[0] == 401
    person.call("POST", "/v1/drivers/resend", {"email": person.email})
    first, code = [it.code for it in by_hand.mails.to(person.email)]
    for other in {first, "000000" if code != "000000" else "111111"} - {code}:
        answer = refused(person, "POST", "/v1/drivers/confirm", {"email": person.email, "code": other})
        assert answer == (401, "not_allowed")

    person.call("POST", "/v1/drivers/confirm", {"email": person.email, "code": code})

    person.log_in()
    assert person.call("GET", "/v1/me")["email"] == person.email


def test_who_registers_and_never_confirms_leaves_no_row(by_hand: Stack, network: Network) -> None:
    person = Person(by_hand.http_url, "never-confirmed@example.com", "By-hand-pass-1")
    driver_id = person.register()["driver_id"]
    assert refused(network.operator, "PUT", f"/v1/operator/drivers/{driver_id}", {"blocked": True})[0] == 404


@pytest.mark.parametrize("path", ["/v1/drivers/resend", "/v1/password/forgot"])
def test_a_stranger_learns_of_nobody_who_has_an_account(stack: Stack, driver: Person, path: str) -> None:
    stranger = Person(stack.http_url, "", "")
    for email in (driver.email, "nobody-at-all@example.com"):
        assert stranger.call("POST", path, {"email": email}) == {}
    assert not stack.mails.to("nobody-at-all@example.com")


def test_a_forgotten_password_is_set_anew_by_mail_and_everybody_else_is_out(stack: Stack, driver: Person) -> None:
    before = login(driver)
    driver.call("POST", "/v1/password/forgot", {"email": driver.email})
    code = stack.mails.code(driver.email, "reset_password")
    body = {"email": driver.email, "code": code, "password": NEW_PASSWORD}
    assert refused(driver, "POST", "/v1/password/reset", {**body, "email": "nobody-at-all@example.com"})[0] == 401
    assert refused(driver, "POST", "/v1/password/reset", {**body, "password": "weak-password"})[0] == 401
    driver.call("POST", "/v1/password/reset", body)

    assert not is_in(driver)
    assert refused(driver, "POST", "/v1/login/refresh", {"refresh_token": before["refresh_token"]})[0] == 401
    assert refused(driver, "POST", "/v1/password/reset", body)[0] == 401
    driver.token = login(driver, NEW_PASSWORD)["access_token"]
    assert is_in(driver)


def test_a_changed_password_leaves_in_only_whoever_changed_it(driver: Person) -> None:
    other = login(driver)
    body = {"old_password": driver.password, "new_password": NEW_PASSWORD}
    wrong = {**body, "old_password": "Not-the-old-1"}
    assert refused(driver, "PUT", "/v1/me/password", wrong) == (401, "not_allowed")
    tokens = driver.call("PUT", "/v1/me/password", body)

    assert not is_in(driver)
    assert refused(driver, "POST", "/v1/login/refresh", {"refresh_token": other["refresh_token"]})[0] == 401
    driver.token = tokens["access_token"]
    assert is_in(driver)
    assert driver.call("POST", "/v1/login/refresh", {"refresh_token": tokens["refresh_token"]})["access_token"]


def test_who_logs_out_is_out_everywhere_and_at_once(driver: Person, stack: Stack) -> None:
    phone, tablet = login(driver), login(driver)
    driver.token = phone["access_token"]
    driver.call("POST", "/v1/logout")
    for tokens in (phone, tablet):
        driver.token = tokens["access_token"]
        assert not is_in(driver)
        assert refused(driver, "POST", "/v1/logout")[0] == 401
        assert refused(driver, "POST", "/v1/login/refresh", {"refresh_token": tokens["refresh_token"]})[0] == 401
    # In the very second of the log-out.
    driver.log_in()
    assert is_in(driver)


def test_another_address_counts_once_its_code_is_shown(stack: Stack, driver: Person) -> None:
    email = f"new-{driver.email}"
    driver.call("PUT", "/v1/me/email", {"email": email})
    assert driver.call("GET", "/v1/me")["email"] == driver.email
    code = stack.mails.code(email, "confirm_email")
    wrong = "000000" if code != "000000" else "111111"
    assert refused(driver, "POST", "/v1/me/email/confirm", {"code": wrong}) == (401, "not_allowed")

    assert driver.call("POST", "/v1/me/email/confirm", {"code": code})["email"] == email

    assert refused(driver, "POST", "/v1/login", {"email": driver.email, "password": driver.password})[0] == 401
    driver.email = email
    driver.log_in()
    assert driver.call("GET", "/v1/me")["email"] == email


def test_an_address_that_is_somebody_elses_is_refused(driver: Person, network: Network) -> None:
    answer = refused(driver, "PUT", "/v1/me/email", {"email": network.operator.email.upper()})
    assert answer == (409, "already_registered")


def test_what_takes_an_account_away_asks_who_it_is(driver: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    as_if_logged_in_long_ago(monkeypatch)
    elsewhere = {"email": f"new-{driver.email}"}
    assert refused(driver, "DELETE", "/v1/me") == (403, "login_too_old")
    assert refused(driver, "PUT", "/v1/me/email", elsewhere) == (403, "login_too_old")
    assert refused(driver, "DELETE", "/v1/me", {"password": "Not-the-old-1"}) == (401, "not_allowed")
    assert refused(driver, "PUT", "/v1/me/email", {**elsewhere, "password": "Not-the-old-1"})[0] == 401
    driver.call("PUT", "/v1/me/email", {**elsewhere, "password": driver.password})

    driver.call("DELETE", "/v1/me", {"password": driver.password})

    assert not is_in(driver)


def test_a_token_refreshed_is_as_old_as_its_login(driver: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = login(driver)
    time.sleep(1.1)
    monkeypatch.setattr("chalicelib.handlers.http.route._RECENT_S", 1)
    refreshed = driver.call("POST", "/v1/login/refresh", {"refresh_token": tokens["refresh_token"]})
    driver.token = refreshed["access_token"]
    assert refused(driver, "DELETE", "/v1/me") == (403, "login_too_old")


def test_the_live_view_is_closed_to_whoever_is_out(driver: Person) -> None:
    driver.call("POST", "/v1/logout")
    assert refused(driver, "GET", "/v1/sessions/KAAAAAAAAAAAAAAAAAAA/live")[0] == 401
