"""Prices, maps and quotes are open to all; who shows a token is told their own price, and nobody else keeps it."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import requests

from local.seed import CHARGER_PASSWORD, SITE_ID, Network, open_account
from local.stack import Stack


def asked(stack: Stack, path: str, **headers: str) -> requests.Response:
    return requests.get(stack.http_url + path, headers=headers, timeout=60)


def quote(stack: Stack, charger_id: str, query: str) -> Any:
    answer = asked(stack, f"/v1/chargers/{charger_id}/quote?{query}")
    assert answer.ok, answer.text
    return answer.json()


@pytest.fixture
def wallbox(network: Network) -> str:
    """A charger with a slow plug and a fast one."""
    charger_id = f"BOX-{secrets.token_hex(4)}"
    plugs = [{"connector": "1", "max_power_w": 11_000}, {"connector": "2", "kind": "ccs2", "max_power_w": 150_000}]
    body = {"site_id": SITE_ID, "connectors": ["1", "2"], "plugs": plugs, "password": CHARGER_PASSWORD}
    network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
    return charger_id


def test_a_stranger_sees_map_site_charger_and_price(stack: Stack, wallbox: str) -> None:
    for path in (
        "/v1/chargers/nearby?lat=53.5437&lng=9.9924",
        "/v1/chargers/along?route=_p~iF~ps%7CU_ulLnnqC_mqNvxq%60@",
        f"/v1/sites/{SITE_ID}",
        f"/v1/chargers/{wallbox}",
        f"/v1/chargers/{wallbox}/quote?energy_wh=1000",
    ):
        answer = asked(stack, path)
        assert answer.status_code in (200, 400 if "along" in path else 200), answer.text
        if answer.ok:
            assert answer.headers["Cache-Control"].startswith("public, max-age=")
            assert answer.headers["Vary"] == "Authorization"
            assert answer.headers["ETag"]


def test_a_token_that_is_not_good_is_refused_and_not_overlooked(stack: Stack, wallbox: str) -> None:
    answer = asked(stack, f"/v1/chargers/{wallbox}", Authorization="Bearer nonsense")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:kerb:problem:not_allowed")


def test_who_has_terms_sees_their_own_price_and_it_is_kept_by_nobody_else(
    stack: Stack, network: Network, wallbox: str
) -> None:
    driver = open_account(stack, f"terms-{secrets.token_hex(4)}@example.com", "Terms-driver-1", card=None)
    driver_id = driver.call("GET", "/v1/me")["driver_id"]
    network.operator.call(
        "PUT", "/v1/operator/tariffs/cheap-quote", {"name": "Cheap", "currency": "EUR", "price_per_kwh": "0.10"}
    )
    network.operator.call("PUT", f"/v1/operator/drivers/{driver_id}", {"tariff_id": "cheap-quote"})
    path = f"/v1/chargers/{wallbox}/quote?energy_wh=10000&charging_s=0"
    mine = asked(stack, path, Authorization=f"Bearer {driver.token}")
    assert (mine.json()["total_minor"], mine.headers["Cache-Control"]) == (100, "private, no-cache")
    assert mine.headers["Vary"] == "Authorization"
    assert asked(stack, path).json()["total_minor"] == 536


def test_a_quote_is_for_the_power_of_the_connector(stack: Stack, wallbox: str) -> None:
    slow = quote(stack, wallbox, "connector=1&energy_wh=22000")
    fast = quote(stack, wallbox, "energy_wh=22000")
    car = quote(stack, wallbox, "energy_wh=22000&car_w=50000")
    assert [(it["connector"], it["power_w"], it["charging_s"]) for it in (slow, fast, car)] == [
        ("1", 11_000, 7200),
        ("2", 150_000, 528),
        ("2", 50_000, 1584),
    ]
    assert slow["total_minor"] > fast["total_minor"]


def test_a_quote_by_time_by_battery_and_by_money(stack: Stack, wallbox: str) -> None:
    by_time = quote(stack, wallbox, "connector=1&charging_s=3600")
    assert (by_time["energy_wh"], by_time["net_minor"]) == (11_000, 495 + 120)
    by_battery = quote(stack, wallbox, "connector=1&soc_from=20&soc_to=80&battery_wh=50000")
    assert by_battery["energy_wh"] == 30_000
    by_money = quote(stack, wallbox, "connector=1&amount_minor=2000")
    assert 1990 <= by_money["total_minor"] <= 2000
    assert [it["per"] for it in by_money["price"]] == ["kwh", "minute"]
    assert (by_money["hold_minor"], by_money["reservation"]) == (5000, [])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "energy_wh"),
        ("amount_minor=100&energy_wh=1", "energy_wh"),
        ("soc_from=20&soc_to=80", "battery_wh"),
        ("soc_from=80&soc_to=20&battery_wh=50000", "soc_to"),
        ("soc_from=20&soc_to=101&battery_wh=50000", "soc_to"),
        ("energy_wh=1&connector=3", "connector"),
        ("energy_wh=1&connector=x", "connector"),
        ("energy_wh=1&car_w=0", "car_w"),
        ("amount_minor=-1", "amount_minor"),
        ("energy_wh=1&minutes=3", "minutes"),
    ],
)
def test_a_quote_that_says_too_little_or_too_much_is_refused_by_name(
    stack: Stack, wallbox: str, query: str, field: str
) -> None:
    answer = asked(stack, f"/v1/chargers/{wallbox}/quote?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_a_site_tells_when_it_is_open(stack: Stack, network: Network) -> None:
    name = f"open-{secrets.token_hex(4)}"
    site = {"name": "Yard", "address": "Road 1", "time_zone": "Europe/Berlin", "tariff_id": "demo-standard"}
    hours: dict[str, Any] = {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": it, "period_begin": "00:00", "period_end": "24:00"} for it in range(1, 8)],
        "exceptional_openings": [],
        "exceptional_closings": [],
    }
    network.operator.call("PUT", f"/v1/operator/sites/{name}", {**site, "opening_hours": hours})
    seen = asked(stack, f"/v1/sites/{name}").json()
    assert (seen["opening_hours"], seen["is_open"]) == (hours, True)
    backwards: dict[str, Any] = {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 1, "period_begin": "20:00", "period_end": "08:00"}],
    }
    answer = requests.put(
        f"{stack.http_url}/v1/operator/sites/{name}",
        json={**site, "opening_hours": backwards},
        headers={"Authorization": f"Bearer {network.operator.token}"},
        timeout=60,
    )
    assert answer.status_code == 422
