"""Refused connections in DynamoDB, counted by reason and day: whoever tries without end writes the same few rows.

A charger has a row a day for each reason. Strangers' names are made up by whoever knocks, so they share a number of
rows that does not grow: a name falls into one of them by its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.adapters.dynamo import NewestFirst, update_and_read
from chalicelib.adapters.tables import KnockRow
from chalicelib.records.chargers import Knock, KnockReason

_KEPT = timedelta(days=7)
_STRANGERS = 100


class DynamoKnocks:
    """Refused connections in DynamoDB: the port Knocks. Methods make one call."""

    def add(self, knock: Knock) -> int:
        day = knock.at.astimezone(UTC).date()
        row = KnockRow(knock.operator_id, f"{day}#{_kind(knock)}")
        taken_for = KnockRow.charger_id
        changes = [
            taken_for.set(knock.charger_id) if knock.charger_id is not None else taken_for.remove(),
            KnockRow.name.set(knock.name),
            KnockRow.reason.set(knock.reason.value),
            KnockRow.why.set(knock.why),
            KnockRow.at.set(knock.at),
            KnockRow.first_at.set(KnockRow.first_at | knock.first_at),
            KnockRow.knocks.add(knock.knocks),
            KnockRow.expires_at.set(knock.at + _KEPT),
        ]
        update_and_read(row, changes)
        return row.knocks or 0

    def page(self, operator_id: str, limit: int, before: str | None) -> tuple[Sequence[Knock], str | None]:
        knocks = NewestFirst(KnockRow, KnockRow.query, ("operator_id", "place"), consistent_read=True)
        rows, cursor = knocks.page(operator_id, limit, before)
        return [_knock(row) for row in rows], cursor


def _kind(knock: Knock) -> str:
    if knock.charger_id is not None:
        return f"{knock.charger_id}#{knock.reason}"
    # No charger's name holds a slash.
    return f"/{int.from_bytes(hashlib.sha256(knock.name.encode()).digest()[:4]) % _STRANGERS:02}"


def _knock(row: KnockRow) -> Knock:
    at = row.at or datetime.now(UTC)
    return Knock(
        operator_id=row.operator_id,
        charger_id=row.charger_id,
        name=row.name or "",
        reason=KnockReason(row.reason),
        why=row.why or "",
        at=at,
        first_at=row.first_at or at,
        knocks=row.knocks or 0,
    )
