"""Histories of a site: no overload in any by the book of grants, and overloads in the same ones without it.

`make bench` runs thousands (`benchmarks/grants.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from tests.domain.grid.phases_world import PHASE_MAKES, SWITCHING_MAKES, live_by_phases
from tests.domain.grid.world import (
    FORGETS_WHEN_BOOTED,
    FORGETS_WHEN_CUT,
    GO_E,
    MAKES,
    RELATIVE,
    RELATIVE_GO_E,
    RUNS_FREE,
    SOUND,
    History,
    Make,
    live,
)
from tests.properties import few

SEEDS = few(range(40))


@cache
def histories(way: str, makes: Sequence[Make] = MAKES, seeds: Sequence[int] = SEEDS) -> tuple[History, ...]:
    return tuple(live(seed, way, makes) for seed in seeds)


def overloaded(found: Sequence[History]) -> list[int]:
    return [it.seed for it in found if it.overloads]


def test_by_the_book_of_grants_no_history_overloads_the_site() -> None:
    assert overloaded(histories("the book")) == []


def test_no_port_ever_draws_more_than_the_book_says() -> None:
    assert [it.seed for it in histories("the book") if it.above_book] == []


@pytest.mark.parametrize("way", ["all at once", "lower first"])
def test_without_the_book_the_same_histories_overload_it_so_that_this_can_fail(way: str) -> None:
    assert len(overloaded(histories(way, MAKES, range(12)))) >= 5


def test_a_book_that_is_written_after_the_frames_is_wrong_when_we_die_in_between() -> None:
    found = (live(seed, "the book, written last", MAKES) for seed in range(20))
    assert any(it.overloads or it.above_book for it in found)


def test_the_book_does_not_keep_the_site_safe_by_granting_nothing() -> None:
    seeds = SEEDS[:12]
    by_book = sum(it.granted_ma_s for it in histories("the book")[: len(seeds)])
    at_once = sum(it.granted_ma_s for it in histories("all at once", MAKES, seeds))
    assert by_book > 0.7 * at_once


def test_a_session_takes_thirty_frames_at_most() -> None:
    found = histories("the book")
    assert sum(it.frames for it in found) < 30 * sum(it.sessions for it in found)


@pytest.mark.parametrize("make", [GO_E, FORGETS_WHEN_CUT, FORGETS_WHEN_BOOTED, RUNS_FREE], ids=lambda it: it.name)
def test_whatever_a_firmware_forgets_the_site_is_safe(make: Make) -> None:
    found = histories("the book", (SOUND, make), range(100, 106))
    assert overloaded(found) == []
    assert not any(it.above_book for it in found)


# Of the last a lease came two minutes late, and went on for longer than the book counted it.
@pytest.mark.parametrize("seeds", [range(200, 212), range(1890, 1891)])
def test_leases_that_count_from_when_they_come_are_over_when_the_book_says_so(seeds: range) -> None:
    found = histories("the book", (RELATIVE, RELATIVE_GO_E, RUNS_FREE), seeds)
    assert overloaded(found) == []
    assert not any(it.above_book for it in found)


# By how many phases.


@cache
def by_phases(way: str, makes: Sequence[Make] = PHASE_MAKES, seeds: Sequence[int] = range(12)) -> tuple[History, ...]:
    return tuple(live_by_phases(seed, way, makes) for seed in seeds)


# In the last of each a default that moved was taken for a broken firmware's, or came late by a copy.
@pytest.mark.parametrize(
    ("makes", "seeds"), [(PHASE_MAKES, (*few(range(8)), 18, 185, 251)), (SWITCHING_MAKES, (*few(range(6)), 130))]
)
def test_whatever_chargers_make_of_one_phase_no_conductor_carries_too_much(
    makes: Sequence[Make], seeds: Sequence[int]
) -> None:
    found = by_phases("proven", makes, seeds)
    assert overloaded(found) == []
    assert [it.seed for it in found if it.above_book] == []
    assert sum(it.switched for it in found) >= 5


def test_a_charger_that_is_believed_at_its_word_draws_more_than_the_book_says_so_that_this_can_fail() -> None:
    assert any(live_by_phases(seed, "believes words", PHASE_MAKES).above_book for seed in (0, 7, 9))
