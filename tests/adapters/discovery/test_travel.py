"""How long a drive takes: by the map where it answers, by an estimate that says so where it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.discovery.travel import AmazonRoutes, GreatCircle
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.discovery import Drive

HOME, NEAR, FAR = GeoPoint(53.55, 9.99), GeoPoint(53.56, 10.0), GeoPoint(54.0, 10.5)
ENDS = [(NEAR, 1_300.0), (FAR, 60_000.0)]


@pytest.fixture
def maps() -> Any:
    client = botocore.session.get_session().create_client(
        "geo-routes", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield client, stubber


def answer(*cells: dict[str, Any]) -> dict[str, Any]:
    return {
        "ErrorCount": 0,
        "PricingBucket": "Core",
        "RouteMatrix": [list(cells)],
        "RoutingBoundary": {"Unbounded": True},
    }


def test_an_estimate_grows_with_the_way_and_says_that_it_is_one() -> None:
    near, far = GreatCircle().drives(HOME, ENDS)
    assert (near.is_estimate, far.is_estimate) == (True, True)
    assert 60 <= near.eta_s < far.eta_s


def test_a_map_is_asked_once_for_all_ends(maps: Any) -> None:
    client, stubber = maps
    expected = {
        "Origins": [{"Position": [9.99, 53.55]}],
        "Destinations": [{"Position": [10.0, 53.56]}, {"Position": [10.5, 54.0]}],
        "RoutingBoundary": {"Unbounded": True},
        "TravelMode": "Car",
        "DepartNow": True,
    }
    told = answer({"Distance": 1500, "Duration": 240}, {"Distance": 70_000, "Duration": 3000})
    stubber.add_response("calculate_route_matrix", told, expected)
    assert AmazonRoutes(client).drives(HOME, ENDS) == [Drive(240, False), Drive(3000, False)]


def test_a_place_the_map_finds_no_way_to_is_estimated(maps: Any) -> None:
    client, stubber = maps
    told = answer({"Distance": 1500, "Duration": 240}, {"Distance": 0, "Duration": 0, "Error": "NoRoute"})
    stubber.add_response("calculate_route_matrix", told)
    near, far = AmazonRoutes(client).drives(HOME, ENDS)
    assert (near, far.is_estimate) == (Drive(240, False), True)
    assert far.eta_s > 240


def test_a_map_that_does_not_answer_costs_nobody_their_search(maps: Any) -> None:
    client, stubber = maps
    stubber.add_client_error("calculate_route_matrix", "ThrottlingException", http_status_code=429)
    assert AmazonRoutes(client).drives(HOME, ENDS) == GreatCircle().drives(HOME, ENDS)


def test_nothing_to_drive_to_asks_nobody(maps: Any) -> None:
    client, _ = maps
    assert AmazonRoutes(client).drives(HOME, []) == []


def test_only_the_best_few_of_a_page_are_asked_for(maps: Any) -> None:
    """Each of them is billed; the others say that they are estimates."""
    client, stubber = maps
    ends = [(GeoPoint(53.56 + number / 100, 10.0), 1_000.0 * number) for number in range(1, 9)]
    stubber.add_response("calculate_route_matrix", answer(*[{"Distance": 1, "Duration": 100 + it} for it in range(5)]))
    found = AmazonRoutes(client).drives(HOME, ends)
    assert [it.is_estimate for it in found] == [False] * 5 + [True] * 3
    assert list(found[5:]) == list(GreatCircle().drives(HOME, ends))[5:]


def test_who_starts_nearby_a_moment_later_is_told_what_was_told_before(maps: Any) -> None:
    """The same half kilometre and the same ten minutes: nobody is asked again, but for a place that is new."""
    client, stubber = maps
    now = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
    routes = AmazonRoutes(client, lambda: now)
    stubber.add_response("calculate_route_matrix", answer({"Distance": 1500, "Duration": 240}))
    assert routes.drives(HOME, ENDS[:1]) == [Drive(240, False)]
    across_the_street = GeoPoint(HOME.latitude + 0.0001, HOME.longitude)
    assert routes.drives(across_the_street, ENDS[:1]) == [Drive(240, False)]
    stubber.add_response("calculate_route_matrix", answer({"Distance": 70_000, "Duration": 3000}))
    assert routes.drives(HOME, ENDS) == [Drive(240, False), Drive(3000, False)]
    now += timedelta(minutes=10)
    stubber.add_response("calculate_route_matrix", answer({"Distance": 1500, "Duration": 300}))
    assert routes.drives(HOME, ENDS[:1]) == [Drive(300, False)]
    stubber.assert_no_pending_responses()
