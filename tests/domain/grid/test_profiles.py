"""A grant as a charging profile is nowhere above the grant, whatever the charger has room for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.charging_ability import (
    ChargingAbility,
    LearntAbility,
    ProfileForm,
    RateUnit,
    RefusedForm,
    exactly,
    forms,
    seen_in,
)
from chalicelib.domain.chargers.commands import ClearProfiles, ProfileKind, ProfilePurpose, SetProfile
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.leases import ROAMS_FOR
from chalicelib.domain.grid.profiles import (
    CLOCK_TOLERANCE_S,
    FIRST_ID,
    LAST_ID,
    Allowance,
    CannotPause,
    PortGrant,
    clearing,
    default_of,
    is_ours,
    profile_id,
    profile_of,
    proof_of,
)
from chalicelib.domain.grid.tree import Phase, Port, PortId
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.profiles import flaw

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
PORT = Port(port_id=PortId("CP-1", ConnectorId(2)), node_id="panel")
ONE_PHASE = replace(PORT, phases=(Phase.L2,))
BETWEEN_TWO = replace(PORT, phases=(Phase.L1, Phase.L2), is_line_to_line=True, voltage_v=208)
PLAIN = ChargingAbility(most_stack_level=5)
MODERN = ChargingAbility(most_stack_level=5, is_relative_since_receipt=True)
FORM = ProfileForm(ProfilePurpose.SESSION, ProfileKind.ABSOLUTE, RateUnit.AMPERES, 5)
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


def granted(plan: list[Allowance], port: Port = PORT, **more: Any) -> PortGrant:
    return PortGrant(**{"port": port, "allowances": tuple(plan), "at": NOW, "ref": "7", **more})


def sent(plan: list[Allowance], form: ProfileForm = FORM, ability: ChargingAbility = PLAIN, **more: Any) -> SetProfile:
    port = more.pop("port", PORT)
    return profile_of(granted(plan, port, **more), form, ability).command


def limits(command: SetProfile) -> list[tuple[int, str]]:
    return [(it.start_s, str(it.limit)) for it in command.limits]


def test_a_grant_names_its_charge_its_phases_its_end_and_is_begun_a_minute_ago_for_clocks_that_are_slow() -> None:
    found = profile_of(granted([Allowance(0, 10_040)]), FORM, PLAIN)
    command = found.command
    assert (command.ref, command.connector, command.stack_level) == ("7", ConnectorId(2), 5)
    assert [(it.limit, it.phases) for it in command.limits] == [(Decimal("10.0"), 3)]
    assert (command.starts_at, command.duration_s) == (NOW - timedelta(seconds=60), 3660)
    assert found.ends_at == NOW + timedelta(seconds=3660)


@pytest.mark.parametrize("ahead_s", [2_400, -2_400])
def test_a_clock_that_is_known_to_be_wrong_is_told_the_time_that_it_shows(ahead_s: int) -> None:
    right, wrong = sent([Allowance(0, 10_000)]), sent([Allowance(0, 10_000)], clock_ahead_s=ahead_s)
    assert right.starts_at is not None
    assert wrong == replace(right, starts_at=right.starts_at + timedelta(seconds=ahead_s))


def test_where_relative_counts_from_the_receipt_it_lowers_early_for_the_time_it_is_on_its_way() -> None:
    form = forms(MODERN, ProfilePurpose.SESSION)[0]
    found = profile_of(granted([Allowance(0, 9_000), Allowance(900, 6_000)]), form, MODERN)
    assert (form.kind, found.command.starts_at, found.command.duration_s) == (ProfileKind.RELATIVE, None, 3510)
    assert limits(found.command) == [(0, "9"), (750, "6")]


def test_where_it_counts_from_who_knows_when_the_least_of_the_plan_holds_for_as_long_as_the_charge() -> None:
    form = replace(FORM, kind=ProfileKind.RELATIVE)
    found = profile_of(granted([Allowance(0, 9_000), Allowance(900, 6_000)]), form, PLAIN)
    assert (limits(found.command), found.command.duration_s, found.ends_at) == ([(0, "6")], None, None)


def test_a_grant_on_the_level_of_the_default_takes_its_place_and_has_no_end() -> None:
    form = ProfileForm(ProfilePurpose.DEFAULT, ProfileKind.ABSOLUTE, RateUnit.AMPERES, 0)
    found = profile_of(granted([Allowance(0, 9_000)]), form, PLAIN)
    assert found.command.profile_id == default_of(PORT, Allowance(0, 6_000), form).profile_id
    assert (found.command.duration_s, found.ends_at) == (None, None)


def test_one_above_the_default_leaves_that_when_it_ends() -> None:
    form = ProfileForm(ProfilePurpose.DEFAULT, ProfileKind.ABSOLUTE, RateUnit.AMPERES, 5)
    command = sent([Allowance(0, 9_000)], form)
    default = default_of(PORT, Allowance(0, 6_000), replace(form, stack_level=0))
    assert command.profile_id != default.profile_id
    assert (command.ref, command.duration_s, default.duration_s) == (None, 3660, None)


def test_watts_are_those_of_the_phases_that_the_car_is_known_to_take_and_of_one_while_nobody_knows() -> None:
    watts = replace(FORM, unit=RateUnit.WATTS)
    plan = [Allowance(0, 16_000)]
    assert limits(sent(plan, watts)) == [(0, "3680")]
    assert limits(sent(plan, watts, car_phases=3)) == [(0, "11040")]
    assert limits(sent(plan, watts, car_phases=3, port=ONE_PHASE)) == [(0, "3680")]
    assert limits(sent(plan, watts, car_phases=2, port=BETWEEN_TWO)) == [(0, "3328")]


def test_a_plan_with_more_periods_than_fit_is_melted_where_it_costs_least() -> None:
    plan = [Allowance(0, 16_000), Allowance(900, 15_000), Allowance(1800, 6_000), Allowance(2700, 7_000)]
    assert limits(
        sent(plan, ability=replace(MODERN, most_periods=2), form=replace(FORM, kind=ProfileKind.RELATIVE))
    ) == [
        (0, "15"),
        (1650, "6"),
    ]


def test_where_a_limit_of_nought_ends_a_charge_for_good_it_is_not_sent() -> None:
    with pytest.raises(CannotPause):
        sent([Allowance(0, 8_000), Allowance(900, 0)], ability=replace(PLAIN, pauses_at_zero=False))


def test_a_plan_begins_now_and_is_in_order() -> None:
    for plan in ([], [Allowance(5, 6_000)], [Allowance(0, 6_000), Allowance(0, 7_000)]):
        with pytest.raises(ValueError, match="plan"):
            sent(plan)


def test_one_phase_is_named_where_the_charger_lets_us_choose() -> None:
    plan = [Allowance(0, 10_000, phases=1)]
    assert sent(plan, phase_to_use=2).limits[0].phase_to_use is None
    named = sent(plan, ability=replace(PLAIN, names_phase=True), phase_to_use=2).limits[0]
    assert (named.phases, named.phase_to_use) == (1, 2)


def test_our_profiles_have_numbers_of_their_own_and_are_taken_back_by_them_alone() -> None:
    places = [None, *(ConnectorId(it) for it in range(1, 65))]
    numbers = [
        profile_id(it, purpose, grant=grant) for it, purpose, grant in product(places, ProfilePurpose, (False, True))
    ]
    # A session's has one number, grant or not.
    assert len(set(numbers)) == len(places) * 5
    assert all(is_ours(it) and FIRST_ID <= it <= LAST_ID < 2**15 for it in numbers)
    command = sent([Allowance(0, 6_000)])
    assert clearing(command) == ClearProfiles(profile_id=command.profile_id)


def test_a_proof_reaches_past_the_lease_and_is_asked_of_who_is_limited() -> None:
    asked = proof_of(PORT, FORM, 3600)
    assert (asked.connector, asked.in_amps, asked.duration_s) == (ConnectorId(2), True, 4500)
    whole = ProfileForm(ProfilePurpose.CHARGER, ProfileKind.ABSOLUTE, RateUnit.WATTS, 1)
    assert (proof_of(PORT, whole, 60).connector, proof_of(PORT, whole, 60).in_amps) == (None, False)
    assert sent([Allowance(0, 6_000)], whole).connector is None


def test_what_a_firmware_has_shown_stands_over_what_it_says() -> None:
    ability = ChargingAbility(most_stack_level=3)
    first = forms(ability, ProfilePurpose.SESSION)[0]
    assert (first.unit, first.stack_level, first.kind) == (RateUnit.AMPERES, 3, ProfileKind.ABSOLUTE)
    better = replace(first, unit=RateUnit.WATTS)
    seen = seen_in(ability, LearntAbility(refused=(exactly(first),), best=better, pauses_at_zero=False))
    assert forms(seen, ProfilePurpose.SESSION, better)[0] == better
    assert first not in forms(seen, ProfilePurpose.SESSION)
    assert not seen.pauses_at_zero
    assert seen_in(ability, None) == ability


def test_other_unit_then_kind_then_level_then_purpose_are_tried_and_nothing_that_is_known_to_be_refused() -> None:
    ability = ChargingAbility(most_stack_level=3, refused=(RefusedForm(ProfilePurpose.CHARGER, ProfileKind.RELATIVE),))
    found = forms(ability, ProfilePurpose.SESSION)
    first = found[0]
    assert found[1] == replace(first, unit=RateUnit.WATTS)
    assert found[2] == replace(first, kind=ProfileKind.RELATIVE)
    assert [it.stack_level for it in found[3:5]] == [0, 2]
    assert [it.purpose for it in found[5:]] == [ProfilePurpose.DEFAULT] * 2 + [ProfilePurpose.CHARGER]
    assert forms(replace(ability, is_controllable=False), ProfilePurpose.SESSION) == []
    assert {it.unit for it in forms(replace(ability, units=(RateUnit.WATTS,)), ProfilePurpose.SESSION)} == {"W"}
    assert {it.stack_level for it in forms(replace(ability, most_stack_level=0), ProfilePurpose.SESSION)} == {0}


PLANS = st.lists(
    st.tuples(
        st.integers(1, 1800), st.sampled_from((0, 6_000, 6_049, 7_777, 13_050, 31_999)), st.sampled_from((None, 1, 3))
    ),
    min_size=1,
    max_size=12,
)
FORMS = st.builds(
    ProfileForm,
    st.sampled_from(tuple(ProfilePurpose)),
    st.sampled_from((ProfileKind.ABSOLUTE, ProfileKind.RELATIVE)),
    st.sampled_from(tuple(RateUnit)),
    st.integers(0, 3),
)


def plan_of(steps: list[tuple[int, int, int | None]]) -> list[Allowance]:
    start_s, found = 0, []
    for length_s, limit_ma, phases in steps:
        found.append(Allowance(start_s, limit_ma, phases))
        start_s += length_s
    return found


def at_second(second: int, plan: list[Allowance]) -> Allowance:
    return [it for it in plan if it.start_s <= second][-1]


@settings(deadline=None)
@given(
    steps=PLANS,
    form=FORMS,
    port=st.sampled_from((PORT, ONE_PHASE, BETWEEN_TWO)),
    most=st.sampled_from((None, 1, 2, 5)),
    since_receipt=st.booleans(),
    car_phases=st.sampled_from((None, 1, 2, 3)),
    off_s=st.integers(-CLOCK_TOLERANCE_S, CLOCK_TOLERANCE_S),
    way_s=st.integers(0, int(ROAMS_FOR.total_seconds())),
)
def test_no_profile_is_above_its_grant_by_any_phase_in_any_version_whatever_the_clock(
    steps: list[tuple[int, int, int | None]],
    form: ProfileForm,
    port: Port,
    most: int | None,
    since_receipt: bool,
    car_phases: int | None,
    off_s: int,
    way_s: int,
) -> None:
    plan = plan_of(steps)
    ability = ChargingAbility(most_stack_level=3, most_periods=most, is_relative_since_receipt=since_receipt)
    found = profile_of(granted(plan, port, car_phases=car_phases), form, ability)
    command = found.command
    assert len(command.limits) <= (most or 100)
    assert_said_alike(command)
    # Clocks matter to what names a time: at a second of ours the charger believes it to be another. What counts from
    # its receipt, and ends, may have been long on its way.
    begun_s = -way_s if command.duration_s is not None else 0.0
    if command.starts_at is not None:
        begun_s = (NOW - command.starts_at).total_seconds() + off_s
    assert found.ends_at is None or (command.duration_s or 0) - begun_s <= (found.ends_at - NOW).total_seconds() + 60
    for second in {0, *(it.start_s for it in plan), *(max(it.start_s - 1, 0) for it in plan), 3599}:
        passed_s = second + begun_s
        held = [it for it in command.limits if it.start_s <= passed_s]
        if second >= 3600 or not held or (command.duration_s is not None and passed_s >= command.duration_s):
            continue
        allowed, said = at_second(second, plan), held[-1]
        drawn = said.limit
        if not command.in_amps:
            drawn = said.limit / port.voltage_v / min(car_phases or 1, said.phases or 3)
        assert drawn * 1000 <= allowed.limit_ma
        assert (said.phases or 3) <= (allowed.phases or 3)


def assert_said_alike(command: SetProfile) -> None:
    """Every version's schema takes it, its limits unchanged, and nothing about it is without sense."""
    for version in VERSIONS:
        if version != "ocpp1.6" and command.purpose is ProfilePurpose.CHARGER and command.kind is ProfileKind.RELATIVE:
            continue
        action, payload = dialect_for(version).encode(command)
        assert flaw(action, payload) is None
        profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
        schedule = profile["chargingSchedule"]
        periods = (schedule[0] if isinstance(schedule, list) else schedule)["chargingSchedulePeriod"]
        assert [Decimal(str(it["limit"])) for it in periods] == [it.limit for it in command.limits]
        assert all(it["numberPhases"] == ours.phases for it, ours in zip(periods, command.limits, strict=True))
