"""OCPP 1.6 as chargers speak it: whole payloads with all their extras, our replies, and our commands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp import messages

from chalicelib.domain.chargers.answers import Answer, BootAnswer, Noted, StartAnswer, TimeAnswer, TokenAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, StartCharging, StopCharging
from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    MainMeterRead,
    Reading,
    ReadingsTaken,
    StatusReported,
    StopReason,
)
from chalicelib.protocol.ocpp.dialect import Decoded
from chalicelib.protocol.ocpp.frames import Call, ProtocolError, pack_error, parse
from chalicelib.protocol.ocpp.ocpp16 import DIALECT

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
T = "2026-11-21T08:00:00.000Z"
AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER, LATER_AT = "2026-11-21T08:30:00.000Z", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)

BOOT = {
    "chargePointVendor": "Wallbox Works",
    "chargePointModel": "Twin 22",
    "chargePointSerialNumber": "WW-22-000417",
    "chargeBoxSerialNumber": "CB-417",
    "firmwareVersion": "5.12.3-rc1",
    "iccid": "8949020000012345678",
    "imsi": "262021234567890",
    "meterType": "Iskra WM3M4",
    "meterSerialNumber": "07263541",
}
STATUS = {
    "connectorId": 2,
    "errorCode": "NoError",
    "info": "",
    "status": "Charging",
    "timestamp": T,
    "vendorId": "WW",
    "vendorErrorCode": "0",
}
START = {"connectorId": 2, "idTag": "04A1B2C3", "meterStart": 120_400, "timestamp": T, "reservationId": 3}
STOP = {"transactionId": 411, "idTag": "04A1B2C3", "meterStop": 131_900, "timestamp": LATER, "reason": "Local"}
PERIODIC = {
    "timestamp": T,
    "sampledValue": [
        {"value": "121.65", "context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register", "unit": "kWh"},
        {"value": "3680.4", "measurand": "Power.Active.Import", "phase": "L1", "unit": "W"},
        {"value": "3.69", "measurand": "Power.Active.Import", "phase": "L2", "unit": "kW"},
        {"value": "3670", "measurand": "Power.Active.Import", "phase": "L3", "unit": "W"},
        {"value": "230.1", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
        {"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": "57", "measurand": "SoC", "location": "EV", "unit": "Percent"},
    ],
}
ENDS = [
    {"timestamp": T, "sampledValue": [{"value": "120400", "context": "Transaction.Begin", "unit": "Wh"}]},
    {"timestamp": LATER, "sampledValue": [{"value": "131900", "context": "Transaction.End", "unit": "Wh"}]},
]


def read(text: str) -> Decoded:
    call = parse(text)
    assert isinstance(call, Call)
    return DIALECT.decode(call, NOW)


def decode(action: str, payload: Any) -> Decoded:
    return read(json.dumps([2, "m-1", action, payload]))


def plain(event: ChargerEvent) -> ChargerEvent:
    """Without what only tells one message from another."""
    bookkeeping = {"said_at": "", "seq_no": None, "stop_word": ""}
    return replace(event, **{name: value for name, value in bookkeeping.items() if hasattr(event, name)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "payload", "event"),
    [
        ("BootNotification", BOOT, Booted("Wallbox Works", "Twin 22", "WW-22-000417", "5.12.3-rc1")),
        ("StatusNotification", STATUS, StatusReported(ConnectorId(2), ConnectorStatus.CHARGING, AT)),
        (
            "StatusNotification",
            {**STATUS, "connectorId": 0, "status": "Unavailable"},
            StatusReported(None, ConnectorStatus.UNAVAILABLE, AT),
        ),
        (
            "StatusNotification",
            {**STATUS, "status": "Faulted", "errorCode": "ConnectorLockFailure"},
            StatusReported(ConnectorId(2), ConnectorStatus.FAULTED, AT, "ConnectorLockFailure"),
        ),
        (
            "StartTransaction",
            START,
            ChargingStarted(connector=ConnectorId(2), at=AT, token="04A1B2C3", meter_start_wh=120_400, said_at=T),
        ),
        (
            "MeterValues",
            {"connectorId": 2, "transactionId": 411, "meterValue": [PERIODIC]},
            ReadingsTaken(
                ref="411",
                connector=ConnectorId(2),
                readings=(
                    Reading(
                        at=AT,
                        energy_wh=121_650,
                        power_w=3680 + 3690 + 3670,
                        soc_percent=57,
                        current_ma=None,
                        phase_currents_ma=(16_000, None, None),
                    ),
                ),
            ),
        ),
        (
            "MeterValues",
            {"connectorId": 0, "meterValue": ENDS},
            MainMeterRead((Reading(at=AT, energy_wh=120_400), Reading(at=LATER_AT, energy_wh=131_900))),
        ),
        (
            "StopTransaction",
            {**STOP, "transactionData": ENDS},
            ChargingStopped(
                ref="411",
                at=LATER_AT,
                meter_stop_wh=131_900,
                reason=StopReason.LOCAL,
                token="04A1B2C3",
                readings=(Reading(at=AT, energy_wh=120_400), Reading(at=LATER_AT, energy_wh=131_900)),
                meter_start_wh=120_400,
            ),
        ),
        (
            "StopTransaction",
            {"transactionId": 411, "meterStop": 131_900, "timestamp": LATER},
            ChargingStopped(ref="411", at=LATER_AT, meter_stop_wh=131_900, reason=StopReason.LOCAL),
        ),
    ],
)
def test_a_real_chargers_message_is_read_without_a_deviation(
    action: str, payload: dict[str, Any], event: ChargerEvent
) -> None:
    decoded = decode(action, payload)
    assert (plain(decoded.event), decoded.deviation) == (plain(event), None)


def test_a_null_payload_is_an_empty_one() -> None:
    assert decode("Heartbeat", None) == decode("Heartbeat", {})


def test_a_box_without_a_serial_of_its_own_is_known_by_the_older_field() -> None:
    event = decode("BootNotification", {**BOOT, "chargePointSerialNumber": ""}).event
    assert isinstance(event, Booted)
    assert event.serial == "CB-417"


@pytest.mark.parametrize(
    ("action", "payload", "said"),
    [
        ("BootNotification", {**BOOT, "chargePointSerialNumber": "S" * 26}, "chargePointSerialNumber"),
        ("BootNotification", {**BOOT, "bootReason": "PowerUp"}, "bootReason"),
        ("StatusNotification", {**STATUS, "status": "Dancing"}, "'Dancing' is no such word"),
        ("StatusNotification", {**STATUS, "errorCode": "TooHot"}, "errorCode"),
        ("StatusNotification", {**STATUS, "timestamp": "2026-11-21T08:00:00"}, "no zone"),
        ("StatusNotification", {**STATUS, "connectorId": "2"}, "connectorId"),
        ("StartTransaction", {**START, "timestamp": "soon"}, "'soon' is no time"),
        ("StopTransaction", {**STOP, "reason": "Tired"}, "'Tired' is no such word"),
        ("StopTransaction", {**STOP, "transactionId": "411"}, "transactionId"),
        ("MeterValues", {"connectorId": 2, "meterValue": []}, "meterValue"),
    ],
)
def test_a_message_that_bends_the_standard_is_accepted_and_reported(
    action: str, payload: dict[str, Any], said: str
) -> None:
    assert said in (decode(action, payload).deviation or "")


def test_an_over_long_serial_is_kept_whole() -> None:
    event = decode("BootNotification", {**BOOT, "chargePointSerialNumber": "S" * 26}).event
    assert isinstance(event, Booted)
    assert event.serial == "S" * 26


def test_an_unknown_reason_is_not_taken_for_anything_but_the_usual_one() -> None:
    event = decode("StopTransaction", {**STOP, "reason": "Tired"}).event
    assert isinstance(event, ChargingStopped)
    assert event.reason is StopReason.LOCAL


def test_a_stop_keeps_every_reading_that_can_be_read() -> None:
    unreadable = {"timestamp": T, "sampledValue": [{"value": "NaN"}]}
    event = decode("StopTransaction", {**STOP, "transactionData": [unreadable, *ENDS]}).event
    assert isinstance(event, ChargingStopped)
    assert [reading.energy_wh for reading in event.readings] == [120_400, 131_900]


@pytest.mark.parametrize(
    ("text", "message_id", "code"),
    [
        ("not json", "-1", "FormationViolation"),
        ('{"a":1}', "-1", "FormationViolation"),
        ('[2,"m-1"]', "-1", "FormationViolation"),
        ('[2,true,"Heartbeat",{}]', "-1", "FormationViolation"),
        ('[7,"m-1","Heartbeat",{}]', "m-1", "ProtocolError"),
        ('[2,"m-1","Heartbeat",[1]]', "m-1", "FormationViolation"),
        ('[2,"m-1","Heartbeat","{}"]', "m-1", "FormationViolation"),
        ('[2,"m-1","FlyAway",{}]', "m-1", "NotImplemented"),
        ('[2,"m-1","Reset",{"type":"Hard"}]', "m-1", "NotSupported"),
        ('[2,"m-1","Authorize",{}]', "m-1", "OccurenceConstraintViolation"),
        ('[2,"m-1","Authorize",{"idTag":null}]', "m-1", "OccurenceConstraintViolation"),
        ('[2,"m-1","Authorize",{"idTag":[7]}]', "m-1", "TypeConstraintViolation"),
        ('[2,"m-1","Authorize",{"idTag":""}]', "m-1", "PropertyConstraintViolation"),
        ('[2,"m-1","BootNotification",{}]', "m-1", "OccurenceConstraintViolation"),
        ('[2,"m-1","StatusNotification",{"connectorId":[]}]', "m-1", "TypeConstraintViolation"),
    ],
)
def test_an_error_has_ocpp16s_code_and_the_messages_id(text: str, message_id: str, code: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        read(text)
    kind, echoed, told, description, details = json.loads(pack_error(refused.value, DIALECT.spelling))
    assert (kind, echoed, told, details) == (4, message_id, code, {})
    assert 0 < len(description) <= 255


@pytest.mark.parametrize(
    ("action", "answer", "reply"),
    [
        (
            "BootNotification",
            BootAnswer(NOW, 300),
            {"status": "Accepted", "currentTime": "2026-11-21T09:00:00.000Z", "interval": 300},
        ),
        ("Heartbeat", TimeAnswer(NOW), {"currentTime": "2026-11-21T09:00:00.000Z"}),
        ("StatusNotification", Noted(), {}),
        ("MeterValues", Noted(), {}),
        ("Authorize", TokenAnswer(AuthorizationStatus.ACCEPTED), {"idTagInfo": {"status": "Accepted"}}),
        ("Authorize", TokenAnswer(AuthorizationStatus.UNKNOWN), {"idTagInfo": {"status": "Invalid"}}),
        (
            "StartTransaction",
            StartAnswer(ref="411", standing=AuthorizationStatus.CONCURRENT_TX),
            {"transactionId": 411, "idTagInfo": {"status": "ConcurrentTx"}},
        ),
        ("StartTransaction", StartAnswer(ref="411"), {"transactionId": 411, "idTagInfo": {"status": "Invalid"}}),
        ("StopTransaction", Noted(), {}),
        ("StopTransaction", Noted(standing=AuthorizationStatus.EXPIRED), {"idTagInfo": {"status": "Expired"}}),
    ],
)
def test_a_reply_says_what_was_decided_as_the_schema_wants_it(
    action: str, answer: Answer, reply: dict[str, Any]
) -> None:
    assert DIALECT.reply(Call(message_id="m-1", action=action, payload={}), answer) == reply
    messages.get_validator(messages.MessageType.CallResult, action, "1.6").validate(reply)


def test_a_start_is_asked_for_at_the_connector_on_the_sticker() -> None:
    action, payload = DIALECT.encode(StartCharging(ConnectorId(2), "K" * 20, 77))
    assert (action, payload) == ("RemoteStartTransaction", {"connectorId": 2, "idTag": "K" * 20})
    messages.get_validator(messages.MessageType.Call, action, "1.6").validate(payload)


def test_a_stop_is_asked_for_by_the_number_given_at_the_start() -> None:
    action, payload = DIALECT.encode(StopCharging("411"))
    assert (action, payload) == ("RemoteStopTransaction", {"transactionId": 411})
    messages.get_validator(messages.MessageType.Call, action, "1.6").validate(payload)


STARTS = st.builds(
    ChargingStarted,
    connector=st.builds(ConnectorId, st.integers(1, 99)),
    at=st.datetimes(timezones=st.just(UTC)),
    token=st.text(max_size=20),
    meter_start_wh=st.integers(0, 10**9),
)


@given(st.text(max_size=48), STARTS, st.integers(0, 9))
def test_every_transactions_number_fits_the_protocol_and_is_found_again(
    charger_id: str, event: ChargingStarted, attempt: int
) -> None:
    ref = DIALECT.assign_ref(charger_id, event, attempt)
    assert ref == DIALECT.assign_ref(charger_id, event, attempt)
    assert 0 < int(ref) < 2**31
    reply = DIALECT.reply(
        Call(message_id="m", action="StartTransaction", payload={}),
        StartAnswer(ref=ref, standing=AuthorizationStatus.ACCEPTED),
    )
    messages.get_validator(messages.MessageType.CallResult, "StartTransaction", "1.6").validate(reply)


def test_each_fact_of_a_start_changes_its_number() -> None:
    start = ChargingStarted(connector=ConnectorId(1), at=AT, token="04A1", meter_start_wh=100)
    refs = {
        DIALECT.assign_ref("CP-1", start, 0),
        DIALECT.assign_ref("CP-1", start, 1),
        DIALECT.assign_ref("CP-2", start, 0),
        DIALECT.assign_ref(
            "CP-1", ChargingStarted(connector=ConnectorId(2), at=AT, token="04A1", meter_start_wh=100), 0
        ),
        DIALECT.assign_ref(
            "CP-1", ChargingStarted(connector=ConnectorId(1), at=LATER_AT, token="04A1", meter_start_wh=100), 0
        ),
        DIALECT.assign_ref(
            "CP-1", ChargingStarted(connector=ConnectorId(1), at=AT, token="04A2", meter_start_wh=100), 0
        ),
        DIALECT.assign_ref(
            "CP-1", ChargingStarted(connector=ConnectorId(1), at=AT, token="04A1", meter_start_wh=101), 0
        ),
    }
    assert len(refs) == 7
