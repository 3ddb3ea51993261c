"""Answers to chargers: what we say to what a charger tells or asks, in one vocabulary for every OCPP version."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.contracts import CertificateStatus, ContractAnswer, RevocationAnswers
from chalicelib.domain.chargers.events import TransactionLimits
from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """Answer to a BootNotification: the time now, and how often to send a heartbeat, in seconds.

    While the charger is not accepted, `heartbeat_s` is when to ask again.
    """

    at: datetime
    heartbeat_s: int
    accepted: bool = True


@dataclass(frozen=True, slots=True)
class TimeAnswer:
    """Answer to a Heartbeat: the time now, by our clock."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """Answer to an Authorize: whether the token may charge.

    `group` and `expires_at` where the token has such; `certificate` what the contract's is worth, where one was shown.
    """

    standing: AuthorizationStatus
    group: str = ""
    expires_at: datetime | None = None
    certificate: CertificateStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAnswer:
    """Answer to a start that needs a transaction id: that name, and whether its token may charge.

    `standing` is the token's authorization status, None when no token was shown.
    `limits` are its driver's, for a charger that can keep them.
    """

    ref: str
    standing: AuthorizationStatus | None = None
    group: str = ""
    expires_at: datetime | None = None
    limits: TransactionLimits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Answer to what only had to be recorded. `standing` is its token's authorization status, where it showed one.

    `cost` is what the charge comes to, tax included, in whole units of its currency. `limits` are its driver's, for a
    charger that can keep them and has not said that it does. `is_known`: it said nothing that was not known.
    """

    is_known: bool = False
    standing: AuthorizationStatus | None = None
    group: str = ""
    expires_at: datetime | None = None
    cost: Decimal | None = None
    limits: TransactionLimits | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Answer to a request: whether it will be done; `content` is what was asked for, where it can be given at once."""

    granted: bool
    content: str = ""


Answer = BootAnswer | TimeAnswer | TokenAnswer | StartAnswer | Noted | Decision | ContractAnswer | RevocationAnswers
