"""Ports of an EVM chain: a node that is asked, and a key that signs."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its number, what a unit of gas costs in it at the least, and its time in seconds."""

    number: int
    base_fee: int
    at_s: int


class ChainNode(Protocol):
    """A node of one chain. Every call may be repeated; each raises ChainUnavailable where it is not answered."""

    def block(self, number: int | None = None) -> Block:
        """A block; None: the newest."""

    def call(self, to: bytes, data: bytes, block: int) -> bytes:
        """What a contract answers, as of that block."""

    def sent_by(self, address: bytes, block: int | None = None) -> int:
        """How many transactions of an address are in the chain as of that block (None: the newest): its next nonce."""

    def balance(self, address: bytes) -> int:
        """What an address has by now, in the chain's smallest unit."""

    def tip(self) -> int:
        """What is usually paid beyond the base fee, for a unit of gas."""

    def gas(self, by: bytes, to: bytes, data: bytes) -> int:
        """What a call would take. Raises ChainUnavailable, too, where the contract would refuse it."""

    def send(self, raw: bytes) -> bool:
        """Hand a signed transaction in; False where the node would not have it, be it because it has it already."""


class ChainKey(Protocol):
    """Whoever holds the key that settles."""

    @property
    def point(self) -> tuple[int, int]:
        """The public key, a point of secp256k1."""

    def sign(self, digest: bytes) -> tuple[int, int]:
        """`r` and `s` of an ECDSA signature of a digest, `s` in either half."""
