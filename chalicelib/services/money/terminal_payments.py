"""Payments at chargers' own card terminals: recorded with the transaction, booked once, never asked of a card again.

A settlement is a fact of its transaction, so that it may come before the start, after the end, or twice.
"""

from __future__ import annotations

import logging

from chalicelib.domain.chargers.events import SettlementTold
from chalicelib.domain.charging.session import Session, Settlement
from chalicelib.domain.charging.terminal import SettledAtTerminal
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.ledger import Book
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.ports.money import Ledger
from chalicelib.records.charging import Transaction
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import TransactionIds

_log = logging.getLogger(__name__)
# Whoever pays at a terminal has no account, and owes nothing to anybody.
_PAYER = "terminal"


@dataclass(frozen=True, kw_only=True)
class TerminalPayments:
    """Takes in what terminals settled, and books it."""

    sessions: Sessions
    transactions: Transactions
    transaction_ids: TransactionIds
    ledger: Ledger
    changes: SessionChanges
    clock: Clock

    def settled(self, charger_id: str, event: SettlementTold) -> None:
        """A terminal has taken money for a transaction, be that known yet or not. The first word counts."""
        if event.ref is None or not event.is_settled:
            return
        told = Settlement(
            psp_ref=event.psp_ref,
            amount=event.amount,
            at=event.at,
            receipt_id=event.receipt_id,
            receipt_url=event.receipt_url,
        )
        known = self.transaction_ids.known(charger_id, event.ref)
        ref = known.ref if known is not None else event.ref
        facts = self.transactions.record(Transaction(charger_id=charger_id, ref=ref, settlement=told))
        _log.info("settled at the terminal", extra={"charger_id": charger_id, "ref": ref})
        session = self.sessions.get(facts.session_id) if facts.session_id else None
        if session is not None:
            session = self.changes.apply(session.session_id, SettledAtTerminal(told), known=session)
            if session.is_over:
                self.book(session)

    def book(self, session: Session) -> None:
        """Write sale and payment of a charge paid at a terminal into the books; safe to do again."""
        if session.settlement is None or session.bill is None:
            return
        now = self.clock()
        book = Book(session.session_id, session.operator_id, session.driver_id or _PAYER, session.tariff.currency)
        amount_minor = to_minor(session.settlement.amount, session.tariff.currency)
        self.ledger.append(
            [*book.sale(session.bill, now), book.terminal(session.settlement.psp_ref, amount_minor, now)]
        )
