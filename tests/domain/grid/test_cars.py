"""What is learnt of a car from its meter, and what its neighbours get of what it leaves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Draw, Node, PortId
from local.simulate.memory import Memory
from tests.domain.grid.sites import AT, claim, looks, port, port_id, site

ONE, OTHER = port_id(1), port_id(2)
TWO_PORTS = site([port(1, step_ma=1_000), port(2, step_ma=1_000)], 40)


def test_what_a_car_leaves_for_two_looks_goes_to_others_but_for_an_ampere_to_try_it_with() -> None:
    leaves_some = claim(1, draws=looks((20, 10), (20, 10)))
    grants = share(TWO_PORTS, [leaves_some, claim(2)], AT)
    assert grants.limit_ma == {ONE: 11_000, OTHER: 29_000}
    assert grants.car_most_ma == {ONE: 10_000}
    assert grants.bounds[ONE] is None


def test_one_look_is_no_proof() -> None:
    assert share(TWO_PORTS, [claim(1, draws=looks((20, 10))), claim(2)], AT).limit_ma == {ONE: 20_000, OTHER: 20_000}
    woke = claim(1, draws=looks((20, 10), (20, 20)))
    assert share(TWO_PORTS, [woke, claim(2)], AT).limit_ma == {ONE: 20_000, OTHER: 20_000}


def test_a_car_that_takes_what_it_is_tried_with_is_tried_with_an_ampere_more() -> None:
    grown = claim(1, car_most_ma=10_000, draws=looks((11, 11), (11, 11)))
    assert share(TWO_PORTS, [grown, claim(2)], AT).limit_ma[ONE] == 12_000
    whole = claim(1, car_most_ma=31_000, draws=looks((32, 32), (32, 32)))
    assert share(TWO_PORTS, [whole], AT).car_most_ma == {ONE: 32_000}


def test_a_car_that_takes_all_that_its_port_gives_is_known_to_and_stays_so_while_it_is_paused() -> None:
    grants = share(TWO_PORTS, [claim(1, draws=looks((32, 32), (32, 31.6)))], AT)
    assert grants.car_most_ma == {ONE: 32_000}
    paused = claim(1, car_most_ma=32_000, draws=looks((0, 0), (0, 0)))
    assert share(TWO_PORTS, [paused], AT).car_most_ma == {ONE: 32_000}
    tapering = claim(1, car_most_ma=32_000, draws=looks((32, 20), (32, 20)))
    assert share(TWO_PORTS, [tapering], AT).car_most_ma == {ONE: 20_000}


def test_a_car_that_takes_all_of_less_than_its_port_gives_may_take_more() -> None:
    assert share(TWO_PORTS, [claim(1, draws=looks((16, 16), (16, 16)))], AT).car_most_ma == {}


def test_what_a_grant_holds_back_is_no_limit_of_the_car() -> None:
    held_back = claim(1, car_most_ma=16_000, draws=looks((8, 8), (8, 8)))
    assert share(TWO_PORTS, [held_back], AT).car_most_ma == {ONE: 16_000}


def test_a_car_that_takes_less_and_less_is_followed_down() -> None:
    tapering = claim(1, car_most_ma=16_000, draws=looks((17, 13), (17, 12)))
    assert share(TWO_PORTS, [tapering, claim(2)], AT).limit_ma == {ONE: 14_000, OTHER: 26_000}


@pytest.mark.parametrize("phases", [1, 2, 3])
def test_the_phases_of_a_car_are_learnt_and_what_it_does_not_use_is_free(phases: int) -> None:
    seen = claim(1, draws=looks((20, 20), (20, 20), phases=phases))
    grants = share(TWO_PORTS, [seen, claim(2)], AT)
    assert grants.car_phases == {ONE: phases}
    third_phase = Node(node_id="third", limit_ma=(None, None, 10_000))
    tree = replace(TWO_PORTS, nodes=(third_phase,), ports=tuple(replace(it, node_id="third") for it in TWO_PORTS.ports))
    assert share(tree, [seen], AT).limit_ma == {ONE: 10_000 if phases == 3 else 32_000}


def test_a_car_that_begins_to_use_more_phases_is_believed_at_once() -> None:
    switched = claim(1, car_phases=1, draws=(*looks((16, 16), phases=1), *looks((16, 16), phases=3)))
    assert share(TWO_PORTS, [switched], AT).car_phases == {ONE: 3}


def test_a_meter_of_one_phase_says_nothing_of_the_others() -> None:
    draws = tuple(Draw(at=AT, current_ma=(6_000, None, None), granted_ma=6_000) for _ in range(2))
    assert share(TWO_PORTS, [claim(1, draws=draws)], AT).car_phases == {}


def test_a_car_that_takes_nothing_gets_only_what_others_leave_until_it_is_tried_again() -> None:
    tree = site([port(1), port(2)], 10)
    sleeper = claim(1, turn_since=AT - timedelta(minutes=2), draws=looks((6, 0), (6, 0)))
    grants = share(tree, [sleeper, claim(2)], AT)
    assert grants.limit_ma == {ONE: 0, OTHER: 10_000}
    assert grants.idle_since == {ONE: AT}
    waits = claim(1, idle_since=AT - timedelta(minutes=14))
    assert share(tree, [waits, claim(2, served_wh=9_000)], AT).limit_ma == {ONE: 0, OTHER: 10_000}
    tried = claim(1, idle_since=AT - timedelta(minutes=15))
    assert share(tree, [tried, claim(2, served_wh=9_000)], AT).limit_ma == {ONE: 6_000, OTHER: 0}


def test_a_car_that_woke_is_a_car_like_others() -> None:
    woke = claim(1, idle_since=AT - timedelta(minutes=3), draws=looks((6, 6), (6, 6)))
    grants = share(TWO_PORTS, [woke, claim(2)], AT)
    assert grants.limit_ma == {ONE: 20_000, OTHER: 20_000}
    assert grants.idle_since == {}


def charged(most_a: Sequence[float], noise_ma: Callable[[], int], minutes: int = 15) -> list[dict[PortId, int]]:
    """The grants of so many minutes, to cars that take no more than this and meters that err."""
    tree = site([port(number, step_ma=1_000) for number in range(len(most_a))], 60)
    memory = Memory(tree)
    found = []
    for minute in range(minutes):
        at = AT + timedelta(minutes=minute)
        grants = memory.share([claim(number) for number in range(len(most_a))], at).limit_ma
        found.append(dict(grants))
        for number, most in enumerate(most_a):
            granted_ma = grants[port_id(number)]
            taken_ma = round(min(most * 1000, granted_ma)) + noise_ma()
            memory.look(f"s-{number}", Draw(at=at, current_ma=(taken_ma,) * 3, granted_ma=granted_ma))
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(6, 32), min_size=1, max_size=4), st.integers())
@example([6, 6, 19], 0)
def test_half_an_ampere_of_noise_changes_nothing(most_a: list[int], seed: int) -> None:
    chance = random.Random(seed)
    assert charged(most_a, lambda: chance.randint(-499, 499)) == charged(most_a, lambda: 0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(6, 32), min_size=1, max_size=4), st.integers())
def test_noise_cannot_keep_grants_from_settling_whatever_a_car_takes(most_a: list[float], seed: int) -> None:
    chance = random.Random(seed)
    grants = charged(most_a, lambda: chance.randint(-500, 500), minutes=30)
    for number, most in enumerate(most_a):
        course = [it[port_id(number)] for it in grants]
        own_ma = most * 1000
        assert len(set(course[2:])) <= 4
        assert course[-1] >= min(own_ma, course[0]) - 1_500


def test_one_look_minutes_after_the_last_is_proof_where_it_is_no_echo_of_the_grant_before() -> None:
    def minutes_apart(*pairs: tuple[float, float]) -> tuple[Draw, ...]:
        return (*looks(pairs[0], at=AT - timedelta(minutes=4)), *looks(pairs[1]))

    raised = claim(1, draws=minutes_apart((9, 9), (32, 16)))
    assert share(TWO_PORTS, [raised, claim(2)], AT).car_most_ma == {ONE: 16_000}
    tapering = claim(1, draws=minutes_apart((20, 20), (20, 17)))
    assert share(TWO_PORTS, [tapering, claim(2)], AT).car_most_ma == {ONE: 17_000}
    # It may have been told of its raise a second ago.
    echo = claim(1, draws=minutes_apart((9, 9), (32, 9)))
    assert share(TWO_PORTS, [echo, claim(2)], AT).car_most_ma == {}
