"""Roomy sites are planned less hurried than short ones; which is which the plans themselves say, and remember."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.day_plans import DayPlans, lacked
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.programs import LinearProgram
from chalicelib.domain.grid.tree import Claim, Phase, SiteTree
from tests.domain.grid.sites import AT, claim, looks, port, port_id, site

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
# Nobody comes; in an hour power is a little cheaper.
QUIET = Outlook(begins_at=AT, price_micros=(300_000,) * 4 + (290_000,) * 92, coming_permille=(0,) * 96)
SITE = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 100)
SHORT = site([port(0, step_ma=1_000), port(1, step_ma=1_000)], 8)


@dataclass
class Counted:
    """Solves as HiGHS does, so many programs; the rest have no solution."""

    most: int = 3
    asked: list[LinearProgram] = field(default_factory=list)

    def solve(self, program: LinearProgram) -> Sequence[float] | None:
        self.asked.append(program)
        return Highs().solve(program) if len(self.asked) <= self.most else None


def car(number: int, **more: object) -> Claim:
    about: dict[str, object] = {
        "car_phases": 3,
        "car_most_ma": 16_000,
        "draws": looks((17, 16), (17, 16)),
        "asked_wh": 20_000,
        "departs_at": AT + 10 * HOUR,
    }
    return claim(number, **about | more)


def best(tree: SiteTree, outlook: Outlook, counted: Counted, *claims: Claim) -> Plan | None:
    return DayPlans(tree=tree, claims=claims, outlook=outlook, at=AT).best(counted.solve)


def test_a_site_with_room_for_all_is_planned_again_and_waits_longer() -> None:
    counted = Counted()
    roomy = best(SITE, QUIET, counted, car(0))
    usual = best(SITE, replace(QUIET, lacked_at=AT - HOUR), Counted(), car(0))
    assert roomy is not None
    assert usual is not None
    assert (roomy.is_roomy, usual.is_roomy) == (True, False)
    assert len(counted.asked) == 3
    assert usual.limit_ma[port_id(0)][0] > 0
    assert roomy.limit_ma[port_id(0)][:4] == (0, 0, 0, 0)
    assert roomy.unmet_wh == usual.unmet_wh == {port_id(0): 0}


def test_a_site_that_is_short_now_is_planned_once() -> None:
    counted = Counted()
    plan = best(SHORT, QUIET, counted, car(0, asked_wh=50_000), car(1, asked_wh=50_000))
    assert plan is not None
    assert plan.lacks_permille > 150
    assert not plan.is_roomy
    assert len(counted.asked) == 1


def test_what_a_car_would_lack_alone_says_nothing_of_its_site() -> None:
    """Five times what its port gives until it leaves: no site has room for that, and none is short for it."""
    plan = best(SITE, QUIET, Counted(), car(0, asked_wh=50_000, departs_at=AT + HOUR))
    assert plan is not None
    assert plan.unmet_wh[port_id(0)] > 25_000
    assert (plan.lacks_permille, plan.is_roomy) == (0, True)


def test_what_those_would_lack_alone_who_may_come_says_nothing_of_their_site() -> None:
    """Each is thought to ask for what those do who are here, at ports of one phase that give a third of it."""
    ports = [port(it, step_ma=1_000, phases=(Phase.L1,), most_ma=16_000) for it in range(10)]
    plan = best(site(ports, 400), QUIET, Counted(), car(0, car_phases=1, asked_wh=150_000))
    assert plan is not None
    assert plan.is_roomy


def test_a_site_that_was_short_is_not_roomy_for_a_day() -> None:
    for ago, is_roomy in ((DAY - HOUR, False), (DAY, True)):
        plan = best(SITE, replace(QUIET, lacked_at=AT - ago), Counted(), car(0))
        assert plan is not None
        assert plan.is_roomy is is_roomy


def test_a_site_that_would_be_short_if_it_were_full_is_not_roomy() -> None:
    """One car fits at any site."""
    many = site([port(it, step_ma=1_000) for it in range(20)], 40)
    counted = Counted()
    plan = best(many, QUIET, counted, car(0))
    assert plan is not None
    assert plan.lacks_permille == 0
    assert not plan.is_roomy
    assert len(counted.asked) == 2


def test_where_nobody_watches_who_comes_nobody_knows_how_full_it_gets() -> None:
    counted = Counted()
    plan = best(SITE, replace(QUIET, coming_permille=()), counted, car(0))
    assert plan is not None
    assert not plan.is_roomy
    assert len(counted.asked) == 1


@pytest.mark.parametrize("solved", [1, 2])
def test_the_usual_plan_stands_where_the_others_have_no_solution(solved: int) -> None:
    usual = best(SITE, replace(QUIET, lacked_at=AT), Counted(), car(0))
    assert best(SITE, QUIET, Counted(solved), car(0)) == usual


def test_without_the_usual_plan_there_is_none() -> None:
    assert best(SITE, QUIET, Counted(0), car(0)) is None


def test_what_a_roomy_plan_lacks_is_told_of_the_usual_one_so_that_it_does_not_hide_who_may_come() -> None:
    crowd = replace(QUIET, coming_permille=(300,) * 96)
    usual = best(SITE, replace(crowd, lacked_at=AT), Counted(), car(0), car(1))
    roomy = best(SITE, crowd, Counted(), car(0), car(1))
    assert usual is not None
    assert roomy is not None
    assert roomy.lacks_permille == usual.lacks_permille


def test_the_hour_in_which_too_much_lacked_is_remembered() -> None:
    enough, short = Plan(begins_at=AT, lacks_permille=150), Plan(begins_at=AT, lacks_permille=151)
    later = AT + timedelta(hours=2, minutes=14)
    assert lacked(enough, None, later) is None
    assert lacked(short, None, later) == AT + timedelta(hours=2)
    assert lacked(enough, AT, later) == AT
