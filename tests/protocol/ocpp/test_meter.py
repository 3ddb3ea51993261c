"""Meters in the field: every unit, phase and misprint that can be understood is, and nothing else is believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import Reading
from chalicelib.protocol.ocpp import meter
from chalicelib.protocol.ocpp.payload import Payload

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ENERGY, POWER = meter.ENERGY, meter.POWER


def unit(sample: meter.Sample, told: meter.MeterValues) -> tuple[str | None, int]:
    return told.payload_of(sample).optional_text("unit"), 0


def values(*meter_values: Any) -> meter.MeterValues:
    return meter.MeterValues(Payload({"meterValue": list(meter_values)}, NOW), unit)


def reading(*samples: dict[str, Any]) -> Reading | None:
    """What one meter value says."""
    readings = values({"timestamp": "2026-11-21T08:00:00Z", "sampledValue": list(samples)}).readings()
    assert len(readings) <= 1
    return readings[0] if readings else None


def measured(*samples: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    it = reading(*samples)
    return (it.energy_wh, it.power_w, it.soc_percent) if it else (None, None, None)


@pytest.mark.parametrize(
    ("sample", "energy_wh"),
    [
        ({"value": "1500"}, 1500),
        ({"value": "1500", "unit": "Wh"}, 1500),
        ({"value": "1.5", "unit": "kWh"}, 1500),
        ({"value": "1,5", "unit": "kWh"}, 1500),
        ({"value": " 1500 "}, 1500),
        ({"value": 1500}, 1500),
        ({"value": 0.0015, "unit": "MWh"}, 1500),
        ({"value": "0.0005", "unit": "kWh"}, 1),
        ({"value": "NaN"}, None),
        ({"value": "Infinity"}, None),
        ({"value": "1e400"}, None),
        ({"value": "9" * 30}, None),
        ({"value": "many"}, None),
        ({"value": None}, None),
        ({"value": True}, None),
        ({"value": {"a": 1}}, None),
        ({"value": "abcdef", "format": "SignedData"}, None),
        ({"value": "1500", "measurand": "Voltage"}, None),
    ],
)
def test_a_register_is_read_as_whole_wh_or_not_at_all(sample: dict[str, Any], energy_wh: int | None) -> None:
    assert measured(sample)[0] == energy_wh


@given(st.integers(0, 10**9))
def test_wh_and_kwh_of_the_same_energy_are_the_same(energy_wh: int) -> None:
    kwh = str(Decimal(energy_wh) / 1000)
    assert measured({"value": str(energy_wh)})[0] == measured({"value": kwh, "unit": "kWh"})[0] == energy_wh


@given(st.decimals(0, 10**6, places=6))
def test_fractions_of_a_wh_are_rounded_half_up(value: Decimal) -> None:
    assert measured({"value": str(value)})[0] == int(value.quantize(Decimal(1), ROUND_HALF_UP))


def test_phases_are_summed_only_where_there_is_no_whole() -> None:
    phases = [
        {"value": str(value), "measurand": POWER, "phase": phase}
        for value, phase in ((1, "L1"), (2, "L2-N"), (4, "L3"))
    ]
    assert measured(*phases)[1] == 7
    assert measured(*phases, {"value": "9", "measurand": POWER})[1] == 9


def test_the_meter_at_the_plug_counts_and_not_the_one_in_the_car_or_the_grid() -> None:
    grid = {"value": "1", "location": "Inlet"}
    assert measured(grid, {"value": "2", "location": "Outlet"})[0] == 2
    assert measured({"value": "2"}, grid)[0] == 2
    assert measured(grid)[0] == 1


def test_the_preferred_context_wins_over_later_samples() -> None:
    begin, periodic = {"value": "1", "context": "Transaction.Begin"}, {"value": "2", "context": "Sample.Periodic"}
    told = values({"timestamp": "2026-11-21T08:00:00Z", "sampledValue": [begin, periodic]})
    assert told.marked("Transaction.Begin") == 1
    assert measured(begin, periodic)[0] == 2


@pytest.mark.parametrize(("value", "soc"), [("55", 55), ("100", 100), ("101", None), ("-1", None)])
def test_a_state_of_charge_is_a_percentage(value: str, soc: int | None) -> None:
    assert measured({"value": value, "measurand": "SoC"}, {"value": "1"})[2] == soc


def test_a_meter_value_without_a_measurement_is_no_reading() -> None:
    assert values({"sampledValue": []}, 7, None).readings() == ()


@pytest.mark.parametrize(
    "value", ["1,234.5", "1.234,5", "1,234", "12,345,678", "- 5", "0x10", "", " ", "-", ".", 10**12, -(10**12), [], {}]
)
def test_what_could_be_two_numbers_or_none_is_no_measurement(value: Any) -> None:
    assert meter.whole(value) is None


@pytest.mark.parametrize(
    ("value", "power", "whole"), [("1,5", 3, 1500), ("15", -1, 2), (2.5, 0, 3), ("999999999999", 0, 10**12 - 1)]
)
def test_a_number_is_scaled_before_it_is_rounded(value: Any, power: int, whole: int) -> None:
    assert meter.whole(value, power) == whole


@pytest.mark.parametrize("power", [10**6, -(10**6), 10**17, -(10**17)])
def test_a_multiplier_beyond_belief_makes_no_energy(power: int) -> None:
    assert meter.whole("5", power) in (None, 0)


def test_signed_data_is_passed_over_for_the_plain_sample_beside_it() -> None:
    signed = {"value": "AP;0;3;AJ6KWQ", "format": "SignedData", "context": "Transaction.End"}
    assert measured(signed, {"value": "1500", "format": "Raw"})[0] == 1500
    assert measured({"value": "1500"}, signed)[0] == 1500


def test_an_unreadable_whole_leaves_the_sum_of_its_phases() -> None:
    phases = [{"value": "1.5", "unit": "kWh", "phase": phase} for phase in ("L1", "L2", "L3")]
    assert measured({"value": "NaN"}, *phases)[0] == 4500


def test_voltages_between_phases_and_the_neutral_are_not_summed() -> None:
    assert measured({"value": "1", "phase": "L1-L2"}, {"value": "2", "phase": "N"})[0] is None


# What owners of chargers reported

T1, T2 = "2026-11-21T08:00:00Z", "2026-11-21T08:15:00Z"


def energy(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "measurand": ENERGY, "unit": "Wh", **more}


def at(time: str, *samples: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": time, "sampledValue": list(samples)}


def registers(*meter_values: Any) -> list[int | None]:
    return [it.energy_wh for it in values(*meter_values).readings()]


def test_the_register_of_the_beginning_is_not_the_present_one_beside_it() -> None:
    """Growatt THOR: lbbrhzn/ocpp#1838, #1709."""
    present, begun = energy("163630", context="Sample.Periodic"), energy("157440", context="Transaction.Begin")
    for samples in ((present, begun), (begun, present)):
        for told in (values(at(T1, *samples)), values(*(at(T1, it) for it in samples))):
            assert [it.energy_wh for it in told.readings()] == [163630]
            assert told.begun is not None
            assert told.begun.energy_wh == 157440


def test_the_beginning_alone_is_none_of_the_present() -> None:
    told = values(at(T1, energy("1000", context="Transaction.Begin"), {"value": "7", "measurand": POWER}))
    assert told.readings() == (Reading(at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC), energy_wh=None, power_w=7),)
    assert told.begun == Reading(at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC), energy_wh=1000)


def test_an_ended_transactions_record_has_its_beginning_where_it_goes_on_from_there() -> None:
    begun, end = energy("1000", context="Transaction.Begin"), energy("3000", context="Transaction.End")
    assert [it.energy_wh for it in values(at(T1, begun), at(T2, end)).record()] == [1000, 3000]
    for repeated in (
        values(at(T2, end, begun)),
        values(at(T2, end), at(T2, begun)),
        values(at(T2, end), at(T2, begun)),
    ):
        assert [it.energy_wh for it in repeated.record()] == [3000]
        assert repeated.marked("Transaction.Begin") == 1000


@pytest.mark.parametrize("phase", ["N", "L1", "L1-N", " n "])
def test_the_only_register_is_that_of_the_whole_whatever_phase_it_names(phase: str) -> None:
    """myenergi zappi: evcc-io/evcc#27206; one-phase chargers: evcc-io/evcc#19351, lbbrhzn/ocpp#1943."""
    assert measured(energy("8077", phase=phase))[0] == 8077


def test_the_neutral_is_not_added_to_the_phases() -> None:
    lines = [energy("1000", phase=phase) for phase in ("L1", "L2", "L3")]
    assert measured(*lines, energy("9", phase="N"))[0] == 3000


def test_a_sum_that_lacks_a_phase_is_no_register() -> None:
    assert measured(energy("1000", phase="L1"), energy("NaN", phase="L2"), energy("1000", phase="L3"))[0] is None


@pytest.mark.parametrize("pair", [(2244, 0), (0, 2244), ("0.0", "2.244"), (2244, -1)])
def test_of_a_measurand_told_twice_the_one_that_did_not_fall_to_nothing_counts(pair: tuple[Any, Any]) -> None:
    """matth-x/MicroOcpp#128."""
    unit = "kWh" if "2.244" in pair else "Wh"
    assert measured(*(energy(it, unit=unit) for it in pair))[0] == 2244
    assert registers(*(at(T1, energy(it, unit=unit)) for it in pair)) == [2244]


def test_a_total_of_nothing_beside_phases_that_count_is_not_believed() -> None:
    """Chargers with registers by phase: lbbrhzn/ocpp#1925."""
    assert measured(energy("0"), *(energy("500", phase=phase) for phase in ("L1", "L2", "L3")))[0] == 1500


def test_one_meter_value_a_measurand_makes_one_reading() -> None:
    """evcc-io/evcc#16523, #19354: values padded with blanks."""
    told = values(at(T1, energy(" 3500.0")), at(T1, {"value": " 7200.0", "measurand": POWER, "unit": "W"}))
    assert told.readings() == (Reading(at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC), energy_wh=3500, power_w=7200),)


def test_an_object_where_an_array_belongs_is_read() -> None:
    """Huawei: lbbrhzn/ocpp#1144."""
    sample = {"value": "12.50", "measurand": ENERGY, "unit": "kWh", "context": "Sample.Periodic"}
    for meter_value in (at(T1, sample), {"timestamp": T1, "sampledValue": sample}):
        told = meter.MeterValues(Payload({"meterValue": meter_value}, NOW), unit)
        assert [it.energy_wh for it in told.readings()] == [12500]


def test_what_no_car_takes_back_is_taken_where_the_meter_calls_it_export() -> None:
    """A meter mounted the other way round, and one read from the station's side."""
    exported = {"value": "8000", "measurand": "Energy.Active.Export.Register"}
    power = {"value": "7000", "measurand": "Power.Active.Export"}
    found = reading(exported, power)
    assert found is not None
    assert (found.energy_wh, found.power_w, found.is_export) == (8000, 7000, True)
    assert measured(exported, energy("0"), power)[:2] == (8000, 7000)
    # A car that gives back: the import counts.
    assert measured(exported, energy("5000"), power)[:2] == (5000, None)
    assert measured({**exported, "value": "0"})[0] is None


def test_soc_is_the_cars_energy_the_outlets_whatever_is_measured_elsewhere() -> None:
    """ABB DC: sap-labs-france/ev-server#514."""
    samples = [
        {"value": "70.0", "measurand": "SoC", "unit": "Percent", "location": "EV"},
        energy("3400.0", location="Outlet"),
        energy("999999", location="Inlet"),
        energy("3300", location="EV"),
        {"value": "41.5", "measurand": "Temperature", "unit": "Celsius", "location": "Body"},
        {"value": "49000", "measurand": POWER, "unit": "W", "location": "Outlet"},
    ]
    assert measured(*samples) == (3400, 49000, 70)


def test_empty_values_and_hertz_are_no_measurement() -> None:
    """lbbrhzn/ocpp#466, #1576, EVerest/libocpp#187."""
    assert measured(
        {"value": "49.98", "measurand": "Frequency", "unit": "Hz"},
        {"value": "", "measurand": "SoC", "unit": "Percent"},
        {"value": "NaN", "measurand": POWER, "unit": "W"},
        energy("1500"),
    ) == (1500, None, None)
    assert measured(energy("50", unit="Hz"))[0] is None


@pytest.mark.parametrize(
    ("name", "unit_told", "energy_wh"),
    [
        (" energy.active.import.register ", " kWh", 2000),
        (ENERGY.upper(), "KWH ", 2000),
        (ENERGY, "W", 2),
        (ENERGY, "kW", 2000),
    ],
)
def test_a_register_is_known_by_its_name_and_unit_however_they_are_spelled(
    name: str, unit_told: str, energy_wh: int
) -> None:
    assert measured({"value": "2", "measurand": name, "unit": unit_told})[0] == energy_wh


@pytest.mark.parametrize("unit", ["W", "kW", " kw", "MW", "Percent", "%", "A", "V", "Celsius"])
def test_what_is_told_in_another_unit_and_under_no_name_is_no_register(unit: str) -> None:
    assert measured({"value": "7", "unit": unit})[0] is None


def test_watts_under_no_name_are_power_and_percent_a_state_of_charge() -> None:
    assert measured({"value": "7200", "unit": "W"}, energy("1500")) == (1500, 7200, None)
    assert measured({"value": "7.2", "unit": "kW"}, {"value": "55", "unit": "Percent"}) == (None, 7200, 55)


@pytest.mark.parametrize(("unit", "energy_wh"), [(None, 7), ("", 7), ("Wh", 7), (" kWh", 7000)])
def test_energy_under_no_name_is_the_register(unit: str | None, energy_wh: int) -> None:
    assert measured({"value": "7", "unit": unit})[0] == energy_wh


@pytest.mark.parametrize(
    ("told", "current_ma"),
    [
        ([{"value": "125.4"}], 125_400),
        ([{"value": "125400", "unit": "mA"}], 125_400),
        ([{"value": "16", "unit": "Wh"}], 16_000),
        ([{"value": "16", "unit": "V"}], None),
        ([{"value": "5.84", "phase": "L1"}, {"value": "5.9", "phase": "L2"}, {"value": "6.18", "phase": "L3"}], 17_920),
        ([{"value": "16", "phase": "L1"}, {"value": "0", "phase": "N"}], 16_000),
        ([{"value": "16", "phase": "N"}], None),
        ([{"value": "16"}, *({"value": "16", "phase": phase} for phase in ("L1", "L2", "L3"))], 48_000),
    ],
)
def test_current_is_the_sum_of_the_phases_in_milliamperes(told: list[dict[str, Any]], current_ma: int | None) -> None:
    """OCPI asks for the sum over all phases; on DC there is one."""
    found = reading(*({"measurand": "Current.Import", **it} for it in told), energy("1"))
    assert found is not None
    assert found.current_ma == current_ma


def test_a_current_of_one_phase_is_not_that_of_a_power_no_phase_can_have() -> None:
    found = reading(
        {"value": "16", "measurand": "Current.Import", "phase": "L1"}, {"value": "11040", "measurand": POWER}
    )
    assert found is not None
    assert (found.current_ma, found.phase_currents_ma) == (None, (16_000, None, None))


# What meters sign


def test_a_signed_value_is_kept_to_the_letter_and_makes_no_number() -> None:
    """The form of the Open Charge Alliance's paper on signed meter values, and of chargers that do not say so."""
    signed = {"value": 'OCMF|{"FV":"1.0"}|{"SD":"30 45"}', "format": "SignedData", "context": "Transaction.End"}
    for sample in (
        signed,
        {**signed, "format": "signeddata"},
        {"value": "OCMF|" + "0" * 60, "context": "Transaction.End"},
    ):
        told = values(at(T1, sample))
        assert told.readings() == ()
        (kept,) = told.signed
        assert json.loads(kept.sample) == sample
        assert (kept.at, kept.context) == (datetime(2026, 11, 21, 8, 0, tzinfo=UTC), "Transaction.End")


def test_ocpp_2s_signed_value_is_kept_beside_its_plain_one_which_counts() -> None:
    sample = {"value": 1500, "signedMeterValue": {"signedMeterData": "b2NtZg==", "encodingMethod": "OCMF"}}
    told = values(at(T1, sample))
    assert [it.energy_wh for it in told.readings()] == [1500]
    assert [(it.context, json.loads(it.sample)) for it in told.signed] == [("Sample.Periodic", sample)]


def test_a_signed_value_no_frame_can_hold_is_left_out_and_noted() -> None:
    payload = Payload({"meterValue": [at(T1, {"value": "A" * 100_000, "format": "SignedData"})]}, NOW)
    assert meter.MeterValues(payload, unit).signed == ()
    assert payload.deviations == ["meterValue.0.sampledValue.0.value: is too long to be kept"]


# Whatever the order


SAMPLES = st.fixed_dictionaries(
    {
        "value": st.sampled_from(["0", "1500", " 2.5", "NaN", "-1", "99999", "12,5"]),
        "measurand": st.sampled_from(
            [ENERGY, POWER, "Current.Import", "SoC", "Energy.Active.Export.Register", "Voltage"]
        ),
    },
    optional={
        "phase": st.sampled_from(["L1", "L2", "L3", "N", "L1-N", "L1-L2"]),
        "context": st.sampled_from(["Sample.Periodic", "Transaction.Begin", "Transaction.End", "Sample.Clock"]),
        "location": st.sampled_from(["Outlet", "Inlet", "EV", "Body"]),
        "format": st.sampled_from(["Raw", "SignedData"]),
    },
)


@settings(deadline=None)
@given(st.lists(SAMPLES, max_size=8), st.data())
def test_the_order_of_samples_and_how_they_are_parted_changes_nothing(
    samples: list[dict[str, Any]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(samples))
    cut = data.draw(st.integers(0, len(samples)))
    whole = values(at(T1, *samples))
    parted = values(at(T1, *shuffled[:cut]), at(T1, *shuffled[cut:]))
    assert whole.readings() == parted.readings()
    assert whole.begun == parted.begun
    assert sorted(it.sample for it in whole.signed) == sorted(it.sample for it in parted.signed)


@settings(deadline=None)
@given(st.one_of(st.decimals(0, 10**5, places=9), st.decimals(-10, 10, places=4)), st.integers(-3, 6))
def test_a_number_is_the_same_however_it_is_worked_out(value: Decimal, power: int) -> None:
    expected = int(value.scaleb(power).quantize(Decimal(1), ROUND_HALF_UP))
    for text in (f"{value:f}", f" {value:f}", f"{value:f}".replace(".", ",")):
        assert meter.whole(text, power) == expected
