"""Plug & Charge, as a charger tells of it: contracts a car asks for, certificates it shows, and what became of them.

EXI is the car's and its provider's own language: here it is text that is passed on, never read.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass


class CertificateStatus(StrEnum):
    """What a contract's certificate is worth (OCPP 2.x AuthorizeCertificateStatus)."""

    ACCEPTED = "accepted"
    SIGNATURE_ERROR = "signature_error"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_AVAILABLE = "not_available"
    CHAIN_ERROR = "chain_error"
    CANCELLED = "cancelled"


class Revocation(StrEnum):
    """What its issuer's responder says of a certificate (RFC 6960); FAILED: it says nothing that counts."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateId:
    """A certificate by its issuer's hashes and its number, as OCSP names it, and where to ask about it.

    `algorithm` is OCPP's word for the hashes', SHA256 say; all but that and the address are hexadecimal.
    """

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRequested:
    """A car asks for its contract, or for that anew; `exi` is its request in base64, `schema` what that is written by.

    `most` is how many contracts it takes in all, `emaids` those it would have first (ISO 15118-20), None and none
    where it did not say. `longest` is how long an answer its charger can take.
    """

    schema: str
    exi: str
    is_update: bool = False
    most: int | None = None
    emaids: tuple[str, ...] = ()
    longest: int = 7_500


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationsAsked:
    """A charger asks whether certificates are revoked; `longest` is how long an answer it can take, in base64."""

    certificates: tuple[CertificateId, ...]
    longest: int = 5_500


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractShown:
    """What a car showed with its eMAID: its chain in PEM, the contract's own certificate first, or their names alone.

    `certificates` are those that its charger has found good but for their revocation.
    """

    chain: str = ""
    certificates: tuple[CertificateId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAnswer:
    """Answer to a car that asks for a contract: EXI in base64, and how many there are besides; or `why` there is none.

    `why` is at most 20 signs long (OCPP's reasonCode).
    """

    exi: str = ""
    remaining: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationAnswer:
    """What a responder said of one certificate: its own answer in base64 (DER), good until `until`; or `why` none."""

    status: Revocation
    ocsp: str = ""
    until: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class RevocationAnswers:
    """What was said of each certificate that a charger asked about, in its order."""

    answers: tuple[RevocationAnswer, ...]
