"""Sets a session's money aside: before energy flows, and more of it while it does; of a wallet, on a card, or both.

Where an organisation pays it is of its budget, and of nothing else; and where its driver deposits on chain, of that.

Each step may be done again. What the provider was asked for bears a name made of the session and the step, so that
asking again moves nothing more. What nobody needs is given back, and a hold that is lost while a car charges is
renewed, or the charge ends.
"""

from __future__ import annotations

import logging

from chalicelib.domain.charging.bounds import (
    agreed_hold_minor,
    ceiling_minor,
)
from chalicelib.domain.charging.holds import HOLD_IS_GOOD_FOR, HoldLost, expiring
from chalicelib.domain.charging.session import Hold, Reason, Session, State
from chalicelib.domain.charging.transitions import (
    HoldPlaced,
    StartFailed,
    StopRequested,
    ToppedUp,
    apply,
)
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.drivers import is_guest
from chalicelib.domain.money.ledger import Book
from chalicelib.domain.money.minimums import least_charge_minor
from chalicelib.ports import Clock
from chalicelib.ports.charging import Transactions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Ledger
from chalicelib.records.drivers import Driver
from chalicelib.records.money import Declined, TooLittle
from chalicelib.services.charging.monitor import attention_wh, outgrown_at_wh
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.ways import WaysOfPaying

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
class Holds:
    """What is set aside for a session, in whichever way it is paid."""

    drivers: Drivers
    ledger: Ledger
    transactions: Transactions
    changes: SessionChanges
    debts: Debts
    ways: WaysOfPaying
    clock: Clock

    def is_set_aside(self, session: Session) -> bool:
        """Whether its hold is placed: a card's, or all that is needed of a wallet."""
        is_enough = session.held_minor >= agreed_hold_minor(session)
        return session.hold is not None and (session.card_hold is not None or is_enough)

    def set_aside(self, session: Session) -> Session:
        """What a wallet has, and the rest on a card. Raises Declined, CardholderNeeded, PaymentsUnavailable."""
        if session.organisation_id:
            session = self._from_organisation(session)
        elif session.is_on_chain:
            session = self._from_deposit(session)
        else:
            session = self._from_wallet(session)
        if not self.is_set_aside(session):
            least_minor = least_charge_minor(session.tariff.currency, session.created_at.date())
            missing_minor = max(least_minor, agreed_hold_minor(session) - session.held_minor)
            hold = self._hold(session, self._payer(session), missing_minor)
            session = self._placed(session, hold)
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
            hold = self._more(session, more_minor)
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
            if not old.way.is_providers:
                raise Declined("what is set aside runs out, and cannot be placed anew")
            new = self._hold(session, self._payer_again(session), old.amount_minor)
        except Declined as error:
            return self._end(session, error)
        self.release(session, old)
        lost = HoldLost(old.payment_id, now)
        renewed = ToppedUp(new, outgrown_at_wh(apply(session, lost), new))
        session = self.changes.apply(session.session_id, lost, renewed, known=session)
        self._watch(session)
        return session

    def give_back(self, session: Session) -> None:
        """Let go of everything that is set aside and not taken."""
        for hold in session.holds:
            self.release(session, hold)
        for payment_id in self.ways.unseen(session):
            self.ways.of(payment_id).void(session, Hold(payment_id, 0))

    def release(self, session: Session, hold: Hold) -> None:
        """Give a hold back. One that was taken already is told of by the provider, and stays as it is."""
        try:
            self.ways.of(hold.payment_id).void(session, hold)
        except Declined:
            _log.warning("the hold was taken already; that word will come", extra={"session_id": session.session_id})
            return
        if hold.way.is_providers:
            self.ledger.append([book_of(session).void(hold.payment_id, hold.amount_minor, self.clock())])

    def _from_organisation(self, session: Session) -> Session:
        """All that is needed, of its budget. Raises Declined."""
        driver = self.drivers.get(session.driver_id) if session.driver_id else None
        if driver is None:
            raise Declined("nobody is there whom an organisation could pay for")
        return self._placed(session, self.ways.organisation.hold(session, driver, agreed_hold_minor(session)))

    def _from_deposit(self, session: Session) -> Session:
        """All that is needed, as its driver has deposited it. Raises what `set_aside` does."""
        driver = self.drivers.get(session.driver_id) if session.driver_id else None
        if driver is None:
            raise Declined("nobody is there who could deposit")
        return self._placed(session, self.ways.chain.hold(session, driver, agreed_hold_minor(session)))

    def _from_wallet(self, session: Session) -> Session:
        """Set aside what the driver's wallet has of it. A guest has none."""
        driver = self.drivers.get(session.driver_id) if self.ways.wallet.issuer_id and session.driver_id else None
        if driver is None or is_guest(driver.driver_id) or session.escrow is not None:
            return session
        try:
            return self._placed(session, self.ways.wallet.hold(session, driver, agreed_hold_minor(session)))
        except Declined:
            return session

    def _placed(self, session: Session, hold: Hold) -> Session:
        from_wh = outgrown_at_wh(session, hold)
        placed = HoldPlaced(hold, from_wh) if session.hold is None else ToppedUp(hold, from_wh)
        return self.changes.apply(session.session_id, placed, known=session)

    def _more(self, session: Session, more_minor: int) -> Hold:
        """Of wallet, budget or deposit it is of that alone: no card is asked beyond what it was held for."""
        if session.escrow is not None:
            way, to_minor = self.ways.of(session.escrow.payment_id), session.escrow.amount_minor + more_minor
            raised = way.raise_hold(session, session.escrow, to_minor)
            if raised is None:
                raise Declined("there is no more in the wallet, the organisation's budget or the deposit")
            return raised
        payer = self._payer_again(session)
        return self._raise(session, more_minor) or self._hold(session, payer, more_minor)

    def _end(self, session: Session, error: Declined) -> Session:
        """Nothing sets aside what flows from now on: a charge ends, and one that has not begun does not."""
        _log.info("no more money", extra={"session_id": session.session_id, "why": str(error)})
        now = self.clock()
        failed = StartFailed(Reason.PAYMENT_DECLINED, now)
        return self.changes.apply(session.session_id, failed, StopRequested(now, Reason.FUNDS_EXHAUSTED))

    def _hold(self, session: Session, driver: Driver, amount_minor: int) -> Hold:
        """A further hold, of no less than cards can be held for: what is taken of it is not more for that."""
        now = self.clock()
        part = sum(it.way.is_providers for it in (*session.holds, *session.lost_holds))
        amount_minor = max(amount_minor, least_charge_minor(session.tariff.currency, now.date()))
        try:
            hold = self.ways.payments().hold(session, driver, amount_minor, part)
        except TooLittle:
            # Less than our table thinks: what the tariff asks for is as good a guess as any.
            if amount_minor >= session.tariff.hold_minor:
                raise
            hold = self.ways.payments().hold(session, driver, session.tariff.hold_minor, part)
        self.ledger.append([book_of(session).hold(hold.payment_id, hold.amount_minor, now)])
        return replace(hold, card=driver.card or "", capture_before=hold.capture_before or now + HOLD_IS_GOOD_FOR)

    def _raise(self, session: Session, more_minor: int) -> Hold | None:
        """The first hold made larger, where the card's bank allows that."""
        if session.hold is None or session.top_ups:
            return None
        raised = self.ways.payments().raise_hold(session, session.hold, session.hold.amount_minor + more_minor)
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
