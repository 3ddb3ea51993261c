"""Search for chargers."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.discovery import Search
from chalicelib.wiring.drivers import DriverServices


class DiscoveryServices(DriverServices):
    """Search for chargers."""

    @cached_property
    def search(self) -> Search:
        return Search(self.places, self.sites, self.tariffs, self.travel)
