"""Feeds of signals that are due, for what the schedule that fetches them takes for one of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.grid.energy import EnergyContract, Feed
from chalicelib.domain.grid.signals import Series, Signal, SignalKind, SignalRow, TimedValue
from tests.services.conftest import NOW, SITE, Kit

_FEEDS = 20


class _Publisher:
    """A source that tells other prices each time, so that what is kept of them is written."""

    kind, pace, is_daily = SignalKind.PRICE, timedelta(hours=1), True

    def __init__(self) -> None:
        self._told = 0

    def is_zone(self, zone: str) -> bool:
        return bool(zone)

    def fetch(self, zone: str, begins_at: datetime, ends_at: datetime) -> Signal:
        self._told += 1
        series = Series.of([TimedValue(begins_at, begins_at + timedelta(days=2), self._told)])
        return Signal(rows={SignalRow.PRICE: series}, currency="EUR")


def feeds(kit: Kit) -> tuple[Callable[[], object], int]:
    """Twenty zones' prices, of yesterday and today."""
    vars(kit)["signal_sources"] = {"entsoe": _Publisher()}
    for number in range(_FEEDS):
        contract = EnergyContract(
            site_id=f"site-{number}",
            operator_id="op",
            time_zone=SITE.time_zone,
            currency="EUR",
            changed_at=NOW,
            price_feed=Feed("entsoe", f"zone-{number}"),
        )
        kit.energy_contracts.put(contract, None, NOW)
    return kit.signal_feeds.tend, _FEEDS
