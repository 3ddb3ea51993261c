"""Meters in the field: every unit, phase and misprint that can be understood is, and nothing else is believed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.ocpp import meter
from chalicelib.protocol.ocpp.payload import Payload

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ENERGY, POWER = meter.ENERGY, meter.POWER


def measured(*samples: dict[str, Any], contexts: tuple[str, ...] = ()) -> tuple[int | None, int | None, int | None]:
    data = {"meterValue": [{"timestamp": "2026-11-21T08:00:00Z", "sampledValue": list(samples)}]}
    readings = meter.readings(
        Payload(data, NOW), lambda sample: meter.exponent_by_name(sample.optional_text("unit")), contexts
    )
    return (readings[0].energy_wh, readings[0].power_w, readings[0].soc_percent) if readings else (None, None, None)


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
    assert measured(begin, periodic, contexts=("Transaction.Begin",))[0] == 1
    assert measured(begin, periodic)[0] == 2


@pytest.mark.parametrize(("value", "soc"), [("55", 55), ("100", 100), ("101", None), ("-1", None)])
def test_a_state_of_charge_is_a_percentage(value: str, soc: int | None) -> None:
    assert measured({"value": value, "measurand": "SoC"}, {"value": "1"})[2] == soc


def test_a_meter_value_without_a_measurement_is_no_reading() -> None:
    assert meter.readings(Payload({"meterValue": [{"sampledValue": []}, 7, None]}, NOW), lambda _: 0) == ()


@pytest.mark.parametrize("value", ["1,234.5", "1.234,5", "- 5", "0x10", "", " ", "-", ".", 10**12, -(10**12), [], {}])
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
