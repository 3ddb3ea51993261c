"""What falls silent is told, a deployment that nobody uses is not; and each alarm says what its own silence means."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from chalice import Rate
from chalice.app import ScheduledEventConfig

import app as switchboard
from chalicelib.wiring import HEARTBEAT_S
from cli.standing import METRICS
from infrastructure import absence, alarms, canary, dashboard, edge_alarms, queues
from infrastructure.cloudwatch import Alarm, Any_, Formula, Joined
from infrastructure.stage import Stage
from local.gateway import Limits
from tests.infrastructure.metric_math import Series, rings

STAGE = Stage("prod")
EVERYTHING = alarms.everything(STAGE)
EDGE = edge_alarms.alarms(STAGE)
FRAMES, CONNECTS = ("AWS/ApiGateway", "MessageCount"), ("AWS/ApiGateway", "ConnectCount")
DAY = 24 * 60
QUIET: tuple[()] = ()


def named(name: str) -> Any_:
    (found,) = (it for it in EVERYTHING if it.name == name)
    return found


def rung(name: str, series: Series, minute: int) -> bool:
    return rings(named(name), EVERYTHING, series, minute)


def until(minute: int, each: Sequence[float], days: int = 9) -> list[Sequence[float]]:
    return [each if it < minute else QUIET for it in range(days * DAY)]


def test_an_account_in_which_no_charger_was_ever_heard_rings_nothing() -> None:
    for name in ("frames-absent", "connects-absent"):
        assert not rung(name, {}, 8 * DAY)


def test_chargers_that_fall_silent_are_told_of_within_half_an_hour_and_until_they_are_back() -> None:
    silent = range(2 * DAY, 2 * DAY + 120)
    frames = [QUIET if it in silent else [2] for it in range(9 * DAY)]
    series: Series = {FRAMES: frames, CONNECTS: frames}
    assert not rung("frames-absent", series, 2 * DAY + 10)
    assert rung("frames-absent", series, 2 * DAY + 25)
    assert rung("frames-absent", series, 2 * DAY + 119)
    assert not rung("frames-absent", series, 2 * DAY + 121)


def test_one_charger_that_says_its_heartbeat_only_rings_nothing() -> None:
    beats: list[Sequence[float]] = [[2] if it % (HEARTBEAT_S // 60) == 0 else QUIET for it in range(3 * DAY)]
    comes_back: list[Sequence[float]] = [
        [1] if it % (Limits().lifetime_s // 60) == 0 else QUIET for it in range(3 * DAY)
    ]
    series: Series = {FRAMES: beats, CONNECTS: comes_back}
    for minute in range(DAY, 2 * DAY, 7):
        assert not rung("frames-absent", series, minute)
        assert not rung("connects-absent", series, minute)


def with_canary(frames: list[Sequence[float]], connects: list[Sequence[float]]) -> Series:
    """The same, and a canary that charges each five minutes."""
    rounds: list[Sequence[float]] = [[1] if it % canary.EVERY_MINUTES == 0 else QUIET for it in range(len(frames))]
    return {
        FRAMES: [[*said, *([canary.FRAMES_A_ROUND] if one else [])] for said, one in zip(frames, rounds, strict=True)],
        CONNECTS: [[*came, *one] for came, one in zip(connects, rounds, strict=True)],
        ("AWS/Lambda", "Invocations"): rounds,
        ("AWS/Lambda", "Errors"): [[0] if one else QUIET for one in rounds],
    }


def test_a_canary_is_no_charger() -> None:
    """It neither arms the alarms of a network without chargers, nor hides that all of them are silent."""
    empty = with_canary([QUIET] * (9 * DAY), [QUIET] * (9 * DAY))
    gone = with_canary(until(2 * DAY, [2]), until(2 * DAY, [1]))
    few = with_canary([[2] if it % 9 == 0 else QUIET for it in range(9 * DAY)], [[1]] * (9 * DAY))
    for name in ("frames-absent", "connects-absent"):
        assert not rung(name, empty, 8 * DAY), name
        assert not rung(name, gone, 2 * DAY - 1), name
        assert rung(name, gone, 2 * DAY + 200), name
        assert not any(rung(name, few, minute) for minute in range(3 * DAY, 3 * DAY + 60)), name


def test_a_network_that_is_given_up_is_quiet_a_week_later() -> None:
    series: Series = {FRAMES: until(DAY, [2], 12), CONNECTS: until(DAY, [1], 12)}
    assert rung("frames-absent", series, 5 * DAY)
    assert rung("connects-absent", series, 5 * DAY)
    for name in ("frames-absent", "connects-absent"):
        assert not rung(name, series, 9 * DAY)


def test_a_door_that_is_shut_is_told_of_within_a_quarter_of_an_hour_while_a_large_network_still_talks() -> None:
    series: Series = {FRAMES: [[2_000]] * (2 * DAY), CONNECTS: until(DAY, [150], 2)}
    assert not rung("connects-absent", series, DAY - 1)
    assert rung("connects-absent", series, DAY + 15)
    # A small one says too little: there it takes three hours.
    small: Series = {FRAMES: [[20]] * (2 * DAY), CONNECTS: until(DAY, [1], 2)}
    assert not rung("connects-absent", small, DAY + 60)
    assert rung("connects-absent", small, DAY + 181)


def test_what_is_waited_for_is_longer_than_the_slowest_charger_takes() -> None:
    assert absence.FRAMES_S > 2 * HEARTBEAT_S
    assert Limits().lifetime_s < absence.CONNECTS_S


def test_every_schedule_that_stops_is_told_of_after_more_than_one_round() -> None:
    seconds = {Rate.MINUTES: 60, "MINUTE": 60, Rate.HOURS: 3600, "HOUR": 3600}
    paces = {}
    for source in switchboard.app.event_sources:
        if isinstance(source, ScheduledEventConfig):
            rate = source.schedule_expression
            assert isinstance(rate, Rate)
            paces[source.name] = rate.value * seconds[rate.unit]
    assert paces.keys() == absence.SCHEDULES_S.keys()
    for name, pace in paces.items():
        assert absence.SCHEDULES_S[name] > 2 * pace
        assert rung(f"{name}-stopped", {}, 600)
        assert not rung(f"{name}-stopped", {("AWS/Lambda", "Invocations"): [[1]] * 600}, 599)


def test_every_queue_that_nobody_reads_is_told_of() -> None:
    """Also one whose messages are dropped unread, which no failure tells of."""
    watched = {
        metric.dimensions["QueueName"]: metric
        for it in EVERYTHING
        if isinstance(it, Formula)
        for metric in it.of.values()
        if metric.name == "ApproximateAgeOfOldestMessage"
    }
    by_itself = named("log-late")
    assert isinstance(by_itself, Alarm)
    assert by_itself.metric == "ApproximateAgeOfOldestMessage"
    assert watched.keys() == {STAGE.prefix + it for it in queues.NAMES if it != "log"}
    declared = queues.resources(STAGE)
    for name, seconds in absence.QUEUES_S.items():
        said = declared[queues.logical(name)]["Properties"]
        # One failure is no rest, and what is dropped for its age is missed before it is.
        assert said["VisibilityTimeout"] < seconds < said["MessageRetentionPeriod"], name


def test_a_queue_rings_when_its_oldest_message_is_too_old_and_not_when_it_failed_once() -> None:
    age = ("AWS/SQS", "ApproximateAgeOfOldestMessage")
    assert not rung("queues-unread", {}, 60)
    assert not rung("queues-unread", {age: [[200]] * 60}, 59)
    assert rung("queues-unread", {age: [[300]] * 60}, 59)


def test_no_figure_of_our_own_is_counted_that_nobody_sees() -> None:
    """What goes on after a failure tells of it by its figure alone: an alarm looks at it, or the page shows it."""
    (page,) = dashboard.resources(STAGE).values()
    shown = page["Properties"]["DashboardBody"]["Fn::Sub"]
    watched = {it.metric for it in EVERYTHING if isinstance(it, Alarm)}
    watched |= {metric.name for it in EVERYTHING if isinstance(it, Formula) for metric in it.of.values()}
    assert {name for name in METRICS if name not in watched and f'"{name}"' not in shown.replace("\\", "")} == set()
    assert {"LooksFailed", "PlansFailed"} <= watched


def test_one_site_that_fails_each_time_rings_and_one_look_that_failed_does_not() -> None:
    looks, plans = ("Kerb", "LooksFailed"), ("Kerb", "PlansFailed")
    assert rung("looks-failed", {looks: [[1]] * 60}, 59)
    assert not rung("looks-failed", {looks: [[1] if it == 55 else QUIET for it in range(60)]}, 59)
    assert rung("plans-failed", {plans: [[1] if it % 15 == 14 else QUIET for it in range(120)]}, 119)
    assert not rung("plans-failed", {plans: [[1] if it == 90 else QUIET for it in range(120)]}, 119)


def test_only_what_waits_for_something_takes_silence_for_trouble() -> None:
    """Of all others silence is no failure; of a certificate it changes nothing."""
    breaching = {it.name for it in [*EVERYTHING, *EDGE] if not isinstance(it, Joined) and it.when_silent == "breaching"}
    waiting = {f"{name}-stopped" for name in absence.SCHEDULES_S}
    waiting |= {"frames-none", "connects-none", "canary-absent"}
    assert breaching == waiting
    ignoring = {it.name for it in [*EVERYTHING, *EDGE] if not isinstance(it, Joined) and it.when_silent == "ignore"}
    assert ignoring == {"certificate-api", "certificate-chargers", "certificate-chargers-ecdsa"}


@pytest.mark.parametrize("alarm", [*EVERYTHING, *EDGE], ids=lambda it: it.name)
def test_every_alarm_names_the_one_that_rings_when_its_figure_is_absent_or_says_why_none_does(alarm: Any_) -> None:
    names = {it.name for it in EVERYTHING}
    named_there = alarm.silence.partition(",")[0]
    if re.fullmatch(r"[\w-]+", named_there):
        assert named_there in names
    else:
        assert len(alarm.silence.split()) > 4, alarm.silence


def test_every_part_belongs_to_an_alarm_that_rings_and_rings_nobody_itself() -> None:
    told = {name for it in EVERYTHING if isinstance(it, Joined) for name in re.findall(r"\{([\w-]+)\}", it.rule)}
    parts = {it.name for it in EVERYTHING if isinstance(it, Formula) and not it.rings}
    assert parts == told
