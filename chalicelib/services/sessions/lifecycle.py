"""The session lifecycle: the steps its workflow runs. Each may run again after a crash and does its work once.

A step that waits registers its token first and looks afterwards, so that news arriving in between is not missed. Errors
leave by their class names, which the workflow (infrastructure/workflow.py) catches by name.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.chargers.commands import Message, StartCharging, StopCharging, Trigger, Unable
from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.charging.bounds import unasked_minor
from chalicelib.domain.charging.holds import Released, is_confirmed
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.domain.charging.stuck import why_stuck
from chalicelib.domain.charging.terminal import SettledAtTerminal, is_terminal_token
from chalicelib.domain.charging.transitions import (
    ActionNeeded,
    Billed,
    Completed,
    HoldDeclined,
    PaymentFailed,
    StartFailed,
    StopRequested,
)
from chalicelib.domain.charging.waits import Step
from chalicelib.domain.charging.ways import way_of
from chalicelib.domain.charging.wishes import FootprintFound
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import AlarmKind
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Sessions, Transactions, Workflow
from chalicelib.ports.operators import AlarmChecks
from chalicelib.records.chargers import ConnectorState, Gone, Purpose, SoonBack
from chalicelib.records.charging import Waiting
from chalicelib.records.money import CardholderNeeded, Declined, PaymentsUnavailable
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import known_to_charger
from chalicelib.services.drivers.watches import Watches
from chalicelib.services.money.corrections import Corrections
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.funds import Funds
from chalicelib.services.money.holds import hold_needed_minor
from chalicelib.services.money.late_ends import LateEnds
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.money.terminal_payments import TerminalPayments
from chalicelib.services.pricing.courses import Courses
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.pricing.rating import final_bill, full_bill
from chalicelib.services.sessions.overstays import Overstays

_log = logging.getLogger(__name__)
_UNTOUCHED = timedelta(seconds=60)
_REVIEWED_EVERY = timedelta(minutes=15)
# Chargers are told to come back within 20 s.
_SOON = timedelta(seconds=30)
# API Gateway ends every socket after two hours.
_LONGEST_SOCKET = timedelta(hours=2, minutes=10)
# As long as a workflow waits for the end of a session that somebody pays for (infrastructure/workflow.py).
_LONGEST_UNPAID = timedelta(hours=48)
_SALT_BYTES = 16
# A cardholder has five minutes to confirm, and whatever waits in between one more.
_BEFORE_START = timedelta(minutes=6)

# What a workflow error says to a driver; the workflow names the error, this names the reason.
_REASONS = {
    "Declined": Reason.PAYMENT_DECLINED,
    "Gone": Reason.CHARGER_OFFLINE,
    "SoonBack": Reason.CHARGER_OFFLINE,
    "States.Timeout": Reason.CHARGER_DID_NOT_START,
}


class NeedsReview(Exception):
    """A charge cannot be billed yet: its energy is not known, or its car still stands at the plug.

    The workflow waits until a person has looked, the car has left, or time is up.
    """


class SessionOver(Exception):
    """The session ended while the workflow was on its way; what is left is to clean up."""


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """The steps of a session, from hold to receipt."""

    sessions: Sessions
    evidence: Evidence
    courses: Courses
    chargers: Chargers
    watches: Watches
    transactions: Transactions
    workflow: Workflow
    changes: SessionChanges
    commands: ChargerCommands
    metering: Metering
    funds: Funds
    debts: Debts
    corrections: Corrections
    issued_receipts: IssuedReceipts
    terminal_payments: TerminalPayments
    ends: InferredEnds
    late_ends: LateEnds
    overstays: Overstays
    alarm_checks: AlarmChecks
    clock: Clock

    def place_hold(self, session_id: str, task_token: str) -> None:
        """Set money aside; goes on at once, or when the cardholder has confirmed.

        A session begun by app fails without money; one under way is asked to stop.
        """
        session = self._get(session_id)
        if session.is_over:
            raise SessionOver(session_id)
        if session.driver_id is not None and not self.funds.is_set_aside(session) and self._is_to_be_held(session):
            try:
                session = self.funds.set_aside(session)
            except CardholderNeeded as needed:
                if session.origin is Origin.APP:
                    self.changes.apply(session_id, ActionNeeded(needed.action))
                    self.changes.wait(session_id, Waiting(Step.HOLD, task_token))
                    return
                session = self.changes.apply(session_id, HoldDeclined(self.clock()))
            except Declined:
                if session.origin is Origin.APP:
                    raise
                session = self.changes.apply(session_id, HoldDeclined(self.clock()))
        if session.is_over:
            raise SessionOver(session_id)
        self.changes.go_on(session, task_token)

    def start_charging(self, session_id: str, task_token: str) -> timedelta | None:
        """Ask the charger to begin, and wait until it does. Raises Gone when it is offline, SoonBack when just so.

        Returns how long after the driver's request it was asked; None where it was not, or their bank asked them first.
        """
        session = self.changes.wait(session_id, Waiting(Step.START, task_token))
        if session.state is State.INITIATED:
            command = StartCharging(session.connector, session.token, session.remote_start_id)
            # This step done again must not be refused by the start that it has sent already.
            try:
                self.commands.send(session.charger_id, command, Purpose.START, session_id, f"start-{session_id}")
            except Gone as gone:
                raise self._absence(session.charger_id) from gone
            if session.action is None:
                return self.clock() - session.created_at
        return None

    def _absence(self, charger_id: str) -> Gone:
        """Whether it is worth the wait: nobody stands in the rain for a charger that has been away for long."""
        charger = self.chargers.get(charger_id)
        gone_at = charger.disconnected_at if charger is not None else None
        is_open = charger is not None and charger.connection_id is not None
        is_lately = gone_at is not None and self.clock() - gone_at < _SOON
        return SoonBack(charger_id) if is_open or is_lately else Gone(charger_id)

    def await_end(self, session_id: str, task_token: str) -> None:
        """Wait while the car charges, until somebody wants it to end or it has."""
        self.changes.wait(session_id, Waiting(Step.END, task_token))

    def await_review(self, session_id: str, task_token: str) -> None:
        """Wait until a person has said what was delivered, or the sweep that time is up."""
        self.changes.wait(session_id, Waiting(Step.REVIEW, task_token))

    def stop_charging(self, session_id: str, task_token: str) -> None:
        """Ask the charger to end, unless it has, and wait for its final reading."""
        session = self.changes.wait(session_id, Waiting(Step.STOP, task_token))
        if session.state is State.ACTIVE:
            session = self.changes.apply(session_id, StopRequested(self.clock()), known=session)
        if not self._ask_to_stop(session):
            # Its socket may be another by now: the next sweep asks again, though it was touched just now.
            self.sessions.look_later(session_id, -_UNTOUCHED)

    def settle(self, session_id: str, task_token: str) -> None:
        """Price the session, book it, take the money, and wait for the payment provider to confirm.

        Raises NeedsReview while a person has to say what it delivered, or its car stands there, and PlugUnknown.
        """
        session = self.changes.wait(session_id, Waiting(Step.PAYMENT, task_token))
        if session.is_over or (session.payment is not None and session.settlement is None):
            return
        connector = self.watches.free(session.charger_id, session.connector, session_id)
        if session.takings is not None and self.funds.is_taken(session):
            return
        if session.bill is None:
            session = self.metering.measured(session, self._free_since(session, connector))
            if session.needs_review and not self.metering.settle_unseen(session):
                raise NeedsReview(session_id)
            session = self.overstays.settled(session)
            if session.is_standing:
                raise NeedsReview(session_id)
            found = self.courses.whole(session) if session.tariff.depends_on_course else None
            session = self.changes.apply(session_id, _billed(session, found), known=session)
        if session.settlement is not None:
            self.funds.give_back(session)
            self.terminal_payments.book(session)
            self.changes.apply(session_id, SettledAtTerminal(session.settlement), known=session)
            return
        if is_terminal_token(session.token):
            # Its terminal has yet to say what it took; this step waits for that.
            return
        if session.bill is None or session.driver_id is None:
            self.changes.apply(session_id, PaymentFailed(self.clock()), known=session)
            return
        self.funds.book_sale(session)
        self.funds.collect(session)

    def issue_receipt(self, session_id: str) -> dict[str, Any]:
        """The last step: everything the receipt says is now fixed."""
        session = self._get(session_id)
        self.terminal_payments.book(session)
        found: list[FootprintFound] = []
        if session.bill is not None and session.payment is not None:
            if session.due_minor:
                # Whatever became of its payments: what is due is owed, or let go.
                session = self.debts.leave(session)
            # What the receipt says is the session's from its last change on; who comes again finds the receipt.
            footprint = self.issued_receipts.issue(session).footprint
            found = [FootprintFound(footprint)] if footprint is not None and session.footprint is None else []
        session = self.changes.apply(session_id, *found, Completed(self.clock()), known=session)
        return {"session_id": session_id, "state": session.state}

    def abort(self, session_id: str, error: str, cause: str) -> dict[str, Any]:
        """Clean up after a step that failed: release the hold, free the connector, tell why.

        Returns `over` false when the charger began after all while the workflow was giving up: then it goes on.
        """
        _log.info("session aborts", extra={"session_id": session_id, "error": error, "cause": cause[:300]})
        now = self.clock()
        reason = _REASONS.get(error, Reason.INTERNAL)
        before = self._get(session_id)
        if before.action is not None and not is_confirmed(before) and reason is Reason.CHARGER_DID_NOT_START:
            is_cards = way_of(before.action.payment_id).is_providers
            reason = Reason.CARD_NOT_CONFIRMED if is_cards else Reason.PAYMENT_DECLINED
        failure = StartFailed(reason, now)
        session = self.changes.apply(session_id, failure, PaymentFailed(now))
        if not session.is_over:
            return {"session_id": session_id, "over": False}
        self.watches.free(session.charger_id, session.connector, session_id)
        self._release(session)
        return {"session_id": session_id, "over": True, "reason": session.reason}

    def _release(self, session: Session) -> None:
        """Give back what a failed session has set aside, and only then let it be told that it has failed.

        Before the failure is written its car may still begin to charge; killed after it, this is done again.
        """
        while True:
            known = frozenset(it.payment_id for it in session.holds)
            if session.bill is not None and session.driver_id is not None:
                self.funds.leave_owed(session)
            elif session.payment is None:
                self.funds.give_back(session)
            if session.is_releasing:
                session = self.changes.apply(session.session_id, Released(known))
            if not session.is_releasing:
                return

    def sweep(self, part: Part = WHOLE) -> int:
        """Take up sessions that have stood still on their way in or out; returns how many."""
        count = 0
        for session in part.in_time(self.sessions.unsettled(self.clock() - _UNTOUCHED, part.shard), self.clock):
            count += 1
            try:
                if why_stuck(session, self.clock()):
                    self.alarm_checks.ask(AlarmKind.STUCK_SESSION, session.session_id)
                self._take_up(session)
            except Exception:
                # One that cannot be taken up must not keep the others; it comes again in a minute.
                _log.exception("not taken up", extra={"session_id": session.session_id})
        return count

    def _take_up(self, session: Session) -> None:
        is_abandoned = session.state is State.INITIATED and session.created_at < self.clock() - _longest_start(session)
        if is_abandoned or session.is_releasing:
            # Whoever asked for this has walked away: energy must not begin to flow on a card nobody watches. Or what
            # was set aside for it has not been given back.
            self.abort(session.session_id, "Abandoned", f"it stands at {session.told_state}")
            session = self._get(session.session_id)
        if session.is_over:
            self.corrections.settle(self.late_ends.settle(session))
            return
        if session.state is State.ACTIVE:
            if session.funds_low_at is not None:
                self.funds.top_up(session)
            else:
                session = self.funds.renew(session)
            self._knock(session)
            session = self.ends.look_again(session)
            if not session.needs_workflow and session.created_at < self.clock() - _LONGEST_UNPAID:
                session = self.changes.apply(session.session_id, StopRequested(self.clock()), known=session)
        if session.needs_review and not self.metering.settle_unseen(session):
            # It may wait so for days: looked at every minute, such would be most of what there is to do.
            self.sessions.look_later(session.session_id, _REVIEWED_EVERY)
            return
        if self.overstays.waits(session):
            self.sessions.look_later(session.session_id)
            return
        if session.is_standing:
            session = self.overstays.settled(session)
        if session.state is State.STOPPING:
            session = self._asked_after(session)
            self.workflow.start(session)
            if self.ends.is_over(session):
                session = self.metering.measured(session)
            elif session.left_at is None:
                self._ask_to_stop(session)
        self.changes.wake(session, self.sessions.waiting(session.session_id))

    def _asked_after(self, session: Session) -> Session:
        try:
            return self.funds.ask_after(session)
        except PaymentsUnavailable as error:
            _log.info("not taken yet", extra={"session_id": session.session_id, "why": str(error)})
            return session

    def _knock(self, session: Session) -> None:
        """A charger whose socket should have ended by now may be gone without anybody having been told."""
        charger = self.chargers.get(session.charger_id)
        if charger is None or charger.connected_at is None or self.clock() - charger.connected_at < _LONGEST_SOCKET:
            return
        try:
            trigger = Trigger(Message.READINGS, session.connector)
            self.commands.send(session.charger_id, trigger, Purpose.OPERATOR, session.session_id)
        except (Gone, Unable) as error:
            _log.info("the charger cannot be asked", extra={"session_id": session.session_id, "why": str(error)})

    def _is_to_be_held(self, session: Session) -> bool:
        return session.settlement is None and bool(hold_needed_minor(session))

    def _get(self, session_id: str) -> Session:
        session = self.sessions.get(session_id)
        if session is None:
            raise LookupError(f"no session {session_id}")
        return session

    def _free_since(self, session: Session, connector: ConnectorState | None) -> datetime | None:
        """When a session's connector was last told to be free, if that was after the charge was heard to have begun."""
        if connector is None or connector.status is not ConnectorStatus.AVAILABLE or session.started_at is None:
            return None
        known = self.transactions.get(session.charger_id, session.ref) if session.ref is not None else None
        heard_at = known.started_heard_at if known is not None else None
        if connector.status_at is None or (heard_at is not None and connector.status_at <= heard_at):
            return None
        told_at = self.evidence.told_at(session, connector) or connector.status_at
        found = [it for it in (told_at, connector.status_at) if it > session.started_at]
        return min(found, default=None)

    def _ask_to_stop(self, session: Session) -> bool:
        """Whether its charger has been asked to end it, where there is anything to end."""
        if session.is_over or session.stopped_at is not None or session.ref is None or session.left_at is not None:
            return True
        try:
            command = StopCharging(known_to_charger(session.ref))
            self.commands.send(session.charger_id, command, Purpose.STOP, session.session_id)
        except (Gone, Unable) as error:
            # It will say itself when it stopped, once it is back; the sweep asks again meanwhile.
            _log.warning("charger cannot be told to stop", extra={"session_id": session.session_id, "why": str(error)})
            return False
        return True


def _billed(session: Session, found: Measured | None) -> Billed:
    """Its bill, and whether a person should see what of it is let go, or waits for its driver."""
    bill, flags = final_bill(session, found), set[Flag]()
    if full_bill(session, found).total_minor > bill.total_minor:
        flags.add(Flag.OVER_LIMIT)
    if session.driver_id is not None and bill.total_minor > unasked_minor(session):
        flags.add(Flag.AWAITS_DRIVER)
    return Billed(bill, frozenset(flags), secrets.token_urlsafe(_SALT_BYTES))


def _longest_start(session: Session) -> timedelta:
    """How long after the driver's wish the charge may still begin."""
    return _BEFORE_START + timedelta(seconds=session.start_wait_s)
