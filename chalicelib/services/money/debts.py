"""Debts: what was delivered and could not be paid stays owed, and is asked for ever more rarely until it is paid.

A driver who owes begins no other charge. What is less than a card can pay is let go.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from chalicelib.domain.charging.bounds import more_unasked_minor, unasked_minor
from chalicelib.domain.charging.session import CardAction, Session
from chalicelib.domain.charging.transitions import Charged
from chalicelib.domain.money.ledger import Book
from chalicelib.domain.pricing.currency import to_minor
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import DebtBook, Ledger, Payments
from chalicelib.records.drivers import Driver
from chalicelib.records.money import CardholderNeeded, Debt, Declined
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.charging.session_changes import SessionChanges

_log = logging.getLogger(__name__)
_AGAIN_AFTER = (timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=7))
_LEASE = timedelta(seconds=60)
_WAITS = "This is more than may be taken unasked: pay it to agree, or ask the operator to lower it."
# Of any currency's unit: what Stripe takes no card for (docs.stripe.com/currencies, minimum amounts).
_TOO_LITTLE = Decimal("0.50")


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
    payments: Callable[[], Payments]
    clock: Clock

    def open(self, session: Session, amount_minor: int) -> bool:
        """Write down that so much is owed; False, and nothing is, when it is too little to ask for."""
        if session.driver_id is None:
            return False
        currency = session.tariff.currency
        if amount_minor < to_minor(_TOO_LITTLE, currency):
            book = Book(session.session_id, session.operator_id, session.driver_id, currency)
            self.ledger.append([book.write_off(amount_minor, self.clock())])
            return False
        now = self.clock()
        billed_minor = session.bill.total_minor if session.bill else amount_minor
        waiting_minor = max(0, billed_minor - unasked_minor(session))
        debt = Debt(
            session_id=session.session_id,
            driver_id=session.driver_id,
            operator_id=session.operator_id,
            amount_minor=amount_minor,
            currency=currency,
            since=now,
            # What may not be taken unasked is asked for by nobody but its driver.
            next_at=now + _AGAIN_AFTER[0] if amount_minor > waiting_minor else None,
            needs_confirmation=waiting_minor > 0,
        )
        self.book.add(debt)
        self.drivers.owe(session.driver_id, session.session_id, follows_card=amount_minor > waiting_minor)
        return True

    def is_open(self, session: Session) -> bool:
        """Whether it is known that something is owed."""
        return self.book.get(session.session_id) is not None

    def close(self, session: Session) -> None:
        """The debt is paid, or let go: delete it, and let its driver charge again."""
        if session.driver_id is not None:
            self.book.remove(session.session_id)
            self.drivers.owe_no_more(session.driver_id, session.session_id)

    def of_driver(self, driver_id: str) -> Sequence[Debt]:
        """What a driver owes. Raises NotFound."""
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        found = (self.book.get(session_id) for session_id in sorted(driver.owes))
        return [debt for debt in found if debt is not None]

    def pay(self, driver_id: str) -> Paid:
        """Ask for all of it now, by the card of now. Raises NotFound, Refusal when the card is not good for it."""
        self._forget_what_is_settled(driver_id)
        for debt in self.of_driver(driver_id):
            try:
                self._attempt(debt, is_there=True)
            except CardholderNeeded as needed:
                return Paid(self.of_driver(driver_id), needed.action)
            except Declined as error:
                raise Refusal("payment_declined", str(error)) from None
        return Paid(self.of_driver(driver_id))

    def _forget_what_is_settled(self, driver_id: str) -> None:
        """A crash between the two writes of `close` would leave a driver who owes nothing and may begin nothing."""
        driver = self.drivers.get(driver_id)
        for session_id in driver.owes if driver is not None else ():
            session = self.sessions.get(session_id)
            if self.book.get(session_id) is not None:
                continue
            if session is None or not session.due_minor:
                self.drivers.owe_no_more(driver_id, session_id)
            elif session.is_over:
                self.open(session, session.due_minor)

    def ask_again(self) -> int:
        """Ask for what is due to be asked for; returns how many were paid."""
        paid = 0
        for debt in self.book.due(self.clock()):
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
        if session is None or not session.due_minor:
            self.book.remove(debt.session_id)
            self.drivers.owe_no_more(debt.driver_id, debt.session_id)
            return True
        amount_minor = session.due_minor if is_there else min(session.due_minor, more_unasked_minor(session))
        if not amount_minor:
            self.book.failed(debt.session_id, debt.attempts, None, _WAITS)
            return False
        try:
            self._charge(session, driver, debt, amount_minor, is_there=is_there)
        except Declined as error:
            attempts = debt.attempts + 1
            wait = _AGAIN_AFTER[attempts] if attempts < len(_AGAIN_AFTER) else None
            self.book.failed(debt.session_id, attempts, now + wait if wait else None, str(error))
            raise
        return True

    def _charge(
        self, session: Session, driver: Driver | None, debt: Debt, amount_minor: int, *, is_there: bool
    ) -> None:
        if driver is None or driver.payment_method_id is None:
            raise Declined("no card is saved")
        purpose = f"debt-{debt.attempts}"
        charged = self.payments().charge(session, driver, amount_minor, purpose, is_there=is_there)
        now = self.clock()
        book = Book(session.session_id, session.operator_id, debt.driver_id, debt.currency)
        self.ledger.append([book.charge(charged.payment_id, charged.amount_minor, now)])
        session = self.changes.apply(session.session_id, Charged(charged.payment_id, charged.amount_minor, now))
        if not session.due_minor:
            self.close(session)
        elif amount_minor < debt.amount_minor and not is_there:
            self.book.failed(debt.session_id, debt.attempts, None, _WAITS)
