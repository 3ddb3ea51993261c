"""Reservations: a connector kept for one driver. One is over when its time is, whoever notices it.

Until then that driver alone may start there. A session begun from it bears its name, so that of everything that may
become of a reservation (a charge, a fee) exactly one does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.chargers.availability import BRIEF, Condition, Happening, spells
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.tariff import Tariff

FURTHEST_AHEAD = timedelta(minutes=30)
HELD_FOR = timedelta(minutes=15)
EXTENDED_BY = timedelta(minutes=15)
LONGEST = timedelta(minutes=60)
# Whoever kept a connector in vain waits: half an hour, then twice as long each time within a day.
_REMEMBERED_FOR = timedelta(days=1)
_FIRST_WAIT = timedelta(minutes=30)
# Reservations of a day that were given up or never used; who makes more keeps connectors from others.
_MOST_UNUSED = 10
_OF_NO_USE = (Condition.OFFLINE, Condition.NOT_WORKING)


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


def may_reserve_from(newest: Iterable[Reservation], at: datetime) -> datetime | None:
    """From when on a driver may keep a connector again, by their newest reservations; None: now.

    One that was not used and that its charger did not refuse is unused; one that ran out is a no-show besides.
    """
    lately = [it for it in newest if it.until > at - _REMEMBERED_FOR and it.standing is not ReservationStatus.USED]
    missed = sorted(it.until for it in lately if _is_missed(it, at))
    unused = sorted(it.ended_at or it.until for it in lately if it.standing is ReservationStatus.CANCELLED) + missed
    waits = []
    if missed:
        waits.append(missed[-1] + min(_FIRST_WAIT * 2 ** (len(missed) - 1), _REMEMBERED_FOR))
    if len(unused) >= _MOST_UNUSED:
        waits.append(sorted(unused)[-_MOST_UNUSED] + _REMEMBERED_FOR)
    until = max(waits, default=at)
    return until if until > at else None


def _is_missed(it: Reservation, at: datetime) -> bool:
    """Its time is over, be that noticed or not, and nobody came."""
    ran_out = it.standing is ReservationStatus.OPEN and it.until <= at
    return ran_out or it.standing is ReservationStatus.EXPIRED


def was_of_use(reservation: Reservation, happened: Iterable[Happening], ended_at: datetime) -> bool:
    """Whether its connector could be used all the time that it was kept; one that broke down was kept for nobody.

    `happened` since it was made, with what was before; a trouble of a minute or two is none.
    """
    found = spells(happened, reservation.connector, reservation.created_at, ended_at)
    return not any(it.condition in _OF_NO_USE and it.lasted > BRIEF for it in found)
