"""What `share` promises, whatever the site, its cars and its wiring are."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Claim, Conditions, Port
from tests.domain.grid.sites import (
    AT,
    ROTATIONS,
    Busy,
    can_overload,
    claim,
    port,
    port_id,
    site,
)

_ROUNDING_MA = 400
MANY = settings(max_examples=200, deadline=None)
BUSY = st.builds(Busy, st.integers(0, 1 << 32))
PLAIN = st.builds(Busy, st.integers(0, 1 << 32), st.just(True))


def step_more(wired: Port, current_ma: int) -> int | None:
    """What a port would have with one step more."""
    if wired.levels_ma:
        return next((it for it in wired.levels_ma if it > current_ma), None)
    more = current_ma + wired.step_ma if current_ma else wired.least_ma
    return more if more <= wired.most_ma else None


def most_ma(wired: Port, one: Claim) -> int:
    """What a car was learnt to take, and an ampere to try whether it takes more."""
    learnt = wired.most_ma if one.car_most_ma is None else one.car_most_ma + 1_000
    return max(wired.least_ma, min(wired.most_ma, learnt))


@MANY
@given(BUSY)
def test_no_node_carries_more_than_it_may_whichever_cars_take_what_they_were_granted(
    busy: Busy,
) -> None:
    tree, claims = busy.tree, busy.claims
    grants = share(tree, claims, AT).limit_ma
    assert not can_overload(tree, claims, grants)


@MANY
@given(BUSY)
def test_nothing_is_idle_that_someone_could_take(busy: Busy) -> None:
    tree, claims = busy.tree, busy.claims
    wired = {it.port_id: it for it in tree.ports}
    grants = share(tree, claims, AT)
    for one in claims:
        more = step_more(wired[one.port_id], grants.limit_ma[one.port_id])
        if more is not None and more <= most_ma(wired[one.port_id], one):
            assert can_overload(tree, claims, {**grants.limit_ma, one.port_id: more}, slack_ma=0)
            assert grants.bounds[one.port_id] is not None


@MANY
@given(BUSY)
def test_a_grant_is_nothing_or_a_current_that_its_charger_knows(busy: Busy) -> None:
    tree, claims = busy.tree, busy.claims
    grants = share(tree, claims, AT).limit_ma
    assert set(grants) == {it.port_id for it in claims}
    for wired in tree.ports:
        current_ma = grants.get(wired.port_id, 0)
        if wired.levels_ma:
            assert current_ma in (0, *wired.levels_ma)
        elif current_ma:
            assert wired.least_ma <= current_ma <= wired.most_ma
            assert (current_ma - wired.least_ma) % wired.step_ma == 0


@MANY
@given(BUSY, st.randoms(use_true_random=False))
def test_the_order_of_the_question_does_not_matter(busy: Busy, any_order: random.Random) -> None:
    tree, claims = busy.tree, busy.claims
    otherwise = replace(
        tree,
        ports=tuple(any_order.sample(tree.ports, len(tree.ports))),
        nodes=tuple(any_order.sample(tree.nodes, len(tree.nodes))),
    )
    assert share(otherwise, any_order.sample(claims, len(claims)), AT) == share(tree, claims, AT)


@MANY
@given(BUSY)
def test_equal_claims_get_equal_within_one_step(busy: Busy) -> None:
    tree, claims = busy.tree, busy.claims
    first, *others = claims
    wired = {it.port_id: it for it in tree.ports}
    like_it = replace(wired[first.port_id], port_id=port_id(99))
    twin = replace(first, port_id=port_id(99), session_id="s-twin")
    terms = [
        replace(it, terms=tuple(term for term in it.terms if term.port_id != first.port_id)) for it in tree.conductors
    ]
    tree = replace(tree, ports=(*tree.ports, like_it), conductors=tuple(terms))
    grants = share(tree, [*others, first, twin], AT).limit_ma
    one, other = sorted((grants[first.port_id], grants[twin.port_id]))
    # Where there is no room for the least of both, one waits for its turn.
    assert one == 0 or other in (one, step_more(like_it, one))


@MANY
@given(BUSY)
def test_who_is_held_back_could_not_have_more_if_all_who_have_more_than_it_had_nothing(busy: Busy) -> None:
    """Max-min fairness, by weight, but for the least that everybody has; steps are alike, and 0.1 A.

    What is too little for a step on three phases may be four steps on one: so much who has more may be ahead, and so
    much may be left that nobody is owed.
    """
    alike = [replace(it, least_ma=6_000, step_ma=100, levels_ma=()) for it in busy.tree.ports]
    tree = replace(busy.tree, ports=tuple(alike), conductors=())
    claims = [replace(it, departs_at=None) for it in busy.claims if not it.asked_wh or it.served_wh < it.asked_wh]
    wired = {it.port_id: it for it in tree.ports}
    weight = {it.port_id: it.weight * wired[it.port_id].weight for it in claims}
    grants = share(tree, claims, AT).limit_ma
    for one in claims:
        mine = grants[one.port_id]
        more = mine + _ROUNDING_MA
        if not mine or more > most_ma(wired[one.port_id], one):
            continue
        left = {
            it: current_ma
            if current_ma <= 6_000 + _ROUNDING_MA
            or (current_ma - _ROUNDING_MA) / weight[it] <= more / weight[one.port_id]
            else 0
            for it, current_ma in grants.items()
        }
        assert can_overload(tree, claims, {**left, one.port_id: more}, slack_ma=0)


@MANY
@given(PLAIN)
def test_one_more_claim_raises_nobody_where_all_are_wired_alike_and_nobody_has_to_wait(
    busy: Busy,
) -> None:
    tree, claims = busy.tree, busy.claims
    *others, _ = claims
    before, after = share(tree, others, AT).limit_ma, share(tree, claims, AT).limit_ma
    if all(after.values()):
        assert all(after[it.port_id] <= before[it.port_id] for it in others)


def test_the_example_of_the_page_is_true() -> None:
    tree = site([port(1), port(2), port(3, phases=ROTATIONS[1]), port(4)], 32)
    a, b, c = claim(1), claim(2, car_phases=1), claim(3, car_phases=1, car_most_ma=10_000)
    grants = share(tree, [a, b, c], AT)
    assert grants.limit_ma == {port_id(1): 16_000, port_id(2): 16_000, port_id(3): 11_000}
    assert grants.bounds == {port_id(1): "grid", port_id(2): "grid", port_id(3): None}
    four = share(tree, [a, b, c, claim(4, car_phases=1)], AT).limit_ma
    assert {four[port_id(number)] for number in (1, 2, 4)} == {10_600, 10_700}
    waits = share(tree, [a, b, c], AT, Conditions(held_ma={port_id(2): 32_000})).limit_ma
    assert waits == {port_id(1): 0, port_id(2): 16_000, port_id(3): 11_000}


def test_who_needs_twice_the_current_to_be_ready_gets_twice_as_much() -> None:
    tree = site([port(1), port(2)], 30)
    soon = claim(1, asked_wh=22_080, departs_at=AT + timedelta(hours=2))
    late = claim(2, asked_wh=22_080, departs_at=AT + timedelta(hours=4))
    assert share(tree, [soon, late], AT).limit_ma == {port_id(1): 20_000, port_id(2): 10_000}


def test_who_has_had_what_was_asked_gets_what_the_others_leave() -> None:
    tree = site([port(1), port(2)], 40)
    met = claim(1, asked_wh=8_000, served_wh=8_000)
    assert share(tree, [met, claim(2)], AT).limit_ma == {port_id(1): 8_000, port_id(2): 32_000}
