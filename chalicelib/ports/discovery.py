"""Ports of discovery: the index of places, and how long a drive takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
    from chalicelib.domain.chargers.geography import GeoPoint
    from chalicelib.domain.discovery import Drive
    from chalicelib.records.chargers import Site
    from chalicelib.records.discovery import Place


class Places(Protocol):
    """The index of places: which chargers are near, and what they do now. A place is known by its row's name."""

    def put(self, place: Place) -> str:
        """Write a place whole; returns its row's name."""

    def describe(self, site: Site) -> None:
        """Show all places of a site as it is now, from the next search on. No call where it has no spot."""

    def forget(self, site: Site) -> None:
        """Show the places of a site at that spot as they were last put, each by itself."""

    def remove(self, row: str) -> None:
        """Take the place out of the index; nothing happens when it is not there."""

    def set_status(self, row: str, connector: ConnectorId, status: ConnectorStatus) -> None:
        """Show what a connector does now. Nothing happens when the row is gone."""

    def set_online(self, row: str, online: bool) -> None:
        """Show whether the charger is connected. Nothing happens when the row is gone."""

    def set_metered(self, row: str, is_metered: bool) -> None:
        """Show whether the charger measures energy. Nothing happens when the row is gone."""

    def set_kept(self, row: str, connector: ConnectorId, until: datetime | None) -> None:
        """A reservation keeps the connector until then, or no longer. Nothing happens when the row is gone."""

    def near(self, centre: GeoPoint, from_m: float, within_m: float) -> Iterator[tuple[float, Place]]:
        """Places by distance in metres (and name), between the two bounds; reads no further than it is asked."""

    def around(self, spots: Sequence[GeoPoint], within_m: float) -> Iterator[Place]:
        """Places within that distance of any of the spots, in no order, each once."""


class Travel(Protocol):
    """How long drives take by car."""

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """One drive for each end; ends come with their distance as the crow flies, in metres."""
