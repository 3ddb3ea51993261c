"""A driver's session and its workflow."""

from __future__ import annotations

from functools import cached_property

from chalicelib.services.sessions.driver_sessions import DriverSessions
from chalicelib.services.sessions.lifecycle import Lifecycle
from chalicelib.wiring.money import MoneyServices


class SessionServices(MoneyServices):
    """A driver's session and its workflow."""

    @cached_property
    def lifecycle(self) -> Lifecycle:
        return Lifecycle(
            sessions=self.sessions,
            readings=self.readings,
            chargers=self.chargers,
            ledger=self.ledger,
            workflow=self.workflow,
            changes=self.changes,
            commands=self.commands,
            metering=self.metering,
            funds=self.funds,
            issued_receipts=self.issued_receipts,
            clock=self.clock,
        )

    @cached_property
    def driver_sessions(self) -> DriverSessions:
        return DriverSessions(
            sessions=self.sessions,
            readings=self.readings,
            chargers=self.chargers,
            catalog=self.catalog,
            eligibility=self.eligibility,
            driver_reservations=self.driver_reservations,
            issued_receipts=self.issued_receipts,
            workflow=self.workflow,
            changes=self.changes,
            clock=self.clock,
            new_id=self.new_id,
        )
