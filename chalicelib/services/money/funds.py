"""Takes a session's money once energy has flowed: from what is set aside, and beyond it as far as that may be done.

Each step may be done again (`holds.py`). What cannot be taken stays owed, or is let go where it is too little to be
asked for (`debts.py`).
"""

from __future__ import annotations

import logging

from chalicelib.domain.charging.bounds import (
    more_unasked_minor,
    unasked_minor,
)
from chalicelib.domain.charging.session import Charge, Hold, Session
from chalicelib.domain.charging.transitions import (
    Charged,
    ChargesPlanned,
    PaymentFailed,
)
from chalicelib.domain.charging.ways import organisations_payment, way_of
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.drivers import is_guest
from chalicelib.domain.money.ledger import WAIVED, tax_to_reverse
from chalicelib.domain.money.minimums import chargeable_minor
from chalicelib.records.money import Declined, TooLittle
from chalicelib.services.money.holds import Holds, book_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Funds(Holds):
    """The money of one session: its holds, charges and voids."""

    def book_sale(self, session: Session) -> None:
        """Write down what is sold, and what of it its operator has taken away again since. Safe to do again."""
        if session.bill is None:
            raise ValueError(f"session {session.session_id} has no bill")
        is_at_once = session.escrow is not None and session.escrow.way.is_settled_at_once
        if not is_at_once or not session.payable_minor or session.is_over:
            # Else it is booked in the step that settles it (`wallet_payments.py`, `organisation_payments.py`).
            self.ledger.append(book_of(session).sale(session.bill, self.clock()))
        for it in session.corrections:
            if it.waived_minor:
                self.waive(session, it.key, it.waived_minor)

    def waive(self, session: Session, key: str, amount_minor: int) -> int:
        """Book that so much of a bill is not asked for; returns how much that is, which may be known from before."""
        entries = self.ledger.of_session(session.session_id)
        reference = f"{WAIVED}{key}"
        known_minor = sum(it.amount_minor for it in entries if it.reference == reference)
        if known_minor or session.bill is None:
            return known_minor
        tax_minor = tax_to_reverse(session.bill, entries, amount_minor)
        self.ledger.append(book_of(session).waiver(reference, amount_minor, tax_minor, self.clock()))
        return amount_minor

    def collect(self, session: Session) -> None:
        """Take what is asked, as far as that may be done unasked: from the holds, and beyond them by a further charge.

        The rest is owed, and waits for the driver to pay it; what no card can be charged, be it the whole, is let go.
        """
        left_minor = min(session.payable_minor, unasked_minor(session))
        waiting_minor = session.payable_minor - left_minor
        charges: list[Charge] = []
        session = self._reached(session, left_minor)
        for hold in session.holds:
            amount_minor = min(left_minor, hold.amount_minor)
            amount_minor = self._chargeable(session, amount_minor) if hold.way.is_providers else amount_minor
            left_minor -= amount_minor
            if amount_minor:
                charges.append(Charge(hold.payment_id, amount_minor))
        # A rest and what stands in for a hold that is gone may be the same amount, and are not the same charge.
        instead = "instead" if self._chargeable(session, left_minor) else "rest"
        session, rest, owed_minor = self._charge_for(session, left_minor, f"rest-{len(session.holds)}", waiting_minor)
        # Before it is paid, for nobody comes back to a session that is.
        for hold in session.holds:
            if all(it.payment_id != hold.payment_id for it in charges):
                self.release(session, hold)
        if owed_minor and not charges:
            self._give_up(session, owed_minor)
            return
        planned = (*charges, rest) if rest else tuple(charges)
        if owed_minor:
            self.debts.open(session, owed_minor)
        session = self.changes.apply(session.session_id, ChargesPlanned(planned, self.clock()), known=session)
        self._take(session, charges, f"{instead}-{len(session.holds)}")

    def is_taken(self, session: Session) -> bool:
        """Whether an earlier run took all that was planned: then its webhooks are late or lost, and are not needed."""
        for charge in session.takings or ():
            if charge.taken_minor is None:
                hold = Hold(charge.payment_id, charge.asked_minor)
                taken_minor = self.ways.of(hold.payment_id).taken_minor(session, hold)
                if not taken_minor:
                    return False
                session = self.received(session, charge.payment_id, taken_minor)
        return session.payment is not None

    def ask_after(self, session: Session) -> Session:
        """The session after a look whether what nobody tells of was taken by now. Raises PaymentsUnavailable."""
        for charge in session.takings or ():
            if charge.taken_minor is None and way_of(charge.payment_id).is_asked_after:
                hold = Hold(charge.payment_id, charge.asked_minor)
                taken_minor = self.ways.of(hold.payment_id).taken_minor(session, hold)
                session = self.received(session, hold.payment_id, taken_minor) if taken_minor else session
        return session

    def received(self, session: Session, payment_id: str, amount_minor: int) -> Session:
        """Money is known to have come: write it down, once. What is not the provider's is booked by whoever took it."""
        now = self.clock()
        book = book_of(session)
        was_held = any(hold.payment_id == payment_id for hold in session.holds)
        entry = book.capture if was_held else book.charge
        if way_of(payment_id).is_providers:
            self.ledger.append([entry(payment_id, amount_minor, now)])
        session = self.changes.apply(session.session_id, Charged(payment_id, amount_minor, now), known=session)
        return self.debts.leave(session) if session.is_over and session.payment is not None else session

    def leave_owed(self, session: Session) -> None:
        """A session failed though it is billed: what was taken all the same is found out, and the rest is owed."""
        if session.bill is None:
            raise ValueError(f"session {session.session_id} has no bill")
        self.book_sale(session)
        for charge in session.takings or ():
            if charge.taken_minor is None:
                hold = Hold(charge.payment_id, charge.asked_minor)
                taken_minor = self.ways.of(hold.payment_id).taken_minor(session, hold)
                if taken_minor:
                    session = self.received(session, charge.payment_id, taken_minor)
        taken = {it.payment_id for it in session.takings or () if it.taken_minor}
        for hold in session.holds:
            if hold.payment_id not in taken:
                self.release(session, hold)
        more_minor = min(session.due_minor, more_unasked_minor(session))
        if more_minor and not self.debts.is_open(session):
            # The charge that broke off, if it took place, is found again by its name.
            purpose = f"rest-{len(session.holds)}"
            session, charged, _ = self._charge_for(session, more_minor, purpose, session.due_minor - more_minor)
            if charged is not None:
                session = self.received(session, charged.payment_id, charged.asked_minor)
        self.debts.leave(session)

    def _reached(self, session: Session, amount_minor: int) -> Session:
        """What a bill is beyond all that is set aside is of wallet or budget too, as far as there is more in it."""
        beyond_minor, escrow = amount_minor - session.held_minor, session.escrow
        if escrow is None and session.organisation_id:
            # Its charger told of it when it was over, say, and the budget had less left than is held for a beginning.
            escrow = Hold(organisations_payment(session.organisation_id, session.session_id), 0)
        if escrow is None or beyond_minor <= 0:
            return session
        raised = self.ways.of(escrow.payment_id).raise_hold(session, escrow, escrow.amount_minor + beyond_minor)
        return session if raised is None else self._placed(session, raised)

    def _take(self, session: Session, charges: list[Charge], instead: str) -> None:
        """Capture what is planned; a hold that is gone by now is charged for anew, or owed."""
        missing_minor = 0
        for hold in session.holds:
            charge = next((it for it in charges if it.payment_id == hold.payment_id), None)
            if charge is None:
                continue
            try:
                self.ways.of(hold.payment_id).capture(session, hold, charge.asked_minor)
                if hold.way.is_settled_at_once:
                    # No webhook tells of it: it is done.
                    session = self.received(session, hold.payment_id, charge.asked_minor)
            except Declined as error:
                _log.warning("hold not captured", extra={"session_id": session.session_id, "why": str(error)})
                charges = [it for it in charges if it is not charge]
                missing_minor += charge.asked_minor
                # It has expired, or cannot be taken: either way it sets nothing aside any more.
                self.release(session, hold)
        if missing_minor:
            self._make_good(session, missing_minor, charges, instead)

    def _make_good(self, session: Session, missing_minor: int, charges: list[Charge], purpose: str) -> None:
        session, instead, owed_minor = self._charge_for(session, missing_minor, purpose)
        if owed_minor and not charges:
            self._give_up(session, owed_minor)
            return
        if owed_minor:
            self.debts.open(session, owed_minor)
        kept = (*charges, instead) if instead else tuple(charges)
        self.changes.apply(session.session_id, ChargesPlanned(kept, self.clock()))

    def _give_up(self, session: Session, amount_minor: int) -> None:
        """Nothing at all could be taken: it stays owed."""
        self.debts.open(session, amount_minor)
        self.changes.apply(session.session_id, PaymentFailed(self.clock()))

    def _charge_for(
        self, session: Session, amount_minor: int, purpose: str, beside_minor: int = 0
    ) -> tuple[Session, Charge | None, int]:
        """Take money that no hold set aside, and let go of what is too little to be taken.

        Returns the session, what was taken, and how much stays owed: what the card was not good for, and
        `beside_minor`, which waits for the driver. What an organisation's budget has not is let go: it has paid for its
        driver, whose card nobody asks.
        """
        is_paid_for = session.organisation_id is not None
        wanted_minor = 0 if is_paid_for else self._chargeable(session, amount_minor)
        charge, left_minor, too_little_minor = None, amount_minor + beside_minor, 0
        if wanted_minor:
            try:
                charge = self._charge(session, wanted_minor, purpose)
                left_minor -= wanted_minor
            except TooLittle:
                # The provider knows better than our table what it takes.
                left_minor -= wanted_minor
                too_little_minor = wanted_minor
            except Declined as error:
                _log.warning("payment failed", extra={"session_id": session.session_id, "why": str(error)})
        is_let_go = is_paid_for or is_guest(session.driver_id or "")
        owed_minor = 0 if is_let_go else self._chargeable(session, left_minor)
        too_little_minor += left_minor - owed_minor
        if too_little_minor:
            session = self.debts.write_off(session, too_little_minor)
        return session, charge, owed_minor

    def _charge(self, session: Session, amount_minor: int, purpose: str) -> Charge:
        charged = self.ways.payments().charge(session, self._payer_again(session), amount_minor, purpose)
        self.ledger.append([book_of(session).charge(charged.payment_id, charged.amount_minor, self.clock())])
        return Charge(charged.payment_id, charged.amount_minor, charged.amount_minor)

    def _chargeable(self, session: Session, amount_minor: int) -> int:
        return chargeable_minor(amount_minor, session.tariff.currency, self.clock().date())
