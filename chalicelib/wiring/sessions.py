"""Wires a driver's sessions, the steps of their workflow, and what operators do with sessions by hand."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.money import MoneyServices
from chalicelib.wiring.stores import client

if TYPE_CHECKING:
    from chalicelib.ports.grid import Plans
    from chalicelib.services.grid.power_waits import PowerWaits
    from chalicelib.services.sessions.adhoc_payments import AdhocPayments
    from chalicelib.services.sessions.cable_release import CableRelease
    from chalicelib.services.sessions.driver_sessions import DriverSessions
    from chalicelib.services.sessions.hand_settlement import HandSettlement
    from chalicelib.services.sessions.lifecycle import Lifecycle
    from chalicelib.services.sessions.live_views import LiveViews
    from chalicelib.services.sessions.overstays import Overstays


class SessionServices(MoneyServices):
    """Builds sessions and their lifecycle on top of charging and money."""

    @cached_property
    def lifecycle(self) -> Lifecycle:
        from chalicelib.services.sessions.lifecycle import Lifecycle

        return Lifecycle(
            sessions=self.sessions,
            evidence=self.evidence,
            courses=self.courses,
            chargers=self.chargers,
            watches=self.watches,
            transactions=self.transactions,
            workflow=self.workflow,
            changes=self.changes,
            commands=self.commands,
            metering=self.metering,
            ends=self.inferred_ends,
            late_ends=self.late_ends,
            overstays=self.overstays,
            alarm_checks=self.alarm_checks,
            funds=self.funds,
            debts=self.debts,
            corrections=self.corrections,
            issued_receipts=self.issued_receipts,
            terminal_payments=self.terminal_payments,
            clock=self.clock,
        )

    @cached_property
    def overstays(self) -> Overstays:
        from chalicelib.services.sessions.overstays import Overstays

        return Overstays(
            courses=self.courses,
            chargers=self.chargers,
            transactions=self.transactions,
            history=self.history,
            changes=self.changes,
            notifications=self.notifications,
            clock=self.clock,
        )

    @cached_property
    def hand_settlement(self) -> HandSettlement:
        from chalicelib.services.sessions.hand_settlement import HandSettlement

        return HandSettlement(
            sessions=self.sessions,
            watches=self.watches,
            workflow=self.workflow,
            metering=self.metering,
            changes=self.changes,
            clock=self.clock,
        )

    @cached_property
    def cable_release(self) -> CableRelease:
        from chalicelib.services.sessions.cable_release import CableRelease

        return CableRelease(
            connectors=self.connectors,
            sessions=self.sessions,
            calls=self.calls,
            commands=self.commands,
            clock=self.clock,
            sleep=self.sleep,
        )

    @cached_property
    def plans(self) -> Plans:
        from chalicelib.adapters.grid.plans import SqsPlans

        return SqsPlans(client("sqs"), self.setting("PLANS_QUEUE", ""))

    @cached_property
    def power_waits(self) -> PowerWaits:
        from chalicelib.services.grid.power_waits import PowerWaits

        return PowerWaits(
            managed_sites=self.managed_sites,
            sessions=self.sessions,
            transactions=self.transactions,
            tell=self.notifications.tell,
            news=self.live_news.read,
            foretell=self.plans.foretell,
        )

    @cached_property
    def driver_sessions(self) -> DriverSessions:
        from chalicelib.services.sessions.driver_sessions import DriverSessions
        from chalicelib.services.sessions.start_limits import StartLimits

        return DriverSessions(
            sessions=self.sessions,
            readings=self.readings,
            evidence=self.evidence,
            courses=self.courses,
            connectors=self.connectors,
            eligibility=self.eligibility,
            driver_reservations=self.driver_reservations,
            organisations=self.paying_organisations,
            chain=self.chain_payments,
            issued_receipts=self.issued_receipts,
            debts=self.debts,
            workflow=self.workflow,
            changes=self.changes,
            start_limits=StartLimits(self.drivers, self.sessions, self.clock),
            power_wait=self.power_waits.of,
            clock=self.clock,
            new_id=self.new_id,
            start_wait=timedelta(seconds=int(self.setting("START_WAIT_S", "60"))),
        )

    @cached_property
    def live_views(self) -> LiveViews:
        from chalicelib.services.sessions.live_views import LiveViews

        return LiveViews(
            viewers=self.viewers, link=self.viewer_link, accounts=self.accounts, clock=self.clock, new_id=self.new_id
        )

    @cached_property
    def adhoc_payments(self) -> AdhocPayments:
        from chalicelib.services.sessions.adhoc_payments import AdhocPayments

        return AdhocPayments(
            checkouts=self.checkouts,
            guests=self.drivers,
            drivers=self.drivers,
            sessions=self.sessions,
            eligibility=self.eligibility,
            driver_sessions=self.driver_sessions,
            payments=lambda: self.payments,
            clock=self.clock,
            new_id=self.new_id,
        )
