"""An operator's transaction as a function of ours could make it: with what ships already, and nothing of Ethereum's.

Keccak-256 and RLP of the standard library, a signature by `cryptography`. It says that escrows on chain need no new
dependency (docs/adr/0051-escrow-on-chain.md); the tests' own libraries say that it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

# secp256k1 (SEC 2, 2.4.1): its field, its order and its generator.
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_RATE = 136
_LANE = 2**64 - 1
_TURNS = ((0, 36, 3, 41, 18), (1, 44, 10, 45, 2), (62, 6, 43, 15, 61), (28, 55, 25, 21, 56), (27, 20, 39, 8, 14))
_TYPE = b"\x02"

Item: TypeAlias = "int | bytes | Sequence[Item]"
Point: TypeAlias = tuple[int, int] | None


def _constants() -> list[int]:
    found, register = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            constant |= (register & 1) << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


_CONSTANTS = _constants()


def hashed(message: bytes) -> bytes:
    """Keccak-256, which is SHA3-256 but for its padding: `hashlib` does not have it."""
    padded = bytearray(message + b"\x01" + bytes(-(len(message) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            lanes[i] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        for constant in _CONSTANTS:
            lanes = _round(lanes, constant)
    return b"".join(it.to_bytes(8, "little") for it in lanes[:4])


def _round(lanes: list[int], constant: int) -> list[int]:
    columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
    mixed = [columns[x - 1] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
    moved = [0] * 25
    for x in range(5):
        for y in range(5):
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = _turned(lanes[x + 5 * y] ^ mixed[x], _TURNS[x][y])
    rows = [i - i % 5 for i in range(25)]
    after = [moved[i] ^ (~moved[row + (i + 1) % 5] & moved[row + (i + 2) % 5] & _LANE) for i, row in enumerate(rows)]
    after[0] ^= constant
    return after


def _turned(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _LANE


def rlp(item: Item) -> bytes:
    """Recursive length prefix: whole numbers, bytes, and lists of them."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _headed(item, 0x80)
    return _headed(b"".join(rlp(it) for it in item), 0xC0)


def _headed(body: bytes, base: int) -> bytes:
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length + body


@dataclass(frozen=True, slots=True)
class Signature:
    """As a chain wants it: `s` in the lower half, and which of the two points with that `r` it is of."""

    parity: int
    r: int
    s: int


def signature(digest: bytes, der: bytes, key: tuple[int, int]) -> Signature:
    """A DER signature (what KMS answers) of a digest, by a public key whose point is known."""
    r, s = decode_dss_signature(der)
    inverse = pow(s, -1, N)
    point = _sum(_times(int.from_bytes(digest, "big") * inverse % N, _G), _times(r * inverse % N, key))
    if point is None or point[0] % N != r:
        raise ValueError("it is not that key's")
    parity = point[1] & 1
    return Signature(parity, r, s) if s <= N // 2 else Signature(parity ^ 1, r, N - s)


def _sum(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return other if one is None else one
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = 3 * one[0] * one[0] * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(factor: int, point: Point) -> Point:
    found: Point = None
    while factor:
        if factor & 1:
            found = _sum(found, point)
        point, factor = _sum(point, point), factor >> 1
    return found


def address(key: tuple[int, int]) -> bytes:
    """Where a public key's money lies."""
    return hashed(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A transaction of EIP-1559 that calls a contract, without money."""

    chain_id: int
    nonce: int
    tip: int
    most_fee: int
    gas: int
    to: bytes
    data: bytes

    def signed(self, sign: Callable[[bytes], bytes], key: tuple[int, int]) -> bytes:
        """As it is sent; `sign` makes a DER signature of a digest."""
        body: list[Item] = [self.chain_id, self.nonce, self.tip, self.most_fee, self.gas, self.to, 0, self.data, []]
        digest = hashed(_TYPE + rlp(body))
        made = signature(digest, sign(digest), key)
        return _TYPE + rlp([*body, made.parity, made.r, made.s])
