"""A composite schedule proves that a charger keeps its grant, and its default once the lease is over; or does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.chargers.charging_ability import RateUnit
from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.grid.composite import CompositeSchedule, SchedulePeriod, ScheduleProof, follows
from chalicelib.domain.grid.profiles import ENDS_EARLY_S, Allowance
from chalicelib.protocol.ocpp.composite import told_schedule
from tests.domain.grid.test_profiles import granted

GRANT = granted([Allowance(0, 10_000), Allowance(900, 6_000)], lease_s=1800, car_phases=3)


def schedule(*periods: tuple[int, float | None], unit: RateUnit = RateUnit.AMPERES, duration_s: int = 3600) -> Any:
    return CompositeSchedule(unit, tuple(SchedulePeriod(*it) for it in periods), duration_s)


@pytest.mark.parametrize(
    ("told", "proof"),
    [
        (schedule((0, 10.0), (905, 6.0), (1860, 8.0)), ScheduleProof(keeps_grant=True, keeps_default=True, worst_ma=0)),
        (schedule((0, 32.0)), ScheduleProof(keeps_grant=False, keeps_default=False, worst_ma=26_000)),
        (schedule((0, 10.0)), ScheduleProof(keeps_grant=False, keeps_default=False, worst_ma=4_000)),
        (schedule((0, 6.0), (1860, 32.0)), ScheduleProof(keeps_grant=True, keeps_default=False, worst_ma=0)),
        (schedule((0, 6.0), duration_s=900), ScheduleProof(keeps_grant=True, keeps_default=None, worst_ma=-4_000)),
        (schedule((0, 10.0), (900, None)), ScheduleProof(keeps_grant=False, keeps_default=False, worst_ma=None)),
        (schedule(), ScheduleProof(keeps_grant=False, keeps_default=False, worst_ma=None)),
        (
            schedule((0, 6_900.0), (900, 4_140.0), (1860, 5_520.0), unit=RateUnit.WATTS),
            ScheduleProof(keeps_grant=True, keeps_default=True, worst_ma=0),
        ),
    ],
)
def test_what_a_charger_says_is_held_against_what_it_was_granted(told: CompositeSchedule, proof: ScheduleProof) -> None:
    assert follows(told, GRANT, 8_000) == proof


def test_watts_of_a_car_by_one_phase_are_all_of_one_phase() -> None:
    told = schedule((0, 2_300.0), unit=RateUnit.WATTS)
    grant = granted([Allowance(0, 10_000)], lease_s=1800, car_phases=1)
    assert follows(told, grant, 10_000).keeps_grant
    assert not follows(replace(told, periods=(SchedulePeriod(0, 6_900.0),)), grant, 10_000).keeps_grant


def test_who_waits_by_a_lease_that_ends_early_keeps_it_by_the_default_that_follows() -> None:
    # A lease that counts from its receipt ends so long before its time that it does however late it comes.
    waits = granted([Allowance(0, 0)], lease_s=1800)
    assert follows(schedule((0, 0.0), (1800 - ENDS_EARLY_S, 8.0)), waits, 8_000).keeps_grant
    assert not follows(schedule((0, 0.0), (1800 - ENDS_EARLY_S - 20, 8.0)), waits, 8_000).keeps_grant
    assert not follows(schedule((0, 0.0), (1800 - ENDS_EARLY_S, 9.0)), waits, 8_000).keeps_grant


SCHEDULE_16 = {
    "status": "Accepted",
    "connectorId": 1,
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.5}]},
}
SCHEDULE_201 = {
    "status": "Accepted",
    "schedule": {
        "evseId": 1,
        "duration": 60,
        "scheduleStart": "2026-11-30T12:00:00Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 5, "limit": 1, "numberPhases": 1}, {"startPeriod": 0, "limit": 2}],
    },
}


def test_every_version_tells_it_in_its_own_place() -> None:
    def told(data: Any, verdict: Verdict = Verdict.ACCEPTED) -> CompositeSchedule | None:
        return told_schedule(CommandResult(verdict=verdict, data=data), 300)

    assert told(SCHEDULE_16) == CompositeSchedule(RateUnit.AMPERES, (SchedulePeriod(0, 6.5),), 300)
    assert told(SCHEDULE_201) == CompositeSchedule(
        RateUnit.WATTS, (SchedulePeriod(0, 2.0), SchedulePeriod(5, 1.0, 1)), 60
    )
    assert told(SCHEDULE_16, Verdict.REJECTED) is None
    for broken in ({}, {"chargingSchedule": 7}, {"chargingSchedule": {"chargingSchedulePeriod": "x"}}):
        assert told(broken) is None


def test_a_limit_below_nought_is_none_at_all() -> None:
    """As MicroOcpp says it of a connector that nothing limits, or not in that unit."""
    none = {"limit": -1, "numberPhases": -1, "startPeriod": 0}
    said = {**SCHEDULE_16, "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [none]}}
    told = told_schedule(CommandResult(verdict=Verdict.ACCEPTED, data=said), 3600)
    assert told == CompositeSchedule(RateUnit.AMPERES, (SchedulePeriod(0, None),), 3600)
    assert follows(told, GRANT, 8_000) == ScheduleProof(keeps_grant=False, keeps_default=False, worst_ma=None)


def test_what_is_told_beyond_the_time_asked_for_is_not_believed() -> None:
    """As SAP's simulator does, whose schedules last for ever."""
    periods = [{"limit": 6, "startPeriod": it} for it in (-5, 0, 3599, 3600, 10**30)]
    schedule = {"chargingRateUnit": "A", "duration": 8_638_203_954_464, "chargingSchedulePeriod": periods}
    told = told_schedule(CommandResult(verdict=Verdict.ACCEPTED, data={"chargingSchedule": schedule}), 3600)
    assert told == CompositeSchedule(RateUnit.AMPERES, (SchedulePeriod(0, 6.0), SchedulePeriod(3599, 6.0)), 3600)
    # One that names no period says nothing.
    nothing = {"chargingSchedule": {**schedule, "chargingSchedulePeriod": []}}
    silent = told_schedule(CommandResult(verdict=Verdict.ACCEPTED, data=nothing), 3600)
    assert silent is not None
    assert not follows(silent, GRANT, 8_000).keeps_grant
