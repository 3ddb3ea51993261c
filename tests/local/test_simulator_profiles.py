"""A simulated charger keeps limits as the standard has it, by phase, and bends them as chargers in the field do."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility, ProfileForm, RateUnit
from chalicelib.domain.chargers.commands import CommandResult, ProfileKind, ProfilePurpose, ReadSchedule
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.composite import ScheduleProof, follows
from chalicelib.domain.grid.profiles import (
    Allowance,
    GrantProfile,
    PortGrant,
    clearing,
    default_of,
    profile_of,
    proof_of,
)
from chalicelib.domain.grid.tree import Port, PortId
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.composite import told_schedule
from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.limits import Oddities
from local.simulator.parts import now
from tests.local import pass_time
from tests.local.test_simulator import Backend, charging, connected, lived

PORT = Port(port_id=PortId("CP", ConnectorId(1)), node_id="grid")
ALL = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
SESSION, DEFAULT = ProfilePurpose.SESSION, ProfilePurpose.DEFAULT
ABSOLUTE, RELATIVE = ProfileKind.ABSOLUTE, ProfileKind.RELATIVE


async def order(backend: Backend, version: str, command: Any) -> CommandResult:
    dialect = dialect_for(f"ocpp{version}")
    action, payload = dialect.encode(command)
    return dialect.read_result(action, await backend.call(action, payload))


def form(purpose: ProfilePurpose = SESSION, kind: ProfileKind = ABSOLUTE, **more: Any) -> ProfileForm:
    return dataclasses.replace(ProfileForm(purpose, kind, RateUnit.AMPERES, 5), **more)


def grant_of(ref: str | None, *plan: tuple[int, int], lease_s: int = 600, car_phases: int = 3) -> PortGrant:
    allowances = tuple(Allowance(*it) for it in plan)
    return PortGrant(port=PORT, allowances=allowances, at=now(), lease_s=lease_s, ref=ref, car_phases=car_phases)


def put(version: str, grant: PortGrant, how: ProfileForm) -> GrantProfile:
    return profile_of(grant, how, ChargingAbility(is_relative_since_receipt=version != "1.6"))


async def flows(charger: Charger, power_w: int) -> None:
    await charger.until(lambda it: it.connectors[1].power_w == power_w)


@ALL
@lived
async def test_a_grant_is_kept_and_its_composite_schedule_proves_that_the_default_follows(version: str) -> None:
    async with connected(version) as (charger, backend):
        ref = await charging(charger, backend)
        default = default_of(PORT, Allowance(0, 6_000), form(DEFAULT, RELATIVE, stack_level=0))
        assert (await order(backend, version, default)).verdict == "accepted"
        await flows(charger, 6 * 690)
        for unit, kind in ((RateUnit.AMPERES, ABSOLUTE), (RateUnit.WATTS, ABSOLUTE), (RateUnit.AMPERES, RELATIVE)):
            if (version, kind) == ("1.6", RELATIVE):
                continue
            how = form(kind=kind, unit=unit)
            grant = grant_of(ref, (0, 12_000), (300, 8_000))
            assert (await order(backend, version, put(version, grant, how).command)).verdict == "accepted"
            await flows(charger, 12 * 690)
            asked = proof_of(PORT, how, grant.lease_s)
            told = told_schedule(await order(backend, version, asked), asked.duration_s)
            assert told is not None
            assert follows(told, grant, 6_000) == ScheduleProof(keeps_grant=True, keeps_default=True, worst_ma=0)


@ALL
@lived
async def test_when_a_lease_is_over_the_default_is_kept_and_a_charges_own_limit_ends_with_it(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(version) as (charger, backend):
        ref = await charging(charger, backend)
        await order(backend, version, default_of(PORT, Allowance(0, 6_000), form(DEFAULT, RELATIVE, stack_level=0)))
        await order(backend, version, put(version, grant_of(ref, (0, 10_000), lease_s=3600), form()).command)
        await flows(charger, 10 * 690)
        with monkeypatch.context() as later:
            later.setattr("local.simulator.charger.now", lambda: now() + timedelta(seconds=3700))
            await flows(charger, 6 * 690)
        await order(backend, version, put(version, grant_of(ref, (0, 9_000)), form()).command)
        await flows(charger, 9 * 690)
        await charger.swipe("CARD")
        assert [it.profile_id for it in charger.memory.profiles.find()] == [29_011]


@ALL
@lived
async def test_a_car_by_one_phase_draws_amperes_by_one_and_watts_by_one(version: str) -> None:
    async with connected(version, measures_phases=True) as (charger, backend):
        ref = await charging(charger, backend, car=Car(max_power_w=7_360, phases=1))
        await order(backend, version, put(version, grant_of(ref, (0, 10_000), car_phases=1), form()).command)
        await flows(charger, 2_300)
        watts = form(unit=RateUnit.WATTS)
        await order(backend, version, put(version, grant_of(ref, (0, 8_000), car_phases=1), watts).command)
        await flows(charger, 1_840)
        assert currents(charger) == [8.0, 0.0, 0.0]


def currents(charger: Charger) -> list[float]:
    _, payload = charger.words.sample(charger.connectors[1])
    samples = payload["meterValue"][0]["sampledValue"]
    return [float(it["value"]) for it in samples if it.get("measurand") == "Current.Import"]


SWITCH = {"1.6": "ConnectorSwitch3to1PhaseSupported", "2.0.1": "SmartChargingCtrlr.Phases3to1"}


@pytest.mark.parametrize("version", SWITCH)
@lived
async def test_a_charger_that_can_goes_over_to_one_phase_and_another_stays_on_three(version: str) -> None:
    for settings, phases in (({SWITCH[version]: "true"}, 1), ({}, 3)):
        async with connected(version, settings=settings) as (charger, backend):
            ref = await charging(charger, backend)
            grant = grant_of(ref, (0, 10_000))
            one = dataclasses.replace(grant, allowances=(Allowance(0, 10_000, phases=1),))
            await order(backend, version, put(version, one, form()).command)
            await flows(charger, 2_300 * phases)


def refusals(version: str) -> dict[str, str]:
    if version == "1.6":
        return {
            "ChargeProfileMaxStackLevel": "0",
            "ChargingScheduleMaxPeriods": "1",
            "ChargingScheduleAllowedChargingRateUnit": "Power",
            "MaxChargingProfilesInstalled": "0",
        }
    return {
        "SmartChargingCtrlr.ProfileStackLevel": "0",
        "SmartChargingCtrlr.PeriodsPerSchedule": "1",
        "SmartChargingCtrlr.RateUnit": "W",
        "SmartChargingCtrlr.Entries[ChargingProfiles]": "0",
    }


@ALL
@lived
async def test_what_its_settings_have_no_room_for_is_refused(version: str) -> None:
    for name, value in refusals(version).items():
        async with connected(version, settings={name: value}) as (charger, backend):
            ref = await charging(charger, backend)
            grant = grant_of(ref, (0, 10_000), (300, 8_000))
            assert (await order(backend, version, put(version, grant, form()).command)).verdict == "rejected"
            assert len(charger.memory.profiles) == 0


@ALL
@lived
async def test_odd_chargers_ignore_refuse_forget_and_wedge(version: str) -> None:
    relative = frozenset({"TxDefaultProfile Relative"})
    oddities = Oddities(refuses=relative, wedges_at_zero=True)
    async with connected(version, oddities=oddities) as (charger, backend):
        ref = await charging(charger, backend)
        default = default_of(PORT, Allowance(0, 8_000), form(DEFAULT, RELATIVE))
        assert (await order(backend, version, default)).verdict == "rejected"
        dated = default_of(PORT, Allowance(0, 8_000), form(DEFAULT, ABSOLUTE))
        assert (await order(backend, version, dated)).verdict == "accepted"
        await flows(charger, 8 * 690)
        await order(backend, version, put(version, grant_of(ref, (0, 0)), form()).command)
        await flows(charger, 0)
        await order(backend, version, put(version, grant_of(ref, (0, 9_000)), form()).command)
        await charger.until(lambda it: it.connectors[1].is_wedged)
    async with connected(version, oddities=Oddities(ignores=True, forgets_when_cut=True)) as (charger, backend):
        ref = await charging(charger, backend)
        await order(backend, version, put(version, grant_of(ref, (0, 6_000)), form()).command)
        await flows(charger, 11_000)
        assert len(charger.memory.profiles) == 1
        await charger.line.close()
        await charger.until(lambda it: len(it.memory.profiles) == 0)


@lived
async def test_below_the_least_current_nothing_flows_and_a_current_changes_by_and_by() -> None:
    async with connected("1.6", least_a=6.0, ramp_s=120.0) as (charger, backend):
        ref = await charging(charger, backend)
        await charger.until(lambda it: 0 < it.connectors[1].power_w < 11_000)
        pass_time(120)
        await flows(charger, 11_000)
        await order(backend, "1.6", put("1.6", grant_of(ref, (0, 5_900)), form()).command)
        await charger.until(lambda it: it.connectors[1].status == "SuspendedEVSE")
        pass_time(120)
        await flows(charger, 0)


@ALL
@lived
async def test_ours_is_above_an_operators_own_and_taken_back_by_its_number_leaves_that(version: str) -> None:
    async with connected(version) as (charger, backend):
        ref = await charging(charger, backend)
        operators = dataclasses.replace(
            default_of(PORT, Allowance(0, 7_000), form(DEFAULT, RELATIVE, stack_level=2)), profile_id=1
        )
        await order(backend, version, operators)
        sent = put(version, grant_of(ref, (0, 9_000)), form(DEFAULT, ABSOLUTE)).command
        await order(backend, version, sent)
        await flows(charger, 9 * 690)
        await order(backend, version, clearing(sent))
        await flows(charger, 7 * 690)
        whole = ReadSchedule(60, None, in_amps=True)
        assert told_schedule(await order(backend, version, whole), 60) is not None
