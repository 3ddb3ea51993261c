"""Both versions tell the same story: payloads become the same events, and answers are valid by the schemas."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp import messages

from chalicelib.domain.chargers.answers import Answer, BootAnswer, Noted, StartAnswer, TimeAnswer, TokenAnswer
from chalicelib.domain.chargers.commands import AuthorizationStatus, Command, StartCharging, StopCharging, Verdict
from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    HeartbeatReceived,
    Reading,
    ReadingsTaken,
    StatusReported,
    StopReason,
    TokenPresented,
)
from chalicelib.protocol.ocpp import choose, dialect_for
from chalicelib.protocol.ocpp.frames import Call, CallError, ProtocolError

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
T = "2026-11-21T08:00:00Z"
AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
V16, V201 = "ocpp1.6", "ocpp2.0.1"
REGISTER = "Energy.Active.Import.Register"


def sample(value: Any, **more: Any) -> dict[str, Any]:
    return {"timestamp": T, "sampledValue": [{"value": value, **more}]}


def event201(kind: str, *, info: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": T,
        "triggerReason": "Authorized",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "tx", **(info or {})},
        **more,
    }


CASES: list[tuple[str, str, dict[str, Any], ChargerEvent]] = [
    (
        V16,
        "BootNotification",
        {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S", "firmwareVersion": "1"},
        Booted("V", "M", "S", "1"),
    ),
    (V16, "Heartbeat", {}, HeartbeatReceived()),
    (
        V16,
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "SuspendedEVSE", "timestamp": T},
        StatusReported(ConnectorId(1), ConnectorStatus.SUSPENDED_BY_CHARGER, AT),
    ),
    (
        V16,
        "StatusNotification",
        {"connectorId": 0, "errorCode": "GroundFailure", "status": "Faulted"},
        StatusReported(None, ConnectorStatus.FAULTED, None, "GroundFailure"),
    ),
    (V16, "Authorize", {"idTag": "04A1"}, TokenPresented("04A1")),
    (
        V16,
        "StartTransaction",
        {"connectorId": 2, "idTag": "04A1", "meterStart": 100, "timestamp": T},
        ChargingStarted(connector=ConnectorId(2), at=AT, token="04A1", meter_start_wh=100),
    ),
    (
        V16,
        "MeterValues",
        {"connectorId": 1, "transactionId": 7, "meterValue": [sample("1.5", unit="kWh")]},
        ReadingsTaken(ref="7", connector=ConnectorId(1), readings=(Reading(at=AT, energy_wh=1500),)),
    ),
    (
        V16,
        "MeterValues",
        {"connectorId": 1, "meterValue": [sample("1500")]},
        ReadingsTaken(ref=None, connector=ConnectorId(1), readings=(Reading(at=AT, energy_wh=1500),)),
    ),
    (
        V16,
        "StopTransaction",
        {"transactionId": 5, "meterStop": 900, "timestamp": T},
        ChargingStopped(ref="5", at=AT, meter_stop_wh=900, reason=StopReason.LOCAL),
    ),
    (
        V16,
        "StopTransaction",
        {
            "transactionId": 7,
            "idTag": "04A1",
            "meterStop": 900,
            "timestamp": T,
            "reason": "EVDisconnected",
            "transactionData": [sample("850")],
        },
        ChargingStopped(
            ref="7",
            at=AT,
            meter_stop_wh=900,
            reason=StopReason.CAR_LEFT,
            token="04A1",
            connector=None,
            readings=(Reading(at=AT, energy_wh=850),),
        ),
    ),
    (
        V201,
        "BootNotification",
        {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
        Booted("V", "M"),
    ),
    (V201, "Heartbeat", {}, HeartbeatReceived()),
    (
        V201,
        "StatusNotification",
        {"timestamp": T, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 3},
        StatusReported(ConnectorId(2, 3), ConnectorStatus.OCCUPIED, AT),
    ),
    (V201, "Authorize", {"idToken": {"idToken": "04A1", "type": "ISO14443"}}, TokenPresented("04A1")),
    (
        V201,
        "TransactionEvent",
        event201(
            "Started",
            info={"remoteStartId": 9},
            evse={"id": 1},
            idToken={"idToken": "04A1", "type": "Central"},
            meterValue=[sample(1.5, unitOfMeasure={"unit": "kWh"}, context="Transaction.Begin")],
        ),
        ChargingStarted(
            connector=ConnectorId(1), at=AT, token="04A1", meter_start_wh=1500, ref="tx", remote_start_id=9
        ),
    ),
    (
        V201,
        "TransactionEvent",
        event201("Started", idToken={"idToken": "", "type": "NoAuthorization"}, offline=True),
        ChargingStarted(connector=None, at=AT, token=None, meter_start_wh=None, ref="tx", is_offline=True),
    ),
    (
        V201,
        "TransactionEvent",
        event201("Updated", evse={"id": 1, "connectorId": 2}, meterValue=[sample(15, unitOfMeasure={"multiplier": 2})]),
        ReadingsTaken(ref="tx", connector=ConnectorId(1, 2), readings=(Reading(at=AT, energy_wh=1500),), at=AT),
    ),
    (
        V201,
        "TransactionEvent",
        event201("Ended", info={"stoppedReason": "StoppedByEV"}, meterValue=[sample(900)]),
        ChargingStopped(ref="tx", at=AT, meter_stop_wh=900, reason=StopReason.CAR_FULL),
    ),
    (
        V201,
        "MeterValues",
        {"evseId": 1, "meterValue": [sample(5)]},
        ReadingsTaken(ref=None, connector=ConnectorId(1), readings=(Reading(at=AT, energy_wh=5),)),
    ),
]


def plain(event: ChargerEvent) -> ChargerEvent:
    """Without what only tells one message from another."""
    bookkeeping = {"said_at": "", "seq_no": None, "stop_word": ""}
    return replace(event, **{name: value for name, value in bookkeeping.items() if hasattr(event, name)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("version", "action", "payload", "event"), CASES)
def test_what_a_charger_says_becomes_one_event(
    version: str, action: str, payload: dict[str, Any], event: ChargerEvent
) -> None:
    decoded = dialect_for(version).decode(Call(message_id="1", action=action, payload=payload), NOW)
    assert plain(decoded.event) == event
    assert decoded.deviation is None


def validate(version: str, message: Any) -> None:
    asyncio.run(messages.validate_payload(message, version.removeprefix("ocpp")))


ANSWERS: list[tuple[str, str, Answer]] = [
    *((version, "BootNotification", BootAnswer(NOW, 300)) for version in (V16, V201)),
    *((version, "Heartbeat", TimeAnswer(NOW)) for version in (V16, V201)),
    *((version, "StatusNotification", Noted()) for version in (V16, V201)),
    *((version, "MeterValues", Noted()) for version in (V16, V201)),
    *((version, "Authorize", TokenAnswer(standing)) for version in (V16, V201) for standing in AuthorizationStatus),
    *((V16, "StartTransaction", StartAnswer(ref="7", standing=standing)) for standing in AuthorizationStatus),
    (V16, "StopTransaction", Noted()),
    (V16, "StopTransaction", Noted(standing=AuthorizationStatus.ACCEPTED)),
    *(
        (V201, "TransactionEvent", StartAnswer(ref="tx", standing=standing))
        for standing in (None, *AuthorizationStatus)
    ),
    (V201, "TransactionEvent", Noted()),
    (V201, "TransactionEvent", Noted(standing=AuthorizationStatus.ACCEPTED)),
]


@pytest.mark.parametrize(("version", "action", "answer"), ANSWERS)
def test_every_answer_is_valid_by_the_standard(version: str, action: str, answer: Answer) -> None:
    payload = dialect_for(version).reply(Call(message_id="1", action=action, payload={}), answer)
    validate(version, messages.CallResult("1", payload, action))


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize("command", [StartCharging(ConnectorId(1), "K" * 20, 2**31 - 1), StopCharging("77")])
def test_every_command_is_valid_by_the_standard(version: str, command: Command) -> None:
    action, payload = dialect_for(version).encode(command)
    validate(version, messages.Call("1", action, payload))


@pytest.mark.parametrize(
    ("version", "action", "payload", "code"),
    [
        (V16, "DoTheTwist", {}, "NotImplemented"),
        (V16, "../../etc/passwd", {}, "NotImplemented"),
        (V16, "Reset", {"type": "Hard"}, "NotSupported"),
        (V201, "GetVariables", {}, "NotSupported"),
        (V16, "BootNotification", {}, "OccurrenceConstraintViolation"),
        (V16, "Authorize", {"idTag": [7]}, "TypeConstraintViolation"),
        (V16, "SecurityEventNotification", {"timestamp": T}, "OccurrenceConstraintViolation"),
        (V201, "TransactionEvent", {**event201("Started"), "transactionInfo": 1}, "TypeConstraintViolation"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(
    version: str, action: str, payload: dict[str, Any], code: str
) -> None:
    with pytest.raises(ProtocolError) as refused:
        dialect_for(version).decode(Call(message_id="m", action=action, payload=payload), NOW)
    assert (refused.value.code, refused.value.message_id) == (code, "m")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"chargePointVendor": "V", "chargePointModel": "M" * 50}, "chargePointModel"),
        ({"chargePointVendor": "V", "chargePointModel": "M", "colour": "red"}, "colour"),
    ],
)
def test_what_bends_the_standard_is_understood_and_noted(payload: dict[str, Any], said: str) -> None:
    decoded = dialect_for(V16).decode(Call(message_id="1", action="BootNotification", payload=payload), NOW)
    assert isinstance(decoded.event, Booted)
    assert said in (decoded.deviation or "")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-21T08:00:00.1234567Z", AT + timedelta(microseconds=123456)),
        ("2026-11-21 08:00:00", AT),
        ("2026-11-21T10:00:00+02:00", AT),
        ("yesterday", NOW),
        (None, NOW),
        (1795228800, NOW),
    ],
)
def test_times_are_read_however_they_are_written(text: Any, at: datetime) -> None:
    payload = {"connectorId": 1, "idTag": "x", "meterStart": 0, "timestamp": text}
    event = dialect_for(V16).decode(Call(message_id="1", action="StartTransaction", payload=payload), NOW).event
    assert isinstance(event, ChargingStarted)
    assert (event.at or NOW) == at


def test_a_repeated_start_gets_the_same_number_and_another_attempt_another() -> None:
    dialect = dialect_for(V16)
    event = ChargingStarted(connector=ConnectorId(1), at=AT, token="04A1", meter_start_wh=100)
    number = dialect.assign_ref("CP-1", event, 0)
    assert number == dialect.assign_ref("CP-1", event, 0)
    assert len({number, dialect.assign_ref("CP-1", event, 1), dialect.assign_ref("CP-2", event, 0)}) == 3
    assert 0 < int(number) < 2**31


@pytest.mark.parametrize(
    ("version", "payload", "verdict", "ref"),
    [
        (V16, {"status": "Accepted"}, Verdict.ACCEPTED, None),
        (V16, {"status": "Rejected"}, Verdict.REJECTED, None),
        (V16, {}, Verdict.FAILED, None),
        (V16, {"status": ["what"]}, Verdict.FAILED, None),
        (V201, {"status": "Accepted", "transactionId": "tx"}, Verdict.ACCEPTED, "tx"),
    ],
)
def test_a_chargers_answer_becomes_a_verdict(
    version: str, payload: dict[str, Any], verdict: Verdict, ref: str | None
) -> None:
    result = dialect_for(version).read_result("RemoteStartTransaction", payload)
    assert (result.verdict, result.ref) == (verdict, ref)
    assert dialect_for(version).read_error(CallError("1", "GenericError", "no")).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("offers", "agreed"),
    [
        ([], None),
        (["ocpp1.5"], None),
        (["ocpp1.6", "ocpp2.0.1"], V201),
        ([" OCPP1.6 "], "OCPP1.6"),
        (["ocpp2.0.1", "ocpp1.6"], V201),
        (["ocpp1.5", "ocpp1.6", "ocpp2.2"], V16),
        (["ocpp1.6", "ocpp2.0.1", "ocpp2.1"], "ocpp2.1"),
        (["ocpp1.6", " OCPP2.0.1"], "OCPP2.0.1"),
        (["", " ", "ocpp", "ocpp2.0"], None),
        (["ocpp1.6J"], "ocpp1.6J"),
        (["ocpp1.6j", "ocpp1.6"], "ocpp1.6j"),
        (["OCPP16", "ocpp1.5"], "OCPP16"),
        (["ocpp-1.6-json"], "ocpp-1.6-json"),
        (["ocppv1.6"], "ocppv1.6"),
        (["1.6"], "1.6"),
        (["ocpp1.6.0", "ocpp2.0.1-json"], "ocpp2.0.1-json"),
        (["ocpp1.6s", "ocpp1.6soap", "ocpp16x", "xocpp1.6"], None),
    ],
)
def test_the_newest_common_version_is_chosen_and_spelled_as_offered(offers: list[str], agreed: str | None) -> None:
    assert choose(offers) == agreed
    assert agreed is None or dialect_for(agreed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CASES), st.data())
def test_no_mutation_of_a_payload_breaks_more_than_its_message(
    case: tuple[str, str, dict[str, Any], ChargerEvent], data: st.DataObject
) -> None:
    version, action, payload, _ = case
    mutated = dict(payload)
    for name in data.draw(st.lists(st.sampled_from([*payload, "x"]), max_size=3)):
        mutated[name] = data.draw(JSON)
    for name in data.draw(st.lists(st.sampled_from([*payload, "x"]), max_size=2)):
        mutated.pop(name, None)
    try:
        decoded = dialect_for(version).decode(Call(message_id="1", action=action, payload=mutated), NOW)
    except ProtocolError as error:
        assert error.description
    else:
        assert decoded.event is not None
