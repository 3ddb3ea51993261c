"""Chargers in the field: whatever one sends is understood, or refused by name; it is never an unhandled exception."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import (
    Booted,
    ChargingStarted,
    ChargingStopped,
    ConnectorStatus,
    Reading,
    ReadingsTaken,
    StatusReported,
)
from chalicelib.protocol.ocpp import dialect_for, meter
from chalicelib.protocol.ocpp.dialect import Decoded
from chalicelib.protocol.ocpp.frames import Call, ProtocolError, parse, violation
from chalicelib.protocol.ocpp.payload import Payload

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
T = "2026-11-21T08:00:00Z"
EARLIER = "2026-11-21T07:00:00Z"
V16, V201 = "ocpp1.6", "ocpp2.0.1"
START = {"connectorId": 1, "idTag": "04A1", "meterStart": 100, "timestamp": T}
STOP = {"transactionId": 7, "meterStop": 900, "timestamp": T}


def decode(version: str, action: str, payload: dict[str, Any]) -> Decoded:
    call = parse(json.dumps([2, "m", action, payload]))
    assert isinstance(call, Call)
    return dialect_for(version).decode(call, NOW)


def refusal(version: str, action: str, payload: dict[str, Any]) -> str:
    with pytest.raises(ProtocolError) as refused:
        decode(version, action, payload)
    assert refused.value.message_id == "m"
    return refused.value.code


def started(**changes: Any) -> tuple[ChargingStarted, str]:
    decoded = decode(V16, "StartTransaction", {**START, **changes})
    assert isinstance(decoded.event, ChargingStarted)
    return decoded.event, decoded.deviation or ""


def stopped(payload: dict[str, Any]) -> tuple[ChargingStopped, str]:
    decoded = decode(V16, "StopTransaction", payload)
    assert isinstance(decoded.event, ChargingStopped)
    return decoded.event, decoded.deviation or ""


def at(time: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"timestamp": time, "sampledValue": [{"value": value, **more}]}


def event201(kind: str, *meter_values: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": T,
        "triggerReason": "Authorized",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "tx"},
        "meterValue": list(meter_values),
        **more,
    }


def nested(levels: int) -> str:
    """A Heartbeat's frame of so many levels, its own and its payload's included."""
    return '[2,"m","Heartbeat",{"x":' + "[" * (levels - 2) + "]" * (levels - 2) + "}]"


# Frames


@pytest.mark.parametrize("levels", [33, 300, 900])
def test_a_frame_that_is_too_deep_is_refused_under_its_id(levels: int) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(nested(levels))
    assert (refused.value.code, refused.value.message_id) == ("FormatViolation", "m")


def test_a_frame_may_be_wide_and_as_deep_as_any_payload_ever_is() -> None:
    assert isinstance(parse(nested(32)), Call)
    assert isinstance(parse(json.dumps([2, "m", "MeterValues", {"meterValue": [{"sampledValue": []}] * 500}])), Call)


@pytest.mark.parametrize("text", [nested(40).encode(), b"\xff\xfe", bytearray(b"[2]").hex().encode()])
def test_bytes_are_held_to_the_same_rules(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


@pytest.mark.parametrize("action", ["A" * 300, "A" * 100_000, "AuthorizeResponse", "heartbeat", "", "..", "a\0b"])
def test_an_action_no_version_has_is_not_implemented_however_it_is_spelled(action: str) -> None:
    assert refusal(V16, action, {}) == refusal(V201, action, {}) == "NotImplemented"


def test_the_schemas_objection_names_the_place_and_keeps_the_token_to_itself() -> None:
    found = violation("v16", "Authorize", {"idTag": "04A1B2C3D4E5F6070809A"})
    assert found is not None
    assert "idTag" in found.description
    assert "04A1" not in found.description
    found = violation("v16", "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": T, "sampledValue": [{}]}]})
    assert found is not None
    assert "meterValue.0.sampledValue.0" in found.description


# Words


def words(version: str, schema: str, name: str) -> list[str]:
    def found(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if name in node and isinstance(node[name], dict):
                yield from node[name].get("enum", ())
            for inner in node.values():
                yield from found(inner)

    return list(found(json.loads((files("ocpp") / version / "schemas" / f"{schema}.json").read_text("utf-8-sig"))))


@pytest.mark.parametrize(
    ("version", "action", "payload", "status"),
    [
        (V16, "StatusNotification", {"connectorId": 1, "errorCode": "NoError"}, status)
        for status in words("v16", "StatusNotification", "status")
    ]
    + [
        (V201, "StatusNotification", {"evseId": 1, "connectorId": 1, "timestamp": T}, status)
        for status in words("v201", "StatusNotificationRequest", "ConnectorStatusEnumType")
    ],
)
def test_every_status_of_the_standard_is_known(version: str, action: str, payload: dict[str, Any], status: str) -> None:
    decoded = decode(version, action, {**payload, ("status" if version == V16 else "connectorStatus"): status})
    assert isinstance(decoded.event, StatusReported)
    assert decoded.event.status is not ConnectorStatus.UNKNOWN
    assert decoded.deviation is None


@pytest.mark.parametrize("reason", words("v16", "StopTransaction", "reason"))
def test_every_reason_of_ocpp16_is_known(reason: str) -> None:
    assert stopped({**STOP, "reason": reason})[1] == ""


@pytest.mark.parametrize("reason", words("v201", "TransactionEventRequest", "ReasonEnumType"))
def test_every_reason_of_ocpp201_is_known(reason: str) -> None:
    payload = event201("Ended", at(T, 1), transactionInfo={"transactionId": "tx", "stoppedReason": reason})
    assert decode(V201, "TransactionEvent", payload).deviation is None


@pytest.mark.parametrize("version", [V16, V201])
def test_an_unknown_status_is_understood_as_unknown_and_noted(version: str) -> None:
    payload = {"connectorId": 1, "evseId": 1, "timestamp": T, "status": "Asleep", "connectorStatus": "Asleep"}
    decoded = decode(version, "StatusNotification", payload)
    assert isinstance(decoded.event, StatusReported)
    assert decoded.event.status is ConnectorStatus.UNKNOWN
    assert "Asleep" in (decoded.deviation or "")


# Numbers, names and times


@pytest.mark.parametrize(
    ("meter_start", "meter_start_wh"),
    [(100.5, 101), ("100", 100), ("100.4", 100), (10**12, None), (10**40, None), ("--5", None), ("NaN", None)],
)
def test_a_start_is_kept_whatever_its_register_says(meter_start: Any, meter_start_wh: int | None) -> None:
    event, deviation = started(meterStart=meter_start)
    assert event.meter_start_wh == meter_start_wh
    assert (meter_start_wh is None) == ("meterStart: is no meter reading" in deviation)


def test_a_stop_without_a_register_ends_at_the_reading_marked_as_the_last() -> None:
    data = [at(EARLIER, "900", context="Transaction.End"), at(T, "850", context="Sample.Periodic")]
    event, deviation = stopped({"transactionId": 7, "timestamp": T, "transactionData": data})
    assert event.meter_stop_wh == 900
    assert "meterStop" in deviation


def test_a_stop_that_tells_no_energy_at_all_is_still_a_stop() -> None:
    assert stopped({"transactionId": 7, "timestamp": T})[0].meter_stop_wh is None


def test_deviations_inside_a_stops_own_readings_are_noted() -> None:
    _, deviation = stopped({**STOP, "transactionData": [at("noon", "850")]})
    assert "transactionData.0.timestamp: 'noon' is no time" in deviation


def test_readings_need_neither_transaction_nor_connector_to_be_heard() -> None:
    readings = [at(T, "5")]
    event = decode(V16, "MeterValues", {"transactionId": 7, "meterValue": readings}).event
    assert isinstance(event, ReadingsTaken)
    assert (event.ref, event.connector) == ("7", None)
    event = decode(V16, "MeterValues", {"meterValue": readings}).event
    assert isinstance(event, ReadingsTaken)
    assert (event.ref, event.connector, event.is_nameless) == (None, None, False)


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        (V16, {"connectorId": -1, "errorCode": "NoError", "status": "Available"}),
        (V201, {"evseId": -1, "connectorId": 1, "connectorStatus": "Available", "timestamp": T}),
    ],
)
def test_a_connector_below_nought_is_no_connector(version: str, payload: dict[str, Any]) -> None:
    decoded = decode(version, "StatusNotification", payload)
    assert isinstance(decoded.event, StatusReported)
    assert decoded.event.connector is None
    assert "below nought" in (decoded.deviation or "")


def test_an_empty_tag_at_the_start_is_nobodys_and_asks_for_nobody() -> None:
    assert started(idTag="")[0].token is None
    assert refusal(V16, "Authorize", {"idTag": ""}) == "PropertyConstraintViolation"
    assert refusal(V201, "Authorize", {"idToken": {"idToken": "", "type": "Central"}}) == "PropertyConstraintViolation"


@pytest.mark.parametrize("ref", ["", "x" * 256])
def test_a_transaction_is_named_whole_or_not_at_all(ref: str) -> None:
    payload = event201("Updated", transactionInfo={"transactionId": ref})
    assert refusal(V201, "TransactionEvent", payload) == "PropertyConstraintViolation"
    result = dialect_for(V201).read_result("RequestStartTransaction", {"status": "Accepted", "transactionId": ref})
    assert result.ref is None


@pytest.mark.parametrize("number", [10**18, 10**40, 1e300])
def test_a_number_no_store_would_take_names_no_transaction(number: Any) -> None:
    decoded = decode(V16, "StopTransaction", {**STOP, "transactionId": number})
    assert isinstance(decoded.event, ChargingStopped)
    assert decoded.event.ref is None
    assert "transactionId" in (decoded.deviation or "")


def test_endless_texts_are_cut() -> None:
    long = "x" * 100_000
    payload = {"chargePointVendor": long, "chargePointModel": long, "firmwareVersion": long}
    decoded = decode(V16, "BootNotification", payload)
    assert decoded.event == Booted("x" * 255, "x" * 255, None, "x" * 255)
    assert len(decoded.deviation or "") <= 1000


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-21T08:00:00z", datetime(2026, 11, 21, 8, 0, tzinfo=UTC)),
        ("2026-11-21t08:00:00.1Z", datetime(2026, 11, 21, 8, 0, 0, 100_000, tzinfo=UTC)),
        ("2026-11-21T10:00:00+0200", datetime(2026, 11, 21, 8, 0, tzinfo=UTC)),
        ("1970-01-01T00:00:07Z", datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)),
        ("2099-12-31T23:59:59Z", datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("1601-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-11-21T25:00:00Z", None),
    ],
)
def test_times_are_read_as_far_as_clocks_show_them(text: str, at: datetime | None) -> None:
    event, deviation = started(timestamp=text)
    assert (event.at, event.said_at) == (at, text)
    assert (at is None) == ("took that of reception" in deviation)


# Meters


def measured(*samples: dict[str, Any]) -> tuple[tuple[Reading, ...], list[str]]:
    payload = Payload({"meterValue": [{"timestamp": T, "sampledValue": list(samples)}]}, NOW)
    told = meter.MeterValues(payload, lambda sample, told: (told.payload_of(sample).optional_text("unit"), 0))
    return told.readings(), payload.deviations


@pytest.mark.parametrize(("unit", "energy_wh"), [("kwh", 2000), ("KWH", 2000), ("wh", 2), ("", 2), ("MWh", 2_000_000)])
def test_units_are_known_however_they_are_spelled(unit: str, energy_wh: int) -> None:
    assert measured({"value": "2", "unit": unit})[0][0].energy_wh == energy_wh


@pytest.mark.parametrize("unit", ["J", "mWh", "mwh", "Celsius", "varh"])
def test_energy_in_a_unit_nobody_knows_is_not_billed_as_wh(unit: str) -> None:
    readings, deviations = measured({"value": "2", "unit": unit})
    assert readings == ()
    assert deviations == ["meterValue.0.sampledValue.0.value: is in a unit nobody knows"]


@pytest.mark.parametrize("value", ["1e999999999999", "1e-99999999999999999999", "-1e999999999999", "sNaN", "٣x"])
def test_no_number_is_too_odd_to_be_passed_over(value: str) -> None:
    assert all(reading.energy_wh in (None, 0) for reading in measured({"value": value})[0])


def test_one_phase_told_twice_counts_once() -> None:
    phases = [{"value": "5", "measurand": meter.POWER, "phase": phase} for phase in ("L1", "L1-N", "L2", "L3-N")]
    assert measured(*phases)[0][0].power_w == 15


def test_a_state_of_charge_beyond_all_alone_is_no_reading() -> None:
    assert measured({"value": "101", "measurand": "SoC"})[0] == ()


def test_a_measurand_that_is_no_text_is_not_taken_for_energy() -> None:
    assert measured({"value": "5", "measurand": 5})[0] == ()


def test_a_clock_set_back_while_charging_does_not_change_the_final_register() -> None:
    payload = event201(
        "Ended",
        at(EARLIER, 100, context="Transaction.Begin"),
        at(T, 500, context="Sample.Periodic"),
        at(EARLIER, 900, context="Transaction.End"),
    )
    event = decode(V201, "TransactionEvent", payload).event
    assert isinstance(event, ChargingStopped)
    assert event.meter_stop_wh == 900


def test_a_start_begins_at_the_register_marked_as_the_first() -> None:
    earlier, first = at(EARLIER, 90, context="Sample.Clock"), at(T, 100, context="Transaction.Begin")
    event = decode(V201, "TransactionEvent", event201("Started", earlier, first)).event
    assert isinstance(event, ChargingStarted)
    assert event.meter_start_wh == 100


def test_without_marks_the_register_is_the_oldest_at_the_start_and_the_newest_at_the_end() -> None:
    start = decode(V201, "TransactionEvent", event201("Started", at(T, 100), at(EARLIER, 90))).event
    end = decode(V201, "TransactionEvent", event201("Ended", at(T, 100), at(EARLIER, 90))).event
    assert isinstance(start, ChargingStarted)
    assert isinstance(end, ChargingStopped)
    assert (start.meter_start_wh, end.meter_stop_wh) == (90, 100)


@given(st.integers(0, 10**9), st.sampled_from(["Wh", "kWh", "MWh", None]), st.integers(-6, 6))
def test_the_same_energy_is_read_from_any_unit_and_multiplier(
    energy_wh: int, unit: str | None, multiplier: int
) -> None:
    power = {"kWh": 3, "MWh": 6}.get(unit or "Wh", 0)
    unit_field = {"unit": unit} if unit else {}
    in_16 = at(T, str(Decimal(energy_wh).scaleb(-power)), **unit_field)
    # A JSON number of 2.x: exact up to fifteen digits.
    in_201 = at(
        T,
        float(Decimal(energy_wh).scaleb(-power - multiplier)),
        unitOfMeasure={**unit_field, "multiplier": multiplier},
    )
    for version, action, payload in (
        (V16, "MeterValues", {"connectorId": 1, "meterValue": [in_16]}),
        (V201, "MeterValues", {"evseId": 1, "meterValue": [in_201]}),
        (V201, "TransactionEvent", event201("Updated", in_201)),
    ):
        event = decode(version, action, payload).event
        assert isinstance(event, ReadingsTaken)
        assert [reading.energy_wh for reading in event.readings] == [energy_wh]


# Anything at all

WHOLE = [
    (V16, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
    (V16, "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": T}),
    (V16, "Authorize", {"idTag": "04A1"}),
    (V16, "StartTransaction", START),
    (V16, "StopTransaction", {**STOP, "idTag": "04A1", "reason": "Local", "transactionData": [at(T, "1", unit="kWh")]}),
    (
        V16,
        "MeterValues",
        {"connectorId": 1, "transactionId": 7, "meterValue": [at(T, "1", phase="L1", context="Sample.Clock")]},
    ),
    (V201, "BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}),
    (V201, "MeterValues", {"evseId": 1, "meterValue": [at(T, 1, measurand="SoC")]}),
    *(
        (
            V201,
            "TransactionEvent",
            event201(
                kind,
                at(T, 1, unitOfMeasure={"unit": "kWh", "multiplier": 1}, location="Outlet"),
                evse={"id": 1, "connectorId": 1},
                idToken={"idToken": "04A1", "type": "ISO14443"},
            ),
        )
        for kind in ("Started", "Updated", "Ended")
    ),
]
ODD_TEXTS = ["", "--5", "+", "1e999999999999", "NaN", "0001-01-01T00:00:00+14:00", "x" * 100_000, "\0", "٣"]
ODD_NUMBERS = [0, -1, 2**31, 2**63, 10**40, -(10**40), 0.1, 1e308, -0.0]
ODD_SHAPES: list[Any] = [True, None, [], {}, [[]], [{}], [None], {"": None}]
NASTY: st.SearchStrategy[Any] = st.sampled_from([*ODD_TEXTS, *ODD_NUMBERS, *ODD_SHAPES]) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every way into a JSON value."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in children:
        yield (*path, step)
        yield from places(child, (*path, step))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_nothing_at_any_place_of_a_message_is_more_than_understood_or_refused(
    message: tuple[str, str, dict[str, Any]], data: st.DataObject
) -> None:
    version, action, payload = copy.deepcopy(message)
    *way, last = data.draw(st.sampled_from(list(places(payload))))
    node: Any = payload
    for step in way:
        node = node[step]
    node[last] = data.draw(NASTY)
    try:
        decoded = decode(version, action, payload)
    except ProtocolError as error:
        assert error.message_id == "m"
        assert error.description
    else:
        assert len(decoded.deviation or "") <= 1000
        # What is kept of it has a bound, whatever came.
        assert len(repr(decoded.event)) < 5_000


@settings(deadline=None)
@given(st.lists(NASTY, max_size=6))
def test_no_array_at_all_is_more_than_a_frame_or_refused(frame: list[Any]) -> None:
    for kind in ([], [2, "m"], [3, "m"], [4, "m"]):
        try:
            parse(json.dumps([*kind, *frame]))
        except ProtocolError as error:
            assert error.code in ("RpcFrameworkError", "FormatViolation", "MessageTypeNotSupported")
