"""Debts: what was delivered and could not be paid stays owed, and is asked for ever more rarely until it is paid.

A driver who owes begins no other charge. What is less than a card can be charged is let go, whenever it is looked at:
nobody is kept out for what nobody can pay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.charging.bounds import more_unasked_minor, unasked_minor
from chalicelib.domain.charging.dues import WrittenOff
from chalicelib.domain.charging.session import CardAction, Hold, Session
from chalicelib.domain.charging.transitions import Charged
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.drivers import is_guest
from chalicelib.domain.money.ledger import Book, TransferKind
from chalicelib.domain.money.minimums import LET_GO_WITHIN, chargeable_minor
from chalicelib.domain.operators import AlarmKind
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import DebtBook, Ledger, Payments
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, Debt, Declined, TooLittle
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.wallet_payments import WalletPayments

_log = logging.getLogger(__name__)
_AGAIN_AFTER = (timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=7))
_LEASE = timedelta(seconds=60)
_WAITS = "This is more than may be taken unasked: pay it to agree, or ask the operator to lower it."


def owed_minor(session: Session, at: datetime) -> int:
    """What a session that is over leaves its driver to pay: of what is due, what a card can be charged; else 0."""
    return chargeable_minor(session.due_minor, session.tariff.currency, at.date()) if session.is_over else 0


@dataclass(frozen=True, slots=True)
class Paid:
    """The outcome of a driver's wish to pay: what is still owed, and what their bank wants them to confirm."""

    debts: Sequence[Debt]
    action: CardAction | None = None


@dataclass(frozen=True, kw_only=True)
class Debts:
    """Opens debts, asks for them again, and closes them."""

    book: DebtBook
    sessions: Sessions
    drivers: Drivers
    ledger: Ledger
    changes: SessionChanges
    wallet: WalletPayments
    payments: Callable[[], Payments]
    alarm_checks: AlarmChecks
    clock: Clock

    def open(self, session: Session, amount_minor: int) -> None:
        """Write down that so much is owed; an amount that a card can be charged (`minimums.chargeable_minor`)."""
        if session.driver_id is None:
            return
        now = self.clock()
        billed_minor = session.payable_minor if session.bill else amount_minor
        waiting_minor = max(0, billed_minor - unasked_minor(session))
        debt = Debt(
            session_id=session.session_id,
            driver_id=session.driver_id,
            operator_id=session.operator_id,
            amount_minor=amount_minor,
            currency=session.tariff.currency,
            since=now,
            # What may not be taken unasked is asked for by nobody but its driver.
            next_at=now + _AGAIN_AFTER[0] if amount_minor > waiting_minor else None,
            needs_confirmation=waiting_minor > 0,
        )
        self.book.add(debt)
        self.drivers.owe(session.driver_id, session.session_id, follows_card=amount_minor > waiting_minor)
        self.alarm_checks.ask(AlarmKind.PAYMENTS_FAILING, session.operator_id)

    def write_off(self, session: Session, amount_minor: int) -> Session:
        """Let go of what is too little to be asked for."""
        if session.driver_id is None:
            return session
        is_whole = not session.taken_minor and not (session.payment and session.payment.amount_minor)
        if is_whole and not is_guest(session.driver_id) and session.organisation_id is None:
            self._note_let_go(session.driver_id, session.session_id)
        known_minor = session.written_off_minor
        entries = self.ledger.of_session(session.session_id)
        written_minor = sum(it.amount_minor for it in entries if it.kind is TransferKind.WRITE_OFF)
        if written_minor <= known_minor:
            book = Book(session.session_id, session.operator_id, session.driver_id, session.tariff.currency)
            reference = str(known_minor) if known_minor else ""
            self.ledger.append([book.write_off(amount_minor, self.clock(), reference)])
            written_minor = known_minor + amount_minor
        # Else it is in the books already: whoever wrote it there got no further.
        return self.changes.apply(session.session_id, WrittenOff(written_minor))

    def _note_let_go(self, driver_id: str, session_id: str) -> None:
        """A whole charge is let go: the next of that driver's may have to wait. Noted first, and once a session."""
        now = self.clock()

        def noted(it: Driver) -> Driver:
            let_go = {name: at for name, at in it.let_go.items() if now - at < LET_GO_WITHIN}
            return it if session_id in let_go else replace(it, let_go={**let_go, session_id: now})

        self.drivers.change(driver_id, noted)

    def leave(self, session: Session) -> Session:
        """Whatever is due of a session that is billed is owed from now on, or let go; nothing is due: nothing is owed.

        Safe to do again.
        """
        if session.driver_id is None or session.bill is None:
            return session
        now = self.clock()
        # A guest is not there to be asked again; whom an organisation pays for never is.
        is_asked = not is_guest(session.driver_id) and session.organisation_id is None
        owed = chargeable_minor(session.due_minor, session.tariff.currency, now.date()) if is_asked else 0
        if session.due_minor > owed:
            session = self.write_off(session, session.due_minor - owed)
        if owed:
            self.open(session, owed)
        else:
            self.close(session)
        return session

    def is_open(self, session: Session) -> bool:
        """Whether it is known that something is owed."""
        return self.book.get(session.session_id) is not None

    def close(self, session: Session) -> None:
        """The debt is paid, or let go: delete it, and let its driver charge again."""
        if session.driver_id is not None:
            self.book.remove(session.session_id)
            self.drivers.owe_no_more(session.driver_id, session.session_id)

    def of_driver(self, driver_id: str) -> Sequence[Debt]:
        """What a driver owes, as it stands now; what turns out to be settled, or too little, is let go. NotFound."""
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        found = (self._as_of_now(driver_id, session_id) for session_id in sorted(driver.owes))
        return [debt for debt in found if debt is not None]

    def pay(self, driver_id: str) -> Paid:
        """Ask for all of it now, by the card of now. Raises NotFound, Refusal when the card is not good for it."""
        for debt in self.of_driver(driver_id):
            try:
                self._attempt(debt, is_there=True)
            except CardholderNeeded as needed:
                return Paid(self.of_driver(driver_id), needed.action)
            except Declined as error:
                raise Refusal("payment_declined", str(error)) from None
        return Paid(self.of_driver(driver_id))

    def _as_of_now(self, driver_id: str, session_id: str) -> Debt | None:
        """A crash between the two writes of `close` would leave a driver who owes nothing and may begin nothing."""
        # In this order: whoever pays writes it down in the session before they delete the debt.
        debt = self.book.get(session_id)
        session = self.sessions.get(session_id)
        if session is None:
            self.drivers.owe_no_more(driver_id, session_id)
            return None
        if session.is_over and (debt is None or not owed_minor(session, self.clock())):
            self.leave(session)
            debt = self.book.get(session_id)
        return replace(debt, amount_minor=session.due_minor) if debt is not None and session.is_over else debt

    def ask_again(self, part: Part = WHOLE) -> int:
        """Ask for what is due to be asked for; returns how many were paid, or let go."""
        paid = 0
        for debt in part.in_time(self.book.due(self.clock(), part.shard), self.clock):
            try:
                paid += self._attempt(debt, is_there=False)
            except Declined as error:
                _log.info("still owed", extra={"session_id": debt.session_id, "why": str(error)})
            except Exception:
                # One that cannot be asked for must not keep the others; it comes again.
                _log.exception("not asked for", extra={"session_id": debt.session_id})
        return paid

    def _attempt(self, debt: Debt, *, is_there: bool) -> bool:
        """Charge what is still due; away from its driver no more of it than may be taken unasked.

        Two who ask at once would charge twice: one of them has the lease.
        """
        now = self.clock()
        if not self.book.lease(debt.session_id, now + _LEASE, now):
            return False
        session = self.sessions.get(debt.session_id)
        driver = self.drivers.get(debt.driver_id)
        if session is not None and not session.is_over:
            # What its holds are good for is being taken at this moment.
            return False
        if session is None:
            self.book.remove(debt.session_id)
            self.drivers.owe_no_more(debt.driver_id, debt.session_id)
            return True
        owed = owed_minor(session, now)
        if not owed:
            self.leave(session)
            return True
        unasked = chargeable_minor(min(owed, more_unasked_minor(session)), debt.currency, now.date())
        amount_minor = owed if is_there else unasked
        if not amount_minor:
            self.book.failed(debt.session_id, debt.attempts, None, _WAITS)
            return False
        try:
            self._charge(session, driver, debt, amount_minor, is_there=is_there)
        except TooLittle:
            # The provider knows better than our table what it takes.
            self.close(self.write_off(session, session.due_minor))
        except Declined as error:
            attempts = debt.attempts + 1
            wait = _AGAIN_AFTER[attempts] if attempts < len(_AGAIN_AFTER) else None
            self.book.failed(debt.session_id, attempts, now + wait if wait else None, str(error))
            raise
        return True

    def _charge(
        self, session: Session, driver: Driver | None, debt: Debt, amount_minor: int, *, is_there: bool
    ) -> None:
        purpose, now = f"debt-{debt.attempts}", self.clock()
        charged = self._from_wallet(session, debt, amount_minor, purpose)
        if charged is None:
            if driver is None or driver.payment_method_id is None:
                raise Declined("no card is saved")
            charged = self.payments().charge(session, driver, amount_minor, purpose, is_there=is_there)
            now = self.clock()
            book = Book(session.session_id, session.operator_id, debt.driver_id, debt.currency)
            self.ledger.append([book.charge(charged.payment_id, charged.amount_minor, now)])
        session = self.changes.apply(session.session_id, Charged(charged.payment_id, charged.amount_minor, now))
        session = self.leave(session)
        if session.due_minor and amount_minor < debt.amount_minor and not is_there:
            self.book.failed(debt.session_id, debt.attempts, None, _WAITS)

    def _from_wallet(self, session: Session, debt: Debt, amount_minor: int, purpose: str) -> Hold | None:
        """What is owed is paid from the wallet where all of it is there.

        An attempt that broke off may have charged the card: then only what the wallet is known to have paid counts, or
        the card is asked by the same name. What is paid in two parts bears two names.
        """
        if debt.broke_off:
            return self.wallet.charged(session)
        part = f"-{session.taken_minor}" if session.taken_minor else ""
        return self.wallet.charge(session, amount_minor, f"{purpose}{part}")
