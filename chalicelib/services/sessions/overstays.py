"""Overstays: a bill waits for its car to leave, where standing there costs and the charger says that it stands there.

No longer than `LONGEST`, nor than what is held and what the driver wanted to spend pay for; after that it is settled by
what is known, and nothing more is asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.charging.ends import Overstayed, Overstaying
from chalicelib.domain.charging.overstay import LONGEST, SAID_WITHIN, Heard, PlugState, plug_after, stood_until
from chalicelib.domain.charging.session import Origin, Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.notifications import NotificationKind
from chalicelib.domain.pricing.energy import Measured
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, History
from chalicelib.ports.charging import Transactions
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.notifications.outbox import Notifications
from chalicelib.services.pricing.courses import Courses
from chalicelib.services.pricing.rating import final_bill

# A hold must be taken before it expires.
_IN_TIME = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class PlugUnknown(Exception):
    """The charger has not said yet whether the car is still there; it will within seconds, if it ever does."""


@dataclass(frozen=True, kw_only=True)
class Overstays:
    """Says until when a session's car stood at the plug, once that is known or has been waited for long enough."""

    courses: Courses
    chargers: Chargers
    transactions: Transactions
    history: History
    changes: SessionChanges
    notifications: Notifications
    clock: Clock

    def settled(self, session: Session) -> Session:
        """The session with how long its car stood, which may be not at all; `is_standing` where it stands there still.

        Four reads and a write where standing costs something, nothing otherwise. Raises PlugUnknown.
        """
        if session.stood_until is not None or session.stopped_at is None or not _may_cost(session):
            return session
        if session.stand_until is not None and session.is_standing and self.clock() < session.stand_until:
            return session
        known = self.transactions.get(session.charger_id, session.ref) if session.ref is not None else None
        if known is None or known.stopped_heard_at is None:
            return session
        now = self.clock()
        charger = self.chargers.get(session.charger_id)
        heard = Heard(
            started_at=known.started_heard_at or known.heard_at or known.stopped_heard_at,
            stopped_at=known.stopped_heard_at,
            tells_changes_only=charger is not None and charger.protocol not in (None, "", OLDEST),
        )
        happened = self.history.between(session.charger_id, min(session.stopped_at, heard.started_at), now)
        plug, left_at = plug_after(session, heard, happened)
        if plug is PlugState.UNKNOWN and now - heard.stopped_at < SAID_WITHIN:
            raise PlugUnknown(session.session_id)
        if plug is not PlugState.OCCUPIED:
            until = stood_until(session, happened, left_at) if left_at is not None else session.stopped_at
            latest = session.stand_until or self._latest(session)
            return self._stood(session, max(session.stopped_at, min(until, latest)))
        latest = session.stand_until or self._latest(session)
        if now < latest:
            self.notifications.tell(session, NotificationKind.IDLE_FEE_BEGINS)
            session = self.changes.apply(session.session_id, Overstaying(latest), known=session)
            # It may have left at this very moment.
            return session if session.is_standing or session.by_hand is not None else self.settled(session)
        return self._stood(session, stood_until(session, happened, latest))

    def waits(self, session: Session) -> bool:
        """Whether a session's bill waits for its car, and has not waited long enough."""
        return session.is_standing and session.stand_until is not None and self.clock() < session.stand_until

    def _stood(self, session: Session, until: datetime) -> Session:
        return self.changes.apply(session.session_id, Overstayed(until), known=session)

    def _latest(self, session: Session) -> datetime:
        """The time after which standing is paid for no more: it was too long, or outgrows what is held and wanted."""
        stopped_at = session.stopped_at or self.clock()
        lapses = [it.capture_before - _IN_TIME for it in session.holds if it.capture_before is not None]
        latest = max(stopped_at, min([stopped_at + LONGEST, *lapses]))
        most_minor = session.held_minor or session.tariff.hold_minor
        if session.limits is not None and session.limits.amount_minor is not None:
            most_minor = min(most_minor, session.limits.amount_minor)
        found = self.courses.whole(session)
        low, high = 0, (latest - stopped_at) // _MINUTE
        if _costs_minor(session, found, latest) <= most_minor:
            return latest
        while low < high:
            middle = (low + high + 1) // 2
            if _costs_minor(session, found, stopped_at + middle * _MINUTE) <= most_minor:
                low = middle
            else:
                high = middle - 1
        return stopped_at + low * _MINUTE


def _may_cost(session: Session) -> bool:
    """Whether its driver pays for standing, and its end is the charger's own word."""
    is_charge = session.origin is not Origin.RESERVATION and session.started_at is not None
    is_certain = not session.is_end_inferred and session.by_hand is None
    return is_charge and is_certain and session.driver_id is not None and session.tariff.charges_for_idling


def _costs_minor(session: Session, found: Measured, until: datetime) -> int:
    return final_bill(replace(session, stood_until=until), found).total_minor
