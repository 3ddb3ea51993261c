"""What a change costs does not grow with what is stored: each route that is no GET is asked at ten times as much of it.

A new one is asked with the example of its document; where that does not do its work, the first test here says so.
"""

from __future__ import annotations

import pytest

from app import app
from benchmarks.changes import GROWS, LEFT_OUT, SAID, changes, name_of
from benchmarks.growth import Look
from tests.benchmarks.apart import looks_apart

FEW, MANY = 20, 200
# A page of what a driver did last; on a shorter list less of it is there.
A_PAGE = 100


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Look]]:
    return looks_apart("benchmarks.changes", tmp_path_factory.mktemp("changes") / "looks.json", FEW, MANY)


def test_every_route_that_changes_something_does_its_work_or_says_why_it_is_not_asked(
    at: dict[int, dict[str, Look]],
) -> None:
    known = {f"{method} {path}" for path, methods in app.routes.items() for method in methods if method != "GET"}
    assert at[MANY].keys() | LEFT_OUT.keys() == known
    for size in (FEW, MANY):
        assert {name: it.status for name, it in at[size].items() if it.status not in range(200, 300)} == {}


def test_what_is_said_of_a_route_is_said_of_one_that_is_asked() -> None:
    asked = {name_of(it) for it in changes()}
    assert SAID.keys() <= asked
    assert GROWS.keys() <= asked


def test_no_change_makes_more_calls_where_more_is_stored(at: dict[int, dict[str, Look]]) -> None:
    grown = {name: (at[FEW][name].calls, it.calls) for name, it in at[MANY].items() if it.calls > at[FEW][name].calls}
    assert {name: calls for name, calls in grown.items() if name not in GROWS} == {}


def test_no_change_reads_more_than_a_page_more(at: dict[int, dict[str, Look]]) -> None:
    grown = {name: (at[FEW][name].items, it.items) for name, it in at[MANY].items()}
    assert {name: it for name, it in grown.items() if it[1] > it[0] + A_PAGE and name not in GROWS} == {}


def test_what_is_said_to_grow_does(at: dict[int, dict[str, Look]]) -> None:
    assert {name for name in GROWS if at[MANY][name].items <= at[FEW][name].items + A_PAGE} == set()
