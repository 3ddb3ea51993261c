"""Distances on a sphere, and places beside a route."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.geography import GeoPoint, distance_m
from chalicelib.domain.discovery import Polyline, decode_polyline

SPOTS = st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180))
HAMBURG, BERLIN = GeoPoint(53.5511, 9.9937), GeoPoint(52.5200, 13.4050)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (HAMBURG, BERLIN, 255.3),
        (GeoPoint(0, 179.9), GeoPoint(0, -179.9), 22.2),
        (GeoPoint(90, 0), GeoPoint(90, 120), 0),
        (GeoPoint(0, 0), GeoPoint(0, 180), 20_015),
        (GeoPoint(51.5007, -0.1246), GeoPoint(40.6892, -74.0445), 5574.8),
    ],
)
def test_known_distances(one: GeoPoint, other: GeoPoint, km: float) -> None:
    assert distance_m(one, other) / 1000 == pytest.approx(km, rel=2e-3, abs=0.01)


@given(SPOTS, SPOTS, SPOTS)
def test_the_straight_way_is_the_shortest(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> None:
    assert distance_m(a, b) == pytest.approx(distance_m(b, a))
    # To the other side of the world the arc sine tells no better than to a decimetre.
    assert distance_m(a, c) <= distance_m(a, b) + distance_m(b, c) + 1


def test_a_place_beside_a_route_is_so_far_along_and_so_far_off() -> None:
    route = Polyline([GeoPoint(50, 10), GeoPoint(50, 11), GeoPoint(51, 11)])
    beside = route.offset(GeoPoint(50.01, 10.5))
    assert beside.along_m == pytest.approx(distance_m(GeoPoint(50, 10), GeoPoint(50, 10.5)), rel=1e-3)
    assert beside.off_m == pytest.approx(1112, rel=1e-2)
    assert route.offset(GeoPoint(51.01, 11)).along_m == pytest.approx(route.length_m)
    assert route.offset(GeoPoint(49.99, 9.9)).along_m == 0


def test_a_route_may_cross_the_antimeridian() -> None:
    route = Polyline([GeoPoint(-17, 179.5), GeoPoint(-17, -179.5)])
    assert route.length_m == pytest.approx(106_300, rel=1e-2)
    assert route.offset(GeoPoint(-17.01, 180)).off_m < 1300
    assert all(abs(it.longitude) <= 180 for it in route.every(10_000))


@given(st.lists(st.builds(GeoPoint, st.floats(40, 60), st.floats(0, 20)), min_size=2, max_size=6))
def test_steps_along_a_route_leave_no_gap(points: list[GeoPoint]) -> None:
    steps = list(Polyline(points).every(25_000))
    assert distance_m(steps[0], points[0]) < 0.01
    assert steps[-1] == points[-1]
    for before, after in pairwise(steps):
        assert distance_m(before, after) <= 25_000 * 1.1


def test_googles_own_polyline_is_read() -> None:
    points = decode_polyline("_p~iF~ps|U_ulLnnqC_mqNvxq`@")
    assert [(it.latitude, it.longitude) for it in points] == [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)]


@given(st.text(max_size=60))
def test_any_text_is_a_polyline_or_refused(text: str) -> None:
    try:
        points = decode_polyline(text)
    except ValueError:
        return
    assert all(math.isfinite(it.latitude) and abs(it.latitude) <= 90 for it in points)


def test_a_route_of_one_point_is_none() -> None:
    with pytest.raises(ValueError, match="two points"):
        Polyline([HAMBURG])
