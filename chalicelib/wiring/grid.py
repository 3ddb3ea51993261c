"""Wires load balancing: managed sites, the looks at them, and how their grants go out."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.grid.balancer import Balancer
from chalicelib.services.grid.sites import SiteGrids
from chalicelib.wiring.sessions import SessionServices


class GridServices(SessionServices):
    """Builds what shares out a site's power."""

    @cached_property
    def site_grids(self) -> SiteGrids:
        return SiteGrids(
            managed_sites=self.managed_sites,
            looks=self.looks,
            chargers=self.chargers,
            connectors=self.connectors,
            sites=self.sites,
            managed_chargers=self.sockets,
            sessions=self.sessions,
            clock=self.clock,
        )

    @cached_property
    def balancer(self) -> Balancer:
        return Balancer(managed_sites=self.managed_sites, looks=self.looks, sessions=self.sessions, clock=self.clock)
