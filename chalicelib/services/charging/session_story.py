"""The session events that follow from a transaction's facts: whose it is, what it is called, what happened to it.

Any facts, known in any order, tell the same story in the order in which it happened.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ReadingsTaken, StopReason
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Reason, Session
from chalicelib.domain.charging.terminal import SettledAtTerminal
from chalicelib.domain.charging.transitions import (
    SessionEvent,
    Started,
    Stopped,
)
from chalicelib.domain.pricing.evidence import Flag, ReportedTime, span
from chalicelib.records.charging import Transaction
from chalicelib.records.drivers import Terms
from chalicelib.services.charging.transaction_ids import NAMELESS
from chalicelib.services.drivers.authorization import Authorization

# Who asked for a charge that began too late for us still wants it.
_LATE = (Reason.CHARGER_DID_NOT_START, Reason.CHARGER_OFFLINE)
# So long; whoever replays its name later is not asked for by anybody.
_STILL_WANTED = timedelta(days=1)


def for_this(authorization: Authorization, facts: Transaction) -> Authorization:
    """A token's authorization as far as this transaction goes: a session has one, and what is beyond is its own."""
    session = authorization.session
    if session is None or session.ref == facts.ref or (session.ref is None and not session.is_over):
        return authorization
    if session.ref is not None or _is_long_over(session, facts):
        # Its driver asked for one charge and has had it: by its name, which chargers know, nobody makes them pay again.
        return Authorization(standing=AuthorizationStatus.EXPIRED, terms=Terms(session.tariff.tariff_id))
    standing = AuthorizationStatus.ACCEPTED if session.reason in _LATE else AuthorizationStatus.EXPIRED
    return Authorization(
        standing=standing,
        driver_id=session.driver_id,
        terms=Terms(session.tariff.tariff_id),
        asked_at=session.created_at,
    )


def _is_long_over(session: Session, facts: Transaction) -> bool:
    heard_at = facts.started_heard_at or facts.heard_at
    return session.ended_at is not None and heard_at is not None and heard_at - session.ended_at > _STILL_WANTED


def session_name(facts: Transaction, authorization: Authorization) -> str:
    """An app's session has its id already; one begun at the charger is named after its transaction."""
    if authorization.session is not None:
        return authorization.session.session_id
    return session_id_for("transaction", facts.charger_id, facts.ref)


def story(facts: Transaction, not_before: datetime | None = None) -> list[SessionEvent]:
    """What the facts known so far have to say to a session, in the order it happened.

    `not_before`: its driver asked for it then, so that nothing of it was earlier (`Session.not_before`).
    """
    events: list[SessionEvent] = []
    start = _start(facts, not_before)
    stop = ReportedTime(facts.stopped_at, facts.stopped_heard_at, not_before) if facts.stopped_heard_at else None
    if start is not None:
        doubts = frozenset[Flag]() if start.is_believable else frozenset({Flag.CLOCK_WRONG})
        where = facts.connector if facts.connector is not None and facts.connector.is_credible else None
        events.append(
            Started(ref=facts.ref, at=start.best, meter_start_wh=facts.meter_start_wh, flags=doubts, connector=where)
        )
    if stop is not None:
        lasted = span(start or stop, stop)
        reason = facts.stop_reason or StopReason.OTHER
        began_at = lasted.began_at if start is not None and lasted.flags else None
        flags = lasted.flags
        if facts.stopped_as is not None and not facts.stopped_as.startswith(NAMELESS):
            flags |= {Flag.END_INFERRED}
        is_inferred = facts.stopped_as is not None
        events.append(
            Stopped(
                ref=facts.ref,
                at=lasted.ended_at,
                meter_stop_wh=facts.meter_stop_wh,
                reason=reason,
                began_at=began_at,
                flags=flags,
                is_inferred=is_inferred,
            )
        )
    if facts.settlement is not None and start is not None:
        events.append(SettledAtTerminal(facts.settlement))
    return events


def _start(facts: Transaction, not_before: datetime | None) -> ReportedTime | None:
    """When it began, as told; one that we knew before its driver asked for it (2.x, at the plug) is theirs since."""
    heard_at = facts.started_heard_at
    if heard_at is None:
        return None
    if not_before is not None and heard_at < not_before:
        return ReportedTime(not_before, not_before, not_before)
    return ReportedTime(facts.started_at, heard_at, not_before)


def tells_where(known: Transaction, event: ReadingsTaken) -> bool:
    """Whether a message says where the car is, and that is not what is known.

    The EVSE alone, where a plug of it is known already, says nothing new; and a charger that numbers nothing
    (OCPP 1.6) has said it with the start, if at all.
    """
    told, where = event.connector, known.connector
    if told is None or told == where or not told.is_credible or known.stopped_heard_at is not None:
        return False
    if where is None:
        return True
    is_same_evse = told.evse == where.evse and told.plug == 1
    return event.seq_no is not None and not is_same_evse and event.seq_no > (known.connector_seq_no or 0)
