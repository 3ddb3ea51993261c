"""A session moves through one table of transitions; an event the table does not know for a state changes nothing.

    INITIATED --Started--> ACTIVE --StopRequested|Stopped|HoldDeclined--> STOPPING --Completed--> COMPLETED
        |                                                                    |
        +-- StartFailed | StopRequested --> FAILED <---- PaymentFailed ------+

Facts (when energy began and ended, the meter) are merged once and never overwritten, so duplicates and late
messages leave the session as it was.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.bill import Bill
from chalicelib.domain.events import ConnectorId, StopReason
from chalicelib.domain.evidence import Flag
from chalicelib.domain.limits import Limits
from chalicelib.domain.pricing import Reserved
from chalicelib.domain.tariff import Tariff

APP_SESSION_PREFIX = "K"


class State(StrEnum):
    """Where a session is in its life."""

    INITIATED = "initiated"
    ACTIVE = "active"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"


class Origin(StrEnum):
    """Who began the session."""

    APP = "app"
    CARD = "card"
    CHARGER = "charger"
    RESERVATION = "reservation"


class Reason(StrEnum):
    """Why a session ended as it did, in words a driver can be shown."""

    CANCELLED = "cancelled"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_FAILED = "payment_failed"
    CHARGER_OFFLINE = "charger_offline"
    CHARGER_REFUSED = "charger_refused"
    CHARGER_DID_NOT_START = "charger_did_not_start"
    CHARGER_LOST = "charger_lost"
    CONNECTOR_BUSY = "connector_busy"
    CONNECTOR_RESERVED = "connector_reserved"
    LIMIT_REACHED = "limit_reached"
    NOT_AUTHORISED = "not_authorised"
    RESERVATION_CANCELLED = "reservation_cancelled"
    RESERVATION_EXPIRED = "reservation_expired"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside on a card, known to the payment provider as `payment_id`; `card` is its brand and last four."""

    payment_id: str
    amount_minor: int
    card: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """What was taken in the end."""

    amount_minor: int
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One charge, from request to receipt. `token` is what the charger was shown; `reserved` what came before it."""

    session_id: str
    operator_id: str
    site_id: str
    charger_id: str
    connector: ConnectorId
    origin: Origin
    token: str
    driver_id: str | None
    tariff: Tariff
    created_at: datetime
    time_zone: str = "UTC"
    limits: Limits | None = None
    reserved: Reserved | None = None
    state: State = State.INITIATED
    reason: Reason | None = None
    ref: str | None = None
    started_at: datetime | None = None
    meter_start_wh: int | None = None
    stop_requested_at: datetime | None = None
    stopped_at: datetime | None = None
    meter_stop_wh: int | None = None
    stop_reason: StopReason | None = None
    measured_wh: int | None = None
    flags: frozenset[Flag] = frozenset()
    hold: Hold | None = None
    bill: Bill | None = None
    payment: Payment | None = None
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (State.COMPLETED, State.FAILED)

    @property
    def energy_wh(self) -> int | None:
        """Energy as measured; before that by the charger's two final readings, None until both are known."""
        if self.measured_wh is not None:
            return self.measured_wh
        if self.meter_start_wh is None or self.meter_stop_wh is None:
            return None
        return max(0, self.meter_stop_wh - self.meter_start_wh)

    @property
    def remote_start_id(self) -> int:
        """A positive 31-bit number that stands for this session where a charger echoes integers only."""
        return int.from_bytes(hashlib.sha256(self.session_id.encode()).digest()[:4]) >> 1 or 1


def session_id_for(*facts: str) -> str:
    """A session id that the same facts always give: 20 characters, so that it is itself a valid OCPP 1.6 idTag."""
    digest = hashlib.sha256("\x1f".join(facts).encode()).digest()
    return APP_SESSION_PREFIX + base64.b32encode(digest).decode()[:19]


def looks_like_app_token(token: str) -> bool:
    """Whether `token` has the form of a session id, which is what an app session shows the charger."""
    return len(token) == 20 and token.upper().startswith(APP_SESSION_PREFIX)


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """The payment provider has set money aside."""

    hold: Hold


@dataclass(frozen=True, slots=True)
class HoldDeclined:
    """The card is not good for the hold."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StartFailed:
    """Energy will not flow, for `reason`."""

    reason: Reason
    at: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """The charger's transaction `ref` began."""

    ref: str
    at: datetime
    meter_start_wh: int | None
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The driver, the operator or a rule wants it to end; a rule says why."""

    at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The charger's transaction `ref` ended. What is known now may tell better when it began (`began_at`)."""

    ref: str
    at: datetime
    meter_stop_wh: int | None
    reason: StopReason
    began_at: datetime | None = None
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class EnergyMeasured:
    """All evidence is weighed: the energy that will be billed, and when it ended if the charger never said.

    Registers stand in for those the charger never gave; `energy_wh` is None when there is nothing to go by.
    """

    at: datetime
    energy_wh: int | None
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class Billed:
    """The price is known and will not change."""

    bill: Bill


@dataclass(frozen=True, slots=True)
class Paid:
    """The payment provider confirms the money."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The money could not be taken; what was delivered stays owed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """The receipt exists."""

    at: datetime


SessionEvent = (
    HoldPlaced
    | HoldDeclined
    | StartFailed
    | Started
    | StopRequested
    | Stopped
    | EnergyMeasured
    | Billed
    | Paid
    | PaymentFailed
    | Completed
)


def _hold(session: Session, event: HoldPlaced) -> Session:
    known = session.hold
    # The provider's own news of a hold may come before ours, and knows no card label.
    if known is None or (known.payment_id == event.hold.payment_id and not known.card and event.hold.card):
        return replace(session, hold=event.hold)
    return session


def _decline(session: Session, event: HoldDeclined) -> Session:
    return replace(session, state=State.STOPPING, reason=Reason.PAYMENT_DECLINED, stop_requested_at=event.at)


def _fail_start(session: Session, event: StartFailed) -> Session:
    return replace(session, state=State.FAILED, reason=event.reason, ended_at=event.at)


def _cancel(session: Session, event: StopRequested) -> Session:
    return replace(session, state=State.FAILED, reason=Reason.CANCELLED, ended_at=event.at)


def _start(session: Session, event: Started) -> Session:
    return replace(
        session,
        state=State.ACTIVE,
        ref=event.ref,
        started_at=event.at,
        meter_start_wh=event.meter_start_wh,
        flags=session.flags | event.flags,
    )


def _request_stop(session: Session, event: StopRequested) -> Session:
    return replace(
        session,
        state=State.STOPPING,
        stop_requested_at=session.stop_requested_at or event.at,
        reason=session.reason or event.reason,
    )


def _stop(session: Session, event: Stopped) -> Session:
    if session.stopped_at or session.ref != event.ref:
        return session
    return replace(
        session,
        state=State.STOPPING,
        stopped_at=event.at,
        meter_stop_wh=event.meter_stop_wh,
        stop_reason=event.reason,
        started_at=event.began_at or session.started_at,
        flags=session.flags | event.flags,
    )


def _measure(session: Session, event: EnergyMeasured) -> Session:
    if session.measured_wh is not None or session.bill is not None:
        return session
    return replace(
        session,
        reason=session.reason if session.stopped_at else session.reason or Reason.CHARGER_LOST,
        measured_wh=event.energy_wh,
        flags=session.flags | event.flags,
        stopped_at=session.stopped_at or event.at,
        meter_start_wh=event.meter_start_wh if session.meter_start_wh is None else session.meter_start_wh,
        meter_stop_wh=event.meter_stop_wh if session.meter_stop_wh is None else session.meter_stop_wh,
    )


def _bill(session: Session, event: Billed) -> Session:
    return session if session.bill else replace(session, bill=event.bill)


def _pay(session: Session, event: Paid) -> Session:
    return session if session.payment else replace(session, payment=event.payment)


def _fail_payment(session: Session, event: PaymentFailed) -> Session:
    if session.bill is None or session.payment is not None:
        # What nobody has priced yet, or what is paid, has not failed to be paid.
        return session
    return replace(session, state=State.FAILED, reason=session.reason or Reason.PAYMENT_FAILED, ended_at=event.at)


def _complete(session: Session, event: Completed) -> Session:
    return replace(session, state=State.COMPLETED, ended_at=event.at)


# Money that moves after the end is still recorded: a hold so that it can be given back, a payment for its receipt.
TRANSITIONS: Mapping[tuple[State, type], Callable[..., Session]] = {
    (State.INITIATED, HoldPlaced): _hold,
    (State.INITIATED, StartFailed): _fail_start,
    (State.INITIATED, StopRequested): _cancel,
    (State.INITIATED, Started): _start,
    (State.ACTIVE, HoldPlaced): _hold,
    (State.ACTIVE, HoldDeclined): _decline,
    (State.ACTIVE, StopRequested): _request_stop,
    (State.ACTIVE, Stopped): _stop,
    (State.STOPPING, HoldPlaced): _hold,
    (State.STOPPING, Stopped): _stop,
    (State.STOPPING, EnergyMeasured): _measure,
    (State.STOPPING, Billed): _bill,
    (State.STOPPING, Paid): _pay,
    (State.STOPPING, PaymentFailed): _fail_payment,
    (State.STOPPING, Completed): _complete,
    (State.COMPLETED, HoldPlaced): _hold,
    (State.FAILED, HoldPlaced): _hold,
    (State.FAILED, Paid): _pay,
}


def apply(session: Session, event: SessionEvent) -> Session:
    """The session after `event`; the very same object when the event changes nothing."""
    transition = TRANSITIONS.get((session.state, type(event)))
    return transition(session, event) if transition else session


class Step(StrEnum):
    """What the workflow waits for."""

    START = "start"
    END = "end"
    STOP = "stop"
    PAYMENT = "payment"


def is_met(step: Step, session: Session) -> bool:
    """Whether what the workflow waits for at `step` has come about, or can no longer."""
    if session.is_over:
        return True
    match step:
        case Step.START:
            return session.state is not State.INITIATED
        case Step.END:
            return session.state is State.STOPPING
        case Step.STOP:
            return session.stopped_at is not None
        case Step.PAYMENT:
            return session.payment is not None
