"""Open Charge Metering Format 0.5 to 1.4: `OCMF|payload|signature`.

The payload is signed as it stands, to the letter; readings leave out what is as it was in the reading before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from chalicelib.domain.transparency.signed_records import Occasion, Register, SignedFormat, SignedRecord, SignedRegister
from chalicelib.protocol.transparency import ecdsa
from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported

HEADER = "OCMF"
_DEFAULT_ALGORITHM = "ECDSA-secp256r1-SHA256"
_CURVES = {
    "secp192k1": "secp192k1",
    "secp192r1": "secp192r1",
    "secp256k1": "secp256k1",
    "secp256r1": "secp256r1",
    "secp384r1": "secp384r1",
    "brainpool256r1": "brainpoolP256r1",
    "brainpoolP256r1": "brainpoolP256r1",
    "brainpool384r1": "brainpoolP384r1",
    "brainpoolP384r1": "brainpoolP384r1",
}
_SIGNATURE_KEYS = ("SA", "SE", "SM", "SD")
# Reserved for makers, and for whoever hands the record on.
_EXTENSIONS = "UVWXYZABCDEF"
_OCCASIONS = dict.fromkeys("ELRAP", Occasion.END) | {
    "B": Occasion.BEGIN,
    "C": Occasion.BETWEEN,
    "S": Occasion.BETWEEN,
    "T": Occasion.BETWEEN,
    "X": Occasion.FAILED,
}
_WH = {"kwh": Decimal(1000), "wh": Decimal(1)}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[,.](\d{3})\s?([+-]\d\d:?\d\d|Z)(?: ([UISR]))?")
_OBIS = re.compile(
    r"[0-9a-f]{1,3}-[0-9a-f]{1,2}:([0-9a-f]{1,2})\.0?([0-9a-f]{1,2})\.([0-9a-f]{1,2})(?:[.*&]([0-9a-f]+))?"
)
# IEC 62056-6-1 and OCMF 1.4, table 25; 98.8.0, and 1.8.0 with 198, are makers' words for a charge's own register.
_REGISTERS = {
    "1": Register.IMPORT,
    "b0": Register.IMPORT,
    "b1": Register.IMPORT_AT_CAR,
    "b2": Register.IMPORT_OF_CHARGE,
    "98": Register.IMPORT_OF_CHARGE,
    "b3": Register.IMPORT_OF_CHARGE_AT_CAR,
    "2": Register.EXPORT,
    "c0": Register.EXPORT,
    "c1": Register.EXPORT,
    "c2": Register.EXPORT,
    "c3": Register.EXPORT,
}
_ENERGY, _OF_CHARGE = "8", ("198", "100")
_GOOD = "G"


def record(text: str) -> SignedRecord:
    """Read a signed record. Raises Malformed, Unsupported (by the name of what is)."""
    parts = text.strip().split("|")
    if len(parts) not in (3, 4) or parts[0] != HEADER:
        raise Malformed("it is not OCMF|payload|signature")
    payload, seal = _object(parts[1], "payload"), _object(parts[2], "signature")
    _check_version(payload.get("FV"))
    curve = _curve(seal)
    return SignedRecord(
        format=SignedFormat.OCMF,
        payload=parts[1].encode(),
        signature=_signature(seal, curve),
        curve=curve,
        meter=_meter(payload),
        registers=tuple(_registers(payload.get("RD"))),
        page=_page(payload.get("PG")),
        enclosed_key=parts[3].strip() if len(parts) > 3 else "",
    )


def _object(text: str, what: str) -> Mapping[str, Any]:
    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Malformed(f"the {what} says something twice")
        return found

    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError):
        raise Malformed(f"the {what} is no JSON") from None
    if not isinstance(found, dict):
        raise Malformed(f"the {what} is no JSON object")
    return found


def _check_version(told: object) -> None:
    major, _, minor = str(told or "1.0").partition(".")
    if not (major.isdigit() and minor.isdigit()):
        raise Malformed("FV is no version")
    if major not in ("0", "1"):
        raise Unsupported(f"OCMF {told}")


def _curve(seal: Mapping[str, Any]) -> str:
    extensions = [key for key in seal if key not in _SIGNATURE_KEYS]
    if any(key[:1] not in _EXTENSIONS or str(seal[key]).startswith("ECDSA-") for key in extensions):
        raise Malformed("the signature says what no signature can")
    if seal.get("SM", "application/x-der") != "application/x-der":
        raise Unsupported(f"signature of type {seal['SM']}")
    algorithm = str(seal.get("SA", _DEFAULT_ALGORITHM))
    kind, _, rest = algorithm.partition("-")
    name, _, digest = rest.partition("-")
    if kind != "ECDSA" or digest != "SHA256" or name not in _CURVES:
        raise Unsupported(f"algorithm {algorithm}")
    return _CURVES[name]


def _signature(seal: Mapping[str, Any], curve: str) -> tuple[int, int]:
    encoding, data = seal.get("SE", "hex"), seal.get("SD")
    if encoding not in ("hex", "base64"):
        raise Unsupported(f"signature in {encoding}")
    if not isinstance(data, str):
        raise Malformed("SD is missing")
    return ecdsa.signature(ecdsa.octets(data), curve)


def _meter(payload: Mapping[str, Any]) -> str:
    """By its serial; one gateway may sign for several meters."""
    found = "/".join(str(payload[it]) for it in ("GS", "MS") if payload.get(it))
    if not found:
        raise Malformed("neither GS nor MS says whose record it is")
    return found


def _page(told: object) -> int | None:
    """Fiscal records (F) are counted apart, and belong to no charge."""
    text = str(told or "")
    if not re.fullmatch(r"[TF]\d{1,18}", text):
        raise Malformed("PG is no page")
    return int(text[1:]) if text.startswith("T") else None


def _registers(told: object) -> Sequence[SignedRegister]:
    if not isinstance(told, list):
        raise Malformed("RD is missing")
    found: list[SignedRegister] = []
    whole: dict[str, Any] = {}
    for index, reading in enumerate(told):
        if not isinstance(reading, dict):
            raise Malformed(f"RD[{index}] is no reading")
        # An error counts for the reading that tells it, and for all after it that do not take it back.
        whole |= reading
        unit = _WH.get(str(whole.get("RU")).lower())
        if "RV" in whole and unit is not None:
            found.append(_register(whole, unit, index))
    if not found:
        raise Malformed("RD has no energy")
    return found


def _register(reading: Mapping[str, Any], unit: Decimal, index: int) -> SignedRegister:
    try:
        value = Decimal(str(reading["RV"]).strip())
    except InvalidOperation:
        raise Malformed(f"RD[{index}].RV is no number") from None
    if not value.is_finite() or value < 0:
        raise Malformed(f"RD[{index}].RV cannot be")
    at, status = _time(reading.get("TM"), index)
    occasion = str(reading.get("TX") or "")
    if occasion and occasion not in _OCCASIONS:
        raise Malformed(f"RD[{index}].TX is no occasion")
    return SignedRegister(
        at=at,
        occasion=_OCCASIONS.get(occasion, Occasion.NONE),
        register=_kind(str(reading.get("RI") or "1-0:1.8.0")),
        energy_wh=value * unit,
        is_usable="E" not in str(reading.get("EF") or "") and reading.get("ST", _GOOD) == _GOOD,
        is_timed=status == "S",
    )


def _time(told: object, index: int) -> tuple[datetime, str]:
    match = _TIME.fullmatch(str(told or "").strip())
    if match is None:
        raise Malformed(f"RD[{index}].TM is no time")
    moment, milliseconds, zone, status = match.groups()
    try:
        return datetime.fromisoformat(f"{moment}.{milliseconds}{zone}"), status or "U"
    except ValueError:
        raise Malformed(f"RD[{index}].TM is no time") from None


def _kind(obis: str) -> Register:
    match = _OBIS.fullmatch(obis.strip().lower())
    if match is None:
        return Register.OTHER
    quantity, kind, _, storage = match.groups()
    register = _REGISTERS.get(quantity.lstrip("0"), Register.OTHER)
    if kind != _ENERGY:
        return Register.OTHER
    return Register.IMPORT_OF_CHARGE if register is Register.IMPORT and storage in _OF_CHARGE else register
