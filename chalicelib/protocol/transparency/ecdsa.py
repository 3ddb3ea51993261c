"""ECDSA as meters use it: public keys and signatures in all the ways that they are written, and the check itself.

A number may be written loosely; whatever does not say exactly one key or one signature is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from functools import cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

PublicKey = ec.EllipticCurvePublicKey

CURVES: Mapping[str, ec.EllipticCurve] = {
    "secp192r1": ec.SECP192R1(),
    "secp256r1": ec.SECP256R1(),
    "secp256k1": ec.SECP256K1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}
_SEQUENCE, _INTEGER, _UNCOMPRESSED, _COMPRESSED = 0x30, 0x02, 0x04, (0x02, 0x03)
_LONG_FORM = 0x80
_HEX = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")


class Malformed(ValueError):
    """Something signed, or a key, that cannot be read; the message says what is wrong."""


class Unsupported(ValueError):
    """A curve, or an algorithm, that cannot be checked here; the message names it."""


def curve(name: str) -> ec.EllipticCurve:
    """The curve of that name. Raises Unsupported: of the formats' curves, the library has no secp192k1."""
    found = CURVES.get(name)
    if found is None:
        raise Unsupported(f"curve {name}")
    return found


def size_bytes(name: str) -> int:
    """How long one number of a curve is. Raises Unsupported."""
    return (curve(name).key_size + 7) // 8


def octets(text: str) -> bytes:
    """What hexadecimal or base64 stands for; spaces between do not count. Raises Malformed.

    Each byte can be written in one way only: cases of hexadecimal are not mixed, and base64 leaves no bits over.
    """
    if not text.isascii():
        raise Malformed("it is neither hexadecimal nor base64")
    packed = "".join(text.split())
    return bytes.fromhex(packed) if _HEX.fullmatch(packed) else base64_octets(packed)


def base64_octets(text: str) -> bytes:
    """What base64 stands for, which is written in the one proper way. Raises Malformed."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("it is neither hexadecimal nor base64") from None
    if not found or base64.b64encode(found).decode() != text:
        raise Malformed("it is no proper base64")
    return found


@cache
def public_key(text: str, curve_name: str) -> PublicKey:
    """A meter's public key: SubjectPublicKeyInfo, a point (compressed or not), or x and y alone; hexadecimal or base64.

    Raises Malformed, also where it is a key of another curve; Unsupported.
    """
    data, its_curve = octets(text), curve(curve_name)
    size = size_bytes(curve_name)
    try:
        if len(data) == 2 * size:
            data = bytes([_UNCOMPRESSED]) + data
        if (len(data) == 2 * size + 1 and data[0] == _UNCOMPRESSED) or (
            len(data) == size + 1 and data[0] in _COMPRESSED
        ):
            return ec.EllipticCurvePublicKey.from_encoded_point(its_curve, data)
        found = serialization.load_der_public_key(data)
    except UnsupportedAlgorithm as error:
        raise Unsupported(str(error)) from error
    except ValueError as error:
        raise Malformed("it is no public key of that curve") from error
    if not isinstance(found, ec.EllipticCurvePublicKey) or found.curve.name != its_curve.name:
        raise Malformed(f"it is no key of curve {curve_name}")
    return found


def signature(data: bytes, curve_name: str) -> tuple[int, int]:
    """r and s of a signature: ASN.1 (what is written as a negative number is meant positive), or one after the other.

    Raises Malformed, Unsupported.
    """
    size = size_bytes(curve_name)
    found = _sequence(data)
    if found is None and len(data) == 2 * size:
        found = (int.from_bytes(data[:size]), int.from_bytes(data[size:]))
    if found is None:
        raise Malformed("the signature is neither ASN.1 nor two numbers of its curve")
    return found


def is_signed(key: PublicKey, numbers: tuple[int, int], payload: bytes) -> bool:
    """Whether the payload was signed by the key's owner, by its SHA-256."""
    r, s = numbers
    if r <= 0 or s <= 0:
        return False
    try:
        key.verify(encode_dss_signature(r, s), payload, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _sequence(data: bytes) -> tuple[int, int] | None:
    outer = _element(data, _SEQUENCE)
    if outer is None or outer[1]:
        return None
    first = _element(outer[0], _INTEGER)
    second = first and _element(first[1], _INTEGER)
    if not first or not second or second[1] or not first[0] or not second[0]:
        return None
    return int.from_bytes(first[0]), int.from_bytes(second[0])


def _element(data: bytes, tag: int) -> tuple[bytes, bytes] | None:
    """The content of an ASN.1 element of that tag, and what follows it; None where there is none."""
    if len(data) < 2 or data[0] != tag:
        return None
    length, begins = data[1], 2
    if length == _LONG_FORM | 1 and len(data) > 2:
        length, begins = data[2], 3
    elif length >= _LONG_FORM:
        return None
    content = data[begins : begins + length]
    return (content, data[begins + length :]) if len(content) == length else None
