"""A process dies before any write of a site's day, or just after it: no node is over its limit, and all comes right.

Nobody does again what a dead process was at: the next look does, for whatever reason it comes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.domain.grid.tree import Node, SiteTree
from chalicelib.domain.grid.waits import WaitCause
from tests.properties import few
from tests.services.conftest import Kit
from tests.services.grid.plant import LIMIT_A, SITE_ID, Died, Plant
from tests.services.grid.test_looks import near
from tests.services.grid.test_plans import BEGINS_AT, CHEAP_AFTER, CheapHours, Days

# What writes or sends, of everything that a look, a claim and an answer use.
_WRITES = {
    "managed_sites": ("keep", "folded", "heard", "begin", "end", "tell_load"),
    "calls": ("add", "take_line", "wait", "free_line", "answer"),
    "link": ("send",),
    "looks": ("ask", "ask_later"),
}
# More than a day without a crash has.
_MOST = 170
# Some at a time: each run meets another death first, and a second one later.
_EVERY = 12
# And of what a plan uses beside.
_PLANNING = {
    **_WRITES,
    "managed_sites": (*_WRITES["managed_sites"], "keep_plan"),
    "sessions": ("save",),
    "outbox": ("add",),
}
_MOST_PLANNED = 60
_EVERY_PLANNED = 4


# And of what telling drivers that they wait uses.
_WAITING = {
    **_WRITES,
    "managed_sites": (*_WRITES["managed_sites"], "wait_told"),
    "outbox": ("add",),
}


class Tight(Plant):
    """With a connection of 13 A: two cars at a time."""

    @property
    def tree(self) -> SiteTree:
        return replace(super().tree, nodes=(Node(node_id="grid", limit_ma=(13_000,) * 3),))


class Dying:
    """A store, or the way out, whose process dies before its n-th write; or, where `after`, once that is done."""

    def __init__(self, beside: Any, writes: tuple[str, ...], deaths: Deaths) -> None:
        self._beside, self._writes, self._deaths = beside, writes, deaths

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._beside, name)
        if name not in self._writes:
            return method

        def write(*told: Any, **more: Any) -> Any:
            is_last = self._deaths.counted()
            if is_last and not self._deaths.after:
                raise Died
            answer = method(*told, **more)
            if is_last:
                raise Died
            return answer

        return write


class Deaths:
    """Counts writes of all kinds; every so many of them is a process's last."""

    def __init__(self, numbers: set[int], *, after: bool) -> None:
        self.numbers, self.after = numbers, after
        self.count = 0

    def counted(self) -> bool:
        self.count += 1
        return self.count in self.numbers


def tight(plant: Plant, deaths: Deaths) -> None:
    """Four cars where two have the least current; each driver's session is known."""
    kit = plant.kit
    for name, writes in _WAITING.items():
        vars(kit)[name] = Dying(getattr(kit, name), writes, deaths)
    plant.looks = kit.looks  # type: ignore[assignment]
    for built in ("balancer", "dispatch", "commands", "conversation", "router", "notifications", "power_waits"):
        vars(kit).pop(built, None)
    for number in range(4):
        plant.known(number, f"driver-{number}")
        plant.begin(number)
        plant.live(6)


def a_day(kit: Kit, deaths: Deaths) -> Plant:
    """Three cars come, the building takes more, one leaves, another comes; in the end everything is quiet."""
    plant = Plant(kit)
    plant.describe()
    for name, writes in _WRITES.items():
        vars(kit)[name] = Dying(getattr(kit, name), writes, deaths)
    plant.looks = kit.looks  # type: ignore[assignment]
    for built in ("balancer", "dispatch", "commands", "conversation", "router", "site_grids", "managed_charger_news"):
        vars(kit).pop(built, None)
    for number in range(3):
        plant.begin(number)
        plant.live(6)
    plant.survive(lambda: kit.site_grids.tell_load("op", plant.tree.site_id, (9_000, 0, 0), None))
    plant.live(6)
    plant.end(0)
    plant.live(6)
    plant.begin(3)
    plant.live(400)
    return plant


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", few(range(1, _EVERY + 1)))
def test_whoever_dies_at_whatever_write_no_limit_is_passed(kit: Kit, first: int, after: bool) -> None:
    plant = a_day(kit, Deaths(set(range(first, _MOST, _EVERY)), after=after))
    assert plant.deaths
    assert plant.worst_a <= LIMIT_A
    assert near(plant.offered_a(), 0.0, 11.3, 11.3, 11.3)


@pytest.mark.parametrize(("first", "after"), [(1, False), (2, True), (3, False), (4, True)])
def test_whoever_dies_while_a_site_is_planned_cars_wait_for_cheap_hours_all_the_same(
    kit: Kit, first: int, after: bool
) -> None:
    deaths = Deaths(set(range(first, _MOST_PLANNED, _EVERY_PLANNED)), after=after)
    plant, days = Plant(kit), Days()
    vars(kit).update(outlooks=days, planner=CheapHours())
    plant.describe()
    for number in range(2):
        plant.known(number, "ada")
    for name, writes in _PLANNING.items():
        vars(kit)[name] = Dying(getattr(kit, name), writes, deaths)
    plant.looks = kit.looks  # type: ignore[assignment]
    for built in ("balancer", "dispatch", "commands", "conversation", "router", "notifications", "changes"):
        vars(kit).pop(built, None)
    for number in range(2):
        plant.begin(number, ChargingPreferences(ready_by=kit.clock() + timedelta(hours=9), energy_wh=20_000))
    plant.live(150)
    # A plan that broke off is made again a quarter of an hour later.
    for _ in range(4):
        plant.survive(lambda: kit.quarter_plans.plan(SITE_ID))
        plant.live(900)
    assert plant.deaths
    assert plant.worst_a <= LIMIT_A
    assert near(plant.offered_a(), 0.0, 0.0, 0.0, 0.0)
    kinds = [it.kind for it in kit.notifications.page("ada", 10, None)[0]]
    assert kinds == ["charge_planned"] * 2
    kit.clock.now = BEGINS_AT + CHEAP_AFTER * QUARTER + timedelta(minutes=6)
    offered = plant.offered_a()
    assert min(offered[:2]) >= 6.0
    assert sum(offered) <= LIMIT_A


# What describing a site anew writes.
_DESCRIBING = {
    "managed_sites": ("put", "forget_load", "begin"),
    "sites": ("put",),
    "sockets": ("manage",),
    "setups": ("mark_due",),
    "looks": ("ask",),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("last", few(range(1, 9)))
def test_whoever_dies_while_a_site_is_described_anew_says_it_again_and_all_is_done(
    kit: Kit, last: int, after: bool
) -> None:
    plant = Plant(kit)
    meter = kit.chargers.get("CP-14")
    assert meter is not None
    kit.chargers.put(replace(meter, has_main_meter=True), keep_password=True)
    kit.site_grids.describe("op", plant.tree, "CP-14")
    plant.live(10)
    for number in range(2):
        plant.begin(number)
        plant.live(8)
    # The first, which charges, and the meter leave the tree.
    fewer = replace(plant.tree, ports=plant.tree.ports[1:3])
    deaths = Deaths({last}, after=after)
    for name, writes in _DESCRIBING.items():
        vars(kit)[name] = Dying(getattr(kit, name), writes, deaths)
    vars(kit).pop("site_grids", None)
    plant.survive(lambda: kit.site_grids.describe("op", fewer, None))
    plant.live(70)
    kit.site_grids.describe("op", fewer, None)
    plant.live(70)
    assert plant.worst_a <= LIMIT_A
    known = kit.chargers.many({it.charger_id for it in plant.outlets})
    assert {it: charger.managed_at for it, charger in known.items()} == {
        "CP-11": "",
        "CP-12": SITE_ID,
        "CP-13": SITE_ID,
        "CP-14": "",
    }
    # Nobody's meter tells what the building takes, and what the first was told counts until it ends.
    state = kit.managed_sites.state(SITE_ID)
    assert state is not None
    assert state.load is None
    assert {it.port_id.charger_id for it in state.book.pages} == {"CP-11", "CP-12", "CP-13", "CP-14"}
    assert plant.offered_a()[1] >= 6.0


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", few(range(1, 9)))
def test_whoever_dies_while_drivers_are_told_that_they_wait_each_is_told_once(
    kit: Kit, first: int, after: bool
) -> None:
    plant = Tight(kit)
    plant.describe()
    tight(plant, Deaths(set(range(first, _MOST, 8)), after=after))
    # Within their turns: who waits is told by some look, and seen to wait.
    plant.live(420)
    assert plant.deaths
    assert plant.worst_a <= 13.0
    offered = plant.offered_a()
    assert [it >= 6.0 for it in sorted(offered)] == [False, False, True, True]
    for number, offered_a in enumerate(offered):
        told = [str(it.kind) for it in kit.notifications.page(f"driver-{number}", 10, None)[0]]
        assert told.count("power_waits") <= 1
        wait = kit.power_waits.of(kit.session(f"S-{number}"))
        assert (wait is not None and wait.cause is not WaitCause.OFFLINE) == (offered_a == 0.0)
        assert offered_a or "power_waits" in told
