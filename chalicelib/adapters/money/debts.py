"""Debts and reconciliation's differences in DynamoDB.

Who asks for a debt has it to themselves for a while: one conditional write, which ends by time alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from chalicelib.adapters.dynamo import decode, delete, encode, find, put, shard_of, shards_of, some_due, update
from chalicelib.adapters.expressions import Change
from chalicelib.adapters.tables import DebtRow, DifferenceRow
from chalicelib.records.money import Debt, Difference
from chalicelib.records.parts import SHARDS


class DynamoDebts:
    """Debts in DynamoDB: the port DebtBook. Methods make one call where they say nothing else."""

    def add(self, debt: Debt) -> None:
        row = DebtRow(
            debt.session_id,
            body=encode(debt),
            attempts=0,
            due_shard=shard_of(debt.session_id, SHARDS),
            next_at=debt.next_at,
        )
        put(row, DebtRow.session_id.does_not_exist())

    def get(self, session_id: str) -> Debt | None:
        row = find(DebtRow, session_id)
        return _debt(row) if row else None

    def lease(self, session_id: str, until: datetime, at: datetime) -> bool:
        is_free = DebtRow.leased_until.does_not_exist() | (DebtRow.leased_until <= at)
        is_there = DebtRow.session_id.exists()
        return update(DebtRow(session_id), [DebtRow.leased_until.set(until)], is_there & is_free)

    def release(self, session_id: str) -> None:
        update(DebtRow(session_id), [DebtRow.leased_until.remove()], DebtRow.session_id.exists())

    def failed(self, session_id: str, attempts: int, next_at: datetime | None, why: str) -> None:
        changes: list[Change] = [
            DebtRow.attempts.set(attempts),
            DebtRow.error.set(why[:500]),
            DebtRow.leased_until.remove(),
        ]
        if next_at is None:
            changes += [DebtRow.due_shard.remove(), DebtRow.next_at.remove()]
        else:
            changes.append(DebtRow.next_at.set(next_at))
        update(DebtRow(session_id), changes, DebtRow.session_id.exists())

    def remove(self, session_id: str) -> None:
        delete(DebtRow(session_id))

    def due(self, at: datetime, shard: int | None = None) -> Iterable[Debt]:
        """A call for each shard, and one for each found."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(DebtRow.due.query, it, DebtRow.next_at <= at):
                debt = self.get(key.session_id)
                if debt is not None and debt.next_at is not None and debt.next_at <= at:
                    yield debt


class DynamoDifferences:
    """A day's differences in DynamoDB: the port Differences. Methods make one call where they say nothing else."""

    def put(self, day: date, differences: Sequence[Difference]) -> None:
        """One call for each difference."""
        for it in differences:
            put(DifferenceRow(_operator_day(it.operator_id, day), f"{it.session_id}#{it.what}", body=encode(it)))

    def of(self, operator_id: str, day: date) -> Sequence[Difference]:
        return [decode(Difference, row.body) for row in DifferenceRow.query(_operator_day(operator_id, day))]


def _operator_day(operator_id: str, day: date) -> str:
    return f"{operator_id}/{day.isoformat()}"


def _debt(row: DebtRow) -> Debt:
    known = decode(Debt, row.body)
    return replace(
        known, attempts=row.attempts, next_at=row.next_at, error=row.error or "", broke_off=row.leased_until is not None
    )
