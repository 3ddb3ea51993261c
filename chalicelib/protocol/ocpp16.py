"""OCPP 1.6J: connectors are numbers, and the backend names transactions with integers.

Sections cited are those of "Open Charge Point Protocol 1.6" edition 2.
"""

from __future__ import annotations

import hashlib

from chalicelib.domain.commands import (
    BootAnswer,
    Noted,
    Standing,
    StartAnswer,
    StartCharging,
    StopCharging,
    TimeAnswer,
    TokenAnswer,
)
from chalicelib.domain.events import (
    Booted,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    HeartbeatReceived,
    ReadingsTaken,
    StatusReported,
    StopReason,
    TokenPresented,
)
from chalicelib.protocol import meter
from chalicelib.protocol.dialect import Dialect, Fields, standing_of, timestamp
from chalicelib.protocol.payload import Payload

_STATUSES = {
    "Available": ConnectorStatus.AVAILABLE,
    "Preparing": ConnectorStatus.PREPARING,
    "Charging": ConnectorStatus.CHARGING,
    "SuspendedEV": ConnectorStatus.SUSPENDED,
    "SuspendedEVSE": ConnectorStatus.SUSPENDED,
    "Finishing": ConnectorStatus.FINISHING,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
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
_STANDINGS = {
    Standing.ACCEPTED: "Accepted",
    Standing.UNKNOWN: "Invalid",
    Standing.BLOCKED: "Blocked",
    Standing.EXPIRED: "Expired",
    Standing.BUSY: "ConcurrentTx",
}
_NO_ERROR = ("NoError", None)


def _exponent(sample: Payload) -> int | None:
    return meter.exponent_by_name(sample.optional_text("unit"))


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
    return Booted(
        payload.text("chargePointVendor"),
        payload.text("chargePointModel"),
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


def _started(payload: Payload) -> ChargingStarted:
    payload.integer("connectorId")
    payload.needed("meterStart")
    return ChargingStarted(
        _connector(payload),
        payload.at(),
        # An empty idTag is how some say that nobody showed a card.
        payload.text("idTag") or None,
        _register(payload, "meterStart"),
    )


def _readings(payload: Payload) -> ReadingsTaken:
    transaction_id = payload.optional_integer("transactionId")
    if transaction_id is None:
        # With neither, nobody knows whose readings these are.
        payload.integer("connectorId")
    return ReadingsTaken(
        None if transaction_id is None else str(transaction_id),
        _connector(payload),
        meter.readings(payload, _exponent),
    )


def _stopped(payload: Payload) -> ChargingStopped:
    transaction_id = payload.integer("transactionId")
    meter_stop_wh = _register(payload, "meterStop")
    if meter_stop_wh is None:
        meter_stop_wh = meter.register(payload, _exponent, "Transaction.End", newest=True, field="transactionData")
    return ChargingStopped(
        ref=str(transaction_id),
        at=payload.at(),
        meter_stop_wh=meter_stop_wh,
        # §7.36: a reason left out means the driver ended it at the charger.
        reason=payload.word("reason", _REASONS, StopReason.LOCAL),
        token=payload.optional_text("idTag"),
        readings=meter.readings(payload, _exponent, field="transactionData"),
    )


def _boot_reply(answer: BootAnswer) -> Fields:
    return {"status": "Accepted", "currentTime": timestamp(answer.at), "interval": answer.heartbeat_s}


def _token_info(answer: TokenAnswer | StartAnswer | Noted) -> Fields:
    status = standing_of(answer, _STANDINGS)
    return {"idTagInfo": {"status": status}} if status else {}


def _start_reply(answer: StartAnswer) -> Fields:
    return {"transactionId": int(answer.ref), "idTagInfo": {"status": "Invalid"}, **_token_info(answer)}


def _assign_ref(charger_id: str, event: ChargingStarted, attempt: int) -> str:
    """A positive 31-bit number that the same StartTransaction always gets; `attempt` asks for another one."""
    facts = (charger_id, event.connector, event.token, event.at.isoformat(), event.meter_start_wh, attempt)
    digest = hashlib.sha256("\x1f".join(map(str, facts)).encode()).digest()
    return str(int.from_bytes(digest[:4], "big") >> 1 or 1)


def _remote_start(command: StartCharging) -> Fields:
    return {"connectorId": command.connector.evse, "idTag": command.token}


def _remote_stop(command: StopCharging) -> Fields:
    return {"transactionId": int(command.ref)}


DIALECT = Dialect(
    subprotocol="ocpp1.6",
    schemas="v16",
    request="{action}",
    decoders={
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status,
        "Authorize": lambda payload: TokenPresented(payload.identifier("idTag")),
        "StartTransaction": _started,
        "MeterValues": _readings,
        "StopTransaction": _stopped,
    },
    repliers={
        "BootNotification": _boot_reply,
        "Heartbeat": lambda answer: {"currentTime": timestamp(answer.at)} if isinstance(answer, TimeAnswer) else {},
        "Authorize": _token_info,
        "StartTransaction": _start_reply,
        "StopTransaction": _token_info,
    },
    encoders={
        StartCharging: ("RemoteStartTransaction", _remote_start),
        StopCharging: ("RemoteStopTransaction", _remote_stop),
    },
    # OCPP-J 1.6 §4.2.3, its spelling included.
    spelling={
        "FormatViolation": "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
        "RpcFrameworkError": "FormationViolation",
        "MessageTypeNotSupported": "ProtocolError",
    },
    assign_ref=_assign_ref,
)
