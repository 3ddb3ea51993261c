"""Ports of transparency: what meters signed, the keys they are known by, and the log of settled charges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.events import SignedValue
    from chalicelib.domain.transparency.meter_keys import MeterKey
    from chalicelib.records.transparency import Leaf, LogState, ShownCheckpoint


class SignedValues(Protocol):
    """What meters signed, kept to the letter with the transaction."""

    def keep(self, charger_id: str, ref: str, values: Sequence[SignedValue]) -> None:
        """One write for a message; the same values again change nothing."""

    def page(self, charger_id: str, ref: str, limit: int, after: str) -> tuple[Sequence[SignedValue], str | None]:
        """The signed values of `limit` messages, in order of time, and the next page's cursor.

        BadCursor for one not ours.
        """

    def claim(self, charger_id: str, ref: str, digests: Sequence[str]) -> bool:
        """Whether these records are that transaction's to be billed by: false where one was another's before.

        A write for each; the same again changes nothing.
        """


class MeterKeys(Protocol):
    """The public keys that a charger's meters were ever known by, or were told, each from when until when."""

    def of(self, charger_id: str) -> Sequence[MeterKey]:
        """All of them, those of former times too, in the order in which they were pinned."""

    def replace(self, charger_id: str, before: Sequence[MeterKey], after: Sequence[MeterKey]) -> bool:
        """Keep these instead; False if the keys are not what they were `before`."""


class LogQueue(Protocol):
    """Where entries wait until they are logged."""

    def put(self, leaf: Leaf) -> None:
        """Bring an entry; brought again it is logged once."""

    def read(self, body: str) -> Leaf:
        """The entry that a message brings. Raises ValueError: none."""


class LogStates(Protocol):
    """How far the log has come, in one place for all who write it."""

    def get(self) -> LogState:
        """As it is now; an empty log if there is none."""

    def save(self, before: LogState, after: LogState) -> bool:
        """Replace it; False if somebody else has meanwhile."""


class LogPlaces(Protocol):
    """Where in the log each name's entry stands, batch by batch, and which were brought again later."""

    def of(self, names: Sequence[str], since: datetime, until: datetime) -> Mapping[str, int]:
        """The places of those that got one in that time."""

    def put(self, at: datetime, first: int, names: Sequence[str]) -> None:
        """A batch got its places then, from `first` on; again changes nothing."""

    def brought_again(self, name: str) -> datetime | None:
        """When it was last brought again, long after its time; None if never."""

    def note_again(self, name: str, at: datetime) -> None:
        """It is brought again now."""


class LogFiles(Protocol):
    """The log as the world reads it: files by their paths (C2SP tlog-tiles)."""

    def put_once(self, path: str, data: bytes) -> None:
        """Put a file that never changes; nothing happens where it is. Raises LogForked: it is there, and is another."""

    def get(self, path: str) -> bytes:
        """A file. Raises KeyError where there is none."""

    def checkpoint(self) -> ShownCheckpoint | None:
        """What the world sees; None before the first."""

    def show(self, note: str, instead_of: ShownCheckpoint | None) -> bool:
        """Let the world see another checkpoint; False if somebody else has meanwhile."""


class LogSigner(Protocol):
    """Whoever holds the log's secret key."""

    @property
    def name(self) -> str:
        """The log's name (its origin), and its key's."""

    @property
    def public_key(self) -> bytes:
        """Ed25519, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature of the message itself, 64 bytes."""


class Witness(Protocol):
    """Somebody who signs that a log only grows (C2SP tlog-witness)."""

    @property
    def key(self) -> str:
        """Their verifier key."""

    def cosign(self, note: str, old_size: int, proof: Sequence[bytes]) -> str | int:
        """Their signature lines, or the size that they know where that is not `old_size`. Raises Unwitnessed."""


class LogForked(Exception):
    """What was to be written for ever is there already, and says something else: nothing may be signed on it."""


class Unwitnessed(Exception):
    """A witness could not be asked, or would not sign."""
