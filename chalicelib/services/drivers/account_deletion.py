"""Exports and deletes a driver's account (GDPR art. 15, 17 and 20).

Of what the books must keep, nothing leads to a person any more. Every step may be done again. A request does what is
soon done, or says what is in the way. Until one write it can be asked for again by its driver; from that write on the
account is closed: no login is good, nothing begins, and invocations forget what is kept, some of it at a time, with the
schedule `accounts` behind them. The account itself goes last, and not before its sessions are over and paid.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.fault_report import FaultReport
from chalicelib.domain.chargers.watches import Watch
from chalicelib.domain.charging.session import Origin, Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.deposits import Deposit
from chalicelib.domain.money.wallet import Wallet, WalletEntry
from chalicelib.domain.notifications import Notification
from chalicelib.domain.reservations import Reservation, ReservationStatus
from chalicelib.ports import Clock, Invocations, NewId
from chalicelib.ports.access import Memberships
from chalicelib.ports.chargers import FaultReports
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.ports.drivers import Drivers, Identity, TokenRegistry
from chalicelib.ports.money import Organisations, Payments, Wallets
from chalicelib.ports.notifications import Outbox
from chalicelib.ports.reservations import Reservations
from chalicelib.ports.vehicles import DriversCars
from chalicelib.records import Conflict
from chalicelib.records.drivers import Driver, Token
from chalicelib.records.parts import WHOLE, Part
from chalicelib.records.vehicles import Vehicle
from chalicelib.services.access import NotFound, Refusal, is_drivers
from chalicelib.services.at_once import at_once
from chalicelib.services.drivers.watches import Watches

SCHEDULE, PART = "accounts", "driver"
_PAGE = 100
_MOST_RESERVATIONS = 1000
# Looked at before an account is closed, the newest of them: a driver has one reservation open at a time.
_SESSIONS, _RESERVATIONS = 50, 10
# Longer than any request: what has noted its name and is not there by then never will be.
_BEGINNING = timedelta(seconds=60)
# No token was given out so late (the year 9999).
_NEVER_S = 253_402_300_799
# GDPR art. 12 (3): a month. What is owed until then is asked for (services/money/debts.py), and is let go after it.
_AT_MOST = timedelta(days=28)
_log = logging.getLogger(__name__)


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
    invocations: Invocations
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
        """Close the account, and have it deleted. Raises Refusal while something is under way or owed."""
        driver = self.drivers.get(driver_id)
        if driver is not None and driver.leaving_since is None:
            self._close(driver)
        if driver is not None:
            self._hand_on(driver_id)
        # Whoever logs in before this is shown tokens that are good for nothing.
        self.identity.forget(driver_id)

    def tend(self, part: Part = WHOLE) -> int:
        """Have gone on with all who have left; returns how many. What is at work already is done twice, at worst."""
        begun = 0
        for driver_id in part.in_time(self.drivers.leaving(), self.clock):
            self._hand_on(driver_id)
            begun += 1
        return begun

    def go_on(self, driver_id: str, part: Part = WHOLE) -> int:
        """Forget a driver who has left, until time is up; 1 when the account is gone. Safe to run twice at once."""
        driver = self.drivers.get(driver_id)
        if driver is None or driver.leaving_since is None:
            return 0
        for is_gone in part.in_time(self._forgetting(driver), self.clock):
            if is_gone:
                return 1
        if part.is_over(self.clock()):
            self._hand_on(driver_id)
        return 0

    def _close(self, driver: Driver) -> None:
        driver_id, request_id = driver.driver_id, self.new_id()
        # Whatever begins notes its name first: it is seen here, or finds that its driver leaves.
        begun = self.drivers.leave(driver_id, request_id, self.clock())
        driver = self._driver(driver_id)
        try:
            self._check_over(driver, begun)
            # Money first: what cannot go back to its card keeps the account, and nothing of it is gone yet.
            self.pay_out(driver_id)
        except Refusal:
            self.drivers.stay(driver_id, request_id)
            raise
        # From here on nothing new may begin.
        self.drivers.change(driver_id, lambda it: replace(it, blocked=True))
        # Nor is anything paid in any more: what was, meanwhile, goes back too, or the account waits for it.
        self.pay_out(driver_id)
        # What is few, and what others would act by.
        self.cars.forget_driver(driver_id)
        self.watches.forget_driver(driver_id)
        self.memberships.forget_person(driver_id)
        for operator_id, joined in driver.organisations.items():
            self.organisations.remove_member(operator_id, joined.organisation_id, driver_id)
        now = self.clock()
        closed = self.drivers.change(driver_id, lambda it: replace(it, leaving_since=now, tokens_from_s=_NEVER_S))
        if closed is None:
            raise NotFound(f"driver {driver_id}")

    def _forgetting(self, driver: Driver) -> Iterator[bool]:
        """Forget what is kept, some at a time: False after each piece, True when the account is gone.

        Ends without that where a session is not over yet, or one is owed for: that is looked at again.
        """
        driver_id = driver.driver_id
        self.identity.forget(driver_id)
        try:
            begun = self.drivers.leave(driver_id, self.new_id(), self.clock())
        except Conflict:
            # Another has come to the end at this moment.
            return
        is_over = True
        for some in self._sessions(driver_id, begun):
            is_over &= self._forget_sessions(some)
            yield False
        if not is_over or self._is_owed(driver_id):
            return
        for kept in (self.tokens, self.reservations, self.outbox, self.fault_reports, self.wallets):
            yield from (False for _ in kept.forget_driver(driver_id))
        if driver.customer_id is not None:
            self.payments().forget_customer(driver.customer_id)
        self.drivers.forget(driver_id)
        yield True

    def _sessions(self, driver_id: str, begun: Iterable[str]) -> Iterator[Sequence[Session]]:
        """All of a driver's sessions, a page at a time; those of the last hours, that no list may have yet, first."""
        yield [it for name in begun if (it := self.sessions.get(name)) is not None and is_drivers(it, driver_id)]
        cursor: str | None = None
        while True:
            page, cursor = self.sessions.of_driver(driver_id, _PAGE, cursor)
            yield page
            if cursor is None:
                return

    def _forget_sessions(self, sessions: Sequence[Session]) -> bool:
        """Forget whose they were; False where one is left: not over, changed at this moment, or not to be written."""
        over = [it for it in sessions if it.is_at_rest]
        left = [it for it in sessions if not it.is_at_rest]

        def forget(session: Session) -> None:
            try:
                if session.origin is not Origin.APP and session.ref is not None:
                    self.transactions.forget_token(session.charger_id, session.ref)
                self.sessions.forget_driver(session)
            except Exception:
                # It keeps none of the others, and is tried again.
                _log.exception("a session was not forgotten", extra={"session_id": session.session_id})
                left.append(session)

        at_once(forget, over)
        return not left

    def _is_owed(self, driver_id: str) -> bool:
        """Whether the driver owes for a session that ended after they had left; for a month nobody waits longer."""
        driver = self.drivers.get(driver_id)
        if driver is None or driver.leaving_since is None:
            return False
        return bool(driver.owes) and self.clock() < driver.leaving_since + _AT_MOST

    def _check_over(self, driver: Driver, begun: Mapping[str, datetime]) -> None:
        """Raises Refusal while a session or reservation is under way, or one is owed for.

        Of many sessions the newest are looked at: an older one that is not over keeps what is needed for it.
        """
        if driver.owes:
            raise Refusal("open_balance", "a charge is not paid yet; pay it first (POST /v1/me/balance/pay)")
        # Lists follow what is written within a second or so; what began lately is read by its name.
        reservations = {it.reservation_id: it for it in self.reservations.of_driver(driver.driver_id, _RESERVATIONS)}
        sessions = {it.session_id: it for it in self.sessions.of_driver(driver.driver_id, _SESSIONS, None)[0]}
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

    def _hand_on(self, driver_id: str) -> None:
        try:
            self.invocations.begin(SCHEDULE, {"part": PART, "driver": driver_id})
        except Exception:
            # They are on the list of those who leave: the schedule has it gone on with.
            _log.exception("not handed on", extra={"driver_id": driver_id})

    def _driver(self, driver_id: str) -> Driver:
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
