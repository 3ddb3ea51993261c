"""Records of access: a ticket, what it may be used for, and what somebody gives back in a day."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass


class TicketScope(StrEnum):
    """What a ticket lets its holder do without a login."""

    LIVE = "live"
    RECEIPT = "receipt"
    INVOICE = "invoice"
    ALARMS = "alarms"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRefund:
    """What a person gives back, counted against the most of a day (UTC) in its currency; by `name` once only."""

    person_id: str
    day: date
    currency: str
    name: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket that is good until `expires_at`: which session it opens (or whose alarms), to whom and for what.

    It counts as long as the access token by which it was asked for, which was given out at `issued_s` (Unix time; 0:
    by nobody's).
    """

    scope: TicketScope
    session_id: str
    driver_id: str
    issued_s: int
    expires_at: datetime
