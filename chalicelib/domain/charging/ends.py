"""Inferred ends: charges whose end no charger told, and how the charger's own word corrects them.

An end is inferred where the car is seen to have left, another charge has begun in its place, the charger is lost, an
operator ends it by hand, or a message under another's number must be meant. What the charger itself tells under the
charge's own name always counts for more: before the bill it replaces what was inferred, after it the difference is
given back, or shown to a person (`LateEnd`). A charger that knows when a charge is to end says so (`LimitsKept`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import StopReason
from chalicelib.domain.charging.holds import failed
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import ByHand, LateEnd, Reason, Session, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.evidence import Flag

# What was found out about the beginning, and by others, stays when an end is weighed anew.
_LASTING = frozenset({Flag.START_UNKNOWN, Flag.CLOCK_WRONG, Flag.DISPUTED})
# A charger that tells one end twice writes it down twice, seconds apart.
_SAME_END = timedelta(minutes=2)
# So little is not worth giving back.
_NO_CENT_WH = 10


@dataclass(frozen=True, slots=True)
class LimitsKept:
    """The charger says which limits it keeps for this charge: its driver's, given to us or to it; None: none."""

    limits: Limits | None


@dataclass(frozen=True, slots=True)
class SeenFree:
    """The connector was said to be free so soon after the start that the word may be older: to be looked at again.

    None: it is not free after all.
    """

    at: datetime | None


@dataclass(frozen=True, slots=True)
class CarGone:
    """Nobody charges there any more, though no end was told: the car has left, or another charge has begun."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Contested:
    """Another charge is told of its plug and of the same time (`rivals.py`)."""

    rival_id: str


@dataclass(frozen=True, slots=True)
class GoesOn:
    """Readings show that a charge which was thought to be over is not."""


@dataclass(frozen=True, slots=True)
class Unplugged:
    """Its car is not at the plug any more: the connector is free, waits for another car, or charges one."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Overstaying:
    """Its car stands at the plug after the charge, which costs: its bill waits, until `until` at most."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Overstayed:
    """Until when its car stood there, as far as that is paid for."""

    until: datetime


@dataclass(frozen=True, slots=True)
class EndedByHand:
    """An operator ends and settles the charge, whatever its charger says or does not say."""

    by_hand: ByHand


@dataclass(frozen=True, slots=True)
class SignedLate:
    """After the charge was weighed its charger told what its meter signed, and that is other than was weighed."""

    energy_wh: int


@dataclass(frozen=True, slots=True)
class LateEndSettled:
    """What that end, told after the bill, comes to has been given back, or is left for a person.

    Another that was told meanwhile is still to be settled.
    """

    end: LateEnd


EndEvent = (
    LimitsKept
    | SeenFree
    | CarGone
    | Contested
    | GoesOn
    | Unplugged
    | Overstaying
    | Overstayed
    | EndedByHand
    | LateEndSettled
    | SignedLate
)


def ended(session: Session, end: LateEnd, began_at: datetime | None, flags: frozenset[Flag]) -> Session:
    """The session after a word for its end; `flags` say what is wrong with that word, `began_at` if it tells better.

    The charger's own word counts once. What was inferred gives way to it, and a mere guess to any word.
    """
    is_known = session.stopped_at is not None
    is_guess = _is_guess(session)
    if not _is_better(session, end):
        return session
    if session.bill is not None:
        return noted(session, end)
    return replace(
        session,
        state=State.STOPPING,
        reason=None if is_guess and session.reason is Reason.CHARGER_LOST else session.reason,
        stopped_at=end.at,
        meter_stop_wh=end.meter_stop_wh,
        stop_reason=end.reason,
        is_end_inferred=end.is_inferred,
        started_at=began_at or session.started_at,
        measured_wh=None,
        review_until=None,
        decided_wh=None,
        stand_until=None,
        stood_until=None,
        late_end=None,
        flags=(session.flags & _LASTING if is_known else session.flags) | flags,
    )


def _is_guess(session: Session) -> bool:
    return session.is_end_inferred and Flag.END_UNKNOWN in session.flags


def _is_better(session: Session, end: LateEnd) -> bool:
    """Whether a word for its end counts for more than what is known of it."""
    is_open = session.stopped_at is None or _is_guess(session)
    return is_open or (session.is_end_inferred and not end.is_inferred)


def noted(session: Session, end: LateEnd) -> Session:
    """What is billed stays billed; what was told after that is kept beside it, the first and best word of it."""
    if not _is_better(session, end):
        return session
    if session.bill is None or (session.late_end is not None and end.is_inferred):
        return session
    if is_same_end(session.stopped_at, session.meter_stop_wh, end.at, end.meter_stop_wh):
        return replace(session, is_end_inferred=end.is_inferred, stop_reason=session.stop_reason or end.reason)
    return replace(session, is_end_inferred=end.is_inferred, late_end=end, flags=session.flags | {Flag.END_CORRECTED})


def is_same_end(at: datetime | None, register_wh: int | None, other_at: datetime, other_wh: int | None) -> bool:
    """Whether two words for an end are of the same one: the same register, within minutes."""
    if at is None or abs(other_at - at) > _SAME_END:
        return False
    return register_wh == other_wh or other_wh is None


def _see_free(session: Session, event: SeenFree) -> Session:
    if event.at is not None and session.seen_free_at is not None:
        return session
    return replace(session, seen_free_at=event.at) if session.seen_free_at != event.at else session


def _go(session: Session, event: CarGone) -> Session:
    if session.left_at is not None or session.stopped_at is not None:
        return session
    return replace(
        session,
        state=State.STOPPING,
        left_at=event.at,
        seen_free_at=None,
        stop_requested_at=session.stop_requested_at or event.at,
    )


def _contest(session: Session, event: Contested) -> Session:
    if session.rival_id is not None or session.measured_wh is not None:
        return session
    return replace(session, rival_id=event.rival_id)


def _go_on(session: Session, event: GoesOn) -> Session:
    if session.left_at is None or session.stopped_at is not None:
        return session
    was_wished = session.stop_requested_at != session.left_at
    return replace(
        session,
        state=State.STOPPING if was_wished else State.ACTIVE,
        left_at=None,
        unplugged_at=None,
        stop_requested_at=session.stop_requested_at if was_wished else None,
    )


def _unplug(session: Session, event: Unplugged) -> Session:
    """The first word counts: a connector that is free again later has had another car meanwhile."""
    if session.unplugged_at is not None or session.started_at is None or event.at < session.started_at:
        return session
    return replace(session, unplugged_at=event.at)


def _stand(session: Session, event: Overstaying) -> Session:
    if session.stopped_at is None or session.stand_until is not None or session.bill is not None:
        return session
    return replace(session, stand_until=event.until)


def _stood(session: Session, event: Overstayed) -> Session:
    if session.stopped_at is None or session.stood_until is not None or session.bill is not None:
        return session
    return replace(session, stood_until=event.until)


def _end_by_hand(session: Session, event: EndedByHand) -> Session:
    if session.by_hand is not None or session.bill is not None:
        return session
    at = event.by_hand.at
    return replace(
        session,
        state=State.STOPPING,
        by_hand=event.by_hand,
        left_at=session.left_at or at,
        seen_free_at=None,
        stop_requested_at=session.stop_requested_at or at,
    )


def _keep_limits(session: Session, event: LimitsKept) -> Session:
    return session if session.charger_limits == event.limits else replace(session, charger_limits=event.limits)


def _cancel_by_hand(session: Session, event: EndedByHand) -> Session:
    return replace(failed(session, Reason.CANCELLED, event.by_hand.at), by_hand=event.by_hand)


def _sign_late(session: Session, event: SignedLate) -> Session:
    if session.needs_review and session.bill is None:
        # Nobody has decided yet: it is weighed anew, by what was signed.
        return replace(session, measured_wh=None, review_until=None, flags=session.flags & _LASTING)
    if session.stopped_at is None or session.measured_wh is None or session.decided_by:
        return session
    if session.measured_wh - event.energy_wh < _NO_CENT_WH:
        return session
    told = session.late_end or LateEnd(
        at=session.stopped_at,
        meter_stop_wh=session.meter_stop_wh,
        reason=session.stop_reason or StopReason.OTHER,
        is_inferred=session.is_end_inferred,
    )
    if told.signed_wh == event.energy_wh:
        return session
    return replace(session, late_end=replace(told, signed_wh=event.energy_wh, is_settled=False))


def _settle_late_end(session: Session, event: LateEndSettled) -> Session:
    if session.late_end != event.end or event.end.is_settled:
        return session
    return replace(session, late_end=replace(event.end, is_settled=True))


ENDS: Mapping[tuple[State, type], Callable[..., Session]] = {
    (State.INITIATED, EndedByHand): _cancel_by_hand,
    (State.ACTIVE, LimitsKept): _keep_limits,
    (State.ACTIVE, SeenFree): _see_free,
    (State.ACTIVE, CarGone): _go,
    (State.ACTIVE, Contested): _contest,
    (State.ACTIVE, EndedByHand): _end_by_hand,
    (State.STOPPING, CarGone): _go,
    (State.STOPPING, Contested): _contest,
    (State.STOPPING, GoesOn): _go_on,
    (State.STOPPING, Unplugged): _unplug,
    (State.COMPLETED, Unplugged): _unplug,
    (State.FAILED, Unplugged): _unplug,
    (State.STOPPING, Overstaying): _stand,
    (State.STOPPING, Overstayed): _stood,
    (State.STOPPING, EndedByHand): _end_by_hand,
    (State.STOPPING, SignedLate): _sign_late,
    (State.COMPLETED, SignedLate): _sign_late,
    (State.FAILED, SignedLate): _sign_late,
    (State.STOPPING, LateEndSettled): _settle_late_end,
    (State.COMPLETED, LateEndSettled): _settle_late_end,
    (State.FAILED, LateEndSettled): _settle_late_end,
}
