"""How an OCPP 2.x charger is answered: every answer is valid by the schema, and promises nothing that is not done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.chargers.answers import Decision, Noted, StartAnswer, TokenAnswer
from chalicelib.domain.chargers.events import ChargingStarted
from chalicelib.protocol.ocpp.alike import boot_reply, grants, time_reply
from chalicelib.protocol.ocpp.commands201 import STANDINGS
from chalicelib.protocol.ocpp.dialect import Fields, Replier, present, standing_of

_CERTIFICATE_FIELDS = ("iso15118CertificateHashData", "certificate")


def _token_info(answer: TokenAnswer | StartAnswer | Noted, _: Mapping[str, Any]) -> Fields:
    status = standing_of(answer, STANDINGS)
    return {"idTokenInfo": {"status": status}} if status else {}


def _authorize(answer: TokenAnswer, asked: Mapping[str, Any]) -> Fields:
    # C07: nobody here can vouch for a contract certificate, and a driver's card is another matter.
    shows_certificate = any(asked.get(name) for name in _CERTIFICATE_FIELDS)
    status = present(certificateStatus="NoCertificateAvailable" if shows_certificate else None)
    return _token_info(answer, asked) | status


def _contract(answer: Decision, _: Mapping[str, Any]) -> Fields:
    return {"status": "Accepted" if answer.granted else "Failed", "exiResponse": answer.content}


def _certificate_status(answer: Decision, _: Mapping[str, Any]) -> Fields:
    if not answer.granted:
        return {"status": "Failed"}
    return {"status": "Accepted", "ocspResult": answer.content}


REPLIERS: Mapping[str, Replier] = {
    "BootNotification": boot_reply,
    "Heartbeat": time_reply,
    "Authorize": _authorize,
    "TransactionEvent": _token_info,
    "DataTransfer": grants("Accepted", "UnknownVendorId"),
    "Get15118EVCertificate": _contract,
    "GetCertificateStatus": _certificate_status,
    "NotifyEVChargingNeeds": grants("Accepted", "Rejected"),
    "NotifyEVChargingSchedule": lambda _answer, _asked: {"status": "Accepted"},
    "SignCertificate": grants("Accepted", "Rejected"),
}


def assign_ref(charger_id: str, event: ChargingStarted, attempt: int) -> str:
    """The charger's own name for its transaction; ValueError when it has none."""
    if event.ref is None:
        raise ValueError("a 2.x charger names its transactions itself")
    return event.ref
