"""Events that are announced: a plan moves energy out of their time, and reckons what is delivered as if it had not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.demand_response import AskedInterval, AskKind, DemandAsk, SiteDemand
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.restraint import restrained
from chalicelib.domain.grid.tree import BuildingLoad, Claim, Conditions, SiteTree
from chalicelib.services.grid.linear_planner import LinearPlanner
from tests.domain.grid.sites import AT, Busy, claim, looks, port, port_id, site

HOUR = timedelta(hours=1)
CHEAP, DEAR = 100_000, 300_000
ROOMY = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 100)
NOTHING = DemandAsk(kind=AskKind.CAP, power_w=0)


def asked(ask: DemandAsk, begins_h: float, ends_h: float, **more: object) -> SiteDemand:
    interval = AskedInterval(begins_at=AT + begins_h * HOUR, ends_at=AT + ends_h * HOUR, ask=ask)
    about = {"event_id": "e", "operator_id": "op", "site_id": "site", "program": "p", "intervals": (interval,)}
    return SiteDemand(**about | more)  # type: ignore[arg-type]


def car(number: int = 0, hours: float = 10, **more: object) -> Claim:
    """A car of 16 A on three phases that lacks 20 kWh."""
    about: dict[str, object] = {"car_phases": 3, "car_most_ma": 16_000, "draws": looks((17, 16), (17, 16))}
    return claim(number, asked_wh=20_000, departs_at=AT + hours * HOUR, **about | more)


def planned(
    claims: Sequence[Claim],
    *demands: SiteDemand,
    price: Sequence[int] = (CHEAP,),
    tree: SiteTree = ROOMY,
    conditions: Conditions | None = None,
    unasked: Plan | None = None,
) -> Plan:
    """A plan from noon on, at these prices by the hour."""
    prices = tuple(price[min(it // 4, len(price) - 1)] for it in range(96))
    outlook = Outlook(begins_at=AT, price_micros=prices, demands=demands, unasked=unasked)
    plan = LinearPlanner(Highs()).plan(tree, claims, outlook, AT, conditions or Conditions())
    assert plan is not None
    return plan


def drawn_w(plan: Plan, begins_h: float, ends_h: float) -> list[int]:
    """What all ports of three phases are planned to draw, by quarters, none more than 16 A."""
    first, last = (round(it * HOUR / QUARTER) for it in (begins_h, ends_h))
    return [
        sum(min(row[it], 16_000) * 690 // 1000 if it < len(row) else 0 for row in plan.limit_ma.values())
        for it in range(first, last)
    ]


def energy_wh(plan: Plan, begins_h: float = 0, ends_h: float = 24) -> float:
    return sum(drawn_w(plan, begins_h, ends_h)) / 4


def test_what_would_be_drawn_in_an_event_is_drawn_before_or_after_it_and_all_the_same() -> None:
    price = [DEAR] * 4 + [CHEAP] * 2 + [DEAR]
    free, held = (planned([car()], *it, price=price) for it in ((), (asked(NOTHING, 4, 6),)))
    # Of later hours less is counted on than a car was seen to take.
    assert energy_wh(free, 4, 6) > 12_000
    assert energy_wh(held, 4, 6) == 0
    assert energy_wh(held) == pytest.approx(energy_wh(free), abs=1_100)
    assert held.unmet_wh[port_id(0)] == 0
    # As if nobody had asked, which is what is delivered against.
    assert held.unasked_ma == free.limit_ma


def test_a_fifth_less_is_a_fifth_less_than_was_planned() -> None:
    price = [DEAR] * 4 + [CHEAP] * 2 + [DEAR]
    held = planned([car(), car(1)], asked(DemandAsk(permille=200), 4, 6), price=price)
    free_w = drawn_w(replace(held, limit_ma=held.unasked_ma), 4, 6)
    # A step of an ampere each is what rounding comes to.
    most_w = [0.8 * it + 2 * 690 for it in free_w]
    assert all(now <= most for now, most in zip(drawn_w(held, 4, 6), most_w, strict=True))
    assert sum(drawn_w(held, 4, 6)) > 0.7 * sum(free_w)


def test_who_leaves_before_it_is_over_lacks_what_the_event_takes_and_is_told_so() -> None:
    held = planned([car(hours=3)], asked(NOTHING, 0, 3))
    assert held.unmet_wh[port_id(0)] == pytest.approx(20_000, abs=100)
    assert set(held.limit_ma[port_id(0)]) == {0}


def test_in_an_event_nobody_waits_by_choice_so_that_what_another_leaves_is_not_lost() -> None:
    held = planned([car()], asked(NOTHING, 0, 2))
    assert held.at(port_id(0), AT) == (0, False)


def test_of_two_events_the_strictest_holds_in_whatever_order_and_the_other_beside_it() -> None:
    weak, strong = asked(DemandAsk(kind=AskKind.CAP, power_w=9_000), 0, 4), asked(NOTHING, 1, 2, event_id="f")
    one, other = planned([car(), car(1)], weak, strong), planned([car(), car(1)], strong, weak)
    assert one.limit_ma == other.limit_ma
    assert energy_wh(one, 1, 2) == 0
    assert max(drawn_w(one, 0, 1) + drawn_w(one, 2, 4)) <= 9_000 + 2 * 690


def test_one_that_was_called_off_or_a_site_left_or_lasts_no_time_changes_nothing() -> None:
    free = planned([car()])
    off = asked(NOTHING, 0, 4, stopped_at=AT - HOUR)
    left = asked(NOTHING, 0, 4, stopped_at=AT, is_opted_out=True)
    for none in (off, left, asked(NOTHING, 1, 1), asked(NOTHING, -5, -3), asked(NOTHING, 500, 501)):
        assert planned([car()], none).limit_ma == free.limit_ma
    short = asked(NOTHING, 0, 4, stopped_at=AT + HOUR)
    assert energy_wh(planned([car()], short), 0, 1) == 0
    assert energy_wh(planned([car()], short), 1, 2) > 6_000


def test_one_that_begins_and_ends_in_mid_quarter_holds_in_all_that_it_touches() -> None:
    # Seven hours on the day is planned by whole hours.
    held = planned([car(hours=12)], asked(NOTHING, 7.1, 7.4), price=[DEAR] * 7 + [CHEAP] + [DEAR])
    assert energy_wh(held, 7, 7.5) == 0
    assert energy_wh(held, 7.5, 8) > 2_000


def test_watts_of_the_site_count_its_building() -> None:
    building = Conditions(building=BuildingLoad(at=AT, load_ma=(10_000,) * 3))
    asked_w = asked(DemandAsk(kind=AskKind.IMPORT_LIMIT, power_w=6_900 + 5_000), 0, 4)
    held = planned([car(), car(1)], asked_w, conditions=building)
    assert max(drawn_w(held, 0, 4)) <= 5_000 + 2 * 690
    assert energy_wh(held, 0, 4) > 10_000


def test_planned_again_an_event_takes_no_more_of_what_has_been_moved_already() -> None:
    """Or each quarter's plan would take a fifth of what the last one left."""
    event, price = asked(DemandAsk(permille=500), 4, 6), [CHEAP * 2] * 4 + [CHEAP] * 2 + [DEAR]
    first = planned([car()], event, price=price)
    was = replace(first, limit_ma=first.unasked_ma, unasked_ma={})
    # By then some of it has been moved before the event.
    later = car(served_wh=10_000)
    again, anew = planned([later], event, price=price, unasked=was), planned([later], event, price=price)
    # What is less than the least for long is the least for a while.
    assert energy_wh(again, 4, 6) <= energy_wh(was, 4, 6) / 2 + 690
    assert energy_wh(again, 4, 6) > 1.3 * energy_wh(anew, 4, 6)


@pytest.mark.parametrize("permille", [200, 1000])
def test_a_car_that_had_its_energy_before_is_delivered_as_if_it_drew_now_and_a_full_one_is_not(permille: int) -> None:
    event = asked(DemandAsk(permille=permille), -1, 1)
    had = car(served_wh=20_000, idle_since=AT - HOUR, draws=looks((17, 0), (17, 0)), planned_ma=0, unasked_ma=16_000)
    found = restrained(ROOMY, [had], AT, Conditions(), [event])
    assert found.would_draw_w == 16 * 690
    full = restrained(ROOMY, [replace(had, served_wh=15_000)], AT, Conditions(), [event])
    assert full.would_draw_w == 0


def test_what_was_put_off_to_after_an_event_is_given_back_by_degrees_too() -> None:
    event = asked(NOTHING, -2, 0)
    waited = car(planned_ma=16_000, unasked_ma=0)
    given = [
        restrained(ROOMY, [waited], AT + timedelta(seconds=30 * it), Conditions(), [event]).grants for it in range(24)
    ]
    amounts = [min(16_000, it.target_ma[port_id(0)]) for it in given]
    assert amounts == sorted(amounts)
    assert (amounts[0], amounts[-1]) == (0, 16_000)
    assert any(0 < it < 16_000 for it in amounts)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_at_no_site_is_anybody_planned_to_charge_while_nothing_may_be_drawn(seed: int, begins: int) -> None:
    busy = Busy(seed)
    event = asked(NOTHING, begins / 4, begins / 4 + 1)
    outlook = Outlook(begins_at=AT, price_micros=(CHEAP,) * 96, demands=(event,))
    plan = LinearPlanner(Highs()).plan(busy.tree, busy.claims, outlook, AT, Conditions())
    assert plan is not None
    assert not any(any(row[begins : begins + 4]) for row in plan.limit_ma.values())
