"""A driver says when they leave: the car waits for cheap hours, they know why, and what it saved is on the receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib import wiring
from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.outlook import Outlook, Plan
from chalicelib.domain.grid.signals import quarter_of
from chalicelib.domain.grid.tree import Claim, Conditions, SiteTree
from chalicelib.services.grid import quarter_plans
from chalicelib.services.grid.linear_planner import LinearPlanner
from local.client import ApiError
from local.simulator.battery import Car
from local.simulator.needs import in_hours, tell_needs
from tests.scenarios.test_load_balancing import Site
from tests.scenarios.world import World, eventually, until

_CHEAP, _DEAR = 80_000, 320_000


class _Day:
    """What a kWh costs and emits: dear and dirty until a moment that a test moves."""

    def __init__(self) -> None:
        self.cheap_from = quarter_of(datetime.now(UTC)) + timedelta(hours=2)

    def of(self, site_id: str, begins_at: datetime, quarters: int) -> Outlook:
        first = quarter_of(begins_at)
        is_cheap = [first + it * timedelta(minutes=15) >= self.cheap_from for it in range(quarters)]
        return Outlook(
            begins_at=first,
            currency="EUR",
            price_micros=tuple(_CHEAP if it else _DEAR for it in is_cheap),
            carbon_g=tuple(100 if it else 400 for it in is_cheap),
            renewable_permille=tuple(700 if it else 300 for it in is_cheap),
            source="the market of this story",
        )

    def plan(
        self, tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, conditions: Conditions
    ) -> Plan | None:
        row = tuple(16_000 if it == _CHEAP else 0 for it in outlook.price_micros)
        return Plan(begins_at=outlook.begins_at, limit_ma={it.port_id: row for it in claims})


@contextmanager
def planned_day() -> Iterator[_Day]:
    day, network = _Day(), wiring.network()
    names = ("outlooks", "planner", "quarter_plans", "footprints", "issued_receipts", "lifecycle", "driver_sessions")
    before = {name: vars(network).pop(name, None) for name in names}
    vars(network)["outlooks"] = vars(network)["planner"] = day
    try:
        # A story that meets the last minute of a quarter has no time for the next.
        with patch.object(quarter_plans, "_LAST_MOMENTS", timedelta(0)):
            yield day
    finally:
        for name in names:
            vars(network).pop(name, None)
        vars(network).update({name: it for name, it in before.items() if it is not None})


def until_planned(site: Site, plan: Callable[[], Any]) -> Any:
    """What a session shows of its plan, once whoever was asked for it has answered."""

    def shown() -> Any:
        site.looked()
        return plan()

    return eventually(shown)


def plan_now(site: Site) -> None:
    """The quarter's last minute has come."""
    wiring.network().plans.ask_for_many([site.site_id])
    site.looked()


def test_a_car_that_leaves_in_the_morning_waits_for_cheap_power_and_its_driver_knows_why(world: World) -> None:
    site = Site(world)
    site.describe()
    charger = site.chargers[0]
    begun_at = datetime.now(UTC)
    with planned_day() as day:
        world.do(charger.plug(1, Car(max_power_w=11_040)))
        ready_by = datetime.now(UTC) + timedelta(hours=10)
        wishes = {"ready_by": ready_by.isoformat(), "energy_wh": 11_000, "profile": "cheap"}
        body = {"charger_id": charger.setup.charger_id, "connector": "1", "preferences": wishes}
        session = world.driver.call("POST", "/v1/sessions", body)
        path = f"/v1/sessions/{session['session_id']}"
        assert session["preferences"]["result"] == "accepted"
        assert session["plan"] is None
        site.until_offered(22.0, 0, 0, 0)
        # Told at plug-in what a plan will come to, before any is made.
        foretold = until_planned(site, lambda: world.driver.call("GET", path)["plan"])
        assert foretold["waits_for"] == "cheaper_later"
        # Two minutes it is kept awake; this story has no time for that.
        long_ago(site, session["session_id"])
        plan_now(site)
        site.until_offered(0, 0, 0, 0)
        shown = world.driver.call("GET", path)["plan"]
        assert shown["waits_for"] == "cheaper_later"
        assert datetime.fromisoformat(shown["starts_at"]) == day.cheap_from
        assert datetime.fromisoformat(shown["ready_at"]) < ready_by
        assert shown["source"] == "the market of this story"
        # 11 kWh in cheap hours, but for what it has before the quarter's end, by which plans begin: up to 2.8.
        assert 85 <= shown["energy_cost_minor"] <= 88 + 2.8 * (_DEAR - _CHEAP) / 10_000 + 3
        until(lambda: _notices(world).count("charge_planned"), 1)
        # Nobody need tell its charger when the cheap hours begin.
        (follows,) = _schedules(charger)
        assert [it["limit"] for it in follows] == [0.0, 6.0, 16.0, 6.0]
        told = site.power()["plan"]
        assert told["ports"][0]["session_id"] == session["session_id"]

        day.cheap_from = quarter_of(begun_at)
        plan_now(site)
        site.until_offered(16.0, 0, 0, 0)
        again = world.driver.call("GET", path)["plan"]
        assert again["waits_for"] is None
        until(lambda: _notices(world).count("plan_changed"), 1)

        eventually(lambda: world.driver.call("GET", path)["energy_wh"])
        world.do(charger.unplug(1))
        eventually(lambda: world.driver.call("GET", path)["receipt_url"])
        footprint = world.driver.call("GET", f"{path}/receipt")["footprint"]
        assert footprint["source"] == "the market of this story"
        assert footprint["renewable_percent"] == "70.0"
        assert footprint["carbon_g"] == pytest.approx(footprint["energy_wh"] / 10, abs=2)
        # It charged in one quarter of an hour, and so it would have at once: nothing was saved, and nothing is claimed.
        assert footprint["saved_g"] == footprint["saved_minor"] == 0


def test_a_car_waits_for_the_end_of_an_announced_event_and_is_told_that_it_is_the_grids_wish(world: World) -> None:
    site = Site(world)
    site.describe()
    call, charger = world.operator.call, site.chargers[0]
    call("PUT", f"{site.path}/demand-response", {"areas": [site.site_id]})
    with planned_day() as day:
        vars(wiring.network())["planner"] = LinearPlanner(Highs())
        # In the first hour of those that are cheap nothing is to be drawn.
        over_at = day.cheap_from + timedelta(hours=1)
        hour = {"begins_at": day.cheap_from.isoformat(), "ends_at": over_at.isoformat(), "kind": "cap", "power_w": 0}
        event = f"/v1/operator/demand-response/events/announced-{site.site_id}"
        call("PUT", event, {"program": "evening-peak", "areas": [site.site_id], "intervals": [hour]})
        until_planned(site, lambda: site.power()["demands"])
        world.do(charger.plug(1, Car(max_power_w=11_040)))
        wishes = {"ready_by": (datetime.now(UTC) + timedelta(hours=10)).isoformat(), "energy_wh": 11_000}
        body = {"charger_id": charger.setup.charger_id, "connector": "1", "preferences": wishes}
        session = world.driver.call("POST", "/v1/sessions", body)
        path = f"/v1/sessions/{session['session_id']}"
        foretold = until_planned(site, lambda: world.driver.call("GET", path)["plan"])
        assert foretold["waits_for"] == "demand_response"
        assert datetime.fromisoformat(foretold["starts_at"]) >= over_at
        long_ago(site, session["session_id"])
        plan_now(site)
        site.until_offered(0, 0, 0, 0)
        # Its charger knows by itself when the event is over.
        (told,) = _schedules(charger)
        first_s = next(it["startPeriod"] for it in told if it["limit"])
        assert datetime.now(UTC) + timedelta(seconds=first_s + 60) >= over_at
        # Called off, it is planned for no more.
        call("DELETE", event)

        def is_told() -> bool:
            plan_now(site)
            plan = world.driver.call("GET", path)["plan"]
            return bool(plan["waits_for"] == "cheaper_later")

        eventually(is_told)


def test_a_car_that_said_itself_when_it_leaves_waits_no_longer_than_it_can(world: World) -> None:
    site = Site(world, number=2, version="2.0.1")
    site.describe()
    charger = site.chargers[0]
    with planned_day() as day:
        day.cheap_from += timedelta(hours=20)
        site.begin(0)
        site.until_offered(32.0, 0)
        session_id = str(eventually(world.newest_session)["session_id"])
        # Its claim is written a moment after it has begun.
        eventually(lambda: world.do(tell_needs(charger, 1, 20_000, in_hours(12))) != "Rejected")
        long_ago(site, session_id)
        plan_now(site)
        site.until_offered(0, 0)
        eventually(lambda: world.do(tell_needs(charger, 1, 20_000, in_hours(2))) != "Rejected")
        site.until_offered(32.0, 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"ChargeProfileMaxStackLevel": "3", "ChargingScheduleMaxPeriods": "2"},
        {"ChargingScheduleAllowedChargingRateUnit": "Power"},
    ],
    ids=["room-for-two-periods", "watts-alone"],
)
def test_a_plan_is_followed_by_whoever_keeps_less_of_it_than_others(world: World, settings: dict[str, str]) -> None:
    site = Site(world, number=2, settings=settings)
    site.describe()
    charger = site.chargers[0]
    with planned_day():
        world.do(charger.plug(1, Car(max_power_w=11_040)))
        wishes = {"ready_by": (datetime.now(UTC) + timedelta(hours=12)).isoformat(), "energy_wh": 11_000}
        body = {"charger_id": charger.setup.charger_id, "connector": "1", "preferences": wishes}
        session_id = world.driver.call("POST", "/v1/sessions", body)["session_id"]
        eventually(lambda: site.offered_a()[0])
        until_planned(site, lambda: world.driver.call("GET", f"/v1/sessions/{session_id}")["plan"])
        long_ago(site, session_id)
        plan_now(site)
        site.until_offered(0, 0)


def _notices(world: World) -> list[str]:
    return [it["kind"] for it in world.driver.call("GET", "/v1/me/notices")["items"]]


def long_ago(site: Site, session_id: str) -> None:
    """As if its claim had begun an hour ago."""
    managed_sites = wiring.network().managed_sites
    state = managed_sites.state(site.site_id)
    assert state is not None
    (claim,) = (it for it in state.claims if it.session_id == session_id)
    managed_sites.end(site.site_id, claim.port_id, session_id)
    managed_sites.begin(replace(claim, begun_at=claim.begun_at - timedelta(hours=1)))


def _schedules(charger: Any) -> list[list[dict[str, Any]]]:
    at = charger.connectors[1]
    day_s = 24 * 3600
    found = charger.memory.profiles.composite(1, datetime.now(UTC), day_s, "A", charger.charge(at), 1)
    return [found]


def test_at_a_site_whose_power_nobody_shares_out_the_answer_says_so(world: World) -> None:
    charger = world.charger()
    world.do(charger.plug(1))
    wishes = {"ready_by": (datetime.now(UTC) + timedelta(hours=3)).isoformat()}
    body = {"charger_id": charger.setup.charger_id, "connector": "1", "preferences": wishes}
    session = world.driver.call("POST", "/v1/sessions", body)
    assert session["preferences"]["result"] == "not_possible"
    path = f"/v1/sessions/{session['session_id']}/charging-preferences"
    assert world.driver.call("PUT", path, wishes)["result"] == "not_possible"
    with pytest.raises(ApiError) as error:
        world.driver.call("PUT", path, {"ready_by": "2020-01-01T00:00:00Z"})
    assert error.value.status == 400
    eventually(lambda: world.driver.call("GET", f"/v1/sessions/{session['session_id']}")["state"] == "active")
