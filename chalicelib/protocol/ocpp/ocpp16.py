"""OCPP 1.6J: connectors are numbers, and the backend names transactions with integers.

Sections cited are those of "Open Charge Point Protocol 1.6" edition 2; A01 and the like are use cases of "Improved
security for OCPP 1.6-J" edition 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.chargers.answers import Noted, StartAnswer, TokenAnswer
from chalicelib.domain.chargers.events import (
    Booted,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    HeartbeatReceived,
    MainMeterRead,
    Need,
    NewsReceived,
    ReadingsTaken,
    Requested,
    StatusReported,
    StopReason,
    TokenPresented,
    Topic,
)
from chalicelib.domain.drivers.emaid import as_shown_elsewhere
from chalicelib.protocol.ocpp import meter
from chalicelib.protocol.ocpp.alike import boot_reply, grants, time_reply, when
from chalicelib.protocol.ocpp.commands16 import ENCODERS, STANDINGS
from chalicelib.protocol.ocpp.contracts16 import transfer, transfer_reply
from chalicelib.protocol.ocpp.dialect import Decoder, Dialect, Fields, present, standing_of
from chalicelib.protocol.ocpp.payload import Payload, Unusable

_STATUSES = {
    "Available": ConnectorStatus.AVAILABLE,
    "Preparing": ConnectorStatus.PREPARING,
    "Charging": ConnectorStatus.CHARGING,
    "SuspendedEV": ConnectorStatus.SUSPENDED_BY_CAR,
    "SuspendedEVSE": ConnectorStatus.SUSPENDED_BY_CHARGER,
    "Finishing": ConnectorStatus.FINISHING,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
    # OCPP 1.5's word, which some 1.6 firmwares kept.
    "Occupied": ConnectorStatus.OCCUPIED,
}
_REASONS = {
    "DeAuthorized": StopReason.NOT_AUTHORISED,
    "EmergencyStop": StopReason.FAULT,
    "EVDisconnected": StopReason.CAR_LEFT,
    "HardReset": StopReason.REBOOT,
    "Local": StopReason.LOCAL,
    "Other": StopReason.OTHER,
    "PowerLoss": StopReason.POWER_LOSS,
    "Reboot": StopReason.REBOOT,
    "Remote": StopReason.REMOTE,
    "SoftReset": StopReason.REBOOT,
    "UnlockCommand": StopReason.REMOTE,
}
_NO_ERROR = ("NoError", None)
# What firmwares fill an empty number with; ours have 31 bits.
_PLACEHOLDERS = (2**31 - 1, 2**32 - 1)


def _unit(sample: meter.Sample, told: meter.MeterValues) -> tuple[str | None, int]:
    unit = sample.get("unit")
    return (unit if unit is None or unit.__class__ is str else told.payload_of(sample).optional_text("unit")), 0


def _connector(payload: Payload) -> ConnectorId | None:
    """Connector 0 is the charger as a whole (§9.12)."""
    number = payload.ordinal("connectorId")
    return ConnectorId(number) if number else None


def _register(payload: Payload, name: str) -> int | None:
    """A register that cannot be believed is none, and costs nobody the transaction."""
    register_wh = meter.whole(payload.data.get(name))
    if register_wh is None:
        payload.note(name, "is no meter reading")
    return register_wh


def _booted(payload: Payload) -> Booted:
    vendor, model = payload.optional_text("chargePointVendor"), payload.optional_text("chargePointModel")
    if vendor is None and model is None:
        raise Unusable("OccurrenceConstraintViolation", "chargePointVendor and chargePointModel are missing")
    return Booted(
        vendor or "",
        model or "",
        payload.optional_text("chargePointSerialNumber") or payload.optional_text("chargeBoxSerialNumber"),
        payload.optional_text("firmwareVersion"),
    )


def _status(payload: Payload) -> StatusReported:
    error = payload.optional_text("errorCode")
    payload.integer("connectorId")
    return StatusReported(
        _connector(payload),
        payload.word("status", _STATUSES, ConnectorStatus.UNKNOWN),
        payload.at() if "timestamp" in payload.data else None,
        "" if error in _NO_ERROR else str(error)[:100],
    )


def _shown(payload: Payload) -> str | None:
    """An idTag does not say what it is: it is never taken for a contract's by its own word."""
    shown = payload.optional_token("idTag")
    return as_shown_elsewhere(shown) or None if shown else None


def _started(payload: Payload) -> ChargingStarted:
    return ChargingStarted(
        connector=_connector(payload),
        at=payload.when(),
        # An empty idTag is how some say that nobody showed a token.
        token=_shown(payload),
        meter_start_wh=_register(payload, "meterStart"),
        said_at=payload.said(),
    )


def _ref(payload: Payload) -> str | None:
    """The number we gave the transaction. Those below 1, and the largest, are of chargers that never heard it."""
    number = payload.optional_integer("transactionId")
    if number is not None and number > 0 and number not in _PLACEHOLDERS:
        return str(number)
    if "transactionId" in payload.data:
        payload.note("transactionId", "is no number of ours; found the transaction by what else is known")
    return None


def _readings(payload: Payload) -> ReadingsTaken | MainMeterRead:
    ref = _ref(payload)
    told = meter.MeterValues(payload, _unit)
    connector = _connector(payload)
    if ref is None and connector is None and payload.optional_integer("connectorId") is not None:
        # §3.14.1: the values of connector 0 are those of the main energy meter.
        return MainMeterRead(told.record())
    return ReadingsTaken(
        ref=ref,
        connector=connector,
        readings=told.readings(),
        is_nameless=ref is None and payload.data.get("transactionId") is not None,
        begun=told.begun,
        signed=told.signed,
    )


def _stopped(payload: Payload) -> ChargingStopped:
    meter_stop_wh = _register(payload, "meterStop")
    told = meter.MeterValues(payload, _unit, "transactionData")
    if meter_stop_wh is None:
        meter_stop_wh = told.register(meter.END, newest=True)
    return ChargingStopped(
        ref=_ref(payload),
        at=payload.when(),
        meter_stop_wh=meter_stop_wh,
        # §7.36: a reason left out means the driver ended it at the charger.
        reason=payload.word("reason", _REASONS, StopReason.LOCAL),
        token=_shown(payload),
        readings=told.record(),
        meter_start_wh=told.marked(meter.BEGIN),
        said_at=payload.said(),
        signed=told.signed,
        stop_word=(payload.optional_text("reason") or "")[:50],
    )


def _news(topic: Topic, field: str = "status") -> Decoder:
    return lambda payload: NewsReceived(topic, payload.text(field)[:100])


def _token_info(answer: TokenAnswer | StartAnswer | Noted, _: Mapping[str, Any]) -> Fields:
    status = standing_of(answer, STANDINGS)
    if status is None:
        return {}
    return {"idTagInfo": present(status=status, parentIdTag=answer.group or None, expiryDate=when(answer.expires_at))}


def _start_reply(answer: StartAnswer, asked: Mapping[str, Any]) -> Fields:
    return {"transactionId": int(answer.ref), "idTagInfo": {"status": "Invalid"}, **_token_info(answer, asked)}


def _assign_ref(charger_id: str, event: ChargingStarted, attempt: int) -> str:
    """A positive 31-bit number that the same StartTransaction always gets; `attempt` asks for another one."""
    at = event.at.isoformat() if event.at else event.said_at
    facts = (charger_id, event.connector, event.token, at, event.meter_start_wh, attempt)
    digest = hashlib.sha256("\x1f".join(map(str, facts)).encode()).digest()
    number = int.from_bytes(digest[:4], "big") >> 1 or 1
    return str(1 if number in _PLACEHOLDERS else number)


DIALECT = Dialect(
    subprotocol="ocpp1.6",
    schemas="v16",
    request="",
    decoders={
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status,
        "Authorize": lambda payload: TokenPresented(as_shown_elsewhere(payload.token("idTag"))),
        "StartTransaction": _started,
        "MeterValues": _readings,
        "StopTransaction": _stopped,
        "DataTransfer": transfer,
        "DiagnosticsStatusNotification": _news(Topic.LOG),
        "FirmwareStatusNotification": _news(Topic.FIRMWARE),
        "LogStatusNotification": _news(Topic.LOG),
        "SecurityEventNotification": _news(Topic.SECURITY, "type"),
        "SignCertificate": lambda payload: Requested(Need.CHARGER_CERTIFICATE, payload.long_text("csr")),
        "SignedFirmwareStatusNotification": _news(Topic.FIRMWARE),
    },
    repliers={
        "BootNotification": boot_reply,
        "Heartbeat": time_reply,
        "Authorize": _token_info,
        "StartTransaction": _start_reply,
        "StopTransaction": _token_info,
        "DataTransfer": transfer_reply,
        "SignCertificate": grants("Accepted", "Rejected"),
    },
    encoders=ENCODERS,
    # OCPP-J 1.6 §4.2.3, its spelling included.
    spelling={
        "FormatViolation": "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
        "RpcFrameworkError": "FormationViolation",
        "MessageTypeNotSupported": "ProtocolError",
    },
    assign_ref=_assign_ref,
)
