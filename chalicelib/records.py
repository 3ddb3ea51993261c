"""What is kept, as the services see it, and what may go wrong in keeping it: frozen values that decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.commands import CommandResult
from chalicelib.domain.events import ConnectorId, ConnectorStatus, Reading, StopReason
from chalicelib.domain.geo import Spot
from chalicelib.domain.session import Step


class Conflict(Exception):
    """Somebody else wrote first; read again and decide again."""


class Gone(Exception):
    """The socket is closed; the charger is offline."""


class Declined(Exception):
    """The card is not good for it; the text says why in the provider's words."""


class PaymentsUnavailable(Exception):
    """The payment provider did not answer sensibly; trying again is safe."""


class NotAllowed(Exception):
    """The identity provider refused the credentials; the text may be shown to the person."""


class AlreadyRegistered(Exception):
    """That e-mail address has an account."""


class StaleTask(Exception):
    """The workflow no longer waits on this token."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place with one grid connection; `tariff_id` prices every session there."""

    site_id: str
    operator_id: str
    name: str
    address: str
    time_zone: str
    tariff_id: str
    latitude: float | None = None
    longitude: float | None = None

    @property
    def spot(self) -> Spot | None:
        """Where it is, if anybody said."""
        if self.latitude is None or self.longitude is None:
            return None
        return Spot(self.latitude, self.longitude)


class PlugType(StrEnum):
    """What fits: OCPI's connector types by their usual names."""

    TYPE_1 = "type1"
    TYPE_2 = "type2"
    CCS_1 = "ccs1"
    CCS_2 = "ccs2"
    CHADEMO = "chademo"
    NACS = "nacs"
    GBT_AC = "gbt_ac"
    GBT_DC = "gbt_dc"
    DOMESTIC = "domestic"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Plug:
    """What a connector offers a car; `max_power_w` 0 when nobody said."""

    connector: ConnectorId
    kind: PlugType = PlugType.UNKNOWN
    max_power_w: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A charger as a search finds it: all that its row in the index says, and what its connectors do now."""

    charger_id: str
    operator_id: str
    site_id: str
    site_name: str
    address: str
    tariff_id: str
    spot: Spot
    plugs: tuple[Plug, ...]
    time_zone: str = "UTC"
    online: bool = False
    statuses: Mapping[str, ConnectorStatus] = field(default_factory=dict)
    kept: Mapping[str, datetime] = field(default_factory=dict)

    def status(self, plug: Plug) -> ConnectorStatus:
        """What a connector does now; nobody knows of a charger that is offline."""
        known = self.statuses.get(str(plug.connector), ConnectorStatus.UNKNOWN)
        return known if self.online else ConnectorStatus.UNKNOWN

    def is_free(self, plug: Plug) -> bool:
        """Whether somebody could plug in there now."""
        return self.status(plug) is ConnectorStatus.AVAILABLE


class Admission(StrEnum):
    """Whether a charger may take part."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Charger:
    """One OCPP identity as registered; `connection_id` is set while its newest socket is open.

    `security_profile` is the least it must show: 0 nothing, 1 and 2 its password, 3 a certificate (the edge speaks
    TLS only, so that 1 and 2 are one here). `next_password_hash` is good too, and replaces the other once used.
    `list_version` is the version of our token list it last confirmed. `place` is its row in the index of places.
    """

    charger_id: str
    operator_id: str
    site_id: str
    password_hash: str
    connectors: tuple[ConnectorId, ...]
    connection_id: str | None = None
    protocol: str | None = None
    connected_at: datetime | None = None
    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    security_profile: int = 1
    admission: Admission = Admission.ACCEPTED
    next_password_hash: str | None = None
    keeps_list: bool = False
    list_version: int = 0
    traced_until: datetime | None = None
    plugs: tuple[Plug, ...] = ()
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a socket is: which charger, and the subprotocol agreed at its opening.

    `is_pending`: at its opening the charger had yet to be accepted. `traced_until`: an operator reads along.
    """

    connection_id: str
    charger_id: str
    operator_id: str
    protocol: str
    is_pending: bool = False
    traced_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """What a connector last reported, the session that has it, and the reservation it is kept for, if any."""

    connector: ConnectorId
    status: ConnectorStatus = ConnectorStatus.UNKNOWN
    status_at: datetime | None = None
    error: str = ""
    session_id: str | None = None
    place: str | None = None
    reserved_for: str | None = None
    reserved_until: datetime | None = None

    def is_kept(self, at: datetime) -> bool:
        """Whether a reservation keeps it at that moment."""
        return self.reserved_for is not None and self.reserved_until is not None and at < self.reserved_until

    def seen(self, at: datetime) -> ConnectorStatus:
        """What it does, as everybody but its charger sees it."""
        is_free = self.status is ConnectorStatus.AVAILABLE
        return ConnectorStatus.RESERVED if is_free and self.is_kept(at) else self.status


@dataclass(frozen=True, slots=True)
class Transaction:
    """A charge as its charger tells it, fact by fact in any order; `session_id` once we know whose it is.

    `started_at` and `stopped_at` are the charger's words, `..._heard_at` ours. `stands_for` names the transaction
    that is really meant, where a charger uses a name twice or none at all. `is_limited`: its session has limits.
    `is_nearly_done`: its driver has been told so.
    """

    charger_id: str
    ref: str
    connector: ConnectorId | None = None
    token: str | None = None
    started_at: datetime | None = None
    meter_start_wh: int | None = None
    stopped_at: datetime | None = None
    meter_stop_wh: int | None = None
    stop_reason: StopReason | None = None
    session_id: str | None = None
    stands_for: str | None = None
    heard_at: datetime | None = None
    started_heard_at: datetime | None = None
    stopped_heard_at: datetime | None = None
    first_seq_no: int | None = None
    last_seq_no: int | None = None
    stop_token: str | None = None
    is_limited: bool | None = None
    is_nearly_done: bool | None = None


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading and its place in the transaction's order; `position` sorts as text."""

    position: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Waiting:
    """The workflow's step that waits, and the token that lets it go on."""

    step: Step
    task_token: str


class Purpose(StrEnum):
    """What a command is for, and so who wants its answer."""

    START = "start"
    STOP = "stop"
    OPERATOR = "operator"
    PASSWORD = "password"  # noqa: S105
    LIST_VERSION = "list_version"
    LIST = "list"
    RESERVE = "reserve"


@dataclass(frozen=True, slots=True)
class Errand:
    """What a command is sent for: under which name, why, and what must be known again when its answer comes.

    `fingerprint` tells two commands apart that were given the same name.
    """

    message_id: str
    purpose: Purpose
    subject: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class SentCall:
    """A command as sent: its name on the wire, what it is for, and the charger's answer once it has come.

    `subject` is what the purpose needs to know again: a session's id, a list's version. An answer that comes after
    `due_at` is late, and still an answer.
    """

    charger_id: str
    message_id: str
    action: str
    purpose: Purpose
    sent_at: datetime
    due_at: datetime
    subject: str = ""
    fingerprint: str = ""
    result: CommandResult | None = None
    answered_at: datetime | None = None


class Direction(StrEnum):
    """Who spoke; LINE is the socket itself."""

    IN = "in"
    OUT = "out"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a charger's journal. `payload` and `answer` are JSON in the charger's words, cut where too long."""

    at: datetime
    direction: Direction
    what: str
    message_id: str = ""
    payload: str = ""
    answer: str = ""
    result: str = ""
    deviation: str | None = None
    connection_id: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator has agreed with a driver: a tariff of their own (free charging, say), or no charging at all."""

    tariff_id: str | None = None
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Driver:
    """A person with an account. Card data stays with the payment provider: here are only its names for things.

    `terms` are by operator; `owes` names the sessions that are not paid yet.
    """

    driver_id: str
    email: str
    customer_id: str | None = None
    payment_method_id: str | None = None
    card: str | None = None
    blocked: bool = False
    terms: Mapping[str, Terms] = field(default_factory=dict)
    owes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Token:
    """An RFID card: `uid` upper case, issued by an operator to a driver."""

    uid: str
    operator_id: str
    driver_id: str
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class CardSetup:
    """What a client needs to save a card with the provider, without the card passing through us."""

    setup_id: str
    client_secret: str
    publishable_key: str


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card the provider keeps; `label` is its brand and last four digits."""

    payment_method_id: str
    label: str


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What a verified webhook says. `kind`: held, captured, failed, voided, card_saved, or other."""

    event_id: str
    kind: str
    session_id: str | None = None
    payment_id: str | None = None
    amount_minor: int = 0
    customer_id: str | None = None
    setup_id: str | None = None
    at: datetime | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Login:
    """OIDC tokens for a person."""

    account_id: str
    access_token: str
    refresh_token: str | None
    expires_s: int
