"""Sites that have moved, in DynamoDB: a partition of their own among the places, where each stands for some minutes."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.adapters.dynamo import decode, delete, encode, find, put
from chalicelib.adapters.tables import PlaceRow
from chalicelib.records.discovery import Relocation

# No cell's number begins so.
_PARTITION = "moved"


class DynamoRelocations:
    """The port Relocations. Methods make one call."""

    def get(self, site_id: str) -> Relocation | None:
        row = find(PlaceRow, _PARTITION, site_id)
        return decode(Relocation, row.body) if row else None

    def all(self) -> Iterator[Relocation]:
        """One call, and another for each megabyte."""
        return (decode(Relocation, row.body) for row in PlaceRow.query(_PARTITION))

    def change(self, before: Relocation | None, after: Relocation) -> bool:
        row = PlaceRow(_PARTITION, after.site_id, body=encode(after), online=False, statuses={}, kept={})
        is_as_known = PlaceRow.area.does_not_exist() if before is None else PlaceRow.body == encode(before)
        return put(row, is_as_known)

    def end(self, known: Relocation) -> bool:
        return delete(PlaceRow(_PARTITION, known.site_id), PlaceRow.body == encode(known))
