"""Plans: ready in time before all, then cheap and clean, never above a limit; and how the fair share follows them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.assumptions import USUAL
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.plans import problem, read
from chalicelib.domain.grid.stays import Settings, stay
from chalicelib.domain.grid.tree import Claim, Conditions, OperatorLimit, PortId, SiteTree
from tests.domain.grid.sites import AT, Busy, can_overload, claim, looks, port, port_id, site

FEW = settings(max_examples=25, deadline=None)
BUSY = st.integers(min_value=0, max_value=2**32).map(Busy)
DEAR, CHEAP = 300_000, 100_000
HOUR = timedelta(hours=1)
# Of an ampere: what steps of 1 A lose, and 6 A in place of less.
ROUNDED_WH = 6 * 690 * 0.25


def planned(
    tree: SiteTree,
    claims: Sequence[Claim],
    price: Sequence[int] = (),
    *,
    conditions: Conditions | None = None,
    carbon_micros_per_kg: int = 0,
    **known: object,
) -> Plan:
    """A plan from noon on, at these prices by the hour."""
    prices = tuple(it for it in price for _ in range(4))
    outlook = Outlook(begins_at=AT, price_micros=prices, **known)  # type: ignore[arg-type]
    wanted = Settings(carbon_micros_per_kg=carbon_micros_per_kg)
    asked = problem(tree, claims, outlook, AT, conditions, wanted)
    solution = Highs().solve(asked.program)
    assert solution is not None
    return read(asked, solution)


def energy_wh(tree: SiteTree, plan: Plan, number: int = 0, *, until: int = 96) -> float:
    """What a port of three phases is planned to have."""
    volts = tree.ports[number].voltage_v * 3
    return sum(it * volts / 4 / 1000 for it in plan.limit_ma[port_id(number)][:until])


def known(number: int, **more: object) -> Claim:
    """A car of three phases that was seen to take 16 A."""
    about: dict[str, object] = {"car_phases": 3, "car_most_ma": 16_000, "draws": looks((17, 16), (17, 16))}
    return claim(number, **about | more)


def follow(claims: Sequence[Claim], plan: Plan) -> list[Claim]:
    """As the fair share is told of it."""
    found = []
    for it in claims:
        planned_ma, is_kept = plan.at(it.port_id, AT)
        found.append(replace(it, planned_ma=planned_ma, is_kept_to_plan=is_kept))
    return found


LEVELS = (8_000, 16_000, 24_000, 32_000)
ROOMY = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 100)


def test_a_car_that_stays_waits_for_the_cheap_hours() -> None:
    claims = [known(0, asked_wh=20_000, departs_at=AT + 10 * HOUR)]
    plan = planned(ROOMY, claims, [DEAR] * 4 + [CHEAP] * 20)
    assert plan.limit_ma[port_id(0)][:16] == (0,) * 16
    assert energy_wh(ROOMY, plan) == pytest.approx(20_000, abs=ROUNDED_WH)
    assert plan.unmet_wh[port_id(0)] == 0


def test_a_car_that_has_no_time_to_wait_does_not() -> None:
    claims = [known(0, asked_wh=20_000, departs_at=AT + 2 * HOUR)]
    plan = planned(ROOMY, claims, [DEAR] * 4 + [CHEAP] * 20)
    assert plan.limit_ma[port_id(0)][0] == 16_000


def test_nothing_is_put_off_to_the_last_half_hour_for_drivers_err() -> None:
    claims = [known(0, asked_wh=8_000, departs_at=AT + 4 * HOUR)]
    plan = planned(ROOMY, claims, [CHEAP, CHEAP, CHEAP, 0])
    assert energy_wh(ROOMY, plan, until=14) == pytest.approx(8_000, abs=ROUNDED_WH)


def test_the_greener_hour_counts_as_much_as_the_site_says() -> None:
    claims = [known(0, asked_wh=8_000, departs_at=AT + 6 * HOUR)]
    green: dict[str, Any] = {"carbon_g": (500,) * 8 + (50,) * 88}
    eager = planned(ROOMY, claims, [CHEAP] * 2 + [CHEAP + 20_000] * 22, **green)
    patient = planned(ROOMY, claims, [CHEAP] * 2 + [CHEAP + 20_000] * 22, carbon_micros_per_kg=100_000, **green)
    assert energy_wh(ROOMY, eager, until=8) > 7_000
    assert energy_wh(ROOMY, patient, until=8) < 1_000


def test_a_demand_charge_flattens_what_no_month_has_had_yet_and_nothing_below_it() -> None:
    claims = [known(it, asked_wh=16_000, departs_at=AT + 9 * HOUR) for it in range(2)]
    flat = planned(ROOMY, claims, [CHEAP] * 24, demand_charge_micros=5_000_000)
    eager = planned(ROOMY, claims, [CHEAP] * 24, demand_charge_micros=5_000_000, peak_w=30_000)
    assert _highest_w(flat) < 8_000
    assert _highest_w(eager) > 20_000


def test_the_sites_own_sun_costs_nothing() -> None:
    claims = [known(0, asked_wh=8_000, departs_at=AT + 8 * HOUR)]
    solar_w = (0,) * 12 + (12_000,) * 8 + (0,) * 76
    plan = planned(ROOMY, claims, [CHEAP] * 24, solar_w=solar_w)
    assert energy_wh(ROOMY, plan, until=12) < 1_000
    assert energy_wh(ROOMY, plan, until=20) == pytest.approx(8_000, abs=ROUNDED_WH)


def test_where_not_all_can_be_ready_all_lack_and_are_told_so_at_once() -> None:
    short = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 16)
    claims = [known(it, asked_wh=20_000, departs_at=AT + 2 * HOUR) for it in range(2)]
    unmet_wh = planned(short, claims).unmet_wh
    assert sum(unmet_wh.values()) > 15_000
    assert max(unmet_wh.values()) - min(unmet_wh.values()) < 5_000


def test_a_limit_to_come_is_kept_when_it_comes() -> None:
    limit = OperatorLimit(node_id="grid", limit_w=5_000, begins_at=AT + HOUR, ends_at=AT + 2 * HOUR)
    claims = [known(0, asked_wh=40_000, departs_at=AT + 5 * HOUR)]
    row = planned(ROOMY, claims, conditions=Conditions(limits=(limit,))).limit_ma[port_id(0)]
    assert max(row[4:8]) * 690 / 1000 <= 5_000 < row[0] * 690 / 1000


def test_who_sleeps_or_has_had_what_was_asked_has_no_part_in_it() -> None:
    claims = [claim(0, asked_wh=5_000, served_wh=5_000), claim(1, idle_since=AT - timedelta(minutes=3))]
    assert planned(ROOMY, claims).limit_ma == {}


def test_without_a_solution_nobody_follows_a_plan() -> None:
    asked = problem(ROOMY, [known(0)], Outlook(begins_at=AT), AT)
    assert read(asked, None) == Plan(begins_at=AT)
    assert read(asked, None).at(port_id(0), AT) == (None, False)


def test_a_car_is_kept_to_its_plan_while_it_waits_by_choice_and_not_where_nothing_is_left() -> None:
    waits = [known(0, asked_wh=8_000, departs_at=AT + 9 * HOUR)]
    plan = planned(ROOMY, waits, [DEAR] * 3 + [CHEAP] * 21)
    assert plan.at(port_id(0), AT) == (0, True)
    assert share(ROOMY, follow(waits, plan), AT).limit_ma[port_id(0)] == 0
    short = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 16)
    crowded = [known(it, asked_wh=30_000, departs_at=AT + 3 * HOUR) for it in range(2)]
    plan = planned(short, crowded)
    assert not plan.at(port_id(0), AT)[1]
    # One has gone to sleep since: the other has at once what it leaves.
    awake, asleep = follow(crowded, plan)
    asleep = replace(asleep, idle_since=AT - timedelta(minutes=1), draws=())
    assert share(short, [awake, asleep], AT).limit_ma[port_id(0)] == 16_000


def test_who_came_after_the_plan_was_made_has_a_fair_share_beside_it() -> None:
    tree = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 20)
    follows = replace(known(0, car_most_ma=None, draws=()), planned_ma=20_000, is_kept_to_plan=True)
    limit_ma = share(tree, [follows, claim(1)], AT).limit_ma
    assert limit_ma[port_id(1)] >= 6_000
    assert sum(limit_ma.values()) == 20_000


def test_a_short_site_does_not_wait_for_cheap_hours_that_others_will_need_and_a_roomy_one_does() -> None:
    ports = [port(it, step_ma=1_000) for it in range(10)]
    claims = [known(it, asked_wh=20_000, departs_at=AT + 8 * HOUR) for it in range(2)]
    prices = [DEAR] * 3 + [CHEAP] * 21
    often = (500,) * 96
    short, roomy = (planned(site(ports, amperes), claims, prices, coming_permille=often) for amperes in (24, 200))
    nobody = planned(site(ports, 24), claims, prices, coming_permille=(0,) * 96)
    assert short.limit_ma[port_id(0)][0] + short.limit_ma[port_id(1)][0] >= 20_000
    assert roomy.limit_ma[port_id(0)][0] == nobody.limit_ma[port_id(0)][0] == 0


def test_nobody_is_counted_on_to_stay_longer_than_they_said() -> None:
    claims = [known(0, asked_wh=8_000, departs_at=AT + timedelta(minutes=45))]
    assert energy_wh(ROOMY, planned(ROOMY, claims, [DEAR, 0]), until=3) == pytest.approx(8_000, abs=100)


def test_a_car_that_nobody_knows_is_tried_with_what_most_take_and_then_with_all() -> None:
    new = claim(0, car_phases=3, asked_wh=16_000, departs_at=AT + 2 * HOUR)
    row = planned(ROOMY, [new]).limit_ma[port_id(0)]
    assert row[0] == 17_000 < row[1]
    for seen in (replace(new, draws=looks((17, 17), (17, 17))), replace(new, served_wh=9_000)):
        assert planned(ROOMY, [seen]).limit_ma[port_id(0)][0] > 17_000


def test_a_charger_of_few_levels_tries_with_the_one_below_and_with_all_once_that_was_taken() -> None:
    tree = site([port(0, least_ma=8_000, levels_ma=LEVELS)], 100)
    new = claim(0, car_phases=3, asked_wh=10_000, departs_at=AT + 2 * HOUR)
    assert planned(tree, [new]).limit_ma[port_id(0)][0] == 16_000
    seen = replace(new, draws=looks((16, 16), (16, 16)))
    assert planned(tree, [seen]).limit_ma[port_id(0)][0] > 16_000


def test_who_must_hurry_is_not_tried_where_nobody_else_needs_the_current() -> None:
    hurried = claim(0, car_phases=3, asked_wh=20_000, departs_at=AT + HOUR)
    assert planned(ROOMY, [hurried]).limit_ma[port_id(0)][0] == 32_000
    others = [known(it, asked_wh=20_000, departs_at=AT + HOUR) for it in (1, 2, 3)]
    short = site([port(it, step_ma=1_000) for it in range(4)], 60)
    assert planned(short, [hurried, *others]).limit_ma[port_id(0)][0] <= 17_000


def test_a_car_between_two_levels_has_the_one_above_where_there_is_room() -> None:
    tapering = known(0, car_most_ma=29_000, draws=looks((32, 29), (32, 29)), asked_wh=30_000, departs_at=AT + HOUR)
    for amperes, level_ma in ((100, 32_000), (28, 24_000)):
        tree = site([port(0, least_ma=8_000, levels_ma=LEVELS)], amperes)
        plan = planned(tree, [tapering])
        assert plan.limit_ma[port_id(0)][0] == level_ma
        for it in (tapering, *follow([tapering], plan)):
            assert share(tree, [it], AT).limit_ma[port_id(0)] == level_ma


def test_a_car_between_two_levels_takes_nothing_from_others_for_the_one_above() -> None:
    tree = site([port(0, least_ma=8_000, levels_ma=LEVELS), port(1)], 60)
    tapering = claim(0, car_phases=3, car_most_ma=29_000, draws=looks((32, 29), (32, 29)))
    assert share(tree, [tapering, claim(1)], AT).limit_ma == {port_id(0): 24_000, port_id(1): 32_000}


def test_a_car_that_takes_less_than_its_chargers_least_is_counted_for_what_it_takes() -> None:
    whole = stay(known(0), ROOMY.ports[0], AT, Settings(), USUAL)
    tail = stay(known(0, car_most_ma=3_000, draws=looks((6, 3), (6, 3))), ROOMY.ports[0], AT, Settings(), USUAL)
    assert whole is not None
    assert tail is not None
    assert tail.kw == pytest.approx(whole.kw / 2)


def test_the_same_program_comes_of_any_order() -> None:
    busy = Busy(11)
    some = busy.claims
    mixed = random.Random(1).sample(some, len(some))
    assert problem(busy.tree, some, Outlook(begins_at=AT), AT) == problem(busy.tree, mixed, Outlook(begins_at=AT), AT)


@FEW
@given(BUSY)
def test_no_quarter_of_a_plan_asks_more_of_a_conductor_than_it_may_carry(busy: Busy) -> None:
    tree, claims = busy.tree, busy.claims
    asked = problem(tree, claims, Outlook(begins_at=AT, price_micros=(DEAR,) * 8 + (CHEAP,) * 88), AT)
    solution = Highs().solve(asked.program)
    assert solution is not None
    phases = [replace(it, car_phases=_phases(asked.stays, it)) for it in claims]
    for place in range(len(asked.parts)):
        amounts_ma = {
            it.port.port_id: round(1000 * sum(solution[column] for column in mine[place]))
            for it, mine in zip(asked.stays, asked.columns, strict=True)
            if place < len(mine)
        }
        assert not can_overload(tree, phases, amounts_ma, 5.0)


@FEW
@given(BUSY, st.lists(st.integers(min_value=0, max_value=40_000), min_size=7, max_size=7))
def test_whatever_is_planned_the_fair_share_exceeds_no_limit(busy: Busy, wanted_ma: list[int]) -> None:
    plans = dict(zip((it.port_id for it in busy.tree.ports), wanted_ma, strict=False))
    claims = [
        replace(it, planned_ma=plans[it.port_id], is_kept_to_plan=plans[it.port_id] % 2 == 0) for it in busy.claims
    ]
    grants = share(busy.tree, claims, AT)
    learnt = [replace(it, car_phases=grants.car_phases.get(it.port_id)) for it in claims]
    assert not can_overload(busy.tree, learnt, grants.target_ma)
    for it in claims:
        if it.is_kept_to_plan and (granted_ma := grants.target_ma[it.port_id]):
            assert granted_ma <= plans[it.port_id]


@FEW
@given(st.integers(min_value=0, max_value=2**32).map(lambda it: Busy(it, is_plain=True)))
def test_cheap_hours_never_cost_energy_where_all_are_wired_alike(busy: Busy) -> None:
    claims = [replace(it, asked_wh=25_000, departs_at=AT + 6 * HOUR) for it in busy.claims]
    patient, eager = (
        sum(planned(busy.tree, claims, prices).unmet_wh.values()) for prices in ([DEAR] * 3 + [CHEAP] * 21, [])
    )
    assert patient <= eager + 100


@FEW
@given(BUSY)
def test_a_planned_current_is_nothing_or_one_that_its_charger_knows_and_takes(busy: Busy) -> None:
    rows: Mapping[PortId, tuple[int, ...]] = planned(busy.tree, busy.claims, [DEAR, CHEAP] * 12).limit_ma
    for it in busy.tree.ports:
        for level_ma in set(rows.get(it.port_id, ())) - {0}:
            known_ma = it.levels_ma or range(it.least_ma, it.most_ma + 1, it.step_ma)
            assert level_ma in known_ma


def _highest_w(plan: Plan) -> float:
    """Of all ports, three phases each."""
    return max(sum(row[it] if it < len(row) else 0 for row in plan.limit_ma.values()) for it in range(96)) * 690 / 1000


def _phases(stays: Sequence[object], claim: Claim) -> int | None:
    return next((it.phases for it in stays if it.port.port_id == claim.port_id), claim.car_phases)  # type: ignore[attr-defined]
