"""Watches: who waits for which connector to be free, for how long, and how many at the most."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.data_classes import dataclass

WATCHED_FOR = timedelta(hours=12)
MOST_WATCHES = 5
# What happens at a connector is told to so many at once, in the one call of its charger that brings it about.
MOST_WATCHERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A driver's wish to be told once a connector is free; `connector` None: whichever of its charger is first."""

    watch_id: str
    charger_id: str
    connector: ConnectorId | None
    created_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Watcher:
    """A driver who is to be told once a connector is free, by which of their watches, and until when."""

    driver_id: str
    watch_id: str
    until: datetime
