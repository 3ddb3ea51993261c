"""What a driver is told of a plan: by what most cars are like, by what steps lose, by who may still come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.preferences import WaitReason
from chalicelib.domain.grid.estimates import as_usual, estimate, fed, unmet_wh
from chalicelib.domain.grid.outlook import QUARTER, Outlook, Plan
from chalicelib.domain.grid.tree import Claim, Phase, Port, PortId

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
PORT_ID = PortId("P", ConnectorId(1))
PORT = Port(port_id=PORT_ID, node_id="grid", phases=tuple(Phase))
CLAIM = Claim(
    port_id=PORT_ID, session_id="s", begun_at=AT, asked_wh=22_080, departs_at=AT + timedelta(hours=8), car_phases=3
)
# An hour dear, then cheap.
OUTLOOK = Outlook(begins_at=AT, price_micros=(300_000,) * 4 + (100_000,) * 92)
WAITS = (0,) * 4 + (16_000,) * 8


def test_most_cars_take_11_kw_where_a_port_has_three_phases_and_all_of_it_where_it_has_one() -> None:
    unseen = replace(CLAIM, car_phases=None)
    assert (as_usual(unseen, PORT).car_phases, as_usual(unseen, PORT).car_most_ma) == (3, 16_000)
    single = replace(PORT, phases=(Phase.L1,))
    assert (as_usual(unseen, single).car_phases, as_usual(unseen, single).car_most_ma) == (1, 32_000)


def test_what_is_known_of_a_car_stays() -> None:
    seen = replace(CLAIM, car_phases=1, car_most_ma=20_000)
    assert as_usual(seen, PORT) == seen


def test_what_whole_steps_lose_is_made_up_for_and_its_driver_is_told_ready() -> None:
    row = (0,) * 4 + (15_000,) * 8
    told = estimate(CLAIM, PORT, row, OUTLOOK, AT, unmet_wh=0)
    assert (told.energy_wh, told.unmet_wh) == (22_080, 0)
    assert told.ready_at is not None
    # As much as is enough, by 15 A on three phases.
    took = timedelta(hours=0.97 * 22_080 / (15 * 690))
    assert told.ready_at == pytest.approx(AT + timedelta(hours=1) + took, abs=timedelta(seconds=2))
    assert told.energy_cost_micros == 2_208_000
    assert estimate(CLAIM, PORT, row, OUTLOOK, AT).ready_at is None


def test_what_a_plan_thinks_that_it_will_lack_is_told_whatever_its_row_says() -> None:
    told = estimate(CLAIM, PORT, WAITS, OUTLOOK, AT, unmet_wh=4_000)
    assert (told.ready_at, told.unmet_wh, told.energy_wh) == (None, 4_000, 18_080)


def test_what_is_planned_behind_its_departure_never_comes() -> None:
    soon = replace(CLAIM, departs_at=AT + timedelta(hours=2))
    told = estimate(soon, PORT, WAITS, OUTLOOK, AT, unmet_wh=0)
    assert (told.ready_at, told.energy_wh) == (None, 11_040)


def test_what_it_has_until_the_next_plan_counts_and_it_waits_all_the_same() -> None:
    at = AT + timedelta(minutes=5)
    told = estimate(CLAIM, PORT, WAITS[1:], OUTLOOK, at, unmet_wh=0, fed_ma=16_000)
    until_then_wh = 11_040 / 6
    assert told.energy_cost_micros == pytest.approx(until_then_wh * 300 + (22_080 - until_then_wh) * 100)
    assert told.starts_at == AT + timedelta(hours=1)
    assert told.waits_for is WaitReason.CHEAPER_LATER
    assert fed(CLAIM, PORT, 16_000, at, AT + QUARTER).served_wh == until_then_wh


def test_who_charges_on_waits_for_nothing() -> None:
    told = estimate(CLAIM, PORT, (16_000,) * 8, OUTLOOK, AT, unmet_wh=0, fed_ma=16_000)
    assert (told.starts_at, told.waits_for) == (AT, None)


def test_nobody_is_fed_beyond_what_they_ask_for() -> None:
    nearly = replace(CLAIM, served_wh=22_000)
    assert fed(nearly, PORT, 16_000, AT, AT + QUARTER).served_wh == 22_080


def test_who_may_come_will_share_what_is_short_with_whoever_is_behind_the_same_conductor() -> None:
    plan = Plan(begins_at=AT, unmet_wh={PORT_ID: 100}, coming_lacks_permille=250)
    assert unmet_wh(plan, CLAIM) == 100
    assert unmet_wh(replace(plan, is_full={PORT_ID: (False, True)}), CLAIM) == 5_520
    assert unmet_wh(replace(plan, unmet_wh={}), CLAIM) is None
