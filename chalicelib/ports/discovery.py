"""What the services ask of the index of places, and of maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.discovery import Drive
from chalicelib.records.discovery import Place


class Places(Protocol):
    """The index of places: who is near, and what they do now. A place is known by its row's name."""

    def put(self, place: Place) -> str:
        """Write it whole; returns the row's name."""

    def remove(self, row: str) -> None: ...
    def set_status(self, row: str, connector: ConnectorId, status: ConnectorStatus) -> None:
        """Nothing happens when the row is gone."""

    def set_online(self, row: str, online: bool) -> None:
        """Nothing happens when the row is gone."""

    def set_metered(self, row: str, is_metered: bool) -> None:
        """Nothing happens when the row is gone."""

    def set_kept(self, row: str, connector: ConnectorId, until: datetime | None) -> None:
        """A reservation keeps the connector until then, or no longer. Nothing happens when the row is gone."""

    def near(self, centre: GeoPoint, from_m: float, within_m: float) -> Iterator[tuple[float, Place]]:
        """Places by distance (and name), each with it, those between the two; reads no further than it is asked."""

    def around(self, spots: Sequence[GeoPoint], within_m: float) -> Iterator[Place]:
        """Places within that distance of any of the spots, in no order, each once."""


class Travel(Protocol):
    """How long a drive takes."""

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """One for each end, told with how far it is as the crow flies."""
