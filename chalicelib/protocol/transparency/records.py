"""Reads and checks signed meter values as they came in OCPP messages, whatever their format.

A record is valid only by the key that is known for its meter. A key that came along says at most that nothing was
changed since; a record that cannot be checked is never taken for one that was.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency import Occasion, SignedRecord, Verification
from chalicelib.protocol.transparency import alfen, ecdsa, edl40, ocmf, sml
from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported

# OCPP ReadingContext.
_OCCASIONS = {"Transaction.Begin": Occasion.BEGIN, "Transaction.End": Occasion.END}
# "oca:base16:asn1:30…", as OCA's application note on signed meter values has it for 1.6.
_KEY_PREFIX = "oca:"


def record(value: SignedValue) -> SignedRecord:
    """Read what was signed out of a sampled value. Raises Malformed, Unsupported."""
    sample = json.loads(value.sample)
    signed = sample.get("signedMeterValue")
    told: Mapping[str, Any] = signed if isinstance(signed, dict) else {}
    text = str(told.get("signedMeterData") or sample.get("value") or "").strip()
    found = _read(text, _OCCASIONS.get(value.context, Occasion.BETWEEN))
    key = str(told.get("publicKey") or "")
    return replace(found, enclosed_key=key_text(key)) if key else found


def _read(text: str, occasion: Occasion, depth: int = 0) -> SignedRecord:
    if text.startswith(f"{ocmf.HEADER}|"):
        return ocmf.record(text)
    if text.startswith(f"{alfen.HEADER};"):
        return alfen.record(text, occasion)
    if text.startswith("<"):
        return edl40.record_of_xml(text, occasion)
    data = ecdsa.octets(text)
    if data.startswith(sml.ESCAPE):
        return edl40.record(data, occasion)
    if depth:
        raise Unsupported("what is signed is of no known format")
    try:
        return _read(data.decode().strip(), occasion, depth + 1)
    except UnicodeDecodeError:
        raise Unsupported("what is signed is of no known format") from None


def key_text(told: str) -> str:
    """A public key as it is kept: without the words of how it is written. Raises Malformed."""
    text = told.strip()
    if not text.startswith(_KEY_PREFIX):
        try:
            inner = base64.b64decode(text, validate=True).decode("ascii").strip()
        except (binascii.Error, ValueError):
            return text
        if not inner.startswith(_KEY_PREFIX):
            return text
        text = inner
    parts = text.split(":")
    if len(parts) != 4 or parts[2] != "asn1" or parts[1] not in ("base16", "base64"):
        raise Malformed("the key is written as nobody writes keys")
    return parts[3]


def verification(found: SignedRecord, known_key: str) -> Verification:
    """What checking a record comes to; `known_key` is the one its meter is known by, "" if there is none.

    Raises Unsupported.
    """
    known, enclosed = (_key(text, found.curve) for text in (known_key, found.enclosed_key))
    if not known_key and not found.enclosed_key:
        return Verification.UNKNOWN_KEY
    if found.enclosed_key and (enclosed is None or enclosed != known):
        return Verification.FOREIGN if enclosed and _is_signed(found, enclosed) else Verification.INVALID
    return Verification.VALID if known and _is_signed(found, known) else Verification.INVALID


def _key(text: str, curve: str) -> ecdsa.PublicKey | None:
    try:
        return ecdsa.public_key(text, curve) if text else None
    except Malformed:
        return None


def _is_signed(found: SignedRecord, key: ecdsa.PublicKey) -> bool:
    return ecdsa.is_signed(key, found.signature, found.payload)
