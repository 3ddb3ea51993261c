"""Holds and captures a session's money: set aside before energy flows, raised while it does, taken once it has.

Each step may be done again. What the provider was asked for bears a name made of the session and the step, so that
asking again moves nothing more. What cannot be taken stays owed, or is let go where it is too little to be asked for
(`services/money/debts.py`), and what nobody needs is given back. A hold that is lost while a car charges is renewed, or
the charge ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.charging.bounds import (
    agreed_hold_minor,
    ceiling_minor,
    more_unasked_minor,
    unasked_minor,
)
from chalicelib.domain.charging.holds import HOLD_IS_GOOD_FOR, HoldLost, expiring
from chalicelib.domain.charging.session import Charge, Hold, Reason, Session, State
from chalicelib.domain.charging.transitions import (
    Charged,
    ChargesPlanned,
    HoldPlaced,
    PaymentFailed,
    StartFailed,
    StopRequested,
    ToppedUp,
    apply,
)
from chalicelib.domain.drivers import is_guest
from chalicelib.domain.money.ledger import WAIVED, Book, tax_to_reverse
from chalicelib.domain.money.minimums import chargeable_minor, least_charge_minor
from chalicelib.ports import Clock
from chalicelib.ports.charging import Transactions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Ledger, Payments
from chalicelib.records.drivers import Driver
from chalicelib.records.money import Declined, TooLittle
from chalicelib.services.charging.monitor import attention_wh, outgrown_at_wh
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.debts import Debts

_log = logging.getLogger(__name__)


def book_of(session: Session) -> Book:
    """The ledger pages of a session that somebody pays for."""
    if session.driver_id is None:
        raise ValueError(f"session {session.session_id} has no payer")
    return Book(session.session_id, session.operator_id, session.driver_id, session.tariff.currency)


def hold_needed_minor(session: Session) -> int:
    """What a card must be good for: what its driver agreed to, as far as a card can be held for so little; 0: nothing.

    What is held beyond their limit is not taken.
    """
    agreed_minor = agreed_hold_minor(session)
    least_minor = least_charge_minor(session.tariff.currency, session.created_at.date())
    return max(agreed_minor, least_minor) if agreed_minor else 0


@dataclass(frozen=True, kw_only=True)
class Funds:
    """The money of one session: its holds, charges and voids.

    `payments` is a function, for a step that takes no money should not load what does.
    """

    drivers: Drivers
    ledger: Ledger
    transactions: Transactions
    changes: SessionChanges
    debts: Debts
    payments: Callable[[], Payments]
    clock: Clock

    def set_aside(self, session: Session) -> Session:
        """Place the session's hold. Raises Declined, CardholderNeeded, PaymentsUnavailable."""
        amount_minor = hold_needed_minor(session)
        driver = self._payer(session)
        hold = self._hold(session, driver, amount_minor)
        session = self.changes.apply(session.session_id, HoldPlaced(hold, outgrown_at_wh(session, hold)), known=session)
        self._watch(session)
        return session

    def top_up(self, session: Session) -> None:
        """Set more aside for a charge that outgrows its hold, or has lost it.

        It ends where the card is good for no more.
        """
        lost = session.lost_holds[-1] if session.lost_holds and not session.holds else None
        more_minor = min(session.tariff.hold_minor, ceiling_minor(session) - session.held_minor)
        if lost is not None:
            more_minor = lost.amount_minor
        try:
            if more_minor <= 0:
                raise Declined("it has cost all that may be taken unasked")
            payer = self._payer_again(session)
            hold = self._raise(session, more_minor) or self._hold(session, payer, more_minor)
        except Declined as error:
            self._end(session, error)
            return
        raised = ToppedUp(hold, outgrown_at_wh(session, hold))
        self._watch(self.changes.apply(session.session_id, raised, known=session))

    def hold_lost(self, session: Session, payment_id: str) -> None:
        """The provider has let a hold go. A charge under way has it renewed, or ends. Raises PaymentsUnavailable."""
        lost = next((it for it in session.holds if it.payment_id == payment_id), None)
        if lost is not None and session.bill is None and not session.is_over:
            now = self.clock()
            self.ledger.append([book_of(session).void(payment_id, lost.amount_minor, now)])
            session = self.changes.apply(session.session_id, HoldLost(payment_id, now), known=session)
        is_under_way = session.state in (State.INITIATED, State.ACTIVE)
        if is_under_way and session.funds_low_at is not None and session.lost_holds and not session.holds:
            self.top_up(session)

    def renew(self, session: Session) -> Session:
        """Set aside anew, before it is too late, what a charge under way will need longer than its hold is good for.

        It ends where the card is not good for that, while the old hold still is. Raises PaymentsUnavailable.
        """
        now = self.clock()
        old = expiring(session, now)
        if old is None or session.state is not State.ACTIVE:
            return session
        try:
            new = self._hold(session, self._payer_again(session), old.amount_minor)
        except Declined as error:
            return self._end(session, error)
        self.release(session, old)
        lost = HoldLost(old.payment_id, now)
        renewed = ToppedUp(new, outgrown_at_wh(apply(session, lost), new))
        session = self.changes.apply(session.session_id, lost, renewed, known=session)
        self._watch(session)
        return session

    def book_sale(self, session: Session) -> None:
        """Write down what is sold, and what of it its operator has taken away again since. Safe to do again."""
        if session.bill is None:
            raise ValueError(f"session {session.session_id} has no bill")
        book, now = book_of(session), self.clock()
        self.ledger.append(book.sale(session.bill, now))
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
        for hold in session.holds:
            amount_minor = self._chargeable(session, min(left_minor, hold.amount_minor))
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
                taken_minor = self.payments().taken_minor(session, Hold(charge.payment_id, charge.asked_minor))
                if not taken_minor:
                    return False
                session = self.received(session, charge.payment_id, taken_minor)
        return session.payment is not None

    def received(self, session: Session, payment_id: str, amount_minor: int) -> Session:
        """The provider says that money came: write it down, once."""
        now = self.clock()
        book = book_of(session)
        was_held = any(hold.payment_id == payment_id for hold in session.holds)
        entry = book.capture if was_held else book.charge
        self.ledger.append([entry(payment_id, amount_minor, now)])
        session = self.changes.apply(session.session_id, Charged(payment_id, amount_minor, now), known=session)
        return self.debts.leave(session) if session.is_over and session.payment is not None else session

    def give_back(self, session: Session) -> None:
        """Let go of everything that is set aside and not taken."""
        for hold in session.holds:
            self.release(session, hold)
        if session.hold is None and session.action is not None:
            self.payments().void(session, Hold(session.action.payment_id, 0))

    def leave_owed(self, session: Session) -> None:
        """A session failed though it is billed: what was taken all the same is found out, and the rest is owed."""
        if session.bill is None:
            raise ValueError(f"session {session.session_id} has no bill")
        self.book_sale(session)
        for charge in session.takings or ():
            if charge.taken_minor is None:
                taken_minor = self.payments().taken_minor(session, Hold(charge.payment_id, charge.asked_minor))
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

    def release(self, session: Session, hold: Hold) -> None:
        """Give a hold back. One that was taken already is told of by the provider, and stays as it is."""
        try:
            self.payments().void(session, hold)
        except Declined:
            _log.warning("the hold was taken already; that word will come", extra={"session_id": session.session_id})
            return
        self.ledger.append([book_of(session).void(hold.payment_id, hold.amount_minor, self.clock())])

    def _take(self, session: Session, charges: list[Charge], instead: str) -> None:
        """Capture what is planned; a hold that is gone by now is charged for anew, or owed."""
        missing_minor = 0
        for hold in session.holds:
            charge = next((it for it in charges if it.payment_id == hold.payment_id), None)
            if charge is None:
                continue
            try:
                self.payments().capture(session, hold, charge.asked_minor)
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
        `beside_minor`, which waits for the driver.
        """
        wanted_minor = self._chargeable(session, amount_minor)
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
        owed_minor = 0 if is_guest(session.driver_id or "") else self._chargeable(session, left_minor)
        too_little_minor += left_minor - owed_minor
        if too_little_minor:
            session = self.debts.write_off(session, too_little_minor)
        return session, charge, owed_minor

    def _charge(self, session: Session, amount_minor: int, purpose: str) -> Charge:
        charged = self.payments().charge(session, self._payer_again(session), amount_minor, purpose)
        self.ledger.append([book_of(session).charge(charged.payment_id, charged.amount_minor, self.clock())])
        return Charge(charged.payment_id, charged.amount_minor, charged.amount_minor)

    def _chargeable(self, session: Session, amount_minor: int) -> int:
        return chargeable_minor(amount_minor, session.tariff.currency, self.clock().date())

    def _end(self, session: Session, error: Declined) -> Session:
        """Nothing sets aside what flows from now on: a charge ends, and one that has not begun does not."""
        _log.info("no more money", extra={"session_id": session.session_id, "why": str(error)})
        now = self.clock()
        failed = StartFailed(Reason.PAYMENT_DECLINED, now)
        return self.changes.apply(session.session_id, failed, StopRequested(now, Reason.FUNDS_EXHAUSTED))

    def _hold(self, session: Session, driver: Driver, amount_minor: int) -> Hold:
        """A further hold, of no less than cards can be held for: what is taken of it is not more for that."""
        now = self.clock()
        part = len(session.holds) + len(session.lost_holds)
        amount_minor = max(amount_minor, least_charge_minor(session.tariff.currency, now.date()))
        try:
            hold = self.payments().hold(session, driver, amount_minor, part)
        except TooLittle:
            # Less than our table thinks: what the tariff asks for is as good a guess as any.
            if amount_minor >= session.tariff.hold_minor:
                raise
            hold = self.payments().hold(session, driver, session.tariff.hold_minor, part)
        self.ledger.append([book_of(session).hold(hold.payment_id, hold.amount_minor, now)])
        return replace(hold, card=driver.card or "", capture_before=hold.capture_before or now + HOLD_IS_GOOD_FOR)

    def _raise(self, session: Session, more_minor: int) -> Hold | None:
        """The first hold made larger, where the card's bank allows that."""
        if session.hold is None or session.top_ups:
            return None
        raised = self.payments().raise_hold(session, session.hold, session.hold.amount_minor + more_minor)
        if raised is None:
            return None
        by_minor = raised.amount_minor - session.hold.amount_minor
        entry = book_of(session).raised(raised.payment_id, by_minor, raised.amount_minor, self.clock())
        self.ledger.append([entry])
        return raised

    def _watch(self, session: Session) -> None:
        """A charge under way is looked at from then on where its money may become short."""
        if session.ref is not None:
            self.transactions.attend(session.charger_id, session.ref, attention_wh(session))

    def _payer(self, session: Session) -> Driver:
        driver = self.drivers.get(session.driver_id) if session.driver_id else None
        if driver is None or driver.payment_method_id is None:
            raise Declined("no card is saved")
        if driver.customer_id is None and not is_guest(driver.driver_id):
            raise Declined("no card is saved")
        return driver

    def _payer_again(self, session: Session) -> Driver:
        """A guest agreed to what was set aside, and a card that is not saved is taken for one payment only."""
        payer = self._payer(session)
        if is_guest(payer.driver_id):
            raise Declined("a guest's card is asked once")
        return payer
