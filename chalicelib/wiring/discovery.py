"""Wires discovery: the search for chargers, and what it asks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.drivers import DriverServices

if TYPE_CHECKING:
    from chalicelib.services.discovery import Search


class DiscoveryServices(DriverServices):
    """Builds the search over the index of places, the catalog and drive times."""

    @cached_property
    def search(self) -> Search:
        from chalicelib.services.discovery import Search

        return Search(self.places, self.sites, self.tariffs, self.travel)
