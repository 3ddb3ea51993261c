"""A charger asks for its certificate with a true request, and names those it holds as OCSP does."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.simulator.certificates import hash_data, parsed
from tests.local.test_simulator import connected, lived


def root_certificate() -> tuple[str, ec.EllipticCurvePrivateKey]:
    """A root that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    began = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(began)
    signed = built.not_valid_after(began + timedelta(days=1)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode(), key


@pytest.mark.parametrize(("algorithm", "digits"), [("SHA256", 64), ("SHA384", 96), ("SHA512", 128)])
def test_a_certificate_is_named_by_the_hash_of_its_issuer(algorithm: str, digits: int) -> None:
    found = parsed(root_certificate()[0])
    assert found is not None
    named = hash_data(found, algorithm)
    hashed = hashlib.new(algorithm, found.issuer.public_bytes())
    assert named["issuerNameHash"] == hashed.hexdigest()
    assert len(named["issuerKeyHash"]) == digits


@pytest.mark.parametrize(
    ("version", "action", "wanted"),
    [
        ("1.6", "ExtendedTriggerMessage", "SignChargePointCertificate"),
        ("2.0.1", "TriggerMessage", "SignChargingStationCertificate"),
        ("2.1", "TriggerMessage", "SignChargingStationCertificate"),
    ],
)
@lived
async def test_a_charger_asks_for_a_certificate_in_its_own_name_and_takes_the_answer(
    version: str, action: str, wanted: str
) -> None:
    async with connected(version) as (charger, backend):
        await backend.call(action, {"requestedMessage": wanted})
        (asked,) = await backend.until_told("SignCertificate")
        request = x509.load_pem_x509_csr(asked["csr"].encode())
        assert request.is_signature_valid
        assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "CP"
        chain, _ = root_certificate()
        assert (await backend.call("CertificateSigned", {"certificateChain": "x"}))["status"] == "Rejected"
        assert (await backend.call("CertificateSigned", {"certificateChain": chain}))["status"] == "Accepted"
        assert charger.memory.certificates.chain == chain
