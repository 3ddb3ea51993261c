"""A charge that nobody claimed in time becomes a session all the same, to be billed as far as it is proven.

Its start may have been lost with a broken charger, or told to another backend; what it delivered is on its meter.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.ports import Clock
from chalicelib.ports.charging import Transactions
from chalicelib.records.charging import Transaction
from chalicelib.services.charging.transactions import TransactionEvents

# Messages that overtook each other have met by then, and a charger that was offline has told its queue.
GRACE = timedelta(minutes=15)
# Somebody plugged in and never showed a card: it is a charge once it ends, or by then.
_LONGEST = timedelta(hours=48)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UnclaimedCharges:
    """Run by a schedule."""

    transactions: Transactions
    charging: TransactionEvents
    clock: Clock
    grace: timedelta = GRACE

    def sweep(self) -> int:
        """Take up what has waited long enough; returns how many sessions came of it."""
        return sum(self._tried(it) for it in self.transactions.unclaimed(self.clock() - self.grace))

    def _tried(self, facts: Transaction) -> bool:
        try:
            return self._take_up(facts)
        except Exception:
            # One that cannot be taken up must not keep the others.
            _log.exception("not taken up", extra={"charger_id": facts.charger_id, "ref": facts.ref})
            return False

    def _take_up(self, facts: Transaction) -> bool:
        is_nobodys = facts.stands_for is None and not self.charging.has_session(facts)
        if is_nobodys:
            if self._may_yet_be_claimed(facts):
                return False
            session = self.charging.adopt(facts)
            _log.warning(
                "a charge nobody claimed",
                extra={
                    "charger_id": facts.charger_id,
                    "ref": facts.ref,
                    "session_id": session.session_id if session else None,
                },
            )
        self.transactions.settle_claim(facts.charger_id, facts.ref)
        return is_nobodys

    def _may_yet_be_claimed(self, facts: Transaction) -> bool:
        is_running = facts.started_heard_at is not None and facts.stopped_heard_at is None
        return is_running and facts.heard_at is not None and self.clock() - facts.heard_at < _LONGEST
