"""A driver's payment cards: which there are, which one pays, and which one goes.

A card goes here first and at the provider second: cut off between, the provider knows a card that nobody names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.data_classes import dataclass
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Payments
from chalicelib.records.drivers import Driver, PaymentCard
from chalicelib.services.access import NotFound, Refusal

# Of a driver's sessions so many, the newest, are looked through for those that run.
_NEWEST = 25


@dataclass(frozen=True, kw_only=True)
class PaymentCards:
    """Lists, chooses and removes the cards of a driver."""

    drivers: Drivers
    sessions: Sessions
    payments: Callable[[], Payments]

    def of_driver(self, driver_id: str) -> tuple[Sequence[PaymentCard], str | None]:
        """All cards, the oldest first, and the name of the one that pays. Raises NotFound."""
        driver = self._driver(driver_id)
        return driver.wallet, driver.payment_method_id

    def choose(self, driver_id: str, payment_method_id: str) -> None:
        """Let another card pay from now on; charges under way are paid with it too. Raises NotFound."""

        def chosen(driver: Driver) -> Driver:
            try:
                return driver.paying_with(payment_method_id)
            except LookupError:
                raise NotFound(f"card {payment_method_id}") from None

        if self.drivers.change(driver_id, chosen) is None:
            raise NotFound(f"driver {driver_id}")

    def remove(self, driver_id: str, payment_method_id: str) -> None:
        """Keep a card no more; the newest of the others pays then. Raises NotFound.

        Raises Refusal for the last one, while something is owed or a session is under way.
        """
        driver = self._driver(driver_id)
        if all(it.payment_method_id != payment_method_id for it in driver.wallet):
            raise NotFound(f"card {payment_method_id}")
        if len(driver.wallet) == 1:
            if driver.owes:
                raise Refusal("open_balance", "a charge is not paid yet; pay it first (POST /v1/me/balance/pay)")
            if any(not it.is_over for it in self.sessions.of_driver(driver_id, _NEWEST, None)[0]):
                raise Refusal("session_open", "a session is under way; end it first")
        self.drivers.change(driver_id, lambda it: it.without_card(payment_method_id))
        self.payments().forget_card(payment_method_id)

    def _driver(self, driver_id: str) -> Driver:
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
