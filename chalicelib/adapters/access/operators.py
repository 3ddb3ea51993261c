"""Operators as the platform knows them, in DynamoDB: each one's row, and a list of all.

What holds for an operator is asked at each of its requests and each start of a charge, and so is remembered for half a
minute in each process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from chalicelib.adapters.dynamo import NewestFirst, decode, encode, find, put, update
from chalicelib.adapters.tables import MemberRow, OperatorRow
from chalicelib.domain.access.operators import OperatorStanding
from chalicelib.domain.access.rights import Role
from chalicelib.ports import Clock
from chalicelib.records import Conflict

# So soon what was changed is known to every process.
REMEMBERED_S = 30
_OPERATORS_REMEMBERED = 1_000
_ATTEMPTS = 8
# No operator's id holds a slash.
_ALL = "platform/operators"


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoOperators:
    """The port Operators. Methods make one call where they say nothing else."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self._known = lru_cache(_OPERATORS_REMEMBERED)(_remembered)

    def standing(self, operator_id: str) -> OperatorStanding:
        """One call in half a minute and process, none after that."""
        return self._known(operator_id, int(self._clock().timestamp()) // REMEMBERED_S)

    def get(self, operator_id: str) -> OperatorStanding | None:
        row = find(OperatorRow, operator_id)
        return _standing(row) if row is not None else None

    def change(
        self, operator_id: str, change: Callable[[OperatorStanding | None], OperatorStanding]
    ) -> OperatorStanding:
        """Two calls, a third for one that was not there, and two more for each time that somebody was quicker."""
        for _ in range(_ATTEMPTS):
            row = find(OperatorRow, operator_id)
            known = row.standing if row is not None else None
            after = change(_standing(row) if row is not None else None)
            if row is None:
                self.note(operator_id)
            attribute = OperatorRow.standing
            as_read = attribute.does_not_exist() if known is None else attribute == known
            kept = replace(after, second_factor=frozenset())
            if update(OperatorRow(operator_id), [attribute.set(encode(kept))], as_read):
                self._known.cache_clear()
                return after
        raise Conflict(f"operator {operator_id} is being changed by others")

    def require_second_factor(self, operator_id: str, roles: frozenset[Role]) -> None:
        roles_named = OperatorRow.second_factor
        change = roles_named.set({it.value for it in roles}) if roles else roles_named.remove()
        update(OperatorRow(operator_id), [change])
        self._known.cache_clear()

    def note(self, operator_id: str) -> None:
        put(MemberRow(_ALL, operator_id))

    def page(self, limit: int, before: str | None) -> tuple[Sequence[tuple[str, OperatorStanding]], str | None]:
        """Two calls: the list, and the rows of those on it."""
        listed = NewestFirst(MemberRow, MemberRow.query, ("operator_id", "person_id"), consistent_read=True)
        rows, cursor = listed.page(_ALL, limit, before)
        names = [row.person_id for row in rows]
        found = OperatorRow.batch_get(names, consistent_read=True) if names else ()
        standings = {row.operator_id: _standing(row) for row in found}
        return [(name, standings.get(name, OperatorStanding())) for name in names], cursor


def _remembered(operator_id: str, slot: int) -> OperatorStanding:
    row = find(OperatorRow, operator_id)
    return _standing(row) if row is not None else OperatorStanding()


def _standing(row: OperatorRow) -> OperatorStanding:
    known = decode(OperatorStanding, row.standing) if row.standing else OperatorStanding()
    return replace(known, second_factor=frozenset(map(Role, row.second_factor or ())))
