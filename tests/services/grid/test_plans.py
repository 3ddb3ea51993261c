"""A site's plan: who said when they leave charges in the cheap hours, by one profile that needs nobody to follow it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.charging.preferences import ChargingPreferences, ChargingProfile, WaitReason
from chalicelib.domain.grid.needs import is_met
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.signals import quarter_of
from chalicelib.domain.grid.tree import Claim, Conditions, PortId, SiteTree
from chalicelib.records.grid import SiteState, StoredPlan, ToldDraw
from tests.services.conftest import Kit
from tests.services.grid.plant import LIMIT_A, SITE_ID, Plant
from tests.services.grid.test_looks import near

CHEAP, DEAR = 50_000, 300_000
# Cheap from so many quarters of an hour after half past nine.
CHEAP_AFTER = 8
BEGINS_AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass
class Days:
    """What a kWh costs: dear for two hours, then cheap."""

    told_at: datetime | None = None
    is_known: bool = True
    asked: list[datetime] = field(default_factory=list)

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        first = quarter_of(begins_at)
        self.asked.append(first)
        if not self.is_known:
            return Outlook(begins_at=first)
        passed = (first - BEGINS_AT) // QUARTER
        prices = [DEAR if it + passed < CHEAP_AFTER else CHEAP for it in range(quarters)]
        return Outlook(
            begins_at=first, currency="EUR", price_micros=tuple(prices), told_at=self.told_at, source="a market"
        )


@dataclass
class CheapHours:
    """Plans each car alone: as much as it can have in the hours that cost least."""

    fails: bool = False
    found: bool = True
    is_choosy: bool = False
    lacks_permille: int = 0
    is_roomy: bool = False
    claims: list[Sequence[Claim]] = field(default_factory=list)
    coming: list[Sequence[int]] = field(default_factory=list)
    lacked_at: list[datetime | None] = field(default_factory=list)

    def plan(
        self, tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
    ) -> Plan | None:
        self.claims.append(claims)
        self.coming.append(outlook.coming_permille)
        self.lacked_at.append(outlook.lacked_at)
        if self.fails:
            raise RuntimeError("no solver")
        if not self.found:
            return None
        row = tuple(20_000 if it == CHEAP else 0 for it in outlook.price_micros)
        # As the real one: who has what was asked is no part of it.
        known = [it for it in claims if not (self.is_choosy and is_met(it))]
        return Plan(
            begins_at=outlook.begins_at,
            limit_ma={it.port_id: row for it in known},
            lacks_permille=self.lacks_permille,
            is_roomy=self.is_roomy,
        )


@dataclass
class Planned:
    """A plant whose site is planned, by whom, and by what."""

    plant: Plant
    days: Days
    planner: CheapHours

    @property
    def now(self) -> datetime:
        return self.plant.kit.clock()

    def plan(self) -> StoredPlan | None:
        return self.plant.kit.quarter_plans.plan(SITE_ID)

    def leaving(self, hours: float, **more: object) -> ChargingPreferences:
        return replace(ChargingPreferences(ready_by=self.now + timedelta(hours=hours), energy_wh=20_000), **more)  # type: ignore[arg-type]

    def state(self) -> SiteState:
        found = self.plant.kit.managed_sites.state(SITE_ID)
        assert found is not None
        return found


@pytest.fixture
def site(kit: Kit) -> Planned:
    made = Planned(Plant(kit), Days(), CheapHours())
    vars(kit)["outlooks"], vars(kit)["planner"] = made.days, made.planner
    made.plant.describe()
    return made


def test_a_car_with_a_departure_waits_for_the_cheap_hours_and_its_charger_needs_nobody_for_it(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(8)
    assert near(plant.offered_a(), 22.0, 0, 0, 0)
    plant.live(180)
    assert site.plan() is not None
    plant.live(8)
    assert near(plant.offered_a(), 0.0, 0, 0, 0)
    # From now on nobody looks at it.
    plant.kit.clock.now = BEGINS_AT + CHEAP_AFTER * QUARTER + timedelta(minutes=2)
    assert near(plant.offered_a(), 6.0, 0, 0, 0)
    plant.kit.clock.advance(minutes=2)
    assert near(plant.offered_a(), 20.0, 0, 0, 0)
    plant.kit.clock.advance(hours=8)
    assert near(plant.offered_a(), 6.0, 0, 0, 0)


def test_who_comes_is_learnt_with_each_plan_and_told_to_the_next(site: Planned) -> None:
    """An hour of which only a part was watched says nothing yet."""
    site.plant.begin(0, site.leaving(9))
    site.plant.live(60)
    site.plan()
    site.plant.kit.clock.advance(hours=1)
    site.plant.begin(1, site.leaving(9))
    second = site.plan()
    assert second is not None
    assert second.arrivals is not None
    assert sum(second.arrivals.cars) == 100
    assert site.state().plan == second
    assert sum(site.planner.coming[-1]) > 0


def test_when_a_plan_last_lacked_something_is_kept_and_told_to_the_next(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(60)
    site.planner.lacks_permille = 81
    short = site.plan()
    assert short is not None
    assert short.lacked_at == BEGINS_AT.replace(minute=0)
    assert site.state().plan == short
    plant.kit.clock.advance(hours=1)
    assert site.plan() is not None
    assert site.planner.lacked_at[-1] == BEGINS_AT.replace(minute=0)
    assert site.state().plan != short
    site.planner.lacks_permille = 80
    site.plan()
    plant.kit.clock.advance(hours=2)
    last = site.plan()
    assert last is not None
    assert last.lacked_at == BEGINS_AT.replace(hour=BEGINS_AT.hour + 1, minute=0)


def test_who_comes_to_a_roomy_site_has_an_even_current_until_the_next_plan(site: Planned) -> None:
    plant = site.plant
    site.planner.is_roomy = True
    plant.begin(0, site.leaving(9))
    plant.live(180)
    site.plan()
    plant.live(8)
    plant.begin(1, site.leaving(4.5))
    plant.begin(2, site.leaving(4.5, is_boosted=True))
    plant.begin(3)
    plant.live(20)
    # 20 kWh in four hours on three phases; whoever wants it now, or said nothing, is held back by nothing.
    even_a = 20_000 / 4 / 690
    offered = plant.offered_a()
    assert even_a - 1 <= offered[1] <= even_a + 1
    assert min(offered[2:4]) > 12.0
    assert plant.worst_a <= LIMIT_A
    site.plan()
    plant.live(180)
    assert plant.offered_a()[1] == 0.0


def test_a_site_that_is_planned_as_short_again_gives_newcomers_their_share(site: Planned) -> None:
    plant = site.plant
    site.planner.is_roomy = True
    plant.begin(0, site.leaving(9))
    plant.live(180)
    site.plan()
    site.planner.is_roomy = False
    site.plan()
    plant.begin(1, site.leaving(4.5))
    plant.live(20)
    assert plant.offered_a()[1] >= 20.0


def test_looks_that_come_while_it_waits_leave_it_waiting_and_send_nothing(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(180)
    site.plan()
    plant.live(8)
    frames = plant.outlets[0].frames
    plant.live(50 * 60)
    site.plan()
    plant.live(50 * 60)
    assert near(plant.offered_a(), 0.0, 0, 0, 0)
    assert plant.outlets[0].frames == frames


def test_who_comes_after_the_plan_has_a_fair_share_and_room_is_kept_for_all(site: Planned) -> None:
    plant = site.plant
    for number in range(3):
        plant.begin(number, site.leaving(9))
    plant.live(180)
    site.plan()
    plant.live(8)
    plant.begin(3)
    plant.live(20)
    assert plant.offered_a()[3] >= 20.0
    plant.live(3 * 3600)
    assert plant.worst_a <= LIMIT_A
    # In the cheap hours all four share.
    assert min(plant.offered_a()) >= 6.0
    assert sum(plant.offered_a()) > LIMIT_A - 1


def test_a_car_that_was_just_plugged_in_wakes_before_it_waits(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(1)
    site.plan()
    plant.live(20)
    assert near(plant.offered_a(), 6.0, 0, 0, 0)
    plant.live(120)
    assert near(plant.offered_a(), 0.0, 0, 0, 0)


def told(site: Planned) -> list[str]:
    """What the driver of the first car was told, newest first."""
    return [it.kind for it in site.plant.kit.notifications.page("ada", 10, None)[0]]


def test_a_pause_that_a_new_plan_ends_ends_with_the_quarter_and_the_car_wakes_first(
    site: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(180)
    site.plan()
    plant.live((BEGINS_AT + timedelta(minutes=14, seconds=20) - site.now).total_seconds())
    assert near(plant.offered_a(), 0.0, 0, 0, 0)
    # It is cheap at once.
    monkeypatch.setattr(f"{__name__}.CHEAP_AFTER", 0)
    assert site.plan() is not None
    plant.live(20)
    assert near(plant.offered_a(), 0.0, 0, 0, 0)
    plant.live((BEGINS_AT + timedelta(minutes=16, seconds=30) - site.now).total_seconds())
    assert near(plant.offered_a(), 6.0, 0, 0, 0)
    plant.live((BEGINS_AT + timedelta(minutes=19) - site.now).total_seconds())
    assert near(plant.offered_a(), 20.0, 0, 0, 0)


def test_a_driver_is_told_once_and_again_only_where_it_comes_to_be_something_else(site: Planned) -> None:
    plant = site.plant
    plant.known(0, "ada")
    plant.begin(0, site.leaving(9))
    plant.live(180)
    for _ in range(3):
        site.plan()
        plant.live(8)
    session = plant.kit.sessions.get("S-0")
    assert session is not None
    assert session.told_plan is not None
    assert session.told_plan.waits_for is WaitReason.CHEAPER_LATER
    assert session.told_plan.starts_at == BEGINS_AT + CHEAP_AFTER * QUARTER
    # Nobody has seen by how many phases it charges: most cars take 11 kW, and so will this one until the quarter's end.
    until_then_kwh = 11.04 * ((BEGINS_AT + QUARTER - session.told_plan.planned_at) / timedelta(hours=1))
    took = timedelta(hours=(0.97 * 20 - until_then_kwh) / 11.04)
    assert session.told_plan.ready_at == pytest.approx(session.told_plan.starts_at + took, abs=timedelta(minutes=1))
    dear = until_then_kwh * (DEAR - CHEAP)
    assert session.told_plan.energy_cost_micros == pytest.approx(20 * CHEAP + dear, abs=5_000)
    assert told(site) == ["charge_planned"]
    # It leaves sooner, and will lack most of it: that is told early.
    plant.kit.managed_sites.prefer(SITE_ID, plant.port(0), "S-0", site.leaving(2.25))
    site.plan()
    site.plan()
    session = plant.kit.sessions.get("S-0")
    assert session is not None
    assert session.told_plan is not None
    assert session.told_plan.ready_at is None
    assert session.told_plan.unmet_wh > 10_000
    assert told(site) == ["plan_changed", "charge_planned"]


def test_who_wants_it_now_is_held_back_by_no_plan(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(180)
    site.plan()
    plant.live(8)
    assert near(plant.offered_a(), 0.0, 0, 0, 0)
    plant.kit.managed_sites.prefer(SITE_ID, plant.port(0), "S-0", ChargingPreferences(is_boosted=True))
    plant.looks.ask(SITE_ID)
    plant.live(8)
    assert near(plant.offered_a(), 22.0, 0, 0, 0)
    site.plan()
    plant.live(300)
    assert near(plant.offered_a(), 22.0, 0, 0, 0)


def test_who_wants_it_cheap_and_has_what_was_asked_takes_no_more_of_dear_hours(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9, profile=ChargingProfile.CHEAP))
    plant.begin(1, site.leaving(9))
    sites, draw = plant.kit.managed_sites, ToldDraw(at=site.now, current_ma=(10_000, 10_000, 10_000))
    for number in range(2):
        for energy_wh in (1_000, 21_500):
            sites.drew(SITE_ID, plant.port(number), f"S-{number}", draw, energy_wh)
    site.planner.is_choosy = True
    plant.live(180)
    plan = site.plan()
    assert plan is not None
    assert [(it.session_id, set(it.limit_ma)) for it in plan.ports] == [("S-0", {0})]


def test_from_half_an_hour_before_its_latest_start_no_cheap_hour_holds_a_car_back(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, None)
    # The car's own word. By one phase it takes an hour for that, so its latest start is at half past eleven.
    plant.kit.managed_sites.needs(SITE_ID, plant.port(0), 7_360, BEGINS_AT + timedelta(hours=3))
    plant.live(180)
    assert site.plan() is not None
    plant.live((BEGINS_AT + timedelta(minutes=88) - site.now).total_seconds())
    assert near(plant.offered_a(), 0.0, 0, 0, 0)
    plant.live(240)
    assert near(plant.offered_a(), 22.0, 0, 0, 0)


def test_who_said_nothing_of_leaving_waits_for_no_cheap_hour(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.begin(1)
    plant.begin(2, ChargingPreferences(energy_wh=10_000))
    plant.live(180)
    plan = site.plan()
    assert plan is not None
    assert [it.port_id for it in plan.ports] == [plant.port(0)]
    plant.live(8)
    offered = plant.offered_a()
    assert offered[0] == 0.0
    assert min(offered[1:3]) >= 6.0


def _no_plan(site: Planned) -> None:
    site.planner.found = False


def _broken(site: Planned) -> None:
    site.planner.fails = True


def _lost(site: Planned) -> None:
    site.days.told_at = site.now - timedelta(hours=25)


@pytest.mark.parametrize("goes_wrong", [_no_plan, _broken, _lost])
def test_without_a_plan_power_is_shared_out_fairly(site: Planned, goes_wrong: Callable[[Planned], None]) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(180)
    site.plan()
    plant.live(8)
    goes_wrong(site)
    site.plan()
    plant.live(8)
    assert near(plant.offered_a(), 22.0, 0, 0, 0)


def test_by_signals_of_hours_ago_the_last_plan_stands(site: Planned) -> None:
    plant = site.plant
    plant.begin(0, site.leaving(9))
    plant.live(180)
    before = site.plan()
    site.days.told_at = site.now - timedelta(hours=3)
    assert site.plan() is None
    assert site.state().plan == before


def test_a_site_that_nobody_needs_planned_costs_one_query(site: Planned) -> None:
    plant = site.plant
    plant.begin(0)
    plant.live(8)
    assert site.plan() is None
    assert not site.days.asked
    site.days.is_known = False
    plant.begin(1, site.leaving(9))
    plant.live(8)
    assert site.plan() is None
    assert not site.planner.claims


def test_plans_are_asked_for_in_the_last_minute_of_a_quarter_where_somebody_is_leaving(site: Planned) -> None:
    asked: list[str] = []

    @dataclass
    class Asked:
        def ask_for_many(self, site_ids: Sequence[str]) -> None:
            asked.extend(site_ids)

    vars(site.plant.kit)["plans"] = Asked()
    site.plant.begin(0)
    site.plant.kit.clock.now = BEGINS_AT + timedelta(minutes=14, seconds=3)
    assert site.plant.kit.wishing_sites.ask() == 0
    site.plant.begin(1, site.leaving(9))
    assert site.plant.kit.wishing_sites.ask() == 1
    assert asked == [SITE_ID]
    assert list(site.plant.kit.managed_sites.busy()) == [SITE_ID]
    site.plant.kit.clock.advance(minutes=1)
    assert site.plant.kit.wishing_sites.ask() == 0


def test_a_drivers_word_goes_before_the_cars_and_the_least_of_energies_counts(site: Planned) -> None:
    plant, sites = site.plant, site.plant.kit.managed_sites
    said = site.leaving(9)
    plant.begin(0, said)
    sites.needs(SITE_ID, plant.port(0), 12_000, site.now + timedelta(hours=2))
    claim = site.state().claims[0]
    assert (claim.asked_wh, claim.departs_at) == (12_000, said.ready_by)
    sites.prefer(SITE_ID, plant.port(0), "S-0", replace(said, energy_wh=5_000, ready_by=None))
    claim = site.state().claims[0]
    assert (claim.asked_wh, claim.departs_at) == (5_000, site.now + timedelta(hours=2))
    assert not sites.prefer(SITE_ID, plant.port(0), "another", said)
    assert not sites.prefer(SITE_ID, PortId("CP-99", plant.port(0).connector), "S-0", said)


def test_where_all_want_it_green_carbon_counts_before_money(site: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    by = site.planner.plan

    def plan(
        tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
    ) -> Plan | None:
        told.append(outlook.carbon_micros_per_kg)
        return by(tree, claims, outlook, at, conditions)

    monkeypatch.setattr(site.planner, "plan", plan)
    of = site.days.of
    monkeypatch.setattr(site.days, "of", lambda *asked: replace(of(*asked), carbon_g=(100,) * 96))
    site.plant.begin(0, site.leaving(9, profile=ChargingProfile.GREEN))
    site.plan()
    site.plant.begin(1, site.leaving(9))
    site.plan()
    assert told[0] > 1_000_000
    assert told[-1] == 0
