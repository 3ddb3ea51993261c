"""Brings settled charges to the log, with their receipts.

What is brought follows from the receipt as issued, so that whoever does it again brings the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.charging.session import Session
from chalicelib.domain.money.receipt import Receipt
from chalicelib.domain.money.settlement import settled_entry
from chalicelib.ports.transparency import LogQueue
from chalicelib.records.transparency import Leaf


@dataclass(frozen=True)
class SettledCharges:
    """Brings settled charges to the log. One call."""

    queue: LogQueue

    def bring(self, session: Session, receipt: Receipt) -> None:
        """Have it logged, now or again; one that was billed before there was a log has no salt, and is not."""
        if session.salt:
            self.queue.put(leaf(session, receipt))


def leaf(session: Session, receipt: Receipt) -> Leaf:
    """What is logged of a settled charge."""
    return Leaf(name=session.session_id, entry=settled_entry(session, receipt), since=receipt.issued_at)
