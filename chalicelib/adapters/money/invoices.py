"""Issued invoices and credit notes in DynamoDB.

Number, paper, and of what it was made are one transaction: a number that was given has a paper, and a paper one number,
wherever a process dies.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import decode, encode, find
from chalicelib.adapters.expressions import Clause
from chalicelib.adapters.tables import InvoiceRow, connection
from chalicelib.domain.money.invoice import Invoice
from chalicelib.records import Conflict

_ATTEMPTS = 8
_LAST = "last"
_NUMBER, _OF, _BILLED = "number#", "of#", "billed#"
_RACES = ("ConditionalCheckFailed", "TransactionConflict")


class DynamoInvoices:
    """Invoices in DynamoDB: the port Invoices. Methods make one call where they say nothing else."""

    def issue(self, operator_id: str, source: str, paper: Invoice, organisation_id: str = "") -> Invoice:
        """Three calls, of which one writes; three more for each that was issued by another meanwhile."""
        for _ in range(_ATTEMPTS):
            if (known := self.of(operator_id, source)) is not None:
                return known
            last = find(InvoiceRow, operator_id, _LAST)
            before = (last.issued or 0) if last else 0
            # Of sites in several time zones the new year has begun with whoever saw it first: numbers only rise.
            year = max(paper.issued_on.year, int(last.body[:4]) if last and last.body else 0)
            made = replace(paper, number=f"{year}-{before + 1:07}")
            if _written(operator_id, source, made, before, organisation_id):
                return made
        raise Conflict(f"operator {operator_id} is issuing invoices elsewhere")

    def of(self, operator_id: str, source: str) -> Invoice | None:
        """Two calls where there is one."""
        row = find(InvoiceRow, operator_id, _OF + source)
        return self.numbered(operator_id, row.body) if row and row.body else None

    def of_all(self, operator_id: str, sources: Sequence[str]) -> Sequence[Invoice]:
        """A call for each hundred sources, and one for each hundred papers."""
        keys = [(operator_id, _OF + it) for it in sources]
        rows = InvoiceRow.batch_get(keys, consistent_read=True) if keys else ()
        return _numbered(operator_id, {row.body for row in rows if row.body})

    def of_organisation(self, operator_id: str, organisation_id: str, after: str, most: int) -> Sequence[Invoice]:
        """One call, and one for each hundred papers."""
        rows = InvoiceRow.query(operator_id, _beyond(_billed(organisation_id), after), limit=most, consistent_read=True)
        return _numbered(operator_id, {row.body for row in rows if row.body})

    def numbered(self, operator_id: str, number: str) -> Invoice | None:
        row = find(InvoiceRow, operator_id, _NUMBER + number)
        return decode(Invoice, row.body) if row and row.body else None

    def page(self, operator_id: str, after: str, most: int) -> Sequence[Invoice]:
        rows = InvoiceRow.query(operator_id, _beyond(_NUMBER, after), limit=most, consistent_read=True)
        return [decode(Invoice, row.body) for row in rows if row.body]


def _beyond(prefix: str, after: str) -> Clause:
    """What stands behind a whole number, and before the next one."""
    return InvoiceRow.about.between(f"{prefix}{after}!" if after else prefix, f"{prefix}~")


def _billed(organisation_id: str) -> str:
    return f"{_BILLED}{organisation_id}#"


def _numbered(operator_id: str, numbers: Collection[str]) -> Sequence[Invoice]:
    keys = [(operator_id, _NUMBER + it) for it in numbers]
    rows = InvoiceRow.batch_get(keys, consistent_read=True) if keys else ()
    return sorted((decode(Invoice, row.body) for row in rows if row.body), key=lambda it: it.number)


def _written(operator_id: str, source: str, it: Invoice, before: int, organisation_id: str) -> bool:
    """False where somebody else has issued one since."""
    as_read = InvoiceRow.issued == before if before else InvoiceRow.issued.does_not_exist()
    is_new = InvoiceRow.about.does_not_exist()
    try:
        with TransactWrite(connection=connection) as transaction:
            transaction.save(InvoiceRow(operator_id, _LAST, issued=before + 1, body=it.number), condition=as_read)
            transaction.save(InvoiceRow(operator_id, _NUMBER + it.number, body=encode(it)), condition=is_new)
            # A session whose run was given up has a row and no paper.
            is_free = InvoiceRow.body.does_not_exist()
            transaction.save(InvoiceRow(operator_id, _OF + source, body=it.number), condition=is_free)
            if organisation_id:
                transaction.save(InvoiceRow(operator_id, _billed(organisation_id) + it.number, body=it.number))
    except TransactWriteError as error:
        codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
        if codes.isdisjoint(_RACES):
            raise
        return False
    return True
