"""What a composite schedule proves of a firmware, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.chargers.charging_ability import LearntAbility
from chalicelib.domain.grid.firmware import Firmware, ShownSchedule, awaits_proof, proven, silence_ma
from chalicelib.domain.grid.grants import Loss, PortPage, Trust, confirmed, default_pushed, lost, repeated, trusted
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE, ROAMS_FOR, Period, push_of
from chalicelib.domain.grid.page_events import EventKind, PageEvent, heard
from tests.domain.grid.test_grants import PAGE, PORT, T0, S, sent

NEW = Firmware(name="new")
LATE = T0 + ROAMS_FOR + S
# What is left of a lease of T0 then.
LEFT = LEASE - ROAMS_FOR - 2 * S


def shown(asked_at: datetime, *limits: tuple[timedelta, int], lasting: timedelta = 2 * LEASE) -> ShownSchedule:
    periods = tuple(Period(asked_at + after, limit_ma) for after, limit_ma in limits)
    return ShownSchedule(asked_at=asked_at, periods=periods, until=asked_at + lasting)


NOW = timedelta(0)


def with_lease() -> PortPage:
    return confirmed(sent(replace(PAGE, trust=Trust.UNKNOWN), "a", 16_000, T0), "a", T0 + S)


@pytest.mark.parametrize(
    ("after_ma", "falls_back"),
    [(6_000, True), (6_400, True), (0, True), (7_000, False), (16_000, False), (32_000, False)],
)
def test_a_schedule_past_the_lease_proves_what_silence_leaves(after_ma: int, falls_back: bool) -> None:
    it = shown(T0 + 2 * S, (NOW, 16_000), (LEASE, after_ma))
    assert proven(NEW, with_lease(), it).learnt.falls_back is falls_back


def test_one_that_does_not_reach_past_the_lease_proves_nothing() -> None:
    it = shown(T0 + 2 * S, (NOW, 16_000), lasting=LEASE)
    assert proven(NEW, with_lease(), it) == NEW
    assert silence_ma(with_lease(), it) is None


def test_one_in_which_the_lease_does_not_stand_proves_nothing() -> None:
    assert proven(NEW, with_lease(), shown(T0 + 2 * S, (NOW, 6_000))) == NEW


def test_a_lease_that_is_as_the_default_proves_nothing() -> None:
    page = confirmed(sent(replace(PAGE, trust=Trust.UNKNOWN), "a", 6_000, T0), "a", T0 + S)
    assert proven(NEW, page, shown(T0 + 2 * S, (NOW, 6_000))) == NEW
    assert not awaits_proof(NEW, page)


@pytest.mark.parametrize("twice", [True, False])
def test_while_anything_else_may_arrive_nothing_is_proven_of_silence(twice: bool) -> None:
    page = sent(replace(PAGE, trust=Trust.UNKNOWN), "a", 16_000, T0)
    page = repeated(page, "a", T0 + S) if twice else default_pushed(page, push_of("d", 6_000, T0))
    page = confirmed(page, "a", T0 + 2 * S)
    assert not awaits_proof(NEW, page)
    assert proven(NEW, page, shown(T0 + 3 * S, (NOW, 16_000), (LEASE, 6_000))) == NEW


def after_loss(by: Loss, at: datetime = LATE) -> PortPage:
    return lost(with_lease(), by, at, Trust.UNKNOWN)


@pytest.mark.parametrize("by", Loss)
@pytest.mark.parametrize(
    ("now_ma", "later_ma", "keeps"),
    [(16_000, 6_000, True), (6_000, 6_000, True), (0, 0, True), (32_000, 32_000, False), (16_000, 16_000, False)],
)
def test_what_a_charger_shows_when_it_is_back_is_what_it_kept(
    by: Loss, now_ma: int, later_ma: int, keeps: bool
) -> None:
    found = proven(NEW, after_loss(by), shown(LATE + S, (NOW, now_ma), (LEFT, later_ma)))
    assert found.keeps(by) is keeps
    assert found.keeps(Loss.BOOT if by is Loss.RECONNECT else Loss.RECONNECT) is None


def test_what_was_sent_shortly_before_or_after_may_be_what_is_shown_and_proves_nothing() -> None:
    early = after_loss(Loss.RECONNECT, at=T0 + 60 * S)
    assert not awaits_proof(NEW, early)
    assert proven(NEW, early, shown(T0 + 61 * S, (NOW, 6_000))) == NEW
    told = default_pushed(after_loss(Loss.RECONNECT), push_of("d", 6_000, LATE + S))
    assert proven(NEW, told, shown(LATE + 2 * S, (NOW, 6_000))) == NEW


def test_a_schedule_asked_for_before_the_charger_was_cut_is_none_of_after_it() -> None:
    assert proven(NEW, after_loss(Loss.BOOT), shown(LATE - S, (NOW, 16_000), (LEASE, 6_000))).keeps_when_booted is None


def test_a_firmware_is_trusted_once_all_three_are_proven_and_never_while_one_is_disproven() -> None:
    learnt = LearntAbility(falls_back=True, keeps_when_cut=True)
    assert NEW.trust is Trust.UNKNOWN
    assert replace(NEW, learnt=learnt).trust is Trust.UNKNOWN
    assert replace(NEW, learnt=learnt, keeps_when_booted=True).trust is Trust.PROVEN
    assert replace(NEW, learnt=learnt, keeps_when_booted=False).trust is Trust.DISPROVEN
    assert replace(NEW, keeps_when_booted=False).trust is Trust.DISPROVEN


def test_a_default_that_is_shown_again_after_a_boot_counts_again() -> None:
    page = after_loss(Loss.BOOT)
    page = replace(page, read_name="r", read_at=LATE + S)
    it = shown(LATE + S, (NOW, 16_000), (LEFT, 6_000))
    event = PageEvent(port_id=PORT, kind=EventKind.SHOWN, at=LATE + 2 * S, name="r", shown=it)
    page = trusted(heard(page, event), Trust.PROVEN)
    assert (page.default_ma, page.expected_ma, page.read_name) == (6_000, None, "")
    other = replace(event, name="another")
    assert heard(after_loss(Loss.BOOT), other) == after_loss(Loss.BOOT)


def test_a_lease_by_a_clock_that_is_slow_is_still_in_the_schedule_a_minute_later() -> None:
    it = shown(T0 + 2 * S, (NOW, 16_000), (LEASE + CLOCK_SLACK - 10 * S, 6_000))
    assert proven(NEW, with_lease(), it).learnt.falls_back is True
