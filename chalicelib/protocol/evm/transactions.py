"""Transactions of an EVM chain (EIP-1559) that call a contract: how they are written, hashed and signed.

Nothing of Ethereum's is needed for it: RLP and the points of secp256k1 are a page each. Who holds the key is another's
affair: a signer answers `r` and `s` of a digest, and the public key tells the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from chalicelib.domain.data_classes import dataclass
from chalicelib.protocol.evm.keccak import hashed

# secp256k1 (SEC 2, 2.4.1): its field, its order and its generator.
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_TYPE = b"\x02"

Item: TypeAlias = "int | bytes | Sequence[Item]"
Point: TypeAlias = tuple[int, int]
_Sum: TypeAlias = Point | None


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


def signature(digest: bytes, r: int, s: int, key: Point) -> Signature:
    """What a signer said of a digest, completed by its public key: KMS tells no parity, and `s` in either half.

    Raises ValueError where it is not that key's.
    """
    inverse = pow(s, -1, N)
    point = _sum(_times(int.from_bytes(digest, "big") * inverse % N, _G), _times(r * inverse % N, key))
    if point is None or point[0] % N != r:
        raise ValueError("the signature is not that key's")
    parity = point[1] & 1
    return Signature(parity, r, s) if s <= N // 2 else Signature(parity ^ 1, r, N - s)


def _sum(one: _Sum, other: _Sum) -> _Sum:
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


def _times(factor: int, point: _Sum) -> _Sum:
    found: _Sum = None
    while factor:
        if factor & 1:
            found = _sum(found, point)
        point, factor = _sum(point, point), factor >> 1
    return found


def address(key: Point) -> bytes:
    """Where a public key's money lies."""
    return hashed(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractCall:
    """A transaction of EIP-1559 that calls a contract, without money; fees for a unit of gas."""

    chain_id: int
    nonce: int
    tip: int
    most_fee: int
    gas: int
    to: bytes
    data: bytes

    def signed(self, sign: Callable[[bytes], tuple[int, int]], key: Point) -> bytes:
        """As it is sent; `sign` answers `r` and `s` of a digest."""
        body: list[Item] = [self.chain_id, self.nonce, self.tip, self.most_fee, self.gas, self.to, 0, self.data, []]
        digest = hashed(_TYPE + rlp(body))
        made = signature(digest, *sign(digest), key)
        return _TYPE + rlp([*body, made.parity, made.r, made.s])
