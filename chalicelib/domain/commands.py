"""What we ask of a charger, what it answers, and what we answer it: one vocabulary for every OCPP version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.events import ConnectorId


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


Command = StartCharging | StopCharging


class Verdict(StrEnum):
    """What came of a command, as far as the charger's own answer goes."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A charger's answer: `detail` is its own words, `ref` the transaction it already runs, if it said so."""

    verdict: Verdict
    detail: str = ""
    ref: str | None = None


class Standing(StrEnum):
    """Whether a token may charge now."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """Welcome: the time now, and how often to send a heartbeat."""

    at: datetime
    heartbeat_s: int


@dataclass(frozen=True, slots=True)
class TimeAnswer:
    """The time now."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """Whether the presented token may charge."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """The transaction's name, and whether its token may charge; `standing` None when no token was shown."""

    ref: str
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Recorded; nothing to tell. `standing` is set when the message showed a token."""

    standing: Standing | None = None


Answer = BootAnswer | TimeAnswer | TokenAnswer | StartAnswer | Noted
