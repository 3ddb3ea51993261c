"""A meter that signs in OCMF, for tests: its key, and its records with as many readings as asked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from chalicelib.protocol.transparency.ecdsa import CURVES

_NEGATIVE = 0x80


def reading(value: float, occasion: str, obis: str = "01-00:01.08.00*FF", **more: Any) -> dict[str, Any]:
    """A reading of an OCMF record, in kWh."""
    told = {"TM": "2026-11-30T12:00:00,000+0000 R", "TX": occasion, "RV": value, "RI": obis, "RU": "kWh", "ST": "G"}
    return {**told, **more}


def payload(*readings: Mapping[str, Any], **more: Any) -> str:
    """What a meter signs."""
    return json.dumps({"FV": "1.4", "PG": "T7", "MS": "M1", "GS": "G1", "RD": readings, **more})


def base64_of(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode()


@dataclass
class SigningMeter:
    """A meter with a key of its own; `curve` by OCMF's name for it."""

    curve: str = "secp256r1"
    key: ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(CURVES[self.curve.replace("brainpool", "brainpoolP")])

    @property
    def public_key(self) -> str:
        """SubjectPublicKeyInfo, hexadecimal."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.DER, form).hex()

    def record(self, *readings: Mapping[str, Any], **more: Any) -> str:
        """A signed record of these readings."""
        return self.signed(payload(*readings, **more))

    def signed(self, text: str, encoding: str = "hex", form: str = "der") -> str:
        """The record of a payload.

        `form`: "der" as ASN.1 wants it, "padded" with a nought too many, "negative" with one too few, "raw" as two
        numbers.
        """
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        size = (self.key.key_size + 7) // 8
        body = _integer(r, form) + _integer(s, form)
        data = r.to_bytes(size) + s.to_bytes(size) if form == "raw" else bytes([0x30, len(body)]) + body
        told = data.hex() if encoding == "hex" else base64_of(data)
        return f"OCMF|{text}|{json.dumps({'SA': f'ECDSA-{self.curve}-SHA256', 'SE': encoding, 'SD': told})}"


def _integer(number: int, form: str) -> bytes:
    data = number.to_bytes((number.bit_length() + 7) // 8)
    if form == "padded" or (form == "der" and data[0] & _NEGATIVE):
        data = b"\0" + data
    return bytes([2, len(data)]) + data
