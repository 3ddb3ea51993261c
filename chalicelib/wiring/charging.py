"""Services of charges: transactions, session changes, metering, the monitor."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.monitor import Monitor
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import TransactionIds
from chalicelib.services.charging.transactions import TransactionEvents
from chalicelib.services.charging.unclaimed import UnclaimedCharges
from chalicelib.wiring.reservations import ReservationServices


class ChargingServices(ReservationServices):
    """Services of charges: transactions, session changes, metering, the monitor."""

    @cached_property
    def changes(self) -> SessionChanges:
        return SessionChanges(self.sessions, self.workflow, self.notifications)

    @cached_property
    def transaction_ids(self) -> TransactionIds:
        return TransactionIds(self.chargers, self.sessions, self.transactions, self.clock)

    @cached_property
    def monitor(self) -> Monitor:
        return Monitor(self.sessions, self.readings, self.changes, self.alerts, self.clock)

    @cached_property
    def metering(self) -> Metering:
        return Metering(self.readings, self.changes)

    @cached_property
    def charging(self) -> TransactionEvents:
        return TransactionEvents(
            chargers=self.chargers,
            sessions=self.sessions,
            transactions=self.transactions,
            readings=self.readings,
            catalog=self.catalog,
            authorizations=self.authorizations,
            transaction_ids=self.transaction_ids,
            workflow=self.workflow,
            changes=self.changes,
            driver_reservations=self.driver_reservations,
            monitor=self.monitor,
            alerts=self.alerts,
            clock=self.clock,
        )

    @cached_property
    def unclaimed(self) -> UnclaimedCharges:
        return UnclaimedCharges(
            self.transactions, self.charging, self.clock, timedelta(seconds=int(self.setting("UNCLAIMED_S", "900")))
        )
