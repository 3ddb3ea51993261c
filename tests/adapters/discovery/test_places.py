"""A search finds exactly who is there, nearest first, and reads about as much as it returns."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.discovery.places import DynamoPlaces
from chalicelib.adapters.tables import PlaceRow
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint, distance_m
from chalicelib.domain.chargers.plugs import PlugType
from chalicelib.records.chargers import Plug
from chalicelib.records.discovery import Place
from tests.properties import IN_A_FIXTURE

pytestmark = pytest.mark.usefixtures("tables")

ONE = ConnectorId(1)
HAMBURG = GeoPoint(53.5437, 9.9924)


def place(name: str, spot: GeoPoint, **more: ConnectorStatus) -> Place:
    return Place(
        charger_id=name,
        operator_id="op",
        site_id="site",
        site_name="Harbour",
        address="Quay 1",
        tariff_id="standard",
        spot=spot,
        plugs=(Plug(ONE, PlugType.CCS_2, 150_000),),
    )


def spots(count: int, centre: GeoPoint, spread: float, seed: int) -> list[GeoPoint]:
    pick = random.Random(seed)
    return [
        GeoPoint(
            max(-90.0, min(90.0, centre.latitude + pick.gauss(0, spread))),
            (centre.longitude + pick.gauss(0, spread) + 180) % 360 - 180,
        )
        for _ in range(count)
    ]


@settings(max_examples=12, deadline=None, suppress_health_check=IN_A_FIXTURE)
@given(
    centre=st.builds(GeoPoint, st.floats(-89.9, 89.9), st.floats(-180, 180))
    | st.sampled_from(
        [
            HAMBURG,
            GeoPoint(0, 180),
            GeoPoint(-17.7, -179.99),
            GeoPoint(89.99, 0),
            GeoPoint(-90, 0),
            GeoPoint(64.7, 10.5),
        ]
    ),
    spread=st.sampled_from([0.0, 0.01, 0.1, 1.0]),
    radius_m=st.sampled_from([200.0, 5_000.0, 50_000.0, 100_000.0]),
    seed=st.integers(0, 1000),
)
def test_near_finds_who_is_within_and_nobody_else_in_order(
    centre: GeoPoint, spread: float, radius_m: float, seed: int
) -> None:
    places = DynamoPlaces()
    with PlaceRow.batch_write() as batch:
        for row in PlaceRow.scan():
            batch.delete(row)
    known = {f"CP-{index}": spot for index, spot in enumerate(spots(130, centre, spread, seed))}
    for name, spot in known.items():
        places.put(place(name, spot))
    expected = sorted((distance_m(centre, spot), name) for name, spot in known.items())
    within = [it for it in expected if it[0] <= radius_m]
    assert [(away_m, it.charger_id) for away_m, it in places.near(centre, 0, radius_m)] == within
    if within:
        half = within[len(within) // 2]
        after = [(away_m, it.charger_id) for away_m, it in places.near(centre, half[0], radius_m)]
        assert after == [it for it in within if it[0] >= half[0]]
    around = {it.charger_id for it in places.around([centre], radius_m)}
    assert around == {name for _, name in within}


def test_a_page_costs_no_more_in_a_large_network_than_in_a_small_one() -> None:
    def cost(count: int) -> tuple[int, int]:
        places = DynamoPlaces()
        for index, spot in enumerate(spots(count, HAMBURG, 0.05, 1)):
            places.put(place(f"CP-{index}", spot))
        assert len(list(islice(places.near(HAMBURG, 0, 50_000), 20))) == 20
        return places.queries, places.items

    small, large = cost(200), cost(2_000)
    assert large[0] <= small[0] + 20
    assert large[1] <= small[1] + 600


def test_status_and_line_are_seen_at_once_and_a_row_that_is_gone_stays_gone() -> None:
    places = DynamoPlaces()
    row = places.put(place("CP-1", HAMBURG))
    places.set_online(row, True)
    places.set_status(row, ONE, ConnectorStatus.AVAILABLE)
    ((_, found),) = places.near(HAMBURG, 0, 100)
    assert (found.online, found.is_free(found.plugs[0])) == (True, True)
    places.set_online(row, False)
    ((_, found),) = places.near(HAMBURG, 0, 100)
    assert (found.is_free(found.plugs[0]), found.status(found.plugs[0])) == (False, ConnectorStatus.UNKNOWN)
    places.remove(row)
    places.set_online(row, True)
    places.set_status(row, ONE, ConnectorStatus.AVAILABLE)
    assert list(places.near(HAMBURG, 0, 100)) == []


def test_many_chargers_at_one_spot_are_all_found() -> None:
    places = DynamoPlaces()
    for number in range(120):
        places.put(place(f"CP-{number:03}", HAMBURG))
    assert [it.charger_id for _, it in places.near(HAMBURG, 0, 10)] == [f"CP-{number:03}" for number in range(120)]


def test_each_change_costs_one_call(aws_calls: list[str]) -> None:
    places = DynamoPlaces()
    row = places.put(place("CP-1", HAMBURG))
    places.set_online(row, True)
    places.set_status(row, ONE, ConnectorStatus.AVAILABLE)
    places.remove(row)
    assert aws_calls == ["PutItem", "UpdateItem", "UpdateItem", "DeleteItem"]
