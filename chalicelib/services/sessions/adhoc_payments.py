"""Ad-hoc payment: a charge paid by card without an account (AFIR Art. 5(1)(c)), held together by a checkout's secret.

A checkout has one payer, whose card is asked once for what the tariff holds, and one session; both bear its name, so
that paying again is the same payment. Whoever lacks the secret learns not even that the checkout exists.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.preferences import ChargingPreferences
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.sessions import Checkout, may_be_anothers, secret_hash
from chalicelib.ports import Clock, NewId
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import Payments
from chalicelib.ports.sessions import Checkouts, Guests
from chalicelib.records.drivers import Driver
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.drivers.eligibility import AvailableConnector, Eligibility
from chalicelib.services.sessions.driver_sessions import DriverSessions, Wanted
from chalicelib.services.sessions.progress import Progress, progress

_SECRET_BYTES = 32
# As long as a cardholder may dispute a payment, and a little more.
_PAYER_KEPT_FOR = timedelta(days=180)
_SOME_CARD = "pm_to_be_given"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestPayment:
    """What somebody without an account pays with: the provider's name for their card, and where the receipt goes.

    `preferences`: how their car is to charge.
    """

    payment_method_id: str | None = None
    email: str = ""
    limits: Limits | None = None
    preferences: ChargingPreferences | None = None


@dataclass(frozen=True, kw_only=True)
class AdhocPayments:
    """Opens checkouts, takes their payment, and lets their payer watch and end the charge."""

    checkouts: Checkouts
    guests: Guests
    drivers: Drivers
    sessions: Sessions
    eligibility: Eligibility
    driver_sessions: DriverSessions
    payments: Callable[[], Payments]
    clock: Clock
    new_id: NewId

    def open(self, charger_id: str, connector: ConnectorId) -> tuple[Checkout, str]:
        """A checkout for a connector that is free, and its secret, told this once. Raises NotFound, Refusal."""
        now = self.clock()
        checkout_id = self.new_id()
        somebody = Driver(driver_id=checkout_id, email="", payment_method_id=_SOME_CARD)
        spot = self.eligibility.spot(somebody, charger_id, connector)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        checkout = Checkout(
            checkout_id=checkout_id,
            secret_hash=secret_hash(secret),
            charger_id=charger_id,
            connector=connector,
            site_id=spot.site.site_id,
            tariff=spot.tariff,
            time_zone=spot.site.time_zone,
            created_at=now,
        )
        _refuse_anothers_car(checkout, spot)
        self.checkouts.add(checkout)
        return checkout, secret

    def look(self, checkout_id: str, secret: str) -> tuple[Checkout, Progress | None]:
        """A checkout, and how its charge goes if it was paid. Raises NotFound."""
        checkout = self._opened(checkout_id, secret)
        if self.sessions.get(checkout.session_id) is None:
            return checkout, None
        return checkout, self.driver_sessions.watch(checkout.payer_id, checkout.session_id)

    def pay(self, checkout_id: str, secret: str, payment: GuestPayment) -> tuple[Checkout, Progress, bool]:
        """Begin the charge, its money set aside first; whether it is new. Raises NotFound, Refusal."""
        checkout = self._opened(checkout_id, secret)
        try:
            self._check(checkout)
        except Refusal:
            # What stands in the way may be its own charge, begun before or at this moment.
            if self.sessions.get(checkout.session_id) is None:
                raise
        self._keep_payer(checkout, payment)
        limits = checkout.bounded(payment.limits)
        wanted = Wanted(checkout.charger_id, checkout.connector, limits, payment.preferences)
        session, is_new = self.driver_sessions.begin(checkout.payer_id, wanted, checkout.key)
        return checkout, progress(session), is_new

    def stop(self, checkout_id: str, secret: str) -> tuple[Checkout, Progress]:
        """Ask for the end of the charge; asking again changes nothing. Raises NotFound, also where none began."""
        checkout = self._opened(checkout_id, secret)
        return checkout, self.driver_sessions.end(checkout.payer_id, checkout.session_id)

    def _opened(self, checkout_id: str, secret: str) -> Checkout:
        checkout = self.checkouts.get(checkout_id)
        if checkout is None or not checkout.is_opened_by(secret) or self.clock() >= checkout.good_until:
            raise NotFound(f"checkout {checkout_id}")
        return checkout

    def _check(self, checkout: Checkout) -> None:
        """Raises NotFound, Refusal unless what was offered still holds: the time, the connector, the price, the car."""
        if self.clock() >= checkout.pay_before:
            raise Refusal("checkout_expired", "nobody has paid in time; scan the code at the charger again")
        somebody = Driver(driver_id=checkout.payer_id, email="", payment_method_id=_SOME_CARD)
        spot = self.eligibility.spot(somebody, checkout.charger_id, checkout.connector)
        if spot.tariff != checkout.tariff:
            raise Refusal("price_changed", "the price has just changed; scan the code at the charger again")
        _refuse_anothers_car(checkout, spot)

    def _keep_payer(self, checkout: Checkout, payment: GuestPayment) -> None:
        """The first who pays is the payer, and a card of another's is none."""
        known = self.drivers.get(checkout.payer_id)
        if known is None:
            guest = self._guest(checkout, payment)
            if self.guests.add_guest(guest, self.clock() + _PAYER_KEPT_FOR):
                return
            known = self.drivers.get(checkout.payer_id) or guest
        if known.payment_method_id != payment.payment_method_id:
            raise Refusal("checkout_used", "this was paid with another card; scan the code at the charger again")

    def _guest(self, checkout: Checkout, payment: GuestPayment) -> Driver:
        guest = Driver(driver_id=checkout.payer_id, email=payment.email)
        if payment.payment_method_id is None:
            if not checkout.tariff.is_free:
                raise Refusal("no_card", "a card is needed: charging here is not free")
            return guest
        card = self.payments().guests_card(payment.payment_method_id)
        if card is None:
            raise Refusal("card_not_ready", "there is no such card that was given for this payment")
        return Driver(
            driver_id=guest.driver_id,
            email=guest.email,
            payment_method_id=payment.payment_method_id,
            card=card.label,
        )


def _refuse_anothers_car(checkout: Checkout, spot: AvailableConnector) -> None:
    if may_be_anothers(spot.state.status, spot.state.status_at, checkout.created_at):
        raise Refusal(
            "plug_in_again",
            f"a car has stood at connector {checkout.connector} for a while; if it is yours, plug it in anew",
        )
