"""What we answer a charger that tells or asks something: one vocabulary for every OCPP version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import TransactionLimits


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """Welcome: the time now, and how often to send a heartbeat; while not accepted, when to ask again."""

    at: datetime
    heartbeat_s: int
    accepted: bool = True


@dataclass(frozen=True, slots=True)
class TimeAnswer:
    """The time now."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """Whether the presented token may charge; its `group`, and until when it is good, where it has such."""

    standing: AuthorizationStatus
    group: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """The transaction's name, and whether its token may charge; `standing` None when no token was shown.

    `limits` are its driver's, for a charger that can keep them.
    """

    ref: str
    standing: AuthorizationStatus | None = None
    group: str = ""
    expires_at: datetime | None = None
    limits: TransactionLimits | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Recorded; nothing to tell. `standing` is set when the message showed a token.

    `cost` is what the charge comes to, tax included, in whole units of its currency. `limits` are its driver's, for a
    charger that can keep them and has not said that it does.
    """

    standing: AuthorizationStatus | None = None
    group: str = ""
    expires_at: datetime | None = None
    cost: Decimal | None = None
    limits: TransactionLimits | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether what was asked for will be done; `content` is what was asked for, where it can be given at once."""

    granted: bool
    content: str = ""


Answer = BootAnswer | TimeAnswer | TokenAnswer | StartAnswer | Noted | Decision
