"""Fleets that come back: none sooner than the door allows, and chance is what helps."""

from __future__ import annotations

import random

from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.domain.chargers.socket_age import closing_age, longest
from chalicelib.wiring import HEARTBEAT_S
from cli.storm import AGEINGS, WAITS, Waiting, echoes, quickest_s, simulate


def test_nobody_is_back_sooner_than_the_door_allows() -> None:
    for waiting in WAITS[1:]:
        storm = simulate(500_000, 500, waiting)
        assert quickest_s(500_000, 500) == 1_000
        assert storm.half_s >= 500
        assert storm.all_s >= 1_000
        assert storm.knocks >= 1


def test_chargers_in_step_are_let_in_by_one_second_a_minute() -> None:
    """3,000 chargers, 500 a second, all in the same second each minute: six rounds, five waits."""
    storm = simulate(3_000, 500, Waiting("in step", 0, 60, 0))
    assert storm.all_s == 5 * 60
    assert storm.peak_per_s == 3_000


def test_a_few_seconds_of_chance_save_hours() -> None:
    in_step, by_chance = (simulate(500_000, 500, waiting).all_s for waiting in WAITS[:2])
    assert in_step > 30 * by_chance


def test_a_small_fleet_is_back_at_once() -> None:
    assert simulate(400, 500, Waiting("any", 0, 60, 0)).all_s == 0


def test_ocpp_2_doubles_the_last_wait_so_many_times_and_then_keeps_it() -> None:
    chance = random.Random(1)
    waiting = Waiting("2.x", 10, 0, 0, 3)
    waits = [waiting.wait_s(0, 0, chance)]
    for refusals in range(1, 6):
        waits.append(waiting.wait_s(refusals, waits[-1], chance))
    assert waits == [10, 20, 40, 80, 80, 80]


def test_a_storm_comes_back_every_two_hours_where_sockets_end_by_the_gateways_limit() -> None:
    by_gateway, _ = AGEINGS
    assert min(echoes(500_000, 500, by_gateway, 6)) > 450


def test_a_storm_does_not_come_back_where_we_end_sockets_at_an_age_of_their_own() -> None:
    """500,000 sockets in two hours are 70 a second; no minute after the storm has half as many again."""
    _, by_us = AGEINGS
    storm, *later = echoes(500_000, 500, by_us, 13)
    assert storm > 450
    assert max(later) < 1.5 * 500_000 / 7_200


def test_the_ages_simulated_are_those_that_sockets_are_given() -> None:
    _, by_us = AGEINGS
    ages = [closing_age(chance, HEARTBEAT_S, was_renewed=False).total_seconds() for chance in (0.0, 1.0)]
    oldest = longest(HEARTBEAT_S).total_seconds()
    assert (by_us.first_s[0], by_us.first_s[1] - HEARTBEAT_S) == tuple(ages)
    assert by_us.later_s == (oldest, oldest + HEARTBEAT_S)


def test_what_chargers_are_told_to_wait_is_what_was_simulated_as_best() -> None:
    """OCPP 2.x lets us say it: nobody is all back sooner at fewer knocks, and little is lost in good times."""
    profile = SetupProfile()
    told = (profile.reconnect_wait_s, profile.reconnect_spread_s, profile.reconnect_doublings)
    (ours,) = [it for it in WAITS if it.name.startswith("2.x") and (it.first_s, it.random_s, it.doublings) == told]
    others = [it for it in WAITS if it.name.startswith("2.x") and it is not ours]
    back_s = simulate(500_000, 500, ours).all_s
    assert all(back_s <= simulate(500_000, 500, it).all_s for it in others)
    assert ours.offline_percent < 0.25
