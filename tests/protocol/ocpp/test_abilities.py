"""What a charger can be told of power is what its settings say, bent by what is known of its make."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.chargers.charging_ability import ChargingAbility, RateUnit, forms
from chalicelib.domain.chargers.commands import ProfileKind, ProfilePurpose
from chalicelib.domain.chargers.setup import ReportedValue, Setup, asked, begun, read
from chalicelib.domain.chargers.setup_profile import Aspect, ChargerTraits, SetupProfile, wishes
from chalicelib.protocol.ocpp.abilities import ability_of
from chalicelib.protocol.ocpp.quirks import QUIRKS, corrected
from chalicelib.protocol.ocpp.setups import targets

AT = datetime(2026, 11, 30, tzinfo=UTC)
A, W = RateUnit.AMPERES, RateUnit.WATTS


def setup_of(protocol: str, **said: str) -> Setup:
    aims = targets(protocol, "x", "y", wishes(SetupProfile(), ChargerTraits(is_load_managed=True)))
    setup = begun(None, "p", "i", aims, AT)
    assert setup is not None
    names = {it.target.aspect: it.target.name for it in setup.lines}
    told = {names[Aspect(aspect)]: ReportedValue(value) for aspect, value in said.items()}
    return read(setup, list(told), told)


def test_where_power_is_shared_out_a_charger_is_asked_how_it_can_be_limited() -> None:
    for protocol in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"):
        setup = setup_of(protocol)
        assert setup.of(Aspect.RATE_UNITS) is not None
        assert asked(setup) is not None
    elsewhere = targets("ocpp1.6", "x", "y", wishes(SetupProfile(), ChargerTraits()))
    assert Aspect.RATE_UNITS not in {it.aspect for it in elsewhere}


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Current,Power", (A, W)),
        ("Power,Current", (A, W)),
        ("power", (W,)),
        ("Current", (A,)),
        ("A,W", (A, W)),
        (" W ", (W,)),
        ("", (A, W)),
        ("whatever", (A, W)),
    ],
)
def test_units_are_understood_however_they_are_spelled(text: str, units: tuple[RateUnit, ...]) -> None:
    assert ability_of("ocpp1.6", None, None, None, setup_of("ocpp1.6", rate_units=text)).units == units


def test_what_settings_say_is_what_a_charger_can() -> None:
    said = {"most_stack_level": "8", "most_schedule_periods": "24", "most_charging_profiles": "5.0"}
    found = ability_of("ocpp1.6", None, None, None, setup_of("ocpp1.6", phases_switch="TRUE", **said))
    assert (found.most_stack_level, found.most_periods, found.most_profiles) == (8, 24, 5)
    assert (found.switches_phases, found.names_phase, found.is_relative_since_receipt) == (True, False, False)
    modern = ability_of("ocpp2.0.1", None, None, None, setup_of("ocpp2.0.1", phase_is_chosen="true", **said))
    assert (modern.most_periods, modern.names_phase, modern.is_relative_since_receipt) == (24, True, True)
    assert ability_of("ocpp1.6", None, None, None, None) == ChargingAbility()


def test_who_has_no_smart_charging_takes_no_limits() -> None:
    core, both = "Core,RemoteTrigger", "Core,SmartCharging"
    assert not ability_of("ocpp1.6", None, None, None, setup_of("ocpp1.6", features=core)).is_controllable
    assert ability_of("ocpp1.6", None, None, None, setup_of("ocpp1.6", features=both)).is_controllable
    off = ability_of("ocpp2.1", None, None, None, setup_of("ocpp2.1", limits_enabled="false"))
    assert (off.is_controllable, "Enabled" in off.note) == (False, True)
    assert forms(off, ProfilePurpose.SESSION) == []


def test_over_2x_a_limit_of_the_whole_charger_is_never_relative() -> None:
    found = forms(ability_of("ocpp2.0.1", None, None, None, None), ProfilePurpose.CHARGER)
    assert {it.kind for it in found} == {ProfileKind.ABSOLUTE}


PLAIN = ChargingAbility(most_stack_level=16, switches_phases=True)


@pytest.mark.parametrize(
    ("make", "differs"),
    [
        (("ABB", "CDT_TACW22::NET_WIFI", "TAC3Z9119006710273::V1.8.21"), {"most_stack_level": 0}),
        (("ABB", "Terra 54", "7.0"), {}),
        (("Wall Box Chargers", "PLP1-0-2-4", "5.17.87"), {"most_stack_level": 0, "pauses_at_zero": False}),
        (("Wall Box Chargers", "CPB1-S-2-4", "6.7.38"), {"most_stack_level": 0}),
        (("Huawei", "ACChargePoint", "V100R023"), {"units": (W,)}),
        (("", "ACChargePoint", ""), {"units": (W,)}),
        (("HomeCharge", "", ""), {"units": (W,)}),
        (("go-e", "go-eCharger_V4", "056.8"), {"units": (A,), "keeps_when_cut": False}),
        (
            ("go-e", "go-eCharger_V4", "055.5"),
            {"units": (A,), "keeps_when_cut": False, "pauses_at_zero": False, "switches_phases": False},
        ),
        (("Kerb", "Simulator", "1.0"), {}),
    ],
)
def test_a_maker_is_known_by_what_its_charger_calls_itself(
    make: tuple[str, str, str], differs: dict[str, object]
) -> None:
    assert corrected(PLAIN, *make) == replace(PLAIN, **differs)  # type: ignore[arg-type]


def test_what_a_maker_refuses_is_not_tried() -> None:
    autel = forms(corrected(PLAIN, "Autel", "MaxiCharger", "1"), ProfilePurpose.CHARGER)
    assert {it.kind for it in autel} == {ProfileKind.ABSOLUTE}
    timxon = forms(corrected(PLAIN, "Timxon", "A0", ""), ProfilePurpose.SESSION)
    assert {it.purpose for it in timxon} == {ProfilePurpose.DEFAULT}
    assert "installer" in corrected(PLAIN, "Schneider Electric", "EVlink Smart Wallbox", "3.3.0.12").note


def test_every_quirk_has_its_source() -> None:
    assert all(it.source and any(sign.isdigit() for sign in it.source) for it in QUIRKS)
