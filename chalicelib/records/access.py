"""Records of access: a ticket, and what it may be used for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TicketScope(StrEnum):
    """What a ticket lets its holder do without a login."""

    LIVE = "live"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket that is good until `expires_at`: which session it opens, to whom and for what.

    It counts as long as the access token by which it was asked for, which was given out at `issued_s` (Unix time; 0:
    by nobody's).
    """

    scope: TicketScope
    session_id: str
    driver_id: str
    issued_s: int
    expires_at: datetime
