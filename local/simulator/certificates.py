"""A charger installs only what is a certificate, and names each by the hashes of OCSP (OCPP 2.0.1 §2.12)."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from local.simulator.line import Payload

_HASHES: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


def parsed(pem: str) -> x509.Certificate | None:
    """The first certificate of a chain; None when there is none."""
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None


def hash_data(certificate: x509.Certificate, algorithm: str = "SHA256") -> Payload:
    """How OCPP names a certificate. Roots sign themselves, so each counts as its own issuer."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, _HASHES[algorithm]()).build()
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:x}",
    }


class Certificates:
    """The roots a charger trusts, by their hashes, its own chain, and the key it asked that chain for."""

    def __init__(self) -> None:
        self.installed: dict[str, tuple[str, x509.Certificate]] = {}
        self.chain: str | None = None
        self._key = ec.generate_private_key(ec.SECP256R1())

    def install(self, kind: str, pem: str) -> bool:
        """False when it is no certificate."""
        certificate = parsed(pem)
        if certificate is None:
            return False
        self.installed[certificate.fingerprint(hashes.SHA256()).hex()] = (kind, certificate)
        return True

    def delete(self, named: Payload) -> bool:
        """False when there is none of this name."""
        wanted = {name: str(value).casefold() for name, value in named.items() if name != "customData"}
        for fingerprint, (_, certificate) in self.installed.items():
            found = hash_data(certificate, named["hashAlgorithm"])
            if {name: value.casefold() for name, value in found.items()} == wanted:
                del self.installed[fingerprint]
                return True
        return False

    def named(self, kinds: list[str] | None) -> list[tuple[str, Payload]]:
        """Kind and hashes of those installed; of all kinds for None."""
        return [(kind, hash_data(it)) for kind, it in self.installed.values() if kinds is None or kind in kinds]

    def take_chain(self, pem: str) -> bool:
        """The answer to a signing request. False when it is no certificate."""
        if parsed(pem) is None:
            return False
        self.chain = pem
        return True

    def request(self, charger_id: str) -> str:
        """A certificate signing request for this charger."""
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, charger_id), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kerb")]
        )
        signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()
