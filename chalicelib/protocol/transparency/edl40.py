"""EDL40 of EMH's and eBZ's meters: a signed register as SML, or as the 320 bytes that are signed, in XML.

What is signed is laid out anew from what was told (FNN Lastenheft EDL, "Kundenidentifikation"), so that a byte more or
less than the meter signed makes it invalid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.transparency.signed_records import Occasion, Register, SignedFormat, SignedRecord, SignedRegister
from chalicelib.protocol.transparency import ecdsa, sml
from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported

_LENGTH = 320
_IMPORT = (bytes.fromhex("0100011100ff"), bytes.fromhex("0100010800ff"))
_CONTRACT = bytes.fromhex("8182815401ff")
_PAGE = bytes.fromhex("8180817101ff")
_SECONDS = bytes.fromhex("810060080001")
# ISA's meters answer with entries of their own, and sign them otherwise.
_ISA = bytes.fromhex("8180c7f040ff")
# What a meter that makes good for its cable adds: one after the other, and how long each is.
_ADDED = tuple(
    (bytes.fromhex(name), length)
    for name, length in (
        ("010001110064", 8),
        ("0100011100c8", 8),
        ("00af6c6c72ff", 2),
        ("00af647572ff", 4),
        ("00af707263ff", 2),
    )
)
_LOG, _AT_CAR = slice(39, 41), slice(181, 189)
_WH = 30
# Each number is half a signature; two bytes of the meter's log may follow.
_CURVES = {48: "secp192r1", 64: "secp256r1"}
_LOG_BYTES = 2
_SERVER_BYTES, _CONTRACT_BYTES = 10, 128
_DOCUMENT = re.compile(
    r'(?:<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")? ?\?>)?\s*<signedMeterValue>\s*(.*)</signedMeterValue>',
    re.S | re.ASCII,
)
_ELEMENT = re.compile(
    r"<(publicKey|meterValueSignature|signatureMethod|encodingMethod|encodedMeterValue)"
    r'(?: encoding="base64")?>\s*([^<>\s]*)\s*</\1>\s*',
    re.ASCII,
)
_METHODS = {"ECDSA192SHA256": "secp192r1", "ECDSA256SHA256": "secp256r1"}
# Bits of an EMH eMOC's status that stand elsewhere in what it signs: (there, in the message).
_EMOC_BITS = ((0, 17), (3, 31), (4, 16), (5, 11), (6, 9), (7, 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """What a message tells of what it signs."""

    server_id: bytes
    time_s: int
    status: int
    seconds: int
    page: int
    obis: bytes
    unit: int
    scaler: int
    value: int
    log: bytes
    contract: bytes
    contract_time_s: int
    added: bytes

    def payload(self) -> bytes:
        """The bytes that are signed: numbers with their least byte first, noughts at the end."""
        head = (
            self.server_id
            + self.time_s.to_bytes(4, "little")
            + bytes([self.status])
            + self.seconds.to_bytes(4, "little")
            + self.page.to_bytes(4, "little")
            + self.obis
            + bytes([self.unit])
            + self.scaler.to_bytes(1, "little", signed=True)
            + self.value.to_bytes(8, "little", signed=True)
            + self.log
            + self.contract.ljust(_CONTRACT_BYTES, b"\0")
            + self.contract_time_s.to_bytes(4, "little")
            + self.added
        )
        return head.ljust(_LENGTH, b"\0")


def record(data: bytes, occasion: Occasion) -> SignedRecord:
    """Read a signed register in SML; only whoever handed it on knows the occasion. Raises Malformed, Unsupported."""
    answer = sml.value_list(data)
    seal, log = _split(answer.signature)
    entries = {it.name: it for it in answer.entries}
    if _ISA in entries:
        raise Unsupported("ISA EDL40-P")
    register = next((entries[it] for it in _IMPORT if it in entries), None)
    if register is None:
        raise Malformed("it has no register of what was charged")
    curve = _CURVES[len(seal)]
    status = _number(register.status)
    contract, contract_at = _contract(entries)
    try:
        fields = _Fields(
            server_id=_exactly(answer.server_id, _SERVER_BYTES),
            time_s=_local_time(register.time),
            status=_emoc(status) if curve == "secp256r1" else status & 0xFF,
            seconds=_seconds(entries),
            page=_number(entries[_PAGE].value) if _PAGE in entries else 10,
            obis=register.name,
            unit=_number(register.unit),
            scaler=_number(register.scaler),
            value=_number(register.value),
            log=log or seal[-_LOG_BYTES:],
            contract=contract,
            contract_time_s=contract_at,
            added=b"".join(_added(entries, name, length) for name, length in _ADDED),
        )
        payload = fields.payload()
    except (OverflowError, ValueError) as error:
        raise Malformed("a number is longer than its place") from error
    return _record(payload, ecdsa.signature(seal, curve), curve, occasion)


def record_of_xml(text: str, occasion: Occasion) -> SignedRecord:
    """Read `<signedMeterValue>`, in which what is signed stands as it was. Raises Malformed, Unsupported."""
    document = _DOCUMENT.fullmatch(text.strip())
    if document is None or _ELEMENT.sub("", document[1]):
        raise Malformed("it is no signedMeterValue")
    pairs: list[tuple[str, str]] = _ELEMENT.findall(document[1])
    told = dict(pairs)
    if len(told) != len(pairs):
        raise Malformed("it says something twice")
    if told.get("encodingMethod") != "EDL":
        raise Unsupported(f"encoding {told.get('encodingMethod', 'of nobody')}")
    curve = _METHODS.get(told.get("signatureMethod", ""))
    if curve is None:
        raise Unsupported(f"signature method {told.get('signatureMethod', 'of nobody')}")
    payload = ecdsa.base64_octets(told.get("encodedMeterValue", ""))
    if len(payload) != _LENGTH:
        raise Malformed(f"what is signed is not {_LENGTH} bytes long")
    seal, log = _split(ecdsa.base64_octets(told.get("meterValueSignature", "")))
    if log and log != payload[_LOG]:
        raise Malformed("its log is another than the one that is signed")
    numbers = ecdsa.signature(seal, curve)
    return _record(payload, numbers, curve, occasion, enclosed_key=told.get("publicKey", ""))


def _record(
    payload: bytes, numbers: tuple[int, int], curve: str, occasion: Occasion, *, enclosed_key: str = ""
) -> SignedRecord:
    unit, scaler = payload[29], int.from_bytes(payload[30:31], signed=True)
    if unit != _WH:
        raise Unsupported(f"unit {unit}")
    value = int.from_bytes(payload[31:39], "little", signed=True)
    if value < 0 or abs(scaler) > 12:
        raise Malformed("the register cannot be")
    at_car = int.from_bytes(payload[_AT_CAR], "little")
    register = SignedRegister(
        at=datetime.fromtimestamp(int.from_bytes(payload[10:14], "little"), UTC),
        occasion=occasion,
        register=Register.IMPORT if payload[23:29] in _IMPORT else Register.OTHER,
        energy_wh=Decimal(value).scaleb(scaler),
    )
    return SignedRecord(
        format=SignedFormat.EDL_40,
        payload=payload,
        signature=numbers,
        curve=curve,
        meter=payload[:_SERVER_BYTES].hex().upper(),
        registers=(register, *_made_good(register, at_car, scaler)),
        page=int.from_bytes(payload[19:23], "little"),
        enclosed_key=enclosed_key,
    )


def _made_good(register: SignedRegister, value: int, scaler: int) -> tuple[SignedRegister, ...]:
    """The register less what its cable lost, where the meter makes that good."""
    if not value:
        return ()
    return (replace(register, register=Register.IMPORT_AT_CAR, energy_wh=Decimal(value).scaleb(scaler)),)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """A signature's two numbers, and the log's two bytes where they follow."""
    for length in _CURVES:
        if len(data) == length + _LOG_BYTES:
            return data[:length], data[length:]
        if len(data) == length:
            return data, b""
    raise Malformed("the signature is of no known length")


def _emoc(status: int) -> int:
    return sum(1 << there for there, here in _EMOC_BITS if status >> here & 1)


def _added(entries: Mapping[bytes, sml.Entry], name: bytes, length: int) -> bytes:
    entry = entries.get(name)
    return (_number(entry.value) if entry else 0).to_bytes(length, "little")


def _contract(entries: Mapping[bytes, sml.Entry]) -> tuple[bytes, int]:
    entry = entries.get(_CONTRACT)
    if entry is None or not isinstance(entry.value, bytes):
        raise Malformed("it does not say whose charge it is")
    if len(entry.value) > _CONTRACT_BYTES:
        raise Malformed("whose charge it is takes more room than there is")
    return entry.value, _local_time(entry.time)


def _seconds(entries: Mapping[bytes, sml.Entry]) -> int:
    if _SECONDS not in entries:
        return 708_606 if _PAGE not in entries else 0
    value = entries[_SECONDS].value
    # A list of values that holds a time, which is a choice: (1, (1, seconds)).
    while not isinstance(value, bytes | int) and len(value) == 2:
        value = value[1]
    return _number(value)


def _local_time(value: sml.Value) -> int:
    """Seconds as the meter's own wall clock counts them: what is signed has no zone."""
    if isinstance(value, bytes | int) or len(value) != 2:
        raise Malformed("a time is missing")
    time = value[1]
    if isinstance(time, bytes | int):
        return _number(time)
    return _number(time[0]) + 60 * sum(_number(it) for it in time[1:3])


def _number(value: sml.Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed("a number is missing")
    return value


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise Malformed(f"the meter's id is not {length} bytes long")
    return data
