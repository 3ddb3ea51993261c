"""Where a driver can charge, through the front door: near, along a way, at a site, as it is this second."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from benchmarks.wire import Socket
from local.client import ApiError
from local.seed import CHARGER_PASSWORD, TARIFF_ID, Network
from local.stack import Stack

_NUMBERS = itertools.count(1)
# One degree of latitude is 111.2 km.
KM = 1 / 111.195


@pytest.fixture
def town(network: Network) -> float:
    """A latitude nobody else uses; a charger stands at its meridian, others 1 to 5 km north of it."""
    number = next(_NUMBERS)
    latitude = -60 + number * 2.0
    for north in range(6):
        site = f"town-{number}-{north}"
        network.operator.call(
            "PUT",
            f"/v1/operator/sites/{site}",
            {
                "name": f"Town {number} {'Market' if north == 2 else 'Street'}",
                "address": f"{north} km north",
                "time_zone": "UTC",
                "tariff_id": TARIFF_ID,
                "latitude": latitude + north * KM,
                "longitude": 20.0,
            },
        )
        plug = {"connector": "1", "kind": "ccs2" if north % 2 else "type2", "max_power_w": 50_000 * north}
        network.operator.call(
            "PUT",
            f"/v1/operator/chargers/TOWN-{number}-{north}",
            {"site_id": site, "connectors": ["1"], "plugs": [plug], "password": CHARGER_PASSWORD},
        )
    return latitude


def nearby(network: Network, latitude: float, query: str = "", longitude: float = 20.0) -> dict[str, Any]:
    return network.driver.call("GET", f"/v1/chargers/nearby?lat={latitude:.6f}&lng={longitude}{query}")


def norths(page: dict[str, Any]) -> list[int]:
    return [int(it["charger_id"].rpartition("-")[2]) for it in page["items"]]


def test_the_nearest_come_first_with_price_distance_and_an_honest_estimate(network: Network, town: float) -> None:
    page = nearby(network, town, "&radius=4500")
    assert norths(page) == [0, 1, 2, 3, 4]
    assert page["next_cursor"] is None
    second = page["items"][1]
    assert second["distance_m"] == pytest.approx(1000, abs=5)
    assert (second["eta_is_estimate"], second["prices"]["now"][0]["price"]) == (True, "0.45")
    assert second["connectors"] == [
        {"connector": "1", "kind": "ccs2", "max_power_w": 50_000, "status": "unknown", "available": False}
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("&connector_type=ccs2", [1, 3, 5]),
        ("&connector_type=ccs2,type2", [0, 1, 2, 3, 4, 5]),
        ("&min_power_w=150000", [3, 4, 5]),
        ("&connector_type=type2&min_power_w=150000", [4]),
        ("&q=market", [2]),
        ("&q=NORTH%203", [3]),
        ("&operator=demo", [0, 1, 2, 3, 4, 5]),
        ("&operator=nobody", []),
        ("&available=true", []),
        ("&available=false", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_only_what_is_wished_for_is_found(network: Network, town: float, query: str, found: list[int]) -> None:
    assert norths(nearby(network, town, query)) == found


def test_pages_follow_one_another_without_gap_or_repetition(network: Network, town: float) -> None:
    seen: list[int] = []
    cursor = ""
    for _ in range(10):
        page = nearby(network, town, f"&limit=2{cursor}")
        seen += norths(page)
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [0, 1, 2, 3, 4, 5]


def test_what_a_charger_says_is_found_at_once_and_so_is_its_silence(
    stack: Stack, network: Network, town: float
) -> None:
    charger_id = nearby(network, town)["items"][0]["charger_id"]
    socket = Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, "ocpp1.6")
    status = {"connectorId": 1, "errorCode": "NoError", "timestamp": "2026-11-21T08:00:00Z"}
    socket.call("StatusNotification", {**status, "status": "Available"})
    assert norths(nearby(network, town, "&available=true")) == [0]
    socket.call("StatusNotification", {**status, "status": "Charging"})
    assert norths(nearby(network, town, "&available=true")) == []
    assert nearby(network, town)["items"][0]["connectors"][0]["status"] == "charging"
    socket.call("StatusNotification", {**status, "status": "Available"})
    network.operator.call("POST", f"/v1/operator/chargers/{charger_id}/block")
    assert norths(nearby(network, town)) == [1, 2, 3, 4, 5]
    network.operator.call("POST", f"/v1/operator/chargers/{charger_id}/accept")
    assert norths(nearby(network, town))[0] == 0


def test_a_site_shows_all_that_stands_there(network: Network, town: float) -> None:
    site_id = nearby(network, town)["items"][2]["site_id"]
    site = network.driver.call("GET", f"/v1/sites/{site_id}")
    assert (site["name"].split()[2], site["prices"]["currency"]) == ("Market", "EUR")
    assert [it["charger_id"].rpartition("-")[2] for it in site["chargers"]] == ["2"]
    with pytest.raises(ApiError) as error:
        network.driver.call("GET", "/v1/sites/nowhere")
    assert error.value.status == 404


def test_a_site_that_moves_takes_its_chargers_along(network: Network, town: float) -> None:
    item = nearby(network, town)["items"][2]
    site = network.driver.call("GET", f"/v1/sites/{item['site_id']}")
    body = {name: site[name] for name in ("name", "address", "time_zone", "longitude")}
    body |= {"tariff_id": TARIFF_ID, "latitude": site["latitude"] + 50 * KM}
    network.operator.call("PUT", f"/v1/operator/sites/{item['site_id']}", body)
    assert norths(nearby(network, town)) == [0, 1, 3, 4, 5]
    assert norths(nearby(network, town + 52 * KM, "&radius=500")) == [2]


def test_a_site_that_moves_is_found_at_once_and_after_its_chargers_have_followed(
    stack: Stack, network: Network, town: float
) -> None:
    path, site_id = "/v1/operator/sites/", f"town-{round((town + 60) / 2)}-0"
    moved = {"name": "Moved", "address": "Pier 1", "time_zone": "UTC", "tariff_id": TARIFF_ID, "longitude": 20.0}
    network.operator.call("PUT", path + site_id, {**moved, "latitude": town + 0.7})
    for _ in range(2):
        (found,) = nearby(network, town + 0.7, "&radius=500")["items"]
        assert (found["address"], found["distance_m"]) == ("Pier 1", 0)
        assert norths(nearby(network, town, "&radius=500")) == []
        (there,) = network.driver.call("GET", f"/v1/sites/{site_id}")["chargers"]
        assert there["charger_id"] == found["charger_id"]
        stack.cloud.settle()


def polyline(points: list[tuple[float, float]]) -> str:
    text, before = "", (0, 0)
    for point in points:
        now = (round(point[0] * 1e5), round(point[1] * 1e5))
        for step in (now[0] - before[0], now[1] - before[1]):
            left = ~(step << 1) if step < 0 else step << 1
            while left >= 0x20:
                text += chr((0x20 | (left & 0x1F)) + 63)
                left >>= 5
            text += chr(left + 63)
        before = now
    return text


def test_along_a_way_chargers_come_in_its_order(network: Network, town: float) -> None:
    way = polyline([(town + 10 * KM, 20.0), (town - 3 * KM, 20.0), (town - 3 * KM, 21.0)])
    route = way.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("#", "%23").replace("?", "%3F")
    page = network.driver.call("GET", f"/v1/chargers/along?route={route}&corridor=500&limit=4")
    assert norths(page) == [5, 4, 3, 2]
    assert page["items"][0]["along_m"] == pytest.approx(5000, abs=20)
    rest = network.driver.call(
        "GET", f"/v1/chargers/along?route={route}&corridor=500&limit=4&cursor={page['next_cursor']}"
    )
    assert (norths(rest), rest["next_cursor"]) == ([1, 0], None)
    assert norths(network.driver.call("GET", f"/v1/chargers/along?route={route}&corridor=500&min_power_w=200000")) == [
        5,
        4,
    ]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("nearby?lng=1", "lat"),
        ("nearby?lat=91&lng=1", "lat"),
        ("nearby?lat=nan&lng=1", "lat"),
        ("nearby?lat=1&lng=181", "lng"),
        ("nearby?lat=1&lng=1&radius=0", "radius"),
        ("nearby?lat=1&lng=1&radius=100001", "radius"),
        ("nearby?lat=1&lng=1&limit=101", "limit"),
        ("nearby?lat=1&lng=1&connector_type=usb", "connector_type"),
        ("nearby?lat=1&lng=1&available=maybe", "available"),
        ("nearby?lat=1&lng=1&cursor=x", "cursor"),
        ("along?route=", "route"),
        ("along?route=%20", "route"),
        ("along?corridor=1", "route"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_by_field(network: Network, path: str, field: str) -> None:
    with pytest.raises(ApiError) as error:
        network.driver.call("GET", f"/v1/chargers/{path}")
    assert (error.value.status, error.value.problem["errors"][0]["field"]) == (400, field)
