"""A session's holds: how it gets them, until when they can be taken, and how it loses them.

A card's bank lets a hold go after days, and may do so before: what is lost sets nothing aside, and a charge under way
has it renewed or ends. A hold that was lost never comes back, however late its own news arrive. A session that fails
has its holds given back after that is decided, for until then it may begin; and is told to have failed after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.charging.session import Hold, Reason, Session, State
from chalicelib.domain.charging.ways import way_of
from chalicelib.domain.data_classes import dataclass, replace

# Where the provider does not say until when a hold can be taken: Visa's shortest for payments without the cardholder
# (docs.stripe.com/payments/place-a-hold-on-a-payment-method), 4 days and 18 hours.
HOLD_IS_GOOD_FOR = timedelta(days=4, hours=18)
# A charge that ends now may wait a day for its final reading, and half a one more until it is paid.
_RENEWED_BEFORE = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class HoldLost:
    """The provider has let a hold go, or another stands in its place."""

    payment_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """Of a session that failed these holds set nothing aside any more, be it that they were taken or given back."""

    payment_ids: frozenset[str]


def failed(session: Session, reason: Reason, at: datetime) -> Session:
    """A session for which no money will be taken any more; what is set aside is to be given back to whom it is of."""
    return replace(session, state=State.FAILED, reason=reason, ended_at=at, is_releasing=session.driver_id is not None)


def is_confirmed(session: Session) -> bool:
    """Whether what its driver was asked for, by their card's bank or on chain, is there; also if nothing was asked."""
    action = session.action
    return action is None or any(it.way is way_of(action.payment_id) for it in session.holds)


def good_until(session: Session, hold: Hold) -> datetime:
    """When a hold can be taken no longer."""
    return hold.capture_before or session.created_at + HOLD_IS_GOOD_FOR


def expiring(session: Session, at: datetime) -> Hold | None:
    """The first of its holds that may be gone before this session is paid, should it end now."""
    return next((it for it in session.holds if good_until(session, it) - _RENEWED_BEFORE <= at), None)


def placed(session: Session, hold: Hold, outgrown_at_wh: int | None) -> Session:
    """The session with its first hold."""
    known = session.hold
    # The provider's own news of a hold may come before ours, and knows no card label.
    is_better = known is None or (known.payment_id == hold.payment_id and not known.card and hold.card)
    if not is_better or _is_lost(session, hold):
        return session
    return replace(session, hold=hold, outgrown_at_wh=outgrown_at_wh or session.outgrown_at_wh)


def topped_up(session: Session, hold: Hold, outgrown_at_wh: int | None) -> Session:
    """The session with a hold raised, or with a further one."""
    if _is_lost(session, hold) or any(it == hold for it in session.top_ups):
        return session
    first, further = session.hold, session.top_ups
    if first is not None and first.payment_id == hold.payment_id:
        first = replace(first, amount_minor=max(hold.amount_minor, first.amount_minor), card=first.card or hold.card)
    elif any(it.payment_id == hold.payment_id for it in further):
        if not hold.card:
            return session
        further = tuple(hold if it.payment_id == hold.payment_id else it for it in further)
    elif first is None and not further:
        first = hold
    else:
        further = (*further, hold)
    return replace(session, hold=first, top_ups=further, funds_low_at=None, outgrown_at_wh=outgrown_at_wh)


def _is_lost(session: Session, hold: Hold) -> bool:
    return any(it.payment_id == hold.payment_id for it in session.lost_holds)


def _lose(session: Session, event: HoldLost) -> Session:
    """Once it is billed, what is to be taken from where is decided: a hold that is gone is found out by taking it."""
    lost = next((it for it in session.holds if it.payment_id == event.payment_id), None)
    if lost is None or session.bill is not None:
        return session
    kept = tuple(it for it in session.holds if it is not lost)
    is_needed = session.state is not State.STOPPING
    return replace(
        session,
        hold=kept[0] if kept else None,
        top_ups=kept[1:],
        lost_holds=(*session.lost_holds, lost),
        funds_low_at=session.funds_low_at or event.at if is_needed else session.funds_low_at,
    )


def _release(session: Session, event: Released) -> Session:
    """One that was placed meanwhile is to be given back too."""
    is_all = all(it.payment_id in event.payment_ids for it in session.holds)
    return replace(session, is_releasing=False) if session.is_releasing and is_all else session


HOLDS: Mapping[tuple[State, type], Callable[..., Session]] = {
    (State.INITIATED, HoldLost): _lose,
    (State.ACTIVE, HoldLost): _lose,
    (State.STOPPING, HoldLost): _lose,
    (State.FAILED, Released): _release,
}
