"""Refunds what a charger's true end, or what its meter signed, told too late, shows to be billed too much.

What of it is still owed is waived first, as by a correction; only the rest was paid. What cannot be done so is for a
person to see. Nothing more is ever taken for it: a bill that is paid stays as high as it was, and its
flag says why it should not have been. Ends that are told in time correct the session itself
(`domain/charging/ends.py`).
"""

from __future__ import annotations

import logging

from chalicelib.domain.charging.dues import BillCorrected, costs_minor
from chalicelib.domain.charging.ends import LateEndSettled
from chalicelib.domain.charging.session import Correction, LateEnd, Session, State
from chalicelib.domain.charging.transitions import apply
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.services.access import Refusal
from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.money.refunds import Refunds
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.pricing.rating import final_bill

# With a space, which no key of an operator's has.
_KEY = "late end"
# What an operator is shown beside what was waived.
_NOTE = "its charger told too late how it truly ended, or what its meter signed"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LateEnds:
    """Compares bills with ends told too late, and gives back what was too much."""

    evidence: Evidence
    metering: Metering
    refunds: Refunds
    changes: SessionChanges
    clock: Clock

    def settle(self, session: Session) -> Session:
        """Compare the bill of a session that is over with its true end, once; safe to do again."""
        end = session.late_end
        if end is None or end.is_settled or not session.is_over:
            return session
        key = _key(end)
        too_much_minor = self._too_much_minor(session, end)
        unpaid_minor = min(too_much_minor, session.due_minor)
        planned_minor = sum(it.amount_minor for it in session.refunds if it.key == key)
        if back_minor := planned_minor or too_much_minor - unpaid_minor:
            try:
                session = self.refunds.refund(session.operator_id, session.session_id, back_minor, key)
            except Refusal as refusal:
                _log.warning("not given back", extra={"session_id": session.session_id, "why": str(refusal)})
        lower = [self._lower(session, unpaid_minor, key)] if unpaid_minor else []
        return self.changes.apply(session.session_id, *lower, LateEndSettled(end), known=session)

    def _lower(self, session: Session, unpaid_minor: int, key: str) -> BillCorrected:
        """Whoever settles corrections carries it out, while nobody else asks for the debt."""
        total_minor = costs_minor(session) - unpaid_minor
        return BillCorrected(Correction(key=key, total_minor=total_minor, by="", at=self.clock(), note=_NOTE))

    def _too_much_minor(self, session: Session, end: LateEnd) -> int:
        """What was paid or is owed beyond the price of the charge as it truly ended; 0 where that cannot be said."""
        if session.bill is None or session.driver_id is None:
            return 0
        as_ended = replace(
            session,
            state=State.STOPPING,
            stopped_at=end.at,
            meter_stop_wh=end.meter_stop_wh,
            is_end_inferred=end.is_inferred,
            measured_wh=None,
            bill=None,
            flags=frozenset(),
        )
        weighed = self.metering.weigh(as_ended)
        if weighed is None or weighed.energy_wh is None or weighed.review_until is not None:
            return 0
        as_ended = apply(as_ended, weighed)
        found = self.evidence.whole(as_ended) if as_ended.tariff.depends_on_course else None
        true_minor = final_bill(as_ended, found).total_minor
        return max(0, costs_minor(session) - true_minor)


def _key(end: LateEnd) -> str:
    """Under which key its money goes back: what was told of an end first may be told better."""
    word = end.signed_wh if end.signed_wh is not None else f"at {end.at:%Y%m%dT%H%M%S} {end.meter_stop_wh}"
    return f"{_KEY} {word}"
