"""Reservations: a connector kept for one driver. One is over when its time is, whoever notices it.

Until then that driver alone may start there. A session begun from it bears its name, so that of everything that may
become of a reservation (a charge, a fee) exactly one does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.pricing.tariff import Tariff

FURTHEST_AHEAD = timedelta(minutes=30)
HELD_FOR = timedelta(minutes=15)
EXTENDED_BY = timedelta(minutes=15)
LONGEST = timedelta(minutes=60)


class ReservationStatus(StrEnum):
    """What has become of a reservation."""

    OPEN = "open"
    USED = "used"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"


class Keeper(StrEnum):
    """Who keeps others away: the charger itself, or only we, by letting nobody else start."""

    ASKED = "asked"
    CHARGER = "charger"
    BACKEND = "backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A connector kept for a driver, from `created_at` on `until` a quarter of an hour after their arrival."""

    reservation_id: str
    operator_id: str
    site_id: str
    charger_id: str
    connector: ConnectorId
    driver_id: str
    tariff: Tariff
    time_zone: str
    created_at: datetime
    until: datetime
    standing: ReservationStatus = ReservationStatus.OPEN
    keeper: Keeper = Keeper.ASKED
    ended_at: datetime | None = None

    @property
    def number(self) -> int:
        """What stands for it where a charger knows integers only; positive, 31 bits."""
        return int.from_bytes(hashlib.sha256(self.reservation_id.encode()).digest()[:4]) >> 1 or 1

    def is_open(self, at: datetime) -> bool:
        """Whether the connector is kept at that moment."""
        return self.standing is ReservationStatus.OPEN and at < self.until

    def extended(self) -> datetime:
        """Until when it lasts once extended: no longer than an hour in all."""
        return min(self.until + EXTENDED_BY, self.created_at + LONGEST)
