"""Cars' nights, wishes and matches in DynamoDB, beside the cars; a night is listed as due until it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, shard_of, shards_of, some_due
from chalicelib.adapters.tables import VehicleRow
from chalicelib.domain.vehicles.match import CarMatch
from chalicelib.domain.vehicles.night import Night
from chalicelib.domain.vehicles.wish import CarWish
from chalicelib.records import Conflict
from chalicelib.records.parts import SHARDS

_NIGHT, _WISH, _MATCH = "night", "wish", "match"
_ATTEMPTS = 8
_MATCH_KEPT = timedelta(days=90)


class DynamoNights:
    """The port Nights. Methods make one call where they say nothing else."""

    def get(self, vehicle_id: str) -> Night | None:
        row = find(VehicleRow, _nights(vehicle_id), _NIGHT)
        return _night(row) if row is not None else None

    def change(self, vehicle_id: str, change: Callable[[Night | None], Night | None]) -> Night | None:
        """Two calls where nobody else writes. Raises Conflict where others do all the time."""
        for _ in range(_ATTEMPTS):
            before = self.get(vehicle_id)
            after = change(before)
            if after is None:
                return before
            revision = before.revision if before is not None else 0
            kept = replace(after, revision=revision + 1)
            is_as_read = VehicleRow.revision == revision if revision else VehicleRow.owner.does_not_exist()
            if put(_row(kept), is_as_read):
                return kept
        raise Conflict("others change that night all the time")

    def due(self, at: datetime, shard: int | None = None) -> Iterable[str]:
        """A call for each shard."""
        for it in shards_of(shard, SHARDS):
            for row in some_due(VehicleRow.due.query, it, VehicleRow.due_at <= at):
                yield row.owner.removeprefix("night/")

    def wish(self, vehicle_id: str) -> CarWish | None:
        row = find(VehicleRow, _nights(vehicle_id), _WISH)
        return decode(CarWish, row.body) if row is not None and row.body else None

    def keep_wish(self, vehicle_id: str, wish: CarWish) -> None:
        put(VehicleRow(_nights(vehicle_id), _WISH, body=encode(wish)))

    def forget(self, vehicle_id: str) -> None:
        """Two calls, of which either may find nothing."""
        for item in (_NIGHT, _WISH):
            delete(VehicleRow(_nights(vehicle_id), item))


class DynamoCarMatches:
    """The port CarMatches: one call each."""

    def of_session(self, session_id: str) -> CarMatch | None:
        row = find(VehicleRow, f"match/{session_id}", _MATCH)
        return decode(CarMatch, row.body) if row is not None and row.body else None

    def keep(self, match: CarMatch, before: CarMatch | None) -> bool:
        expires_at = match.at + _MATCH_KEPT
        row = VehicleRow(f"match/{match.session_id}", _MATCH, body=encode(match), expires_at=expires_at)
        is_as_read = VehicleRow.body == encode(before) if before is not None else VehicleRow.owner.does_not_exist()
        return put(row, is_as_read)

    def trusted(self, driver_id: str) -> frozenset[str]:
        rows = VehicleRow.query(f"driver/{driver_id}", VehicleRow.item.startswith("trusted/"), consistent_read=True)
        return frozenset(it.item.removeprefix("trusted/") for it in rows)

    def trust(self, driver_id: str, vehicle_id: str, *, is_so: bool) -> None:
        row = VehicleRow(f"driver/{driver_id}", f"trusted/{vehicle_id}")
        if is_so:
            put(row)
        else:
            delete(row)


def _nights(vehicle_id: str) -> str:
    return f"night/{vehicle_id}"


def _row(night: Night) -> VehicleRow:
    owner, due_at = _nights(night.vehicle_id), night.next_at
    shard = shard_of(night.vehicle_id, SHARDS) if due_at is not None else None
    body = encode(replace(night, revision=0))
    return VehicleRow(owner, _NIGHT, body=body, revision=night.revision, due_shard=shard, due_at=due_at)


def _night(row: VehicleRow) -> Night:
    return replace(decode(Night, row.body or ""), revision=row.revision or 0)
