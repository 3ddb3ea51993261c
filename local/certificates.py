"""A certificate authority of a few minutes' life: what chargers of security profile 3 and their backend need."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFE = timedelta(hours=1)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common_name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kerb")]
    )


@dataclass(frozen=True)
class Authority:
    """Issues certificates and keeps them, with their keys, in files under `folder`."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def create(cls, folder: Path, common_name: str = "Kerb test root") -> Authority:
        """A new authority, its own root certificate in `root.pem`."""
        authority = cls(folder, ec.generate_private_key(ec.SECP256R1()), _name(common_name))
        authority._write("root", authority.name, authority.key, is_authority=True)
        return authority

    def issue(self, common_name: str) -> Path:
        """A certificate and its key in one file."""
        return self._write(common_name, _name(common_name), ec.generate_private_key(ec.SECP256R1()))

    def server_context(self) -> ssl.SSLContext:
        """TLS for 127.0.0.1 that takes clients with this authority's certificates, and those with none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue("127.0.0.1"))
        context.load_verify_locations(self.folder / "root.pem")
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def client_context(self, certificate: Path | None = None) -> ssl.SSLContext:
        """TLS that trusts this authority, and shows a certificate if there is one."""
        context = ssl.create_default_context(cafile=str(self.folder / "root.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    def _write(
        self, file: str, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False
    ) -> Path:
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + _LIFE)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName(file)]),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{file}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return path
