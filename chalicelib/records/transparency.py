"""Records of transparency: what is to be logged, and how far the log has come."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """An entry for the log, by the name of what it is of, which is logged once; `since` it may have been logged."""

    name: str
    entry: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The log as it is signed: how many entries, and its checkpoint without witnesses.

    `batch` has its places from `size` on since `batch_at`, and is being written: whoever comes finishes it first.
    `version` is counted up with each change.
    """

    version: int = 0
    size: int = 0
    checkpoint: str = ""
    batch: tuple[Leaf, ...] = ()
    batch_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownCheckpoint:
    """The checkpoint that the world sees, and by what it is known which one that is."""

    note: str
    tag: str
