"""An operator describes a site's electric tree, tells its load and limits, and sees what becomes of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.client import ApiError, Person
from local.seed import CHARGER_PASSWORD, TARIFF_ID, Network
from tests.handlers.conftest import SITE

_numbers = itertools.count(1)
_NODES = [
    {"node_id": "grid", "limit_ma": [63_000, 63_000, 63_000]},
    {"node_id": "north", "parent_id": "grid", "limit_ma": [40_000, 40_000, 40_000]},
]


@pytest.fixture
def site_id(network: Network) -> str:
    """A site of its own with the chargers `<site>-A`, of two connectors, and `<site>-B`, of one."""
    site_id = f"car-park-{next(_numbers)}"
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}", {**SITE, "tariff_id": TARIFF_ID})
    for name, connectors in (("A", ["1", "2"]), ("B", ["1"])):
        body = {"site_id": site_id, "connectors": connectors, "password": CHARGER_PASSWORD}
        network.operator.call("PUT", f"/v1/operator/chargers/{site_id}-{name}", body)
    return site_id


def port(charger_id: str, connector: str = "1", **more: Any) -> dict[str, Any]:
    return {"charger_id": charger_id, "connector": connector, "node_id": "north", **more}


def tree(site_id: str, **more: Any) -> dict[str, Any]:
    ports = [port(f"{site_id}-A", "1"), port(f"{site_id}-A", "2", phases=["L2", "L3", "L1"]), port(f"{site_id}-B")]
    return {"nodes": _NODES, "ports": ports, "worst_load_ma": [20_000, 20_000, 20_000], **more}


def conductor(name: str, *charger_ids: str, limit_ma: int = 50_000) -> dict[str, Any]:
    terms = [{"charger_id": it, "connector": "1"} for it in charger_ids]
    return {"conductor_id": name, "limit_ma": limit_ma, "terms": terms}


def refusal(person: Person, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str, str]:
    with pytest.raises(ApiError) as error:
        person.call(method, path, body)
    problem = error.value.problem
    return error.value.status, str(problem["type"]).removeprefix("urn:kerb:problem:"), str(problem.get("detail"))


def test_a_tree_is_shown_as_it_was_described(network: Network, site_id: str) -> None:
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}/grid", tree(site_id, reserve_ma=1_000))
    shown = network.operator.call("GET", f"/v1/operator/sites/{site_id}/grid")
    assert [it["node_id"] for it in shown["nodes"]] == ["grid", "north"]
    assert shown["ports"][1] == {
        "charger_id": f"{site_id}-A",
        "connector": "2",
        "node_id": "north",
        "phases": ["L2", "L3", "L1"],
        "is_line_to_line": False,
        "voltage_v": 230,
        "least_ma": 6_000,
        "most_ma": 32_000,
        "step_ma": 100,
        "levels_ma": [],
        "weight": 1,
    }
    assert shown["conductors"] == []
    assert (shown["reserve_ma"], shown["worst_load_ma"], shown["floor_w"]) == (1_000, [20_000] * 3, None)


WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "two grid connections": ({"nodes": [*_NODES, {"node_id": "other", "limit_ma": [1, 1, 1]}]}, "have no parent"),
    "no grid connection": ({"nodes": [{**it, "parent_id": "north"} for it in _NODES]}, "no node is without a parent"),
    "a circle": (
        {
            "nodes": [
                *_NODES,
                {"node_id": "east", "parent_id": "west"},
                {"node_id": "west", "parent_id": "east"},
            ]
        },
        "'east', 'west' hang at each other in a circle",
    ),
    "an unknown parent": ({"nodes": [*_NODES, {"node_id": "east", "parent_id": "nowhere"}]}, "'nowhere'"),
    "a node twice": ({"nodes": [*_NODES, _NODES[1]]}, "node 'north' is there twice"),
    "a grid connection without a limit": (
        {"nodes": [{"node_id": "grid"}, _NODES[1]]},
        "needs a limit for each phase",
    ),
    "a limit below six amperes": (
        {"nodes": [_NODES[0], {**_NODES[1], "limit_ma": [40_000, 5_000, 40_000]}]},
        "node 'north' leaves 5000 mA on L2",
    ),
    "a port at no node": ({"ports": [port("{site}-B", node_id="cellar")]}, "'cellar'"),
    "a port twice": ({"ports": [port("{site}-B"), port("{site}-B")]}, "port {site}-B/1 is there twice"),
    "an unknown charger": ({"ports": [port("NOBODY-1")]}, "charger 'NOBODY-1' is not registered"),
    "a charger of another site": ({"ports": [port("DEMO-16")]}, "charger 'DEMO-16' stands at site"),
    "an unknown connector": (
        {"ports": [port("{site}-B"), port("{site}-B", "2")]},
        "charger '{site}-B' has no connector 2",
    ),
    "a connector left out": ({"ports": [port("{site}-A")]}, "has connector 2 too"),
    "two phases": ({"ports": [port("{site}-B", phases=["L1", "L2"])]}, "has 2 phases"),
    "a phase twice": ({"ports": [port("{site}-B", phases=["L1", "L1", "L2"])]}, "has a phase twice"),
    "less than a charge needs": ({"ports": [port("{site}-B", least_ma=5_000)]}, "cannot charge with less than 6000 mA"),
    "most below least": ({"ports": [port("{site}-B", least_ma=8_000, most_ma=7_000)]}, "less than its least"),
    "levels that do not rise": (
        {"ports": [port("{site}-B", least_ma=8_000, levels_ma=[8_000, 16_000, 16_000])]},
        "port {site}-B/1 has levels that do not rise",
    ),
    "levels that begin elsewhere": (
        {"ports": [port("{site}-B", levels_ma=[8_000, 16_000])]},
        "has levels from its least, 6000 mA",
    ),
    "levels above its most": (
        {"ports": [port("{site}-B", least_ma=8_000, most_ma=16_000, levels_ma=[8_000, 24_000])]},
        "to its most, 16000 mA",
    ),
    "a conductor named as a node": (
        {"conductors": [conductor("north", "{site}-B")]},
        "conductor 'north' has the name of another, or of a node",
    ),
    "a conductor with a port twice": ({"conductors": [conductor("bar", "{site}-B", "{site}-B")]}, "has a port twice"),
    "a conductor of strangers": (
        {"conductors": [conductor("bar", "NOBODY-1")]},
        "conductor 'bar' counts port NOBODY-1/1, which is not there",
    ),
    "a conductor too thin for anybody": (
        {"conductors": [conductor("bar", "{site}-B", limit_ma=5_000)]},
        "conductor 'bar' carries 5000 mA",
    ),
    "a meter that is none": ({"meter_charger_id": "{site}-B"}, "not registered to have a main meter"),
    "a meter of nobody": ({"meter_charger_id": "NOBODY-1"}, "charger 'NOBODY-1', whose main meter"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_refused_by_name(network: Network, site_id: str, what: str) -> None:
    more, named = WRONG[what]
    body = {**tree(site_id), **more}
    terms = [term for it in body.get("conductors", []) for term in it["terms"]]
    for it in [*body["ports"], *terms]:
        it["charger_id"] = it["charger_id"].replace("{site}", site_id)
    if "meter_charger_id" in body:
        body["meter_charger_id"] = body["meter_charger_id"].replace("{site}", site_id)
    for method, path in (("PUT", "grid"), ("POST", "grid/preview")):
        status, code, detail = refusal(network.operator, method, f"/v1/operator/sites/{site_id}/{path}", body)
        assert (status, code) == (409, "invalid_grid")
        assert named.replace("{site}", site_id) in detail
    assert refusal(network.operator, "GET", f"/v1/operator/sites/{site_id}/grid")[0] == 404


def test_a_preview_says_what_all_would_draw_at_worst_and_keeps_nothing(network: Network, site_id: str) -> None:
    found = network.operator.call("POST", f"/v1/operator/sites/{site_id}/grid/preview", tree(site_id))
    grid, north = found["nodes"]
    assert north["worst_ma"] == [96_000] * 3
    assert north["least_ma"] == north["silent_ma"] == [18_000] * 3
    assert (north["needs_balancing"], north["takes_turns"]) == (True, False)
    # The building's worst is in it.
    assert grid["least_ma"] == [38_000] * 3
    assert refusal(network.operator, "GET", f"/v1/operator/sites/{site_id}/grid")[0] == 404


def test_levels_and_conductors_are_shown_as_described_and_summed_beforehand(network: Network, site_id: str) -> None:
    body = tree(site_id, conductors=[conductor("busbar", f"{site_id}-A", f"{site_id}-B", limit_ma=20_000)])
    body["conductors"][0]["terms"][1] |= {"weight": -0.5, "angle_deg": 30.0}
    body["ports"][2] |= {"least_ma": 8_000, "levels_ma": [8_000, 16_000], "step_ma": 1_000}
    found = network.operator.call("POST", f"/v1/operator/sites/{site_id}/grid/preview", body)
    (busbar,) = found["conductors"]
    # Neither shortens the other: either car may be away.
    assert (busbar["worst_ma"], busbar["silent_ma"]) == (32_000, 6_000)
    assert (busbar["needs_balancing"], busbar["takes_turns"]) == (True, False)
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}/grid", body)
    shown = network.operator.call("GET", f"/v1/operator/sites/{site_id}/grid")
    assert shown["ports"][2]["levels_ma"] == [8_000, 16_000]
    assert shown["conductors"][0]["terms"][1] == {
        "charger_id": f"{site_id}-B",
        "connector": "1",
        "weight": -0.5,
        "angle_deg": 30.0,
    }
    # What is shown can be told again as it is.
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}/grid", shown)


def test_another_operators_site_is_not_there(network: Network, rival: Person, site_id: str) -> None:
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}/grid", tree(site_id))
    until = {"begins_at": "2026-11-30T18:00:00Z", "ends_at": "2026-11-30T20:00:00Z"}
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PUT", "grid", tree(site_id)),
        ("GET", "grid", None),
        ("DELETE", "grid", None),
        ("POST", "grid/preview", tree(site_id)),
        ("POST", "load", {"load_ma": [1, 2, 3]}),
        ("PUT", "power-limits/x", {"node_id": "grid", "limit_w": 1, **until}),
        ("DELETE", "power-limits/x", None),
        ("GET", "power", None),
    ]
    for method, path, body in asked:
        assert refusal(rival, method, f"/v1/operator/sites/{site_id}/{path}", body)[0] == 404


def test_what_is_told_of_a_site_is_seen(network: Network, site_id: str) -> None:
    at = datetime.now(UTC)
    call = network.operator.call
    call("PUT", f"/v1/operator/sites/{site_id}/grid", tree(site_id))
    call("POST", f"/v1/operator/sites/{site_id}/load", {"load_ma": [9_000, 8_000, 7_000]})
    limit = {"node_id": "north", "limit_ma": 16_000, "begins_at": at.isoformat()}
    call(
        "PUT",
        f"/v1/operator/sites/{site_id}/power-limits/evening",
        {**limit, "ends_at": (at + timedelta(hours=2)).isoformat()},
    )

    power = call("GET", f"/v1/operator/sites/{site_id}/power")

    assert power["building"]["load_ma"] == [9_000, 8_000, 7_000]
    assert not power["building"]["is_old"]
    assert [(it["limit_id"], it["node_id"], it["limit_ma"]) for it in power["limits"]] == [("evening", "north", 16_000)]
    assert [it["node_id"] for it in power["nodes"]] == ["grid", "north"]
    assert [(it["connector"], it["session_id"], it["grant_ma"]) for it in power["ports"]] == [
        ("1", None, None),
        ("2", None, None),
        ("1", None, None),
    ]

    call("DELETE", f"/v1/operator/sites/{site_id}/power-limits/evening")
    assert call("GET", f"/v1/operator/sites/{site_id}/power")["limits"] == []
    assert refusal(network.operator, "DELETE", f"/v1/operator/sites/{site_id}/power-limits/evening")[0] == 404


def test_a_limit_says_how_much_and_ends_after_it_begins(network: Network, site_id: str) -> None:
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}/grid", tree(site_id))
    path = f"/v1/operator/sites/{site_id}/power-limits/evening"
    times = {"begins_at": "2026-11-30T18:00:00Z", "ends_at": "2026-11-30T20:00:00Z"}
    assert refusal(network.operator, "PUT", path, {"node_id": "north", **times})[0] == 422
    back = {"begins_at": times["ends_at"], "ends_at": times["begins_at"]}
    assert refusal(network.operator, "PUT", path, {"node_id": "north", "limit_w": 1, **back})[0] == 422
    assert refusal(network.operator, "PUT", path, {"node_id": "cellar", "limit_w": 1, **times})[:2] == (
        404,
        "not_found",
    )


def test_a_site_that_is_managed_no_more_is_forgotten(network: Network, site_id: str) -> None:
    network.operator.call("PUT", f"/v1/operator/sites/{site_id}/grid", tree(site_id))
    network.operator.call("DELETE", f"/v1/operator/sites/{site_id}/grid")
    for path in ("grid", "power"):
        assert refusal(network.operator, "GET", f"/v1/operator/sites/{site_id}/{path}")[:2] == (404, "not_found")
