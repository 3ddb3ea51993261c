"""A log's tree: every proof of every small tree holds, none holds for anything else, and tiles hold the same tree."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.transparency.merkle import (
    EMPTY,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    tree_hash,
)
from chalicelib.domain.transparency.tiles import (
    ENTRIES,
    Growth,
    Tile,
    bundle,
    hash_from,
    new_tiles,
    tiles_of,
    unbundled,
)

# RFC 6962's own test vectors, as Certificate Transparency's implementations share them.
KNOWN = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SMALL = 20


def naive(entries: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 writes it down."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return node_hash(naive(entries[:half]), naive(entries[half:]))


def entry(index: int) -> bytes:
    return str(index).encode()


ALL = [entry(it) for it in range(SMALL)]


def hash_at(level: int, index: int) -> bytes:
    return naive(ALL[index << level : (index + 1) << level])


def test_roots_are_those_that_everybody_else_finds() -> None:
    for size, root in ROOTS.items():
        assert naive(KNOWN[:size]).hex() == root
        assert tree_hash(0, size, lambda level, at: naive(KNOWN[at << level : (at + 1) << level])).hex() == root


@pytest.mark.parametrize("size", range(1, SMALL + 1))
def test_an_entry_is_shown_where_it_stands_and_nowhere_else(size: int) -> None:
    root = naive(ALL[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, hash_at)
        assert is_included(leaf_hash(entry(index)), index, size, proof, root)
        for other in {(index + 1) % size, size, -1} - {index}:
            assert not is_included(leaf_hash(entry(index)), other, size, proof, root)
        assert not is_included(leaf_hash(b"other"), index, size, proof, root)
        assert not is_included(leaf_hash(entry(index)), index, size, [*proof, EMPTY], root)
        assert not is_included(leaf_hash(entry(index)), index, size, proof, EMPTY)
        if proof:
            assert not is_included(leaf_hash(entry(index)), index, size, proof[:-1], root)


@pytest.mark.parametrize("new", range(SMALL + 1))
def test_a_tree_that_only_grew_is_shown_and_one_that_was_changed_is_not(new: int) -> None:
    for old in range(new + 1):
        proof = consistency_proof(old, new, hash_at)
        was, now = naive(ALL[:old]), naive(ALL[:new])
        assert is_consistent(old, new, proof, was, now)
        if not old:
            assert not is_consistent(old, new, proof, leaf_hash(b""), now)
            continue
        changed = naive([b"changed", *ALL[1:old]])
        assert not is_consistent(old, new, proof, changed, now)
        assert not is_consistent(old, new, [*proof, EMPTY], was, now)
        if old < new:
            assert not is_consistent(old, new, proof, was, naive([*ALL[: new - 1], b"changed"]))
            assert not is_consistent(old, new, proof[:-1], was, now)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(2, 67, 5), "tile/2/067.p/5"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(0, 1000, 1), "tile/0/x001/000.p/1"),
        (Tile(ENTRIES, 999, 256), "tile/entries/999"),
    ],
)
def test_a_tile_has_the_name_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_the_specifications_tree_of_70_000_has_the_tiles_that_it_says() -> None:
    found = list(tiles_of(70_000))
    assert [len([it for it in found if it.level == level]) for level in range(4)] == [274, 2, 1, 0]
    assert [it.width for it in found if it.width < 256] == [112, 17, 1]
    assert [(it.level, it.width) for it in tiles_of(256)] == [(0, 256), (1, 1)]


def _grown(*sizes: int) -> tuple[Growth, dict[Tile, bytes], list[bytes]]:
    log, tiles, entries = Growth(0, {}, ()), dict[Tile, bytes](), list[bytes]()
    for count in sizes:
        news = [entry(len(entries) + it) for it in range(count)]
        entries += news
        log, written = log.with_entries(news)
        for tile, data in written.items():
            # What has been written once is never written otherwise.
            assert tiles.setdefault(tile, data) == data
    return log, tiles, entries


@pytest.mark.parametrize("sizes", [(1,), (255, 1), (256,), (1, 255, 1), (300, 300), (100, 700, 0, 3), (65_536, 1)])
def test_tiles_hold_the_tree(sizes: tuple[int, ...]) -> None:
    log, tiles, entries = _grown(*sizes)
    assert log.size == len(entries)
    for tile in tiles_of(log.size):
        assert tile in tiles
    hash_of = hash_from(log.size, tiles.__getitem__)
    assert tree_hash(0, log.size, hash_of) == naive(entries)
    for index in {0, log.size // 2, log.size - 1}:
        proof = inclusion_proof(index, log.size, hash_of)
        assert is_included(leaf_hash(entries[index]), index, log.size, proof, tree_hash(0, log.size, hash_of))
    bundles = sorted(
        it for it in tiles if it.level == ENTRIES and (it.width == 256 or it.index * 256 + it.width == log.size)
    )
    assert [it for tile in bundles for it in unbundled(tiles[tile])] == entries


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_however_it_grew_it_is_the_same_log(sizes: list[int]) -> None:
    step_by_step, tiles, entries = _grown(*sizes)
    at_once, _, _ = _grown(len(entries))
    assert step_by_step == at_once
    assert set(tiles_of(step_by_step.size)) <= set(tiles)


@given(st.integers(0, 70_000), st.integers(0, 2_000))
def test_what_a_grown_log_needs_is_new_or_was_there(old: int, more: int) -> None:
    had, new = set(tiles_of(old)), set(new_tiles(old, old + more))
    assert set(tiles_of(old + more)) <= had | new
    assert not had & new


@given(st.lists(st.binary(max_size=50)))
def test_entries_come_out_of_a_bundle_as_they_went_in(entries: list[bytes]) -> None:
    assert unbundled(bundle(entries)) == entries


def test_a_bundle_that_is_cut_off_or_an_entry_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        unbundled(b"\x00\x05abc")
    with pytest.raises(ValueError, match="at the most"):
        bundle([bytes(70_000)])
