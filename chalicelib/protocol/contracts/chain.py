"""A contract's chain (ISO 15118-2 §7.9, -20 §7.8): from a car's certificate to a mobility operator's root, or nothing.

Only a root that this deployment trusts ends a chain. Each certificate is signed by the next one's key, in force at that
moment, and, but for the first, one that may sign certificates; the first one's common name is the eMAID. What a chain
says of itself beyond that is not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from chalicelib.domain.chargers.contracts import CertificateStatus
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers.emaid import emaid_of

# ISO 15118-2 has a leaf and two sub-CAs, -20 three; some send the root along.
_MOST_CERTIFICATES = 6
# Under one V2G root there are operators' chargers, cars and signers too (ISO 15118-2 annex F), and a charger's name may
# look like an eMAID.
_ROLE_OF_CONTRACTS = "MO"
# What `cryptography` says of bytes that a stranger made up; much of a certificate is read only as it is asked for.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChain:
    """A chain that was looked at: what it is worth, and each certificate with its issuer, where it leads to a root."""

    status: CertificateStatus
    links: Sequence[tuple[x509.Certificate, x509.Certificate]] = ()


def roots_of(ders: Iterable[bytes]) -> Sequence[x509.Certificate]:
    """The roots among these certificates (DER); what cannot be read, or may not sign any, is none."""
    roots = (_read(it) for it in ders)
    return [it for it in roots if it is not None and _may_sign(it)]


def looked_at(pem: str, emaid: str, roots: Sequence[x509.Certificate], at: datetime) -> ContractChain:
    """What a chain in PEM is worth as that contract's, at that moment. Nothing is asked of anybody."""
    certificates = _certificates(pem)
    if not certificates or not roots:
        return ContractChain(status=CertificateStatus.CHAIN_ERROR if roots else CertificateStatus.NOT_AVAILABLE)
    leaf, others = certificates[0], [*certificates[1:], *roots]
    if _named(leaf) != emaid or _may_sign(leaf):
        return ContractChain(status=CertificateStatus.CHAIN_ERROR)
    links: list[tuple[x509.Certificate, x509.Certificate]] = []
    subject = leaf
    while subject not in roots:
        issuer, is_forged = _issuer(subject, others)
        if issuer is None or len(links) >= _MOST_CERTIFICATES:
            return ContractChain(
                status=CertificateStatus.SIGNATURE_ERROR if is_forged else CertificateStatus.CHAIN_ERROR
            )
        links.append((subject, issuer))
        subject = issuer
    if any(not _is_in_force(it, at) for it in (leaf, *(issuer for _, issuer in links))):
        return ContractChain(status=CertificateStatus.EXPIRED)
    return ContractChain(status=CertificateStatus.ACCEPTED, links=links)


def responder_of(certificate: x509.Certificate) -> str:
    """Where its issuer answers for it (RFC 5280 §4.2.2.1); empty where it names nobody."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    for it in access:
        where = it.access_location
        if it.access_method == AuthorityInformationAccessOID.OCSP and isinstance(where, x509.UniformResourceIdentifier):
            return where.value
    return ""


def _certificates(pem: str) -> Sequence[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except UNREADABLE:
        return ()
    return found if len(found) <= _MOST_CERTIFICATES and all(map(_is_readable, found)) else ()


def _read(der: bytes) -> x509.Certificate | None:
    try:
        found = x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return None
    return found if _is_readable(found) else None


def _is_readable(certificate: x509.Certificate) -> bool:
    """Whether all of it that is looked at can be: nothing further down has to think of it."""
    try:
        parts = (certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key())
    except UNREADABLE:
        return False
    return all(it is not None for it in parts)


def _named(leaf: x509.Certificate) -> str | None:
    """The eMAID that a certificate is made out to: its only common name. None for one of another role."""
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    roles = leaf.subject.get_attributes_for_oid(NameOID.DOMAIN_COMPONENT)
    if any(str(it.value).upper() != _ROLE_OF_CONTRACTS for it in roles):
        return None
    return emaid_of(str(names[0].value)) if len(names) == 1 else None


def _issuer(subject: x509.Certificate, others: Sequence[x509.Certificate]) -> tuple[x509.Certificate | None, bool]:
    """Whose key signed it; and, where nobody's here did, whether somebody of the issuer's name is here."""
    is_forged = False
    for it in others:
        if it.subject != subject.issuer or it == subject or not _may_sign(it):
            continue
        try:
            subject.verify_directly_issued_by(it)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            is_forged = True
            continue
        return it, False
    return None, is_forged


def _may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is an authority's (RFC 5280 §4.2.1.9, §4.2.1.3)."""
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return constraints.ca
    return constraints.ca and usage.key_cert_sign


def _is_in_force(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
