"""Uptime follows from the history, by the letter of two laws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.chargers.availability import Condition, Happening, LineChanged, StatusChanged, spells, uptime
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(minutes=525_600)
ONE = ConnectorId(1)


def line(minutes: float, online: bool) -> LineChanged:
    return LineChanged(NOW + timedelta(minutes=minutes), online)


def status(minutes: float, word: ConnectorStatus, connector: ConnectorId | None = ONE) -> StatusChanged:
    return StatusChanged(NOW + timedelta(minutes=minutes), connector, word)


def percents(
    happenings: Sequence[Happening], until: timedelta = YEAR, excluded_min: int = 0
) -> tuple[float | None, float | None]:
    found = uptime(spells(happenings, ONE, NOW, NOW + until), timedelta(minutes=excluded_min))
    return tuple(None if it is None else float(it) for it in (found.uk_percent, found.us_percent))  # type: ignore[return-value]


def test_a_year_without_trouble_is_100_percent() -> None:
    assert percents([line(-1, True), status(-1, ConnectorStatus.AVAILABLE)]) == (100, 100)


def test_5256_minutes_of_fault_in_a_year_are_1_percent_in_both_laws() -> None:
    history: list[Happening] = [
        line(-1, True),
        status(100, ConnectorStatus.FAULTED),
        status(5356, ConnectorStatus.AVAILABLE),
    ]
    assert percents(history) == (99, 99)


def test_an_outage_beyond_the_operators_control_is_taken_off_the_us_figure() -> None:
    history: list[Happening] = [line(-1, True), line(100, False), line(5356, True)]
    assert percents(history) == (100, 99)
    assert percents(history, excluded_min=2628) == (100, 99.5)


def test_offline_is_not_measured_in_the_uk_and_down_in_the_us() -> None:
    assert percents([line(-1, True), line(0, False)]) == (100, 0)


def test_a_charger_nobody_heard_of_is_unknown() -> None:
    assert [it.condition for it in spells([], ONE, NOW, NOW + YEAR)] == [Condition.UNKNOWN]
    assert percents([]) == (None, None)


def test_what_was_before_the_first_word_is_not_measured() -> None:
    assert percents([line(262_800, True)]) == (100, 100)


def test_a_socket_that_is_back_within_two_minutes_was_never_away() -> None:
    history: list[Happening] = [line(-1, True)]
    for hours in range(2, 24, 2):
        history += [line(hours * 60, False), line(hours * 60 + 1.5, True)]
    assert percents(history, timedelta(days=1)) == (100, 100)


def test_a_line_that_is_down_at_the_end_counts_from_its_first_second() -> None:
    found = spells([line(-1, True), line(59, False)], ONE, NOW, NOW + timedelta(hours=1))
    assert [(it.condition, it.lasted) for it in found] == [
        (Condition.WORKING, timedelta(minutes=59)),
        (Condition.OFFLINE, timedelta(minutes=1)),
    ]


@pytest.mark.parametrize("word", list(ConnectorStatus))
def test_only_faulted_and_unavailable_are_out_of_order(word: ConnectorStatus) -> None:
    (spell,) = spells([line(-2, True), status(-1, word)], ONE, NOW, NOW + YEAR)
    broken = word in (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE)
    assert spell.condition is (Condition.NOT_WORKING if broken else Condition.WORKING)


def test_a_charger_out_of_order_takes_its_connectors_with_it() -> None:
    history: list[Happening] = [
        line(-2, True),
        status(-1, ConnectorStatus.AVAILABLE),
        status(0, ConnectorStatus.FAULTED, None),
    ]
    assert percents(history) == (0, 0)


def test_another_connectors_fault_is_its_own() -> None:
    history: list[Happening] = [line(-2, True), status(-1, ConnectorStatus.FAULTED, ConnectorId(2))]
    assert percents(history) == (100, 100)


HAPPENINGS = st.lists(
    st.builds(line, st.floats(-100, 2000), st.booleans())
    | st.builds(status, st.floats(-100, 2000), st.sampled_from(ConnectorStatus), st.sampled_from([ONE, None])),
    max_size=12,
)


@given(HAPPENINGS)
def test_spells_leave_no_gap_and_count_no_minute_twice(happenings: list[Happening]) -> None:
    until = NOW + timedelta(days=1)
    found = spells(happenings, ONE, NOW, until)
    assert (found[0].began_at, found[-1].ended_at) == (NOW, until)
    assert all(before.ended_at == after.began_at for before, after in pairwise(found))
    known = uptime(found)
    assert known.measured + known.unknown == timedelta(days=1)
    if known.us_percent is not None and known.uk_percent is not None:
        assert 0 <= known.us_percent <= known.uk_percent <= 100
