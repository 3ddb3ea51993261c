"""The log is killed between any two writes: no checkpoint names a tile that is missing, and no size has two roots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.domain.transparency.merkle import (
    consistency_proof,
    is_consistent,
    is_included,
    leaf_hash,
    tree_hash,
)
from chalicelib.domain.transparency.tiles import hash_from, tiles_of
from chalicelib.protocol.transparency.checkpoint import Checkpoint, NoteKey, opened
from chalicelib.records.transparency import Leaf, LogState, ShownCheckpoint
from chalicelib.services.access import NotFound
from chalicelib.services.transparency.log import Contended, TransparencyLog
from tests.properties import few

SECRET = Ed25519PrivateKey.generate()
RUNS = range(300)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class Killed(Exception):
    """The process is no more."""


KEY = NoteKey("log.example.com/kerb", SECRET.public_key().public_bytes_raw())


@dataclass
class Signer:
    name: str = KEY.name
    public_key: bytes = KEY.key

    def sign(self, message: bytes) -> bytes:
        return SECRET.sign(message)


@dataclass
class World:
    """What is stored, and a process that may be killed before or after any write."""

    state: LogState = field(default_factory=LogState)
    placed: dict[tuple[datetime, int], tuple[str, ...]] = field(default_factory=dict)
    again: dict[str, datetime] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)
    shown: ShownCheckpoint | None = None
    seen: list[Checkpoint] = field(default_factory=list)
    now: datetime = NOON
    write: Callable[[Callable[[], None]], None] = field(default=lambda it: it())

    def get(self) -> LogState:
        return self.state

    def save(self, before: LogState, after: LogState) -> bool:
        done: list[bool] = []

        def write() -> None:
            done.append(self.state == before)
            if done[-1]:
                self.state = after

        self.write(write)
        return done[-1]

    def of(self, names: Sequence[str], since: datetime, until: datetime) -> Mapping[str, int]:
        there = self.places(since, until)
        return {it: there[it] for it in names if it in there}

    def places(self, since: datetime = EVER[0], until: datetime = EVER[1]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for (at, first), names in self.placed.items():
            if since <= at <= until:
                for place, name in enumerate(names, first):
                    assert found.setdefault(name, place) == place, f"{name} was logged twice"
        return found

    def put(self, at: datetime, first: int, names: Sequence[str]) -> None:
        def write() -> None:
            assert self.placed.setdefault((at, first), tuple(names)) == tuple(names)

        self.write(write)

    def brought_again(self, name: str) -> datetime | None:
        return self.again.get(name)

    def note_again(self, name: str, at: datetime) -> None:
        self.again[name] = at

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def log(self) -> TransparencyLog:
        return TransparencyLog(states=self, places=self, files=Files(self), signer=Signer(), clock=self.clock)


@dataclass
class Files:
    world: World

    def put_once(self, path: str, data: bytes) -> None:
        def write() -> None:
            # A tile that was written otherwise before would be a fork.
            assert self.world.kept.setdefault(path, data) == data

        self.world.write(write)

    def checkpoint(self) -> ShownCheckpoint | None:
        return self.world.shown

    def show(self, note: str, instead_of: ShownCheckpoint | None) -> bool:
        done: list[bool] = []

        def write() -> None:
            done.append(self.world.shown == instead_of)
            if done[-1]:
                self.world.shown = ShownCheckpoint(note, str(len(self.world.seen)))
                self.world.seen.append(opened(note, [KEY])[0])
                for tile in tiles_of(self.world.seen[-1].size):
                    assert tile.path in self.world.kept, f"{tile.path} is missing"

        self.world.write(write)
        return done[-1]

    def get(self, path: str) -> bytes:
        return self.world.kept[path]


def leaves(*numbers: int) -> list[Leaf]:
    return [Leaf(name=f"K{it}", entry=f"entry {it}", since=NOON) for it in numbers]


def _holds(world: World, names: Sequence[str]) -> None:
    """Each checkpoint that was seen leads to the last, none is less than one before, each entry is proven, once."""
    log = world.log()
    assert world.shown is not None
    assert [it.size for it in world.seen] == sorted(it.size for it in world.seen)
    last = world.seen[-1]
    assert last.size == world.state.size
    hash_at = hash_from(last.size, lambda tile: world.kept[tile.path])
    assert tree_hash(0, last.size, hash_at) == last.root
    assert sorted(world.places().values()) == list(range(len(set(names)))) == list(range(last.size))
    roots: dict[int, bytes] = {}
    for seen in world.seen:
        assert roots.setdefault(seen.size, seen.root) == seen.root
        proof = consistency_proof(seen.size, last.size, hash_at)
        assert is_consistent(seen.size, last.size, proof, seen.root, last.root)
    for name in set(names):
        shown = log.proof(name, NOON)
        found = leaf_hash(f"entry {name[1:]}".encode())
        assert is_included(found, shown.index, last.size, shown.hashes, last.root)


def test_what_is_brought_is_logged_once_and_proven() -> None:
    world = World()
    world.log().append(leaves(1, 2, 3))
    world.log().append(leaves(3, 4, 4))
    _holds(world, ["K1", "K2", "K3", "K4"])
    with pytest.raises(NotFound):
        world.log().proof("K5", NOON)


def test_killed_before_or_after_any_write_it_goes_on_to_the_same_log() -> None:
    batches = [leaves(*range(at, at + 90)) for at in range(0, 540, 90)]
    dice = Random(19)
    for _ in few(RUNS[::10]):
        world = World()
        for batch in batches:
            _brought(world, batch, dice)
        _holds(world, [it.name for batch in batches for it in batch])


def _brought(world: World, batch: Sequence[Leaf], dice: Random) -> None:
    """A queue brings a batch until somebody has taken it; each who tries is killed at one write of a few."""

    def dies(write: Callable[[], None]) -> None:
        what = dice.random()
        if what < 0.1:
            raise Killed
        write()
        if what > 0.9:
            raise Killed

    while True:
        world.write = dies
        try:
            world.log().append(batch)
        except Killed:
            continue
        finally:
            world.write = lambda it: it()
        return


def test_two_who_write_at_once_make_one_log() -> None:
    for seed in few(RUNS):
        dice, world, nested = Random(seed), World(), list[int]()

        def interrupted(
            write: Callable[[], None], dice: Random = dice, world: World = world, nested: list[int] = nested
        ) -> None:
            if dice.random() < 0.3 and len(nested) < 4:
                nested.append(len(nested))
                world.write = lambda it: it()
                world.log().append(leaves(100 + len(nested), 7))
                world.write = interrupted
            write()

        world.write = interrupted
        try:
            world.log().append(leaves(*range(5), 7))
        except Contended:
            world.write = lambda it: it()
            world.log().append(leaves(*range(5), 7))
        world.write = lambda it: it()
        _holds(world, list(world.places()))


def test_what_was_lost_on_its_way_is_brought_again_and_found_by_that() -> None:
    world = World()
    (lost,) = leaves(7)
    world.log().append(leaves(1))
    assert world.log().bring_again(lost) is None
    world.now = NOON + timedelta(days=400)
    again = world.log().bring_again(lost)
    assert again is not None
    assert world.log().bring_again(lost) is None
    world.log().append([again])
    assert world.log().proof("K7", NOON).index == 1


def test_who_comes_late_to_show_a_checkpoint_takes_none_back() -> None:
    world = World()
    log, shown = world.log(), Files(world)

    def held_up(write: Callable[[], None]) -> None:
        if world.state.size == 1 and not world.state.batch:
            world.write = lambda it: it()
            world.log().append(leaves(2))
        write()

    world.write = held_up
    log.append(leaves(1))
    found = shown.checkpoint()
    assert found is not None
    assert opened(found.note, [KEY])[0].size == 2
