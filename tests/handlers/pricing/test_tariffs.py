"""Tariffs that cannot be are refused where an operator sets them, and an OCPI Tariff is taken as it is."""

from __future__ import annotations

from typing import Any

import pytest

from local.client import ApiError, Person
from local.seed import TARIFF_ID, Network

PLAIN: dict[str, Any] = {"name": "T", "currency": "EUR", "price_per_kwh": "0.40"}
# OCPI 2.2.1 and 2.3.0, module Tariffs: as other systems hand it on.
OCPI: dict[str, Any] = {
    "country_code": "DE",
    "party_id": "ALL",
    "id": "12",
    "type": "REGULAR",
    "currency": "EUR",
    "tariff_alt_text": [{"language": "en", "text": "2.00 euro per hour"}],
    "tariff_alt_url": "https://example.com/tariffs/12",
    "tax_included": "NO",
    "min_price": {"before_taxes": 0.5, "after_taxes": 0.55},
    "elements": [
        {
            "price_components": [{"type": "TIME", "price": 2.0, "vat": 10.0, "step_size": 300}],
            "restrictions": {"start_time": "09:00", "end_time": "18:00", "day_of_week": ["MONDAY"], "min_kwh": 1.5},
        },
        {"price_components": [{"type": "FLAT", "price": 2.5, "vat": 15.0, "step_size": 1}]},
    ],
    "start_date_time": "2018-12-17T11:16:55Z",
    "end_date_time": "2030-12-17T11:16:55Z",
    "energy_mix": {"is_green_energy": True},
    "last_updated": "2018-12-17T17:00:43Z",
}


def refused(person: Person, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(ApiError) as error:
        person.call(method, path, body)
    return error.value.status, dict(error.value.problem)


@pytest.mark.parametrize("more", [{}, {"name": "X"}, {"tax_included": "YES"}, {"tax_included": "N/A"}])
def test_an_ocpi_tariff_is_taken_as_it_is(network: Network, more: dict[str, str]) -> None:
    network.operator.call("PUT", "/v1/operator/tariffs/ocpi-12", OCPI | more)


def test_a_tariff_without_a_name_is_called_by_its_id_and_its_hold_is_what_it_preauthorizes(network: Network) -> None:
    network.operator.call("PUT", "/v1/operator/tariffs/ocpi-13", OCPI | {"preauthorize_amount": 12.5})
    body = {"name": "P", "address": "A", "time_zone": "Europe/Berlin", "tariff_id": "ocpi-13"}
    network.operator.call("PUT", "/v1/operator/sites/ocpi-13", body)
    prices = network.driver.call("GET", "/v1/sites/ocpi-13")["prices"]
    assert (prices["name"], prices["hold_minor"], prices["cap_minor"]) == ("ocpi-13", 1250, 20_000)


def test_an_operators_own_cap_is_shown_before_a_charge(network: Network) -> None:
    network.operator.call("PUT", "/v1/operator/tariffs/capped", PLAIN | {"cap_minor": 4000})
    body = {"name": "P", "address": "A", "time_zone": "Europe/Berlin", "tariff_id": "capped"}
    network.operator.call("PUT", "/v1/operator/sites/capped", body)
    prices = network.driver.call("GET", "/v1/sites/capped")["prices"]
    assert (prices["hold_minor"], prices["cap_minor"]) == (4000, 4000)


@pytest.mark.parametrize(
    "more",
    [
        {"currency": "EUX"},
        {"currency": "XAU"},
        {"price_per_kwh": "100000"},
        {"price_per_kwh": "11"},
        {"price_per_minute": "50"},
        {"idle_price_per_minute": "50"},
        {"flat_price": "5000"},
        {"hold_minor": 100_000},
        {"hold_minor": 6000, "cap_minor": 5000},
        {"cap_minor": 100_000_000},
        {"min_price": {"before_taxes": "10"}, "max_price": {"before_taxes": "5"}},
        {"min_price": {"after_taxes": "10"}, "max_price": {"after_taxes": "5"}},
        {"min_price": {"before_taxes": "10"}, "max_price": {"after_taxes": "5"}},
        {"min_price": {"after_taxes": "10"}, "max_price": {"before_taxes": "5"}},
        {"min_price": {"incl_vat": "500"}},
    ],
)
def test_a_tariff_that_cannot_be_is_refused(network: Network, more: dict[str, Any]) -> None:
    status, problem = refused(network.operator, "PUT", "/v1/operator/tariffs/odd", PLAIN | more)
    assert status == 422
    assert problem["detail"]


@pytest.mark.parametrize(
    "time_zone", ["Europe/Berlim", "europe/berlin", "Europe", "localtime", "Factory", "../etc/passwd", "CEST", ""]
)
def test_a_time_zone_that_does_not_exist_is_refused(network: Network, time_zone: str) -> None:
    body = {"name": "P", "address": "A", "time_zone": time_zone, "tariff_id": TARIFF_ID}
    status, problem = refused(network.operator, "PUT", "/v1/operator/sites/odd", body)
    assert status == 422
    assert problem["errors"][0]["field"] == "time_zone"


@pytest.mark.parametrize("time_zone", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5", "GMT0"])
def test_a_time_zone_that_exists_is_taken(network: Network, time_zone: str) -> None:
    body = {"name": "P", "address": "A", "time_zone": time_zone, "tariff_id": TARIFF_ID}
    network.operator.call("PUT", "/v1/operator/sites/zoned", body)
