"""What every version of OCPP says alike, however much they differ elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.chargers.answers import BootAnswer, TimeAnswer
from chalicelib.domain.chargers.commands import (
    CancelReservation,
    ClearCache,
    DataTransfer,
    DeleteCertificate,
    Limit,
    ProfilePurpose,
    ReadListVersion,
    ReadSchedule,
    SetProfile,
    UpdateFirmware,
    UploadLog,
)
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.protocol.ocpp.dialect import Encoder, Fields, Replier, present, timestamp


def boot_reply(answer: BootAnswer, _: Mapping[str, Any]) -> Fields:
    """Accepted, or pending until the operator says so."""
    status = "Accepted" if answer.accepted else "Pending"
    return {"status": status, "currentTime": timestamp(answer.at), "interval": answer.heartbeat_s}


def time_reply(answer: TimeAnswer, _: Mapping[str, Any]) -> Fields:
    """The time now."""
    return {"currentTime": timestamp(answer.at)}


def grants(yes: str, no: str) -> Replier:
    """Answers a request with a status."""
    return lambda answer, _: {"status": yes if answer.granted else no}


def when(at: datetime | None) -> str | None:
    """A time, where there is one."""
    return timestamp(at) if at else None


def period(limit: Limit) -> Fields:
    """One step of a charging schedule; limits have one decimal."""
    return present(startPeriod=limit.start_s, limit=round(float(limit.limit), 1), numberPhases=limit.phases)


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
    )


def charging_profile(command: SetProfile, purposes: Mapping[ProfilePurpose, str]) -> Fields:
    """A profile but for its id, its transaction and its schedule."""
    return present(
        stackLevel=command.stack_level,
        chargingProfilePurpose=purposes[command.purpose],
        chargingProfileKind="Absolute" if command.starts_at else "Relative",
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
