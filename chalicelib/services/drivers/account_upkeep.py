"""What time alone brings about in accounts: cards that expire are told of, addresses nobody proved are forgotten."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.card_expiry import expires_soon, expiring_months
from chalicelib.domain.notifications import NotificationKind
from chalicelib.ports import Clock
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers, Identity
from chalicelib.records.drivers import Driver
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.notifications.outbox import Notifications

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AccountUpkeep:
    """Run by a schedule. A driver who is told costs four calls; one in fifty of all drivers is, in a month."""

    drivers: Drivers
    sessions: Sessions
    notifications: Notifications
    identity: Identity
    clock: Clock

    def tell_of_expiry(self, part: Part = WHOLE) -> int:
        """Tell drivers, once, that the card which pays will expire; returns how many."""
        told = 0
        for driver in part.in_time(self._expiring(part.shard), self.clock):
            try:
                told += self._tell(driver)
            except Exception:
                # One who cannot be told must not keep the others.
                _log.exception("not told", extra={"driver_id": driver.driver_id})
        return told

    def forget_unproven(self, part: Part = WHOLE) -> int:
        """Forget the accounts whose address nobody has proven in time; returns how many."""
        return sum(1 for _ in part.in_time(self.identity.forget_unproven(), self.clock))

    def _tell(self, driver: Driver) -> int:
        newest, _ = self.sessions.of_driver(driver.driver_id, 1, None)
        # Who has never charged finds it in the app, before the first charge.
        for session in newest:
            self.notifications.tell(session, NotificationKind.CARD_EXPIRES)
        self.drivers.change(driver.driver_id, lambda it: replace(it, told_expiry=it.untold_expiry or it.told_expiry))
        return len(newest)

    def _expiring(self, shard: int | None) -> Iterator[Driver]:
        today = self.clock().date()
        for month in expiring_months(today):
            for driver in self.drivers.expiring(month, shard):
                if expires_soon(month, today):
                    yield driver
