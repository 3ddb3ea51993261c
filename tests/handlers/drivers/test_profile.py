"""What a driver says of themselves: kept as said, theirs alone, and bounded."""

from __future__ import annotations

import pytest

from local.client import Person
from local.seed import Network
from tests.handlers.money.test_money import refused

BUSINESS = {"name": "Acme Ltd", "address": "Road 1\n10115 Berlin", "vat_id": "DE123456789"}
UNSAID = dict.fromkeys(("country", "postal_code", "city", "reference"))
NOBODYS = {**dict.fromkeys(BUSINESS), **UNSAID, "invoicing": None}
ON_REQUEST = {"invoicing": "on_request"}


def test_a_driver_charges_for_a_business_until_they_say_otherwise(driver: Person) -> None:
    assert driver.call("GET", "/v1/me/business") == NOBODYS
    driver.call("PUT", "/v1/me/business", {**BUSINESS, "vat_id": "de 123.456.789"})
    assert driver.call("GET", "/v1/me/business") == BUSINESS | UNSAID | ON_REQUEST
    assert driver.call("GET", "/v1/me/export")["business"] == BUSINESS | UNSAID | ON_REQUEST
    told = BUSINESS | {"country": "DE", "postal_code": "10115", "city": "Berlin", "reference": "04011000-12345-34"}
    told |= {"invoicing": "monthly"}
    driver.call("PUT", "/v1/me/business", told)
    assert driver.call("GET", "/v1/me/business") == told
    driver.call("DELETE", "/v1/me/business")
    assert driver.call("GET", "/v1/me/business") == NOBODYS


@pytest.mark.parametrize("vat_id", ["123456789", "D", "DE123456789012345", "DE<script>"])
def test_what_cannot_be_a_vat_id_is_refused(driver: Person, vat_id: str) -> None:
    assert refused(driver, "PUT", "/v1/me/business", {**BUSINESS, "vat_id": vat_id}) == (422, "invalid")


def test_devices_are_listed_without_their_tokens_and_a_token_is_of_one_device(driver: Person, network: Network) -> None:
    token = {"platform": "fcm", "token": "a-token-of-fcm"}
    driver.call("PUT", "/v1/me/devices/phone", token)
    driver.call("PUT", "/v1/me/devices/tablet", {"platform": "apns", "token": "0f0f0f0f0f"})
    driver.call("PUT", "/v1/me/devices/new-phone", token)
    assert driver.call("GET", "/v1/me/devices")["items"] == [
        {"device_id": "tablet", "platform": "apns"},
        {"device_id": "new-phone", "platform": "fcm"},
    ]
    driver.call("DELETE", "/v1/me/devices/tablet")
    driver.call("DELETE", "/v1/me/devices/tablet")
    assert [it["device_id"] for it in driver.call("GET", "/v1/me/devices")["items"]] == ["new-phone"]
    assert network.driver.call("GET", "/v1/me/devices")["items"] == []


def test_an_account_has_so_many_devices_at_the_most(driver: Person) -> None:
    for number in range(10):
        driver.call("PUT", f"/v1/me/devices/d{number}", {"platform": "fcm", "token": f"token-of-{number}"})
    more = {"platform": "fcm", "token": "token-of-another"}
    assert refused(driver, "PUT", "/v1/me/devices/d10", more) == (409, "too_many_devices")
    driver.call("PUT", "/v1/me/devices/d9", more)


@pytest.mark.parametrize("device_id", ["a b", "x" * 65])
def test_what_cannot_be_a_device_is_refused(driver: Person, device_id: str) -> None:
    body = {"platform": "fcm", "token": "a-token-of-fcm"}
    assert refused(driver, "PUT", f"/v1/me/devices/{device_id}", body) == (400, "bad_request")


def test_what_is_not_switched_off_is_told(driver: Person) -> None:
    told = driver.call("GET", "/v1/me/notices/preferences")
    assert all(told["push"].values())
    assert all(told["mail"].values())
    driver.call("PUT", "/v1/me/notices/preferences", {"push": {"started": False, "finished": True}})
    told = driver.call("GET", "/v1/me/notices/preferences")
    assert [kind for kind, is_on in told["push"].items() if not is_on] == ["started"]
    assert all(told["mail"].values())
    assert refused(driver, "PUT", "/v1/me/notices/preferences", {"push": {"nonsense": False}}) == (422, "invalid")
