"""Issues invoices that nobody has to ask for: what was collected, when it is due; then credit notes for what went back.

What cannot be issued, because something of seller or buyer is not known, is tried again daily for a month, and
issued to whoever asks from then on. Who does it again after a crash finds the same sessions in the same order, and the
papers that were issued.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta

from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.invoice import Invoice
from chalicelib.domain.money.receipt import Receipt, as_of_now
from chalicelib.domain.notifications import NotificationKind
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import InvoiceRuns, Invoices, Receipts
from chalicelib.records.money import InvoiceRun
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import Refusal
from chalicelib.services.money.invoice_collection import InvoiceCollection, is_month
from chalicelib.services.money.invoices import IssuedInvoices
from chalicelib.services.notifications.outbox import Notifications

_log = logging.getLogger(__name__)
_AGAIN_AFTER, _MOST_ATTEMPTS = timedelta(days=1), 30
# A paper is one item of DynamoDB's, of 400 KB; a session has some lines of 300 bytes.
MOST_SESSIONS = 150

Sold = tuple[Session, Receipt]


@dataclass(frozen=True, kw_only=True)
class InvoiceDesk:
    """Issues what is due."""

    runs: InvoiceRuns
    invoices: Invoices
    issued: IssuedInvoices
    collection: InvoiceCollection
    sessions: Sessions
    receipts: Receipts
    notifications: Notifications
    clock: Clock

    def issue_due(self, part: Part = WHOLE) -> int:
        """Issue what is due; returns how many runs are done."""
        done = 0
        for run in part.in_time(self.runs.due(self.clock(), part.shard), self.clock):
            try:
                done += self._issue(run)
            except Refusal as refusal:
                self._put_off(run, str(refusal))
            except Exception:
                # One that cannot be issued must not keep the others; it comes again.
                _log.exception("no invoice", extra={"run": run.name})
        return done

    def _issue(self, run: InvoiceRun) -> bool:
        sold = list(self._paid(run))
        if not sold and not is_month(run):
            self._put_off(run, "not paid")
            return False
        for number, start in enumerate(range(0, len(sold), MOST_SESSIONS), 1):
            together = sold[start : start + MOST_SESSIONS]
            lacking = [it for it in together if self._invoice_of(it[0]) is None]
            if lacking:
                # Also where only the last of them is not noted: the paper is known by its source.
                invoice = self.issued.issue_together(f"{run.name}/{number}", together)
                if together[0][0].organisation_id is None:
                    self.notifications.tell(together[0][0], NotificationKind.INVOICE_ISSUED)
                for session, _ in lacking:
                    self.runs.invoiced(run, session.session_id, invoice.number)
                # Whoever gave something back meanwhile found no invoice yet, and left it to us.
                together = [(self.sessions.get(it.session_id) or it, receipt) for it, receipt in together]
            self._credit(together)
        self.runs.done(run)
        return True

    def _credit(self, together: Sequence[Sold]) -> None:
        for session, receipt in together:
            invoice = self._invoice_of(session) if session.refunds else None
            if invoice is not None:
                self.issued.credit_notes(session, receipt, invoice)

    def _paid(self, run: InvoiceRun) -> Iterator[Sold]:
        """What of a run is paid. Of a month's, the rest goes into the next; a session by itself waits."""
        for session_id in self.runs.sessions_of(run):
            session, receipt = self.sessions.get(session_id), self.receipts.get(session_id)
            if session is None or receipt is None:
                _log.warning("nothing to invoice", extra={"session_id": session_id})
                continue
            now = as_of_now(receipt, session)
            if not now.due_minor:
                yield session, now
            elif is_month(run) and self._invoice_of(session) is None:
                self.runs.move(run, session_id, *self.collection.month_of(session, receipt))

    def _invoice_of(self, session: Session) -> Invoice | None:
        return self.invoices.of(session.operator_id, session.session_id)

    def _put_off(self, run: InvoiceRun, why: str) -> None:
        _log.info("no invoice yet", extra={"run": run.name, "why": why})
        is_last = run.attempts + 1 >= _MOST_ATTEMPTS
        self.runs.failed(run, None if is_last else self.clock() + _AGAIN_AFTER, why)
