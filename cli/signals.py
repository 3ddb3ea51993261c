"""How often prices, carbon and sun are fetched: by zones, of which a network has few, and never by chargers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.fleet import Fleet

# What a publisher takes to answer.
PUBLISHER_MS = 500
# Of Europe's bidding zones there are some sixty; a small network lies in one or two.
_MOST_ZONES, _CHARGERS_PER_ZONE = 60, 5_000
# One place with solar modules, whose day is forecast, for so many chargers.
_CHARGERS_PER_SUN = 700


def zones(fleet: Fleet) -> float:
    """Zones whose prices and carbon are fetched."""
    return min(_MOST_ZONES, 1 + fleet.chargers / _CHARGERS_PER_ZONE)


def suns(fleet: Fleet) -> float:
    """Places whose sun is forecast."""
    return fleet.chargers / _CHARGERS_PER_SUN


def fetches(fleet: Fleet, days: float) -> float:
    """In so many days: prices and suns hourly, prices each quarter of an hour while awaited, carbon each half-hour."""
    return days * (zones(fleet) * (24 + 8 + 48) + suns(fleet) * 24)
