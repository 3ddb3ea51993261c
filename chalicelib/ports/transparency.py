"""Ports of transparency: what meters signed, and the keys they are known by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency import MeterKey


class SignedValues(Protocol):
    """What meters signed, kept to the letter with the transaction."""

    def keep(self, charger_id: str, ref: str, values: Sequence[SignedValue]) -> None:
        """One write for a message; the same values again change nothing."""

    def page(self, charger_id: str, ref: str, limit: int, after: str) -> tuple[Sequence[SignedValue], str | None]:
        """The signed values of `limit` messages, in order of time, and the next page's cursor.

        BadCursor for one not ours.
        """


class MeterKeys(Protocol):
    """The public keys that a charger's meters were ever known by, each from when until when."""

    def of(self, charger_id: str) -> Sequence[MeterKey]:
        """All of them, those of former times too, in the order in which they were pinned."""

    def pin(self, charger_id: str, before: Sequence[MeterKey], key: MeterKey) -> bool:
        """Pin a key; the meter's former one counts until then. False if the keys are not what they were `before`."""
