"""Wires load balancing: managed sites, the looks at them, and how their grants go out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.sessions import SessionServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.ports.grid import DemandEvents
    from chalicelib.ports.ocpp import PowerNeeds
    from chalicelib.services.grid.balancer import Balancer
    from chalicelib.services.grid.busy_sites import BusySites
    from chalicelib.services.grid.demand_response import DemandResponse
    from chalicelib.services.grid.dispatch import Dispatch
    from chalicelib.services.grid.sites import SiteGrids
    from chalicelib.services.grid.utilities import Utilities


class GridServices(SessionServices):
    """Builds what shares out a site's power."""

    @cached_property
    def site_grids(self) -> SiteGrids:
        from chalicelib.services.grid.sites import SiteGrids

        return SiteGrids(
            managed_sites=self.managed_sites,
            looks=self.looks,
            chargers=self.chargers,
            connectors=self.connectors,
            sites=self.sites,
            managed_chargers=self.sockets,
            charger_news=self.managed_charger_news,
            setups=self.setups,
            sessions=self.sessions,
            demand_events=self.demand_events,
            clock=self.clock,
        )

    @cached_property
    def demand_events(self) -> DemandEvents:
        from chalicelib.adapters.grid.demand_events import DynamoDemandEvents

        return DynamoDemandEvents()

    @cached_property
    def demand_response(self) -> DemandResponse:
        from chalicelib.adapters.grid.demand_spread import SqsDemandSpread
        from chalicelib.services.grid.demand_response import DemandResponse

        return DemandResponse(
            events=self.demand_events,
            spread=SqsDemandSpread(client("sqs"), self.setting("DEMAND_RESPONSE_QUEUE", "")),
            managed_sites=self.managed_sites,
            looks=self.looks,
            clock=self.clock,
        )

    @cached_property
    def utilities(self) -> Utilities:
        from chalicelib.adapters.grid.openadr3 import OpenAdr3
        from chalicelib.adapters.grid.utility_links import DynamoUtilityLinks
        from chalicelib.services.grid.utilities import NoPrices, Utilities

        return Utilities(
            links=DynamoUtilityLinks(),
            servers=OpenAdr3(clock=self.clock, may_be_inside=self.may_webhooks_be_inside),
            demand_response=self.demand_response,
            prices=NoPrices(),
            invocations=self.invocations,
            clock=self.clock,
            may_be_inside=self.may_webhooks_be_inside,
        )

    @cached_property
    def balancer(self) -> Balancer:
        from chalicelib.services.grid.balancer import Balancer
        from chalicelib.services.grid.demand_notes import DemandNotes
        from chalicelib.services.grid.folding import Folding
        from chalicelib.services.grid.obedience import Obedience

        return Balancer(
            managed_sites=self.managed_sites,
            sessions=self.sessions,
            folding=Folding(chargers=self.chargers, firmwares=self.firmwares, clock=self.clock),
            obedience=Obedience(firmwares=self.firmwares, alarm_checks=self.alarm_checks),
            demand_notes=DemandNotes(events=self.demand_events, looks=self.looks),
            dispatch=self.dispatch,
            looks=self.looks,
            clock=self.clock,
            new_id=self.new_id,
        )

    @cached_property
    def power_needs(self) -> PowerNeeds:
        from chalicelib.services.grid.charging_needs import ChargingNeeds

        return ChargingNeeds(
            chargers=self.chargers,
            keep=self.managed_sites.needs,
            granted=self.dispatch.granted,
            look=self.looks.ask,
            clock=self.clock,
        )

    @cached_property
    def busy_sites(self) -> BusySites:
        from chalicelib.services.grid.busy_sites import BusySites

        return BusySites(managed_sites=self.managed_sites, looks=self.looks, clock=self.clock)

    @cached_property
    def dispatch(self) -> Dispatch:
        from chalicelib.services.grid.dispatch import Dispatch

        return Dispatch(
            managed_sites=self.managed_sites,
            looks=self.looks,
            chargers=self.chargers,
            sockets=self.sockets,
            commands=self.commands,
            connections=self.connections,
            clock=self.clock,
        )
