"""The audit in DynamoDB: rows are put once and neither changed nor deleted, which the functions' policies hold too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.dynamo import NewestFirst, decode, encode, put
from chalicelib.adapters.expressions import Clause
from chalicelib.adapters.tables import AuditRow
from chalicelib.domain.access.audit import KEPT_FOR, AuditEntry, AuditOutcome, AuditQuery

_ENTRY = "entry"
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class DynamoAuditEntries:
    """The port AuditEntries. Methods make one call where they say nothing else."""

    def add(self, entry: AuditEntry) -> bool:
        row = AuditRow(
            entry.entry_id,
            _ENTRY,
            operator_id=entry.operator_id,
            at=entry.at,
            operator_thing=_thing(entry.operator_id, entry.thing),
            body=encode(entry),
            expires_at=entry.at + KEPT_FOR,
        )
        return put(row, AuditRow.entry_id.does_not_exist())

    def mark(self, entry: AuditEntry, outcome: AuditOutcome, problem: str) -> None:
        row = AuditRow(entry.entry_id, outcome.value, body=problem, expires_at=entry.at + KEPT_FOR)
        put(row, AuditRow.entry_id.does_not_exist())

    def page(
        self, operator_id: str, query: AuditQuery, limit: int, before: str | None
    ) -> tuple[Sequence[AuditEntry], str | None]:
        """Two calls: what became of entries stands beside them."""
        condition: Clause | None = None
        if query.since is not None or query.until is not None:
            condition = AuditRow.at.between(query.since or _FIRST, query.until or _LAST)
        of_thing = query.thing is not None
        index: Any
        index, name = (AuditRow.by_thing, "operator_thing") if of_thing else (AuditRow.by_operator, "operator_id")
        newest = NewestFirst(
            AuditRow,
            lambda partition, **options: index.query(partition, condition, **options),
            (name, "at", "entry_id", "part"),
        )
        rows, cursor = newest.page(
            _thing(operator_id, query.thing) if query.thing is not None else operator_id, limit, before
        )
        marks = _marks([row.entry_id for row in rows])
        return [_entry(row, marks) for row in rows], cursor


def _thing(operator_id: str, thing: str) -> str:
    return f"{operator_id} {thing}"


def _marks(entry_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    keys = [(it, outcome.value) for it in entry_ids for outcome in AuditOutcome]
    return {(row.entry_id, row.part): row.body for row in AuditRow.batch_get(keys)} if keys else {}


def _entry(row: AuditRow, marks: dict[tuple[str, str], str]) -> AuditEntry:
    """A request that was refused, made again and then came about, came about."""
    entry = decode(AuditEntry, row.body)
    for outcome in (AuditOutcome.DONE, AuditOutcome.REFUSED, AuditOutcome.FAILED):
        if (row.entry_id, outcome.value) in marks:
            return replace(entry, outcome=outcome, problem=marks[row.entry_id, outcome.value])
    return entry
