"""Drivers' accounts: registration, login, and the card that pays.

An account is an identity kept elsewhere and a card kept elsewhere; here are only their names.
"""

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
    """Registers drivers, logs them in, and saves the card that pays."""

    drivers: Drivers
    identity: Identity
    payments: Callable[[], Payments]
    new_id: NewId

    def register(self, email: str, password: str, locale: str = "") -> Driver:
        """Open an account; a code goes to its address. Raises AlreadyRegistered, NotAllowed (a weak password, say).

        `locale` is what its driver reads, as far as is known.
        """
        driver = Driver(driver_id=self.identity.register(email, password), email=email, locale=locale)
        self.drivers.put(driver)
        return driver

    def confirm(self, email: str, code: str) -> None:
        """Prove the address by the code sent there. Raises NotAllowed for a wrong code."""
        self.identity.confirm(email, code)

    def log_in(self, email: str, password: str) -> Login:
        """OIDC tokens for that password. Raises NotAllowed, for a wrong password and an unknown address alike."""
        login = self.identity.log_in(email, password)
        if self.drivers.get(login.account_id) is None:
            # Registration died between the identity and the driver; whoever logs in is made whole.
            self.drivers.put(Driver(driver_id=login.account_id, email=email))
        return login

    def refresh(self, refresh_token: str) -> Login:
        """New OIDC tokens without the password. Raises NotAllowed for a refresh token that is over."""
        return self.identity.refresh(refresh_token)

    def driver(self, driver_id: str) -> Driver:
        """The driver of that account. Raises NotFound for an unknown id."""
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
        fingerprints = dict(driver.fingerprints)
        if card.fingerprint:
            self.drivers.share_card(driver_id, card.fingerprint)
            fingerprints[card.payment_method_id] = card.fingerprint
        return self._changed(
            driver_id, payment_method_id=card.payment_method_id, card=card.label, fingerprints=fingerprints
        )

    def _changed(self, driver_id: str, **facts: Any) -> Driver:
        """The payment provider took its time: what else was written meanwhile stays."""
        driver = self.drivers.change(driver_id, lambda it: replace(it, **facts))
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
