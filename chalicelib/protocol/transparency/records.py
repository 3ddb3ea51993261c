"""Reads and checks signed meter values as they came in OCPP messages, whatever their format.

A record is valid only by the key that is known for its meter. A key that came along says at most that nothing was
changed since; a record that cannot be checked is never taken for one that was.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency.signed_records import Occasion, SignedRecord, Verification
from chalicelib.protocol.transparency import alfen, ecdsa, edl40, ocmf, sml
from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported

# OCPP ReadingContext.
_OCCASIONS = {"Transaction.Begin": Occasion.BEGIN, "Transaction.End": Occasion.END}
# "oca:base16:asn1:30…", as OCA's application note on signed meter values has it for 1.6.
_KEY_PREFIX = "oca:"
_NO_DIGIT = re.compile(r"0x|[^0-9a-f]")


_PLAIN = (f"{ocmf.HEADER}|", f"{alfen.HEADER};", "<")


def record(value: SignedValue) -> SignedRecord:
    """Read what was signed out of a sampled value. Raises Malformed, Unsupported."""
    text, is_plain = text_of(value)
    found = _read(text, is_plain=is_plain, occasion=_OCCASIONS.get(value.context, Occasion.BETWEEN))
    key = str(_signed_of(json.loads(value.sample)).get("publicKey") or "")
    return replace(found, enclosed_key=key_text(key)) if key else found


def text_of(value: SignedValue) -> tuple[str, bool]:
    """What was signed as its format writes it, and whether that is text; else it is bytes, as hexadecimal or base64.

    OCPP 2.x has text in base64 too.
    """
    sample = json.loads(value.sample)
    told = str(_signed_of(sample).get("signedMeterData") or sample.get("value") or "").strip()
    if told.startswith(_PLAIN):
        return told, True
    try:
        inner = ecdsa.octets(told).decode().strip()
    except (Malformed, UnicodeDecodeError):
        return told, False
    return (inner, True) if inner.startswith(_PLAIN) else (told, False)


def _signed_of(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    """OCPP 2.x's SignedMeterValueType; in 1.6 it is the value itself, as JSON (OCA's application note, 3.2.1)."""
    signed = sample.get("signedMeterValue")
    if signed is None and str(sample.get("value")).lstrip().startswith("{"):
        try:
            signed = json.loads(sample["value"])
        except (ValueError, RecursionError):
            return {}
    return signed if isinstance(signed, dict) else {}


def _read(text: str, *, is_plain: bool, occasion: Occasion) -> SignedRecord:
    if not is_plain:
        data = ecdsa.octets(text)
        if data.startswith(sml.ESCAPE):
            return edl40.record(data, occasion)
        raise Unsupported("what is signed is of no known format")
    if text.startswith("<"):
        return edl40.record_of_xml(text, occasion)
    return ocmf.record(text) if text.startswith(ocmf.HEADER) else alfen.record(text, occasion)


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
    parts = text.split(":", 3)
    if len(parts) != 4 or parts[2] != "asn1" or parts[1] not in ("base16", "base64"):
        raise Malformed("the key is written as nobody writes keys")
    if parts[1] == "base64":
        return parts[3]
    # As it is printed on the meter: what is no digit does not count, nor does 0x.
    return _NO_DIGIT.sub("", parts[3].lower())


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


def is_public_key(text: str) -> bool:
    """Whether a text is a public key of any curve that can be checked here."""
    return _any_key(text) is not None


def is_same_key(one: str, other: str) -> bool:
    """Whether two texts are the same public key, however written."""
    found = _any_key(one)
    return one == other or (found is not None and found == _any_key(other))


def _any_key(text: str) -> ecdsa.PublicKey | None:
    for curve in ecdsa.CURVES:
        try:
            return ecdsa.public_key(key_text(text), curve)
        except Malformed:
            continue
    return None
