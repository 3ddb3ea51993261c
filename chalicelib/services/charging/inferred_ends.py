"""Infers ends that no charger told: a connector seen free, another charge in its place, a charger that stays away.

Whatever is found out this way gives way to the charger's own word, should it still come (`domain/charging/ends.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, Reading
from chalicelib.domain.charging.beginnings import was_taken_anew
from chalicelib.domain.charging.ends import CarGone, GoesOn, SeenFree, Unplugged
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.charging.transitions import apply
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.evidence import believable
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Connectors, History
from chalicelib.ports.charging import Readings, Sessions, Transactions
from chalicelib.records.charging import Transaction
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.drivers.watches import Watches

# Messages overtake each other by seconds: a connector that is free so soon after a start was so before it.
_SURELY_LATER = timedelta(seconds=60)
# What a charger has queued it tells within minutes of being back.
_LAST_WORDS = timedelta(minutes=10)
# A charger that was away so long has told its backend nothing; whatever it knows it may still tell later.
LOST_AFTER = timedelta(hours=24)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class InferredEnds:
    """Ends charges that are over though their charger does not say so."""

    chargers: Chargers
    connectors: Connectors
    sessions: Sessions
    transactions: Transactions
    readings: Readings
    history: History
    changes: SessionChanges
    watches: Watches
    clock: Clock
    lost_after: timedelta = LOST_AFTER

    def status_told(
        self, charger_id: str, connector: ConnectorId, session_id: str, status: ConnectorStatus, at: datetime
    ) -> bool:
        """A connector that a session has is free, or waits for a car: that session's end was lost, or is on its way.

        Right after its beginning the word may be older than that; then it is looked at again by the sweep. Returns
        whether that session has begun; what was told at `at` is then of its car.
        """
        session = self.sessions.get(session_id)
        if session is None or session.started_at is None:
            return False
        now = self.clock()
        is_free = status is ConnectorStatus.AVAILABLE
        is_later = now - session.started_at >= _SURELY_LATER
        if session.stopped_at is not None:
            if is_free and is_later:
                self._unplugged(session, at)
                self.connectors.free(charger_id, connector, session_id)
        elif (is_free and is_later) or self._has_rebooted(session):
            self.gone(session, at)
            # The next driver must not wait for the last one's bill.
            self.connectors.free(charger_id, connector, session_id)
        elif is_free:
            self.changes.apply(session_id, SeenFree(now), known=session)
        return True

    def car_left(self, session_id: str, at: datetime) -> None:
        """The connector that a session had is free since `at`, or another's; told again, it changes nothing."""
        session = self.sessions.get(session_id)
        if session is not None and session.stopped_at is not None:
            self._unplugged(session, at)

    def _unplugged(self, session: Session, at: datetime) -> None:
        event = Unplugged(at)
        if apply(session, event) is not session:
            self.changes.apply(session.session_id, event, known=session)

    def gone(self, session: Session, unplugged_at: datetime | None = None) -> Session:
        """Nobody charges in this session any more, as far as can be seen; `unplugged_at`: its car was seen to leave."""
        now = self.clock()
        if session.ref is not None:
            self.transactions.leave(session.charger_id, session.ref, now)
        _log.info("a charge is over untold", extra={"session_id": session.session_id})
        left = (Unplugged(unplugged_at),) if unplugged_at is not None else ()
        return self.changes.apply(session.session_id, CarGone(now), *left, known=session)

    def read(self, known: Transaction, readings: Sequence[Reading]) -> None:
        """Readings taken since a charge was thought to be over show that it goes on."""
        now = self.clock()
        left_at = known.left_at
        if left_at is None or known.session_id is None or known.stopped_heard_at is not None:
            return
        if not any(it.at > left_at and believable(it.at, now) for it in readings):
            return
        if self._is_anothers_car(known, left_at, now):
            _log.warning("another car charges under its number", extra={"session_id": known.session_id})
            return
        session = self.changes.apply(known.session_id, GoesOn())
        self.transactions.leave(known.charger_id, known.ref, None)
        if session.stopped_at is None:
            self.connectors.claim(session.charger_id, session.connector, session.session_id)

    def _is_anothers_car(self, known: Transaction, left_at: datetime, now: datetime) -> bool:
        """Whether its plug was free and then taken anew, by a charger that has not started anew. Two reads, or three.

        One that has tells how its connectors are, first as free and then as they are.
        """
        session = self.sessions.get(known.session_id or "")
        if session is None or session.unplugged_at is None or self._has_rebooted(session):
            return False
        since = self.history.within(known.charger_id, left_at - _SURELY_LATER, now)
        return was_taken_anew(since, session.connector)

    def look_again(self, session: Session) -> Session:
        """A session that charges, seen by the sweep: its connector may be free, its charger away for good."""
        if session.seen_free_at is not None:
            return self._look_at_connector(session)
        if self.is_lost(session):
            _log.warning("its charger never came back", extra={"session_id": session.session_id})
            return self.gone(session)
        self.sessions.look_later(session.session_id)
        return session

    def is_over(self, session: Session) -> bool:
        """Whether a session that somebody wants to end, or that has left, has had time enough to be told of."""
        if session.stopped_at is not None:
            return False
        now = self.clock()
        if session.by_hand is not None:
            return True
        if session.left_at is not None and now - session.left_at >= _LAST_WORDS:
            return True
        asked_at = session.stop_requested_at
        if asked_at is not None and now - asked_at >= _LAST_WORDS and self._is_free_since(session):
            return True
        return self.is_lost(session)

    def is_lost(self, session: Session) -> bool:
        """Whether the charger has been away for so long that it is not waited for any longer."""
        charger = self.chargers.get(session.charger_id)
        if charger is None:
            return True
        if charger.connection_id is not None:
            return False
        last_seen_at = charger.disconnected_at or session.started_at or session.created_at
        return self.clock() - last_seen_at >= self.lost_after

    def _look_at_connector(self, session: Session) -> Session:
        seen_at = session.seen_free_at or self.clock()
        newest = self.readings.newest(session.charger_id, session.ref) if session.ref else ()
        goes_on = any(it.reading.at > seen_at and believable(it.reading.at, self.clock()) for it in newest)
        if goes_on or not self._is_free_since(session):
            return self.changes.apply(session.session_id, SeenFree(None), known=session)
        session = self.gone(session)
        self.watches.free(session.charger_id, session.connector, session.session_id)
        return session

    def _is_free_since(self, session: Session) -> bool:
        """Whether the connector was told to be free since the charge began, and has been so from then on."""
        return any(
            it.connector == session.connector
            and it.status is ConnectorStatus.AVAILABLE
            and it.status_at is not None
            and it.status_at > (session.started_at or session.created_at)
            for it in self.connectors.of_charger(session.charger_id)
        )

    def _has_rebooted(self, session: Session) -> bool:
        """Whether the charger has started anew since it told of the charge."""
        if session.state not in (State.ACTIVE, State.STOPPING) or session.ref is None:
            return False
        charger = self.chargers.get(session.charger_id)
        known = self.transactions.get(session.charger_id, session.ref)
        heard_at = (known.started_heard_at or known.heard_at) if known is not None else None
        return (
            charger is not None
            and charger.booted_at is not None
            and heard_at is not None
            and charger.booted_at > heard_at
        )
