"""What can be true is billed, what cannot is flagged, and doubt is decided for the driver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pricing.evidence import Flag, Measured, Point, Said, is_consistent, measure, span

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
REGISTERS = st.integers(0, 10**9)


def points(*registers: int, every: timedelta = HOUR) -> list[Point]:
    return [Point(NOW + index * every, register) for index, register in enumerate(registers)]


@given(at=st.none() | TIMES, heard_at=TIMES)
def test_the_best_known_time_is_never_far_from_when_we_heard_of_it(at: datetime | None, heard_at: datetime) -> None:
    best = Said(at, heard_at).best
    assert heard_at - timedelta(days=90) <= best <= heard_at + timedelta(minutes=10)


@given(start=st.none() | TIMES, stop=st.none() | TIMES, heard=TIMES, later=st.timedeltas(timedelta(0), 20 * HOUR))
def test_no_charge_ends_before_it_begins(
    start: datetime | None, stop: datetime | None, heard: datetime, later: timedelta
) -> None:
    found = span(Said(start, heard), Said(stop, heard + later))
    assert found.began_at <= found.ended_at


def test_a_clock_that_goes_right_is_believed_to_the_second() -> None:
    found = span(Said(NOW, NOW + 5 * HOUR), Said(NOW + HOUR, NOW + 5 * HOUR))
    assert (found.began_at, found.ended_at, found.flags) == (NOW, NOW + HOUR, frozenset())


def test_a_stop_told_before_its_start_happened_is_doubted() -> None:
    found = span(Said(NOW, NOW), Said(NOW - HOUR, NOW + HOUR))
    assert (found.began_at, found.ended_at) == (NOW, NOW + HOUR)
    assert Flag.CLOCK_WRONG in found.flags


@given(st.lists(REGISTERS, min_size=2, max_size=12))
def test_energy_is_never_negative_nor_more_than_all_that_was_added(registers: list[int]) -> None:
    found = measure(points(*registers))
    assert found.energy_wh is not None
    rises = sum(max(0, after - before) for before, after in pairwise(registers))
    assert 0 <= found.energy_wh <= rises


@given(st.lists(st.integers(0, 100_000), min_size=2, max_size=12))
def test_a_meter_that_only_rises_is_billed_from_end_to_end(steps: list[int]) -> None:
    registers = [60_000 + sum(steps[: index + 1]) for index in range(len(steps))]
    assert measure(points(*registers)) == Measured(registers[-1] - registers[0], frozenset())


@given(st.lists(st.integers(0, 100_000), min_size=3, max_size=12), st.integers(1, 10))
def test_leaving_readings_out_changes_no_bill_of_a_meter_that_only_rises(steps: list[int], index: int) -> None:
    registers = points(*(60_000 + sum(steps[: number + 1]) for number in range(len(steps))))
    fewer = [it for number, it in enumerate(registers) if number != min(index, len(registers) - 2) or number == 0]
    assert measure(fewer).energy_wh == measure(registers).energy_wh


@pytest.mark.parametrize(
    ("registers", "energy_wh", "flags"),
    [
        ((1000,), None, {Flag.METER_MISSING}),
        ((), None, {Flag.METER_MISSING}),
        ((1000, 3000), 2000, set()),
        ((5000, 4000), 0, {Flag.METER_FELL}),
        ((1000, 1500, 0, 200, 300), 800, {Flag.METER_FELL}),
        ((1000, 9_000_000), 0, {Flag.METER_JUMPED}),
        ((0, 123_456, 125_000, 128_456), 5000, {Flag.METER_JUMPED}),
        ((0, 5000, 10_000), 10_000, set()),
    ],
)
def test_what_is_proven_is_counted(registers: tuple[int, ...], energy_wh: int | None, flags: set[Flag]) -> None:
    assert measure(points(*registers)) == Measured(energy_wh, frozenset(flags))


def test_no_points_contradict_each_other_if_there_are_none() -> None:
    assert is_consistent([])
