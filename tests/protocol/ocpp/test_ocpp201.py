"""OCPP 2.0.1 as charging stations speak it: whole payloads with all their extras, our replies, and our commands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
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
    TokenPresented,
)
from chalicelib.protocol.ocpp.dialect import Decoded
from chalicelib.protocol.ocpp.frames import Call, ProtocolError, pack_error, parse
from chalicelib.protocol.ocpp.ocpp201 import DIALECT

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
T = "2026-11-21T08:00:00.000Z"
AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER, LATER_AT = "2026-11-21T08:30:00.000Z", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
TX = "2f1d7b0e-8a3c-4b57-a2b7-0b5a9f3f6c11"
CARD = {"idToken": "04A1B2C3", "type": "ISO14443", "additionalInfo": [{"additionalIdToken": "x", "type": "y"}]}
NOBODY = {"idToken": "", "type": "NoAuthorization"}

STATION = {
    "vendorName": "Wallbox Works",
    "model": "Twin 22",
    "serialNumber": "WW-22-000417",
    "firmwareVersion": "6.0.1",
    "modem": {"iccid": "8949020000012345678", "imsi": "262021234567890"},
}
BOOT = {"reason": "PowerUp", "chargingStation": STATION}
STATUS = {"timestamp": T, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1}


def meter_value(at: str, value: float, context: str, unit: dict[str, Any] | None = None) -> dict[str, Any]:
    energy = {"value": value, "context": context, "measurand": "Energy.Active.Import.Register", "location": "Outlet"}
    voltage = {"value": 230.1, "measurand": "Voltage", "phase": "L1-N", "unitOfMeasure": {"unit": "V"}}
    return {"timestamp": at, "sampledValue": [{**energy, **({"unitOfMeasure": unit} if unit else {})}, voltage]}


def transaction_event(kind: str, /, *without: str, info: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    whole = {
        "eventType": kind,
        "timestamp": T,
        "triggerReason": "ChargingStateChanged",
        "seqNo": 4,
        "offline": False,
        "numberOfPhasesUsed": 3,
        "cableMaxCurrent": 32,
        "transactionInfo": {"transactionId": TX, "chargingState": "Charging", **(info or {})},
        "evse": {"id": 2, "connectorId": 1},
        **more,
    }
    return {name: value for name, value in whole.items() if name not in without}


def read(text: str) -> Decoded:
    call = parse(text)
    assert isinstance(call, Call)
    return DIALECT.decode(call, NOW)


def decode(action: str, payload: Any) -> Decoded:
    return read(json.dumps([2, "m-1", action, payload]))


BEGIN = meter_value(T, 120.4, "Transaction.Begin", {"unit": "kWh"})
MIDDLE = meter_value(T, 1216.5, "Sample.Periodic", {"unit": "Wh", "multiplier": 2})
END = meter_value(LATER, 131900, "Transaction.End")

CHARGING = ConnectorStatus.CHARGING
EVENTS: list[tuple[str, dict[str, Any], ChargerEvent]] = [
    ("BootNotification", BOOT, Booted("Wallbox Works", "Twin 22", "WW-22-000417", "6.0.1")),
    ("StatusNotification", STATUS, StatusReported(ConnectorId(2), ConnectorStatus.OCCUPIED, AT)),
    (
        "StatusNotification",
        {**STATUS, "evseId": 0, "connectorId": 0, "connectorStatus": "Faulted"},
        StatusReported(None, ConnectorStatus.FAULTED, AT),
    ),
    ("Authorize", {"idToken": CARD}, TokenPresented("04A1B2C3")),
    (
        "TransactionEvent",
        transaction_event("Started", idToken=CARD, meterValue=[BEGIN], info={"remoteStartId": 77}),
        ChargingStarted(
            connector=ConnectorId(2),
            at=AT,
            token="04A1B2C3",
            meter_start_wh=120_400,
            ref=TX,
            remote_start_id=77,
            said_at=T,
            seq_no=4,
            status=CHARGING,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Started", meterValue=[BEGIN]),
        ChargingStarted(
            connector=ConnectorId(2),
            at=AT,
            token=None,
            meter_start_wh=120_400,
            ref=TX,
            said_at=T,
            seq_no=4,
            status=CHARGING,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Started", idToken=NOBODY),
        ChargingStarted(
            connector=ConnectorId(2),
            at=AT,
            token=None,
            meter_start_wh=None,
            ref=TX,
            said_at=T,
            seq_no=4,
            status=CHARGING,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Started", idToken=CARD, offline=True, evse={"id": 2}),
        ChargingStarted(
            connector=ConnectorId(2),
            at=AT,
            token="04A1B2C3",
            meter_start_wh=None,
            ref=TX,
            said_at=T,
            seq_no=4,
            status=CHARGING,
            is_offline=True,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Started", evse={"id": 2, "connectorId": 3}),
        ChargingStarted(
            connector=ConnectorId(2, 3),
            at=AT,
            token=None,
            meter_start_wh=None,
            ref=TX,
            said_at=T,
            seq_no=4,
            status=CHARGING,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Updated", "evse", meterValue=[MIDDLE]),
        ReadingsTaken(
            ref=TX, connector=None, readings=(Reading(at=AT, energy_wh=121_650),), at=AT, seq_no=4, status=CHARGING
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Updated", idToken=CARD, info={"remoteStartId": 77}),
        ReadingsTaken(
            ref=TX,
            connector=ConnectorId(2),
            readings=(),
            at=AT,
            token="04A1B2C3",
            remote_start_id=77,
            seq_no=4,
            status=CHARGING,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Ended", timestamp=LATER, meterValue=[END], info={"stoppedReason": "EVDisconnected"}),
        ChargingStopped(
            ref=TX, at=LATER_AT, meter_stop_wh=131_900, reason=StopReason.CAR_LEFT, token=None, connector=ConnectorId(2)
        ),
    ),
    (
        "TransactionEvent",
        transaction_event(
            "Ended", "evse", timestamp=LATER, idToken=CARD, meterValue=[BEGIN, MIDDLE, END], offline=True
        ),
        ChargingStopped(
            ref=TX,
            at=LATER_AT,
            meter_stop_wh=131_900,
            reason=StopReason.LOCAL,
            token="04A1B2C3",
            connector=None,
            readings=(
                Reading(at=AT, energy_wh=120_400),
                Reading(at=AT, energy_wh=121_650),
                Reading(at=LATER_AT, energy_wh=131_900),
            ),
            meter_start_wh=120_400,
        ),
    ),
    (
        "TransactionEvent",
        transaction_event("Ended", "evse"),
        ChargingStopped(ref=TX, at=AT, meter_stop_wh=None, reason=StopReason.LOCAL),
    ),
    (
        "MeterValues",
        {"evseId": 2, "meterValue": [MIDDLE]},
        ReadingsTaken(ref=None, connector=ConnectorId(2), readings=(Reading(at=AT, energy_wh=121_650),)),
    ),
    ("MeterValues", {"evseId": 0, "meterValue": [MIDDLE]}, MainMeterRead((Reading(at=AT, energy_wh=121_650),))),
]


def plain(event: ChargerEvent) -> ChargerEvent:
    """Without what only tells one message from another."""
    bookkeeping = {"said_at": "", "seq_no": None, "stop_word": ""}
    return replace(event, **{name: value for name, value in bookkeeping.items() if hasattr(event, name)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("action", "payload", "event"), EVENTS)
def test_a_real_stations_message_is_read_without_a_deviation(
    action: str, payload: dict[str, Any], event: ChargerEvent
) -> None:
    messages.get_validator(messages.MessageType.Call, action, "2.0.1").validate(payload)
    decoded = decode(action, payload)
    assert (plain(decoded.event), decoded.deviation) == (plain(event), None)


@pytest.mark.parametrize(
    ("action", "payload", "said"),
    [
        ("BootNotification", {**BOOT, "chargingStation": {**STATION, "serialNumber": "S" * 26}}, "serialNumber"),
        ("BootNotification", {**BOOT, "reason": "Bored"}, "reason"),
        ("BootNotification", {**BOOT, "colour": "red"}, "colour"),
        ("StatusNotification", {**STATUS, "connectorStatus": "Charging"}, "'Charging' is no such word"),
        ("StatusNotification", {**STATUS, "timestamp": "2026-11-21T08:00:00"}, "no zone"),
        ("TransactionEvent", transaction_event("Started", timestamp="noon"), "'noon' is no time"),
        ("TransactionEvent", transaction_event("Updated", "seqNo"), "seqNo"),
        ("TransactionEvent", transaction_event("Ended", info={"stoppedReason": "Tired"}), "'Tired' is no such word"),
        (
            "MeterValues",
            {"evseId": 2, "meterValue": [meter_value(T, 5, "Sample.Periodic", {"unit": "J"})]},
            "meterValue.0.sampledValue.0.value: is in a unit nobody knows",
        ),
    ],
)
def test_a_message_that_bends_the_standard_is_accepted_and_reported(
    action: str, payload: dict[str, Any], said: str
) -> None:
    assert said in (decode(action, payload).deviation or "")


def test_an_over_long_serial_is_kept_whole() -> None:
    event = decode("BootNotification", {**BOOT, "chargingStation": {**STATION, "serialNumber": "S" * 26}}).event
    assert isinstance(event, Booted)
    assert event.serial == "S" * 26


def test_every_deviation_of_a_message_is_reported_once() -> None:
    payload = transaction_event("Ended", timestamp="noon", info={"stoppedReason": "Tired"})
    told = (decode("TransactionEvent", payload).deviation or "").split("; ")
    assert len(told) == len(set(told))
    assert any("'Tired' is no such word" in deviation for deviation in told)
    assert any("'noon' is no time" in deviation for deviation in told)


@pytest.mark.parametrize(
    ("text", "message_id", "code"),
    [
        ("not json", "-1", "RpcFrameworkError"),
        ('"text"', "-1", "RpcFrameworkError"),
        ('[2,"m-1"]', "-1", "RpcFrameworkError"),
        ('[2,null,"Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ('[7,"m-1","Heartbeat",{}]', "m-1", "MessageTypeNotSupported"),
        ('[2,"m-1","Heartbeat",7]', "m-1", "FormatViolation"),
        ('[2,"m-1","FlyAway",{}]', "m-1", "NotImplemented"),
        ('[2,"m-1","StartTransaction",{}]', "m-1", "NotImplemented"),
        ('[2,"m-1","GetVariables",{}]', "m-1", "NotSupported"),
        ('[2,"m-1","BootNotification",{}]', "m-1", "OccurrenceConstraintViolation"),
        ('[2,"m-1","BootNotification",{"chargingStation":[]}]', "m-1", "TypeConstraintViolation"),
        ('[2,"m-1","Authorize",{"idToken":{"idToken":[7]}}]', "m-1", "TypeConstraintViolation"),
        ('[2,"m-1","Authorize",{"idToken":{"idToken":""}}]', "m-1", "PropertyConstraintViolation"),
        ('[2,"m-1","StatusNotification",{"connectorId":1}]', "m-1", "OccurrenceConstraintViolation"),
        ('[2,"m-1","StatusNotification",{"evseId":"two"}]', "m-1", "TypeConstraintViolation"),
    ],
)
def test_an_error_has_ocpp201s_code_and_the_messages_id(text: str, message_id: str, code: str) -> None:
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
        ("Authorize", TokenAnswer(AuthorizationStatus.UNKNOWN), {"idTokenInfo": {"status": "Unknown"}}),
        (
            "TransactionEvent",
            StartAnswer(ref=TX, standing=AuthorizationStatus.BLOCKED),
            {"idTokenInfo": {"status": "Blocked"}},
        ),
        ("TransactionEvent", StartAnswer(ref=TX), {}),
        ("TransactionEvent", Noted(), {}),
        (
            "TransactionEvent",
            Noted(standing=AuthorizationStatus.CONCURRENT_TX),
            {"idTokenInfo": {"status": "ConcurrentTx"}},
        ),
    ],
)
def test_a_reply_says_what_was_decided_as_the_schema_wants_it(
    action: str, answer: Answer, reply: dict[str, Any]
) -> None:
    assert DIALECT.reply(Call(message_id="m-1", action=action, payload={}), answer) == reply
    messages.get_validator(messages.MessageType.CallResult, action, "2.0.1").validate(reply)


def test_a_start_is_asked_for_at_the_evse_under_a_number_that_comes_back() -> None:
    action, payload = DIALECT.encode(StartCharging(ConnectorId(2, 3), "K" * 20, 77))
    assert action == "RequestStartTransaction"
    assert payload == {"evseId": 2, "remoteStartId": 77, "idToken": {"idToken": "K" * 20, "type": "Central"}}
    messages.get_validator(messages.MessageType.Call, action, "2.0.1").validate(payload)


def test_a_stop_is_asked_for_by_the_stations_own_name_of_the_transaction() -> None:
    action, payload = DIALECT.encode(StopCharging(TX))
    assert (action, payload) == ("RequestStopTransaction", {"transactionId": TX})
    messages.get_validator(messages.MessageType.Call, action, "2.0.1").validate(payload)


@pytest.mark.parametrize("attempt", [0, 1])
def test_a_station_names_its_transactions_itself(attempt: int) -> None:
    assert DIALECT.assign_ref("CP-1", ChargingStarted(connector=None, at=AT, ref=TX), attempt) == TX
    with pytest.raises(ValueError, match="itself"):
        DIALECT.assign_ref("CP-1", ChargingStarted(connector=None, at=AT), attempt)
