"""The session: what is known of one charge, from request to receipt. How it changes stands in `transitions.py`."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from chalicelib.domain.chargers.events import ConnectorId, StopReason
from chalicelib.domain.charging.disputes import Dispute
from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.charging.limits import Limits, strictest
from chalicelib.domain.charging.occupation import Occupation
from chalicelib.domain.charging.preferences import ChargingPreferences, ToldPlan
from chalicelib.domain.charging.refunds import Refund, left_minor
from chalicelib.domain.charging.ways import WayTraits, way_of
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.bill import Bill
from chalicelib.domain.pricing.evidence import CLOCK_SLACK, Flag
from chalicelib.domain.pricing.rating import Reserved
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.domain.transparency.signed_records import SignedEnergy
from chalicelib.domain.vehicles.telemetry import Observed


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
    CARD_NOT_CONFIRMED = "card_not_confirmed"
    CHARGER_REFUSED = "charger_refused"
    CHARGER_DID_NOT_START = "charger_did_not_start"
    CHARGER_LOST = "charger_lost"
    CONNECTOR_BUSY = "connector_busy"
    CONNECTOR_RESERVED = "connector_reserved"
    FUNDS_EXHAUSTED = "funds_exhausted"
    LIMIT_REACHED = "limit_reached"
    NOT_AUTHORISED = "not_authorised"
    TOO_MANY_CHARGES = "too_many_charges"
    RESERVATION_CANCELLED = "reservation_cancelled"
    RESERVATION_EXPIRED = "reservation_expired"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside on a card (Stripe: a PaymentIntent with manual capture), or in another way (`ways.py`).

    `card` is its brand and last four. After `capture_before` it can no longer be taken; None where the provider did not
    say.
    """

    payment_id: str
    amount_minor: int
    card: str = ""
    capture_before: datetime | None = None

    @property
    def way(self) -> WayTraits:
        """What holds of the way in which it is set aside."""
        return way_of(self.payment_id)


@dataclass(frozen=True, slots=True)
class Charge:
    """Money to be taken at the end under the provider's `payment_id`; `taken_minor` once the provider says it was."""

    payment_id: str
    asked_minor: int
    taken_minor: int | None = None


@dataclass(frozen=True, slots=True)
class CardAction:
    """A confirmation that the card's bank wants from its holder (3-D Secure); their app gives it by this secret."""

    payment_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Payment:
    """What was taken for the session in all; what of it went back is in `Session.refunded_minor` and `refunds`."""

    amount_minor: int
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What the charger's own card terminal took (OCPP 2.1 NotifySettlement): `amount` in major units."""

    psp_ref: str
    amount: Decimal
    at: datetime
    receipt_id: str = ""
    receipt_url: str = ""

    def is_same(self, other: Settlement) -> bool:
        """Whether the same money is told of; when, and under which receipt, may be told better later."""
        return (self.psp_ref, self.amount) == (other.psp_ref, other.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEnd:
    """An end that the charger told after one was inferred: when, at which register, and why.

    `is_inferred`: it came under another's number, or none. `is_settled`: told after the bill, and what that comes to
    has been seen to. `signed_wh` is what its meter signed, where that was told too late and is less than was weighed.
    """

    at: datetime
    meter_stop_wh: int | None
    reason: StopReason
    is_inferred: bool = False
    is_settled: bool = False
    signed_wh: int | None = None


@dataclass(frozen=True, slots=True)
class ByHand:
    """Who ended a session by hand, when, and why, in their own words."""

    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An operator's word that a session shall cost its driver `total_minor` in all and no more; asked for under `key`.

    `waived_minor` is what of the bill it took away unpaid. `is_settled`: what it comes to is booked, and given back.
    """

    key: str
    total_minor: int
    by: str
    at: datetime
    note: str
    waived_minor: int = 0
    is_settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One charge, from request to receipt. `token` is what the charger was shown; `reserved` what came before it.

    `left_at`: since then nobody charges there, though no end was told. `seen_free_at`: since then that may be so.
    `is_end_inferred`: `stopped_at` is not the charger's own word for this charge. `late_end` is its own word where it
    came after the bill. `start_wait_s` is how long its charger waits for the car to be plugged in. `settlement`: what a
    card terminal at the charger took for it; then no card of ours is asked. `unplugged_at`: since then its connector is
    free of its car; nobody but the connector's own status says so. `limits` are those its driver gave us,
    `charger_limits` those its charger keeps. `review_until`: until then a person may say what its energy was;
    `decided_wh` is what was said, `decided_by` empty where time was up. `outgrown_at_wh`: from that energy on it may
    outgrow what is held for it. `asked_at` is when its driver asked for it, where that was before it was written down;
    where nobody asked, until when its plug was surely free. `rival_id` is another charge told of its plug meanwhile.
    `plug_w` is the most that its plug is registered to give, None where nobody said. `is_load_managed`: its site's
    power is shared out, and it claims some of it. `stand_until`: until then its bill waits for its car to leave;
    `stood_until`: until then it stood at the plug after the charge, as far as that is paid for. `lost_holds` set
    nothing aside any more: their provider has let go of them, or others stand in their place. `written_off_minor` is
    what was too little to be asked for. `signed` is what its meter's signed records come to, None where there are none.
    `is_releasing`: it has failed, and what is set aside for it, or is about to be, is yet to be given back. `car` is
    its driver's by name, for them alone, `car_percent` its own word. `salt`: what its hashes in the log are made with,
    drawn with its bill; without it nobody can show what they are of. `preferences` are its driver's wishes, `told_plan`
    what they were told last of that, `footprint` what its energy came to beside its price, `disputes` what they
    dispute. `organisation_id`: that one pays for it, `organisation_minor` at the most (None: no bound). `is_on_chain`:
    its driver deposits for it on chain.
    """

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
    charger_limits: Limits | None = None
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
    review_until: datetime | None = None
    decided_wh: int | None = None
    decided_by: str = ""
    outgrown_at_wh: int | None = None
    occupation: Occupation | None = None
    flags: frozenset[Flag] = frozenset()
    hold: Hold | None = None
    top_ups: tuple[Hold, ...] = ()
    funds_low_at: datetime | None = None
    action: CardAction | None = None
    bill: Bill | None = None
    takings: tuple[Charge, ...] | None = None
    payment: Payment | None = None
    refunded_minor: int = 0
    refunds: tuple[Refund, ...] = ()
    ended_at: datetime | None = None
    left_at: datetime | None = None
    seen_free_at: datetime | None = None
    is_end_inferred: bool = False
    late_end: LateEnd | None = None
    by_hand: ByHand | None = None
    start_wait_s: int = 60
    unplugged_at: datetime | None = None
    lost_holds: tuple[Hold, ...] = ()
    written_off_minor: int = 0
    corrections: tuple[Correction, ...] = ()
    settlement: Settlement | None = None
    plug_w: int | None = None
    asked_at: datetime | None = None
    rival_id: str | None = None
    stand_until: datetime | None = None
    stood_until: datetime | None = None
    is_load_managed: bool = False
    signed: SignedEnergy | None = None
    is_releasing: bool = False
    salt: str = ""
    preferences: ChargingPreferences | None = None
    told_plan: ToldPlan | None = None
    footprint: Footprint | None = None
    disputes: tuple[Dispute, ...] = ()
    organisation_id: str | None = None
    organisation_minor: int | None = None
    car: str = ""
    car_percent: Observed[int] | None = None
    is_on_chain: bool = False

    @property
    def told_state(self) -> State:
        """The state that people are told: it has failed once what was set aside for it is on its way back."""
        return State.STOPPING if self.is_releasing else self.state

    @property
    def not_before(self) -> datetime | None:
        """Before that its charge cannot have begun, whatever its charger says; None where nothing says so."""
        asked_at = self.asked_at or (self.created_at if self.origin is Origin.APP else None)
        return asked_at - CLOCK_SLACK if asked_at is not None else None

    @property
    def start_before(self) -> datetime | None:
        """Until then at least its charger waits for the car; None once it has begun, or while a bank asks first."""
        is_awaited = self.state is State.INITIATED and (self.action is None or self.hold is not None)
        return self.created_at + timedelta(seconds=self.start_wait_s) if is_awaited else None

    @property
    def is_standing(self) -> bool:
        """Whether its charge has ended, and its bill waits for its car to leave the plug."""
        is_waited_for = self.stand_until is not None and self.stood_until is None and self.bill is None
        return is_waited_for and self.unplugged_at is None and self.by_hand is None and not self.is_over

    @property
    def takes_power(self) -> bool:
        """Whether its charge has begun and is not over, as far as anybody has told or thinks."""
        has_begun = self.started_at is not None and self.state in (State.ACTIVE, State.STOPPING)
        return has_begun and self.stopped_at is None and self.left_at is None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (State.COMPLETED, State.FAILED)

    @property
    def is_at_rest(self) -> bool:
        """Whether it is over, and so is what was set aside for it."""
        return self.is_over and not self.is_releasing

    @property
    def needs_workflow(self) -> bool:
        """Whether there is anything for its workflow to do: not while it goes on and nobody is there to pay for it.

        Whoever has a charger's password can begin such sessions, and each workflow costs.
        """
        return self.driver_id is not None or self.state is not State.ACTIVE

    @property
    def limits_in_force(self) -> Limits | None:
        """What ends it: its driver's limits, be they given to us or at the charger, the lower of each kind."""
        return strictest(self.limits, self.charger_limits)

    @property
    def limits_to_hand_on(self) -> Limits | None:
        """The limits its charger should keep, where it has not said that it keeps as much; None: nothing to say."""
        return None if self.limits is None or self.charger_limits == self.limits_in_force else self.limits_in_force

    @property
    def needs_review(self) -> bool:
        """Whether it waits for a person to say what its energy was."""
        return self.review_until is not None and self.decided_wh is None and not self.is_over

    @property
    def holds(self) -> tuple[Hold, ...]:
        """All that was set aside, in the order in which it is taken."""
        return (self.hold, *self.top_ups) if self.hold else self.top_ups

    @property
    def card_hold(self) -> Hold | None:
        """The first of them that is on a card."""
        return next((it for it in self.holds if it.way.is_providers), None)

    @property
    def escrow(self) -> Hold | None:
        """What is set aside of its driver's wallet or deposit, or of their organisation's budget: on no card."""
        return next((it for it in self.holds if not it.way.is_providers), None)

    @property
    def held_minor(self) -> int:
        """The sum of all holds."""
        return sum(hold.amount_minor for hold in self.holds)

    @property
    def taken_minor(self) -> int:
        """What the provider has confirmed so far, be it all or not."""
        return sum(it.taken_minor or 0 for it in self.takings or ())

    @property
    def is_taking_planned(self) -> bool:
        """Whether it is decided what to take from where; money may be told of that was taken just before."""
        return self.payment is not None or any(it.taken_minor is None for it in self.takings or ())

    @property
    def waived_minor(self) -> int:
        """What of its bill its operator has let go of."""
        return sum(it.waived_minor for it in self.corrections)

    @property
    def payable_minor(self) -> int:
        """What is asked of its driver in all: what is billed, less what is waived and what is too little to ask for."""
        return max(0, self.bill.total_minor - self.waived_minor - self.written_off_minor) if self.bill else 0

    @property
    def due_minor(self) -> int:
        """What is asked and not paid."""
        return max(0, self.payable_minor - (self.payment.amount_minor if self.payment else self.taken_minor))

    @property
    def has_receipt(self) -> bool:
        """Whether its receipt may be issued: it is over and billed, and was paid, or nothing of it is asked for."""
        return self.is_over and self.bill is not None and (self.payment is not None or not self.due_minor)

    @property
    def left_to_refund_minor(self) -> int:
        """What of its payment has not gone back, nor is asked for already."""
        return left_minor(self.refunds, self.payment.amount_minor, self.refunded_minor) if self.payment else 0

    @property
    def energy_wh(self) -> int | None:
        """Energy as measured; before that by the charger's two final readings, None until both are known."""
        if self.measured_wh is not None:
            return self.measured_wh
        if self.meter_start_wh is None or self.meter_stop_wh is None:
            return None
        return max(0, self.meter_stop_wh - self.meter_start_wh)

    @property
    def plugged_in_after_s(self) -> int | None:
        """How long its car stood at the plug after the charge; None while it does, or where nobody can say."""
        if self.stopped_at is None or self.unplugged_at is None:
            return None
        return max(0, int((self.unplugged_at - self.stopped_at).total_seconds()))

    @property
    def remote_start_id(self) -> int:
        """A positive 31-bit number that stands for this session where a charger echoes integers only."""
        return int.from_bytes(hashlib.sha256(self.session_id.encode()).digest()[:4]) >> 1 or 1
