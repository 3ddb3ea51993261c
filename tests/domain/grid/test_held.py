"""Nobody is told to take what another may still be taking."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Conditions
from tests.domain.grid.sites import AT, Busy, can_overload, claim, port, port_id, site

ONE, OTHER = port_id(1), port_id(2)
TREE = site([port(1), port(2)], 40)


def test_a_raise_waits_until_the_lowering_that_it_needs_is_confirmed() -> None:
    claims = [claim(1), claim(2)]
    grants = share(TREE, claims, AT, Conditions(held_ma={ONE: 32_000, OTHER: 0}))
    assert grants.target_ma == {ONE: 20_000, OTHER: 20_000}
    assert grants.limit_ma == {ONE: 20_000, OTHER: 8_000}
    again = share(TREE, claims, AT, Conditions(held_ma={ONE: 20_000, OTHER: 8_000}))
    assert again.limit_ma == {ONE: 20_000, OTHER: 20_000}


def test_what_a_port_draws_at_worst_without_us_is_never_given_away() -> None:
    grants = share(TREE, [claim(1)], AT, Conditions(default_ma={ONE: 6_000, OTHER: 16_000}))
    assert grants.limit_ma == {ONE: 24_000}
    assert share(TREE, [claim(1)], AT, Conditions(held_ma={OTHER: 16_000})).limit_ma == {ONE: 24_000}


def test_where_more_is_held_than_there_is_nobody_is_raised_and_all_are_lowered() -> None:
    grants = share(TREE, [claim(1), claim(2)], AT, Conditions(held_ma={ONE: 32_000, OTHER: 12_000}))
    assert grants.limit_ma == {ONE: 20_000, OTHER: 12_000}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 32))
def test_whatever_is_held_no_answer_lets_a_limit_be_exceeded_that_was_not(seed: int) -> None:
    busy, chance = Busy(seed), random.Random(seed + 2)
    tree, claims = busy.tree, busy.claims
    before = share(replace(tree), claims[::2], AT).limit_ma
    held = {it.port_id: before.get(it.port_id, 0) if chance.random() < 0.8 else 0 for it in tree.ports}
    grants = share(tree, claims, AT, Conditions(held_ma=held))
    assert grants.target_ma == share(tree, claims, AT).limit_ma
    assert not can_overload(tree, claims, {it: max(held[it], grants.limit_ma.get(it, 0)) for it in held})
    for it, told in grants.limit_ma.items():
        assert told <= max(held[it], grants.target_ma[it])
        assert told == grants.target_ma[it] or grants.target_ma[it] > held[it]
