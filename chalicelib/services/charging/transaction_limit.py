"""OCPP 2.1's transactionLimit (E16): a driver's limits are kept by the charger too, so that they hold without us.

What a driver asked for in the app goes to the charger with the answers to its transaction's messages, until it says
that it keeps as much; what a driver sets at the charger holds here as well. Of both the lower counts.
"""

from __future__ import annotations

from chalicelib.domain.chargers.events import TransactionLimits
from chalicelib.domain.charging.ends import LimitsKept
from chalicelib.domain.charging.limits import as_kept, as_told
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.charging import Transactions
from chalicelib.services.charging.session_changes import SessionChanges


@dataclass(frozen=True)
class TransactionLimit:
    """Takes what chargers say of the limits they keep."""

    transactions: Transactions
    changes: SessionChanges

    def told(self, session: Session | None, limits: TransactionLimits | None) -> Session | None:
        """The session with the limits its charger says it keeps (None: it says nothing); no call where it has them."""
        if session is None or session.ref is None or limits is None or session.state is not State.ACTIVE:
            return session
        kept = as_told(limits, session.tariff.currency)
        if kept == session.charger_limits:
            return session
        if session.limits_in_force is None:
            # First: a session that is looked at once too often does no harm.
            self.transactions.attend(session.charger_id, session.ref, 0)
        return self.changes.apply(session.session_id, LimitsKept(kept), known=session)


def to_hand_on(session: Session | None) -> TransactionLimits | None:
    """What its charger should keep for a session under way, and has not said that it does."""
    if session is None or session.state is not State.ACTIVE or session.limits_to_hand_on is None:
        return None
    return as_kept(session.limits_to_hand_on, session.tariff.currency)
