"""What a driver usually wants counts where it fits the hour at which they come, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.charging.preferences import ChargingProfile, UsualPreferences, usual_at

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
