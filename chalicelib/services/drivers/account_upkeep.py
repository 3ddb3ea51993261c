"""What time alone brings about in accounts: cards that expire are told of, addresses nobody proved are forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain.money.card_expiry import expires_soon, expiring_months
from chalicelib.domain.notifications import NotificationKind
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers, Identity
from chalicelib.records.drivers import Driver
from chalicelib.services.notifications.outbox import Notifications

# A run ends before the function's 30 s are over; the next one goes on, for who was told is no longer on the list.
_RUN = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class AccountUpkeep:
    """Run by a schedule. A driver who is told costs four calls; one in fifty of all drivers is, in a month."""

    drivers: Drivers
    sessions: Sessions
    notifications: Notifications
    identity: Identity
    clock: Clock

    def tell_of_expiry(self) -> int:
        """Tell drivers, once, that the card which pays will expire; returns how many."""
        began_at = self.clock()
        told = 0
        for driver in self._expiring():
            if self.clock() - began_at > _RUN:
                break
            newest, _ = self.sessions.of_driver(driver.driver_id, 1, None)
            # Who has never charged finds it in the app, before the first charge.
            for session in newest:
                self.notifications.tell(session, NotificationKind.CARD_EXPIRES)
            self.drivers.change(
                driver.driver_id, lambda it: replace(it, told_expiry=it.untold_expiry or it.told_expiry)
            )
            told += len(newest)
        return told

    def forget_unproven(self) -> int:
        """Forget the accounts whose address nobody has proven in time; returns how many."""
        return self.identity.forget_unproven()

    def _expiring(self) -> Iterator[Driver]:
        today = self.clock().date()
        for month in expiring_months(today):
            for driver in self.drivers.expiring(month):
                if expires_soon(month, today):
                    yield driver
