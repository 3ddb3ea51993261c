"""Where not everybody can have 6 A: who has a turn, and for how long."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.turns import TURN
from tests.domain.grid.sites import AT, claim, port, port_id, site


def test_the_least_served_of_what_was_asked_goes_first() -> None:
    tree = site([port(1), port(2)], 8)
    much = claim(1, served_wh=6_000, asked_wh=40_000)
    little = claim(2, served_wh=4_000, asked_wh=8_000)
    assert share(tree, [much, little], AT).limit_ma == {port_id(1): 8_000, port_id(2): 0}


def test_a_turn_is_a_quarter_of_an_hour_whoever_comes() -> None:
    tree = site([port(1), port(2)], 8)
    has_it = claim(1, served_wh=6_000, turn_since=AT - timedelta(minutes=14))
    grants = share(tree, [has_it, claim(2)], AT)
    assert grants.limit_ma == {port_id(1): 8_000, port_id(2): 0}
    assert grants.turn_since == {port_id(1): AT - timedelta(minutes=14)}
    later = share(tree, [has_it, claim(2)], AT + timedelta(minutes=1))
    assert later.limit_ma == {port_id(1): 0, port_id(2): 8_000}
    assert later.turn_since == {port_id(2): AT + timedelta(minutes=1)}


def test_all_come_to_have_about_the_same_and_nobody_waits_for_longer_than_the_others_turns() -> None:
    cars, amperes, hours = 8, 20, 8
    tree = site([port(number) for number in range(cars)], amperes)
    served = dict.fromkeys(range(cars), 0.0)
    turns: dict[int, object] = {}
    waited = dict.fromkeys(range(cars), 0)
    for minute in range(hours * 60):
        at = AT + timedelta(minutes=minute)
        claims = [claim(it, served_wh=round(served[it]), turn_since=turns.get(it)) for it in range(cars)]
        grants = share(tree, claims, at)
        turns = {it: grants.turn_since.get(port_id(it)) for it in range(cars)}
        assert sum(current_ma > 0 for current_ma in grants.limit_ma.values()) == 3
        for it in range(cars):
            served[it] += grants.limit_ma[port_id(it)] * 3 * 230 / 1000 / 60
            waited[it] = 0 if grants.limit_ma[port_id(it)] else waited[it] + 1
            assert waited[it] <= 2 * TURN / timedelta(minutes=1)
    one_turn_wh = 6_700 * 3 * 230 / 1000 / 4
    assert max(served.values()) - min(served.values()) <= one_turn_wh
