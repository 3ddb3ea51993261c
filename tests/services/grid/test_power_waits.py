"""A driver whose car waits for power is told once for each cause, and sees why for as long as it waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.grid.tree import Node, OperatorLimit, SiteTree
from chalicelib.domain.grid.waits import WaitCause
from chalicelib.records.charging import Transaction
from chalicelib.records.grid import ToldDraw
from chalicelib.services.charging.live_news import TELLER
from tests.services.conftest import TARIFF, Kit
from tests.services.grid.plant import SITE_ID, Plant


class Small(Plant):
    """With a connection of 13 A: two cars at a time."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self.taken_wh: dict[int, int] = {}

    @property
    def tree(self) -> SiteTree:
        return replace(super().tree, nodes=(Node(node_id="grid", limit_ma=(13_000,) * 3),))


@pytest.fixture
def plant(kit: Kit) -> Small:
    made = Small(kit)
    made.describe()
    for number in range(3):
        session(made, number)
        made.begin(number)
        made.live(5)
    return made


def session(plant: Plant, number: int) -> None:
    """A driver's session at a charger of the site, whose charge has begun."""
    kit, outlet = plant.kit, plant.outlets[number]
    found = Session(
        session_id=f"S-{number}",
        operator_id="op",
        site_id=SITE_ID,
        charger_id=outlet.charger_id,
        connector=plant.port(number).connector,
        origin=Origin.APP,
        token=f"S-{number}",
        driver_id="driver-1",
        tariff=TARIFF,
        created_at=kit.clock(),
        is_load_managed=True,
        state=State.ACTIVE,
        started_at=kit.clock(),
        ref="1",
    )
    assert kit.sessions.add(found)
    kit.transactions.record(Transaction(charger_id=outlet.charger_id, ref="1", session_id=found.session_id))


def charge(plant: Small, minutes: int) -> None:
    """Time passes, and cars that may charge do, as their meters say."""
    for _ in range(minutes):
        for number, offered_a in enumerate(plant.offered_a()[:3]):
            if offered_a:
                plant.taken_wh[number] = plant.taken_wh.get(number, 0) + round(offered_a * 690 / 60)
            amps = int(offered_a * 1000)
            draw = ToldDraw(at=plant.kit.clock(), current_ma=(amps, amps, amps))
            known = plant.kit.managed_sites
            known.drew(SITE_ID, plant.port(number), f"S-{number}", draw, plant.taken_wh.get(number, 0))
        plant.live(60)


def told(kit: Kit) -> list[str]:
    found, _ = kit.notifications.page("driver-1", 50, None)
    return [it.notice_id for it in reversed(found) if it.kind.startswith("power")]


def test_who_waits_for_a_turn_is_told_once_and_sees_until_when(plant: Small) -> None:
    kit = plant.kit
    wait = kit.driver_sessions.so_far(kit.session("S-2")).power_wait
    assert wait is not None
    assert wait.cause is WaitCause.TURN
    assert wait.until is not None
    assert timedelta(0) < wait.until - kit.clock() <= timedelta(minutes=15)
    assert kit.driver_sessions.so_far(kit.session("S-0")).power_wait is None
    assert told(kit) == ["S-2-power_waits"]

    charge(plant, 17)
    # Its turn has come, and one of the others waits: each is told once, however often that is so.
    offered = plant.offered_a()
    assert offered[2] == 6.0
    assert offered[:2].count(0.0) == 1
    charge(plant, 45)
    assert sorted(told(kit)) == ["S-0-power_waits", "S-1-power_waits", "S-2-power_waits"]
    assert plant.worst_a <= 13.0


def test_who_has_a_turn_has_the_default_and_who_waits_has_none(plant: Small) -> None:
    assert [it.default_a for it in plant.outlets] == [6.0, 6.0, 0.0, 0.0]
    charge(plant, 17)
    assert [it.default_a for it in plant.outlets] == [6.0 if it else 0.0 for it in plant.offered_a()]
    plant.kit.clock.advance(minutes=62)
    # We are gone: two charge on, and no more.
    assert sorted(plant.offered_a()) == [0.0, 0.0, 6.0, 6.0]


def test_who_charges_only_as_long_as_we_are_there_is_told_that_too(plant: Small) -> None:
    kit = plant.kit
    building = replace(plant.tree, worst_load_ma=(6_500, 0, 0))
    kit.site_grids.describe("op", building, None)
    kit.site_grids.tell_load("op", SITE_ID, (0, 0, 0), None)
    plant.live(20)
    # Its worst leaves one a default; as it is, two charge.
    assert plant.offered_a()[:2] == [6.5, 6.5]
    causes = [kit.managed_sites.wait(SITE_ID, plant.port(number), f"S-{number}") for number in range(3)]
    assert [it and it.cause for it in causes] == [None, WaitCause.OFFLINE, WaitCause.TURN]
    assert "S-1-power_at_risk" in told(kit)


def test_a_limit_is_a_cause_of_its_own_and_who_watches_hears_of_both(plant: Small) -> None:
    kit, now = plant.kit, plant.kit.clock()
    kit.live_marks.mark("S-2", now + timedelta(hours=1))
    limit = OperatorLimit(node_id="grid", limit_ma=5_000, begins_at=now, ends_at=now + timedelta(minutes=9))
    kit.site_grids.limit("op", SITE_ID, "evening", limit, "somebody")
    plant.live(5)
    wait = kit.driver_sessions.so_far(kit.session("S-2")).power_wait
    assert wait is not None
    assert (wait.cause, wait.until) == (WaitCause.LIMIT, limit.ends_at)
    assert "S-2-power_waits-1" in told(kit)
    assert [name for name, said in kit.invocations.begun if said.get("subject") == "S-2"] == [TELLER]


def test_who_waits_no_more_sees_nothing_of_it(plant: Small) -> None:
    plant.end(0)
    plant.live(8)
    assert plant.kit.driver_sessions.so_far(plant.kit.session("S-2")).power_wait is None
    before = plant.kit.managed_sites.state(SITE_ID)
    plant.kit.balancer.look(SITE_ID)
    assert plant.kit.managed_sites.state(SITE_ID) == before
