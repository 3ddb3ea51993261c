"""What is wrong with a site's power is an alarm within a minute, and is none once it is well, with nobody's help."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.grid.demand_response import Contract
from chalicelib.domain.operators import AlarmKind
from chalicelib.records.grid import ToldDraw
from chalicelib.services.grid.demand_response import DemandResponse
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant
from tests.services.grid.test_demand_response import Spread, event
from tests.services.grid.test_plans import CheapHours, Days, Planned
from tests.services.operators.test_alarms import Desk


class Watched:
    """A plant, and the desk that its alarms come to."""

    def __init__(self, kit: Kit) -> None:
        self.desk = Desk(kit)
        self.planned = Planned(Plant(kit), Days(), CheapHours())
        vars(kit)["outlooks"], vars(kit)["planner"] = self.planned.days, self.planned.planner
        self.plant = self.planned.plant
        self.plant.describe()

    def live(self, seconds: float) -> None:
        """Looks, and then whatever the desk was asked to look at meanwhile."""
        self.plant.live(seconds)
        kit = self.plant.kit
        now = kit.clock()
        for it in [it for it in self.desk.checks.waiting if it[0] <= now]:
            self.desk.checks.waiting.remove(it)
            self.desk.check(*it[1:])
        kit.alarm_desk.tend()

    def draw(self, number: int, current_a: float, times: int = 2) -> None:
        """That is what its meter says, a minute apart."""
        for _ in range(times):
            told = ToldDraw(at=self.plant.kit.clock(), current_ma=(int(current_a * 1000),) * 3)
            self.plant.kit.managed_sites.drew(SITE_ID, self.plant.port(number), f"S-{number}", told, None)
            self.live(61)

    def closing(self) -> set[AlarmKind]:
        """What is open once the desk has seen, twice, what became of it: a place falls a while after its subjects."""
        for _ in range(3):
            self.live(61)
        return self.open()

    def open(self) -> set[AlarmKind]:
        return {it.alarm.place.kind for it in self.desk.open()}


@pytest.fixture
def site(kit: Kit) -> Watched:
    return Watched(kit)


def test_a_silent_building_is_an_alarm_until_it_is_told_again(site: Watched) -> None:
    tell = site.plant.kit.site_grids.tell_load
    tell("op", SITE_ID, (3_000,) * 3, None)
    site.live(119)
    assert site.open() == set()
    # Two minutes of silence, and a minute's look.
    site.live(62)
    assert site.open() == {AlarmKind.LOAD_SILENT}
    for _ in range(3):
        tell("op", SITE_ID, (3_000,) * 3, None)
        site.live(61)
    assert site.open() == set()


def test_a_charger_that_keeps_no_limit_is_an_alarm_until_it_keeps_one_and_its_site_with_it(site: Watched) -> None:
    for number in range(2):
        site.plant.begin(number)
        site.live(8)
    site.live(20)
    site.draw(1, 14.0, 1)
    site.draw(0, 32.0)
    assert site.open() == {AlarmKind.LIMIT_IGNORED, AlarmKind.SITE_OVER_LIMIT}
    # It draws what it was told; the site's alarm waits for five minutes of that.
    for _ in range(8):
        site.draw(0, site.plant.outlets[0].offered_a(site.plant.kit.clock()), 1)
    assert site.closing() == set()


def test_plans_that_fail_are_an_alarm_until_one_is_found(site: Watched) -> None:
    site.plant.known(0, "ada")
    site.plant.begin(0, site.planned.leaving(9))
    site.live(60)
    site.planned.planner.fails = True
    for _ in range(2):
        site.planned.plan()
        site.live(5)
        assert site.open() == {AlarmKind.PLANS_FAILED}
    (alarm,) = site.desk.open()
    assert alarm.alarm.place.group == SITE_ID
    site.planned.planner.fails = False
    site.planned.plan()
    assert site.closing() == set()


def test_plans_that_nobody_waits_for_any_more_are_no_alarm(site: Watched) -> None:
    site.plant.known(0, "ada")
    site.plant.begin(0, site.planned.leaving(9))
    site.live(60)
    site.planned.planner.found = False
    site.planned.plan()
    site.live(5)
    assert site.open() == {AlarmKind.PLANS_FAILED}
    site.plant.end(0)
    site.live(1)
    site.plant.kit.clock.now += timedelta(minutes=16)
    assert site.closing() == set()


def test_an_event_that_lowers_sites_is_an_alarm_from_its_first_second_until_it_is_over(site: Watched) -> None:
    kit, spread = site.plant.kit, Spread()
    desk = DemandResponse(
        events=kit.demand_events,
        spread=spread,
        managed_sites=kit.managed_sites,
        looks=site.plant.looks,
        alarm_checks=kit.alarm_checks,
        clock=kit.clock,
    )
    spread.desk = desk
    desk.tell(event(site.plant, "nobody's"))
    site.live(1)
    assert site.open() == set()
    desk.sign("op", Contract(site_id=SITE_ID, operator_id="op", signed_at=kit.clock()))
    desk.tell(event(site.plant, "tonight", later_s=600))
    site.live(1)
    assert site.open() == set()
    site.live(601)
    assert site.open() == {AlarmKind.DEMAND_RESPONSE}
    (alarm,) = site.desk.open()
    assert alarm.subjects == ("op/tonight",)
    assert "program p" in alarm.alarm.detail
    kit.clock.advance(hours=1)
    assert site.closing() == set()
    desk.tell(event(site.plant, "now"))
    site.live(1)
    assert site.open() == {AlarmKind.DEMAND_RESPONSE}
    desk.cancel("op", "now")
    assert site.closing() == set()
