"""What happens to a session's disputes: opened and withdrawn by its driver, answered by its operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from chalicelib.domain.charging.disputes import MOST_DISPUTES, Dispute, DisputeReason, DisputeStatus
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.evidence import Flag


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """Its driver says that something of it is wrong."""

    reason: DisputeReason
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAnswered:
    """Its operator says what comes of the dispute of that number."""

    number: int
    status: DisputeStatus
    answer: str
    at: datetime
    settled_by: str = ""


@dataclass(frozen=True, slots=True)
class DisputeWithdrawn:
    """Its driver lets it go."""

    at: datetime


DisputeEvent = DisputeOpened | DisputeAnswered | DisputeWithdrawn


def open_dispute(session: Session) -> Dispute | None:
    """The one that waits for an answer; there is one at the most."""
    return next((it for it in session.disputes if it.is_open), None)


def disputes_told(before: Session, after: Session) -> Iterator[Dispute]:
    """The disputes that a change of the session has opened, or its operator has answered, in order."""
    known = {it.number: it.status for it in before.disputes}
    for it in after.disputes:
        if known.get(it.number) is not it.status and (it.is_open or it.is_answered):
            yield it


def _open(session: Session, event: DisputeOpened) -> Session:
    if session.bill is None or open_dispute(session) or len(session.disputes) >= MOST_DISPUTES:
        return session
    opened = Dispute(number=len(session.disputes) + 1, reason=event.reason, text=event.text, opened_at=event.at)
    return replace(session, disputes=(*session.disputes, opened), flags=session.flags | {Flag.DISPUTED})


def _answer(session: Session, event: DisputeAnswered) -> Session:
    known = open_dispute(session)
    if known is None or known.number != event.number:
        return session
    answered = replace(known, status=event.status, answer=event.answer, closed_at=event.at, settled_by=event.settled_by)
    return _with(session, answered)


def _withdraw(session: Session, event: DisputeWithdrawn) -> Session:
    known = open_dispute(session)
    if known is None:
        return session
    return _with(session, replace(known, status=DisputeStatus.WITHDRAWN, closed_at=event.at))


def _with(session: Session, dispute: Dispute) -> Session:
    changed = (dispute if it.number == dispute.number else it for it in session.disputes)
    return replace(session, disputes=tuple(changed))


_CHANGES: Mapping[type, Callable[..., Session]] = {
    DisputeOpened: _open,
    DisputeAnswered: _answer,
    DisputeWithdrawn: _withdraw,
}
DISPUTES: Mapping[tuple[State, type], Callable[..., Session]] = {
    (state, event): change for state in (State.COMPLETED, State.FAILED) for event, change in _CHANGES.items()
}
