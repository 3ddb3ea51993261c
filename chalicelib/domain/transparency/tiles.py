"""Tiles of a log (C2SP tlog-tiles): its hashes by 256, and its entries beside them, each under a name for ever.

A tile of that name and width has one content only; one that is not full yet is another tile when it has grown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.transparency.merkle import HASH_BYTES, HashAt, leaf_hash, node_hash

WIDTH = 256
_HEIGHT = 8
ENTRIES = -1
_MOST_BYTES = 0xFFFF


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Hashes `index * 256` and on of a level, `width` of them; of level `ENTRIES` the entries themselves."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies, below the log's prefix."""
        kind = "entries" if self.level == ENTRIES else str(self.level)
        parts = [f"{self.index:03d}"]
        if self.index >= 1000:
            digits = f"{self.index:0{-(-len(str(self.index)) // 3) * 3}d}"
            split = [digits[at : at + 3] for at in range(0, len(digits), 3)]
            parts = [*(f"x{it}" for it in split[:-1]), split[-1]]
        end = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{'/'.join(parts)}{end}"


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of hashes, the last of each level with what it has, of a log of that size."""
    level, count = 0, size
    while count:
        for index in range(count // WIDTH):
            yield Tile(level, index, WIDTH)
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level, count = level + 1, count // WIDTH


def new_tiles(old: int, new: int) -> Iterator[Tile]:
    """The tiles that a log that grows from one size to another has and had not, those of entries first."""
    for index in range(old // WIDTH, -(-new // WIDTH)):
        yield Tile(ENTRIES, index, min(WIDTH, new - index * WIDTH))
    level, before, after = 0, old, new
    while after:
        for index in range(before // WIDTH, -(-after // WIDTH)):
            tile = Tile(level, index, min(WIDTH, after - index * WIDTH))
            if tile.index * WIDTH + tile.width > before:
                yield tile
        level, before, after = level + 1, before // WIDTH, after // WIDTH


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as they lie in a tile of entries, each after its length. Raises ValueError: one is too long."""
    if any(len(it) > _MOST_BYTES for it in entries):
        raise ValueError(f"an entry of a log has {_MOST_BYTES} bytes at the most")
    return b"".join(len(it).to_bytes(2) + it for it in entries)


def unbundled(data: bytes) -> list[bytes]:
    """The entries of a tile of entries. Raises ValueError: it is cut off."""
    found, at = [], 0
    while at < len(data):
        ends = at + 2 + int.from_bytes(data[at : at + 2])
        if ends > len(data):
            raise ValueError("the entries are cut off")
        found.append(data[at + 2 : ends])
        at = ends
    return found


@dataclass(frozen=True, slots=True)
class Growth:
    """A log that grows: the hashes at its right edge before (each level's last tile, where it is not full), and news.

    `edge` holds for each level the hashes of the tile that was not full; `entries` those of the bundle that was not.
    """

    size: int
    edge: Mapping[int, bytes]
    entries: Sequence[bytes]

    def with_entries(self, news: Sequence[bytes]) -> tuple[Growth, Mapping[Tile, bytes]]:
        """The log after these entries, and every tile that it has now and had not."""
        size = self.size + len(news)
        levels = {0: self.edge.get(0, b"") + b"".join(map(leaf_hash, news))}
        level = 0
        while len(levels[level]) >= WIDTH * HASH_BYTES or level + 1 in self.edge:
            above = self.edge.get(level + 1, b"") + b"".join(_full_roots(levels[level]))
            level += 1
            levels[level] = above
        everything = [*self.entries, *news]
        firsts = {it: (self.size >> _HEIGHT * it) // WIDTH for it in levels}
        tiles: dict[Tile, bytes] = {}
        for tile in new_tiles(self.size, size):
            if tile.level == ENTRIES:
                at = (tile.index - self.size // WIDTH) * WIDTH
                tiles[tile] = bundle(everything[at : at + tile.width])
            else:
                at = (tile.index - firsts[tile.level]) * WIDTH * HASH_BYTES
                tiles[tile] = levels[tile.level][at : at + tile.width * HASH_BYTES]
        edge = {it: hashes[len(hashes) // (WIDTH * HASH_BYTES) * WIDTH * HASH_BYTES :] for it, hashes in levels.items()}
        left = everything[len(everything) // WIDTH * WIDTH :]
        return Growth(size, {it: hashes for it, hashes in edge.items() if hashes}, left), tiles


def _full_roots(hashes: bytes) -> Iterator[bytes]:
    for at in range(0, len(hashes) - WIDTH * HASH_BYTES + 1, WIDTH * HASH_BYTES):
        yield root_of(hashes[at : at + WIDTH * HASH_BYTES])


def root_of(hashes: bytes) -> bytes:
    """The hash of a complete subtree whose lowest hashes stand one after the other."""
    level = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def hash_from(size: int, fetch: Callable[[Tile], bytes]) -> HashAt:
    """Reads the hashes of a tree of that size out of its tiles."""

    def hash_at(level: int, index: int) -> bytes:
        high, low = divmod(level, _HEIGHT)
        first = index << low
        tile_index = first // WIDTH
        count = size >> _HEIGHT * high
        tile = Tile(high, tile_index, min(WIDTH, count - tile_index * WIDTH))
        begins = (first - tile_index * WIDTH) * HASH_BYTES
        return root_of(fetch(tile)[begins : begins + (HASH_BYTES << low)])

    return hash_at
