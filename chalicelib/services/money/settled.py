"""Brings settled charges to the log, with their receipts, and invoices as they are issued.

What is brought follows from the receipt or invoice as issued, so that whoever does it again brings the same.
"""

from __future__ import annotations

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.invoice import Invoice
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.money.settlement import paper_text, settled_entry
from chalicelib.domain.transparency.entries import paper_entry
from chalicelib.ports.transparency import LogQueue
from chalicelib.records.transparency import Leaf


@dataclass(frozen=True)
class SettledCharges:
    """Brings settled charges and invoices to the log. One call."""

    queue: LogQueue

    def bring(self, session: Session, receipt: Receipt) -> None:
        """Have it logged, now or again; one that was billed before there was a log has no salt, and is not."""
        if session.salt:
            self.queue.put(leaf(session, receipt))

    def bring_paper(self, operator_id: str, invoice: Invoice) -> None:
        """Have an invoice or credit note logged."""
        if (found := paper_leaf(operator_id, invoice)) is not None:
            self.queue.put(found)


def leaf(session: Session, receipt: Receipt) -> Leaf:
    """What is logged of a settled charge."""
    return Leaf(name=session.session_id, entry=settled_entry(session, receipt), since=receipt.issued_at)


def paper_leaf(operator_id: str, invoice: Invoice) -> Leaf | None:
    """What is logged of an invoice or credit note; nothing of one that was issued before invoices were."""
    if not invoice.salt or invoice.issued_at is None:
        return None
    entry = paper_entry(invoice.salt, paper_text(invoice))
    return Leaf(name=f"{operator_id}#{invoice.number}", entry=entry, since=invoice.issued_at)
