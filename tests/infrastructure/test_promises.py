"""A promise's alarm rings in an outage, not at one failed start in a quiet night, and is silent again afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.handlers.sessions.routes import CHARGING_RETRY_MS
from cli.fleet import Fleet
from infrastructure import alarms, promises
from infrastructure.cloudwatch import MOST_METRICS, Formula, Joined, Metric
from infrastructure.stage import Stage
from tests.infrastructure.metric_math import Series, computed, rings, statistic

STAGE = Stage("prod")
EVERYTHING = alarms.everything(STAGE)
BURNS = [it for it in EVERYTHING if isinstance(it, Joined) and "-burn-" in it.name]
DAY = 24 * 60
QUIET: tuple[()] = ()
Minutes = list[Sequence[float]]


def burn(name: str) -> Joined:
    (found,) = (it for it in BURNS if it.name == name)
    return found


def ringing(name: str, series: Series, minutes: range) -> list[int]:
    return [minute for minute in minutes if rings(burn(name), EVERYTHING, series, minute)]


def a_day(each: Sequence[float] = QUIET) -> Minutes:
    return [each for _ in range(DAY)]


def ours(starts: Minutes) -> Series:
    return {("Kerb", "StartCommand"): starts}


def ended(well: Minutes, badly: Minutes) -> Series:
    return {("AWS/States", "ExecutionsSucceeded"): well, ("Kerb", "SessionsFailed"): badly}


def test_each_promise_has_a_fast_and_a_slow_alarm_of_two_windows_each() -> None:
    assert {it.name for it in BURNS} == {
        f"{promise}-burn-{window}" for promise in ("sessions", "status", "start") for window in ("fast", "slow")
    }
    parts = {it.name: it for it in EVERYTHING if isinstance(it, Formula)}
    windows = {
        window: [(parts[f"start-burn-{window}-{it}"].period_s, parts[f"start-burn-{window}-{it}"].limit) for it in both]
        for window, both in (("fast", ("long", "short")), ("slow", ("long", "short")))
    }
    # The Site Reliability Workbook's table 5-8, of an allowance of 1 %.
    assert windows == {"fast": [(3600, 14.4), (300, 14.4)], "slow": [(21600, 6), (1800, 6)]}
    assert parts["sessions-burn-fast-long"].limit == 1.44


def test_a_fleet_whose_sessions_all_fail_rings_within_minutes_and_is_silent_soon_after_it_is_mended() -> None:
    """Three sessions end each minute; from ten o'clock on all break for an hour."""
    outage = range(600, 660)
    series = ended(
        [QUIET if minute in outage else [3] for minute in range(DAY)],
        [[3] if minute in outage else QUIET for minute in range(DAY)],
    )
    found = ringing("sessions-burn-fast", series, range(540, 720))
    # The hour before holds 177 good ones: three bad ones are 1.7 % already.
    assert found[0] in range(600, 603)
    assert found[-1] in range(659, 666)
    assert found == list(range(found[0], found[-1] + 1))
    assert not ringing("sessions-burn-slow", series, range(720, 780))


def test_an_api_that_answers_5xx_and_a_function_that_drops_frames_burn_the_same_promise() -> None:
    asked, failing = a_day([1] * 10), [[1] * 5 if minute >= 600 else [0] for minute in range(DAY)]
    api: Series = {("AWS/ApiGateway", "Count"): asked, ("AWS/ApiGateway", "5XXError"): failing}
    frames: Series = {("AWS/Lambda", "Invocations"): asked, ("AWS/Lambda", "Errors"): failing}
    for series in (api, frames):
        assert not ringing("sessions-burn-fast", series, range(590, 600))
        assert rings(burn("sessions-burn-fast"), EVERYTHING, series, 610)


def test_one_failed_start_in_a_quiet_night_rings_nothing() -> None:
    """Three sessions in the night, one of which breaks, and a late one of three starts."""
    one = a_day()
    one[185] = [1]
    well = a_day()
    well[100], well[300] = [1], [1]
    late = a_day()
    late[100], late[185], late[300] = [400], [9_000], [500]
    for window in ("fast", "slow"):
        assert not ringing(f"sessions-burn-{window}", ended(well, one), range(90, 600, 5))
        assert not ringing(f"start-burn-{window}", ours(late), range(90, 600, 5))


def test_nothing_at_all_rings_no_promise() -> None:
    for it in BURNS:
        assert not rings(it, EVERYTHING, {}, 600)


def test_a_quiet_night_in_which_everything_fails_rings_all_the_same() -> None:
    broken = a_day()
    for minute in (300, 318, 340):
        broken[minute] = [1]
    assert rings(burn("sessions-burn-fast"), EVERYTHING, ended(a_day(), broken), 341)


def test_a_small_leak_is_found_by_the_slow_alarm_only() -> None:
    """One of a hundred sessions breaks: ten times what is allowed."""
    series = ended(a_day([99]), a_day([1]))
    assert rings(burn("sessions-burn-slow"), EVERYTHING, series, 700)
    assert not rings(burn("sessions-burn-fast"), EVERYTHING, series, 700)


def test_what_is_allowed_rings_nothing_for_ever() -> None:
    series: Series = {**ended(a_day([999]), a_day([1])), **ours(a_day([100] * 99 + [4_000]))}
    for it in BURNS:
        assert not rings(it, EVERYTHING, series, 1_400)


def test_starts_that_take_longer_than_three_seconds_ring_and_those_that_take_three_do_not() -> None:
    assert not rings(burn("start-burn-fast"), EVERYTHING, ours(a_day([3_000] * 5)), 700)
    assert rings(burn("start-burn-fast"), EVERYTHING, ours(a_day([200, 200, 200, 3_001])), 700)


def test_statuses_that_are_stored_late_dropped_or_never_taken_up_ring() -> None:
    frames = ("AWS/ApiGateway", "IntegrationLatency")
    assert not rings(burn("status-burn-fast"), EVERYTHING, {frames: a_day([40] * 10)}, 700)
    assert rings(burn("status-burn-fast"), EVERYTHING, {frames: a_day([40, 40, 40, 1_501])}, 700)
    for what in ("Errors", "Throttles"):
        series = {frames: a_day([40] * 8), ("AWS/Lambda", what): a_day([2])}
        assert rings(burn("status-burn-fast"), EVERYTHING, series, 700), what


def test_a_status_is_seen_within_ten_seconds_where_it_is_stored_in_time() -> None:
    """The longest that a driver's page waits before it asks again, and for the answer."""
    answer_ms = Fleet(1, 1).live_answer_s * 1000
    assert promises.STATUS_STORED_MS + CHARGING_RETRY_MS + answer_ms <= promises.STATUS_MS


@given(well=st.integers(0, 10_000), badly=st.integers(0, 10_000))
def test_a_window_rings_exactly_when_more_than_its_share_and_more_than_two_fail(well: int, badly: int) -> None:
    (long,) = (it for it in EVERYTHING if it.name == "sessions-burn-fast-long")
    assert isinstance(long, Formula)
    values: dict[str, float | None] = dict.fromkeys(long.of)
    found = computed(long.expression, values | {"ended": float(well), "ours": float(badly)})
    # Of a workflow that ends in good order though its session broke both are counted.
    assert found is not None
    assert (found > long.limit) == (badly >= 3 and 100 * badly > long.limit * (well + badly))


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=200))
def test_late_starts_are_counted_of_the_percentile_rank_to_the_last_one(took_ms: list[int]) -> None:
    (short,) = (it for it in EVERYTHING if it.name == "start-burn-fast-short")
    assert isinstance(short, Formula)
    values = {name: statistic(it.statistic, took_ms) for name, it in short.of.items()}
    found = computed(short.expression, values)
    late = sum(it > promises.START_MS for it in took_ms)
    assert found == pytest.approx(100 * late / len(took_ms), abs=1e-6)


def test_no_formula_looks_at_more_than_cloudwatch_lets_it() -> None:
    for it in EVERYTHING:
        if isinstance(it, Formula):
            assert len(it.of) <= MOST_METRICS, it.name
            assert len(it.expression) <= 2048, it.name
            # One that is evaluated once an hour rings nobody in time: only what says whether chargers were ever heard.
            assert it.period_s * it.periods <= 24 * 3600 or it.name == "chargers-known"


def test_a_formulas_figures_are_those_that_it_names() -> None:
    for it in EVERYTHING:
        if isinstance(it, Formula) and it.of:
            assert computed(it.expression, dict.fromkeys(it.of, 1.0)) is not None
            for name in it.of:
                assert name in it.expression
                assert isinstance(it.of[name], Metric)
