"""OCPP 2.0.1: EVSEs have connectors, chargers name their transactions, and one message tells all of them.

Use cases cited (E01, F02, ...) are those of "OCPP 2.0.1 Part 2 - Specification".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.chargers.events import (
    Booted,
    ChargerEvent,
    ChargingStarted,
    ChargingStopped,
    ConnectorId,
    ConnectorStatus,
    HeartbeatReceived,
    MainMeterRead,
    Need,
    ReadingsTaken,
    ReportKind,
    Requested,
    ReservationReported,
    StatusReported,
    StopReason,
    TokenPresented,
    Topic,
)
from chalicelib.domain.charging.terminal import terminal_token
from chalicelib.domain.drivers.emaid import as_shown_elsewhere, contract_token
from chalicelib.protocol.ocpp import meter
from chalicelib.protocol.ocpp.commands201 import ENCODERS
from chalicelib.protocol.ocpp.contracts201 import contract_asked, contract_shown, status_asked
from chalicelib.protocol.ocpp.dialect import Dialect
from chalicelib.protocol.ocpp.needs201 import charging_needs, charging_plan
from chalicelib.protocol.ocpp.notices201 import event_news, news, report, requested
from chalicelib.protocol.ocpp.payload import Payload, Unusable
from chalicelib.protocol.ocpp.replies201 import REPLIERS, assign_ref, is_nobodys

STATUSES = {
    "Available": ConnectorStatus.AVAILABLE,
    "Occupied": ConnectorStatus.OCCUPIED,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
}
# What a transaction's charging state says of its connector; of "Idle" the connector itself tells.
CHARGING_STATES = {
    "Charging": ConnectorStatus.CHARGING,
    "EVConnected": ConnectorStatus.PREPARING,
    "SuspendedEV": ConnectorStatus.SUSPENDED_BY_CAR,
    "SuspendedEVSE": ConnectorStatus.SUSPENDED_BY_CHARGER,
    "Idle": None,
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
    # Only 2.1 has this one.
    "ReqEnergyTransferRejected": StopReason.OTHER,
}


def _unit(sample: meter.Sample, told: meter.MeterValues) -> tuple[str | None, int]:
    said = sample.get("unitOfMeasure")
    if not isinstance(said, dict):
        return None, 0
    unit, multiplier = said.get("unit"), said.get("multiplier")
    if (unit is None or isinstance(unit, str)) and not multiplier:
        return unit, 0
    part = told.payload_of(sample).part("unitOfMeasure")
    return part.optional_text("unit"), part.optional_integer("multiplier") or 0


def _connector(payload: Payload, evse: str) -> ConnectorId | None:
    """EVSE 0 is the charging station as a whole; `evse` is what its number is called here."""
    number = payload.ordinal(evse)
    return ConnectorId(number, payload.ordinal("connectorId") or 1) if number else None


def _booted(payload: Payload) -> Booted:
    station = payload.part("chargingStation")
    vendor, model = station.optional_text("vendorName"), station.optional_text("model")
    if vendor is None and model is None:
        description = "chargingStation.vendorName and chargingStation.model are missing"
        raise Unusable("OccurrenceConstraintViolation", description)
    return Booted(
        vendor or "",
        model or "",
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


def _meter_values(payload: Payload) -> ReadingsTaken | MainMeterRead:
    told = meter.MeterValues(payload, _unit)
    connector = _connector(payload, "evseId")
    if connector is None and payload.optional_integer("evseId") is not None:
        # J01: EVSE 0 has the main power meter.
        return MainMeterRead(told.record())
    return ReadingsTaken(ref=None, connector=connector, readings=told.readings(), begun=told.begun, signed=told.signed)


def _token(payload: Payload) -> str | None:
    token = payload.optional_part("idToken")
    # NoAuthorization comes with an empty token, or with any: somebody started it without showing anything (C02).
    if token is None or is_nobodys(token.data):
        return None
    return _named(token.data, token.optional_token("idToken"))


def _named(token: Mapping[str, Any], uid: str | None) -> str | None:
    """A payment at a card terminal is no card of anybody's, whatever it is called (2.1 idToken type DirectPayment).

    Nor is an eMAID, and nothing but one is a contract's.
    """
    if not uid:
        return uid
    kind = token.get("type")
    if kind == "eMAID":
        return contract_token(uid)
    return terminal_token(uid) if kind == "DirectPayment" else as_shown_elsewhere(uid)


def _presented(payload: Payload) -> TokenPresented:
    token = payload.part("idToken")
    shown = "" if is_nobodys(token.data) else token.token("idToken")
    return TokenPresented(_named(token.data, shown) or "", contract_shown(payload))


def _transaction_event(payload: Payload) -> ChargerEvent:
    info = payload.part("transactionInfo")
    ref = info.identifier("transactionId")
    kind = payload.optional_text("eventType")
    if kind == "Started":
        return _began(payload, info, ref)
    if kind == "Ended":
        return _ended(payload, info, ref)
    if kind != "Updated":
        payload.note("eventType", f"{str(kind)[:50]!r} is no such word; took it for Updated")
    # With readings that are due some repeat the state each time; whatever else makes them speak may have changed it.
    changed = payload.data.get("triggerReason") not in ("MeterValuePeriodic", "MeterValueClock")
    told = meter.MeterValues(payload, _unit)
    return ReadingsTaken(
        ref=ref,
        connector=_where(payload),
        readings=told.readings(),
        at=payload.at(),
        token=_token(payload),
        remote_start_id=info.optional_integer("remoteStartId"),
        seq_no=payload.optional_integer("seqNo"),
        status=info.word("chargingState", CHARGING_STATES, None) if changed else None,
        begun=told.begun,
        signed=told.signed,
        is_offline=_is_offline(payload),
    )


def _began(payload: Payload, info: Payload, ref: str) -> ChargingStarted:
    told = meter.MeterValues(payload, _unit)
    return ChargingStarted(
        connector=_where(payload),
        at=payload.when(),
        token=_token(payload),
        meter_start_wh=told.register(meter.BEGIN, newest=False),
        ref=ref,
        remote_start_id=info.optional_integer("remoteStartId"),
        said_at=payload.said(),
        seq_no=payload.optional_integer("seqNo"),
        status=info.word("chargingState", CHARGING_STATES, None),
        signed=told.signed,
        is_offline=_is_offline(payload),
    )


def _is_offline(payload: Payload) -> bool:
    """Whether it happened while the station had no connection (E04, E12)."""
    return payload.data.get("offline") is True


def _ended(payload: Payload, info: Payload, ref: str) -> ChargingStopped:
    told = meter.MeterValues(payload, _unit)
    readings = told.record()
    return ChargingStopped(
        ref=ref,
        at=payload.when(),
        meter_stop_wh=told.register(meter.END, newest=True),
        # E06: a reason left out means the driver ended it at the charger.
        reason=info.word("stoppedReason", REASONS, StopReason.LOCAL),
        token=_token(payload),
        connector=_where(payload),
        # One reading is the final one, which stands above; more are the transaction's own record.
        readings=readings if len(readings) > 1 else (),
        meter_start_wh=told.marked(meter.BEGIN),
        said_at=payload.said(),
        seq_no=payload.optional_integer("seqNo"),
        signed=told.signed,
        stop_word=(info.optional_text("stoppedReason") or "")[:50],
    )


def _reservation(payload: Payload) -> ReservationReported:
    return ReservationReported(payload.integer("reservationId"), payload.text("reservationUpdateStatus")[:100])


def _where(payload: Payload) -> ConnectorId | None:
    evse = payload.optional_part("evse")
    return _connector(evse, "id") if evse else None


DIALECT = Dialect(
    subprotocol="ocpp2.0.1",
    schemas="v201",
    request="Request",
    decoders={
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status,
        "Authorize": _presented,
        "TransactionEvent": _transaction_event,
        "MeterValues": _meter_values,
        "ClearedChargingLimit": news(Topic.LIMIT, "chargingLimitSource"),
        "DataTransfer": lambda payload: Requested(Need.VENDOR_DATA, payload.text("vendorId")),
        "FirmwareStatusNotification": news(Topic.FIRMWARE, "status"),
        # The schemas of 2.0.1: exiRequest 5600, exiResponse 7500, ocspResult 5500.
        "Get15118EVCertificate": contract_asked(5_600, 7_500),
        "GetCertificateStatus": status_asked(5_500),
        "LogStatusNotification": news(Topic.LOG, "status"),
        "NotifyChargingLimit": news(Topic.LIMIT, "chargingLimit", "chargingLimitSource"),
        "NotifyCustomerInformation": report(ReportKind.CUSTOMER),
        "NotifyDisplayMessages": report(ReportKind.DISPLAY_MESSAGES),
        "NotifyEVChargingNeeds": charging_needs,
        "NotifyEVChargingSchedule": charging_plan,
        "NotifyEvent": event_news,
        "NotifyMonitoringReport": report(ReportKind.MONITORING),
        "NotifyReport": report(ReportKind.DEVICE_MODEL),
        "PublishFirmwareStatusNotification": news(Topic.FIRMWARE, "status"),
        "ReportChargingProfiles": report(ReportKind.PROFILES),
        "ReservationStatusUpdate": _reservation,
        "SecurityEventNotification": news(Topic.SECURITY, "type"),
        "SignCertificate": requested(Need.CHARGER_CERTIFICATE, "csr"),
    },
    repliers=REPLIERS,
    encoders=ENCODERS,
    spelling={},
    assign_ref=assign_ref,
    confidential=frozenset({"NotifyCustomerInformation"}),
)
