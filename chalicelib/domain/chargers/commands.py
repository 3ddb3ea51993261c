"""Commands to chargers and their outcomes, in one vocabulary for every OCPP version.

What only one version has is asked for in that version's own words, with `Ask`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass, field


class AuthorizationStatus(StrEnum):
    """Whether a token may charge now (OCPP AuthorizationStatus; `busy` is its ConcurrentTx).

    NOT_HERE: it may elsewhere (2.x NotAtThisLocation; 1.6 has no word for that but Blocked).
    """

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    CONCURRENT_TX = "busy"
    NOT_HERE = "not_here"


class Message(StrEnum):
    """A message a charger can be asked to send now."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    READINGS = "readings"
    STATUS = "status"
    TRANSACTION = "transaction"
    FIRMWARE_STATUS = "firmware_status"
    LOG_STATUS = "log_status"
    CERTIFICATE = "certificate"


class LogKind(StrEnum):
    """Which of its logs a charger uploads."""

    DIAGNOSTICS = "diagnostics"
    SECURITY = "security"


class CertificateUse(StrEnum):
    """What a root certificate on a charger is for."""

    BACKEND = "backend"
    MANUFACTURER = "manufacturer"
    PLUG_AND_CHARGE = "plug_and_charge"
    MOBILITY_OPERATOR = "mobility_operator"


class ProfilePurpose(StrEnum):
    """What a charging profile limits: the whole charger, any charge on a connector, or one charge."""

    CHARGER = "charger"
    DEFAULT = "default"
    SESSION = "session"


class ProfileKind(StrEnum):
    """From when a charging profile counts: a time it names, each day or week anew, or when it applies."""

    ABSOLUTE = "absolute"
    RECURRING = "recurring"
    RELATIVE = "relative"


class Recurrence(StrEnum):
    """How often a recurring profile begins anew."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class StartCharging:
    """Begin a session at `connector` under `token`; `remote_start_id` comes back where the version can echo it."""

    connector: ConnectorId
    token: str
    remote_start_id: int


@dataclass(frozen=True, slots=True)
class StopCharging:
    """End the transaction that the charger knows as `ref`."""

    ref: str


@dataclass(frozen=True, slots=True)
class ShowCost:
    """Show the driver what the transaction `ref` costs so far: in whole units of its currency, tax included (2.x)."""

    ref: str
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Reset:
    """Start again: at once when `hard`, else once no car charges (2.x) or with an orderly end of charges (1.6)."""

    hard: bool = False
    connector: ConnectorId | None = None


@dataclass(frozen=True, slots=True)
class Unlock:
    """Let go of the cable (UnlockConnector); this ends a charge on it."""

    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class SetAvailability:
    """Take a connector, or the whole charger, in or out of service."""

    operative: bool
    connector: ConnectorId | None = None


@dataclass(frozen=True, slots=True)
class ClearCache:
    """Forget the tokens seen so far."""


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Say what is set: 1.6 configuration keys (none: all of them), or 2.x variables as `Component.Variable`."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteSetting:
    """Set a 1.6 configuration key, or a 2.x variable named `Component.Variable`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Use another password from the next connection on."""

    password: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """Send a message now, of one connector or of all."""

    message: Message
    connector: ConnectorId | None = None


@dataclass(frozen=True, slots=True)
class ReadListVersion:
    """Say which version of the Local Authorization List is held; 0 is none."""


@dataclass(frozen=True, slots=True)
class ReadListLimits:
    """Say how long the Local Authorization List may be, and how much of it one message may bring."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a Local Authorization List; `standing` is the token's authorization status, None takes it off."""

    token: str
    standing: AuthorizationStatus | None = AuthorizationStatus.ACCEPTED
    group: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UpdateList:
    """Hold these tokens, instead of (`full`) or besides those held; the Local Authorization List is then `version`."""

    version: int
    full: bool
    entries: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep a connector (none given: any) for `token` until then."""

    reservation_id: int
    token: str
    until: datetime
    connector: ConnectorId | None = None


@dataclass(frozen=True, slots=True)
class CancelReservation:
    """Keep a reserved connector no longer."""

    reservation_id: int


@dataclass(frozen=True, slots=True)
class Limit:
    """From `start_s` after the profile's beginning on: at most `limit` of the profile's unit.

    `phases` is by how many phases a car may charge; `phase_to_use` by which, where that is one (2.x).
    """

    start_s: int
    limit: Decimal
    phases: int | None = None
    phase_to_use: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProfile:
    """Limit power by a profile; of those that apply, the highest `stack_level` counts. `in_amps` False means W."""

    profile_id: int
    purpose: ProfilePurpose
    limits: tuple[Limit, ...]
    connector: ConnectorId | None = None
    stack_level: int = 0
    in_amps: bool = False
    starts_at: datetime | None = None
    duration_s: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    ref: str | None = None
    # None: absolute where it `starts_at`, else relative.
    kind: ProfileKind | None = None
    recurrence: Recurrence | None = None
    # What a car needs to charge at all, in the profile's unit.
    least_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ClearProfiles:
    """Forget the profiles that fit; nothing given fits all."""

    profile_id: int | None = None
    connector: ConnectorId | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None


@dataclass(frozen=True, slots=True)
class ReadSchedule:
    """Say what the limits come to over the next `duration_s`; no connector means the whole charger."""

    duration_s: int
    connector: ConnectorId | None = None
    in_amps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFirmware:
    """Fetch and install firmware; signed where a certificate (PEM) and a signature (base64) are given."""

    request_id: int
    url: str
    retrieve_at: datetime
    install_at: datetime | None = None
    certificate: str | None = None
    signature: str | None = None
    retries: int | None = None
    retry_interval_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLog:
    """Put a log where `url` says."""

    request_id: int
    kind: LogKind
    url: str
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstallCertificate:
    """Trust this root certificate (PEM) from now on."""

    use: CertificateUse
    certificate: str


@dataclass(frozen=True, slots=True)
class ListCertificates:
    """Say which root certificates are trusted; no use given means all."""

    use: CertificateUse | None = None


@dataclass(frozen=True, slots=True)
class DeleteCertificate:
    """Trust a certificate no longer; the hashes are those that the list of certificates gives."""

    hash_algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class DeliverCertificate:
    """Here is the signed certificate (PEM chain) that was asked for."""

    chain: str


@dataclass(frozen=True, slots=True)
class DataTransfer:
    """A vendor's own message (DataTransfer), between its charger and whoever knows what it means."""

    vendor: str
    message: str | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Any other action of the charger's OCPP version, its payload in OCPP's own words."""

    action: str
    payload: Mapping[str, Any] = field(default_factory=dict)


Command = (
    StartCharging
    | StopCharging
    | ShowCost
    | Reset
    | Unlock
    | SetAvailability
    | ClearCache
    | ReadSettings
    | WriteSetting
    | ChangePassword
    | Trigger
    | ReadListVersion
    | ReadListLimits
    | UpdateList
    | Reserve
    | CancelReservation
    | SetProfile
    | ClearProfiles
    | ReadSchedule
    | UpdateFirmware
    | UploadLog
    | InstallCertificate
    | ListCertificates
    | DeleteCertificate
    | DeliverCertificate
    | DataTransfer
    | Ask
)


class Verdict(StrEnum):
    """What came of a command, as far as the charger's own answer goes."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """A charger's answer: `detail` is its own word for it, `ref` the transaction it already runs, if it said so.

    `data` is all it said; `deviation` what had to be forgiven to understand it.
    """

    verdict: Verdict
    detail: str = ""
    ref: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    deviation: str | None = None


class Unable(Exception):
    """The charger's OCPP version cannot say this, or not so; the text tells which part of it."""
