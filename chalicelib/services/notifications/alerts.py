"""Alerts during a charge: that it is almost done, and that idle time begins to cost; seen where readings are taken."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.alerts import ALMOST_FULL_PERCENT
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.notifications import NotificationKind
from chalicelib.ports.charging import Sessions, Transactions
from chalicelib.records.charging import Transaction
from chalicelib.services.notifications.outbox import Notifications


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Tells drivers of what passes in a charge.

    Costs a reading nothing, but for the first that shows a battery almost full: a read and two writes.
    """

    sessions: Sessions
    transactions: Transactions
    notifications: Notifications

    def read(self, known: Transaction, readings: Sequence[Reading]) -> None:
        """Readings were taken: the driver is told, once, that the battery is almost full."""
        soc_percent = max((it.soc_percent or 0 for it in readings), default=0)
        if soc_percent < ALMOST_FULL_PERCENT or known.is_nearly_done or known.session_id is None:
            return
        session = self.sessions.get(known.session_id)
        if session is not None and session.state is State.ACTIVE:
            self.nearly_done(session, known)

    def nearly_done(self, session: Session, known: Transaction) -> None:
        """A charge will soon be over; the transaction's row, read with every reading, remembers that this was told."""
        if known.is_nearly_done:
            return
        self.notifications.tell(session, NotificationKind.ALMOST_FULL)
        self.transactions.record(Transaction(charger_id=known.charger_id, ref=known.ref, is_nearly_done=True))

    def idle(self, session_id: str) -> None:
        """A car is connected and takes nothing: its driver is told, once, where that may cost something.

        Reads the session. It is told before anything is due: what stands for less than the tariff's grace is free.
        """
        session = self.sessions.get(session_id)
        if session is None or not session.tariff.charges_for_idling:
            return
        if session.state is State.ACTIVE or (session.stopped_at is not None and session.bill is None):
            self.notifications.tell(session, NotificationKind.IDLE_FEE_BEGINS)
