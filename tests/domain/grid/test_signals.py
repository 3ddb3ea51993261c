"""Signals by quarters of an hour: means, gaps, newer words, and how long they are good for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.energy import days_of, series_of
from chalicelib.domain.grid.signals import (
    Guidance,
    Series,
    Signal,
    SignalRow,
    TimedValue,
    guidance,
    quarter_of,
)

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MINUTE, QUARTER, HOUR = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)


def test_an_hours_price_is_that_of_each_of_its_quarters() -> None:
    series = Series.of([TimedValue(AT, AT + HOUR, -5_000)])
    assert series.row(AT, 6) == (-5_000,) * 4
    assert series.known_until(AT + 20 * MINUTE) == AT + HOUR


def test_what_changes_within_a_quarter_is_its_mean() -> None:
    spans = [
        TimedValue(AT + it * 5 * MINUTE, AT + (it + 1) * 5 * MINUTE, value) for it, value in enumerate((100, 200, 301))
    ]
    assert Series.of(spans).row(AT, 2) == (200,)


def test_a_price_and_its_negative_are_rounded_alike() -> None:
    halves = [TimedValue(AT, AT + 7.5 * MINUTE, 1), TimedValue(AT + 7.5 * MINUTE, AT + QUARTER, 2)]
    negative = [TimedValue(it.begins_at, it.ends_at, -it.value) for it in halves]
    assert Series.of(halves).row(AT, 1) == (2,)
    assert Series.of(negative).row(AT, 1) == (-2,)


def test_a_quarter_that_is_covered_in_part_is_not_known() -> None:
    assert Series.of([TimedValue(AT + 5 * MINUTE, AT + 2 * QUARTER, 7)]).values == {
        int((AT + QUARTER).timestamp()) // 900: 7
    }


def test_a_row_ends_at_the_first_gap() -> None:
    series = Series.of([TimedValue(AT, AT + HOUR, 1), TimedValue(AT + 2 * HOUR, AT + 3 * HOUR, 2)])
    assert series.row(AT, 12) == (1,) * 4
    assert series.row(AT + HOUR, 4) == ()
    assert series.known_until(AT + HOUR) is None


def test_two_values_for_one_time_are_refused() -> None:
    with pytest.raises(ValueError, match="two values for 2026-11-30T12:15"):
        Series.of([TimedValue(AT, AT + HOUR, 1), TimedValue(AT + QUARTER, AT + 2 * HOUR, 2)])


def test_the_newer_word_counts_and_the_older_stands_where_it_is_silent() -> None:
    older = Signal(rows={SignalRow.CARBON: Series.of([TimedValue(AT, AT + HOUR, 1)])}, told_at=AT)
    newer = Signal(rows={SignalRow.CARBON: Series.of([TimedValue(AT + 2 * QUARTER, AT + HOUR, 2)])})
    assert older.joined(newer).series(SignalRow.CARBON).row(AT, 4) == (1, 1, 2, 2)


def test_of_prices_in_another_currency_nothing_is_left() -> None:
    older = Signal(rows={SignalRow.PRICE: Series.of([TimedValue(AT, AT + HOUR, 1)])}, currency="BGN")
    newer = Signal(rows={SignalRow.PRICE: Series.of([TimedValue(AT + HOUR, AT + 2 * HOUR, 2)])}, currency="EUR")
    together = older.joined(newer)
    assert (together.series(SignalRow.PRICE).row(AT, 4), together.currency) == ((), "EUR")


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), Guidance.PLAN),
        (2 * HOUR, Guidance.PLAN),
        (2 * HOUR + MINUTE, Guidance.LAST_PLAN),
        (24 * HOUR, Guidance.LAST_PLAN),
        (24 * HOUR + MINUTE, Guidance.FAIR_SHARE),
    ],
)
def test_a_stale_signal_leaves_the_last_plan_and_a_lost_one_the_fair_share(age: timedelta, expected: Guidance) -> None:
    assert guidance(AT - age, AT) is expected


def test_who_has_no_signal_from_outside_is_always_planned_by_what_is_known() -> None:
    assert guidance(None, AT) is Guidance.PLAN


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1_900_000, 1_900_400), st.integers(-(10**9), 10**9)))
def test_days_are_taken_apart_and_put_together_again(values: dict[int, int]) -> None:
    assert series_of(days_of(Series(values))).values == values


def test_a_quarter_is_found_by_any_of_its_moments() -> None:
    assert quarter_of(AT + 14 * MINUTE) == AT
