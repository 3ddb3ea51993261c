"""A driver's account is an identity kept elsewhere and a card kept elsewhere; here are only their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.ports import NewId
from chalicelib.ports.drivers import Drivers, Identity
from chalicelib.ports.money import Payments
from chalicelib.records.drivers import Driver, Login
from chalicelib.records.money import CardSetup
from chalicelib.services.access import NotFound, Refusal


@dataclass(frozen=True)
class Accounts:
    """Registration, login and cards."""

    drivers: Drivers
    identity: Identity
    payments: Callable[[], Payments]
    new_id: NewId

    def register(self, email: str, password: str) -> Driver:
        """Raises AlreadyRegistered, NotAllowed."""
        driver = Driver(self.identity.register(email, password), email)
        self.drivers.put(driver)
        return driver

    def confirm(self, email: str, code: str) -> None:
        """Raises NotAllowed."""
        self.identity.confirm(email, code)

    def log_in(self, email: str, password: str) -> Login:
        """Raises NotAllowed."""
        login = self.identity.log_in(email, password)
        if self.drivers.get(login.account_id) is None:
            # Registration died between the identity and the driver; whoever logs in is made whole.
            self.drivers.put(Driver(login.account_id, email))
        return login

    def refresh(self, refresh_token: str) -> Login:
        """Raises NotAllowed."""
        return self.identity.refresh(refresh_token)

    def driver(self, driver_id: str) -> Driver:
        """Raises NotFound."""
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver

    def begin_card_setup(self, driver_id: str) -> CardSetup:
        """What the driver's own client needs to give its card to the payment provider. Raises NotFound."""
        driver = self.driver(driver_id)
        if driver.customer_id is None:
            customer_id = self.payments().create_customer(driver.driver_id, driver.email)
            driver = self._changed(driver_id, customer_id=customer_id)
        return self.payments().begin_card_setup(driver.customer_id or "", self.new_id())

    def save_card(self, driver_id: str, setup_id: str) -> Driver:
        """Make the card of a finished setup the one that pays. Raises NotFound, Refusal."""
        driver = self.driver(driver_id)
        card = self.payments().saved_card(driver.customer_id, setup_id) if driver.customer_id else None
        if card is None:
            raise Refusal("card_not_ready", "this card setup is not finished, or is not yours")
        return self._changed(driver_id, payment_method_id=card.payment_method_id, card=card.label)

    def _changed(self, driver_id: str, **facts: Any) -> Driver:
        """The payment provider took its time: what else was written meanwhile stays."""
        driver = self.drivers.change(driver_id, lambda it: replace(it, **facts))
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
