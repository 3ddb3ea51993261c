"""Wires load balancing: managed sites, the looks at them, and how their grants go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.sessions import SessionServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.adapters.grid.energy import DynamoEnergyContracts, DynamoSignals
    from chalicelib.ports.charging import Footprints
    from chalicelib.ports.grid import DemandEvents, Planner, SignalSource
    from chalicelib.ports.ocpp import PowerNeeds
    from chalicelib.protocol.signals.source import Source
    from chalicelib.services.grid.balancer import Balancer
    from chalicelib.services.grid.busy_sites import BusySites
    from chalicelib.services.grid.demand_response import DemandResponse
    from chalicelib.services.grid.dispatch import Dispatch
    from chalicelib.services.grid.driver_preferences import DriverPreferences
    from chalicelib.services.grid.energy import SiteEnergy
    from chalicelib.services.grid.outlooks import SiteOutlooks
    from chalicelib.services.grid.quarter_plans import QuarterPlans, WishingSites
    from chalicelib.services.grid.signal_feeds import SignalFeeds
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
            commands=self.commands,
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
            alarm_checks=self.alarm_checks,
            clock=self.clock,
        )

    @cached_property
    def utilities(self) -> Utilities:
        from chalicelib.adapters.grid.demand_spread import SqsUtilityAsks
        from chalicelib.adapters.grid.openadr3 import OpenAdr3
        from chalicelib.adapters.grid.utility_links import DynamoUtilityLinks
        from chalicelib.services.grid.utilities import ToldPrices, Utilities

        return Utilities(
            links=DynamoUtilityLinks(),
            servers=OpenAdr3(clock=self.clock, may_be_inside=self.may_webhooks_be_inside),
            demand_response=self.demand_response,
            prices=ToldPrices(self.signals),
            invocations=self.invocations,
            asks=SqsUtilityAsks(client("sqs"), self.setting("DEMAND_RESPONSE_QUEUE", "")),
            clock=self.clock,
            may_be_inside=self.may_webhooks_be_inside,
        )

    @cached_property
    def balancer(self) -> Balancer:
        from chalicelib.services.grid.balancer import Balancer
        from chalicelib.services.grid.demand_notes import DemandNotes
        from chalicelib.services.grid.entries import BookEntries
        from chalicelib.services.grid.obedience import Obedience

        return Balancer(
            managed_sites=self.managed_sites,
            sessions=self.sessions,
            entries=BookEntries(chargers=self.chargers, firmwares=self.firmwares, clock=self.clock),
            obedience=Obedience(firmwares=self.firmwares, alarm_checks=self.alarm_checks),
            demand_notes=DemandNotes(events=self.demand_events, looks=self.looks),
            dispatch=self.dispatch,
            power_waits=self.power_waits,
            looks=self.looks,
            plans=self.plans,
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
    def driver_preferences(self) -> DriverPreferences:
        from chalicelib.services.grid.driver_preferences import DriverPreferences

        return DriverPreferences(
            sessions=self.sessions,
            readings=self.readings,
            managed_sites=self.managed_sites,
            changes=self.changes,
            looks=self.looks,
        )

    @cached_property
    def wishing_sites(self) -> WishingSites:
        from chalicelib.services.grid.quarter_plans import WishingSites

        return WishingSites(managed_sites=self.managed_sites, plans=self.plans, clock=self.clock)

    @cached_property
    def planner(self) -> Planner:
        # Only the function that plans carries the solver.
        from chalicelib.adapters.grid.highs import Highs
        from chalicelib.services.grid.linear_planner import LinearPlanner

        return LinearPlanner(Highs())

    @cached_property
    def footprints(self) -> Footprints:
        from chalicelib.services.grid.footprints import SessionFootprints

        return SessionFootprints(outlooks=self.outlooks, evidence=self.evidence)

    @cached_property
    def quarter_plans(self) -> QuarterPlans:
        from chalicelib.services.grid.quarter_plans import QuarterPlans

        return QuarterPlans(
            managed_sites=self.managed_sites,
            outlooks=self.outlooks,
            planner=self.planner,
            changes=self.changes,
            balancer=self.balancer,
            alarm_checks=self.alarm_checks,
            clock=self.clock,
        )

    @cached_property
    def dispatch(self) -> Dispatch:
        from chalicelib.services.grid.dispatch import Dispatch

        return Dispatch(
            managed_sites=self.managed_sites,
            looks=self.looks,
            chargers=self.chargers,
            connectors=self.connectors,
            sockets=self.sockets,
            commands=self.commands,
            connections=self.connections,
            clock=self.clock,
        )

    @cached_property
    def energy_contracts(self) -> DynamoEnergyContracts:
        from chalicelib.adapters.grid.energy import DynamoEnergyContracts

        return DynamoEnergyContracts()

    @cached_property
    def signals(self) -> DynamoSignals:
        from chalicelib.adapters.grid.energy import DynamoSignals

        return DynamoSignals()

    @cached_property
    def signal_sources(self) -> Mapping[str, SignalSource]:
        """All there are, at the addresses that are set or else their own; only who fetches is told their keys."""
        from chalicelib.adapters.grid.signal_sources import HttpSource, by_source
        from chalicelib.protocol.signals.sources import SOURCES

        addresses = by_source(self.setting("SIGNAL_ADDRESSES", ""))

        def source(it: Source) -> HttpSource:
            return HttpSource(
                source=it,
                address=addresses.get(it.name, it.address),
                key=lambda: by_source(self.setting("SIGNAL_KEYS")).get(it.name, ""),
                clock=self.clock,
            )

        return {name: source(it) for name, it in SOURCES.items()}

    @cached_property
    def signal_feeds(self) -> SignalFeeds:
        from chalicelib.services.grid.signal_feeds import SignalFeeds

        return SignalFeeds(signals=self.signals, sources=self.signal_sources, clock=self.clock)

    @cached_property
    def outlooks(self) -> SiteOutlooks:
        from chalicelib.services.grid.outlooks import SiteOutlooks

        return SiteOutlooks(contracts=self.energy_contracts, signals=self.signals, clock=self.clock)

    @cached_property
    def site_energy(self) -> SiteEnergy:
        from chalicelib.services.grid.energy import SiteEnergy

        return SiteEnergy(
            contracts=self.energy_contracts,
            signals=self.signals,
            sources=self.signal_sources,
            sites=self.sites,
            # Who looks is told what is so now, and not a minute ago.
            outlooks=replace(self.outlooks, remembered=timedelta(0)),
            clock=self.clock,
        )
