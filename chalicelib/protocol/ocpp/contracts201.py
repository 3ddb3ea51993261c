"""Plug & Charge over OCPP 2.x: what a charger asks for its cars, and what it is answered (C07, M01, M02, M06, M07).

EXI goes through as it came. What is longer than a charger of that version takes is not sent to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.chargers.answers import TokenAnswer
from chalicelib.domain.chargers.contracts import (
    CertificateId,
    CertificateStatus,
    ContractAnswer,
    ContractRequested,
    ContractShown,
    Revocation,
    RevocationAnswer,
    RevocationAnswers,
    RevocationsAsked,
)
from chalicelib.protocol.ocpp.alike import when
from chalicelib.protocol.ocpp.dialect import Decoder, Fields, present
from chalicelib.protocol.ocpp.payload import Payload, Unusable

# AuthorizeRequest and GetCertificateChainStatusRequest have four at the most.
_MOST_CERTIFICATES = 4
_LONGEST_NUMBER = 128
_MOST_EMAIDS = 8
_NEVER = "1970-01-01T00:00:00.000Z"
_STATUSES = {
    CertificateStatus.ACCEPTED: "Accepted",
    CertificateStatus.SIGNATURE_ERROR: "SignatureError",
    CertificateStatus.EXPIRED: "CertificateExpired",
    CertificateStatus.REVOKED: "CertificateRevoked",
    CertificateStatus.NOT_AVAILABLE: "NoCertificateAvailable",
    CertificateStatus.CHAIN_ERROR: "CertChainError",
    CertificateStatus.CANCELLED: "ContractCancelled",
}
_REVOCATIONS = {
    Revocation.GOOD: "Good",
    Revocation.REVOKED: "Revoked",
    Revocation.UNKNOWN: "Unknown",
    Revocation.FAILED: "Failed",
}


def contract_asked(longest_request: int, longest: int) -> Decoder:
    """Decodes Get15118EVCertificate; how long request and answer may be is the version's. Raises Unusable."""

    def decode(payload: Payload) -> ContractRequested:
        exi = payload.long_text("exiRequest")
        if len(exi) > longest_request:
            raise Unusable("PropertyConstraintViolation", f"exiRequest is longer than {longest_request} characters")
        emaids = [it for it in payload.items("prioritizedEMAIDs") if isinstance(it, str)]
        return ContractRequested(
            schema=payload.text("iso15118SchemaVersion")[:50],
            exi=exi,
            is_update=payload.data.get("action") == "Update",
            most=payload.optional_integer("maximumContractCertificateChains"),
            emaids=tuple(emaids[:_MOST_EMAIDS]),
            longest=longest,
        )

    return decode


def status_asked(longest: int) -> Decoder:
    """Decodes GetCertificateStatus: one certificate."""
    return lambda payload: RevocationsAsked(
        certificates=(certificate_id(payload.part("ocspRequestData")),), longest=longest
    )


def chain_status_asked(payload: Payload) -> RevocationsAsked:
    """Decodes GetCertificateChainStatus; of several addresses the first one is asked."""
    return RevocationsAsked(
        certificates=tuple(_of_chain(it) for it in [*payload.parts("certificateStatusRequests")][:_MOST_CERTIFICATES]),
        longest=0,
    )


def _of_chain(asked: Payload) -> CertificateId:
    urls = [it for it in asked.items("urls") if isinstance(it, str)]
    # Revocation lists are not read here.
    url = urls[0] if urls and asked.data.get("source") == "OCSP" else ""
    return certificate_id(asked.part("certificateHashData"), url)


def certificate_id(named: Payload, url: str | None = None) -> CertificateId:
    """A certificate as OCPP names it (OCSPRequestDataType, CertificateHashDataType)."""
    return CertificateId(
        algorithm=named.text("hashAlgorithm")[:10],
        issuer_name_hash=named.text("issuerNameHash")[:_LONGEST_NUMBER],
        issuer_key_hash=named.text("issuerKeyHash")[:_LONGEST_NUMBER],
        serial=named.text("serialNumber")[:_LONGEST_NUMBER],
        url=url if url is not None else _address(named),
    )


def _address(named: Payload) -> str:
    said = named.data.get("responderURL")
    # One that was cut would be another.
    return said if isinstance(said, str) and len(said) <= 2_000 else ""


def contract_shown(payload: Payload) -> ContractShown | None:
    """What a car showed beside its eMAID (C07); None where it showed nothing."""
    named = [*payload.parts("iso15118CertificateHashData")][:_MOST_CERTIFICATES]
    chain = payload.long_text("certificate") if payload.data.get("certificate") else ""
    if not named and not chain:
        return None
    return ContractShown(chain=chain, certificates=tuple(certificate_id(it) for it in named))


def certificate_word(answer: TokenAnswer) -> str | None:
    """OCPP's word for what a contract's certificate is worth, where one was shown."""
    return _STATUSES[answer.certificate] if answer.certificate else None


def contract_reply(answer: ContractAnswer, _: Mapping[str, Any]) -> Fields:
    """Answers Get15118EVCertificate: the provider's EXI, or why there is none."""
    if not answer.exi:
        return {"status": "Failed", "exiResponse": "", **_reason(answer.why)}
    return present(status="Accepted", exiResponse=answer.exi, remainingContracts=answer.remaining)


def status_reply(answer: RevocationAnswers, _: Mapping[str, Any]) -> Fields:
    """Answers GetCertificateStatus: the responder's own words, whatever they are, for the charger to pass on."""
    (told,) = answer.answers
    if not told.ocsp:
        return {"status": "Failed", **_reason(told.why)}
    return {"status": "Accepted", "ocspResult": told.ocsp}


def chain_status_reply(answer: RevocationAnswers, asked: Mapping[str, Any]) -> Fields:
    """Every certificate asked about is answered for, be it by not knowing (M07)."""
    told = asked.get("certificateStatusRequests")
    # As it was read: one that stands in an array's place is its only one.
    requests = [it for it in (told if isinstance(told, list) else [told]) if isinstance(it, dict)]
    pairs = zip(requests, answer.answers, strict=False)
    return {"certificateStatus": [_chain_status(it, told) for it, told in pairs]}


def _chain_status(asked: Mapping[str, Any], told: RevocationAnswer) -> Fields:
    return present(
        certificateHashData=asked.get("certificateHashData"),
        source=asked.get("source"),
        status=_REVOCATIONS[told.status],
        nextUpdate=when(told.until) or _NEVER,
    )


def _reason(why: str) -> Fields:
    return {"statusInfo": {"reasonCode": why[:20]}} if why else {}
