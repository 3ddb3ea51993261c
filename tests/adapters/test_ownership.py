"""What operators and drivers put comes out as it was, and no operator can take what is another's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.adapters.chargers.registry import DynamoSites
from chalicelib.adapters.drivers.drivers import DynamoDrivers
from chalicelib.adapters.drivers.tokens import DynamoTokens
from chalicelib.adapters.pricing import DynamoTariffs
from chalicelib.records import Conflict
from chalicelib.records.chargers import Site
from chalicelib.records.drivers import Driver, Token
from tests.adapters.conftest import NOW, TARIFF

pytestmark = pytest.mark.usefixtures("tables")

SITE = Site(
    site_id="site-1",
    operator_id="op-1",
    name="Kerb",
    address="1 Street",
    time_zone="Europe/Berlin",
    tariff_id="tariff-1",
    latitude=52.5200066,
    longitude=13.404954,
)
TOKEN = Token(uid="04A1B2C3", operator_id="op-1", driver_id="driver-1")


def test_sites_tariffs_tokens_and_drivers_come_back_as_they_were() -> None:
    sites, tariffs, tokens, drivers = DynamoSites(), DynamoTariffs(), DynamoTokens(), DynamoDrivers()
    driver = Driver(
        driver_id="driver-1", email="ada@example.org", customer_id="cus_1", payment_method_id="pm_1", card="visa 4242"
    )
    sites.put(SITE)
    tariffs.put(TARIFF)
    tokens.put(TOKEN, NOW)
    drivers.put(driver)

    assert sites.get("site-1") == SITE
    assert tariffs.get("tariff-1") == TARIFF
    assert tokens.get("04A1B2C3") == TOKEN
    assert drivers.get("driver-1") == driver


def test_what_was_never_put_is_none() -> None:
    assert DynamoSites().get("x") is None
    assert DynamoTariffs().get("x") is None
    assert DynamoTokens().get("x") is None
    assert DynamoDrivers().get("x") is None


def test_names_no_row_can_have_are_none_and_not_accidents(aws_calls: list[str]) -> None:
    assert DynamoTokens().get("") is None
    assert DynamoTokens().get("A" * 5000) is None
    assert DynamoDrivers().get("") is None
    assert aws_calls == []


def test_an_operator_may_change_its_own_things() -> None:
    tokens = DynamoTokens()
    tokens.put(TOKEN, NOW)
    tokens.put(replace(TOKEN, blocked=True), NOW)

    assert tokens.get(TOKEN.uid) == replace(TOKEN, blocked=True)


def test_an_operator_cannot_take_anothers_things() -> None:
    sites, tariffs, tokens = DynamoSites(), DynamoTariffs(), DynamoTokens()
    sites.put(SITE)
    tariffs.put(TARIFF)
    tokens.put(TOKEN, NOW)

    with pytest.raises(Conflict):
        sites.put(replace(SITE, operator_id="op-2"))
    with pytest.raises(Conflict):
        tariffs.put(replace(TARIFF, operator_id="op-2"))
    with pytest.raises(Conflict):
        tokens.put(replace(TOKEN, operator_id="op-2"), NOW)
    assert sites.get("site-1") == SITE
    assert tariffs.get("tariff-1") == TARIFF
    assert tokens.get(TOKEN.uid) == TOKEN


def test_each_costs_one_call_but_a_new_driver_two(aws_calls: list[str]) -> None:
    DynamoSites().put(SITE)
    DynamoSites().get("site-1")
    DynamoDrivers().put(Driver(driver_id="driver-1", email="ada@example.org"))
    DynamoDrivers().get("driver-1")

    assert aws_calls == ["PutItem", "GetItem", "UpdateItem", "PutItem", "GetItem"]
