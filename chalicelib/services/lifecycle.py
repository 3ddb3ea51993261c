"""The steps a session's workflow runs; each may run again after a crash at any point and does its work once.

A step that waits registers its token first and looks afterwards, so that news arriving in between is not missed.
Errors leave by their class names, which the workflow (infrastructure/workflow.py) catches by name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib.domain.bill import Bill
from chalicelib.domain.commands import StartCharging, StopCharging, Unable
from chalicelib.domain.events import ConnectorStatus
from chalicelib.domain.ledger import Book
from chalicelib.domain.session import (
    Billed,
    Completed,
    Hold,
    HoldDeclined,
    HoldPlaced,
    Origin,
    Paid,
    Payment,
    PaymentFailed,
    Reason,
    Session,
    StartFailed,
    State,
    Step,
    StopRequested,
)
from chalicelib.ports import Chargers, Clock, Drivers, Ledger, Payments, Readings, Sessions, Workflow
from chalicelib.records import Declined, Gone, Purpose, Waiting
from chalicelib.services.changes import Changes
from chalicelib.services.commanding import Commanding
from chalicelib.services.costing import final_bill, telling
from chalicelib.services.measuring import Measuring
from chalicelib.services.naming import known_to_charger

_log = logging.getLogger(__name__)
_UNTOUCHED = timedelta(seconds=60)
_ABANDONED = timedelta(minutes=5)
# What a charger has queued it tells within minutes of being back.
_LAST_WORDS = timedelta(minutes=10)

# What a workflow error says to a driver; the workflow names the error, this names the reason.
_REASONS = {
    "Declined": Reason.PAYMENT_DECLINED,
    "Gone": Reason.CHARGER_OFFLINE,
    "States.Timeout": Reason.CHARGER_DID_NOT_START,
}


class SessionOver(Exception):
    """The session ended while the workflow was on its way; what is left is to clean up."""


def book_of(session: Session) -> Book:
    """The ledger pages of a session that somebody pays for."""
    if session.driver_id is None:
        raise ValueError(f"session {session.session_id} has no payer")
    return Book(session.session_id, session.operator_id, session.driver_id, session.tariff.currency)


@dataclass(frozen=True)
class Lifecycle:
    """From hold to receipt. `payments` is a function, for a step that takes no money should not load what does."""

    sessions: Sessions
    readings: Readings
    drivers: Drivers
    chargers: Chargers
    ledger: Ledger
    workflow: Workflow
    changes: Changes
    commanding: Commanding
    measuring: Measuring
    payments: Callable[[], Payments]
    clock: Clock

    def place_hold(self, session_id: str) -> dict[str, Any]:
        """Set money aside. A session begun by app fails without it; one under way is asked to stop."""
        session = self._get(session_id)
        if session.is_over:
            raise SessionOver(session_id)
        if session.driver_id is None or session.hold is not None:
            return {"session_id": session_id}
        try:
            session = self._hold(session, session.tariff.hold_minor)
        except Declined:
            if session.origin is Origin.APP:
                raise
            self.changes.apply(session_id, HoldDeclined(self.clock()))
        if session.is_over:
            raise SessionOver(session_id)
        return {"session_id": session_id}

    def start_charging(self, session_id: str, task_token: str) -> None:
        """Ask the charger to begin, and wait until it does. Raises Gone when it is offline."""
        session = self.changes.wait(session_id, Waiting(Step.START, task_token))
        if session.state is State.INITIATED:
            command = StartCharging(session.connector, session.token, session.remote_start_id)
            # This step done again must not be refused by the start that it has sent already.
            self.commanding.send(session.charger_id, command, Purpose.START, session_id, f"start-{session_id}")

    def await_end(self, session_id: str, task_token: str) -> None:
        """Wait while the car charges, until somebody wants it to end or it has."""
        self.changes.wait(session_id, Waiting(Step.END, task_token))

    def stop_charging(self, session_id: str, task_token: str) -> None:
        """Ask the charger to end, unless it has, and wait for its final reading."""
        session = self.changes.wait(session_id, Waiting(Step.STOP, task_token))
        if session.state is State.ACTIVE:
            session = self.changes.apply(session_id, StopRequested(self.clock()))
        self._ask_to_stop(session)

    def settle(self, session_id: str, task_token: str) -> None:
        """Price the session, book it, take the money, and wait for the payment provider to confirm."""
        session = self.changes.wait(session_id, Waiting(Step.PAYMENT, task_token))
        if session.is_over or session.payment is not None:
            return
        self.chargers.free(session.charger_id, session.connector, session_id)
        if session.bill is not None and self._was_taken(session):
            return
        if session.bill is None:
            session = self.measuring.measured(session)
            session = self.changes.apply(session_id, Billed(final_bill(session, telling(self.readings, session))))
        if session.bill is None or session.driver_id is None:
            self.changes.apply(session_id, PaymentFailed(self.clock()))
            return
        self.ledger.append(book_of(session).sale(session.bill, self.clock()))
        self._take_money(session, session.bill)

    def issue_receipt(self, session_id: str) -> dict[str, Any]:
        """The last step: everything the receipt says is now fixed."""
        session = self.changes.apply(session_id, Completed(self.clock()))
        return {"session_id": session_id, "state": session.state}

    def abort(self, session_id: str, error: str, cause: str) -> dict[str, Any]:
        """Clean up after a step that failed: release the hold, free the connector, tell why.

        Returns `over` false when the charger began after all while the workflow was giving up: then it goes on.
        """
        _log.info("session aborts", extra={"session_id": session_id, "error": error, "cause": cause[:300]})
        now = self.clock()
        failure = StartFailed(_REASONS.get(error, Reason.INTERNAL), now)
        session = self.changes.apply(session_id, failure, PaymentFailed(now))
        if not session.is_over:
            return {"session_id": session_id, "over": False}
        self.chargers.free(session.charger_id, session.connector, session_id)
        if session.hold is not None and session.payment is None:
            try:
                self._release(session, session.hold)
            except Declined:
                _log.warning(
                    "the hold was taken already; the provider's word will come", extra={"session_id": session_id}
                )
        return {"session_id": session_id, "over": True, "reason": session.reason}

    def sweep(self) -> int:
        """Take up sessions that have stood still on their way in or out; returns how many."""
        count = 0
        for session in self.sessions.unsettled(self.clock() - _UNTOUCHED):
            count += 1
            try:
                self._take_up(session)
            except Exception:
                # One that cannot be taken up must not keep the others; it comes again in a minute.
                _log.exception("not taken up", extra={"session_id": session.session_id})
        return count

    def _take_up(self, session: Session) -> None:
        if session.state is State.INITIATED and session.created_at < self.clock() - _ABANDONED:
            # Whoever asked for this has walked away: energy must not begin to flow on a card nobody watches.
            self.abort(session.session_id, "Abandoned", "it never got as far as the charger's answer")
            return
        if session.state is State.STOPPING:
            self.workflow.start(session)
            if self._has_left(session):
                session = self.measuring.measured(session)
            else:
                self._ask_to_stop(session)
        self.changes.wake(session, self.sessions.waiting(session.session_id))

    def _has_left(self, session: Session) -> bool:
        """Whether the car is gone and its end will not be told any more: the connector has been free for long."""
        asked_at = session.stop_requested_at
        if session.stopped_at is not None or asked_at is None or self.clock() - asked_at < _LAST_WORDS:
            return False
        states = self.chargers.connectors(session.charger_id)
        return any(
            it.connector == session.connector
            and it.status is ConnectorStatus.AVAILABLE
            and it.status_at is not None
            and it.status_at > (session.started_at or session.created_at)
            for it in states
        )

    def _get(self, session_id: str) -> Session:
        session = self.sessions.get(session_id)
        if session is None:
            raise LookupError(f"no session {session_id}")
        return session

    def _hold(self, session: Session, amount_minor: int) -> Session:
        driver = self.drivers.get(session.driver_id) if session.driver_id else None
        if driver is None or driver.customer_id is None or driver.payment_method_id is None:
            raise Declined("no card is saved")
        hold = self.payments().hold(session, driver.customer_id, driver.payment_method_id, amount_minor)
        hold = replace(hold, card=driver.card or "")
        self.ledger.append([book_of(session).hold(hold.amount_minor, self.clock())])
        return self.changes.apply(session.session_id, HoldPlaced(hold))

    def _ask_to_stop(self, session: Session) -> None:
        if session.is_over or session.stopped_at is not None or session.ref is None:
            return
        try:
            command = StopCharging(known_to_charger(session.ref))
            self.commanding.send(session.charger_id, command, Purpose.STOP, session.session_id)
        except (Gone, Unable) as error:
            # It will say itself when it stopped, once it is back; the sweep asks again meanwhile.
            _log.warning("charger cannot be told to stop", extra={"session_id": session.session_id, "why": str(error)})

    def _take_money(self, session: Session, bill: Bill) -> None:
        """Capture the bill, never above the hold: what is beyond stays on the driver's account in the ledger."""
        try:
            hold = session.hold
            if hold is None:
                if bill.total_minor == 0:
                    self._settled_for_nothing(session)
                    return
                hold = self._hold(session, bill.total_minor).hold
            if hold is None:
                raise Declined("no money could be set aside")
            amount_minor = min(bill.total_minor, hold.amount_minor)
            if amount_minor == 0:
                self._release(session, hold)
                self._settled_for_nothing(session)
                return
            self.payments().capture(session, hold, amount_minor)
        except Declined as error:
            _log.warning("payment failed", extra={"session_id": session.session_id, "why": str(error)})
            self.changes.apply(session.session_id, PaymentFailed(self.clock()))

    def _was_taken(self, session: Session) -> bool:
        """Whether an earlier run of this step took the money: then its webhook is late or lost, and is not needed."""
        taken_minor = self.payments().taken_minor(session, session.hold) if session.hold else 0
        if taken_minor:
            now = self.clock()
            self.ledger.append([book_of(session).capture(taken_minor, now)])
            self.changes.apply(session.session_id, Paid(Payment(taken_minor, now)))
        return taken_minor > 0

    def _settled_for_nothing(self, session: Session) -> None:
        self.changes.apply(session.session_id, Paid(Payment(0, self.clock())))

    def _release(self, session: Session, hold: Hold) -> None:
        self.payments().void(session, hold)
        self.ledger.append([book_of(session).void(hold.amount_minor, self.clock())])
