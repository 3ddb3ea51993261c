"""Records of access: what a ticket may be used for."""

from __future__ import annotations

from enum import StrEnum


class TicketScope(StrEnum):
    """What a ticket lets its holder do without a login."""

    LIVE = "live"
    RECEIPT = "receipt"
