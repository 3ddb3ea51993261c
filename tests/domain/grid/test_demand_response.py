"""What sites are asked to take less of: the strictest holds in any order, and all is given back, spread over time."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.demand_response import (
    RESTORED_WITHIN,
    AskedInterval,
    AskKind,
    Contract,
    DemandAsk,
    DemandEvent,
    DemandTarget,
    SiteDemand,
    demand_of,
    holding,
    next_begin,
)
from chalicelib.domain.grid.restraint import drawn_at_most_w, rated_w, restrained
from chalicelib.domain.grid.tree import BuildingLoad, Conditions
from tests.domain.grid.sites import AT, Busy, claim, looks, port, port_id, site

_HOUR = timedelta(hours=1)
_SEEDS = st.integers(0, 2**32 - 1)


def interval(begins_s: int = -600, lasts_s: int = 3600, **ask: object) -> AskedInterval:
    begins_at = AT + timedelta(seconds=begins_s)
    asked = DemandAsk(**ask) if ask else DemandAsk(permille=200)  # type: ignore[arg-type]
    return AskedInterval(begins_at=begins_at, ends_at=begins_at + timedelta(seconds=lasts_s), ask=asked)


def event(*intervals: AskedInterval, **more: object) -> DemandEvent:
    about = {"event_id": "e", "operator_id": "op", "program": "p", "told_at": AT}
    return DemandEvent(intervals=intervals or (interval(),), **about | more)  # type: ignore[arg-type]


def contract(site_id: str = "site", **more: object) -> Contract:
    return Contract(site_id=site_id, operator_id="op", signed_at=AT, **more)  # type: ignore[arg-type]


def demand(*intervals: AskedInterval, **more: object) -> SiteDemand:
    about = {"event_id": "e", "operator_id": "op", "site_id": "site", "program": "p"}
    return SiteDemand(intervals=intervals or (interval(),), **about | more)  # type: ignore[arg-type]


def by_chance(chance: random.Random, number: int) -> SiteDemand:
    kinds: list[dict[str, object]] = [
        {"permille": chance.randrange(1001)},
        {"kind": AskKind.CAP, "power_w": chance.randrange(40_000)},
        {"kind": AskKind.IMPORT_LIMIT, "power_w": chance.randrange(60_000)},
    ]
    found = interval(chance.randrange(-4000, 600), chance.randrange(1, 5000), **chance.choice(kinds))
    return demand(found, event_id=f"e-{number}", floor_w=chance.choice([0, 0, 5_000]))


def amps(restraint: object) -> list[float]:
    return [it / 1000 for it in restraint.grants.target_ma.values()]  # type: ignore[attr-defined]


def test_a_fifth_less_is_a_fifth_less_than_cars_would_have_drawn_and_not_than_they_might() -> None:
    tree = site([port(0), port(1)], 63)
    # One takes 16 A of what it may, as was seen before; of the other nothing is known yet.
    claims = [claim(0, car_most_ma=16_000, car_phases=3), claim(1)]
    found = restrained(tree, claims, AT, Conditions(), [demand()])
    assert found.would_draw_w == (16 + 32) * 690
    assert sum(amps(found)) * 690 <= 0.8 * found.would_draw_w
    assert sum(amps(found)) * 690 > 0.8 * found.would_draw_w - 690
    assert set(found.grants.bounds.values()) <= {"demand:e", None}


def test_who_might_draw_in_silence_takes_nothing_from_who_charges() -> None:
    tree = site([port(it) for it in range(4)], 63)
    defaults = {it.port_id: 6_000 for it in tree.ports}
    claims = [claim(0, car_most_ma=16_000, car_phases=3), claim(1, car_most_ma=16_000, car_phases=3)]
    found = restrained(tree, claims, AT, Conditions(default_ma=defaults), [demand()])
    assert sum(amps(found)) == pytest.approx(0.8 * 32, abs=0.2)


def test_the_building_counts_in_an_import_limit_and_not_in_a_cap() -> None:
    tree = site([port(0)], 63)
    conditions = Conditions(building=BuildingLoad(at=AT, load_ma=(10_000, 10_000, 10_000)))
    for kind, amperes in ((AskKind.IMPORT_LIMIT, 10.0), (AskKind.CAP, 20.0)):
        asked = demand(interval(kind=kind, power_w=20 * 690))
        assert amps(restrained(tree, [claim(0)], AT, conditions, [asked])) == [amperes]


def test_what_the_grids_operator_must_leave_and_what_the_contract_leaves_is_left() -> None:
    tree = site([port(0)], 63, floor_w=8 * 690)
    nothing = interval(kind=AskKind.CAP, power_w=0)
    assert amps(restrained(tree, [claim(0)], AT, Conditions(), [demand(nothing)])) == [8.0]
    tree = site([port(0)], 63)
    assert amps(restrained(tree, [claim(0)], AT, Conditions(), [demand(nothing)])) == [0.0]
    assert amps(restrained(tree, [claim(0)], AT, Conditions(), [demand(nothing, floor_w=7 * 690)])) == [7.0]


@settings(max_examples=50)
@given(_SEEDS)
def test_the_strictest_wins_in_any_order_and_said_twice_is_said_once(seed: int) -> None:
    chance, busy = random.Random(seed), Busy(seed)
    demands = [by_chance(chance, number) for number in range(chance.randint(1, 4))]
    found = restrained(busy.tree, busy.claims, AT, Conditions(), demands)
    again = [*demands, *chance.sample(demands, len(demands))]
    chance.shuffle(again)
    assert restrained(busy.tree, busy.claims, AT, Conditions(), again).grants.target_ma == found.grants.target_ma
    # No demand alone leaves the cars less power than all of them do together.
    drawn = drawn_at_most_w(busy.tree, busy.claims, found.grants)
    free = share(busy.tree, busy.claims, AT)
    assert all(found.grants.target_ma[it] <= free.target_ma[it] for it in free.target_ma)
    for it in holding(demands, AT):
        if it.weight == 1.0 and it.interval.ask.kind is AskKind.CAP and not it.demand.floor_w:
            assert drawn <= (it.interval.ask.power_w or 0) + 1


@settings(max_examples=50)
@given(_SEEDS)
def test_what_is_given_back_rises_and_is_whole_within_ten_minutes(seed: int) -> None:
    chance = random.Random(seed)
    asked = by_chance(chance, 0)
    ends_at = asked.intervals[0].ends_at
    if chance.random() < 0.5:
        asked = replace(asked, stopped_at=ends_at - timedelta(seconds=chance.randrange(1, 7000)))
    tree, claims = site([port(0), port(1)], 63), [claim(0), claim(1)]
    over_at = min(ends_at, asked.stopped_at or ends_at)
    given_back = [
        sum(amps(restrained(tree, claims, over_at + timedelta(seconds=it), Conditions(), [asked])))
        for it in range(-1, 601, 30)
    ]
    if asked.intervals[0].begins_at < over_at - timedelta(seconds=1):
        assert given_back == sorted(given_back)
    assert given_back[-1] == 63.0
    assert max(given_back) <= 63.0


def test_sites_are_given_back_at_moments_of_their_own_spread_over_the_time() -> None:
    demands = [demand(site_id=f"site-{it}") for it in range(1000)]
    ends_at = demands[0].intervals[0].ends_at
    held = [
        sum(it.weight for it in holding(demands, ends_at + timedelta(minutes=minutes))) / 1000 for minutes in range(11)
    ]
    assert held[0] > 0.98
    assert held[-1] == 0.0
    # In no minute more than about an eighth of it all comes back.
    assert all(before - after < 0.15 for before, after in pairwise(held))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 500_000), min_size=1, max_size=20), st.integers(0, 3_000_000))
def test_watts_for_all_sites_together_are_split_and_never_come_to_more(rated: list[int], power_w: int) -> None:
    contracts = [contract(f"site-{number}", rated_w=it) for number, it in enumerate(rated)]
    asked = event(interval(kind=AskKind.CAP, power_w=power_w))
    found = [demand_of(asked, it, sum(rated)) for it in contracts]
    parts = [it.intervals[0].ask.power_w or 0 for it in found if it is not None]
    assert len(parts) == len(rated)
    assert sum(parts) <= power_w
    assert not any(rated) or sum(parts) > power_w - len(rated)


def test_levels_mean_what_the_contract_says_and_none_is_nothing() -> None:
    signed = contract(level_permille=(100, 400, 900), rated_w=10_000)
    levels = [demand_of(event(interval(kind=AskKind.LEVEL, level=it)), signed, 0) for it in range(4)]
    assert [[i.ask.permille for i in it.intervals] for it in levels if it] == [[], [100], [400], [900]]
    part = demand_of(event(interval(kind=AskKind.LOAD_CONTROL, permille=300)), signed, 0)
    assert part is not None
    assert part.intervals[0].ask == DemandAsk(kind=AskKind.CAP, power_w=3_000)


def test_who_is_meant_is_who_agreed_and_is_named() -> None:
    everybody, area, one = (
        DemandTarget(),
        DemandTarget(areas=frozenset({"north"})),
        DemandTarget(site_ids=frozenset({"b"})),
    )
    a, b = contract("a", areas=frozenset({"north"})), contract("b", programs=frozenset({"p", "q"}))
    meant = [[it.site_id for it in (a, b) if event(target=to).is_for(it)] for to in (everybody, area, one)]
    assert meant == [["a", "b"], ["a"], ["b"]]
    assert not event(program="r").is_for(b)


def test_a_random_start_is_each_sites_own_and_within_its_bound() -> None:
    begins = [demand_of(event(random_start_s=300), contract(f"site-{it}"), 0) for it in range(50)]
    late = {(it.intervals[0].begins_at - interval().begins_at).total_seconds() for it in begins if it}
    assert len(late) > 30
    assert all(0 <= it <= 300 for it in late)


def test_what_is_cancelled_before_it_began_never_holds_and_is_not_waited_for() -> None:
    coming = demand(interval(60))
    assert next_begin([coming], AT) == AT + timedelta(seconds=60)
    cancelled = replace(coming, stopped_at=AT)
    assert next_begin([cancelled], AT) is None
    assert not list(holding([cancelled], AT + timedelta(minutes=5)))
    assert cancelled.over_at == coming.intervals[0].ends_at + RESTORED_WITHIN


def test_a_car_that_is_learnt_to_take_little_is_reckoned_with_that() -> None:
    tree = site([port(0)], 63)
    seen = claim(0, draws=looks((32, 10), (32, 10)))
    found = restrained(tree, [seen], AT, Conditions(), [demand()])
    assert found.would_draw_w == 10 * 690
    assert found.grants.target_ma[port_id(0)] == 8_000
    assert rated_w(tree) == 32 * 690


@pytest.mark.parametrize(
    "wrong",
    [
        {"permille": 1001},
        {"permille": 1, "power_w": 1},
        {"kind": AskKind.CAP},
        {"kind": AskKind.CAP, "power_w": -1},
        {"kind": AskKind.LEVEL, "level": 4},
        {"kind": AskKind.LEVEL, "permille": 4},
    ],
)
def test_an_ask_that_says_something_else_is_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="and nothing else"):
        DemandAsk(**wrong)  # type: ignore[arg-type]
