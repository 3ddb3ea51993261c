"""Ports of discovery: the index of places, the sites that move in it, and how long a drive takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
    from chalicelib.domain.chargers.geography import GeoPoint
    from chalicelib.domain.discovery import Drive
    from chalicelib.records.chargers import Site
    from chalicelib.records.discovery import Place, Relocation


class Places(Protocol):
    """The index of places: which chargers are near, and what they do now. A place is known by its row's name."""

    def put(self, place: Place) -> str:
        """Write a place whole; returns its row's name."""

    def sign(self, site: Site) -> str | None:
        """The name of the row that says what a site is, None where it has no spot. No call."""

    def describe(self, site: Site, rows_at: Sequence[str] = ()) -> None:
        """Show all places of a site as it is now, from the next search on. No call where it has no spot.

        So are those of its places which still stand beside the signs `rows_at`.
        """

    def leave(self, sign: str, site: Site) -> None:
        """Show none of the site's places that stand beside that sign of it: the site is elsewhere now."""

    def clear(self, sign: str) -> None:
        """Take a sign that its site has left away, and whatever still stands there of it."""

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


class Relocations(Protocol):
    """The sites that have moved, and whose chargers' rows follow them."""

    def get(self, site_id: str) -> Relocation | None:
        """That site's; None where it has not moved lately."""

    def all(self) -> Iterator[Relocation]:
        """All there are, in no order."""

    def change(self, before: Relocation | None, after: Relocation) -> bool:
        """Keep it as `after`; False (and nothing changes) where it is not as `before` any more."""

    def end(self, known: Relocation) -> bool:
        """All has followed; False (and it stays) where it is not as known any more."""


class Travel(Protocol):
    """How long drives take by car."""

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """One drive for each end; ends come with their distance as the crow flies, in metres."""
