"""A log of settled charges in memory, always the same: its files, its key, and the proof of any of its entries."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.domain.pricing.plain import plain
from chalicelib.domain.pricing.settled import SettledBill
from chalicelib.domain.pricing.tariff import Tariff, simple_elements
from chalicelib.domain.transparency.entries import PAPER, EntryPart, entry, paper_entry, part_salt
from chalicelib.domain.transparency.merkle import inclusion_proof, tree_hash
from chalicelib.domain.transparency.tiles import Growth, hash_from, tiles_of
from chalicelib.protocol.transparency.checkpoint import COSIGNATURE, Checkpoint, NoteKey, line
from chalicelib.protocol.transparency.log_proof import LogProof

NAME = "log.example.com/kerb"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = NoteKey(NAME, SECRET.public_key().public_bytes_raw())
WITNESS_SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WITNESS = NoteKey("witness.example.com/w1", WITNESS_SECRET.public_key().public_bytes_raw(), COSIGNATURE)
SALT = "c2FsdCBvZiBhIHNlc3Np"
BEGAN, ENDED = datetime(2026, 11, 30, 9, 30, tzinfo=UTC), datetime(2026, 11, 30, 10, 15, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="standard",
    operator_id="demo",
    name="Standard",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("0.49"), tax_percent=Decimal(19)),
)


def settled_bill(energy_wh: int = 11_340) -> SettledBill:
    """A bill that follows from its tariff."""
    unpriced: Any = SettledBill(
        tariff=TARIFF,
        bill=None,  # type: ignore[arg-type]
        time_zone="Europe/Berlin",
        began_at=BEGAN,
        ended_at=ENDED,
        energy_wh=energy_wh,
    )
    return SettledBill(
        tariff=TARIFF,
        bill=unpriced.recomputed(),
        time_zone="Europe/Berlin",
        began_at=BEGAN,
        ended_at=ENDED,
        energy_wh=energy_wh,
    )


def parts(bill: SettledBill | None = None) -> dict[EntryPart, str]:
    """The texts of one charge's parts."""
    bill = bill or settled_bill()
    facts = {
        "charger_id": "CP-1",
        "connector": "1",
        "energy_wh": bill.energy_wh,
        "session_id": "KEXAMPLEOFASESSION",
        "started_at": BEGAN.isoformat(),
        "stopped_at": ENDED.isoformat(),
    }
    return {EntryPart.FACTS: text(facts), EntryPart.BILL: text(plain(bill)), EntryPart.SIGNED: "null"}


def text(told: Any) -> str:
    """Canonical JSON."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def opened(texts: Mapping[EntryPart, str] | Mapping[str, str]) -> bytes:
    """A proof's extra line."""
    shown = {it: {"salt": base64.b64encode(part_salt(SALT, it)).decode(), "text": told} for it, told in texts.items()}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class Log:
    """As it grows; `files` are what the world can fetch."""

    entries: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    _grown: Growth = field(default_factory=lambda: Growth(0, {}, ()))

    @classmethod
    def of(cls, size: int) -> Log:
        """So many entries, of which each stands for another charge."""
        log = cls()
        log.add([f"entry {it}".encode() for it in range(size)])
        return log

    def add(self, news: Sequence[bytes]) -> None:
        """One batch, and its checkpoint."""
        self._grown, tiles = self._grown.with_entries(news)
        self.entries += news
        self.files |= {it.path: data for it, data in tiles.items()}
        self.files["checkpoint"] = self.note.encode()

    @property
    def size(self) -> int:
        return len(self.entries)

    @property
    def note(self) -> str:
        return self.checkpoint.signed(KEY, SECRET.sign)

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(NAME, self.size, tree_hash(0, self.size, self._hash_at))

    def _hash_at(self, level: int, index: int) -> bytes:
        return hash_from(self.size, lambda tile: self.files[tile.path])(level, index)

    def charge(self, texts: dict[EntryPart, str] | None = None) -> str:
        """Log a charge; its proof, as it stands then."""
        texts = texts or parts()
        self.add([entry(SALT, texts).encode()])
        return self.proof(self.size - 1, texts)

    def paper(self, told: Any) -> str:
        """Log an invoice; its proof, as it stands then."""
        texts = {PAPER: text(told)}
        self.add([paper_entry(SALT, texts[PAPER]).encode()])
        return self.proof(self.size - 1, texts)

    def proof(self, index: int, texts: Mapping[EntryPart, str] | Mapping[str, str]) -> str:
        """The file."""
        hashes = inclusion_proof(index, self.size, self._hash_at)
        return LogProof(index, hashes, self.note, opened(texts)).text

    def fetch(self, path: str) -> bytes:
        """As over HTTP."""
        return self.files[path]

    def is_whole(self) -> bool:
        """Whether every tile of its size is there."""
        return all(it.path in self.files for it in tiles_of(self.size))


def witnessed(note: str, at: int = 1_764_500_000) -> str:
    """A note, signed by the witness as well."""
    body = note.rpartition("\n\n")[0].rpartition("\n\n")[2] + "\n"
    signature = WITNESS_SECRET.sign(f"cosignature/v1\ntime {at}\n{body}".encode())
    return note + line(WITNESS, at.to_bytes(8) + signature)
