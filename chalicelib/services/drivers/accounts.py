"""Drivers' accounts: registration, login and log-out, password and e-mail address, and the card that pays.

An account is an identity kept elsewhere and a card kept elsewhere; here are only their names. A driver begins with the
first login, which nobody has before the address is proven: who never proves it leaves nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import NewId
from chalicelib.ports.access import SecondFactors
from chalicelib.ports.drivers import Drivers, Identity
from chalicelib.ports.money import Payments
from chalicelib.records.drivers import AcceptedTerms, CodeNeeded, Driver, Login, NotAllowed, PaymentCard
from chalicelib.records.money import CardSetup
from chalicelib.services.access import NotFound, Refusal

# A token's time is whole seconds: of those issued in the second of a log-out nobody can tell which are new.
_LONGEST_WAIT_S = 3
_MOST_CARDS = 10


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Registers drivers, logs them in and out, and saves the card that pays."""

    drivers: Drivers
    identity: Identity
    second_factors: SecondFactors
    payments: Callable[[], Payments]
    new_id: NewId
    sleep: Callable[[float], None]

    def register(self, email: str, password: str, locale: str = "", accepted: AcceptedTerms | None = None) -> Driver:
        """Open an account; a code goes to its address. Raises AlreadyRegistered, NotAllowed, MailUnavailable.

        `locale` is what its driver reads, as far as is known, and `accepted` the terms of use they accept with this.
        """
        driver_id = self.identity.register(email, password, locale, accepted)
        return Driver(driver_id=driver_id, email=email, locale=locale, accepted=(accepted,) if accepted else ())

    def confirm(self, email: str, code: str) -> None:
        """Prove the address by the code sent there. Raises NotAllowed for a wrong code."""
        self.identity.confirm(email, code)

    def resend(self, email: str) -> None:
        """Send another code to prove the address, if it has an account that needs one. Raises MailUnavailable."""
        self.identity.resend(email)

    def log_in(self, email: str, password: str, code: str = "") -> Login:
        """OIDC tokens for that password, with a code where the account asks for one.

        Raises NotAllowed, for a wrong password and an unknown address alike; CodeNeeded.
        """
        login = self.identity.log_in(email, password, code)
        driver = self.drivers.get(login.account_id)
        if driver is None:
            told = self.identity.enrolment_of(login.access_token)
            driver = Driver(driver_id=login.account_id, email=told.email, locale=told.locale, accepted=told.accepted)
            self.drivers.put(driver)
        # That a code was asked for and was right is seen here, and believed of nobody.
        if login.had_code:
            self.second_factors.note_proven(login.account_id, login.login_id, _second(login))
        elif driver.second_factor_since is not None:
            # Whoever holds a token can have the identity provider ask for no code.
            self.second_factors.forget(login.account_id)
        return self._newer(login, driver.tokens_from_s)

    def refresh(self, refresh_token: str) -> Login:
        """New OIDC tokens without the password. Raises NotAllowed for a refresh token that is over."""
        return self.identity.refresh(refresh_token)

    def check(self, driver_id: str, issued_s: int) -> Driver:
        """The driver, if an access token of theirs still counts. One read.

        Raises NotAllowed when its driver has logged out everywhere since, or there is no such account any more.
        """
        driver = self.drivers.get(driver_id)
        if driver is None or issued_s < driver.tokens_from_s:
            raise NotAllowed("log in again")
        return driver

    def log_out(self, driver_id: str) -> None:
        """Everywhere: no token that was given out until now is good for anything. Safe to repeat."""
        tokens_from_s = self.identity.sign_out(driver_id)
        self.drivers.change(driver_id, lambda it: replace(it, tokens_from_s=max(it.tokens_from_s, tokens_from_s)))

    def forgot_password(self, email: str) -> None:
        """Send a code to set another password, if the address has an account. Raises MailUnavailable."""
        self.identity.send_reset(email)

    def reset_password(self, email: str, code: str, password: str) -> None:
        """Set another password by the code that was mailed; who knew the old one is out. Raises NotAllowed."""
        self.log_out(self.identity.reset(email, code, password))

    def change_password(self, driver_id: str, access_token: str, old: str, new: str, code: str = "") -> Login:
        """Set another password by the old one; all are out but whoever calls. Raises NotAllowed, CodeNeeded, NotFound.

        Where the code is wrong the password is another one, and everybody is out.
        """
        driver = self.driver(driver_id)
        if driver.second_factor_since is not None and not code:
            raise CodeNeeded("this account asks for the code of its authenticator as well: send it as `code`")
        self.identity.change_password(access_token, old, new)
        self.log_out(driver_id)
        return self.log_in(driver.email, new, code)

    def begin_second_factor(self, driver: Driver, access_token: str, *, is_proven: bool) -> str:
        """The secret for an authenticator. Whoever has one needs a login that took its code.

        Raises Refusal, NotAllowed.
        """
        self._check_proven(driver, is_proven=is_proven)
        return self.identity.begin_second_factor(access_token)

    def confirm_second_factor(self, driver: Driver, access_token: str, login_id: str, code: str, at: datetime) -> None:
        """From now on this person's logins need a code; the present one has just had it. Raises NotAllowed."""
        self.identity.confirm_second_factor(access_token, code)
        self.second_factors.note_proven(driver.driver_id, login_id, at)

    def end_second_factor(self, driver: Driver, access_token: str, *, is_proven: bool) -> None:
        """From now on they need none. Raises Refusal, NotAllowed."""
        self._check_proven(driver, is_proven=is_proven)
        self.identity.end_second_factor(access_token)
        self.second_factors.forget(driver.driver_id)

    def recognise(self, driver_id: str, password: str) -> None:
        """Whether it is the driver themselves who holds their token. Raises NotAllowed, NotFound."""
        self.identity.log_in(self.driver(driver_id).email, password)

    def change_email(self, access_token: str, email: str) -> None:
        """Send a code to another address. Raises AlreadyRegistered, NotAllowed, MailUnavailable."""
        self.identity.change_email(access_token, email)

    def confirm_email(self, driver_id: str, access_token: str, code: str) -> Driver:
        """Another address counts, by the code sent there. Raises AlreadyRegistered, NotAllowed, NotFound."""
        email = self.identity.confirm_email(access_token, code)
        driver = self._changed(driver_id, email=email)
        if driver.customer_id is not None:
            self.payments().change_email(driver.customer_id, email)
        return driver

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
            try:
                driver = self._changed(driver_id, customer_id=customer_id)
            except NotFound:
                # The account was deleted at this moment; nobody else would forget what was just told.
                self.payments().forget_customer(customer_id)
                raise
        return self.payments().begin_card_setup(driver.customer_id or "", self.new_id())

    def save_card(self, driver_id: str, setup_id: str) -> Driver:
        """Make the card of a finished setup the one that pays. Raises NotFound, Refusal."""
        driver = self.driver(driver_id)
        card = self.payments().saved_card(driver.customer_id, setup_id) if driver.customer_id else None
        if card is None:
            raise Refusal("card_not_ready", "this card setup is not finished, or is not yours")
        kept = PaymentCard(
            payment_method_id=card.payment_method_id, label=card.label, expires=card.expires, wallet=card.wallet
        )
        if len(driver.with_card(kept).wallet) > _MOST_CARDS:
            raise Refusal("too_many_payment_cards", f"an account has {_MOST_CARDS} cards at the most; remove one first")
        known: dict[str, str] = {}
        if card.fingerprint:
            self.drivers.share_card(driver_id, card.fingerprint)
            known = {card.payment_method_id: card.fingerprint}
        return self._changed_by(
            driver_id, lambda it: replace(it.with_card(kept), fingerprints={**it.fingerprints, **known})
        )

    def _check_proven(self, driver: Driver, *, is_proven: bool) -> None:
        if driver.second_factor_since is not None and not is_proven:
            raise Refusal("second_factor_needed", "log in again with the code of the second factor that there is")

    def _changed(self, driver_id: str, **facts: Any) -> Driver:
        return self._changed_by(driver_id, lambda it: replace(it, **facts))

    def _changed_by(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver:
        """The payment provider took its time: what else was written meanwhile stays. Raises NotFound if they left."""

        def unless_left(driver: Driver) -> Driver:
            if driver.leaving_since is not None:
                raise NotFound(f"driver {driver_id}")
            return change(driver)

        driver = self.drivers.change(driver_id, unless_left)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver

    def _newer(self, login: Login, tokens_from_s: int) -> Login:
        """A login of the very second in which its driver logged out everywhere is taken once more, a second later."""
        waited_s = tokens_from_s - login.issued_s
        if not 0 < waited_s <= _LONGEST_WAIT_S or login.refresh_token is None:
            return login
        self.sleep(waited_s)
        return replace(self.identity.refresh(login.refresh_token), refresh_token=login.refresh_token)


def _second(login: Login) -> datetime:
    return datetime.fromtimestamp(login.issued_s, UTC)
