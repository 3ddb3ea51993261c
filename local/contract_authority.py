"""A mobility operator's certificates on this machine: a root, a sub-CA, contracts, and their OCSP responder's answers.

They are true certificates of ISO 15118-2 annex F's shape (P-256, eMAID as common name, OCSP responder named). What goes
into a car besides, its private key, is what this machine makes of it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

_YEAR, _HOUR = timedelta(days=365), timedelta(hours=1)
_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True)
class Certified:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def der(self) -> str:
        """The certificate alone, in base64."""
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()


class ContractAuthority:
    """Issues contracts under its own root.

    `revoked` and `unknown` are serial numbers; `responder` is where it says to ask.
    """

    def __init__(self, clock: Callable[[], datetime], responder: str, name: str = "Local MO") -> None:
        self._clock, self.responder = clock, responder
        self.revoked: set[int] = set()
        self.unknown: set[int] = set()
        self.answers_last = _HOUR
        self.root = self._issue(f"{name} Root", None, is_authority=True)
        self.sub = self._issue(f"{name} Sub", self.root, is_authority=True)

    def contract(self, emaid: str, *, lasts: timedelta = _YEAR, role: str = "") -> Certified:
        """A contract's certificate. One of another `role` (a charger's: CPO) is none, whatever it is called."""
        return self._issue(emaid, self.sub, lasts=lasts, role=role)

    def chain(self, contract: Certified) -> str:
        """As a car shows it: its own certificate, and the sub-CA's."""
        return contract.pem + self.sub.pem

    def ids(self, contract: Certified) -> list[dict[str, str]]:
        """The same as OCPP's hash data, for a charger that has found it good."""
        pairs = ((contract.certificate, self.sub.certificate), (self.sub.certificate, self.root.certificate))
        return [_hash_data(it, issuer, self.responder) for it, issuer in pairs]

    def answer(self, question: bytes) -> bytes:
        """What its responder says, signed by the issuer itself (RFC 6960). Another's certificate is unknown to it."""
        try:
            asked = ocsp.load_der_ocsp_request(question)
        except ValueError:
            return _refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        issuers = {ocsp_key(it.certificate, asked.hash_algorithm): it for it in (self.root, self.sub)}
        issuer = issuers.get(asked.issuer_key_hash)
        if issuer is None:
            return _refused(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        now, number = self._clock(), asked.serial_number
        return signed_answer(
            asked,
            issuer,
            now,
            now + self.answers_last,
            is_revoked=number in self.revoked,
            is_unknown=number in self.unknown,
        )

    def _issue(
        self,
        name: str,
        by: Certified | None,
        *,
        lasts: timedelta = _YEAR,
        is_authority: bool = False,
        role: str = "",
    ) -> Certified:
        key, now = ec.generate_private_key(ec.SECP256R1()), self._clock()
        begins = min(now, now + lasts) - _BEFORE
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kerb")]
        if role:
            parts.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, role))
        subject = x509.Name(parts)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by.certificate.subject if by else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(now + lasts)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if by is not None:
            where = x509.UniformResourceIdentifier(self.responder)
            named = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)
            built = built.add_extension(x509.AuthorityInformationAccess([named]), critical=False)
        return Certified(built.sign(by.key if by else key, hashes.SHA256()), key)


def signed_answer(
    asked: ocsp.OCSPRequest,
    by: Certified,
    at: datetime,
    until: datetime | None,
    *,
    is_revoked: bool,
    is_unknown: bool = False,
) -> bytes:
    """An answer to that very question, whoever signs it."""
    known = ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD
    built = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=asked.issuer_name_hash,
        issuer_key_hash=asked.issuer_key_hash,
        serial_number=asked.serial_number,
        algorithm=asked.hash_algorithm,
        cert_status=ocsp.OCSPCertStatus.UNKNOWN if is_unknown else known,
        this_update=at,
        next_update=until,
        revocation_time=at if is_revoked else None,
        revocation_reason=None,
    )
    named = built.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    return named.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _refused(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)


def ocsp_key(issuer: x509.Certificate, algorithm: hashes.HashAlgorithm) -> bytes:
    """The hash by which OCSP knows an issuer's key."""
    return ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, algorithm).build().issuer_key_hash


def _hash_data(certificate: x509.Certificate, issuer: x509.Certificate, responder: str) -> dict[str, str]:
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:x}",
        "responderURL": responder,
    }
