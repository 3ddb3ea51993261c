"""The session's state machine: one table of transitions.

An event that the table does not know for a state changes nothing. Facts (when energy began and ended, the meter) are
merged once and never overwritten, so duplicates and late messages leave the session as it was. docs/architecture.md
holds the drawing of this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.domain.charging.dispute_events import DISPUTES, DisputeEvent
from chalicelib.domain.charging.dues import DUES, DueEvent, billed
from chalicelib.domain.charging.ends import ENDS, EndEvent, ended, noted
from chalicelib.domain.charging.holds import HOLDS, HoldLost, Released, failed, placed, topped_up
from chalicelib.domain.charging.occupation import Occupation
from chalicelib.domain.charging.refund_events import REFUNDS, RefundEvent
from chalicelib.domain.charging.session import CardAction, Charge, Hold, LateEnd, Payment, Reason, Session, State
from chalicelib.domain.charging.terminal import TERMINAL, SettledAtTerminal
from chalicelib.domain.charging.wishes import WISHES, WishEvent
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.transparency.signed_records import SignedEnergy


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """The payment provider has set money aside; `outgrown_at_wh` is the energy from which on it may not be enough."""

    hold: Hold
    outgrown_at_wh: int | None = None


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """More money is set aside: a hold known by its payment_id was raised, or there is a further one."""

    hold: Hold
    outgrown_at_wh: int | None = None


@dataclass(frozen=True, slots=True)
class FundsLow:
    """What is set aside will soon not be enough."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ActionNeeded:
    """The cardholder must confirm (3-D Secure) before anything is set aside."""

    action: CardAction


@dataclass(frozen=True, slots=True)
class HoldDeclined:
    """The card is not good for the hold."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StartFailed:
    """Energy will not flow, for `reason`."""

    reason: Reason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The charger's transaction `ref` began, at `connector` where that is known."""

    ref: str
    at: datetime
    meter_start_wh: int | None
    flags: frozenset[Flag] = frozenset()
    connector: ConnectorId | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The charger says where the car is plugged in, and it is not where it was asked to start."""

    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The driver, the operator or a rule wants it to end; a rule says why."""

    at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The charger's transaction `ref` ended. What is known now may tell better when it began (`began_at`).

    `is_inferred`: it was told under another's number or none, and must be meant (`ends.py`).
    """

    ref: str
    at: datetime
    meter_stop_wh: int | None
    reason: StopReason
    began_at: datetime | None = None
    flags: frozenset[Flag] = frozenset()
    is_inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyMeasured:
    """All evidence is weighed: the energy that will be billed, and when it ended if the charger never said.

    Registers stand in for those the charger never gave, or that cannot be true; `energy_wh` is None when there is
    nothing to go by. `review_until`: it may have been more, and until then a person may say how much.
    """

    at: datetime
    energy_wh: int | None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    flags: frozenset[Flag] = frozenset()
    review_until: datetime | None = None
    occupation: Occupation | None = None
    signed: SignedEnergy | None = None


@dataclass(frozen=True, slots=True)
class EnergyDecided:
    """Somebody has looked at what evidence could not bound, and says what to bill; `who` empty: time was up."""

    at: datetime
    energy_wh: int
    who: str = ""


@dataclass(frozen=True, slots=True)
class Billed:
    """The price is known and will not change; `flags` say why a person should look, `salt` hides it in the log."""

    bill: Bill
    flags: frozenset[Flag] = frozenset()
    salt: str = ""


@dataclass(frozen=True, slots=True)
class ChargesPlanned:
    """What is to be taken from where is decided; nothing at all: it is paid."""

    takings: tuple[Charge, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Charged:
    """The payment provider confirms money."""

    payment_id: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Flagged:
    """A person should look at it."""

    flag: Flag


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The money could not be taken; what was delivered stays owed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """The session is over: its receipt exists."""

    at: datetime


_OfMoney = HoldPlaced | ToppedUp | FundsLow | ActionNeeded | HoldDeclined | ChargesPlanned | Charged
_OfCharging = StartFailed | Started | Moved | StopRequested | Stopped | EnergyMeasured | EnergyDecided | EndEvent
SessionEvent = (
    _OfMoney
    | (RefundEvent | DisputeEvent)
    | (_OfCharging | WishEvent)
    | HoldLost
    | Released
    | DueEvent
    | Billed
    | PaymentFailed
    | SettledAtTerminal
    | Flagged
    | Completed
)


def _hold(session: Session, event: HoldPlaced) -> Session:
    return placed(session, event.hold, event.outgrown_at_wh)


def _top_up(session: Session, event: ToppedUp) -> Session:
    return topped_up(session, event.hold, event.outgrown_at_wh)


def _note_low_funds(session: Session, event: FundsLow) -> Session:
    return session if session.funds_low_at else replace(session, funds_low_at=event.at)


def _ask_cardholder(session: Session, event: ActionNeeded) -> Session:
    return session if session.card_hold else replace(session, action=event.action)


def _decline(session: Session, event: HoldDeclined) -> Session:
    return replace(session, state=State.STOPPING, reason=Reason.PAYMENT_DECLINED, stop_requested_at=event.at)


def _fail_start(session: Session, event: StartFailed) -> Session:
    return failed(session, event.reason, event.at)


def _cancel(session: Session, event: StopRequested) -> Session:
    return failed(session, Reason.CANCELLED, event.at)


def _start(session: Session, event: Started) -> Session:
    return replace(
        session,
        state=State.ACTIVE,
        ref=event.ref,
        started_at=event.at,
        meter_start_wh=event.meter_start_wh,
        flags=session.flags | event.flags,
        connector=event.connector or session.connector,
    )


def _learn_start(session: Session, event: Started) -> Session:
    """The register of the beginning, told after it (OCPP 2.x: once energy flows)."""
    if session.ref != event.ref or session.meter_start_wh is not None or session.measured_wh is not None:
        return session
    return session if event.meter_start_wh is None else replace(session, meter_start_wh=event.meter_start_wh)


def _move(session: Session, event: Moved) -> Session:
    if session.connector == event.connector or session.stopped_at is not None:
        return session
    return replace(session, connector=event.connector)


def _request_stop(session: Session, event: StopRequested) -> Session:
    return replace(
        session,
        state=State.STOPPING,
        stop_requested_at=session.stop_requested_at or event.at,
        reason=session.reason or event.reason,
    )


def _stop(session: Session, event: Stopped) -> Session:
    return ended(session, _end_of(event), event.began_at, event.flags) if session.ref == event.ref else session


def _note_end(session: Session, event: Stopped) -> Session:
    return noted(session, _end_of(event)) if session.ref == event.ref else session


def _end_of(event: Stopped) -> LateEnd:
    return LateEnd(at=event.at, meter_stop_wh=event.meter_stop_wh, reason=event.reason, is_inferred=event.is_inferred)


def _measure(session: Session, event: EnergyMeasured) -> Session:
    if session.measured_wh is not None or session.bill is not None:
        return session
    return replace(
        session,
        reason=session.reason if session.stopped_at else session.reason or Reason.CHARGER_LOST,
        measured_wh=event.energy_wh,
        flags=session.flags | event.flags,
        is_end_inferred=session.is_end_inferred or session.stopped_at is None,
        stopped_at=session.stopped_at or event.at,
        meter_start_wh=session.meter_start_wh if event.meter_start_wh is None else event.meter_start_wh,
        meter_stop_wh=session.meter_stop_wh if event.meter_stop_wh is None else event.meter_stop_wh,
        review_until=event.review_until,
        occupation=event.occupation,
        signed=event.signed,
    )


def _decide(session: Session, event: EnergyDecided) -> Session:
    if not session.needs_review or session.bill is not None:
        return session
    return replace(session, measured_wh=event.energy_wh, decided_wh=event.energy_wh, decided_by=event.who)


def _bill(session: Session, event: Billed) -> Session:
    known = billed(session, event.bill)
    return session if session.bill else replace(known, flags=session.flags | event.flags, salt=event.salt)


def _plan_charges(session: Session, event: ChargesPlanned) -> Session:
    if session.payment is not None:
        return session
    # What was planned before, and took place, stays; the rest may be planned anew after a crash.
    known = {it.payment_id: it for it in session.takings or () if it.taken_minor is not None}
    fresh = {it.payment_id: it for it in event.takings}
    return _paid_if_all_taken(replace(session, takings=tuple((fresh | known).values())), event.at)


def _take(session: Session, event: Charged) -> Session:
    charges = {it.payment_id: it for it in session.takings or ()}
    planned = charges.get(event.payment_id, Charge(event.payment_id, event.amount_minor))
    if planned.taken_minor is not None:
        return session
    charges[event.payment_id] = replace(planned, taken_minor=event.amount_minor)
    is_planned = session.takings is not None or session.is_over
    session = replace(session, takings=tuple(charges.values()))
    return _paid_if_all_taken(session, event.at) if is_planned else session


def _paid_if_all_taken(session: Session, at: datetime) -> Session:
    charges = session.takings or ()
    taken_minor = sum(it.taken_minor or 0 for it in charges)
    if any(it.taken_minor is None for it in charges) and not session.is_over:
        return session
    return replace(session, payment=Payment(taken_minor, at))


def _fail_payment(session: Session, event: PaymentFailed) -> Session:
    if session.bill is None or session.payment is not None:
        # What nobody has priced yet, or what is paid, has not failed to be paid.
        return session
    unpaid = failed(session, session.reason or Reason.PAYMENT_FAILED, event.at)
    return replace(unpaid, payment=Payment(session.taken_minor, event.at)) if session.taken_minor else unpaid


def _flag(session: Session, event: Flagged) -> Session:
    return session if event.flag in session.flags else replace(session, flags=session.flags | {event.flag})


def _complete(session: Session, event: Completed) -> Session:
    return replace(session, state=State.COMPLETED, ended_at=event.at)


_Change = Callable[..., Session]
_OVER = (State.COMPLETED, State.FAILED)
_BILLED = (State.STOPPING, *_OVER)
# Money that moves after the end is still recorded: a hold so that it can be given back, a payment for its receipt.
_AFTERWARDS: Mapping[type, _Change] = {HoldPlaced: _hold, Stopped: _note_end, Charged: _take}
TRANSITIONS: Mapping[tuple[State, type], _Change] = {
    (State.INITIATED, HoldPlaced): _hold,
    (State.INITIATED, ToppedUp): _top_up,
    (State.INITIATED, StartFailed): _fail_start,
    (State.INITIATED, StopRequested): _cancel,
    (State.INITIATED, Started): _start,
    (State.INITIATED, ActionNeeded): _ask_cardholder,
    (State.ACTIVE, HoldPlaced): _hold,
    (State.ACTIVE, Started): _learn_start,
    (State.ACTIVE, ToppedUp): _top_up,
    (State.ACTIVE, FundsLow): _note_low_funds,
    (State.ACTIVE, HoldDeclined): _decline,
    (State.ACTIVE, StopRequested): _request_stop,
    (State.ACTIVE, Moved): _move,
    (State.ACTIVE, Stopped): _stop,
    (State.STOPPING, HoldPlaced): _hold,
    (State.STOPPING, Started): _learn_start,
    (State.STOPPING, ToppedUp): _top_up,
    (State.STOPPING, Moved): _move,
    (State.STOPPING, Stopped): _stop,
    (State.STOPPING, EnergyMeasured): _measure,
    (State.STOPPING, EnergyDecided): _decide,
    (State.STOPPING, Billed): _bill,
    (State.STOPPING, ChargesPlanned): _plan_charges,
    (State.STOPPING, Charged): _take,
    (State.STOPPING, PaymentFailed): _fail_payment,
    (State.STOPPING, Completed): _complete,
    **{(state, event): change for state in _OVER for event, change in _AFTERWARDS.items()},
    **ENDS,
    **HOLDS,
    **DUES,
    **DISPUTES,
    **TERMINAL,
    **WISHES,
    **{(state, event): change for state in _BILLED for event, change in {**REFUNDS, Flagged: _flag}.items()},
}


def apply(session: Session, event: SessionEvent) -> Session:
    """The session after `event`; the very same object when the event changes nothing."""
    transition = TRANSITIONS.get((session.state, type(event)))
    return transition(session, event) if transition else session
