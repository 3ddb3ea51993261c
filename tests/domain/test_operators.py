"""Alarms open with their cause, close once it has been gone for a while, and do neither more often than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.operators import ALARM_RULES, AlarmKind, AlarmRule, Finding, Severity, Subject, looked_at

T0 = datetime(2026, 11, 30, tzinfo=UTC)
RULE = AlarmRule(severity=Severity.CRITICAL, quiet_for=timedelta(minutes=5))
S = timedelta(seconds=1)


def episodes(
    changes: list[tuple[datetime, bool]], until: datetime, *, late_s: int = 0
) -> list[tuple[datetime, datetime | None]]:
    """Openings and closings, looked at with every change, so much late, and whenever the subject itself asks."""
    looks = [at + late_s * S for at, _ in changes]
    subject: Subject | None = None
    found: list[tuple[datetime, datetime | None]] = []
    while True:
        due = [it for it in (*looks[:1], *((subject.look_at,) if subject else ())) if it <= until]
        if not due:
            return found
        at = min(due)
        if looks and looks[0] <= at:
            looks.pop(0)
        past = [it for it in changes if it[0] <= at]
        is_there = bool(past) and past[-1][1]
        had_cause = subject is not None and subject.has_cause
        subject = looked_at(subject, Finding(is_there=is_there), RULE, at)
        has_cause = subject is not None and subject.has_cause
        if has_cause and not had_cause:
            found.append((at, None))
        elif had_cause and not has_cause:
            found[-1] = (found[-1][0], at)


def test_what_flaps_every_half_minute_for_a_day_is_one_alarm() -> None:
    changes = [(T0 + 30 * number * S, number % 2 == 0) for number in range(24 * 120)]
    ((opened, closed),) = episodes(changes, T0 + timedelta(days=2))
    assert opened == T0
    assert closed is not None
    assert closed - changes[-1][0] == RULE.quiet_for


@given(st.lists(st.integers(1, 299), min_size=1, max_size=60), st.integers(0, 20))
def test_however_it_flaps_within_the_quiet_time_it_is_one_alarm(pauses: list[int], late_s: int) -> None:
    at, changes = T0, [(T0, True)]
    for number, pause in enumerate((*pauses, *([1] if len(pauses) % 2 == 0 else ()))):
        # A pause that is shorter than a look is late may be seen by nobody; so is none.
        at += (pause + late_s) * S
        changes.append((at, number % 2 == 1))
    found = episodes(changes, at + timedelta(days=1), late_s=late_s)
    gone = max(later - earlier for (earlier, _), (later, _) in pairwise(changes)) if len(changes) > 1 else 0 * S
    if gone + late_s * S < RULE.quiet_for:
        assert len(found) == 1
    assert all(closed is not None for _, closed in found)


@given(st.lists(st.tuples(st.integers(1, 4000), st.booleans()), max_size=40))
def test_an_alarm_closes_only_after_the_quiet_time_and_then_surely(steps: list[tuple[int, bool]]) -> None:
    at, changes = T0, list[tuple[datetime, bool]]()
    for pause, is_there in steps:
        at += pause * S
        changes.append((at, is_there))
    for opened, closed in episodes(changes, at + timedelta(days=1)):
        there = [it for it in changes if it[0] <= opened]
        assert there[-1][1]
        if closed is None:
            assert changes[-1][1]
            continue
        last = [it for it in changes if it[0] <= closed][-1]
        assert not last[1]
        gone_since = next(it[0] for it in reversed(changes) if it[0] <= closed and not _was_there_before(changes, it))
        assert closed - gone_since >= timedelta(0)
        assert closed >= max(it[0] for it in changes if it[1] and it[0] <= closed) + RULE.quiet_for


def _was_there_before(changes: list[tuple[datetime, bool]], change: tuple[datetime, bool]) -> bool:
    return change[1]


def test_a_cause_that_is_gone_counts_from_when_it_went_and_not_from_when_somebody_looked() -> None:
    subject = looked_at(None, Finding(is_there=True), RULE, T0)
    later = T0 + timedelta(hours=2)
    gone = Finding(is_there=False, gone_since=later - timedelta(minutes=6))
    assert looked_at(subject, gone, RULE, later) is None


def test_what_only_time_may_bring_about_is_watched_without_an_alarm() -> None:
    look_at = T0 + timedelta(days=3)
    watched = looked_at(None, Finding(is_there=False, look_at=look_at), RULE, T0)
    assert watched == Subject(look_at=look_at)
    assert not watched.has_cause
    opened = looked_at(watched, Finding(is_there=True), RULE, look_at)
    assert opened is not None
    assert opened.has_cause


@pytest.mark.parametrize("kind", AlarmKind)
def test_each_kind_has_its_rule_and_opens_within_a_minute(kind: AlarmKind) -> None:
    assert ALARM_RULES[kind].after < timedelta(seconds=55)
