"""Drivers' wallets in DynamoDB.

A movement is one transaction: the wallet, the ledger, the statement's line and whatever it is about change together, or
nothing does. Two who move a wallet at once are told apart by its version, and a movement done again by its transfer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamo import (
    NewestFirst,
    decode,
    delete_all,
    encode,
    find,
    put,
    shard_of,
    shards_of,
    some_due,
)
from chalicelib.adapters.expressions import Clause
from chalicelib.adapters.money.ledger import add_transfers, still_missing
from chalicelib.adapters.tables import WalletRow, connection
from chalicelib.domain.money.deposits import ChainOutbox, Deposit
from chalicelib.domain.money.ledger import Transfer
from chalicelib.domain.money.wallet import (
    Escrow,
    PayOut,
    TopUp,
    Wallet,
    WalletEntry,
    WalletPaper,
    wallet_of,
)
from chalicelib.records.money import Movement, MovementOutcome
from chalicelib.records.parts import SHARDS

_ATTEMPTS = 4
_ESCROW, _OUTBOX = "escrow", "outbox"
_WALLET, _ENTRY, _TOP_UP, _PAY_OUT, _DEPOSIT = "wallet#", "entry#", "top_up#", "pay_out#", "deposit#"
_END = "~"
_RACES = ("ConditionalCheckFailed", "TransactionConflict")


class DynamoWallets:
    """Wallets in DynamoDB: the port Wallets. Methods make one call where they say nothing else."""

    def get(self, driver_id: str, currency: str) -> Wallet | None:
        row = find(WalletRow, driver_id, _WALLET + currency)
        return decode(Wallet, row.body) if row else None

    def of_driver(self, driver_id: str) -> Sequence[Wallet]:
        rows = WalletRow.query(driver_id, _within(_WALLET), consistent_read=True)
        return [decode(Wallet, row.body) for row in rows]

    def move(self, movement: Movement) -> MovementOutcome:
        """One call; two when some of its transfers, but not the first, were written before."""
        missing = list(movement.transfers)
        for _ in range(_ATTEMPTS):
            try:
                _write(movement, missing)
            except TransactWriteError as error:
                reasons = error.cancellation_reasons
                own = len(reasons) - len(missing)
                codes = {reason.code for reason in reasons[:own] if reason is not None}
                if not codes <= set(_RACES):
                    raise
                if "ConditionalCheckFailed" in codes:
                    # What the ledger has by now may be of another movement than this one would be.
                    return MovementOutcome.STALE
                missing = still_missing(missing, reasons[own:], error)
                if movement.transfers and movement.transfers[0] not in missing:
                    return MovementOutcome.KNOWN
            else:
                return MovementOutcome.DONE
        return MovementOutcome.STALE

    def escrow(self, session_id: str) -> Escrow | None:
        row = find(WalletRow, session_id, _ESCROW)
        return decode(Escrow, row.body) if row else None

    def top_up(self, top_up_id: str) -> TopUp | None:
        of = wallet_of(top_up_id)
        row = find(WalletRow, of[0], f"{_TOP_UP}{of[1]}#{top_up_id}") if of else None
        return decode(TopUp, row.body) if row else None

    def pay_out(self, driver_id: str, currency: str, pay_out_id: str) -> PayOut | None:
        row = find(WalletRow, driver_id, f"{_PAY_OUT}{currency}#{pay_out_id}")
        return decode(PayOut, row.body) if row else None

    def deposit(self, driver_id: str, session_id: str) -> Deposit | None:
        row = find(WalletRow, driver_id, _DEPOSIT + session_id)
        return decode(Deposit, row.body) if row else None

    def deposits(self, driver_id: str) -> Sequence[Deposit]:
        rows = WalletRow.query(driver_id, _within(_DEPOSIT), consistent_read=True)
        return [decode(Deposit, row.body) for row in rows]

    def chain_outbox(self, chain_id: int, address: str) -> ChainOutbox | None:
        row = find(WalletRow, _sender(chain_id, address), _OUTBOX)
        return decode(ChainOutbox, row.body) if row else None

    def pay_outs(self, driver_id: str, currency: str) -> Sequence[PayOut]:
        rows = WalletRow.query(driver_id, _within(f"{_PAY_OUT}{currency}#"), consistent_read=True)
        return [decode(PayOut, row.body) for row in rows]

    def top_ups(self, driver_id: str, currency: str) -> Sequence[TopUp]:
        rows = WalletRow.query(driver_id, _within(f"{_TOP_UP}{currency}#"), consistent_read=True)
        return [decode(TopUp, row.body) for row in rows]

    def note(self, before: WalletPaper | None, after: WalletPaper) -> bool:
        return put(_paper(before, after), _as_known(before))

    def entries(
        self, driver_id: str, currency: str, limit: int, before: str | None
    ) -> tuple[Sequence[WalletEntry], str | None]:
        def query(owner: str, **asked: Any) -> Iterable[WalletRow]:
            return WalletRow.query(owner, _within(f"{_ENTRY}{currency}#"), **asked)

        rows, cursor = NewestFirst(WalletRow, query, ("owner", "about"), True).page(driver_id, limit, before)
        return [decode(WalletEntry, row.body) for row in rows], cursor

    def due(self, at: datetime, shard: int | None = None) -> Iterable[WalletPaper]:
        """A call for each shard, and one for each found."""
        for it in shards_of(shard, SHARDS):
            for key in some_due(WalletRow.due.query, it, WalletRow.next_at <= at):
                row = find(WalletRow, key.owner, key.about)
                if row is not None and row.next_at is not None and row.next_at <= at:
                    yield decode(_kind(row.about), row.body)

    def forget_driver(self, driver_id: str) -> Iterator[int]:
        """One call for each megabyte, and one for each 25."""
        return delete_all(WalletRow.query(driver_id, consistent_read=True))


def _write(movement: Movement, missing: Sequence[Transfer]) -> None:
    before, after = movement.before, movement.after
    version = _next(before)
    wallet = WalletRow(
        after.driver_id, _WALLET + after.currency, body=encode(replace(after, version=version)), version=version
    )
    with TransactWrite(connection=connection) as transaction:
        transaction.save(wallet, condition=_as_known(before))
        for known, paper in movement.papers:
            transaction.save(_paper(known, paper), condition=_as_known(known))
        if movement.entry is not None:
            entry = movement.entry
            # Of two at one moment the later has the higher version, and stands behind.
            about = f"{_ENTRY}{after.currency}#{entry.at.isoformat(timespec='microseconds')}#{version:09}"
            transaction.save(WalletRow(after.driver_id, about, body=encode(entry)))
        add_transfers(transaction, missing)


def _paper(before: WalletPaper | None, after: WalletPaper) -> WalletRow:
    version = _next(before)
    match after:
        case Escrow():
            owner, about = after.session_id, _ESCROW
        case TopUp():
            owner, about = after.driver_id, f"{_TOP_UP}{after.currency}#{after.top_up_id}"
        case PayOut():
            owner, about = after.driver_id, f"{_PAY_OUT}{after.currency}#{after.pay_out_id}"
        case Deposit():
            owner, about = after.driver_id, _DEPOSIT + after.session_id
        case ChainOutbox():
            owner, about = _sender(after.chain_id, after.address), _OUTBOX
    row = WalletRow(owner, about, body=encode(replace(after, version=version)), version=version)
    if after.next_at is not None:
        row.due_shard, row.next_at = shard_of(owner, SHARDS), after.next_at
    return row


# By how `about` begins.
_KINDS: Mapping[str, type[WalletPaper]] = {
    _ESCROW: Escrow,
    _OUTBOX: ChainOutbox,
    _TOP_UP: TopUp,
    _PAY_OUT: PayOut,
    _DEPOSIT: Deposit,
}


def _kind(about: str) -> type[WalletPaper]:
    return next(kind for prefix, kind in _KINDS.items() if about.startswith(prefix))


def _sender(chain_id: int, address: str) -> str:
    """Beside drivers' rows: no driver's id has a sign like that in it."""
    return f"chain#{chain_id}#{address}"


def _within(prefix: str) -> Clause:
    return WalletRow.about.between(prefix, f"{prefix}{_END}")


def _next(before: Wallet | WalletPaper | None) -> int:
    return before.version + 1 if before else 1


def _as_known(before: Wallet | WalletPaper | None) -> Clause:
    is_there = before is not None and before.version > 0
    return WalletRow.version == before.version if before and is_there else WalletRow.owner.does_not_exist()
