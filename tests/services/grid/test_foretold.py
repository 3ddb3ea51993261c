"""Whoever says when they leave is told within seconds what to expect, by the same function as the plan itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.domain.charging.preferences import ToldPlan, WaitReason
from chalicelib.domain.charging.wishes import MOST_PLANS_TOLD, PlanTold
from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.domain.grid.tree import Node, SiteTree
from tests.services.conftest import Kit
from tests.services.grid.plant import SITE_ID, Plant
from tests.services.grid.test_looks import near
from tests.services.grid.test_plans import BEGINS_AT, CHEAP_AFTER, CheapHours, Days, Planned


@dataclass
class Asked:
    """The port Plans: remembers what it was asked for."""

    foretold: list[tuple[str, Sequence[str]]] = field(default_factory=list)

    def ask_for_many(self, site_ids: Sequence[str]) -> None:
        """No story here comes to a quarter's last minute."""

    def foretell(self, site_id: str, session_ids: Sequence[str]) -> None:
        self.foretold.append((site_id, session_ids))


class Small(Plant):
    """With a connection of 13 A: two cars at a time."""

    @property
    def tree(self) -> SiteTree:
        return replace(super().tree, nodes=(Node(node_id="grid", limit_ma=(13_000,) * 3),))


def planned(kit: Kit, plant: type[Plant]) -> tuple[Planned, Asked]:
    asked = Asked()
    vars(kit)["plans"] = asked
    made = Planned(plant(kit), Days(), CheapHours())
    vars(kit)["outlooks"], vars(kit)["planner"] = made.days, made.planner
    made.plant.describe()
    return made, asked


@pytest.fixture
def story(kit: Kit) -> tuple[Planned, Asked]:
    return planned(kit, Plant)


def told_plan(site: Planned, number: int = 0) -> ToldPlan | None:
    return site.plant.kit.session(f"S-{number}").told_plan


def told(site: Planned, driver_id: str) -> list[str]:
    return [it.kind for it in site.plant.kit.notifications.page(driver_id, 10, None)[0]]


def answer(site: Planned, asked: Asked) -> None:
    """Whoever plans does what it was asked for."""
    for site_id, session_ids in asked.foretold:
        site.plant.kit.quarter_plans.foretell(site_id, session_ids)
    asked.foretold.clear()


def test_who_plugs_in_is_told_within_seconds_and_charges_on_with_a_fair_share(story: tuple[Planned, Asked]) -> None:
    site, asked = story
    site.plant.known(0, "ada")
    site.plant.begin(0, site.leaving(9))
    site.plant.live(2)
    assert asked.foretold == [(SITE_ID, ["S-0"])]
    answer(site, asked)
    expected = told_plan(site)
    assert expected is not None
    assert expected.starts_at == BEGINS_AT + CHEAP_AFTER * QUARTER
    assert expected.waits_for is WaitReason.CHEAPER_LATER
    assert expected.energy_cost_micros is not None
    assert told(site, "ada") == ["charge_planned"]
    assert site.state().plan is None
    site.plant.live(8)
    assert near(site.plant.offered_a(), 22.0, 0, 0, 0)
    # The plan itself says the same: nobody hears of it twice.
    site.plan()
    site.plant.live(120)
    assert told_plan(site) == expected
    assert told(site, "ada") == ["charge_planned"]
    assert asked.foretold == []


def test_who_says_something_else_is_told_anew(story: tuple[Planned, Asked]) -> None:
    site, asked = story
    site.plant.known(0, "ada")
    site.plant.begin(0, site.leaving(9))
    site.plant.live(2)
    answer(site, asked)
    site.plant.kit.managed_sites.prefer(SITE_ID, site.plant.port(0), "S-0", site.leaving(2.25))
    site.plant.looks.ask(SITE_ID)
    site.plant.live(2)
    assert asked.foretold == [(SITE_ID, ["S-0"])]
    answer(site, asked)
    again = told_plan(site)
    assert again is not None
    assert again.unmet_wh > 10_000
    assert told(site, "ada") == ["plan_changed", "charge_planned"]


def test_who_said_nothing_is_told_of_no_plan_and_nobody_is_asked_for_one(story: tuple[Planned, Asked]) -> None:
    site, asked = story
    site.plant.known(0, "ada")
    site.plant.begin(0)
    site.plant.live(5)
    assert asked.foretold == []
    site.plant.kit.quarter_plans.foretell(SITE_ID, ["S-0", "S-1"])
    assert told_plan(site) is None


def test_where_nobody_can_plan_the_fair_share_is_what_is_told(story: tuple[Planned, Asked]) -> None:
    site, asked = story
    site.planner.fails = True
    site.plant.known(0, "ada")
    site.plant.begin(0, site.leaving(9))
    site.plant.live(2)
    answer(site, asked)
    expected = told_plan(site)
    assert expected is not None
    assert expected.waits_for is None
    # Nobody else charges: nearly 20 kWh by 22 A, of which most cars take 16 on three phases.
    took = timedelta(hours=0.97 * 20_000 / (16 * 690))
    assert expected.ready_at == pytest.approx(site.now + took, abs=timedelta(minutes=1))


def test_signals_of_more_than_a_day_ago_cost_nothing_that_anybody_is_told(story: tuple[Planned, Asked]) -> None:
    site, asked = story
    site.days.told_at = site.now - timedelta(hours=30)
    site.planner.fails = True
    site.plant.known(0, "ada")
    site.plant.begin(0, site.leaving(9))
    site.plant.live(2)
    answer(site, asked)
    expected = told_plan(site)
    assert expected is not None
    assert expected.energy_cost_micros is None


def test_of_waiting_a_driver_hears_with_one_voice(kit: Kit) -> None:
    site, asked = planned(kit, Small)
    for number, driver_id in enumerate(("ada", "bob", "cleo", "dan")):
        site.plant.known(number, driver_id)
        # The last two wait for their turns; of the two Cleo said when she leaves.
        site.plant.begin(number, site.leaving(9) if number == 2 else None)
        site.plant.live(5)
    answer(site, asked)
    assert told(site, "dan") == ["power_waits"]
    assert told(site, "cleo") == ["charge_planned"]
    assert told_plan(site, 2) is not None


def test_whoever_says_something_else_again_and_again_is_not_written_to_each_time(story: tuple[Planned, Asked]) -> None:
    site, asked = story
    site.plant.known(0, "ada")
    site.plant.begin(0, site.leaving(9))
    site.plant.live(2)
    answer(site, asked)
    expected = told_plan(site)
    assert expected is not None
    assert expected.ready_at is not None
    kit = site.plant.kit
    for number in range(1, 101):
        # By more than a quarter of the time until then.
        later = replace(expected, ready_at=expected.ready_at + timedelta(hours=number % 2 * 4 + 2))
        kit.changes.apply("S-0", PlanTold(later))
    notices, _ = kit.notifications.page("ada", 200, None)
    assert len(notices) == 1 + MOST_PLANS_TOLD
    # The session shows the newest word all the same.
    assert told_plan(site) == replace(later, number=100)
