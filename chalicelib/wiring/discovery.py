"""Wires discovery: the search for chargers, and what it asks."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.discovery import Search
from chalicelib.wiring.drivers import DriverServices


class DiscoveryServices(DriverServices):
    """Builds the search over the index of places, the catalog and drive times."""

    @cached_property
    def search(self) -> Search:
        return Search(self.places, self.sites, self.tariffs, self.travel)
