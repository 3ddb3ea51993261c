"""Fleets that come back: none sooner than the door allows, and chance is what helps."""

from __future__ import annotations

import random

from cli.storm import WAITS, Waiting, quickest_s, simulate


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
