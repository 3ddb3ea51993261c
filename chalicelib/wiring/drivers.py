"""Wires the services of drivers: accounts, preferences, tokens, authorization, eligibility, account deletion."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.wiring.vehicles import VehicleServices

if TYPE_CHECKING:
    from chalicelib.domain.money.asked_charge import AskedCharge
    from chalicelib.records.chargers import Charger
    from chalicelib.records.drivers import TermsOfUse
    from chalicelib.services.chargers.message_log import ChargerLog
    from chalicelib.services.drivers.account_deletion import AccountDeletion
    from chalicelib.services.drivers.account_upkeep import AccountUpkeep
    from chalicelib.services.drivers.accounts import Accounts
    from chalicelib.services.drivers.authorization import Authorizations
    from chalicelib.services.drivers.eligibility import Eligibility
    from chalicelib.services.drivers.payment_cards import PaymentCards
    from chalicelib.services.drivers.preferences import Preferences
    from chalicelib.services.drivers.profile import DriverProfile
    from chalicelib.services.drivers.token_rules import TokenRules
    from chalicelib.services.drivers.tokens import DriverTokens, IssuedTokens
    from chalicelib.services.drivers.watches import Watches


class DriverServices(VehicleServices):
    """Builds what serves drivers; the payment provider is loaded only when an account needs it."""

    @cached_property
    def accounts(self) -> Accounts:
        from chalicelib.services.drivers.accounts import Accounts

        return Accounts(
            drivers=self.drivers,
            identity=self.identity,
            second_factors=self.second_factors,
            payments=lambda: self.payments,
            new_id=self.new_id,
            sleep=self.sleep,
        )

    @cached_property
    def payment_cards(self) -> PaymentCards:
        from chalicelib.services.drivers.payment_cards import PaymentCards

        return PaymentCards(drivers=self.drivers, sessions=self.sessions, payments=lambda: self.payments)

    @cached_property
    def driver_profile(self) -> DriverProfile:
        from chalicelib.services.drivers.profile import DriverProfile

        return DriverProfile(self.drivers)

    @cached_property
    def account_upkeep(self) -> AccountUpkeep:
        from chalicelib.services.drivers.account_upkeep import AccountUpkeep

        return AccountUpkeep(
            drivers=self.drivers,
            sessions=self.sessions,
            notifications=self.notifications,
            identity=self.identity,
            clock=self.clock,
        )

    @cached_property
    def watches(self) -> Watches:
        from chalicelib.services.drivers.watches import Watches

        return Watches(
            drivers=self.drivers,
            chargers=self.chargers,
            connectors=self.connectors,
            sessions=self.sessions,
            notifications=self.notifications,
            clock=self.clock,
            new_id=self.new_id,
        )

    @cached_property
    def charger_log(self) -> ChargerLog:
        # Those who wait at a charger are drivers, of whom chargers know nothing.
        return replace(super().charger_log, is_back=self._is_back)

    def _is_back(self, charger: Charger) -> None:
        # Drivers and their sessions are a third of what a socket's start would import, for the few that are waited for.
        if charger.watched_until is not None:
            self.watches.is_back(charger)

    @cached_property
    def token_rules(self) -> TokenRules:
        from chalicelib.services.drivers.token_rules import MISSES_AN_HOUR, TokenRules, caps_of

        return TokenRules(
            home_operator=self.setting("HOME_OPERATOR", ""),
            roams=self.setting("ROAMING", "1") == "1",
            caps=caps_of(self.setting("TOKEN_PRICE_CAPS", "")),
            misses_an_hour=int(self.setting("TOKEN_MISSES_PER_H", str(MISSES_AN_HOUR))),
        )

    @cached_property
    def authorizations(self) -> Authorizations:
        from chalicelib.services.drivers.authorization import Authorizations
        from chalicelib.services.drivers.token_payers import TokenPayers

        return Authorizations(
            chargers=self.chargers,
            sessions=self.sessions,
            sites=self.sites,
            tariffs=self.tariffs,
            tokens=self.tokens,
            drivers=self.drivers,
            setups=self.setups,
            knocks=self.knocks,
            operators=self.operators,
            clock=self.clock,
            rules=self.token_rules,
            has_prepaid=self.has_prepaid,
            payers=TokenPayers(chargers=self.chargers, sites=self.sites, check=self.check_payer, clock=self.clock),
        )

    @cached_property
    def eligibility(self) -> Eligibility:
        from chalicelib.services.drivers.eligibility import Eligibility

        return Eligibility(
            chargers=self.chargers,
            connectors=self.connectors,
            sites=self.sites,
            tariffs=self.tariffs,
            drivers=self.drivers,
            sessions=self.sessions,
            reservations=self.reservations,
            operators=self.operators,
            has_prepaid=self.has_prepaid,
            clock=self.clock,
            terms_of_use=self.terms_of_use,
        )

    def has_prepaid(self, driver_id: str, currency: str, amount_minor: int) -> bool:
        """Answered where wallets are (`wiring/money.py`)."""
        raise NotImplementedError

    def check_payer(self, it: AskedCharge) -> int | None:
        """Answered where organisations are (`wiring/money.py`)."""
        raise NotImplementedError

    @cached_property
    def terms_of_use(self) -> TermsOfUse:
        from chalicelib.records.drivers import TermsOfUse

        return TermsOfUse(
            version=self.setting("TERMS_VERSION", ""),
            url=self.setting("TERMS_URL", ""),
            is_required=self.setting("TERMS_REQUIRED", "0") == "1",
        )

    @cached_property
    def preferences(self) -> Preferences:
        from chalicelib.services.drivers.preferences import Preferences

        return Preferences(self.drivers, self.terms_of_use, self.clock)

    @cached_property
    def driver_tokens(self) -> DriverTokens:
        from chalicelib.services.drivers.tokens import DriverTokens

        return DriverTokens(
            tokens=self.tokens,
            tariffs=self.tariffs,
            drivers=self.drivers,
            sessions=self.sessions,
            clock=self.clock,
        )

    @cached_property
    def issued_tokens(self) -> IssuedTokens:
        from chalicelib.services.drivers.tokens import IssuedTokens

        return IssuedTokens(
            tokens=self.tokens,
            drivers=self.drivers,
            notifications=self.notifications,
            rules=self.token_rules,
            clock=self.clock,
        )

    @cached_property
    def account_deletion(self) -> AccountDeletion:
        from chalicelib.services.drivers.account_deletion import AccountDeletion

        return AccountDeletion(
            drivers=self.drivers,
            tokens=self.tokens,
            sessions=self.sessions,
            transactions=self.transactions,
            reservations=self.reservations,
            outbox=self.outbox,
            fault_reports=self.fault_reports,
            watches=self.watches,
            memberships=self.memberships,
            cars=self.car_linking,
            identity=self.identity,
            wallets=self.wallets,
            organisations=self.organisations,
            pay_out=self.pay_out_wallets,
            payments=lambda: self.payments,
            invocations=self.invocations,
            clock=self.clock,
            new_id=self.new_id,
        )

    def pay_out_wallets(self, driver_id: str) -> None:
        """Done where money moves (`wiring/money.py`)."""
        raise NotImplementedError
