"""Records of sites and chargers: registration, sockets, connector states, commands sent, the message log, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.chargers.commands import CommandResult
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus, Currents
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.opening_hours import OpeningHours
from chalicelib.domain.chargers.plugs import PlugType, strongest_w
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.chargers.watches import Watcher
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.pricing.registers import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with one grid connection; `tariff_id` prices every session there.

    `is_load_managed`: what its chargers draw is shared out, so that current and power are wanted by phase.
    `opening_hours` None, `country` (ISO 3166 alpha-2) "": nobody said.
    """

    site_id: str
    operator_id: str
    name: str
    address: str
    time_zone: str
    tariff_id: str
    latitude: float | None = None
    longitude: float | None = None
    is_load_managed: bool = False
    opening_hours: OpeningHours | None = None
    country: str = ""

    @property
    def spot(self) -> GeoPoint | None:
        """Where it is, if anybody said."""
        if self.latitude is None or self.longitude is None:
            return None
        return GeoPoint(self.latitude, self.longitude)


@dataclass(frozen=True, slots=True)
class Plug:
    """What a connector offers a car; `max_power_w` 0 when nobody said."""

    connector: ConnectorId
    kind: PlugType = PlugType.UNKNOWN
    max_power_w: int = 0

    @property
    def supply(self) -> Supply:
        """The most that it gives."""
        if self.max_power_w > 0:
            return Supply(self.max_power_w)
        return Supply(strongest_w(self.kind), is_registered=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MainMeter:
    """A station's own meter, as its charger last told it, for all that it takes; each value with its time.

    None was never told. `current_ma` is the sum of the phases."""

    energy_wh: int | None = None
    energy_at: datetime | None = None
    power_w: int | None = None
    power_at: datetime | None = None
    current_ma: int | None = None
    phase_currents_ma: Currents | None = None
    current_at: datetime | None = None


class Admission(StrEnum):
    """Whether a charger is accepted: whether it may take part in the network."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    BLOCKED = "blocked"


class PasswordSource(StrEnum):
    """Who gave a charger its password: its operator, the charger itself when it first came, or nobody: it has none."""

    OPERATOR = "operator"
    CHARGER = "charger"
    NOBODY = "nobody"


_WITHOUT_PASSWORD = (0, 3)  # security profiles: nothing to show, or a certificate


@dataclass(frozen=True, slots=True)
class HeldList:
    """What of our tokens a charger's Local Authorization List holds, by the seconds in which tokens changed.

    All that changed until `until_s`, and of what changed after that `more`: tokens, each with its second. `sent` is the
    highest version ever sent, `size` how many entries that makes, no fewer than there are.
    """

    until_s: int = 0
    more: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """A registered charger: one OCPP identity. `connection_id` is set while its newest socket is open.

    `security_profile` is the least it must show: 0 nothing, 1 and 2 its password, 3 a certificate (the edge speaks TLS
    only, so that 1 and 2 are one here). `next_password_hash` is good too, and replaces the other once used.
    `has_card_terminal`: whoever pays there by card may charge. `has_main_meter`: it measures itself as a whole too.
    `setup_profile` is the version of the operator's profile it was last seen through for, `metering` how far its
    charges can be measured, `ability` how it can be limited, None where its site's power is not shared out. `booted_at`
    and `disconnected_at` are by our clock. `plug_in_s` is how long it waits for a car. `list_version` is the one of our
    token list it last confirmed, below 0 where it takes none; `list` is what it was sent of it. `limits` are settings
    that bound what it can be sent at once, by name, as it told them; None until it was asked for them. `place` is its
    row in the index of places. `brought_password`: its password is the one with which an unknown charger came by that
    name, and nobody but that one has said so. `previous_connection_id` is the socket before its newest. `silent_until`:
    it said more than it may, and gets no socket until then. `watched_until`: until then somebody may wait for one of
    its connectors. `password_note`: its password is quickly known by it. `was_renewed`: we closed the socket it had
    last. `certificate_until`: the end of the certificate it showed. `managed_at`: the site that shares out what it
    draws; `is_site_meter`: its main meter is that site's. `signs`: its meters have signed what they said.
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
    is_found_in_any_case: bool = False
    has_main_meter: bool = False
    has_card_terminal: bool = False
    setup_profile: str | None = None
    metering: MeteringCapability = MeteringCapability.UNKNOWN
    ability: ChargingAbility | None = None
    booted_at: datetime | None = None
    disconnected_at: datetime | None = None
    plug_in_s: int | None = None
    list: HeldList = HeldList()
    limits: Mapping[str, str] | None = None
    brought_password: bool = False
    previous_connection_id: str | None = None
    silent_until: datetime | None = None
    watched_until: datetime | None = None
    password_note: str | None = None
    was_renewed: bool = False
    certificate_until: datetime | None = None
    managed_at: str = ""
    is_site_meter: bool = False
    signs: bool = False

    @property
    def password_from(self) -> PasswordSource:
        """Whose word it is that its password is the charger's."""
        if self.security_profile in _WITHOUT_PASSWORD:
            return PasswordSource.NOBODY
        return PasswordSource.CHARGER if self.brought_password else PasswordSource.OPERATOR

    @property
    def sockets(self) -> Sequence[str]:
        """The connection ids that may be open: the newest, and the one before it, which may yet have to close."""
        known = (self.connection_id, self.previous_connection_id)
        return [it for it in dict.fromkeys(known) if it is not None]


def strongest(charger: Charger | None, connector: ConnectorId) -> Supply:
    """The most that a connector of a charger gives; where nobody knows which it is, the most of any there."""
    plugs = charger.plugs if charger is not None else ()
    at_it = [it for it in plugs if it.connector == connector] or [
        it for it in plugs if it.connector.evse == connector.evse
    ]
    supplies = [it.supply for it in at_it or (() if connector.evse else plugs)]
    return max(supplies, key=lambda it: it.power_w, default=Supply(strongest_w(PlugType.UNKNOWN), is_registered=False))


def registered_w(charger: Charger, connector: ConnectorId) -> int | None:
    """The most that its operator says a connector gives; None where nobody said, or which one it is."""
    supply = strongest(charger, connector)
    return supply.power_w if supply.is_registered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A charger's open socket: which charger, and the OCPP subprotocol agreed at its opening.

    `is_pending`: at its opening the charger had yet to be accepted. `traced_until`: until then all of it is logged.
    `is_ended`: what it was opened with counts no more; what still comes by it is not heard. `closes_at`: from then on
    we close it when nothing goes on. `back_as`: what the charger told it was (`told_identity`) before we closed the
    socket before this one; it came straight back, and may say BootNotification without having booted.
    `certificate_until`: the end of the certificate it was opened with. `managed_at`, `is_site_meter`: of its charger.
    """

    connection_id: str
    charger_id: str
    operator_id: str
    protocol: str
    is_pending: bool = False
    traced_until: datetime | None = None
    is_ended: bool = False
    closes_at: datetime | None = None
    back_as: str = ""
    certificate_until: datetime | None = None
    managed_at: str = ""
    is_site_meter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorState:
    """A connector as last reported, the session that has it, and the reservation it is kept for, if any.

    `setup_is_due`: at its next status, unless a start may be at hand, its charger's settings are to be looked at.
    `told_at` is the charger's own word for when, where that can be right; `status_at` is ours. `last_session_id` had
    it before. `watchers` wait for it to be free. `skew_s`: how far ahead of ours the time in its newest report was.
    """

    connector: ConnectorId
    status: ConnectorStatus = ConnectorStatus.UNKNOWN
    status_at: datetime | None = None
    error: str = ""
    session_id: str | None = None
    place: str | None = None
    reserved_for: str | None = None
    reserved_until: datetime | None = None
    setup_is_due: bool = False
    told_at: datetime | None = None
    last_session_id: str | None = None
    watchers: tuple[Watcher, ...] = ()
    skew_s: int | None = None

    def is_kept(self, at: datetime) -> bool:
        """Whether a reservation keeps it at that moment."""
        return self.reserved_for is not None and self.reserved_until is not None and at < self.reserved_until

    def seen(self, at: datetime) -> ConnectorStatus:
        """What it does, as everybody but its charger sees it."""
        is_free = self.status is ConnectorStatus.AVAILABLE
        return ConnectorStatus.RESERVED if is_free and self.is_kept(at) else self.status


class Purpose(StrEnum):
    """What a command is for, and so who wants its answer."""

    START = "start"
    STOP = "stop"
    OPERATOR = "operator"
    PASSWORD = "password"  # noqa: S105
    LIST_VERSION = "list_version"
    LIST = "list"
    LIST_LIMITS = "list_limits"
    RESERVE = "reserve"
    SETUP_READ = "setup_read"
    SETUP_WRITE = "setup_write"
    UNLOCK = "unlock"
    COST = "cost"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Errand:
    """What a command is sent for: under which name, why, and what must be known again when its answer comes.

    `fingerprint` tells two commands apart that were given the same name."""

    message_id: str
    purpose: Purpose
    subject: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCall:
    """A command as sent, an OCPP CALL: its message id, what it is for, and the charger's answer once it has come.

    `subject` is what the purpose needs to know again: a session's id, a list's version. An answer that comes after
    `due_at` is late, and still an answer. `connection_id` is the socket it went down. `waiting` is the frame as long as
    it has yet to be sent, because another call is open; its `sent_at` and `due_at` are guesses until then. One that its
    charger takes in `parts` only is followed by the others, named after it.
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
    connection_id: str = ""
    waiting: str = ""
    parts: int = 1

    @property
    def is_kept_in_line(self) -> bool:
        """Whether nobody looks for it by its name: its line alone knows it, while it is open."""
        return self.purpose is Purpose.LIMIT

    @property
    def later_parts(self) -> Sequence[str]:
        """The message ids of all parts but the first."""
        return [f"{self.message_id}~{number}" for number in range(2, self.parts + 1)]


@dataclass(frozen=True, slots=True)
class Answered:
    """The call that was open on a line until now: its action, whether others wait, and itself if it is kept there."""

    action: str
    others_wait: bool
    call: SentCall | None = None


class Direction(StrEnum):
    """Who spoke; LINE is the socket itself."""

    IN = "in"
    OUT = "out"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedMessage:
    """A message in the log. `payload` and `answer` are JSON in the charger's words, cut where too long."""

    at: datetime
    direction: Direction
    what: str
    message_id: str = ""
    payload: str = ""
    answer: str = ""
    result: str = ""
    deviation: str | None = None
    connection_id: str = ""


class KnockReason(StrEnum):
    """Why a charger was refused a socket; TOKENS_UNKNOWN: why it is told nothing of tokens for a while."""

    NO_NAME = "no_name"
    UNKNOWN = "unknown"
    NO_CREDENTIALS = "no_credentials"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    WRONG_USER = "wrong_user"
    NO_CERTIFICATE = "no_certificate"
    BLOCKED = "blocked"
    AMBIGUOUS = "ambiguous"
    NO_SUBPROTOCOL = "no_subprotocol"
    TOO_MANY_WAIT = "too_many_wait"
    TOKENS_UNKNOWN = "tokens_unknown"
    TOO_MUCH = "too_much"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A refused connection, and how often the same was refused that day.

    `name` is what whoever tried called itself, last; `charger_id` the charger it was taken for, None for a stranger. Of
    strangers only so many are kept apart: `knocks` then counts those of several names. Nothing here was proven.
    """

    operator_id: str
    charger_id: str | None
    name: str
    reason: KnockReason
    why: str
    at: datetime
    first_at: datetime
    knocks: int = 1


class Gone(Exception):
    """The socket is closed; the charger is offline."""


class SoonBack(Gone):
    """As Gone; but a moment ago the charger was there, and it is likely to be back within seconds."""
