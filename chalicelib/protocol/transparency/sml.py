"""Smart Message Language (BSI TR-03109-1, annex IV): what a meter's message is made of, as far as EDL40 needs it.

A value is bytes, a whole number, or a list of values. Lengths are believed only as far as there are bytes, and a
transmission whose checksum is another is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chalicelib.domain.data_classes import dataclass
from chalicelib.protocol.transparency.ecdsa import Malformed

Value = bytes | int | bool | Sequence["Value"]

ESCAPE = b"\x1b\x1b\x1b\x1b"
_BEGIN = ESCAPE + b"\x01\x01\x01\x01"
_END = ESCAPE + b"\x1a"
_GET_LIST_RESPONSE = 0x0701
_OCTETS, _BOOLEAN, _INTEGER, _UNSIGNED, _LIST = 0x00, 0x40, 0x50, 0x60, 0x70
_MORE, _KIND, _LENGTH = 0x80, 0x70, 0x0F
_DEEPEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a list of values: what is measured (OBIS, six bytes), and what stands beside it."""

    name: bytes
    status: Value
    time: Value
    unit: Value
    scaler: Value
    value: Value


@dataclass(frozen=True, slots=True)
class ValueList:
    """A meter's answer: the server it is of, its entries, and its signature."""

    server_id: bytes
    entries: tuple[Entry, ...]
    signature: bytes


def value_list(data: bytes) -> ValueList:
    """The first list of values in a transmission. Raises Malformed."""
    for message in _messages(_unescaped(data)):
        body = _at(message, 3)
        if _at(body, 0) == _GET_LIST_RESPONSE:
            answer = _at(body, 1)
            return ValueList(_bytes(_at(answer, 1)), tuple(_entries(_at(answer, 4))), _bytes(_at(answer, 5)))
    raise Malformed("there is no list of values in it")


def _unescaped(data: bytes) -> bytes:
    if not data.startswith(_BEGIN):
        raise Malformed("it does not begin as SML")
    found, position = bytearray(), len(_BEGIN)
    while position < len(data):
        if data.startswith(_END, position):
            _check(data, position + len(_END))
            return bytes(found)
        if data.startswith(ESCAPE, position):
            if not data.startswith(ESCAPE, position + 4):
                raise Malformed("it escapes what need not be")
            position += 4
        found.append(data[position])
        position += 1
    raise Malformed("it is cut off")


def _check(data: bytes, ends: int) -> None:
    """Its last bytes: how many noughts were filled in, and a checksum of all before."""
    told = data[ends + 1 :]
    if len(told) != 2 or int.from_bytes(told, "little") != crc16(data[: ends + 1]):
        raise Malformed("its checksum is another")


def crc16(data: bytes) -> int:
    """The checksum at a transmission's end: CRC-16/X-25 (ISO/IEC 13239)."""
    found = 0xFFFF
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = found >> 1 ^ (0x8408 if found & 1 else 0)
    return found ^ 0xFFFF


def _messages(data: bytes) -> Iterator[Value]:
    position = 0
    while position < len(data):
        if data[position] == 0:
            position += 1
            continue
        message, position = _value(data, position, 0)
        yield message


def _value(data: bytes, position: int, depth: int) -> tuple[Value, int]:
    if depth > _DEEPEST:
        raise Malformed("its lists go too deep")
    kind, length, begins = _head(data, position)
    if kind == _LIST:
        found: list[Value] = []
        for _ in range(length):
            item, begins = _value(data, begins, depth + 1)
            found.append(item)
        return found, begins
    ends = position + length
    if ends < begins or ends > len(data):
        raise Malformed("it is cut off")
    content = data[begins:ends]
    if kind == _OCTETS:
        return content, ends
    if kind == _BOOLEAN:
        return content != b"\0", ends
    if kind in (_INTEGER, _UNSIGNED) and content:
        return int.from_bytes(content, signed=kind == _INTEGER), ends
    raise Malformed(f"it has a value of kind {kind:#x}")


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """A value's kind, its length (of a list: how many), and where its content begins. The end of a message is b""."""
    if position >= len(data):
        raise Malformed("it is cut off")
    first = data[position]
    kind, length = first & _KIND, first & _LENGTH
    while data[position] & _MORE:
        position += 1
        if position >= len(data) or length > len(data):
            raise Malformed("it is cut off")
        length = length << 4 | data[position] & _LENGTH
    return kind, max(length, 1) if kind != _LIST else length, position + 1


def _at(value: Value, index: int) -> Value:
    if isinstance(value, bytes | int) or index >= len(value):
        raise Malformed("it is no message of a meter's")
    return value[index]


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("it is no message of a meter's")
    return value


def _entries(value: Value) -> Iterator[Entry]:
    if isinstance(value, bytes | int):
        raise Malformed("it has no entries")
    for entry in value:
        yield Entry(
            name=_bytes(_at(entry, 0)),
            status=_at(entry, 1),
            time=_at(entry, 2),
            unit=_at(entry, 3),
            scaler=_at(entry, 4),
            value=_at(entry, 5),
        )
