"""Takes in the payment provider's webhooks. What they report is the truth about money.

Hearing one twice, late or early changes nothing more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from chalicelib.domain.charging.session import Hold, Session
from chalicelib.domain.charging.transitions import Flagged, HoldPlaced, ToppedUp
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.ledger import TransferKind
from chalicelib.domain.money.wallet import wallet_of
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import Ledger, Payments
from chalicelib.records.money import PaymentNews, PaymentNewsKind
from chalicelib.services.charging.monitor import outgrown_at_wh
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.funds import Funds
from chalicelib.services.money.holds import book_of
from chalicelib.services.money.refunds import Refunds
from chalicelib.services.money.wallet_returns import WalletReturns
from chalicelib.services.money.wallets import DriverWallets

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PaymentWebhooks:
    """Carries what the payment provider reports to ledger and session."""

    sessions: Sessions
    ledger: Ledger
    changes: SessionChanges
    funds: Funds
    refunds: Refunds
    driver_wallets: DriverWallets
    wallet_returns: WalletReturns
    payments: Callable[[], Payments]
    clock: Clock

    def receive(self, news: PaymentNews) -> None:
        """Take in one verified webhook; the same one again changes nothing more."""
        session_id = news.session_id
        names_payment_only = news.kind.is_dispute or news.kind is PaymentNewsKind.REFUNDED
        if session_id is None and names_payment_only and news.payment_id is not None:
            session_id = self.payments().session_of(news.payment_id)
        if session_id and news.payment_id is not None and wallet_of(session_id):
            self._of_top_up(session_id, news.payment_id, news)
            return
        session = self.sessions.get(session_id) if session_id else None
        if session is None or session.driver_id is None or news.payment_id is None:
            return
        _log.info("payment news", extra={"session_id": session.session_id, "kind": news.kind})
        match news.kind:
            case PaymentNewsKind.CAPTURED:
                self.funds.received(session, news.payment_id, news.amount_minor)
            case PaymentNewsKind.HELD:
                self._held(session, Hold(news.payment_id, news.amount_minor), news.part)
            case PaymentNewsKind.VOIDED:
                self.funds.hold_lost(session, news.payment_id)
            case PaymentNewsKind.REFUNDED:
                self.refunds.hear(session, news.payment_id, news.refunds or self.payments().refunds_of(news.payment_id))
            case it if it.is_dispute:
                self._disputed(session, news)

    def _of_top_up(self, top_up_id: str, payment_id: str, news: PaymentNews) -> None:
        """A payment that is a wallet's, and no session's."""
        _log.info("payment news", extra={"top_up_id": top_up_id, "kind": news.kind})
        match news.kind:
            case PaymentNewsKind.CAPTURED:
                self.wallet_returns.paid_in(top_up_id, payment_id, news.amount_minor)
            case PaymentNewsKind.VOIDED:
                self.driver_wallets.failed(top_up_id)
            case PaymentNewsKind.REFUNDED:
                told = news.refunds or self.payments().refunds_of(payment_id)
                self.wallet_returns.hear(top_up_id, payment_id, told)
            case it if it.is_dispute:
                self.wallet_returns.disputed(top_up_id, news)

    def _disputed(self, session: Session, news: PaymentNews) -> None:
        """Whatever is told first: what was won or lost was withdrawn before, and what is won stays won."""
        self.changes.apply(session.session_id, Flagged(Flag.DISPUTED), known=session)
        if news.kind is PaymentNewsKind.DISPUTE_OPENED:
            return
        book, dispute_id, at = book_of(session), news.detail["dispute_id"], self.clock()
        entries = [book.dispute(dispute_id, news.amount_minor, at)]
        known = {it.kind for it in self.ledger.of_session(session.session_id) if it.reference == dispute_id}
        if news.kind is PaymentNewsKind.DISPUTE_WON:
            was_lost = TransferKind.DISPUTE_LOST in known
            entries.append(book.dispute_won(dispute_id, news.amount_minor, at, was_lost=was_lost))
        if news.kind is PaymentNewsKind.DISPUTE_LOST and TransferKind.DISPUTE_WON not in known:
            entries.append(book.dispute_lost(dispute_id, news.amount_minor, at))
        self.ledger.append(entries)

    def _held(self, session: Session, hold: Hold, part: int) -> None:
        """A hold the workflow died before writing down is found again here, and given back if the session is over."""
        if part == 0 and session.hold is None:
            self.ledger.append([book_of(session).hold(hold.payment_id, hold.amount_minor, self.clock())])
            placed = HoldPlaced(hold, outgrown_at_wh(session, hold))
            session = self.changes.apply(session.session_id, placed, known=session)
        elif (part > 0 or session.card_hold is None) and not session.is_taking_planned:
            # The charge may end before whoever asked for it asks again, and then nobody would give it back.
            self.ledger.append([book_of(session).hold(hold.payment_id, hold.amount_minor, self.clock())])
            raised = ToppedUp(hold, outgrown_at_wh(session, hold))
            session = self.changes.apply(session.session_id, raised, known=session)
        is_known = any(it.payment_id == hold.payment_id for it in session.holds)
        is_taken = any(it.payment_id == hold.payment_id for it in session.takings or ())
        is_paid_for = session.is_taking_planned and not is_taken
        is_in_vain = session.is_over and not (session.payment and session.payment.amount_minor)
        if not is_known or is_paid_for or is_in_vain:
            # Nobody needs it: the session is over or paid otherwise, or has another (a crash, and another card since).
            self._give_back(session, hold)

    def _give_back(self, session: Session, hold: Hold) -> None:
        known = any(it.payment_id == hold.payment_id for it in session.holds)
        if not known:
            self.ledger.append([book_of(session).hold(hold.payment_id, hold.amount_minor, self.clock())])
        self.funds.release(session, hold)
