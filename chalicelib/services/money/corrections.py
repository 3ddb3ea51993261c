"""Corrections: an operator waives a bill or lowers it, be it not made yet, unpaid, paid or owed.

Nothing that was booked is changed. A correction says what the session shall cost its driver in all at the most; what is
unpaid beyond that is waived, what is paid beyond it is refunded, each by entries of its own under the correction's key.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from chalicelib.domain.charging.dues import (
    BillCorrected,
    CorrectionSettled,
    CorrectionWithdrawn,
    costs_minor,
    refund_key,
)
from chalicelib.domain.charging.session import Correction, Session
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.minimums import step_minor
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.money import DebtBook
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.funds import Funds
from chalicelib.services.money.refunds import Refunds

_log = logging.getLogger(__name__)
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Lowers what drivers pay for sessions, by an operator's word."""

    sessions: Sessions
    book: DebtBook
    changes: SessionChanges
    funds: Funds
    debts: Debts
    refunds: Refunds
    clock: Clock

    def correct(self, operator_id: str, session_id: str, correction: Correction) -> Session:
        """Let a session cost no more than the correction says, 0 for nothing; the same key again changes nothing more.

        What is being paid at this moment is corrected once it is paid. Raises NotFound, PaymentsUnavailable (it is
        kept, and carried out later), and Refusal: the key was used for another amount, the driver pays no more than
        that, or the provider gives nothing back.
        """
        session = operators_own(self.sessions.get(session_id), operator_id, f"session {session_id}")
        known = next((it for it in session.corrections if it.key == correction.key), None)
        if known is not None and known.total_minor != correction.total_minor:
            raise Refusal("idempotency_key_reused", "this Idempotency-Key corrected the bill to another amount")
        if known is None:
            self._check(session, correction)
            session = self.changes.apply(session_id, BillCorrected(correction), known=session)
            _log.warning(
                "a bill is corrected",
                extra={"session_id": session_id, "by": correction.by, "total_minor": correction.total_minor},
            )
        return self._carry_out(session)

    def settle(self, session: Session) -> Session:
        """Carry out what corrections of a session that is over still come to. Safe to do again."""
        try:
            return self._carry_out(session)
        except Refusal as refusal:
            _log.warning("not corrected", extra={"session_id": session.session_id, "why": str(refusal)})
            return session

    def _check(self, session: Session, correction: Correction) -> None:
        if session.driver_id is None or (session.is_over and session.bill is None):
            raise Refusal("nothing_billed", "nothing was or will be billed for this session")
        most_minor = costs_minor(session)
        if session.bill is not None and correction.total_minor >= most_minor:
            raise Refusal("correction_too_high", f"the driver pays {most_minor}; a bill is only ever lowered")

    def _carry_out(self, session: Session) -> Session:
        for it in session.corrections:
            if not it.is_settled and session.is_over:
                session = self._carry_out_one(session, it)
        return session

    def _carry_out_one(self, session: Session, it: Correction) -> Session:
        self._lease(session)
        # What cards can be given back has their steps too.
        total_minor = it.total_minor - it.total_minor % step_minor(session.tariff.currency)
        too_much_minor = max(0, costs_minor(session) - total_minor)
        waived_minor = min(too_much_minor, session.due_minor)
        # What is planned under it goes on as it was planned, be part of it done.
        key = refund_key(it.key)
        planned_minor = sum(refund.amount_minor for refund in session.refunds if refund.key == key)
        if back_minor := planned_minor or too_much_minor - waived_minor:
            try:
                self.refunds.refund(session.operator_id, session.session_id, back_minor, key)
            except Refusal:
                self.changes.apply(session.session_id, CorrectionWithdrawn(it.key))
                raise
        if waived_minor:
            waived_minor = self.funds.waive(session, it.key, waived_minor)
        session = self.debts.leave(self.changes.apply(session.session_id, CorrectionSettled(it.key, waived_minor)))
        self.book.release(session.session_id)
        return session

    def _lease(self, session: Session) -> None:
        """Nobody may take, at this moment, what is about to be waived."""
        now = self.clock()
        if self.book.get(session.session_id) is None or self.book.lease(session.session_id, now + _LEASE, now):
            return
        raise Refusal("conflict", "this debt is being paid at this moment; correct it again in a minute")
