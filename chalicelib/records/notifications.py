"""Records of notifications: their delivery, and operators' webhooks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.notifications import Notification


class Undelivered(Exception):
    """A messenger could not send a notification now; the text says why, and names nobody."""


class Outcome(StrEnum):
    """How a notification was settled: every messenger has sent it, there was none to send it, or one never could."""

    SENT = "sent"
    KEPT = "kept"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A notification as the outbox keeps it: `outcome` None until it is settled, and seen to be true."""

    notice: Notification
    due_at: datetime | None = None
    attempts: int = 0
    sent_by: tuple[str, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an operator wants its drivers' notifications sent, and the secret that signs them."""

    url: str
    secret: str
