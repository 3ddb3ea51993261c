"""Exports and deletes a driver's account (GDPR art. 15, 17 and 20).

Of what the books must keep, nothing leads to a person any more. Every step may be done again. The account goes last, so
that whoever was cut off half way can log in and finish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.fault_report import FaultReport
from chalicelib.domain.chargers.watches import Watch
from chalicelib.domain.charging.session import Origin, Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.deposits import Deposit
from chalicelib.domain.money.wallet import Wallet, WalletEntry
from chalicelib.domain.notifications import Notification
from chalicelib.domain.reservations import Reservation, ReservationStatus
from chalicelib.ports import Clock, NewId
from chalicelib.ports.access import Memberships
from chalicelib.ports.chargers import FaultReports
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.ports.drivers import Drivers, Identity, TokenRegistry
from chalicelib.ports.money import Organisations, Payments, Wallets
from chalicelib.ports.notifications import Outbox
from chalicelib.ports.reservations import Reservations
from chalicelib.ports.vehicles import DriversCars
from chalicelib.records.drivers import Driver, Token
from chalicelib.records.vehicles import Vehicle
from chalicelib.services.access import NotFound, Refusal, is_drivers
from chalicelib.services.at_once import at_once
from chalicelib.services.drivers.watches import Watches

_PAGE = 100
_MOST_RESERVATIONS = 1000
# Longer than any request: what has noted its name and is not there by then never will be.
_BEGINNING = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """A driver's data for export: what is kept of them; `sessions` a page at a time."""

    driver: Driver
    tokens: Sequence[Token]
    reservations: Sequence[Reservation]
    notices: Sequence[Notification]
    fault_reports: Sequence[FaultReport]
    watches: Sequence[Watch]
    wallets: Sequence[tuple[Wallet, Sequence[WalletEntry]]]
    deposits: Sequence[Deposit]
    cars: Sequence[Vehicle]
    sessions: Sequence[Session]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class AccountDeletion:
    """Exports what is kept of a driver, and deletes the account.

    `pay_out` pays a driver's wallets out, or refuses and says what is in the way.
    """

    drivers: Drivers
    tokens: TokenRegistry
    sessions: Sessions
    transactions: Transactions
    reservations: Reservations
    outbox: Outbox
    fault_reports: FaultReports
    watches: Watches
    memberships: Memberships
    cars: DriversCars
    identity: Identity
    wallets: Wallets
    organisations: Organisations
    pay_out: Callable[[str], None]
    payments: Callable[[], Payments]
    clock: Clock
    new_id: NewId

    def export(self, driver_id: str, cursor: str | None) -> Belongings:
        """What is kept of the driver, a page of sessions at a time.

        Raises NotFound, BadCursor for a cursor not ours.
        """
        driver = self._driver(driver_id)
        sessions, next_cursor = self.sessions.of_driver(driver_id, _PAGE, cursor)
        told, _ = self.outbox.page(driver_id, _PAGE, None)
        return Belongings(
            driver=driver,
            tokens=self.tokens.of_driver(driver_id),
            reservations=self.reservations.of_driver(driver_id, _MOST_RESERVATIONS),
            notices=[it.notice for it in told],
            fault_reports=self.fault_reports.of_driver(driver_id, _PAGE),
            watches=driver.watches,
            wallets=[
                (it, self.wallets.entries(driver_id, it.currency, _PAGE, None)[0])
                for it in self.wallets.of_driver(driver_id)
            ],
            deposits=self.wallets.deposits(driver_id),
            cars=self.cars.of_driver(driver_id),
            sessions=sessions,
            next_cursor=next_cursor,
        )

    def leave(self, driver_id: str) -> None:
        """Delete the account. Raises Refusal while something is under way or owed."""
        if self.drivers.get(driver_id) is not None:
            self._forget(driver_id)
        self.identity.forget(driver_id)
        # Whoever logged in while their data went was made a driver again; no token of theirs is good from here on.
        self.drivers.forget(driver_id)

    def _forget(self, driver_id: str) -> None:
        request_id = self.new_id()
        # Whatever begins notes its name first: it is seen here, or finds that its driver leaves.
        begun = self.drivers.leave(driver_id, request_id, self.clock())
        driver = self._driver(driver_id)
        try:
            sessions = self._what_is_over(driver, begun)
            # Money first: what cannot go back to its card keeps the account, and nothing of it is gone yet.
            self.pay_out(driver_id)
        except Refusal:
            self.drivers.stay(driver_id, request_id)
            raise
        # From here on nothing new may begin.
        self.drivers.change(driver_id, lambda it: replace(it, blocked=True))
        # Nor is anything paid in any more: what was, meanwhile, goes back too, or the account waits for it.
        self.pay_out(driver_id)
        at_once(self._forget_session, sessions)
        at_once(lambda it: self.tokens.forget(it.uid), self.tokens.of_driver(driver_id))
        self.reservations.forget_driver(driver_id)
        self.outbox.forget_driver(driver_id)
        self.fault_reports.forget_driver(driver_id)
        self.watches.forget_driver(driver_id)
        self.memberships.forget_person(driver_id)
        self.wallets.forget_driver(driver_id)
        for operator_id, joined in driver.organisations.items():
            self.organisations.remove_member(operator_id, joined.organisation_id, driver_id)
        self.cars.forget_driver(driver_id)
        if driver.customer_id is not None:
            self.payments().forget_customer(driver.customer_id)
        self.drivers.forget(driver_id)

    def _forget_session(self, session: Session) -> None:
        if session.origin is not Origin.APP and session.ref is not None:
            self.transactions.forget_token(session.charger_id, session.ref)
        self.sessions.forget_driver(session)

    def _what_is_over(self, driver: Driver, begun: Mapping[str, datetime]) -> list[Session]:
        """All of a driver's sessions. Raises Refusal unless every one is over and paid, and no reservation is left."""
        if driver.owes:
            raise Refusal("open_balance", "a charge is not paid yet; pay it first (POST /v1/me/balance/pay)")
        # Lists follow what is written within a second or so; what began lately is read by its name.
        reservations = {it.reservation_id: it for it in self.reservations.of_driver(driver.driver_id, _PAGE)}
        sessions = {it.session_id: it for it in self._sessions(driver.driver_id)}
        for name, at in begun.items():
            session, reservation = self.sessions.get(name), self.reservations.get(name)
            if session is not None and is_drivers(session, driver.driver_id):
                sessions[name] = session
            if reservation is not None:
                reservations[name] = reservation
            if session is None and reservation is None and self.clock() - at < _BEGINNING:
                raise Refusal("session_open", "something of yours is just beginning; try again in a minute")
        # One whose time is over is charged for within a minute.
        if any(it.standing is ReservationStatus.OPEN for it in reservations.values()):
            raise Refusal("reservation_open", "cancel your reservation first")
        if any(not session.is_at_rest for session in sessions.values()):
            raise Refusal("session_open", "a session is under way; end it first")
        return list(sessions.values())

    def _sessions(self, driver_id: str) -> list[Session]:
        found: list[Session] = []
        cursor: str | None = None
        while True:
            page, cursor = self.sessions.of_driver(driver_id, _PAGE, cursor)
            found += page
            if cursor is None:
                return found

    def _driver(self, driver_id: str) -> Driver:
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
