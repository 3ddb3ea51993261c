"""What a driver usually wants counts where it fits the hour at which they come, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.charging.preferences import ChargingProfile, ToldPlan, UsualPreferences, WaitReason, usual_at

BERLIN = "Europe/Berlin"
MORNING = UsualPreferences(ready_at_min=7 * 60 + 30, energy_wh=20_000, profile=ChargingProfile.CHEAP)


def test_who_comes_in_the_evening_is_to_be_ready_in_the_morning_by_the_sites_clock() -> None:
    found = usual_at([MORNING], "harbour", BERLIN, datetime(2026, 11, 21, 18, 0, tzinfo=UTC))
    assert found is not None
    assert found.ready_by == datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    assert (found.energy_wh, found.profile) == (20_000, ChargingProfile.CHEAP)


def test_who_comes_after_breakfast_is_not_taken_to_stay_until_tomorrow() -> None:
    assert usual_at([MORNING], "harbour", BERLIN, datetime(2026, 11, 21, 8, 0, tzinfo=UTC)) is None


def test_who_comes_just_before_that_time_is_not_taken_to_leave_at_it() -> None:
    assert usual_at([MORNING], "harbour", BERLIN, datetime(2026, 11, 21, 6, 20, tzinfo=UTC)) is None


def test_a_sites_own_wish_goes_before_the_one_for_all_and_holds_nowhere_else() -> None:
    at = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
    work = UsualPreferences(ready_at_min=23 * 60, site_id="works")
    there = usual_at([MORNING, work], "works", BERLIN, at)
    assert there is not None
    assert there.ready_by == datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
    elsewhere = usual_at([MORNING, work], "harbour", BERLIN, at)
    assert elsewhere is not None
    assert elsewhere.energy_wh == 20_000
    assert usual_at([work], "harbour", BERLIN, at) is None
    assert usual_at([], "harbour", BERLIN, at) is None


@given(
    st.integers(min_value=0, max_value=24 * 60 - 1),
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2028, 1, 1)),  # noqa: DTZ001 (made aware below)
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "no such zone"]),
)
def test_nobody_is_taken_to_stay_less_than_an_hour_or_more_than_sixteen(
    minute: int, at: datetime, time_zone: str
) -> None:
    at = at.replace(tzinfo=UTC)
    found = UsualPreferences(ready_at_min=minute).ready_by(time_zone, at)
    assert found is None or timedelta(hours=1) <= found - at <= timedelta(hours=16)


NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plan(ready_h: float | None, *, unmet_wh: int = 0, wh: int = 20_000, at: datetime = NOW) -> ToldPlan:
    """Ready so many hours after eight in the evening; None: never."""
    ready_at = NOW + ready_h * HOUR if ready_h is not None else None
    return ToldPlan(planned_at=at, starts_at=NOW, ready_at=ready_at, energy_wh=wh - unmet_wh, unmet_wh=unmet_wh)


def test_what_is_hours_away_is_told_again_where_it_moves_by_a_quarter_of_them_and_what_is_near_by_half_of_one() -> None:
    assert not plan(9).is_news(plan(8))
    assert plan(10.1).is_news(plan(8))
    later = NOW + 7 * HOUR
    assert not plan(8.4, at=later).is_news(plan(8))
    assert plan(8.6, at=later).is_news(plan(8))
    # What is overdue is near.
    assert plan(9, at=NOW + 8.4 * HOUR).is_news(plan(8))


def test_less_than_a_kilowatt_hour_that_is_lacking_frightens_nobody_and_what_can_be_had_after_all_is_told() -> None:
    assert not plan(None, unmet_wh=900).is_news(plan(8))
    assert plan(None, unmet_wh=1_000).is_news(plan(8))
    assert plan(8).is_news(plan(None, unmet_wh=5_000))
    assert not plan(None, unmet_wh=7_000).is_news(plan(None, unmet_wh=5_000))
    assert plan(None, unmet_wh=7_300).is_news(plan(None, unmet_wh=5_000))


def test_an_event_of_demand_response_that_is_announced_or_called_off_is_told_though_it_moves_less_than_a_quarter() -> (
    None
):
    asked = replace(plan(9), waits_for=WaitReason.DEMAND_RESPONSE)
    assert asked.is_news(plan(8))
    assert plan(8).is_news(asked)
    assert not replace(asked, ready_at=NOW + 10 * HOUR).is_news(asked)
    assert not plan(8.8).is_news(replace(plan(8.4), waits_for=WaitReason.DEMAND_RESPONSE))


def test_whoever_says_something_else_is_answered_though_little_comes_of_it() -> None:
    assert plan(8.6).is_news(plan(8), is_answer=True)
    assert plan(8.1, wh=22_000).is_news(plan(8), is_answer=True)
    assert plan(None, unmet_wh=700).is_news(plan(8), is_answer=True)
    assert not plan(8.1).is_news(plan(8), is_answer=True)


@given(st.lists(st.floats(min_value=7.5, max_value=8.5), max_size=40))
def test_a_plan_that_wavers_by_half_an_hour_to_either_side_is_told_once(hours: list[float]) -> None:
    assert not any(plan(it).is_news(plan(8.0)) for it in hours)
