"""Checks a proof that a settled charge is in the log, offline and from first principles: read it before you trust it.

It needs Python, `cryptography` for Ed25519, and of Kerb only `chalicelib.domain.pricing`, to work the bill out again. A
proof (c2sp.org/tlog-proof) says where an entry stands, what its hash is hashed with up to the root of the tree, and a
signed checkpoint with that root; its extra line opens the hashes in the entry. docs/proof.md explains all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chalicelib.domain.pricing.plain import read
from chalicelib.domain.pricing.settled import SettledBill

LOG, WITNESS = 0x01, 0x04  # kinds of keys: c2sp.org/signed-note, "Signature types"
CHARGE, INVOICE = ("facts", "bill", "signed"), ("paper",)
HEADERS = {CHARGE: "kerb-settled/v1", INVOICE: "kerb-invoice/v1"}
HASH, STAMP = 32, 8  # bytes
EMPTY = hashlib.sha256().digest()  # the root of a log without entries


class Refused(Exception):
    """It proves nothing; the message says why."""


@dataclass(frozen=True)
class Key:
    """A verifier key, `name+id+base64(kind, key)`: the log's, or a witness's."""

    name: str
    kind: int
    key: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Key:
        name, _, rest = text.strip().partition("+")
        told_id, _, encoded = rest.partition("+")
        data = _base64(encoded)
        found = cls(name, data[0] if data else 0, data[1:])
        if found.kind not in (LOG, WITNESS) or len(found.key) != HASH or not re.fullmatch(r"[^\s+]+", name):
            raise Refused(f"{text!r} is no Ed25519 verifier key")
        if found.id.hex() != told_id:
            raise Refused(f"the key of {name} has another id than it says: it was copied wrongly")
        return found

    def signed(self, text: bytes, signature: bytes) -> bool:
        if self.kind == WITNESS:  # c2sp.org/tlog-cosignature: a witness signs when it saw it
            stamp, signature = int.from_bytes(signature[:STAMP]), signature[STAMP:]
            if not 0 < stamp < 1 << 63:
                return False
            text = f"cosignature/v1\ntime {stamp}\n".encode() + text
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Checkpoint:
    """How many entries the log has, and the root of their tree; `signers` are those known keys that signed it."""

    origin: str
    size: int
    root: bytes
    signers: tuple[Key, ...]

    @classmethod
    def parse(cls, note: str, log: Key, witnesses: Sequence[Key] = ()) -> Checkpoint:
        """c2sp.org/signed-note and tlog-checkpoint: signed by the log, and by nobody known wrongly."""
        body, _, signatures = note.rpartition("\n\n")
        if not body or not note.endswith("\n") or any(ord(it) < 0x20 and it != "\n" for it in note):
            raise Refused("the checkpoint is no signed note")
        known = {(it.name, it.id): it for it in (log, *witnesses)}
        signers: list[Key] = []
        for line in signatures[:-1].split("\n"):
            dash, name, encoded = line.split(" ") if line.count(" ") == 2 else ("", "", "")
            data = _base64(encoded)
            if dash != "—" or len(data) < 5:
                raise Refused("a signature line of the checkpoint is none")
            if (key := known.get((name, data[:4]))) is not None:
                if not key.signed(f"{body}\n".encode(), data[4:]):
                    raise Refused(f"the signature of {name} is wrong: the checkpoint was changed, or it is another's")
                signers.append(key)
        if log not in signers:
            raise Refused(f"the checkpoint is not signed by the log's key, {log.name}+{log.id.hex()}")
        origin, size, root, *more = (*(lines := body.split("\n")), *[""] * (3 - len(lines)))
        is_read = re.fullmatch(r"0|[1-9][0-9]{0,17}", size) and len(_base64(root)) == HASH and all(more)
        if origin != log.name or not is_read or (size == "0" and _base64(root) != EMPTY):
            raise Refused("the checkpoint is of another log, or none")
        return cls(origin, int(size), _base64(root), tuple(signers))


@dataclass(frozen=True)
class Proof:
    """A .tlog-proof as it is written."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes

    @classmethod
    def parse(cls, text: str) -> Proof:
        head, found, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if not found or first != "c2sp.org/tlog-proof@v1":
            raise Refused("it is no c2sp.org/tlog-proof@v1")
        extra = _base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
        index = re.fullmatch(r"index (0|[1-9][0-9]{0,17})", lines.pop(0) if lines else "")
        hashes = tuple(_base64(it) for it in lines)
        if index is None or any(len(it) != HASH for it in hashes):
            raise Refused("it does not say where the entry stands, or a hash is none")
        return cls(int(index[1]), hashes, note, extra)

    def opened(self) -> Mapping[str, Mapping[str, str]]:
        """The texts and salts of the extra line. Nothing vouches for them until their hashes are found in the entry."""
        try:
            shown = json.loads(self.extra)
            parts = INVOICE if INVOICE[0] in shown else CHARGE
            return {it: {what: str(shown[it][what]) for what in ("salt", "text")} for it in parts}
        except (ValueError, TypeError, KeyError):
            raise Refused("its extra line opens neither facts, bill and signed values nor an invoice") from None


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def entry_of(opened: Mapping[str, Mapping[str, str]]) -> bytes:
    """The entry as it must stand in the log: SHA-256 of salt and text, a line for each part."""
    lines = [f"{HEADERS[tuple(opened)]}\n"]
    for it in opened:
        salt = _base64(opened[it]["salt"])
        if len(salt) != HASH:
            raise Refused(f"the salt of {it} is none")
        digest = hashlib.sha256(salt + opened[it]["text"].encode()).digest()
        lines.append(f"{it} {base64.b64encode(digest).decode()}\n")
    return "".join(lines).encode()


def _roots(fn: int, sn: int, leaf: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The walk up the tree of RFC 9162: to the root of as many entries as `fn` stands for, and to that of all."""
    fr = sr = leaf
    for it in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            fr, sr = node_hash(it, fr), node_hash(it, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, it)
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr) if sn == 0 else None


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    roots = _roots(index, size - 1, leaf, proof) if 0 <= index < size else None
    return roots is not None and roots[1] == root


def is_consistent(first: Checkpoint, second: Checkpoint, proof: Sequence[bytes]) -> bool:
    """Whether the second only adds to the first: RFC 9162, section 2.1.4.2."""
    if first.size in (0, second.size):
        return not proof and first.root == (second.root if first.size else EMPTY)
    if first.size > second.size or not proof:
        return False
    path = [first.root, *proof] if first.size & (first.size - 1) == 0 else list(proof)
    fn, sn = first.size - 1, second.size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return _roots(fn, sn, path[0], path[1:]) == (first.root, second.root)


@dataclass(frozen=True)
class Verdict:
    """What a proof shows: the charge, the log's state, and in words what is proven and what is not."""

    facts: Mapping[str, Any]
    checkpoint: Checkpoint
    proven: tuple[str, ...]
    open: tuple[str, ...]


def included(text: str, log: Key, witnesses: Sequence[Key] = ()) -> tuple[Checkpoint, Mapping[str, Any], list[str]]:
    """The state that log and witnesses signed, the parts that are in it, and what that proves. Raises Refused."""
    if (log.kind, *(it.kind for it in witnesses)) != (LOG, *(WITNESS for _ in witnesses)):
        raise Refused("a log's key is for --key, and a witness's for --witness")
    proof = Proof.parse(text)
    checkpoint = Checkpoint.parse(proof.note, log, witnesses)
    if missing := [it.name for it in witnesses if it not in checkpoint.signers]:
        raise Refused(f"no witness's signature of {', '.join(missing)}")
    opened = proof.opened()
    if not is_included(leaf_hash(entry_of(opened)), proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        raise Refused("what it says is not what was logged there, or it is not in the log")
    proven = [
        f"entry {proof.index} of the {checkpoint.size} of {checkpoint.origin} is this, and the log signed so",
        *(f"{it.name} saw this state of the log, and that it only grew" for it in witnesses),
    ]
    return checkpoint, {it: _object(part["text"]) for it, part in opened.items()}, proven


def verify(text: str, log: Key, witnesses: Sequence[Key] = ()) -> Verdict:
    """Check the proof of a charge. Raises Refused."""
    checkpoint, parts, proven = included(text, log, witnesses)
    if tuple(parts) != CHARGE:
        raise Refused("it is the proof of an invoice, and not of a charge")
    facts, signed = parts["facts"], parts["signed"]
    left = ["that the charge was as it says: the log shows that it was not changed since"]
    left += [] if witnesses else ["that others are shown the same log: no witness was asked for (--witness)"]
    left += ["what the meter signed: check its records with the transparency software"] if signed else []
    try:
        bill = read(SettledBill, parts["bill"])
        faults = bill.faults()
    except (ValueError, ArithmeticError) as error:
        raise Refused(f"the bill cannot be read: {error}") from error
    if faults:
        raise Refused(f"it is logged, but wrong: {'; '.join(faults)}")
    amount = f"{bill.bill.total_minor} (minor units of {bill.bill.currency})"
    if bill.is_recomputable:
        proven.append(f"the bill of {amount} follows from its tariff and {bill.energy_wh} Wh")
    else:
        proven.append(f"the bill's lines have prices of its tariff, and come to {amount}")
        left.append("how much of each line was used: that follows from the course of the charge, which is not in here")
    if not isinstance(facts, dict) or facts.get("energy_wh") != bill.energy_wh:
        raise Refused("it is logged, but wrong: facts and bill are of different energy")
    if (facts.get("started_at"), facts.get("stopped_at")) != (bill.began_at.isoformat(), bill.ended_at.isoformat()):
        raise Refused("it is logged, but wrong: facts and bill are of different times")
    return Verdict(facts, checkpoint, tuple(proven), tuple(left))


def _object(text: str) -> Any:
    """A part's content; one that says a thing twice, or in another order, could be read in two ways."""
    try:
        found = json.loads(text)
        if json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True) == text:
            return found or {}
    except (ValueError, RecursionError):
        pass
    raise Refused("a part of it is no JSON, or may be read in two ways")


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("a line is no base64") from None
    if base64.b64encode(data).decode() != text:
        raise Refused("a line is base64 with bits to spare")
    return data
