"""Wires the services of charging: transactions, session changes, metering, the monitor."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.reservations import ReservationServices

if TYPE_CHECKING:
    from chalicelib.services.charging.connector_statuses import ConnectorStatuses
    from chalicelib.services.charging.inferred_ends import InferredEnds
    from chalicelib.services.charging.live_news import LiveMarks, LiveNews
    from chalicelib.services.charging.local_starts import LocalStarts
    from chalicelib.services.charging.metering import Metering
    from chalicelib.services.charging.monitor import Monitor
    from chalicelib.services.charging.running_cost import RunningCosts
    from chalicelib.services.charging.session_changes import SessionChanges
    from chalicelib.services.charging.transaction_ids import TransactionIds
    from chalicelib.services.charging.transactions import TransactionEvents
    from chalicelib.services.charging.unclaimed import UnclaimedCharges
    from chalicelib.services.grid.claims import SiteClaims


class ChargingServices(ReservationServices):
    """Builds what takes in transactions and changes sessions. LOST_AFTER_H and UNCLAIMED_S set how long is waited."""

    @cached_property
    def changes(self) -> SessionChanges:
        from chalicelib.services.charging.session_changes import SessionChanges

        return SessionChanges(
            sessions=self.sessions,
            workflow=self.workflow,
            notifications=self.notifications,
            news=self.live_news,
            power_claims=self.power_claims,
        )

    @cached_property
    def power_claims(self) -> SiteClaims:
        from chalicelib.services.grid.claims import SiteClaims

        return SiteClaims(managed_sites=self.managed_sites, sessions=self.sessions, looks=self.looks, clock=self.clock)

    @cached_property
    def live_news(self) -> LiveNews:
        from chalicelib.services.charging.live_news import LiveNews

        return LiveNews(self.invocations, self.clock)

    @cached_property
    def live_marks(self) -> LiveMarks:
        from chalicelib.services.charging.live_news import LiveMarks

        return LiveMarks(self.sessions, self.transactions)

    @cached_property
    def transaction_ids(self) -> TransactionIds:
        from chalicelib.services.charging.transaction_ids import TransactionIds

        return TransactionIds(
            chargers=self.chargers,
            connectors=self.connectors,
            sessions=self.sessions,
            transactions=self.transactions,
            clock=self.clock,
        )

    @cached_property
    def monitor(self) -> Monitor:
        from chalicelib.services.charging.monitor import Monitor

        return Monitor(
            sessions=self.sessions,
            evidence=self.evidence,
            courses=self.courses,
            changes=self.changes,
            alerts=self.alerts,
            clock=self.clock,
        )

    @cached_property
    def running_costs(self) -> RunningCosts:
        from chalicelib.services.charging.running_cost import RunningCosts

        return RunningCosts(
            setups=self.setups,
            chargers=self.chargers,
            sessions=self.sessions,
            transactions=self.transactions,
            monitor=self.monitor,
            commands=self.commands,
            clock=self.clock,
            new_id=self.new_id,
        )

    @cached_property
    def metering(self) -> Metering:
        from chalicelib.services.charging.metering import Metering

        return Metering(
            evidence=self.evidence,
            signed=self.signed_evidence,
            readings=self.readings,
            changes=self.changes,
            sites=self.sites,
            chargers=self.chargers,
            setups=self.setups,
            clock=self.clock,
        )

    @cached_property
    def inferred_ends(self) -> InferredEnds:
        from chalicelib.services.charging.inferred_ends import InferredEnds

        return InferredEnds(
            chargers=self.chargers,
            connectors=self.connectors,
            sessions=self.sessions,
            transactions=self.transactions,
            readings=self.readings,
            history=self.history,
            changes=self.changes,
            watches=self.watches,
            clock=self.clock,
            lost_after=timedelta(hours=int(self.setting("LOST_AFTER_H", "24"))),
        )

    @cached_property
    def local_starts(self) -> LocalStarts:
        from chalicelib.services.charging.local_starts import LocalStarts

        return LocalStarts(
            connectors=self.connectors,
            sessions=self.sessions,
            sites=self.sites,
            tariffs=self.tariffs,
            drivers=self.drivers,
            history=self.history,
            changes=self.changes,
            driver_reservations=self.driver_reservations,
            ends=self.inferred_ends,
            watches=self.watches,
            check_payer=self.check_payer,
            clock=self.clock,
        )

    @cached_property
    def connector_statuses(self) -> ConnectorStatuses:
        from chalicelib.services.charging.connector_statuses import ConnectorStatuses

        return ConnectorStatuses(
            connectors=self.connectors,
            transaction_ids=self.transaction_ids,
            charger_log=self.charger_log,
            provisioning=self.provisioning,
            alerts=self.alerts,
            ends=self.inferred_ends,
            watches=self.watches,
            alarm_checks=self.alarm_checks,
            clock_told=self.managed_charger_news.clock_told,
            clock=self.clock,
        )

    @cached_property
    def charging(self) -> TransactionEvents:
        from chalicelib.services.charging.transaction_allowance import TransactionAllowance
        from chalicelib.services.charging.transaction_limit import TransactionLimit
        from chalicelib.services.charging.transactions import TransactionEvents

        return TransactionEvents(
            chargers=self.chargers,
            connectors=self.connectors,
            sessions=self.sessions,
            transactions=self.transactions,
            readings=self.readings,
            signed_values=self.signed_values,
            metering=self.metering,
            authorizations=self.authorizations,
            transaction_ids=self.transaction_ids,
            workflow=self.workflow,
            changes=self.changes,
            starts=self.local_starts,
            ends=self.inferred_ends,
            watches=self.watches,
            monitor=self.monitor,
            limits=TransactionLimit(self.transactions, self.changes),
            running_costs=self.running_costs,
            courses=self.courses,
            alerts=self.alerts,
            allowance=TransactionAllowance(self.allowances, self.transactions),
            clock=self.clock,
        )

    @cached_property
    def unclaimed(self) -> UnclaimedCharges:
        from chalicelib.services.charging.unclaimed import UnclaimedCharges

        return UnclaimedCharges(
            chargers=self.chargers,
            transactions=self.transactions,
            readings=self.readings,
            sessions=self.sessions,
            authorizations=self.authorizations,
            starts=self.local_starts,
            changes=self.changes,
            workflow=self.workflow,
            clock=self.clock,
            grace=timedelta(seconds=int(self.setting("UNCLAIMED_S", "900"))),
        )
