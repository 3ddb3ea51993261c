"""Operators in DynamoDB whose chargers lack something that has changed: tokens on their lists, or a setup profile."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.adapters.dynamo import update
from chalicelib.adapters.expressions import Change
from chalicelib.adapters.tables import OperatorRow

# The index's one partition: operators are few, and few of them are behind.
_BEHIND = "1"


def now_behind() -> Change:
    """Belongs to every write of something that an operator's chargers are to be brought."""
    return OperatorRow.behind.set(_BEHIND)


def operators_behind() -> Iterator[OperatorRow]:
    """Those that are behind, as they are now: one call where there are none, a second one for each hundred.

    One found to have nothing left is taken off, unless it has meanwhile.
    """
    keys = [it.operator_id for it in OperatorRow.by_behind.query(_BEHIND)]
    for row in OperatorRow.batch_get(keys, consistent_read=True) if keys else ():
        if row.setup_after is not None or _lacks_tokens(row):
            yield row
        else:
            is_done = OperatorRow.tokens_changed_s.does_not_exist()
            is_done |= OperatorRow.tokens_changed_s <= OperatorRow.lists_done_s
            update(row, [OperatorRow.behind.remove()], OperatorRow.setup_after.does_not_exist() & is_done)


def _lacks_tokens(row: OperatorRow) -> bool:
    return row.tokens_changed_s is not None and row.tokens_changed_s > (row.lists_done_s or 0)
