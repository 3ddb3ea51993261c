"""Proofs that an entry is in a log (C2SP tlog-proof): index, hashes up to the root, and the checkpoint that says it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from chalicelib.domain.data_classes import dataclass
from chalicelib.protocol.transparency.checkpoint import BadNote

_HEADER = "c2sp.org/tlog-proof@v1"
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class LogProof:
    """Where an entry stands, what its hash is hashed with, and the signed checkpoint; `extra` proves nothing."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: str
    extra: bytes = b""

    @property
    def text(self) -> str:
        """The proof as it is written."""
        extra = f"extra {base64.b64encode(self.extra).decode()}\n" if self.extra else ""
        hashes = "".join(f"{base64.b64encode(it).decode()}\n" for it in self.hashes)
        return f"{_HEADER}\n{extra}index {self.index}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> LogProof:
        """Read a proof. Raises BadNote."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != _HEADER:
            raise BadNote("it is no proof of a log")
        extra = b""
        if len(lines) > 1 and lines[1].startswith("extra "):
            extra = _bytes(lines.pop(1).removeprefix("extra "))
        told = re.fullmatch(r"index (0|[1-9]\d*)", lines[1]) if len(lines) > 1 else None
        if told is None:
            raise BadNote("it does not say where the entry stands")
        hashes = [_bytes(it) for it in lines[2:]]
        if any(len(it) != _HASH_BYTES for it in hashes):
            raise BadNote("a hash of it is none")
        return cls(int(told[1]), hashes, checkpoint, extra)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("it is no base64") from None
