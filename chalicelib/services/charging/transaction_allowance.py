"""Bounds how many transactions a charger may begin in an hour: each may become a session, its workflow and its bill.

Counted where a transaction is first heard of, one write each; what is told of one that is known counts nothing.
"""

from __future__ import annotations

import logging

from chalicelib.domain.chargers.allowance import TRANSACTIONS
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.chargers import Allowances
from chalicelib.ports.charging import Transactions
from chalicelib.records.charging import TooManyTransactions, Transaction

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransactionAllowance:
    """Counts a charger's new transactions."""

    allowances: Allowances
    transactions: Transactions

    def check(self, told: Transaction, known: Transaction) -> None:
        """Raises TooManyTransactions for one begun by what was just `told` that is beyond the charger's allowance.

        It is forgotten then, so that it is as new when its charger tells it again. One call for one that is new.
        """
        at = told.heard_at
        if at is None or known.heard_at != at:
            return
        if not self.allowances.take(told.charger_id, TRANSACTIONS, 1, at):
            self.transactions.forget(told.charger_id, told.ref, at)
            _log.warning("a charger begins too much", extra={"charger_id": told.charger_id})
            raise TooManyTransactions("too many transactions; send it again later")
