"""What chargers tell us: frozen events in one vocabulary, whichever OCPP version carried them.

Nothing here decides anything; `at` is the charger's own word for when a thing happened.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from chalicelib.domain.chargers.contracts import ContractRequested, ContractShown, RevocationsAsked
from chalicelib.domain.data_classes import dataclass

_MOST_EVSES, _MOST_PLUGS = 64, 8


@dataclass(frozen=True, slots=True, order=True)
class ConnectorId:
    """Where a car plugs in: OCPP 1.6's connector id, or 2.x's EVSE id and the connector on it.

    Written `"2"` (EVSE 2, its first connector) or `"2.3"` (EVSE 2, connector 3), so that a 1.6 charger's
    connector numbers read as its sticker does.
    """

    evse: int
    plug: int = 1

    @property
    def is_credible(self) -> bool:
        """Whether a charger can have so many; firmwares have reported connector 1,634,030,126."""
        return self.evse <= _MOST_EVSES and self.plug <= _MOST_PLUGS

    def __str__(self) -> str:
        return str(self.evse) if self.plug == 1 else f"{self.evse}.{self.plug}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"2"` or `"2.3"`; ValueError for anything that is not one or two positive integers."""
        evse, _, plug = text.partition(".")
        connector = cls(int(evse), int(plug) if plug else 1)
        if connector.evse < 1 or connector.plug < 1:
            raise ValueError(f"connector {text!r} must be made of positive numbers")
        return connector


class ConnectorStatus(StrEnum):
    """What a connector is doing, as far as its charger says."""

    AVAILABLE = "available"
    PREPARING = "preparing"
    CHARGING = "charging"
    SUSPENDED_BY_CAR = "suspended_by_car"
    SUSPENDED_BY_CHARGER = "suspended_by_charger"
    FINISHING = "finishing"
    OCCUPIED = "occupied"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"
    UNKNOWN = "unknown"

    @property
    def may_start(self) -> bool:
        """Whether a car has just come and its driver may be about to start: nothing that can wait is asked then."""
        return self in (ConnectorStatus.PREPARING, ConnectorStatus.OCCUPIED)


class StopReason(StrEnum):
    """Why a charger ended a session."""

    REMOTE = "remote"
    LOCAL = "local"
    CAR_LEFT = "car_left"
    CAR_FULL = "car_full"
    LIMIT_REACHED = "limit_reached"
    NOT_AUTHORISED = "not_authorised"
    FAULT = "fault"
    REBOOT = "reboot"
    POWER_LOSS = "power_loss"
    OTHER = "other"


Currents = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at a meter. `energy_wh` is the meter's register, which never starts at zero on purpose.

    `current_ma` is the sum of what flows in all phases (on DC: in the only one), `phase_currents_ma` what flows in
    L1, L2 and L3, where told. `is_export`: the register is what the meter calls export, and no import was told.
    """

    at: datetime
    energy_wh: int | None = None
    power_w: int | None = None
    soc_percent: int | None = None
    current_ma: int | None = None
    phase_currents_ma: Currents | None = None
    is_export: bool = False


@dataclass(frozen=True, slots=True)
class SignedValue:
    """What a meter signed, as it came: `sample` is the whole sampled value as JSON, `context` the charger's word."""

    at: datetime
    context: str
    sample: str


@dataclass(frozen=True, slots=True)
class Booted:
    """A charger has started, or presents itself again."""

    vendor: str
    model: str
    serial: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatReceived:
    """A charger asks for the time and shows that it lives."""


@dataclass(frozen=True, slots=True)
class StatusReported:
    """A connector changed; `connector` None means the charger as a whole. `error` is empty when all is well."""

    connector: ConnectorId | None
    status: ConnectorStatus
    at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class TokenPresented:
    """Somebody asks whether `token` (an RFID token, a contract's or an app session) may charge; with a `contract`?"""

    token: str
    contract: ContractShown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingStarted:
    """Energy may flow.

    `ref` is the charger's own name for the transaction (OCPP 2.x); None where the backend must give it one
    (1.6 StartTransaction). `remote_start_id` echoes our command where the version can. `at` is None when the
    charger's word for it cannot be read; `said_at` is that word as it came, by which a repetition is known.
    `is_offline`: it happened while the charger could not tell us, so it says nothing of the present.
    """

    connector: ConnectorId | None
    at: datetime | None
    token: str | None = None
    meter_start_wh: int | None = None
    ref: str | None = None
    remote_start_id: int | None = None
    said_at: str = ""
    seq_no: int | None = None
    status: ConnectorStatus | None = None
    signed: tuple[SignedValue, ...] = ()
    is_offline: bool = False
    limits: TransactionLimits | None = None


@dataclass(frozen=True, slots=True)
class TransactionLimits:
    """What ends a transaction, as a charger keeps it: `cost` in whole units of its currency, tax included."""

    cost: Decimal | None = None
    energy_wh: int | None = None
    duration_s: int | None = None
    soc_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsTaken:
    """Meter readings while charging; `ref` None when the charger did not say of which transaction.

    `is_nameless`: it says that there is a transaction, and does not know its name.
    `begun` repeats the register of the transaction's beginning; it is none of the `readings`, which tell the present.
    `token` and `remote_start_id` are set when authorisation arrives after the transaction began (2.x). `seq_no`
    numbers a transaction's messages from 0 on where the version has it. `status` is what the connector does now,
    where the message says so and it has just changed. `is_offline`: as for ChargingStarted. `limits` are those that
    the charger now keeps, where it says so (2.1).
    """

    ref: str | None
    connector: ConnectorId | None
    readings: tuple[Reading, ...]
    at: datetime | None = None
    token: str | None = None
    remote_start_id: int | None = None
    seq_no: int | None = None
    status: ConnectorStatus | None = None
    is_nameless: bool = False
    begun: Reading | None = None
    signed: tuple[SignedValue, ...] = ()
    is_offline: bool = False
    limits: TransactionLimits | None = None


@dataclass(frozen=True, slots=True)
class MainMeterRead:
    """A station read its own meter, which counts for all its connectors and belongs to no transaction."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingStopped:
    """The charger has ended a transaction; `meter_stop_wh` is the register at that moment.

    `ref` is None when the charger does not know what the transaction is called. `stop_word` is its own word for the
    reason, empty where it gave none.
    `meter_start_wh` is the register at its beginning, where the message repeats it. `at` is None when the charger's
    word for it cannot be read; `said_at` is that word as it came.
    """

    ref: str | None
    at: datetime | None
    meter_stop_wh: int | None = None
    reason: StopReason = StopReason.OTHER
    token: str | None = None
    connector: ConnectorId | None = None
    readings: tuple[Reading, ...] = ()
    meter_start_wh: int | None = None
    said_at: str = ""
    seq_no: int | None = None
    signed: tuple[SignedValue, ...] = ()
    stop_word: str = ""


class Topic(StrEnum):
    """What a charger's news is about."""

    FIRMWARE = "firmware"
    LOG = "log"
    SECURITY = "security"
    DEVICE = "device"
    LIMIT = "limit"
    CHARGING_NEEDS = "charging_needs"
    CHARGING_SCHEDULE = "charging_schedule"
    RESERVATION = "reservation"
    PRIORITY = "priority"
    BATTERY_SWAP = "battery_swap"
    SETTLEMENT = "settlement"
    WEB_PAYMENT = "web_payment"
    GRID = "grid"
    EVENT_STREAM = "event_stream"
    VENDOR = "vendor"


class ReportKind(StrEnum):
    """What a charger reports in parts, when it was asked to."""

    DEVICE_MODEL = "device_model"
    MONITORING = "monitoring"
    PROFILES = "profiles"
    DISPLAY_MESSAGES = "display_messages"
    CUSTOMER = "customer"
    GRID_CONTROLS = "grid_controls"


class Need(StrEnum):
    """What a charger asks for that somebody else has to provide."""

    CHARGER_CERTIFICATE = "charger_certificate"
    CHARGING_SCHEDULE = "charging_schedule"
    EVENT_STREAM = "event_stream"
    TAX_NUMBER_CHECK = "tax_number_check"
    VENDOR_DATA = "vendor_data"


@dataclass(frozen=True, slots=True)
class NewsReceived:
    """Something its operator may want to know: `word` is the charger's own for how things stand with `topic`."""

    topic: Topic
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTold:
    """What became of a payment at the charger's card terminal; `word` is its own for that. `amount` in major units.

    `ref` is the charger's name for the transaction, None where none began.
    """

    psp_ref: str
    word: str
    amount: Decimal
    at: datetime
    is_settled: bool
    ref: str | None = None
    receipt_id: str = ""
    receipt_url: str = ""


@dataclass(frozen=True, slots=True)
class ReservationReported:
    """A charger keeps what it knows as `number` no longer; `word` is its own for why."""

    number: int
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived:
    """Part `seq_no` of what a charger was asked to report under `request_id`; `body` is JSON in its own words."""

    kind: ReportKind
    request_id: int
    seq_no: int
    is_last: bool
    body: str


@dataclass(frozen=True, slots=True)
class Requested:
    """A charger asks for something; `content` is what it gives for that: a signing request, say."""

    need: Need
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingNeedsTold:
    """What a car needs, as it told its charger (ISO 15118); None where it did not say.

    `energy_wh` is what it wants to leave with beyond what it has, by `departs_at`. By AC `least_ma` and `most_ma` are
    those of each of its `phases`; by DC (`is_dc`) there are none of these, and `most_w` is what it can take.
    `soc_percent` is how full it is. `most_periods` of a schedule is as many as it can follow.
    """

    connector: ConnectorId | None
    energy_wh: int | None = None
    departs_at: datetime | None = None
    is_dc: bool = False
    phases: int | None = None
    least_ma: int | None = None
    most_ma: int | None = None
    most_w: int | None = None
    soc_percent: int | None = None
    most_periods: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedPeriod:
    """From `start_s` of a car's own plan on it is going to draw `limit`; None: it does not say how much."""

    start_s: int
    limit: Decimal | None
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingPlanTold:
    """What a car is going to draw from `starts_at` on, of what it was offered (ISO 15118). `in_amps` False means W."""

    connector: ConnectorId | None
    starts_at: datetime
    periods: tuple[PlannedPeriod, ...]
    in_amps: bool = True


ChargerEvent = (
    Booted
    | HeartbeatReceived
    | StatusReported
    | TokenPresented
    | ChargingStarted
    | ReadingsTaken
    | MainMeterRead
    | ChargingStopped
    | NewsReceived
    | SettlementTold
    | ReservationReported
    | ReportReceived
    | Requested
    | ContractRequested
    | RevocationsAsked
    | ChargingNeedsTold
    | ChargingPlanTold
)
