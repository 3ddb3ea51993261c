"""Alfen's signed meter values: `AP;type;version;key;data;signature;`, each part in base32.

The key is part of what is told and proves nothing; it is compared with the one that is known for the meter.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from decimal import Decimal

from chalicelib.domain.transparency.signed_records import Occasion, Register, SignedFormat, SignedRecord, SignedRegister
from chalicelib.protocol.transparency import ecdsa
from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported

HEADER = "AP"
_OCCASIONS = {"0": Occasion.BEGIN, "1": Occasion.END, "2": Occasion.BETWEEN}
_LENGTH, _CURVE, _WH = 82, "secp192r1", 30
_COMPRESSED_POINT = 25
_IMPORT = bytes.fromhex("0100010800ff")
_VERSION = "3"
# Of the status: the meter's errors, the adapter's, and a begin that is not the one before's end.
_ERRORS = sum(1 << bit for bit in (1, 2, 16, 26, 30, 31))


def record(text: str, occasion: Occasion) -> SignedRecord:
    """Read a signed record. Its type is not signed: it must not gainsay the occasion. Raises Malformed, Unsupported."""
    parts = text.strip().removesuffix(";").split(";")
    if len(parts) != 6 or parts[0] != HEADER or parts[1] not in _OCCASIONS:
        raise Malformed("it is not AP;type;version;key;data;signature")
    if occasion is not Occasion.BETWEEN and _OCCASIONS[parts[1]] not in (occasion, Occasion.BETWEEN):
        raise Malformed(f"its type is {parts[1]}, and it came as the {occasion} of a charge")
    if parts[2] != _VERSION:
        raise Unsupported(f"Alfen's version {parts[2]}")
    key, data, seal = (_decoded(parts[index], name) for index, name in ((3, "key"), (4, "data"), (5, "signature")))
    if len(key) != _COMPRESSED_POINT or len(data) != _LENGTH:
        raise Malformed("its key or its data are not as long as they must be")
    unit, scaler, value = data[44], int.from_bytes(data[45:46], signed=True), int.from_bytes(data[46:54], "little")
    if unit != _WH or data[38:44] != _IMPORT:
        raise Unsupported(f"register {data[38:44].hex()} in unit {unit}")
    if abs(scaler) > 12:
        raise Malformed("the register cannot be")
    register = SignedRegister(
        at=datetime.fromtimestamp(int.from_bytes(data[34:38], "little"), UTC),
        occasion=_OCCASIONS[parts[1]],
        register=Register.IMPORT,
        energy_wh=Decimal(value).scaleb(scaler),
        is_usable=not int.from_bytes(data[26:30], "little") & _ERRORS,
    )
    return SignedRecord(
        format=SignedFormat.ALFEN,
        payload=data,
        signature=ecdsa.signature(seal, _CURVE),
        curve=_CURVE,
        meter=f"{data[:10].hex()}/{data[16:26].hex()}",
        registers=(register,),
        page=int.from_bytes(data[78:82], "little"),
        charge=data[74:78].hex(),
        enclosed_key=key.hex(),
    )


def _decoded(text: str, what: str) -> bytes:
    try:
        found = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise Malformed(f"its {what} is no base32") from None
    if base64.b32encode(found).decode().rstrip("=") != text.rstrip("="):
        raise Malformed(f"its {what} is no proper base32")
    return found
