"""OCPP 2.0.1: EVSEs have connectors, chargers name their transactions, and one message tells all of them.

Use cases cited (E01, F02, ...) are those of "OCPP 2.0.1 Part 2 - Specification".
"""

from __future__ import annotations

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
    ChargerEvent,
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
from chalicelib.protocol.payload import Payload, Unusable

STATUSES = {
    "Available": ConnectorStatus.AVAILABLE,
    "Occupied": ConnectorStatus.OCCUPIED,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
}
REASONS = {
    "DeAuthorized": StopReason.NOT_AUTHORISED,
    "EmergencyStop": StopReason.FAULT,
    "EnergyLimitReached": StopReason.LIMIT_REACHED,
    "EVDisconnected": StopReason.CAR_LEFT,
    "GroundFault": StopReason.FAULT,
    "ImmediateReset": StopReason.REBOOT,
    "Local": StopReason.LOCAL,
    "LocalOutOfCredit": StopReason.LIMIT_REACHED,
    "MasterPass": StopReason.LOCAL,
    "Other": StopReason.OTHER,
    "OvercurrentFault": StopReason.FAULT,
    "PowerLoss": StopReason.POWER_LOSS,
    "PowerQuality": StopReason.FAULT,
    "Reboot": StopReason.REBOOT,
    "Remote": StopReason.REMOTE,
    "SOCLimitReached": StopReason.LIMIT_REACHED,
    "StoppedByEV": StopReason.CAR_FULL,
    "TimeLimitReached": StopReason.LIMIT_REACHED,
    "Timeout": StopReason.OTHER,
}
STANDINGS = {
    Standing.ACCEPTED: "Accepted",
    Standing.UNKNOWN: "Unknown",
    Standing.BLOCKED: "Blocked",
    Standing.EXPIRED: "Expired",
    Standing.BUSY: "ConcurrentTx",
}
_BEGIN, _END = "Transaction.Begin", "Transaction.End"


def _exponent(sample: Payload) -> int | None:
    unit = sample.optional_part("unitOfMeasure")
    if unit is None:
        return 0
    exponent = meter.exponent_by_name(unit.optional_text("unit"))
    return None if exponent is None else exponent + (unit.optional_integer("multiplier") or 0)


def _connector(payload: Payload, evse: str) -> ConnectorId | None:
    """EVSE 0 is the charging station as a whole; `evse` is what its number is called here."""
    number = payload.ordinal(evse)
    return ConnectorId(number, payload.ordinal("connectorId") or 1) if number else None


def _booted(payload: Payload) -> Booted:
    station = payload.part("chargingStation")
    return Booted(
        station.text("vendorName"),
        station.text("model"),
        station.optional_text("serialNumber"),
        station.optional_text("firmwareVersion"),
    )


def _status(payload: Payload) -> StatusReported:
    payload.integer("evseId")
    return StatusReported(
        _connector(payload, "evseId"),
        payload.word("connectorStatus", STATUSES, ConnectorStatus.UNKNOWN),
        payload.at(),
    )


def _meter_values(payload: Payload) -> ReadingsTaken:
    payload.integer("evseId")
    return ReadingsTaken(None, _connector(payload, "evseId"), meter.readings(payload, _exponent))


def _token(payload: Payload) -> str | None:
    token = payload.optional_part("idToken")
    # NoAuthorization comes with an empty token (C02): somebody started it without showing anything.
    return (token.optional_text("idToken") or None) if token else None


def _transaction_event(payload: Payload) -> ChargerEvent:
    kind = payload.text("eventType")
    info = payload.part("transactionInfo")
    ref = info.identifier("transactionId")
    evse = payload.optional_part("evse")
    connector = _connector(evse, "id") if evse else None
    offline = payload.data.get("offline") is True
    at = payload.at()
    match kind:
        case "Started":
            return ChargingStarted(
                connector,
                at,
                _token(payload),
                meter.register(payload, _exponent, _BEGIN, newest=False),
                ref,
                info.optional_integer("remoteStartId"),
                offline,
            )
        case "Updated":
            readings = meter.readings(payload, _exponent)
            return ReadingsTaken(ref, connector, readings, at, _token(payload), info.optional_integer("remoteStartId"))
        case "Ended":
            readings = meter.readings(payload, _exponent, (_END,))
            return ChargingStopped(
                ref,
                at,
                meter.register(payload, _exponent, _END, newest=True),
                # E06: a reason left out means the driver ended it at the charger.
                info.word("stoppedReason", REASONS, StopReason.LOCAL),
                _token(payload),
                connector,
                # One reading is the final one, which stands above; more are the transaction's own record.
                readings if len(readings) > 1 else (),
                offline,
            )
    raise Unusable("PropertyConstraintViolation", f"eventType: {kind[:50]!r} is no such word")


def _boot_reply(answer: BootAnswer) -> Fields:
    return {"status": "Accepted", "currentTime": timestamp(answer.at), "interval": answer.heartbeat_s}


def _token_info(answer: TokenAnswer | StartAnswer | Noted) -> Fields:
    status = standing_of(answer, STANDINGS)
    return {"idTokenInfo": {"status": status}} if status else {}


def _assign_ref(charger_id: str, event: ChargingStarted, attempt: int) -> str:
    if event.ref is None:
        raise ValueError("a 2.x charger names its transactions itself")
    return event.ref


def _request_start(command: StartCharging) -> Fields:
    return {
        "evseId": command.connector.evse,
        "remoteStartId": command.remote_start_id,
        "idToken": {"idToken": command.token, "type": "Central"},
    }


def _request_stop(command: StopCharging) -> Fields:
    return {"transactionId": command.ref}


DIALECT = Dialect(
    subprotocol="ocpp2.0.1",
    schemas="v201",
    request="{action}Request",
    decoders={
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status,
        "Authorize": lambda payload: TokenPresented(payload.part("idToken").identifier("idToken")),
        "TransactionEvent": _transaction_event,
        "MeterValues": _meter_values,
    },
    repliers={
        "BootNotification": _boot_reply,
        "Heartbeat": lambda answer: {"currentTime": timestamp(answer.at)} if isinstance(answer, TimeAnswer) else {},
        "Authorize": _token_info,
        "TransactionEvent": _token_info,
    },
    encoders={
        StartCharging: ("RequestStartTransaction", _request_start),
        StopCharging: ("RequestStopTransaction", _request_stop),
    },
    spelling={},
    assign_ref=_assign_ref,
)
