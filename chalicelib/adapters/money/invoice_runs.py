"""Invoices that are to be issued by themselves, in DynamoDB, beside those that are.

A session is in one run: that it is, its place in it, and when that is due are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import delete, find, put, shard_of, shards_of, some_due, update
from chalicelib.adapters.expressions import Change, Clause
from chalicelib.adapters.tables import InvoiceRow, connection
from chalicelib.records.money import InvoiceRun
from chalicelib.records.parts import SHARDS

_ATTEMPTS = 4
_DUE, _IN, _OF = "due#", "in#", "of#"


class DynamoInvoiceRuns:
    """Runs of invoices in DynamoDB: the port InvoiceRuns. Methods make one call where they say nothing else."""

    def collect(self, operator_id: str, run: str, session_id: str, due_at: datetime) -> bool:
        writes = _listed(operator_id, run, session_id, due_at)
        return _in_one(InvoiceRow(operator_id, _OF + session_id, run=run), InvoiceRow.about.does_not_exist(), writes)

    def follow(self, operator_id: str, run: str, session_id: str, due_at: datetime) -> None:
        """Two calls, each of which puts a row."""
        for row in _listed(operator_id, run, session_id, due_at):
            put(row)

    def is_collected(self, operator_id: str, session_id: str) -> bool:
        """Two calls where it is in a run."""
        row = find(InvoiceRow, operator_id, _OF + session_id)
        if row is None or row.run is None or row.body is not None:
            return False
        run = find(InvoiceRow, operator_id, _DUE + row.run)
        # One that was given up waits for nothing any more.
        return run is not None and run.due_at is not None

    def due(self, at: datetime, shard: int | None = None) -> Iterable[InvoiceRun]:
        """A call for each shard, and one for each found."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(InvoiceRow.due.query, it, InvoiceRow.due_at <= at):
                row = find(InvoiceRow, key.operator_id, key.about)
                if row is not None and row.due_at is not None and row.due_at <= at:
                    yield InvoiceRun(
                        operator_id=row.operator_id,
                        name=row.about.removeprefix(_DUE),
                        due_at=row.due_at,
                        attempts=row.attempts or 0,
                    )

    def sessions_of(self, it: InvoiceRun) -> Sequence[str]:
        prefix = f"{_IN}{it.name}#"
        rows = InvoiceRow.query(it.operator_id, InvoiceRow.about.startswith(prefix), consistent_read=True)
        return [row.about.removeprefix(prefix) for row in rows]

    def move(self, it: InvoiceRun, session_id: str, run: str, due_at: datetime) -> None:
        is_there = (InvoiceRow.run == it.name) & InvoiceRow.body.does_not_exist()
        former = InvoiceRow(it.operator_id, f"{_IN}{it.name}#{session_id}")
        writes = _listed(it.operator_id, run, session_id, due_at)
        _in_one(InvoiceRow(it.operator_id, _OF + session_id, run=run), is_there, writes, former)

    def invoiced(self, it: InvoiceRun, session_id: str, number: str) -> None:
        update(InvoiceRow(it.operator_id, _OF + session_id), [InvoiceRow.body.set(number)], InvoiceRow.about.exists())

    def failed(self, it: InvoiceRun, next_at: datetime | None, why: str) -> None:
        changes: list[Change] = [InvoiceRow.attempts.set(it.attempts + 1), InvoiceRow.body.set(why[:500])]
        if next_at is None:
            changes += [InvoiceRow.due_shard.remove(), InvoiceRow.due_at.remove()]
        else:
            changes.append(InvoiceRow.due_at.set(next_at))
        update(InvoiceRow(it.operator_id, _DUE + it.name), changes, InvoiceRow.due_at == it.due_at)

    def done(self, it: InvoiceRun) -> None:
        delete(InvoiceRow(it.operator_id, _DUE + it.name), InvoiceRow.due_at == it.due_at)


def _listed(operator_id: str, run: str, session_id: str, due_at: datetime) -> Sequence[InvoiceRow]:
    """A session's place in a run, and when that is due."""
    shard = shard_of(f"{operator_id}#{run}", SHARDS)
    return (
        InvoiceRow(operator_id, f"{_IN}{run}#{session_id}"),
        InvoiceRow(operator_id, _DUE + run, due_shard=shard, due_at=due_at),
    )


def _in_one(of: InvoiceRow, is_free: Clause, listed: Sequence[InvoiceRow], former: InvoiceRow | None = None) -> bool:
    """Put a session into a run, and take it from its former place; False where it is not free to be."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            with TransactWrite(connection=connection) as transaction:
                transaction.save(of, condition=is_free)
                for row in listed:
                    transaction.save(row)
                if former is not None:
                    transaction.delete(former)
        except TransactWriteError as error:
            codes = {it.code for it in error.cancellation_reasons if it is not None}
            if "ConditionalCheckFailed" in codes:
                return False
            # Two sessions of a driver's that end at once share the row of their month.
            if "TransactionConflict" not in codes or not left:
                raise
        else:
            break
    return True
