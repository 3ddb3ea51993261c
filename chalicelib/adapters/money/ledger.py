"""The ledger and issued receipts in DynamoDB.

A transfer or receipt is written once and never again: writing it a second time finds it there and leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import CancellationReason, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import decode, encode, find, put, update
from chalicelib.adapters.tables import LedgerRow, OperatorRow, ReceiptRow, connection
from chalicelib.domain.money.ledger import Transfer, Unbalanced
from chalicelib.domain.money.receipt import Profile, Receipt
from chalicelib.records import Conflict

_ATTEMPTS = 4


class DynamoLedger:
    """The ledger in DynamoDB: the port Ledger. Methods make one call where they say nothing else."""

    def append(self, transfers: Sequence[Transfer]) -> None:
        """One call; two when some, but not all, were written before.

        Raises Unbalanced when one was written before with another meaning (its time apart: a step done again has a
        later clock), and Conflict when others keep writing the same transfers at this moment.
        """
        missing = list(transfers)
        for _ in range(_ATTEMPTS):
            if not missing:
                return
            try:
                _write(missing)
            except TransactWriteError as error:
                missing = still_missing(missing, error.cancellation_reasons, error)
            else:
                return
        if missing:
            raise Conflict(f"transfers of session {missing[0].session_id} are being written by others")

    def of_session(self, session_id: str) -> Sequence[Transfer]:
        """Oldest first. One call."""
        rows = LedgerRow.query(session_id, consistent_read=True)
        return sorted((decode(Transfer, row.body) for row in rows), key=lambda transfer: transfer.at)

    def sessions_of(self, day: date, after: str, most: int) -> tuple[Sequence[str], str]:
        beyond = LedgerRow.session_id > after if after else None
        rows = list(LedgerRow.by_day.query(day.isoformat(), beyond, limit=most))
        return list(dict.fromkeys(row.session_id for row in rows)), rows[-1].session_id if len(rows) == most else ""


class DynamoReceipts:
    """Issued receipts in DynamoDB: the port Receipts. Methods make one call."""

    def add(self, receipt: Receipt) -> bool:
        row = ReceiptRow(receipt.session_id, operator_id=receipt.operator_id, body=encode(receipt))
        return put(row, ReceiptRow.session_id.does_not_exist())

    def get(self, session_id: str) -> Receipt | None:
        row = find(ReceiptRow, session_id)
        return decode(Receipt, row.body) if row else None


class DynamoOperatorProfiles:
    """The port OperatorProfiles. Every method makes one call."""

    def put(self, operator_id: str, profile: Profile) -> None:
        update(OperatorRow(operator_id), [OperatorRow.profile.set(encode(profile))])

    def get(self, operator_id: str) -> Profile | None:
        row = find(OperatorRow, operator_id)
        return decode(Profile, row.profile) if row and row.profile else None


def _write(transfers: Sequence[Transfer]) -> None:
    with TransactWrite(connection=connection) as transaction:
        add_transfers(transaction, transfers)


def add_transfers(transaction: TransactWrite, transfers: Sequence[Transfer]) -> None:
    """Let a transaction write transfers too, unless one of them is written."""
    for transfer in transfers:
        row = LedgerRow(
            transfer.session_id,
            f"{transfer.kind}#{transfer.reference}",
            operator_id=transfer.operator_id,
            body=encode(transfer),
            day=transfer.at.date().isoformat(),
        )
        transaction.save(row, condition=LedgerRow.transfer.does_not_exist(), return_values=ALL_OLD)


def still_missing(
    transfers: Sequence[Transfer], reasons: Sequence[CancellationReason | None], error: TransactWriteError
) -> list[Transfer]:
    """Those of a transaction's transfers that nobody has written yet. Raises Unbalanced, or the error."""
    if len(reasons) != len(transfers):
        raise error
    return [it for it, reason in zip(transfers, reasons, strict=True) if not _is_written(it, reason, error)]


def _is_written(transfer: Transfer, reason: CancellationReason | None, error: TransactWriteError) -> bool:
    if reason is None or reason.code == "TransactionConflict":
        return False
    if reason.code != "ConditionalCheckFailed" or reason.raw_item is None:
        raise error
    written = decode(Transfer, LedgerRow.from_raw_data(reason.raw_item).body)
    if replace(written, at=transfer.at) != transfer:
        raise Unbalanced(f"the ledger says {written}, and cannot also say {transfer}")
    return True
