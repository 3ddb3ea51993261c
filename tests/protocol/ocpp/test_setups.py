"""A charger's settings by its version's names, and its answers read for what they are."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.chargers.commands import CommandResult, Verdict
from chalicelib.domain.chargers.setup import Kind, ReportedValue, Target, Write, WriteAnswer, is_met
from chalicelib.domain.chargers.setup_profile import (
    Aspect,
    ChargerTraits,
    SetupProfile,
    shortest_stop_interval_s,
    wishes,
)
from chalicelib.protocol.ocpp import dialect_for, setups

VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


def targets(version: str, vendor: str = "", place: ChargerTraits | None = None, **profile: Any) -> dict[Aspect, Target]:
    found = setups.targets(version, vendor, "", wishes(SetupProfile(**profile), place or ChargerTraits()))
    return {it.aspect: it for it in found}


def answer(**data: Any) -> CommandResult:
    return CommandResult(verdict=Verdict.ACCEPTED, data=data)


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_is_asked_is_valid_by_the_versions_own_schema(version: str) -> None:
    found = [it for it in targets(version).values() if it.choices]
    ask = Write(tuple((it.name, it.choices[0]) for it in found))
    assert dialect_for(version).encode(setups.writing(version, ask)[0])
    names = setups.writing(version, ask)[1]
    assert len(names) == (1 if version == "ocpp1.6" else len(found))


@pytest.mark.parametrize("version", VERSIONS)
def test_limits_of_messages_are_read_before_all_else(version: str) -> None:
    assert next(iter(targets(version))) is Aspect.MOST_READ


def test_a_load_managed_site_wants_current_and_voltage_before_the_battery() -> None:
    first = targets("ocpp1.6", place=ChargerTraits(is_load_managed=True))[Aspect.READINGS].choices[0].split(",")
    assert first[:4] == ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"]


def test_a_main_meter_is_read_by_the_clock_and_nothing_else_is() -> None:
    assert targets("ocpp1.6")[Aspect.CLOCK_INTERVAL].choices == ("0",)
    with_meter = targets("ocpp1.6", place=ChargerTraits(has_main_meter=True))
    assert with_meter[Aspect.CLOCK_INTERVAL].choices == ("900",)
    assert "Energy" in with_meter[Aspect.CLOCK_READINGS].choices[0]


def test_what_an_operator_leaves_to_the_charger_is_not_set() -> None:
    found = targets("ocpp1.6", offline_unknown_tokens=None, reading_interval_s=None, leaves_stop_readings=True)
    assert Aspect.OFFLINE_UNKNOWN not in found
    assert found[Aspect.READING_INTERVAL].choices == ()
    assert Aspect.STOP_READINGS not in found


def test_readings_told_with_the_end_fit_into_a_frame() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        SetupProfile(stop_interval_s=shortest_stop_interval_s() - 1)
    assert SetupProfile(stop_interval_s=shortest_stop_interval_s())


def test_makers_are_known_by_their_name_whatever_its_capitals() -> None:
    assert Aspect.STOP_READINGS not in targets("ocpp1.6", "PIONIX GmbH")
    assert targets("ocpp1.6", "Mennekes", reading_interval_s=10)[Aspect.READING_INTERVAL].choices == (
        "60",
        "300",
        "900",
    )


def test_names_are_told_back_in_any_capitals_and_empty_values_may_be_left_out() -> None:
    keys = [{"key": "metervaluesampleinterval", "readonly": True, "value": 60}, {"key": "StopTxnSampledData"}]
    names = ("MeterValueSampleInterval", "StopTxnSampledData", "Missing")
    assert setups.told(names, answer(configurationKey=keys, unknownKey=["Missing"])) == {
        "MeterValueSampleInterval": ReportedValue("60", read_only=True),
        "StopTxnSampledData": ReportedValue(""),
    }
    assert setups.told(names, answer(status="Accepted")) is None


def test_variables_are_told_apart_by_their_instances() -> None:
    name = "OCPPCommCtrlr.MessageAttempts/TransactionEvent"
    told = {**setups.place(name), "attributeStatus": "Accepted", "attributeValue": "3"}
    other = {**setups.place("OCPPCommCtrlr.MessageAttempts"), "attributeStatus": "Accepted", "attributeValue": "9"}
    assert setups.told((name,), answer(getVariableResult=[other, told])) == {name: ReportedValue("3")}
    results = [{**setups.place(name), "attributeStatus": "RebootRequired"}]
    assert setups.answered((name,), answer(setVariableResult=results)) == {name: WriteAnswer.NEEDS_REBOOT}


@pytest.mark.parametrize(
    ("kind", "said", "wanted", "met"),
    [
        (Kind.NUMBER, "60.0", "60", True),
        (Kind.NUMBER, "", "60", False),
        (Kind.NUMBER, "soon", "60", False),
        (Kind.FLAG, "TRUE", "true", True),
        (Kind.FLAG, "0", "false", True),
        (Kind.FLAG, "maybe", "true", False),
        (Kind.AT_LEAST, "soc, Energy.Active.Import.Register", "Energy.Active.Import.Register", True),
        (Kind.AT_LEAST, "", "Energy.Active.Import.Register", False),
        (Kind.EXACTLY, "Voltage", "", False),
        (Kind.EXACTLY, " ", "", True),
    ],
)
def test_values_are_compared_as_what_they_are(kind: Kind, said: str, wanted: str, met: bool) -> None:
    assert is_met(kind, said, wanted) is met


def test_a_master_pass_group_is_set_where_the_version_has_it_and_left_alone_where_nobody_declared_one() -> None:
    assert targets("ocpp2.0.1", master_pass_group="M1")[Aspect.MASTER_PASS].choices == ("M1",)
    assert Aspect.MASTER_PASS not in targets("ocpp1.6", master_pass_group="M1")
    assert Aspect.MASTER_PASS not in targets("ocpp2.0.1")


def test_a_charger_is_asked_to_show_costs_only_for_an_operator_who_wants_that() -> None:
    shown = targets("ocpp2.1", shows_running_cost=True)[Aspect.COST_SHOWN]
    assert (shown.name, shown.choices) == ("TariffCostCtrlr.Enabled/Cost", ("true",))
    assert Aspect.COST_SHOWN not in targets("ocpp2.1")
