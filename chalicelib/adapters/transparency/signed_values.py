"""Signed meter values and the keys of meters in DynamoDB.

Values are kept to the letter and in order, beside the readings and as long as receipts: a message's lie in one row,
placed by its first time and by what it says, so that told again it is there once; and of each record that a charge was
billed by, whose it is. A charger's keys are one item.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from chalicelib.adapters.dynamo import decode, encode, find, put, update
from chalicelib.adapters.tables import ChargerRow, ReadingsRow
from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency.meter_keys import MeterKey
from chalicelib.records.pages import BadCursor, cursor_at, place_at

# As long as tax law asks for receipts where Kerb runs (Germany: ten years).
_KEPT = timedelta(days=10 * 366)
# An answer of Lambda's holds six megabytes.
_MOST_BYTES = 3_000_000
# A frame is no longer than an item may be, but for a gateway without limits.
_MOST_BYTES_A_ROW = 350_000
_KEYS = "meter_keys"


_POSITION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#[0-9a-f]{16}")


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoSignedValues:
    """Signed meter values in DynamoDB: the port SignedValues."""

    def keep(self, charger_id: str, ref: str, values: Sequence[SignedValue]) -> None:
        """One call; none when there is nothing to keep."""
        in_order = sorted(values, key=lambda it: it.at)
        while in_order and len(body := encode(in_order)) > _MOST_BYTES_A_ROW:
            half = len(in_order) // 2
            self.keep(charger_id, ref, in_order[half:])
            in_order = in_order[:half]
        if not in_order:
            return
        began = in_order[0].at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        digest = hashlib.sha256(body.encode()).hexdigest()[:16]
        put(ReadingsRow(_key(charger_id, ref), f"{began}Z#{digest}", body=body, expires_at=_now() + _KEPT))

    def page(self, charger_id: str, ref: str, limit: int, after: str) -> tuple[Sequence[SignedValue], str | None]:
        """One call, and one more for each megabyte. Raises BadCursor."""
        past = None
        if after:
            (place,) = map(str, place_at(after, str))
            if not _POSITION.fullmatch(place):
                raise BadCursor
            past = ReadingsRow.position > place
        rows = ReadingsRow.query(_key(charger_id, ref), past, consistent_read=True, page_size=limit + 1)
        found: list[SignedValue] = []
        size, position = 0, ""
        for count, row in enumerate(rows):
            size += len(row.body)
            if count == limit or (count and size > _MOST_BYTES):
                return found, cursor_at([position])
            found += decode(list[SignedValue], row.body)
            position = row.position
        return found, None

    def claim(self, charger_id: str, ref: str, digests: Sequence[str]) -> bool:
        """A call for each, until one is refused."""
        is_its = ReadingsRow.body.does_not_exist() | (ReadingsRow.body == ref)
        billed = f"!billed#{quote(charger_id, safe='')}"
        return all(put(ReadingsRow(billed, it, body=ref, expires_at=_now() + _KEPT), is_its) for it in digests)


def _key(charger_id: str, ref: str) -> str:
    """Beside the readings of transactions: no quoted name of a charger begins so, or can spell another's."""
    return f"!signed#{quote(charger_id, safe='')}#{ref}"


class DynamoMeterKeys:
    """Keys of meters in DynamoDB: the port MeterKeys. A read each; to replace them a write too."""

    def of(self, charger_id: str) -> Sequence[MeterKey]:
        return _keys(find(ChargerRow, charger_id, _KEYS))

    def replace(self, charger_id: str, before: Sequence[MeterKey], after: Sequence[MeterKey]) -> bool:
        row = find(ChargerRow, charger_id, _KEYS)
        if tuple(before) != _keys(row):
            return False
        # As it is written there, be it by a version that knew less of keys.
        expected = ChargerRow.body == row.body if row and row.body else ChargerRow.body.does_not_exist()
        return update(ChargerRow(charger_id, _KEYS), [ChargerRow.body.set(encode(tuple(after)))], expected)


def _keys(row: ChargerRow | None) -> tuple[MeterKey, ...]:
    return decode(tuple[MeterKey, ...], row.body) if row and row.body else ()
