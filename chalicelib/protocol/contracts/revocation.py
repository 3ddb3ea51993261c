"""OCSP (RFC 6960): a question about one certificate by its issuer's hashes, and what the answer amounts to.

An answer counts that is about the very certificate, in force, and, where the issuer is known, signed by it or by a
responder of its making. Whoever passes an answer on to a charger leaves its signature to that charger.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from chalicelib.domain.chargers.contracts import CertificateId, Revocation, RevocationAnswer
from chalicelib.protocol.contracts.chain import UNREADABLE, responder_of

_ALGORITHMS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
# Two clocks are never quite the same.
_LENIENCE = timedelta(minutes=5)
_ENDLESS_FOR = timedelta(hours=1)
_LONGEST_SERIAL = 40
_WORDS = {
    ocsp.OCSPCertStatus.GOOD: Revocation.GOOD,
    ocsp.OCSPCertStatus.REVOKED: Revocation.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN: Revocation.UNKNOWN,
}


def id_of(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateId:
    """How OCSP names a certificate of that issuer's, and where it says to ask."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, _ALGORITHMS["SHA256"]).build()
    return CertificateId(
        algorithm="SHA256",
        issuer_name_hash=asked.issuer_name_hash.hex(),
        issuer_key_hash=asked.issuer_key_hash.hex(),
        serial=f"{certificate.serial_number:x}",
        url=responder_of(certificate),
    )


def question(asked: CertificateId) -> bytes | None:
    """The request's bytes (DER); None for hashes that are none."""
    algorithm = _ALGORITHMS.get(asked.algorithm)
    try:
        name, key = bytes.fromhex(asked.issuer_name_hash), bytes.fromhex(asked.issuer_key_hash)
        serial = int(asked.serial, 16) if len(asked.serial) <= _LONGEST_SERIAL else -1
    except ValueError:
        return None
    if algorithm is None or serial < 0 or {len(name), len(key)} != {algorithm.digest_size}:
        return None
    built = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, serial, algorithm).build()
    return built.public_bytes(serialization.Encoding.DER)


def answer_of(
    der: bytes, asked: CertificateId, at: datetime, issuer: x509.Certificate | None = None
) -> RevocationAnswer:
    """What a responder's answer says of that certificate, at that moment; an `issuer` must have signed it."""
    try:
        return _answer_of(der, asked, at, issuer)
    except UNREADABLE:
        return failed("no OCSP answer")


def _answer_of(der: bytes, asked: CertificateId, at: datetime, issuer: x509.Certificate | None) -> RevocationAnswer:
    told = ocsp.load_der_ocsp_response(der)
    if told.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return failed("responder refuses")
    singles = list(told.responses)
    single = next((it for it in singles if _is_about(it, asked)), None)
    if single is None:
        return failed("another certificate")
    until = single.next_update_utc
    # One that names no end is of now (RFC 6960 §4.2.2.1), and no old one that somebody kept.
    ends_at = until if until is not None else single.this_update_utc + _ENDLESS_FOR
    if single.this_update_utc > at + _LENIENCE or ends_at < at - _LENIENCE:
        return failed("answer is out of date")
    if issuer is not None and not _is_signed(told, issuer, at):
        return failed("answer is not signed")
    encoded = base64.b64encode(der).decode()
    return RevocationAnswer(status=_WORDS[single.certificate_status], ocsp=encoded, until=until)


def failed(why: str) -> RevocationAnswer:
    """No answer that counts."""
    return RevocationAnswer(status=Revocation.FAILED, why=why)


def _is_about(single: ocsp.OCSPSingleResponse, asked: CertificateId) -> bool:
    return (
        single.serial_number == int(asked.serial, 16)
        and single.issuer_key_hash == bytes.fromhex(asked.issuer_key_hash)
        and single.issuer_name_hash == bytes.fromhex(asked.issuer_name_hash)
    )


def _is_signed(told: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> bool:
    """By the issuer's own key, or by that of a responder whom the issuer has certified as such (RFC 6960 §4.2.2.2)."""
    return any(_has_signed(it, told) for it in (issuer, *_responders(told, issuer, at)))


def _responders(told: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime) -> list[x509.Certificate]:
    found = []
    for it in told.certificates:
        try:
            it.verify_directly_issued_by(issuer)
            usage = it.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (InvalidSignature, x509.ExtensionNotFound, *UNREADABLE):
            continue
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage and it.not_valid_before_utc <= at <= it.not_valid_after_utc:
            found.append(it)
    return found


def _has_signed(signer: x509.Certificate, told: ocsp.OCSPResponse) -> bool:
    try:
        key, algorithm = signer.public_key(), told.signature_hash_algorithm
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(told.signature, told.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(told.signature, told.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(told.signature, told.tbs_response_bytes)
        else:
            return False
    except (InvalidSignature, *UNREADABLE):
        return False
    return True
