"""Records of access: what a ticket may be used for, and what somebody gives back in a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class TicketScope(StrEnum):
    """What a ticket lets its holder do without a login."""

    LIVE = "live"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRefund:
    """What a person gives back, counted against the most of a day (UTC) in its currency; by `name` once only."""

    person_id: str
    day: date
    currency: str
    name: str
    amount_minor: int
