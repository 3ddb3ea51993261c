"""An announced event: cars charge before and after it, drivers are told why, and it is delivered all the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from benchmarks.calls import counted
from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.charging.preferences import WaitReason
from chalicelib.domain.grid.demand_response import AskKind, Contract, DemandAsk
from chalicelib.domain.grid.outlook import QUARTER, Outlook
from chalicelib.records.grid import ToldDraw
from chalicelib.services.grid.demand_response import DemandResponse
from chalicelib.services.grid.linear_planner import LinearPlanner
from tests.services.conftest import NOW, Kit
from tests.services.grid.plant import SITE_ID, Plant
from tests.services.grid.test_demand_response import Spread, event
from tests.services.grid.test_plans import BEGINS_AT, CHEAP, CHEAP_AFTER, DEAR, Days, Planned

ALL_OF_IT = DemandAsk(kind=AskKind.CAP, power_w=0)
# What a car takes that knows no better.
CAR_MA = 16_000


@dataclass
class Evening(Days):
    """Dear for two hours, cheap for one, and then dearer than ever."""

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        found = super().of(site_id, begins_at, quarters)
        passed = (found.begins_at - BEGINS_AT) // QUARTER
        prices = [DEAR if it + passed < CHEAP_AFTER else CHEAP for it in range(quarters)]
        prices = [it if place + passed < CHEAP_AFTER + 4 else 2 * DEAR for place, it in enumerate(prices)]
        return replace(found, price_micros=tuple(prices))


class NoPlanner:
    """Finds no plan."""

    def plan(self, *_: object) -> None:
        """None."""


@pytest.fixture
def site(kit: Kit) -> Planned:
    made = Planned(Plant(kit), Days(), LinearPlanner(Highs()))  # type: ignore[arg-type]
    vars(kit)["outlooks"], vars(kit)["planner"] = made.days, made.planner
    made.plant.describe()
    return made


@pytest.fixture
def desk(site: Planned) -> DemandResponse:
    kit, spread = site.plant.kit, Spread()
    made = DemandResponse(
        events=kit.demand_events,
        spread=spread,
        managed_sites=kit.managed_sites,
        looks=site.plant.looks,
        alarm_checks=kit.alarm_checks,
        clock=kit.clock,
    )
    spread.desk = made
    made.sign("op", Contract(site_id=SITE_ID, operator_id="op", signed_at=NOW))
    return made


def comes(site: Planned, hours: float) -> None:
    """A car of three phases, seen to take 16 A, that leaves in so many hours and lacks 20 kWh."""
    site.plant.known(0)
    site.plant.begin(0, site.leaving(hours))
    site.plant.live(5)
    draw(site, 3)


def draw(site: Planned, minutes: int) -> None:
    """Time passes; its meter says each minute what it draws, of what is offered."""
    for _ in range(minutes):
        offered = min(CAR_MA, round(1000 * site.plant.offered_a()[0]))
        (claim,) = site.state().claims
        register = (claim.last_wh or claim.first_wh or 0) + offered * 690 // 1000 // 60
        told = ToldDraw(at=site.now, current_ma=(offered,) * 3)
        site.plant.kit.managed_sites.drew(SITE_ID, site.plant.port(0), "S-0", told, register)
        site.plant.live(60)


def until_quarter(site: Planned) -> None:
    """To the last minute of this quarter, and the plan that is made then."""
    while (site.now.minute % 15, site.now.second < 20) != (14, True):
        if site.now.minute % 15 == 14:
            site.plant.live(10)
        else:
            draw(site, 1)
    site.plan()


def pass_quarters(site: Planned, quarters: int) -> None:
    for _ in range(quarters):
        draw(site, 1)
        until_quarter(site)


def delivered_w(desk: DemandResponse) -> list[int]:
    return [it.delivered_w for it in desk.report("op", "e", 10, None).total]


def test_a_car_waits_for_the_end_of_an_event_and_its_driver_hears_why(site: Planned, desk: DemandResponse) -> None:
    desk.tell(event(site.plant, "e", ALL_OF_IT, later_s=2 * 3600))
    comes(site, 9)
    until_quarter(site)
    told = site.plant.kit.session("S-0").told_plan
    assert told is not None
    assert told.waits_for is WaitReason.DEMAND_RESPONSE
    assert told.starts_at >= site.state().demands[0].intervals[0].ends_at
    # Through the event, which begins in the hour that is cheapest, and an hour beyond it.
    pass_quarters(site, 8)
    assert site.plant.offered_a()[0] == 0
    pass_quarters(site, 8)
    assert site.state().plan is not None
    assert site.plant.offered_a()[0] > 0
    # What would have been drawn is what was planned before anybody asked.
    assert max(delivered_w(desk)) > 6_000


def test_what_a_car_had_before_an_event_counts_as_delivered_in_it(site: Planned, desk: DemandResponse) -> None:
    vars(site.plant.kit)["outlooks"] = Evening()
    desk.tell(event(site.plant, "e", ALL_OF_IT, later_s=2 * 3600))
    comes(site, 9)
    pass_quarters(site, 7)
    (claim,) = site.state().claims
    had_wh = (claim.last_wh or 0) - (claim.first_wh or 0)
    assert had_wh > 12_000
    pass_quarters(site, 5)
    report = desk.report("op", "e", 10, None)
    assert max(it.drawn_w for it in report.total) < 1_000
    assert max(delivered_w(desk)) > 6_000
    assert sum(delivered_w(desk)) / 4 < had_wh


def test_an_event_that_is_called_off_is_planned_for_no_more(site: Planned, desk: DemandResponse) -> None:
    comes(site, 9)
    until_quarter(site)
    free = site.state().plan
    desk.tell(event(site.plant, "e", ALL_OF_IT, later_s=2 * 3600))
    pass_quarters(site, 1)
    held = site.state().plan
    assert free is not None
    assert held is not None
    assert not any(held.ports[0].limit_ma[8:11])
    desk.cancel("op", "e")
    pass_quarters(site, 1)
    again = site.state().plan
    assert again is not None
    assert again.unasked == ()
    assert again.ports[0].limit_ma[6:10] == free.ports[0].limit_ma[8:12]


def test_an_event_told_in_mid_quarter_holds_at_once_and_is_planned_for_at_its_end(
    site: Planned, desk: DemandResponse
) -> None:
    site.plant.kit.clock.now = BEGINS_AT + CHEAP_AFTER * QUARTER
    comes(site, 9)
    until_quarter(site)
    draw(site, 4)
    assert site.plant.offered_a()[0] == 16.0
    desk.tell(event(site.plant, "e", DemandAsk(kind=AskKind.CAP, power_w=5_000)))
    site.plant.live(2)
    assert site.plant.offered_a()[0] == pytest.approx(7.2, abs=0.1)
    pass_quarters(site, 2)
    plan = site.state().plan
    assert plan is not None
    assert 0 < max(plan.ports[0].limit_ma[1:3]) <= 7_200
    assert max(delivered_w(desk)) > 2_500


def test_who_comes_in_mid_event_is_told_what_it_leaves_them_and_why(site: Planned, desk: DemandResponse) -> None:
    """Where nothing is known of prices, and so nothing is planned."""
    kit = site.plant.kit
    site.days.is_known = False
    desk.tell(event(site.plant, "e", DemandAsk(kind=AskKind.CAP, power_w=5_000)))
    site.plant.known(0)
    site.plant.begin(0, site.leaving(9))
    site.plant.live(5)
    vars(kit.quarter_plans)["planner"] = NoPlanner()
    kit.quarter_plans.foretell(SITE_ID, ["S-0"])
    told = kit.session("S-0").told_plan
    assert told is not None
    assert told.waits_for is WaitReason.DEMAND_RESPONSE
    # An hour of 5 kW, and then at 11 what is left of 20 kWh.
    assert told.ready_at is not None
    assert told.ready_at - site.now == pytest.approx(timedelta(hours=1 + 15 / 11), abs=timedelta(minutes=10))


def test_of_a_site_that_nobody_asks_nothing_is_kept(site: Planned) -> None:
    comes(site, 9)
    until_quarter(site)
    plan = site.state().plan
    assert plan is not None
    assert plan.unasked == ()
    assert site.plan() == plan


def test_a_plan_that_heeds_an_event_asks_for_nothing_more_than_one_that_has_none(
    site: Planned, desk: DemandResponse
) -> None:
    comes(site, 9)
    # What is new is written, and looked at; then what stands there already is read alone.
    costs = []
    for _ in range(2):
        until_quarter(site)
        with counted() as calls:
            again = site.plan()
            costs.append(calls.take(0))
        assert again is not None
        desk.tell(event(site.plant, "e", ALL_OF_IT, later_s=2 * 3600))
        draw(site, 1)
    plan = site.state().plan
    assert plan is not None
    assert plan.unasked
    assert costs[0] == costs[1]
    assert costs[0].total() == 1
