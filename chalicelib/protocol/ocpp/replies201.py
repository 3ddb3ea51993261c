"""Replies to an OCPP 2.x charger. Every one is valid by the schema, and promises nothing that is not done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.chargers.answers import Noted, StartAnswer, TokenAnswer
from chalicelib.domain.chargers.contracts import CertificateStatus
from chalicelib.domain.chargers.events import ChargingStarted
from chalicelib.protocol.ocpp.alike import boot_reply, grants, time_reply, when
from chalicelib.protocol.ocpp.commands201 import STANDINGS, group_token
from chalicelib.protocol.ocpp.contracts201 import certificate_word, contract_reply, status_reply
from chalicelib.protocol.ocpp.dialect import Fields, Replier, present, standing_of

# A certificate that is not good, whatever its token is; one that has expired leaves it Expired (C07.FR.17).
_BARRED = frozenset(
    {
        CertificateStatus.SIGNATURE_ERROR,
        CertificateStatus.REVOKED,
        CertificateStatus.NOT_AVAILABLE,
        CertificateStatus.CHAIN_ERROR,
    }
)


def is_nobodys(token: Mapping[str, Any]) -> bool:
    """Whether an idToken says that none was shown (C02)."""
    return token.get("type") == "NoAuthorization"


def _token_info(answer: TokenAnswer | StartAnswer | Noted, asked: Mapping[str, Any]) -> Fields:
    status = standing_of(answer, STANDINGS)
    token = asked.get("idToken")
    if (status is None or isinstance(answer, TokenAnswer)) and isinstance(token, dict) and is_nobodys(token):
        # C02.FR.02: who starts it by a button, or a key, has shown nothing that could be refused.
        status = "Accepted"
    if status is None:
        return {}
    return {
        "idTokenInfo": present(
            status=status,
            groupIdToken=group_token(answer.group),
            cacheExpiryDateTime=when(answer.expires_at),
        )
    }


def _event_reply(answer: StartAnswer | Noted, asked: Mapping[str, Any]) -> Fields:
    # I02: the cost of all of it, told with the answer to its end.
    cost = answer.cost if isinstance(answer, Noted) else None
    return _token_info(answer, asked) | present(totalCost=None if cost is None else float(cost))


def _authorize(answer: TokenAnswer, asked: Mapping[str, Any]) -> Fields:
    told, word = _token_info(answer, asked), certificate_word(answer)
    if word is None:
        return told
    token = asked.get("idToken")
    if answer.certificate in _BARRED and isinstance(token, dict) and token.get("type") == "eMAID":
        # C07.FR.15, .16: the contract's own standing says nothing that counts.
        told = {"idTokenInfo": {"status": "Invalid"}}
    return {**told, "certificateStatus": word}


REPLIERS: Mapping[str, Replier] = {
    "BootNotification": boot_reply,
    "Heartbeat": time_reply,
    "Authorize": _authorize,
    "TransactionEvent": _event_reply,
    "DataTransfer": grants("Accepted", "UnknownVendorId"),
    "Get15118EVCertificate": contract_reply,
    "GetCertificateStatus": status_reply,
    # K15: what the car may draw stands already; what its needs make of that follows, if it is another (K16).
    "NotifyEVChargingNeeds": grants("Processing", "Rejected"),
    # K17: a car that means to draw more than it may is offered its schedule again.
    "NotifyEVChargingSchedule": grants("Accepted", "Rejected"),
    "SignCertificate": grants("Accepted", "Rejected"),
}


def assign_ref(charger_id: str, event: ChargingStarted, attempt: int) -> str:
    """The charger's own name for its transaction; ValueError when it has none."""
    if event.ref is None:
        raise ValueError("a 2.x charger names its transactions itself")
    return event.ref
