"""What a request costs does not grow with what is stored: each route is counted at ten times as much of everything."""

from __future__ import annotations

import pytest

from app import app
from benchmarks.growth import ASKED, GROWS, LEFT_OUT, Look
from tests.benchmarks.apart import looks_apart

FEW, MANY = 30, 300
# A page of the longest list, its keys and its rows.
A_PAGE = 200


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Look]]:
    return looks_apart("benchmarks.growth", tmp_path_factory.mktemp("growth") / "looks.json", FEW, MANY)


def test_every_route_that_reads_is_asked_or_says_why_not() -> None:
    reads = {f"GET {path}" for path, methods in app.routes.items() if "GET" in methods}
    assert {it for it in ASKED if it.startswith("GET ")} | LEFT_OUT.keys() == reads
    assert not ASKED.keys() & LEFT_OUT.keys()
    assert GROWS.keys() <= ASKED.keys()


def test_every_route_answers(at: dict[int, dict[str, Look]]) -> None:
    assert {name: it.status for name, it in at[MANY].items() if it.status not in (200, 204)} == {}


def test_no_request_makes_more_calls_where_more_is_stored(at: dict[int, dict[str, Look]]) -> None:
    grown = {name: (at[FEW][name].calls, it.calls) for name, it in at[MANY].items() if it.calls > at[FEW][name].calls}
    assert {name: calls for name, calls in grown.items() if name not in GROWS} == {}


def test_no_request_reads_more_than_a_page_more(at: dict[int, dict[str, Look]]) -> None:
    grown = {name: (at[FEW][name].items, it.items) for name, it in at[MANY].items()}
    assert {name: it for name, it in grown.items() if it[1] > it[0] + A_PAGE and name not in GROWS} == {}


def test_a_look_at_a_charge_reads_its_last_readings_only(at: dict[int, dict[str, Look]]) -> None:
    for name in ("GET /v1/sessions/{session_id}", "MeterValues of a charge with limits"):
        assert at[MANY][name].items < 100


def test_a_site_that_changes_costs_the_same_however_many_chargers_are_shown_there(
    at: dict[int, dict[str, Look]],
) -> None:
    name = "PUT /v1/operator/sites/{site_id}"
    few, many = at[FEW][name], at[MANY][name]
    assert (many.calls, many.items) == (few.calls, few.items)
