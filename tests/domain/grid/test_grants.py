"""The book of grants: at every moment no less than the charger may draw, and no more than it has to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.grants import (
    Loss,
    PortPage,
    Trust,
    asked,
    base_ma,
    confirmed,
    default_answered,
    default_pushed,
    default_shown,
    held_by_port,
    held_ma,
    ignored,
    lost,
    obeyed,
    refused,
    repeated,
    schedule_asked,
    session_over,
    told,
    unsent,
)
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE, ROAMS_FOR, Lease, Period, lease_of, push_of
from chalicelib.domain.grid.tree import PortCurrent, PortId

T0 = datetime(2026, 11, 30, 12, tzinfo=UTC)
S = timedelta(seconds=1)
PORT = PortId("CP-1", ConnectorId(1))
# A port whose charger keeps 6 A when nobody speaks to it, as was proven and shown.
PAGE = PortPage(port_id=PORT, most_ma=32_000, trust=Trust.PROVEN, default_ma=6_000)


def sent(page: PortPage, name: str, limit_ma: int, at: datetime) -> PortPage:
    return asked(page, lease_of(name, limit_ma, at, "S1"))


def shows(page: PortPage, limit_ma: int, asked_at: datetime) -> PortPage:
    """After a composite schedule that was asked for then."""
    return default_shown(schedule_asked(page, "r", asked_at), limit_ma)


def test_a_port_that_was_told_nothing_holds_its_default() -> None:
    assert held_ma(PAGE, T0) == 6_000
    assert held_by_port([PAGE], T0) == {PORT: PortCurrent.by_all(6_000)}


def test_a_raise_counts_from_its_sending_and_a_lowering_from_its_answer() -> None:
    page = sent(PAGE, "a", 16_000, T0)
    assert held_ma(page, T0) == 16_000
    page = sent(confirmed(page, "a", T0 + S), "b", 8_000, T0 + 60 * S)
    assert held_ma(page, T0 + 60 * S) == 16_000
    page = confirmed(page, "b", T0 + 62 * S)
    assert held_ma(page, T0 + 62 * S) == 8_000


def test_less_than_the_default_holds_the_default_all_the_same() -> None:
    page = confirmed(sent(PAGE, "a", 0, T0), "a", T0 + S)
    assert held_ma(page, T0 + S) == 6_000


def test_a_grant_that_was_never_answered_is_held_until_its_lease_has_ended_by_any_clock() -> None:
    page = sent(PAGE, "a", 16_000, T0)
    assert held_ma(page, T0 + LEASE + CLOCK_SLACK - S) == 16_000
    assert held_ma(page, T0 + LEASE + CLOCK_SLACK) == 6_000


def test_a_lowering_that_overtook_an_unanswered_raise_does_not_take_it_off_the_book() -> None:
    """The raise may be on its way still, and arrive after the lowering was answered."""
    page = sent(sent(PAGE, "raise", 16_000, T0), "lower", 8_000, T0 + 2 * S)
    page = confirmed(page, "lower", T0 + 4 * S)
    assert held_ma(page, T0 + 4 * S) == 16_000
    late = confirmed(page, "raise", T0 + 5 * S)
    assert held_ma(late, T0 + 5 * S) == 16_000
    late = confirmed(sent(late, "again", 8_000, T0 + 6 * S), "again", T0 + 8 * S)
    assert held_ma(late, T0 + 8 * S) == 8_000


def test_what_can_no_longer_be_on_its_way_is_replaced_by_the_next_word_that_is_answered() -> None:
    page = sent(PAGE, "lost", 16_000, T0)
    page = sent(page, "next", 8_000, T0 + ROAMS_FOR)
    assert held_ma(page, T0 + ROAMS_FOR) == 16_000
    assert held_ma(confirmed(page, "next", T0 + ROAMS_FOR + S), T0 + ROAMS_FOR + S) == 8_000


def test_of_a_grant_sent_twice_the_second_copy_may_arrive_after_the_answer_to_the_first() -> None:
    page = repeated(sent(PAGE, "twice", 16_000, T0), "twice", T0 + 10 * S)
    page = confirmed(page, "twice", T0 + 11 * S)
    page = confirmed(sent(page, "lower", 8_000, T0 + 12 * S), "lower", T0 + 13 * S)
    assert held_ma(page, T0 + 13 * S) == 16_000
    at = T0 + 10 * S + ROAMS_FOR
    page = confirmed(sent(page, "later", 8_000, at), "later", at + S)
    assert held_ma(page, at + S) == 8_000


def test_an_earlier_grant_that_is_sent_once_more_is_not_replaced_by_those_sent_in_between() -> None:
    page = sent(PAGE, "a", 16_000, T0)
    later = T0 + ROAMS_FOR
    page = repeated(sent(page, "b", 8_000, later), "a", later + S)
    assert held_ma(confirmed(page, "b", later + 2 * S), later + 2 * S) == 16_000


def test_a_refused_grant_is_off_the_book_and_one_refused_after_it_was_sent_twice_is_not() -> None:
    once = refused(sent(PAGE, "a", 16_000, T0), "a", T0 + S)
    assert (held_ma(once, T0 + S), once.refusals) == (6_000, 1)
    twice = refused(repeated(sent(PAGE, "a", 16_000, T0), "a", T0 + 10 * S), "a", T0 + 11 * S)
    assert held_ma(twice, T0 + 11 * S) == 16_000


def test_what_is_known_not_to_have_gone_out_is_off_the_book_unless_it_did_before() -> None:
    assert held_ma(unsent(sent(PAGE, "a", 16_000, T0), "a", T0), T0) == 6_000
    assert held_ma(unsent(repeated(sent(PAGE, "a", 16_000, T0), "a", T0 + 10 * S), "a", T0), T0 + 10 * S) == 16_000


def test_an_answer_that_comes_twice_or_to_nothing_changes_nothing() -> None:
    page = confirmed(sent(PAGE, "a", 16_000, T0), "a", T0 + S)
    assert confirmed(page, "a", T0 + 9 * S) == page
    assert confirmed(page, "unknown", T0 + 9 * S) == page
    assert refused(page, "a", T0 + 9 * S) == page


def test_each_period_of_a_plan_is_held_for_its_own_quarter() -> None:
    quarter = timedelta(minutes=15)
    limits = (10_000, 16_000, 8_000)
    periods = tuple(Period(T0 + number * quarter, it) for number, it in enumerate(limits))
    plan = Lease(name="p", periods=periods, ends_at=T0 + 3 * quarter, sent_at=T0, last_sent_at=T0, session_id="S1")
    page = confirmed(asked(PAGE, plan), "p", T0 + S)
    assert [held_ma(page, T0 + number * quarter + S) for number in range(3)] == [10_000, 16_000, 8_000]
    assert held_ma(page, T0 + S, T0 + quarter) == 10_000
    assert held_ma(page, T0 + S, T0 + LEASE) == 16_000
    assert held_ma(page, T0 + 3 * quarter + CLOCK_SLACK) == 6_000


def test_nothing_that_a_lease_grants_now_is_above_what_it_holds_at_any_moment_to_come() -> None:
    page = confirmed(sent(PAGE, "a", 16_000, T0), "a", T0 + S)
    later = [held_ma(page, T0 + minutes * timedelta(minutes=1)) for minutes in range(120)]
    assert later == sorted(later, reverse=True)
    assert held_ma(page, T0 + S, T0 + 2 * LEASE) == 16_000


def test_an_answer_of_the_moment_in_which_something_else_was_sent_is_not_of_before() -> None:
    """Both were on their way at once, and who was first is not known."""
    page = confirmed(sent(sent(PAGE, "raise", 16_000, T0), "lower", 8_000, T0), "raise", T0)
    assert held_ma(confirmed(page, "lower", T0), T0) == 16_000


# Defaults.


def test_a_lower_default_counts_once_it_was_shown_and_a_higher_one_once_it_was_sent() -> None:
    page = default_pushed(PAGE, push_of("d", 0, T0))
    page = default_answered(page, "d", T0 + S)
    assert held_ma(page, T0 + S) == 6_000
    assert held_ma(shows(page, 0, T0 + 2 * S), T0 + 3 * S) == 0
    assert held_ma(default_pushed(PAGE, push_of("d", 10_000, T0)), T0) == 10_000


def test_a_word_is_no_proof_of_a_default() -> None:
    new = PortPage(port_id=PORT, most_ma=32_000, trust=Trust.PROVEN)
    one = default_answered(default_pushed(new, push_of("d", 6_000, T0)), "d", T0 + S)
    assert held_ma(one, T0 + S) == 32_000
    assert held_ma(shows(one, 32_000, T0 + 2 * S), T0 + 3 * S) == 32_000
    assert held_ma(shows(one, 6_000, T0 + 2 * S), T0 + 3 * S) == 6_000


def test_a_schedule_asked_for_before_a_default_was_confirmed_proves_nothing_of_it() -> None:
    page = schedule_asked(default_pushed(PAGE, push_of("d", 0, T0)), "r", T0 + 2 * S)
    page = default_answered(page, "d", T0 + 5 * S)
    assert held_ma(default_shown(page, 0), T0 + 6 * S) == 6_000


def test_a_default_that_may_still_arrive_stays_beside_the_one_that_was_shown() -> None:
    page = default_pushed(default_pushed(PAGE, push_of("old", 10_000, T0)), push_of("new", 6_000, T0 + 12 * S))
    page = default_answered(page, "new", T0 + 13 * S)
    page = shows(page, 6_000, T0 + 14 * S)
    assert held_ma(page, T0 + 15 * S) == 10_000
    later = T0 + ROAMS_FOR + S
    assert held_ma(shows(page, 6_000, later), later + S) == 6_000


# Boots, sockets, firmwares.


def test_what_nobody_has_proven_of_a_firmware_is_not_counted_on() -> None:
    page = confirmed(sent(replace(PAGE, trust=Trust.UNKNOWN), "a", 8_000, T0), "a", T0 + S)
    assert (held_ma(page, T0 + S), told(page, T0 + S).first_ma) == (32_000, 8_000)
    bad = replace(page, trust=Trust.DISPROVEN)
    assert (held_ma(bad, T0 + S), told(bad, T0 + S).first_ma, base_ma(bad)) == (32_000, 32_000, 32_000)


@pytest.mark.parametrize("by", Loss)
def test_a_charger_that_provably_keeps_its_profiles_holds_what_it_held_when_it_comes_back(by: Loss) -> None:
    page = confirmed(sent(PAGE, "a", 16_000, T0), "a", T0 + S)
    back = lost(page, by, T0 + 60 * S, Trust.PROVEN)
    assert held_ma(back, T0 + 60 * S) == 16_000
    assert back.lost_at == T0 + 60 * S
    again = confirmed(sent(back, "b", 10_000, T0 + 61 * S), "b", T0 + 62 * S)
    assert (held_ma(again, T0 + 62 * S), again.lost_at) == (10_000, None)


@pytest.mark.parametrize("by", Loss)
@pytest.mark.parametrize("trust", [Trust.UNKNOWN, Trust.DISPROVEN])
def test_any_other_that_comes_back_is_at_its_maximum_until_its_default_was_shown(by: Loss, trust: Trust) -> None:
    page = lost(confirmed(sent(PAGE, "a", 16_000, T0), "a", T0 + S), by, T0 + 60 * S, trust)
    assert (held_ma(page, T0 + 60 * S), page.default_ma, page.expected_ma) == (32_000, None, 6_000)


def test_an_answer_to_what_was_sent_before_a_boot_is_no_word_of_what_holds_after_it() -> None:
    page = lost(sent(PAGE, "a", 16_000, T0), Loss.BOOT, T0 + 5 * S, Trust.PROVEN)
    assert confirmed(page, "a", T0 + 6 * S).lost_at == T0 + 5 * S


# Charges.


def test_a_grant_ends_with_its_charge_but_for_copies_that_still_travel() -> None:
    page = confirmed(sent(PAGE, "a", 16_000, T0), "a", T0 + S)
    assert held_ma(session_over(page, "S1", T0 + 60 * S), T0 + 60 * S) == 6_000
    assert held_ma(session_over(page, "another", T0 + 60 * S), T0 + 60 * S) == 16_000
    travels = session_over(sent(PAGE, "a", 16_000, T0), "S1", T0 + 2 * S)
    assert held_ma(travels, T0 + ROAMS_FOR - S) == 16_000
    assert held_ma(travels, T0 + ROAMS_FOR) == 6_000


def test_a_port_that_ignores_its_grant_is_at_its_maximum_until_it_was_seen_to_keep_one() -> None:
    page = ignored(confirmed(sent(PAGE, "a", 8_000, T0), "a", T0 + S), T0 + 60 * S)
    assert held_ma(page, T0 + 60 * S) == held_ma(session_over(page, "S1", T0 + 90 * S), T0 + 90 * S) == 32_000
    assert held_ma(obeyed(page), T0 + 99 * S) == 8_000


def test_a_copy_of_a_default_that_was_shown_may_come_after_the_lower_one_that_followed() -> None:
    page = repeated(default_pushed(PAGE, push_of("high", 10_000, T0)), "high", T0 + 10 * S)
    page = default_answered(page, "high", T0 + 11 * S)
    page = default_shown(schedule_asked(page, "r", T0 + 20 * S), 10_000)
    page = default_answered(default_pushed(page, push_of("low", 0, T0 + 30 * S)), "low", T0 + 31 * S)
    page = default_shown(schedule_asked(page, "s", T0 + 40 * S), 0)
    assert held_ma(page, T0 + 41 * S) == 10_000
