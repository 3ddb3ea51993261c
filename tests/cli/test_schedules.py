"""Every schedule keeps up with 500,000 chargers and 100,000 sessions a day: it is counted, and needs half its time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from chalice import Rate
from chalice.app import ScheduledEventConfig

import app as switchboard
from benchmarks.schedules import PREPARED
from chalicelib.handlers.schedules import ALONE, FOR_ONE, PARTS
from cli import fleet, schedules
from cli.pages import BIG
from cli.schedules import Work

WORK = schedules.work(BIG)
_SECONDS = {Rate.MINUTES: 60, "MINUTE": 60, Rate.HOURS: 3600, "HOUR": 3600, Rate.DAYS: 86400, "DAY": 86400}


def _id(work: Work) -> str:
    return f"{work.schedule} {work.part}"


def test_every_schedule_of_the_app_is_counted_at_its_own_pace() -> None:
    paces = {}
    for source in switchboard.app.event_sources:
        if isinstance(source, ScheduledEventConfig):
            rate = source.schedule_expression
            assert isinstance(rate, Rate)
            paces[source.name] = rate.value * _SECONDS[rate.unit]
    assert paces == fleet.SCHEDULES
    assert {it.schedule for it in WORK} == paces.keys()


def test_every_part_is_counted_in_as_many_invocations_as_it_has() -> None:
    parts = Counter(f"{schedule} {part.partition('/')[0]}" for schedule, told in PARTS.items() for part in told)
    given = {f"{schedule} {part}" for schedule, told in FOR_ONE.items() for part in told}
    assert {_id(it) for it in WORK} == parts.keys() | given
    assert {_id(it): it.invocations for it in WORK if _id(it) not in given} == parts


@pytest.mark.parametrize("work", WORK, ids=_id)
def test_no_part_needs_more_than_half_of_its_functions_time(work: Work) -> None:
    seconds, limit_s = work.seconds(BIG), schedules.limit_s(work.schedule)
    assert seconds <= schedules.HALF * limit_s
    # What it needs it also has: longer it does not go on.
    assert seconds <= ALONE.total_seconds()
    assert ALONE.total_seconds() <= schedules.HALF * limit_s


@pytest.mark.parametrize("work", WORK, ids=_id)
def test_every_items_calls_are_counted_and_none_of_nothing(work: Work) -> None:
    for items in work.items:
        assert items.number > 0
        assert not items.measured or schedules.measured()[items.measured]["calls"] > 0


def test_what_is_measured_is_what_is_counted() -> None:
    assert (
        {items.measured for it in WORK for items in it.items} - {""} == PREPARED.keys() == schedules.measured().keys()
    )


def test_what_schedules_find_to_do_is_in_the_bill() -> None:
    counted = {kind.removeprefix("found ") for kind in fleet.counts(BIG) if kind.startswith("found ")}
    assert counted == schedules.measured().keys()
    for kind, times in fleet.counts(BIG).items():
        taken = fleet.measured()["beside"].get(kind, {})
        # A notice is counted with its session.
        assert (
            not kind.startswith("found ") or (times > 0 and taken["calls"]["dynamodb.any"] > 0) or "notices not" in kind
        )
        assert not kind.startswith("found lists") or taken["write_units"], kind


def test_no_more_is_found_in_a_month_than_its_busiest_runs_would_find() -> None:
    most: Counter[str] = Counter()
    for it in WORK:
        for items in it.items:
            runs = fleet.SECONDS_A_MONTH / fleet.SCHEDULES[it.schedule]
            most[items.measured] += int(items.number * runs)
    # How many operators have a server, and so how many such invocations there are, nobody assumes.
    for part in schedules.measured().keys() - {"notices operator", "openadr operator"}:
        assert fleet.counts(BIG)[f"found {part}"] <= most[part], part


@pytest.mark.parametrize("part", ["sweep sessions", "notices notices", "lists lists", "claim transactions"])
def test_one_loop_would_not_keep_up(part: str) -> None:
    """Which is why there are shards: the count tells the one from the other."""
    (work,) = (it for it in WORK if _id(it) == part)
    assert replace(work, invocations=1).seconds(BIG) > schedules.HALF * schedules.limit_s(work.schedule)
