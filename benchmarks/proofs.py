"""What the log of settled charges takes: a proof by how long the log is, and from a leaf to a checkpoint that has it.

Of a log in the running stack the calls are what they are on AWS, and times the processor's and moto's.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.table import Table

from benchmarks.calls import Calls
from chalicelib.domain.transparency.merkle import inclusion_proof, tree_hash
from chalicelib.domain.transparency.tiles import Growth, hash_from
from chalicelib.protocol.transparency.checkpoint import Checkpoint, NoteKey
from chalicelib.protocol.transparency.log_proof import LogProof
from chalicelib.records.transparency import Leaf
from chalicelib.services.transparency.log import TransparencyLog
from cli.proof import Checkpoint as Read
from cli.proof import Key, Proof, is_included, leaf_hash

_SIZES = (1, 1_000, 1_000_000)
# What a minute brings at 100,000 sessions a day, and what a batch holds.
_BATCHES = (70, 1_000)
_ROUNDS = 20
_SECRET = Ed25519PrivateKey.from_private_bytes(bytes(32))
_KEY = NoteKey("log.example.com/kerb", _SECRET.public_key().public_bytes_raw())
# As long as an entry is: a header, and three hashes.
_ENTRY = "kerb-settled/v1\n" + "facts 0123456789012345678901234567890123456789012=\n" * 3
# About what the texts and salts of a charge are.
_EXTRA = bytes(1_500)


def table() -> Table:
    """A proof's size, and the processor's time to check it: signature, root and path."""
    found = Table(title="A proof, by how many charges are in the log", title_justify="left")
    for column in ("entries", "hashes", "KB", "of them texts and salts", "checked in ms"):
        found.add_column(column, justify="right")
    for size in _SIZES:
        text, leaf = _proof(size)
        hashes = len(Proof.parse(text).hashes)
        spent_ms = _fastest_ms(lambda text=text, leaf=leaf: _check(text, leaf))  # type: ignore[misc]
        extra = len(base64.b64encode(_EXTRA))
        found.add_row(f"{size:,}", str(hashes), f"{len(text) / 1024:.1f}", f"{extra / 1024:.1f}", f"{spent_ms:.1f}")
    return found


def batches(log: TransparencyLog, calls: Calls) -> Table:
    """From the moment that a batch is there until the world sees a checkpoint with it; up to 60 s it was gathered."""
    found = Table(title="From leaf to checkpoint, once a batch is gathered: 60 s at most", title_justify="left")
    for column in ("leaves", "AWS calls", "ms"):
        found.add_column(column, justify="right")
    for number, count in enumerate(_BATCHES):
        now = datetime.now(UTC)
        leaves = [Leaf(name=f"BENCH-{number}-{it}", entry=_ENTRY, since=now) for it in range(count)]
        calls.take()
        began = time.perf_counter()
        log.append(leaves)
        spent_ms = 1000 * (time.perf_counter() - began)
        found.add_row(f"{count:,}", str(sum(calls.take().values())), f"{spent_ms:.0f}")
    return found


def _proof(size: int) -> tuple[str, bytes]:
    """A proof of an entry in the middle, and that entry's hash."""
    entries = [f"{_ENTRY}{it}".encode() for it in range(size)]
    _, tiles = Growth(0, {}, ()).with_entries(entries)
    hash_at = hash_from(size, lambda tile: tiles[tile])
    note = Checkpoint(_KEY.name, size, tree_hash(0, size, hash_at)).signed(_KEY, _SECRET.sign)
    index = size // 2
    return LogProof(index, inclusion_proof(index, size, hash_at), note, _EXTRA).text, leaf_hash(entries[index])


def _check(text: str, leaf: bytes) -> None:
    proof = Proof.parse(text)
    state = Read.parse(proof.note, Key.parse(_KEY.vkey))
    if not is_included(leaf, proof.index, state.size, proof.hashes, state.root):
        raise AssertionError("a proof of our own is refused")


def _fastest_ms(work: Callable[[], None]) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        rounds.append(time.process_time() - began)
    return 1000 * min(rounds)
