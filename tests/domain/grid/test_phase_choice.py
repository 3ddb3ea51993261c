"""Who had better charge by one phase: nobody, while all have their least by three; else those by whom fewer wait."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.tree import Claim, Conditions, Grants, PortId, Switching
from tests.domain.grid.sites import AT, ROTATIONS, Busy, can_overload, claim, port, port_id, site
from tests.domain.grid.test_balancing import BUSY, MANY, most_ma, step_more

MINUTE = timedelta(minutes=1)
CAN = Switching()
SHORT = site([port(number, phases=ROTATIONS[number % 3]) for number in range(3)], 8)


def one_of(grants: Grants) -> set[PortId]:
    return {it for it, now in grants.switching.items() if now.is_one}


def again(claims: list[Claim], grants: Grants, shown: bool = False) -> list[Claim]:
    """The claims as they are at the next look; the meters of those that are switched have shown it."""
    return [
        replace(
            it,
            turn_since=grants.turn_since.get(it.port_id),
            switching=replace(now, is_shown=now.is_one and shown)
            if (now := grants.switching.get(it.port_id)) is not None
            else None,
        )
        for it in claims
    ]


def after(claims: list[Claim], at: datetime, minutes: int, shown: bool = True) -> tuple[list[Claim], Grants]:
    grants = Grants()
    for minute in range(minutes + 1):
        grants = share(SHORT, claims, at + minute * MINUTE)
        claims = again(claims, grants, shown)
    return claims, grants


CLAIMS = [claim(number, switching=CAN) for number in range(3)]


def test_where_one_of_three_has_its_least_by_three_phases_all_have_it_by_one_each_by_its_own() -> None:
    first = share(SHORT, CLAIMS, AT)
    assert sorted(first.target_ma.values()) == [0, 0, 8_000]
    assert one_of(first) == set()
    _, grants = after(CLAIMS, AT, 6)
    assert grants.target_ma == {port_id(number): 8_000 for number in range(3)}
    assert one_of(grants) == {port_id(number) for number in range(3)}


def test_until_its_meter_has_shown_it_who_is_switched_takes_its_turn_by_three() -> None:
    _, grants = after(CLAIMS, AT, 6, shown=False)
    assert len(one_of(grants)) == 3
    assert sorted(grants.target_ma.values()) == [0, 0, 8_000]


def test_who_has_yet_to_show_one_phase_goes_before_who_has_and_not_for_long() -> None:
    shown = Switching(is_one=True, is_shown=True, left=1)
    claims = [claim(0, switching=shown), claim(1, switching=replace(shown, is_shown=False), served_wh=9_000)]
    grants = share(SHORT, claims, AT)
    assert grants.target_ma == {port_id(0): 0, port_id(1): 8_000}
    assert grants.switching[port_id(1)].fed_at == AT
    # Its meter tells of no phases: from then on it has its turns, as the one who is served less.
    later = share(SHORT, [claims[0], replace(claims[1], switching=grants.switching[port_id(1)])], AT + 10 * MINUTE)
    assert later.target_ma == {port_id(0): 8_000, port_id(1): 0}


def test_nobody_is_switched_for_a_wait_of_less_than_five_minutes() -> None:
    claims, grants = after(CLAIMS, AT, 4)
    assert one_of(grants) == set()
    grants = share(SHORT, claims[:1], AT + 5 * MINUTE)
    assert grants.switching[port_id(0)].other_since is None


def test_who_is_left_alone_is_switched_back_after_a_quarter_of_an_hour_and_is_switched_no_more() -> None:
    claims, _ = after(CLAIMS, AT, 6)
    left, grants = after(claims[:1], AT + 7 * MINUTE, 14)
    assert one_of(grants) == {port_id(0)}
    left, grants = after(left, AT + 22 * MINUTE, 1)
    assert (one_of(grants), grants.target_ma) == (set(), {port_id(0): 8_000})
    others = [replace(it, switching=CAN) for it in CLAIMS[1:]]
    _, grants = after([*left, *others], AT + 24 * MINUTE, 30)
    assert port_id(0) not in one_of(grants)


def test_as_few_are_switched_as_it_takes() -> None:
    """By three phases two have 6 A of 14; one of them by one phase leaves the third its least."""
    tree = replace(SHORT, nodes=(replace(SHORT.nodes[0], limit_ma=(14_000, 20_000, 20_000)),))
    claims = CLAIMS
    for minute in range(7):
        grants = share(tree, claims, AT + minute * MINUTE)
        claims = again(claims, grants, shown=True)
    assert all(grants.target_ma.values())
    # Of three on L1 only two fit: who is wired in by L2 or L3 leaves it.
    assert len(one_of(grants)) == 1
    assert port_id(0) not in one_of(grants)


def test_where_one_phase_helps_nobody_nobody_is_switched() -> None:
    same = site([port(number) for number in range(3)], 8)
    claims = CLAIMS
    for minute in range(30):
        claims = again(claims, share(same, claims, AT + minute * MINUTE), shown=True)
    assert not any(it.switching and it.switching.is_one for it in claims)


def test_its_offline_default_counts_by_all_of_its_phases() -> None:
    shown = Switching(is_one=True, is_shown=True, left=1)
    claims = [claim(0, switching=shown), claim(1)]
    tree = replace(SHORT, nodes=(replace(SHORT.nodes[0], limit_ma=(16_000, 16_000, 16_000)),))
    with_default = share(tree, claims, AT, Conditions(default_ma={port_id(0): 6_000}))
    assert with_default.target_ma == {port_id(0): 8_000, port_id(1): 8_000}
    alone = share(tree, claims[:1], AT, Conditions(default_ma={port_id(0): 6_000, port_id(1): 10_000}))
    assert alone.target_ma == {port_id(0): 6_000}


def switchable(busy: Busy) -> list[Claim]:
    """Some of the cars at ports of three phases can be switched, or are."""
    chance = random.Random(busy.seed + 7)
    wired = {it.port_id: it for it in busy.tree.ports}
    found = []
    for it in busy.claims:
        is_one = chance.random() < 0.5
        since = AT - timedelta(minutes=chance.randint(0, 30)) if chance.random() < 0.5 else None
        now = Switching(
            is_one=is_one, is_shown=is_one and chance.random() < 0.7, left=chance.randint(0, 2), other_since=since
        )
        can = len(wired[it.port_id].phases) == 3 and chance.random() < 0.8
        found.append(replace(it, switching=now) if can else it)
    return found


def counted(claims: list[Claim], grants: Grants) -> list[Claim]:
    """As they count after the sharing."""
    shown = {it for it, now in grants.switching.items() if now.is_shown}
    return [replace(it, car_phases=1) if it.port_id in shown else it for it in claims]


@MANY
@given(BUSY)
def test_no_node_carries_more_than_it_may_whoever_is_switched(busy: Busy) -> None:
    claims = switchable(busy)
    grants = share(busy.tree, claims, AT)
    assert not can_overload(busy.tree, counted(claims, grants), grants.target_ma)


@MANY
@given(BUSY)
def test_nothing_is_idle_that_someone_could_take_whoever_is_switched(busy: Busy) -> None:
    tree, claims = busy.tree, switchable(busy)
    wired = {it.port_id: it for it in tree.ports}
    grants = share(tree, claims, AT)
    for one in claims:
        more = step_more(wired[one.port_id], grants.target_ma[one.port_id])
        if more is not None and more <= most_ma(wired[one.port_id], one):
            assert can_overload(tree, counted(claims, grants), {**grants.target_ma, one.port_id: more}, slack_ma=0)


@MANY
@given(BUSY, st.randoms(use_true_random=False))
def test_the_order_of_the_question_does_not_matter_to_who_is_switched(busy: Busy, any_order: random.Random) -> None:
    claims = switchable(busy)
    assert share(busy.tree, any_order.sample(claims, len(claims)), AT) == share(busy.tree, claims, AT)


@MANY
@given(BUSY)
def test_whoever_may_be_switched_waits_no_more_than_without(busy: Busy) -> None:
    """Who is not switched yet is shared out as before: a choice alone takes nothing from anybody."""
    claims = [replace(it, switching=CAN if it.switching is not None else None) for it in switchable(busy)]
    without = [replace(it, switching=None) for it in claims]
    assert share(busy.tree, claims, AT).target_ma == share(busy.tree, without, AT).target_ma


@settings(max_examples=60, deadline=None)
@given(BUSY)
def test_switches_come_to_an_end(busy: Busy) -> None:
    """No more than two a charge, however long it stays and whatever changes."""
    claims = [replace(it, switching=CAN if it.switching is not None else None) for it in switchable(busy)]
    chance, switches = random.Random(busy.seed), 0
    for minute in range(0, 120, 3):
        there = [it for it in claims if chance.random() < 0.8]
        grants = share(busy.tree, there, AT + minute * MINUTE)
        before = {it.port_id: it.switching for it in claims}
        claims = [*again(there, grants, shown=True), *(it for it in claims if it not in there)]
        switches += sum((before[it].is_one is not now.is_one) for it, now in grants.switching.items() if before[it])  # type: ignore[union-attr]
    assert switches <= 2 * len(claims)
