"""What the payment provider reports is the truth about money; hearing it twice, late or early changes nothing more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.session import Hold, HoldPlaced, Paid, Payment, Session
from chalicelib.ports import Clock, Ledger, Payments, Sessions
from chalicelib.records import Declined, PaymentNews
from chalicelib.services.changes import Changes
from chalicelib.services.lifecycle import book_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Billing:
    """Hears the payment provider."""

    sessions: Sessions
    ledger: Ledger
    changes: Changes
    payments: Callable[[], Payments]
    clock: Clock

    def hear(self, news: PaymentNews) -> None:
        """Take in one verified webhook."""
        session = self.sessions.get(news.session_id) if news.session_id else None
        if session is None or session.driver_id is None:
            return
        _log.info("payment news", extra={"session_id": session.session_id, "kind": news.kind})
        if news.kind == "captured":
            self._captured(session, news)
        elif news.kind == "held":
            self._held(session, news)

    def _captured(self, session: Session, news: PaymentNews) -> None:
        at = news.at or self.clock()
        self.ledger.append([book_of(session).capture(news.amount_minor, at)])
        self.changes.apply(session.session_id, Paid(Payment(news.amount_minor, at)))

    def _held(self, session: Session, news: PaymentNews) -> None:
        """A hold the workflow died before writing down is found again here, and given back if the session is over."""
        if news.payment_id is None:
            return
        hold = Hold(news.payment_id, news.amount_minor)
        if session.hold is None:
            self.ledger.append([book_of(session).hold(hold.amount_minor, self.clock())])
            session = self.changes.apply(session.session_id, HoldPlaced(hold))
        if session.hold is None or session.hold.payment_id != hold.payment_id:
            # A hold placed twice (a crash, and another card since): the session knows one, nobody needs the other.
            self.payments().void(session, hold)
        elif session.is_over and not (session.payment and session.payment.amount_minor):
            self._give_back(session, hold)

    def _give_back(self, session: Session, hold: Hold) -> None:
        """Given back before, most likely; but who gave up the session may have looked before the hold was known."""
        try:
            self.payments().void(session, hold)
        except Declined:
            _log.warning("the hold was taken already; that word will come", extra={"session_id": session.session_id})
            return
        self.ledger.append([book_of(session).void(hold.amount_minor, self.clock())])
