"""HiGHS behind the port: the cheapest amounts, or nothing, never the zeros that it shows when it has failed."""

from __future__ import annotations

import pytest

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.programs import LinearProgram


def program(*, at_least: float = 3.0, most: float = 2.0) -> LinearProgram:
    """Two amounts, the second twice as dear, that are together at least so much."""
    found = LinearProgram()
    terms = [(found.amount(cost=cost, most=most), 1.0) for cost in (1.0, 2.0)]
    found.limit(terms, at_least=at_least)
    return found


def test_the_cheapest_amounts_are_found() -> None:
    assert Highs().solve(program()) == pytest.approx([2.0, 1.0])


def test_where_nothing_is_possible_there_is_no_answer_rather_than_zeros() -> None:
    assert Highs().solve(program(at_least=5.0)) is None


def test_where_nothing_is_cheapest_there_is_no_answer() -> None:
    endless = LinearProgram()
    endless.amount(cost=-1.0)
    endless.limit([(0, 1.0)], at_least=0.0)
    assert Highs().solve(endless) is None


def test_who_has_no_time_has_no_answer() -> None:
    assert Highs(time_limit_s=0.0).solve(program()) is None


def test_one_solver_after_another_answers_the_same() -> None:
    assert [Highs().solve(program()) for _ in range(2)] == [Highs().solve(program())] * 2
