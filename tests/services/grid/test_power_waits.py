"""A driver whose car waits for power is told once for each cause, and sees why for as long as it waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.grid.tree import Node, OperatorLimit, SiteTree
from chalicelib.domain.grid.waits import WaitCause
from chalicelib.records.charging import Transaction
from chalicelib.services.charging.live_news import TELLER
from tests.services.conftest import TARIFF, Kit
from tests.services.grid.plant import SITE_ID, Plant


class Small(Plant):
    """With a connection of 13 A: two cars at a time."""

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

    plant.live(17 * 60)
    # Its turn has come, and others wait for theirs: but what it would draw in silence is not its own.
    assert plant.offered_a()[2] == 6.0
    assert sum(it == "S-2-power_waits" for it in told(kit)) == 1
    plant.live(60 * 60)
    assert sorted(told(kit)) == sorted(set(told(kit)))


def test_who_charges_only_as_long_as_we_are_there_is_told_that_too(plant: Small) -> None:
    kit = plant.kit
    # The two that came first have what there is in silence; when one of them waits, the third charges without any.
    plant.live(17 * 60)
    causes = {number: kit.managed_sites.wait(SITE_ID, plant.port(number), f"S-{number}") for number in range(3)}
    assert {number: it.cause for number, it in causes.items() if it is not None} == {
        **{number: WaitCause.TURN for number, it in enumerate(plant.offered_a()[:3]) if not it},
        2: WaitCause.OFFLINE,
    }
    assert "S-2-power_at_risk" in told(kit)


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
