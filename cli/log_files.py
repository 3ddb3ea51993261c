"""Reads a log's files (c2sp.org/tlog-tiles) over HTTP, and follows it: whoever reads them believes none of them.

A follower keeps the hashes at the right edge of the tree as far as it has read all entries, and hashes on from there:
a root that is not the checkpoint's is a fork, and a smaller log than before a rollback.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import urllib3

from cli.proof import EMPTY, HASH, Checkpoint, Key, Refused, leaf_hash, node_hash

WIDTH = 256
_WITHIN_S = 20
_FOUND, _GONE = 200, (403, 404)


class Alarm(Exception):
    """The log is not what it was, or not whole: what has been seen of it cannot all be true.

    `note` is the checkpoint that it signed for that, where it did: with the one before, the proof of it.
    """

    note = ""


class Unreachable(Exception):
    """Nobody answers, which proves nothing."""


Fetch = Callable[[str], bytes]


def over_http(url: str) -> Fetch:
    """Files below an address. The function raises KeyError where there is none, and Unreachable."""
    http = urllib3.PoolManager(timeout=_WITHIN_S, retries=urllib3.Retry(2, backoff_factor=0.1))

    def fetch(path: str) -> bytes:
        try:
            answer = http.request("GET", f"{url.rstrip('/')}/{path}")
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(str(error)) from error
        if answer.status in _GONE:
            raise KeyError(path)
        if answer.status != _FOUND:
            raise Unreachable(f"{path}: {answer.status}")
        return answer.data

    return fetch


def tile_path(kind: str, index: int, width: int) -> str:
    """Where a tile of hashes (of a level) or of entries lies."""
    digits = f"{index:03d}" if index < 1000 else f"{index:0{-(-len(str(index)) // 3) * 3}d}"
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    end = "" if width == WIDTH else f".p/{width}"
    return f"tile/{kind}/{'/'.join([*(f'x{it}' for it in parts[:-1]), parts[-1]])}{end}"


class Tree:
    """A tree of that size, by its tiles. Raises Alarm where one is missing, or not as long as it must be."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size, self._fetch = size, fetch
        self._read: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile, as many as the tree has."""
        if (level, index) not in self._read:
            width = min(WIDTH, (self.size >> 8 * level) - index * WIDTH)
            data = _whole(self._fetch, str(level), index, width)
            if len(data) != width * HASH:
                raise Alarm(f"{tile_path(str(level), index, width)} has not the hashes of a tile so wide")
            self._read[level, index] = data
        return self._read[level, index]

    def subtree(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree of 2**level entries."""
        high, low = divmod(level, 8)
        first = (index << low) % WIDTH
        found = self.tile(high, (index << low) // WIDTH)[first * HASH : (first + (1 << low)) * HASH]
        hashes = [found[at : at + HASH] for at in range(0, len(found), HASH)]
        while len(hashes) > 1:
            hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
        return hashes[0]

    def span(self, begin: int, end: int) -> bytes:
        """The hash of the entries from `begin` until before `end`."""
        width = end - begin
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self.subtree(level, begin >> level)
        middle = begin + (1 << (width - 1).bit_length() - 1)
        return node_hash(self.span(begin, middle), self.span(middle, end))

    def consistency(self, old: int) -> list[bytes]:
        """What shows that the tree of `old` entries grew into this one (RFC 6962, 2.1.2)."""
        if old in (0, self.size):
            return []
        found: list[bytes] = []
        begin, end, is_whole = 0, self.size, True
        while old != end:
            middle = begin + (1 << (end - begin - 1).bit_length() - 1)
            if old <= middle:
                found.append(self.span(middle, end))
                end = middle
            else:
                found.append(self.span(begin, middle))
                begin, is_whole = middle, False
        return [*([] if is_whole else [self.span(begin, end)]), *found[::-1]]


def _whole(fetch: Fetch, kind: str, index: int, width: int) -> bytes:
    """A tile, or the first of it where it has grown full meanwhile and its former state is gone."""
    try:
        return fetch(tile_path(kind, index, width))
    except KeyError:
        pass
    try:
        if width < WIDTH:
            full = fetch(tile_path(kind, index, WIDTH))
            return full if kind == "entries" else full[: width * HASH]
    except KeyError:
        pass
    raise Alarm(f"{tile_path(kind, index, width)} is missing") from None


@dataclass(frozen=True)
class Seen:
    """How far a log was read: the newest checkpoint, and complete subtrees from the left, (level, hash) each."""

    note: str = ""
    size: int = 0
    edge: tuple[tuple[int, bytes], ...] = ()

    def with_leaf(self, leaf: bytes) -> Seen:
        edge = [*self.edge, (0, leaf)]
        while len(edge) > 1 and edge[-1][0] == edge[-2][0]:
            (level, right), (_, left) = edge.pop(), edge.pop()
            edge.append((level + 1, node_hash(left, right)))
        return replace(self, size=self.size + 1, edge=tuple(edge))

    @property
    def root(self) -> bytes:
        hashes = [it for _, it in self.edge]
        found = hashes.pop() if hashes else EMPTY
        while hashes:
            found = node_hash(hashes.pop(), found)
        return found


def follow(seen: Seen, log: Key, fetch: Fetch) -> Seen:
    """Read on: all entries that are new, and whether the log only grew. Raises Alarm, Unreachable."""
    try:
        note = fetch("checkpoint").decode()
        new = Checkpoint.parse(note, log)
        old = Checkpoint.parse(seen.note, log) if seen.note else None
    except KeyError:
        raise Alarm("there is no checkpoint") from None
    except (Refused, UnicodeDecodeError) as error:
        raise Alarm(str(error)) from error
    try:
        return replace(_read_on(seen, new, old, fetch), note=note)
    except Alarm as alarm:
        alarm.note = note
        raise


def _read_on(seen: Seen, new: Checkpoint, old: Checkpoint | None, fetch: Fetch) -> Seen:
    if new.size < seen.size:
        raise Alarm(f"rollback: the log had {seen.size} entries, and now has {new.size}")
    if old is not None and old.size == new.size and old.root != new.root:
        raise Alarm(f"fork: of {new.size} entries there are two roots")
    for leaf in _leaves(seen.size, new.size, fetch):
        seen = seen.with_leaf(leaf)
    if seen.root != new.root:
        raise Alarm(f"fork: the entries, read one after the other, do not come to the root of {new.size}")
    return seen


def _leaves(begin: int, end: int, fetch: Fetch) -> Iterator[bytes]:
    """The hashes of new entries, each as its tile says and as its entry is hashed."""
    tree = Tree(end, fetch)
    for index in range(begin // WIDTH, -(-end // WIDTH)):
        hashes, width = tree.tile(0, index), min(WIDTH, end - index * WIDTH)
        entries = _entries(_whole(fetch, "entries", index, width))[:width]
        found = [leaf_hash(it) for it in entries]
        if b"".join(found) != hashes:
            raise Alarm(f"the entries from {index * WIDTH} on are not those of {tile_path('0', index, width)}")
        yield from found[max(0, begin - index * WIDTH) :]


def _entries(data: bytes) -> Sequence[bytes]:
    found, at = [], 0
    while at < len(data):
        ends = at + 2 + int.from_bytes(data[at : at + 2])
        found.append(data[at + 2 : ends])
        at = ends
    if at != len(data):
        raise Alarm("a bundle of entries is cut off")
    return found


def monitor(log: Key, fetch: Fetch, kept: Path, say: Callable[[str], None], every_s: float | None) -> None:
    """Look at a log every so often, or once (None); what was seen is kept in a file. Raises Alarm.

    What the log signed that led to an alarm is kept beside it: both together show anybody what it did.
    """
    while True:
        seen = _remembered(kept)
        try:
            now = follow(seen, log, fetch)
        except Unreachable as error:
            say(f"not reached, which proves nothing: {error}")
        except Alarm as alarm:
            if alarm.note:
                kept.with_suffix(f"{kept.suffix}.alarm").write_bytes(alarm.note.encode())
            raise
        else:
            _remember(kept, now)
            say(f"{log.name} has {now.size} entries, {now.size - seen.size} of them new; nothing was changed")
        if every_s is None:
            return
        time.sleep(every_s)


def _remembered(kept: Path) -> Seen:
    if not kept.exists():
        return Seen()
    told = json.loads(kept.read_text())
    return Seen(told["note"], told["size"], tuple((level, bytes.fromhex(it)) for level, it in told["edge"]))


def _remember(kept: Path, seen: Seen) -> None:
    """In one step, so that whoever is stopped meanwhile has seen what it had."""
    told = {"note": seen.note, "size": seen.size, "edge": [(level, it.hex()) for level, it in seen.edge]}
    beside = kept.with_suffix(f"{kept.suffix}.new")
    beside.write_text(json.dumps(told))
    beside.replace(kept)
