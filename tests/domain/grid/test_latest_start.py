"""Nothing that is planned holds a car back from half an hour before its latest start on, whatever that would save."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.grid.highs import Highs
from chalicelib.domain.grid.balancing import share
from chalicelib.domain.grid.outlook import Outlook
from chalicelib.domain.grid.plan_course import WAKES_FOR, planned
from chalicelib.domain.grid.plans import problem, read
from tests.domain.grid.sites import AT, looks, port, port_id, site
from tests.domain.grid.test_plans import FEW, known

PORT = port(0, step_ma=1_000)
ROOMY = site([PORT], 100)
MOST_MA, VOLTS = 16_000, 230
HOUR = timedelta(hours=1)
PRICES = st.lists(st.integers(min_value=-500_000, max_value=900_000), min_size=24, max_size=24)


@FEW
@given(
    prices=PRICES,
    demand_micros=st.sampled_from([0, 500_000, 20_000_000]),
    asked_wh=st.integers(min_value=2_000, max_value=40_000),
    stays_min=st.integers(min_value=60, max_value=900),
    late_min=st.integers(min_value=0, max_value=120),
)
def test_at_a_roomy_site_it_has_all_that_it_takes_from_then_on(
    prices: list[int], demand_micros: int, asked_wh: int, stays_min: int, late_min: int
) -> None:
    """Whatever energy costs, and whatever a highest quarter does."""
    departs_at = AT + timedelta(minutes=stays_min)
    claim = known(0, asked_wh=asked_wh, departs_at=departs_at, begun_at=AT - HOUR)
    outlook = Outlook(
        begins_at=AT, price_micros=tuple(it for it in prices for _ in range(4)), demand_charge_micros=demand_micros
    )
    asked = problem(ROOMY, [claim], outlook, AT)
    plan = read(asked, Highs().solve(asked.program))
    latest_start = departs_at - asked_wh / (MOST_MA * VOLTS * 3 / 1000) * HOUR
    at = max(AT + WAKES_FOR, latest_start - timedelta(minutes=30)) + timedelta(minutes=late_min)
    if at < departs_at:
        draws = tuple(replace(it, at=at - (AT - it.at)) for it in looks((17, 16), (17, 16)))
        told = planned(replace(claim, draws=draws), PORT, plan, at)
        assert share(ROOMY, [told], at).target_ma[port_id(0)] >= MOST_MA


def test_who_leaves_in_three_days_is_ready_within_the_one_that_is_planned() -> None:
    claim = known(0, asked_wh=20_000, departs_at=AT + 72 * HOUR)
    asked = problem(ROOMY, [claim], Outlook(begins_at=AT, price_micros=(300_000,) * 80 + (100_000,) * 16), AT)
    plan = read(asked, Highs().solve(asked.program))
    assert plan.unmet_wh[port_id(0)] == 0
    assert set(plan.limit_ma[port_id(0)][:80]) == {0}
