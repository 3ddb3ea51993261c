"""Replies and commands that every version of OCPP says alike, however much they differ elsewhere."""

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
    ReadListVersion,
)
from chalicelib.protocol.ocpp.dialect import Encoder, Fields, Replier, present, timestamp


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
    """One ChargingSchedulePeriod of a charging schedule; limits have one decimal."""
    return present(startPeriod=limit.start_s, limit=round(float(limit.limit), 1), numberPhases=limit.phases)


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
