"""One phase or three: when a charge is switched, what proves that its charger does so, and what it counts meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.chargers.charging_ability import LearntAbility, ProfileForm, RateUnit
from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.grid.firmware import OnePhase, ShownSchedule, awaits_proof, proven
from chalicelib.domain.grid.grants import (
    Loss,
    PortPage,
    Trust,
    asked,
    confirmed,
    default_pushed,
    held,
    lost,
    schedule_asked,
    session_over,
    shown_by_one,
)
from chalicelib.domain.grid.leases import CLOCK_SLACK, LEASE, ROAMS_FOR, Period, lease_of, push_of
from chalicelib.domain.grid.one_phase import SwitchFacts, considered, metered, standing
from chalicelib.domain.grid.port_look import OrderKind
from chalicelib.domain.grid.tree import Draw, PortCurrent, PortId, Switching
from tests.domain.grid.test_grants import PORT, T0, S
from tests.domain.grid.test_orders import ONE, SOUND, TWO, Desk, need, page_of

ALL = PortCurrent.by_all
SWITCHES = replace(SOUND, one_phase=OnePhase(shown=True, kept_when_cut=True, kept_when_booted=True, drawn=True))
KEPT = replace(SOUND, one_phase=OnePhase(kept_when_cut=True, kept_when_booted=True))
# The charge that it was for, and none.
PAGE = PortPage(port_id=PORT, most_ma=32_000, trust=Trust.PROVEN, default_ma=0)


def told(page: PortPage, name: str, limit_ma: int, at: datetime, phases: int | None = 1) -> PortPage:
    return confirmed(asked(page, lease_of(name, limit_ma, at, "S1", phases)), name, at + S)


def look(at: datetime, *currents_ma: int | None) -> Draw:
    first, second, third = currents_ma
    return Draw(at=at, current_ma=(first, second, third), granted_ma=10_000)


BY_ONE = [look(T0 + 60 * S, 9_900, 0, 0), look(T0 + 120 * S, 9_900, 0, 0)]
BY_THREE = [look(T0 + 60 * S, 9_900, 9_900, 9_900), look(T0 + 120 * S, 9_900, 9_900, 9_900)]


# What a port holds, by conductor.


def test_a_grant_by_one_phase_counts_by_all_until_the_meter_has_shown_one_twice() -> None:
    page = told(PAGE, "a", 10_000, T0)
    assert held(page, T0 + 60 * S) == ALL(10_000)
    page, _ = metered(page, SWITCHES, BY_ONE[:1])
    assert held(page, T0 + 60 * S) == ALL(10_000)
    page, _ = metered(page, SWITCHES, BY_ONE)
    assert held(page, T0 + 121 * S) == PortCurrent(10_000, 0)


def test_an_offline_default_counts_by_all_of_a_port_that_was_switched() -> None:
    page = shown_by_one(told(replace(PAGE, default_ma=6_000), "a", 10_000, T0), "S1")
    assert held(page, T0 + 60 * S) == PortCurrent(10_000, 6_000)
    pushed = default_pushed(page, push_of("d", 8_000, T0 + 60 * S))
    assert held(pushed, T0 + 60 * S) == PortCurrent(10_000, 8_000)


def test_three_phases_count_from_their_sending() -> None:
    page = shown_by_one(told(PAGE, "a", 10_000, T0), "S1")
    page = told(page, "still", 0, T0 + 60 * S)
    page = asked(page, lease_of("b", 8_000, T0 + 120 * S, "S1"))
    assert held(page, T0 + 120 * S) == ALL(8_000)


def test_a_frame_that_roams_and_comes_after_the_switch_counts_by_all() -> None:
    page = asked(PAGE, lease_of("late", 8_000, T0, "S1"))
    page = shown_by_one(told(page, "a", 10_000, T0 + 60 * S), "S1")
    assert held(page, T0 + 60 * S) == PortCurrent(10_000, 8_000)


def test_when_its_lease_is_over_its_default_counts_by_all() -> None:
    page = shown_by_one(told(replace(PAGE, default_ma=6_000), "a", 10_000, T0), "S1")
    assert held(page, T0 + LEASE + CLOCK_SLACK) == ALL(6_000)


def test_another_car_is_not_counted_by_the_phases_of_the_one_before() -> None:
    page = shown_by_one(told(PAGE, "a", 10_000, T0), "S1")
    page = session_over(page, "S1", T0 + 60 * S)
    assert held(page, T0 + 61 * S) == ALL(0)
    other = asked(page, lease_of("b", 8_000, T0 + 90 * S, "S2", 1))
    assert held(other, T0 + 90 * S) == ALL(8_000)


def test_a_boot_ends_what_was_shown_and_a_new_socket_does_not_where_firmware_provably_keeps_it() -> None:
    page = shown_by_one(told(PAGE, "a", 10_000, T0), "S1")
    assert held(lost(page, Loss.BOOT, T0 + 60 * S, Trust.PROVEN), T0 + 60 * S) == ALL(10_000)
    assert held(lost(page, Loss.RECONNECT, T0 + 60 * S, Trust.PROVEN), T0 + 60 * S) == PortCurrent(10_000, 0)


def test_a_firmware_that_is_not_proven_any_more_counts_by_all() -> None:
    page = shown_by_one(told(PAGE, "a", 10_000, T0), "S1")
    page, _ = metered(page, KEPT, ())
    assert held(page, T0 + 60 * S) == ALL(10_000)


def test_one_reading_by_more_phases_makes_it_count_by_all_and_two_disprove_its_firmware() -> None:
    page = shown_by_one(told(PAGE, "a", 10_000, T0), "S1")
    once, firmware = metered(page, SWITCHES, [BY_ONE[0], BY_THREE[1]])
    assert (held(once, T0 + 121 * S), firmware.switches) == (ALL(10_000), True)
    twice, firmware = metered(page, SWITCHES, BY_THREE)
    assert (held(twice, T0 + 121 * S), firmware.switches) == (ALL(10_000), False)


@pytest.mark.parametrize("currents_ma", [(0, 0, 0), (9_900, None, None), (None, None, None), (0, 9_900, 0)])
def test_a_meter_that_shows_nothing_or_another_phase_is_no_proof(
    currents_ma: tuple[int | None, ...],
) -> None:
    page = told(PAGE, "a", 10_000, T0)
    after, _ = metered(page, SWITCHES, [look(it.at, *currents_ma) for it in BY_ONE])
    assert held(after, T0 + 121 * S) == ALL(10_000)


def test_a_grant_that_had_to_be_put_as_a_default_holds_for_the_next_car_too() -> None:
    """Of a charger that takes no TxProfile; by one phase it never counts."""
    form = ProfileForm(ProfilePurpose.DEFAULT, ProfileKind.ABSOLUTE, RateUnit.AMPERES, 1)
    for phases in (None, 1):
        lease = replace(lease_of("a", 10_000, T0, "S1", phases), form=form)
        page = shown_by_one(confirmed(asked(PAGE, lease), "a", T0 + S), "S1" if phases else "")
        assert held(page, T0 + S) == ALL(10_000)
        over = session_over(page, "S1", T0 + 60 * S)
        assert held(over, T0 + 600 * S) == ALL(10_000)
        assert held(over, T0 + LEASE + CLOCK_SLACK) == ALL(0)


# A firmware's proof.


def shows(at: datetime, *periods: tuple[timedelta, int, int | None]) -> ShownSchedule:
    found = tuple(Period(at + after, limit_ma, phases) for after, limit_ma, phases in periods)
    return ShownSchedule(asked_at=at, periods=found, until=at + 2 * LEASE)


def back(by: Loss) -> PortPage:
    """A port with a default by one phase, whose charger was away."""
    page = replace(PAGE, default_ma=6_000, default_phases=1, told_at=T0 - ROAMS_FOR)
    return lost(page, by, T0, Trust.PROVEN)


@pytest.mark.parametrize("by", Loss)
@pytest.mark.parametrize("phases", [1, 3, None])
def test_whether_it_keeps_one_phase_is_shown_by_its_schedule_when_it_is_back(by: Loss, phases: int | None) -> None:
    assert awaits_proof(SOUND, back(by))
    found = proven(SOUND, back(by), shows(T0 + S, (timedelta(0), 6_000, phases)))
    assert found.one_phase.kept(by) is (phases == 1)
    assert found.trust is Trust.PROVEN
    assert not awaits_proof(found, back(by))


def test_a_default_that_was_put_by_all_since_proves_nothing_of_one_phase() -> None:
    page = default_pushed(replace(PAGE, default_ma=6_000, default_phases=1), push_of("d", 6_000, T0 - 2 * ROAMS_FOR))
    page = lost(page, Loss.BOOT, T0, Trust.PROVEN)
    assert proven(SOUND, page, shows(T0 + S, (timedelta(0), 6_000, 3))).one_phase == OnePhase()


def test_a_default_that_was_put_and_not_shown_before_the_charger_was_away_is_no_forgetting() -> None:
    page = default_pushed(PAGE, push_of("d", 6_000, T0 - 2 * ROAMS_FOR))
    page = lost(page, Loss.RECONNECT, T0, Trust.PROVEN)
    assert proven(SOUND, page, shows(T0 + S, (timedelta(0), 6_000, None))).trust is Trust.PROVEN


def test_a_charger_that_does_not_show_a_default_by_one_phase_is_not_tried_on() -> None:
    page = default_pushed(replace(PAGE, default_ma=6_000), push_of("d", 6_000, T0 - 60 * S, phases=1))
    page = replace(page, pushes=tuple(replace(it, answered_at=T0 - 50 * S) for it in page.pushes))
    page = schedule_asked(page, "r", T0)
    found = proven(SOUND, page, shows(T0, (timedelta(0), 6_000, None)))
    assert found.one_phase.is_disproven
    assert proven(SOUND, page, shows(T0, (timedelta(0), 6_000, 1))) == SOUND


def test_a_cars_charge_proves_what_is_left_by_schedule_and_meter_and_only_by_both() -> None:
    page = told(replace(PAGE, default_ma=6_000), "a", 10_000, T0)
    assert awaits_proof(KEPT, page)
    _, unshown = metered(page, KEPT, BY_ONE)
    assert unshown.one_phase.drawn is None
    schedule = shows(T0 + 60 * S, (timedelta(0), 10_000, 1), (LEASE, 6_000, 3))
    half = proven(KEPT, page, schedule)
    assert (half.one_phase.shown, half.switches) == (True, False)
    _, whole = metered(page, half, BY_ONE)
    assert whole.switches
    _, liar = metered(page, half, BY_THREE)
    assert liar.one_phase.is_disproven


# A charge's standing.


FACTS = SwitchFacts(session_id="S1", is_possible=True, car_phases=3, is_fed=True)


def test_a_car_that_charges_by_three_tries_a_firmware_of_which_all_else_is_proven_once_and_not_for_long() -> None:
    tried = standing(None, FACTS, PAGE, KEPT, T0)
    assert tried == Switching(is_one=True, left=1, is_trial=True, other_since=T0)
    assert standing(tried, FACTS, PAGE, KEPT, T0 + 599 * S) == tried
    assert standing(tried, FACTS, PAGE, KEPT, T0 + 600 * S) == Switching(left=0)
    assert standing(tried, FACTS, PAGE, SWITCHES, T0 + 60 * S) == Switching(left=0)
    for facts, firmware in (
        (replace(FACTS, car_phases=None), KEPT),
        (replace(FACTS, is_fed=False), KEPT),
        (replace(FACTS, is_possible=False), KEPT),
        (FACTS, SOUND),
        (FACTS, replace(KEPT, one_phase=replace(KEPT.one_phase, drawn=False))),
        (FACTS, replace(KEPT, learnt=LearntAbility())),
    ):
        is_one = (standing(None, facts, PAGE, firmware, T0) or Switching()).is_one
        assert is_one is (firmware.one_phase == KEPT.one_phase and facts == FACTS)


def test_it_is_switched_when_that_has_been_better_for_five_minutes_and_back_for_fifteen_and_never_again() -> None:
    now = Switching()
    now = considered(now, T0, wants_one=True)
    assert considered(now, T0 + 299 * S, wants_one=True) == now
    assert considered(now, T0 + 60 * S, wants_one=False) == Switching()
    now = considered(now, T0 + 300 * S, wants_one=True)
    assert (now.is_one, now.left) == (True, 1)
    now = considered(now, T0 + 400 * S, wants_one=False)
    assert considered(now, T0 + 1_299 * S, wants_one=False).is_one
    now = considered(now, T0 + 1_300 * S, wants_one=False)
    assert now == Switching(left=0)
    assert considered(considered(now, T0, wants_one=True), T0 + 9_000 * S, wants_one=True) == Switching(left=0)


def test_where_it_is_not_possible_any_more_it_goes_back_to_three() -> None:
    one = Switching(is_one=True, is_shown=True, left=1)
    back_now = standing(one, replace(FACTS, is_possible=False), PAGE, SWITCHES, T0)
    assert back_now is not None
    assert (back_now.is_one, back_now.is_shown) == (False, False)


# The frames of a switch.


def test_a_switch_goes_through_nothing_and_its_confirmation_both_ways() -> None:
    desk = Desk(replace(page_of(), default_ma=0))
    wants = need(10_000, default_ma=0, firmware=SWITCHES)
    (first,) = desk.look(wants)
    desk.confirm(first)
    by_one = replace(wants, phases=1)
    for wanted, phases in ((by_one, 1), (wants, None)):
        (pause,) = desk.look(wanted, after=60 * S)
        assert (pause.limit_ma, pause.is_lowering) == (0, True)
        assert pause.lease is not None
        assert pause.lease.phases is (None if phases == 1 else 1)
        # Not until it has said so, and had the time.
        assert not any(it.limit_ma for it in desk.look(wanted, after=30 * S))
        desk.confirm(pause)
        assert desk.look(wanted, after=9 * S) == ()
        (raise_,) = desk.look(wanted, after=S)
        assert raise_.lease is not None
        assert (raise_.limit_ma, raise_.lease.phases) == (10_000, phases)
        desk.confirm(raise_)


def test_a_car_that_waits_is_told_one_phase_at_once_where_its_default_is_nothing() -> None:
    desk = Desk(replace(page_of(), default_ma=0))
    (order,) = desk.look(need(6_000, default_ma=0, phases=1, firmware=SWITCHES))
    assert order.lease is not None
    assert (order.limit_ma, order.lease.phases) == (6_000, 1)


def test_one_that_may_be_drawing_its_default_is_paused_first() -> None:
    desk = Desk(page_of())
    (order,) = desk.look(need(10_000, phases=1, firmware=SWITCHES))
    assert (order.limit_ma, order.lease and order.lease.phases) == (0, None)


def test_one_phase_waits_for_the_room_of_three_until_it_was_shown_and_then_for_that_of_one() -> None:
    def fits(by_port: Mapping[PortId, PortCurrent]) -> bool:
        first_ma = sum(it.first_ma for it in by_port.values())
        others_ma = sum(it.others_ma for it in by_port.values())
        return first_ma <= 20_000 and others_ma <= 10_000

    other = replace(told(PAGE, "x", 10_000, T0), port_id=TWO)
    desk = Desk(replace(page_of(ONE), default_ma=0), other, fits=fits)
    wants = need(8_000, default_ma=0, phases=1, firmware=SWITCHES)
    assert desk.look(wants, after=60 * S) == ()
    desk.put(shown_by_one(desk.page(TWO), "S1"))
    (order,) = desk.look(wants, after=S)
    assert (order.kind, order.limit_ma) == (OrderKind.GRANT, 8_000)


def test_a_renewal_by_one_phase_counts_so_from_its_sending() -> None:
    desk = Desk(shown_by_one(told(replace(PAGE, port_id=ONE), "a", 10_000, T0), "S1"))
    (order,) = desk.look(need(10_000, default_ma=0, phases=1, firmware=SWITCHES), after=LEASE / 2)
    assert order.kind is OrderKind.GRANT
    assert held(desk.page(), desk.at) == PortCurrent(10_000, 0)


def test_an_older_grant_by_three_that_nobody_answered_is_settled_by_one_frame_more() -> None:
    page = asked(replace(PAGE, port_id=ONE), lease_of("late", 10_000, T0, "S1"))
    desk = Desk(shown_by_one(told(page, "a", 10_000, T0 + 20 * S), "S1"))
    wants = need(10_000, default_ma=0, phases=1, firmware=SWITCHES)
    assert desk.look(wants, after=140 * S) == ()
    (order,) = desk.look(wants, after=20 * S)
    desk.confirm(order)
    assert held(desk.page(), desk.at) == PortCurrent(10_000, 0)


def test_a_quiet_port_proves_one_phase_by_its_default_cut_and_booted_and_has_three_again() -> None:
    desk = Desk(page_of())
    quiet = need(None, session_id=None, is_quiet=True, firmware=SOUND, default_phases=1)
    (push,) = desk.look(quiet)
    assert (push.kind, push.limit_ma, push.phases) == (OrderKind.DEFAULT, 6_000, 1)
    page = replace(desk.page(), pushes=(), default_phases=1, unread=0)
    desk.put(page)
    (cut,) = desk.look(quiet, after=ROAMS_FOR)
    assert cut.kind is OrderKind.CUT
    desk.put(replace(desk.page(), proof_at=None))
    kept = replace(SOUND, one_phase=OnePhase(kept_when_cut=True))
    (reset,) = desk.look(replace(quiet, firmware=kept), after=S)
    assert reset.kind is OrderKind.RESET
    (again,) = desk.look(replace(quiet, firmware=KEPT, default_phases=None), after=S)
    assert (again.kind, again.phases) == (OrderKind.DEFAULT, None)
