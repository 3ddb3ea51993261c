"""An operator says what a site's power costs; publishers are asked over HTTP, and what becomes of it is shown."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from local.client import ApiError
from local.seed import TARIFF_ID, Network
from local.signals import SignalFault
from local.stack import Stack
from tests.handlers.conftest import SITE

_numbers = itertools.count(1)
MARKET = {"kind": "market", "source": "entsoe", "zone": "10Y1001A1001A82H"}
SOLAR = {"peak_w": 30000, "latitude": 53.54, "longitude": 9.99, "tilt_deg": 30, "azimuth_deg": -45}


@pytest.fixture
def path(network: Network) -> str:
    site_id = f"depot-{next(_numbers)}"
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}", {**SITE, "tariff_id": TARIFF_ID})
    return f"/v1/operator/sites/{site_id}/energy"


def test_signals_of_all_kinds_come_over_http_and_make_the_sites_day(network: Network, stack: Stack, path: str) -> None:
    body = {
        "currency": "EUR",
        "price": MARKET,
        "carbon": {"source": "electricity_maps", "zone": "DE"},
        "carbon_price_per_kg": "0.1",
        "demand_charge_per_kw": "8.5",
        "guarantees_of_origin_percent": "50",
        "solar": SOLAR,
    }
    network.operator.call("PUT", path, body)
    shown = network.operator.call("GET", path)
    assert {name: shown[name] for name in body} == body
    assert shown["guidance"] == "fair_share"
    assert [it["told_at"] for it in shown["feeds"]] == [None] * 3

    stack.cloud.fire("signals")
    shown = network.operator.call("GET", path)
    assert shown["guidance"] == "plan"
    assert [(it["source"], it["failure"]) for it in shown["feeds"]] == [
        ("entsoe", None),
        ("electricity_maps", None),
        ("forecast_solar", None),
    ]
    assert all(it["age_s"] < 60 and it["known_until"] > it["told_at"] for it in shown["feeds"])
    day = shown["outlook"]
    assert len(day["price_per_kwh"]) > 4
    assert len(day["carbon_g_per_kwh"]) == len(day["renewable_percent"]) == 96
    # Half of it is renewable by contract, and the mix half and a little.
    assert set(day["renewable_percent"]) == {"77.8"}


def test_a_source_that_fails_is_shown_with_what_is_wrong_and_does_no_harm_to_the_others(
    network: Network, stack: Stack, path: str
) -> None:
    body = {"currency": "GBP", "price": {"kind": "market", "source": "octopus", "zone": "AGILE-24-10-01/C"}}
    stack.signals.faults["octopus"] = SignalFault.BUSY
    try:
        network.operator.call("PUT", path, body | {"carbon": {"source": "carbon_intensity", "zone": "GB"}})
        stack.cloud.fire("signals")
    finally:
        stack.signals.faults.clear()
    shown = network.operator.call("GET", path)
    price, carbon = shown["feeds"]
    assert (price["failure"], carbon["failure"]) == ("HTTP 429", None)
    assert price["failing_since"]
    assert price["next_at"] > carbon["told_at"]
    assert shown["guidance"] == "fair_share"


def test_prices_by_the_clock_come_back_as_they_were_told(network: Network, path: str) -> None:
    bands = [
        {"price_per_kwh": "0.18", "days": ["SATURDAY", "SUNDAY"], "months": [], "begins": None, "ends": None},
        {"price_per_kwh": "-0.000001", "days": [], "months": [11, 12], "begins": "22:00", "ends": "06:15"},
    ]
    price = {"kind": "time_of_use", "price_per_kwh": "0.3", "bands": bands}
    network.operator.call("PUT", path, {"currency": "EUR", "price": price})
    shown = network.operator.call("GET", path)
    assert shown["price"] == price
    assert len(shown["outlook"]["price_per_kwh"]) == 96
    assert set(shown["outlook"]["price_per_kwh"]) <= {"0.18", "-0.000001", "0.3"}
    network.operator.call("DELETE", path)
    with pytest.raises(ApiError) as error:
        network.operator.call("GET", path)
    assert error.value.status == 404


def test_uploaded_prices_are_the_sites(network: Network, path: str) -> None:
    csv = "begins_at;price\n2026-11-30T00:00+01:00;0,21\n2026-11-30T00:15+01:00;0,20\n"
    network.operator.call("PUT", path, {"currency": "EUR", "price": {"kind": "csv", "csv": csv}})
    shown = network.operator.call("GET", path)
    assert (shown["price"], shown["feeds"]) == ({"kind": "csv", "csv": None}, [])


FIXED = {"kind": "fixed", "price_per_kwh": "0.2"}
WRONG: Mapping[str, tuple[dict[str, Any], int]] = {
    "another kind": ({"price": {"kind": "free"}}, 422),
    "a field of another kind": ({"price": {**FIXED, "zone": "DE"}}, 422),
    "a price beyond all": ({"price": {"kind": "fixed", "price_per_kwh": "101"}}, 422),
    "a price of seven decimals": ({"price": {"kind": "fixed", "price_per_kwh": "0.1234567"}}, 422),
    "no band": ({"price": {"kind": "time_of_use", "price_per_kwh": "1", "bands": []}}, 422),
    "a band within a quarter": (
        {
            "price": {
                "kind": "time_of_use",
                "price_per_kwh": "1",
                "bands": [{"price_per_kwh": "1", "begins": "06:10"}],
            }
        },
        422,
    ),
    "a thirteenth month": (
        {"price": {"kind": "time_of_use", "price_per_kwh": "1", "bands": [{"price_per_kwh": "1", "months": [13]}]}},
        422,
    ),
    "a zone that leads elsewhere": ({"price": {**MARKET, "zone": "../../x"}}, 409),
    "a zone of another form": ({"price": {**MARKET, "zone": "DE"}}, 409),
    "a source that there is not": ({"price": {**MARKET, "source": "sunday"}}, 409),
    "carbon of a market": ({"carbon": {"source": "entsoe", "zone": "10Y1001A1001A82H"}}, 409),
    "more than all": ({"guarantees_of_origin_percent": "100.1"}, 422),
    "modules on the pole": ({"solar": {**SOLAR, "latitude": 90}}, 422),
    "an upload of nothing": ({"price": {"kind": "csv", "csv": "x"}}, 400),
}


@pytest.mark.parametrize(("more", "status"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_and_named(network: Network, path: str, more: dict[str, Any], status: int) -> None:
    with pytest.raises(ApiError) as error:
        network.operator.call("PUT", path, {"currency": "EUR", "price": FIXED} | more)
    assert error.value.status == status
    assert str(error.value.problem["detail"])
