"""Replies and commands that every version of OCPP says alike, however much they differ elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from chalicelib.domain.chargers.answers import BootAnswer, TimeAnswer
from chalicelib.domain.chargers.commands import (
    CancelReservation,
    ClearCache,
    DataTransfer,
    DeleteCertificate,
    Limit,
    ProfileKind,
    ProfilePurpose,
    ReadListVersion,
    ReadSchedule,
    Recurrence,
    SetProfile,
    UpdateFirmware,
    UploadLog,
)
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.protocol.ocpp.dialect import Encoder, Fields, Replier, present, timestamp

_TENTH = Decimal("0.1")
_KINDS = {
    ProfileKind.ABSOLUTE: "Absolute",
    ProfileKind.RECURRING: "Recurring",
    ProfileKind.RELATIVE: "Relative",
}
_RECURRENCES = {Recurrence.DAILY: "Daily", Recurrence.WEEKLY: "Weekly"}


def boot_reply(answer: BootAnswer, _: Mapping[str, Any]) -> Fields:
    """BootNotification's reply: Accepted, or Pending until the operator says so; `interval` in seconds."""
    status = "Accepted" if answer.accepted else "Pending"
    return {"status": status, "currentTime": timestamp(answer.at), "interval": answer.heartbeat_s}


def time_reply(answer: TimeAnswer, _: Mapping[str, Any]) -> Fields:
    """Heartbeat's reply: the time now, by our clock."""
    return {"currentTime": timestamp(answer.at)}


def grants(yes: str, no: str) -> Replier:
    """A replier that answers a request with one of two statuses, `yes` or `no`."""
    return lambda answer, _: {"status": yes if answer.granted else no}


def when(at: datetime | None) -> str | None:
    """A time as OCPP writes it, or None where there is none."""
    return timestamp(at) if at else None


def period(limit: Limit) -> Fields:
    """One ChargingSchedulePeriod of a charging schedule; limits have one decimal, and are never above what is meant."""
    return present(
        startPeriod=limit.start_s,
        limit=rate(limit.limit),
        numberPhases=limit.phases,
        phaseToUse=limit.phase_to_use,
    )


def rate(limit: Decimal) -> float:
    """A limit with the one decimal that OCPP lets it have (1.6 §7.13, 2.0.1 ChargingSchedulePeriodType)."""
    return float(limit.quantize(_TENTH, ROUND_FLOOR))


def evse_or_all(connector: ConnectorId | None) -> int:
    """The number of 1.6's connector or 2.x's EVSE; 0 is the charger as a whole (1.6 §9.12, 2.0.1 K01)."""
    return connector.evse if connector else 0


def evse_number(connector: ConnectorId | None) -> int | None:
    """The same number, where one is given."""
    return connector.evse if connector else None


def rate_unit(in_amps: bool) -> str:
    """What a charging limit is counted in."""
    return "A" if in_amps else "W"


def charging_schedule(command: SetProfile) -> Fields:
    """The limits of a profile, in their order."""
    return present(
        chargingRateUnit=rate_unit(command.in_amps),
        chargingSchedulePeriod=[period(it) for it in command.limits],
        duration=command.duration_s,
        startSchedule=when(command.starts_at),
        minChargingRate=None if command.least_rate is None else rate(command.least_rate),
    )


def charging_profile(command: SetProfile, purposes: Mapping[ProfilePurpose, str]) -> Fields:
    """A profile but for its id, its transaction and its schedule."""
    kind = command.kind or (ProfileKind.ABSOLUTE if command.starts_at else ProfileKind.RELATIVE)
    return present(
        stackLevel=command.stack_level,
        chargingProfilePurpose=purposes[command.purpose],
        chargingProfileKind=_KINDS[kind],
        recurrencyKind=_RECURRENCES[command.recurrence] if command.recurrence else None,
        validFrom=when(command.valid_from),
        validTo=when(command.valid_until),
    )


def composite_schedule(command: ReadSchedule) -> Fields:
    """What is asked of a composite schedule, but for whose it is."""
    return {"duration": command.duration_s, "chargingRateUnit": rate_unit(command.in_amps)}


def firmware(command: UpdateFirmware) -> Fields:
    """A firmware, where it is and when to take it."""
    return present(
        location=command.url,
        retrieveDateTime=timestamp(command.retrieve_at),
        installDateTime=when(command.install_at),
        signingCertificate=command.certificate,
        signature=command.signature,
    )


def retrying(command: UpdateFirmware) -> Fields:
    """How often a firmware is tried for."""
    return present(retries=command.retries, retryInterval=command.retry_interval_s)


def log(command: UploadLog, kind: str) -> Fields:
    """A GetLog: the security extension of 1.6 has it from 2.0.1."""
    asked = present(
        remoteLocation=command.url,
        oldestTimestamp=when(command.oldest),
        latestTimestamp=when(command.newest),
    )
    return {"logType": kind, "requestId": command.request_id, "log": asked}


def _delete_certificate(command: DeleteCertificate) -> tuple[str, Fields]:
    hashes = {
        "hashAlgorithm": command.hash_algorithm,
        "issuerNameHash": command.issuer_name_hash,
        "issuerKeyHash": command.issuer_key_hash,
        "serialNumber": command.serial_number,
    }
    return "DeleteCertificate", {"certificateHashData": hashes}


def _transfer(command: DataTransfer) -> tuple[str, Fields]:
    return "DataTransfer", present(vendorId=command.vendor, messageId=command.message, data=command.data)


ENCODERS: dict[type, Encoder] = {
    ClearCache: lambda _: ("ClearCache", {}),
    ReadListVersion: lambda _: ("GetLocalListVersion", {}),
    CancelReservation: lambda it: ("CancelReservation", {"reservationId": it.reservation_id}),
    DeleteCertificate: _delete_certificate,
    DataTransfer: _transfer,
}
