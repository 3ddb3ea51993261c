"""The log of settled charges: takes entries in batches, and signs how far it has come.

A batch has its places before a byte of it is written, tiles are written before a checkpoint names them, and the state
is changed by compare-and-set: whoever is killed in between is gone on from by the next, to the same tiles and root.
What the world is shown is never less than it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.transparency.merkle import HashAt, inclusion_proof, tree_hash
from chalicelib.domain.transparency.tiles import ENTRIES, WIDTH, Growth, Tile, hash_from, unbundled
from chalicelib.ports import Clock
from chalicelib.ports.transparency import LogFiles, LogPlaces, LogSigner, LogStates, Witness
from chalicelib.protocol.transparency.checkpoint import Checkpoint, NoteKey, told
from chalicelib.protocol.transparency.log_proof import LogProof
from chalicelib.records.transparency import Leaf, LogState
from chalicelib.services.access import NotFound
from chalicelib.services.transparency.cosignatures import cosignatures

_ATTEMPTS = 5
_HEIGHT = 8
# More than clocks differ.
_CLOCKS_DIFFER = timedelta(minutes=10)
# Longer than an entry may wait in its queue.
_LONGEST_WAIT = timedelta(days=4, hours=1)


class Contended(Exception):
    """Others write the log at this moment; what was to be logged is to be brought again."""


@dataclass(frozen=True, kw_only=True)
class TransparencyLog:
    """Appends to the log, and proves what is in it. `signer` only for whoever appends, or tells the key."""

    states: LogStates
    places: LogPlaces
    files: LogFiles
    signer: LogSigner
    clock: Clock
    witnesses: Sequence[Witness] = ()

    @property
    def key(self) -> NoteKey:
        """The log's public key, as verifiers are given it."""
        return NoteKey(self.signer.name, self.signer.public_key)

    def append(self, leaves: Sequence[Leaf]) -> LogState:
        """Log what is not logged yet; when this returns it is in, signed and shown. Raises Contended.

        Two reads of rows, three writes, a signature; of files a read for each tile that is not full, a write for each
        new one, and two reads and a write of the checkpoint.
        """
        for _ in range(_ATTEMPTS):
            state = self.finish(self.states.get())
            if state is None:
                continue
            shown = self.files.checkpoint()
            if shown is not None and told(shown.note).size > state.size:
                # We lost a race, or were restored behind what the world has seen: nothing else is ever signed for it.
                continue
            first_since = min((it.since for it in leaves), default=self.clock())
            known = self._places([it.name for it in leaves], first_since, self.clock() + _CLOCKS_DIFFER)
            news = tuple({it.name: it for it in leaves if it.name not in known}.values())
            if not news:
                self._show(state)
                return state
            claimed = replace(state, version=state.version + 1, batch=news, batch_at=self.clock())
            if self.states.save(state, claimed) and (done := self.finish(claimed)) is not None:
                return done
        raise Contended

    def finish(self, state: LogState) -> LogState | None:
        """The log once its batch is written, by us; None if somebody else went on with it."""
        if not state.batch or state.batch_at is None:
            return state
        before = self._edge(state.size)
        after, tiles = before.with_entries([it.entry.encode() for it in state.batch])
        for tile, data in tiles.items():
            self.files.put_once(tile.path, data)
        self.places.put(state.batch_at, state.size, [it.name for it in state.batch])
        root = tree_hash(0, after.size, self._hashes(after.size, {**tiles, **_last_tiles(before)}))
        found = LogState(
            version=state.version + 1,
            size=after.size,
            checkpoint=Checkpoint(self.signer.name, after.size, root).signed(self.key, self.signer.sign),
        )
        if not self.states.save(state, found):
            return None
        self._show(found)
        return found

    def proof(self, name: str, since: datetime) -> LogProof:
        """That an entry is in the log that the world sees; it cannot have been logged before `since`.

        Two queries, and a read for each tile of the proof. Raises NotFound: it is not in, or not yet.
        """
        index = self._place(name, since)
        shown = self.files.checkpoint()
        size = told(shown.note).size if shown else 0
        if shown is None or index is None or index >= size:
            raise NotFound(f"{name} in the log")
        return LogProof(index, inclusion_proof(index, size, self._hashes(size, {})), shown.note)

    def _place(self, name: str, since: datetime) -> int | None:
        found = self._places([name], since, since + _LONGEST_WAIT).get(name)
        if found is None and (again := self.places.brought_again(name)) is not None:
            found = self._places([name], again, again + _LONGEST_WAIT).get(name)
        return found

    def _places(self, names: Sequence[str], since: datetime, until: datetime) -> Mapping[str, int]:
        return self.places.of(names, since - _CLOCKS_DIFFER, until)

    def bring_again(self, leaf: Leaf) -> Leaf | None:
        """An entry that is not in the log, as it is to be brought again; None if it was just brought, and may wait."""
        again = self.places.brought_again(leaf.name)
        last = max(leaf.since, again) if again else leaf.since
        if self.clock() - last < _CLOCKS_DIFFER:
            return None
        self.places.note_again(leaf.name, self.clock())
        return replace(leaf, since=self.clock())

    def _edge(self, size: int) -> Growth:
        """The log as it stands, by its last tile of each level, where that is not full."""
        edge: dict[int, bytes] = {}
        level, count = 0, size
        while count:
            if count % WIDTH:
                edge[level] = self.files.get(Tile(level, count // WIDTH, count % WIDTH).path)
            level, count = level + 1, count // WIDTH
        last = Tile(ENTRIES, size // WIDTH, size % WIDTH)
        return Growth(size, edge, unbundled(self.files.get(last.path)) if last.width else ())

    def _hashes(self, size: int, known: Mapping[Tile, bytes]) -> HashAt:
        read = dict(known)

        def fetch(tile: Tile) -> bytes:
            if tile not in read:
                read[tile] = self.files.get(tile.path)
            return read[tile]

        return hash_from(size, fetch)

    def _show(self, state: LogState) -> None:
        """Let the world see it, with what witnesses say of it, unless it sees as much already."""
        shown = self.files.checkpoint()
        if not state.checkpoint or (shown is not None and told(shown.note).size >= state.size):
            return
        hashes = self._hashes(state.size, {})
        note = state.checkpoint + cosignatures(
            self.witnesses, note=state.checkpoint, seen=shown.note if shown else "", hash_at=hashes, clock=self.clock
        )
        for _ in range(_ATTEMPTS):
            if self.files.show(note, shown):
                return
            shown = self.files.checkpoint()
            if shown is not None and told(shown.note).size >= state.size:
                return
        raise Contended


def _last_tiles(log: Growth) -> Mapping[Tile, bytes]:
    """The tiles that are not full, by their names."""
    found = {}
    for level, hashes in log.edge.items():
        count = log.size >> _HEIGHT * level
        found[Tile(level, count // WIDTH, count % WIDTH)] = hashes
    return found
