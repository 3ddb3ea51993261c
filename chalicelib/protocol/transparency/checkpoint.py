"""Checkpoints of a log (C2SP tlog-checkpoint): signed notes that say how long it is and what its root is.

A signature counts by the name and the id of a key that is known; those of unknown keys are left alone, and one of a
known key that is wrong spoils the note.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chalicelib.domain.data_classes import dataclass

ED25519, COSIGNATURE = 0x01, 0x04
_DASH = "— "
_MOST_SIGNATURES = 64
_NAME = re.compile(r"[^\s+]+")
_STAMP_BYTES, _ID_BYTES, _HASH_BYTES = 8, 4, 32
# c2sp.org/tlog-cosignature: of a checkpoint none is without a time, nor beyond 63 bits.
_LAST_STAMP = (1 << 63) - 1


class BadNote(ValueError):
    """A note that cannot be read, or is not signed as it must be; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """Somebody's public key (Ed25519, 32 bytes) by their name; of a log, or of a witness (`COSIGNATURE`)."""

    name: str
    key: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """By which a signature says whose it is, beside the name."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text, as verifiers are given it."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.key)}"

    @classmethod
    def parse(cls, vkey: str) -> NoteKey:
        """Read a key. Raises BadNote."""
        name, _, rest = vkey.strip().partition("+")
        told_id, _, encoded = rest.partition("+")
        data = _bytes(encoded)
        found = cls(name, data[1:], data[0] if data else 0)
        if found.kind not in (ED25519, COSIGNATURE) or len(found.key) != _HASH_BYTES or not _NAME.fullmatch(name):
            raise BadNote("the key is of no kind that is known here")
        if found.key_id.hex() != told_id:
            raise BadNote("the key's id is another's")
        return found

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Whether the signature is this key's, of that text; a witness signs when it saw it, too."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) <= _STAMP_BYTES:
                return False
            stamp, signature = int.from_bytes(signature[:_STAMP_BYTES]), signature[_STAMP_BYTES:]
            if not 0 < stamp <= _LAST_STAMP:
                return False
            message = f"cosignature/v1\ntime {stamp}\n".encode() + message
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many entries a log has, and the root of their tree; `origin` is the log's name."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    def signed(self, key: NoteKey, sign: Callable[[bytes], bytes]) -> str:
        """The note, signed by the log."""
        return f"{self.text}\n{line(key, sign(self.text.encode()))}"


def line(key: NoteKey, signature: bytes) -> str:
    """A signature as a line of a note."""
    return f"{_DASH}{key.name} {_base64(key.key_id + signature)}\n"


def opened(note: str, keys: Iterable[NoteKey]) -> tuple[Checkpoint, Sequence[NoteKey]]:
    """The checkpoint of a note, and which of the keys have signed it. Raises BadNote, also where none has."""
    text, separator, lines = note.rpartition("\n\n")
    if not separator or any(ord(it) < 0x20 and it != "\n" for it in note):
        raise BadNote("it is no signed note")
    text += "\n"
    known = {(it.name, it.key_id): it for it in keys}
    told = lines.removesuffix("\n").split("\n")
    if len(told) > _MOST_SIGNATURES:
        raise BadNote("it has more signatures than anybody needs")
    signers: list[NoteKey] = []
    for each in told:
        name, _, encoded = each.removeprefix(_DASH).partition(" ")
        data = _bytes(encoded)
        if not each.startswith(_DASH) or len(data) <= _ID_BYTES:
            raise BadNote("a line of its signatures is none")
        key = known.get((name, data[:_ID_BYTES]))
        if key is None:
            continue
        if not key.has_signed(text, data[_ID_BYTES:]):
            raise BadNote(f"{name} did not sign it")
        signers.append(key)
    if not signers:
        raise BadNote("nobody who is known has signed it")
    return _checkpoint(text), signers


def told(note: str) -> Checkpoint:
    """What a note says, whoever signed it: for one of our own. Raises BadNote."""
    return _checkpoint(note.rpartition("\n\n")[0] + "\n")


def _checkpoint(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:3]) or not re.fullmatch(r"0|[1-9]\d*", lines[1]):
        raise BadNote("it is no checkpoint")
    root = _bytes(lines[2])
    if len(root) != _HASH_BYTES:
        raise BadNote("its root is no hash")
    return Checkpoint(lines[0], int(lines[1]), root)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("it is no base64") from None
    if _base64(data) != text:
        raise BadNote("it is base64 with bits to spare")
    return data
