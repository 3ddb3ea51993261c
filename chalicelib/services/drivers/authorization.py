"""Who a token stands for, and whether they may charge now; a card has one name however its reader spells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.charging.session import Session, looks_like_app_token
from chalicelib.domain.drivers import spellings
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Sites
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers, TokenRegistry
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.drivers import NO_TERMS, Driver, Terms, Token, terms_with
from chalicelib.services.drivers.eligibility import can_pay, why_barred


@dataclass(frozen=True, slots=True)
class Authorization:
    """Who a token stands for: a session begun by app, or a driver with a card.

    `terms` are what the operator has agreed with that driver. `group` and `expires_at` are the card's.
    """

    standing: AuthorizationStatus
    driver_id: str | None = None
    session: Session | None = None
    terms: Terms = NO_TERMS
    group: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Authorizations:
    """Knows tokens. One read for a card or an app's token, and one more for a card's driver."""

    chargers: Chargers
    sessions: Sessions
    sites: Sites
    tariffs: Tariffs
    tokens: TokenRegistry
    drivers: Drivers
    clock: Clock

    def authorization(self, charger_id: str, operator_id: str, token: str) -> Authorization:
        """Who shows `token` at a charger of that operator."""
        if looks_like_app_token(token):
            session = self.sessions.get(token.upper())
            if session is not None and session.charger_id == charger_id:
                return Authorization(
                    AuthorizationStatus.EXPIRED if session.is_over else AuthorizationStatus.ACCEPTED,
                    session.driver_id,
                    session,
                )
        card = self._card(operator_id, token)
        if card is None:
            return Authorization(AuthorizationStatus.UNKNOWN)
        driver = self.drivers.get(card.driver_id)
        if card.is_blocked or driver is None or not self._may_charge(driver, operator_id, charger_id):
            return Authorization(AuthorizationStatus.BLOCKED)
        if card.expires_at is not None and card.expires_at <= self.clock():
            return Authorization(AuthorizationStatus.EXPIRED)
        return Authorization(
            standing=AuthorizationStatus.ACCEPTED,
            driver_id=card.driver_id,
            terms=terms_with(operator_id, driver.terms),
            group=card.group,
            expires_at=card.expires_at,
        )

    def _may_charge(self, driver: Driver, operator_id: str, charger_id: str) -> bool:
        """The rules of an app's driver. No read, but where there is no payment card."""
        terms = terms_with(operator_id, driver.terms)
        return why_barred(driver, operator_id) is None and can_pay(driver, lambda: self._tariff(terms, charger_id))

    def _tariff(self, terms: Terms, charger_id: str) -> Tariff | None:
        """The price at a charger. What is agreed holds wherever its site may be."""
        if terms.tariff_id is not None:
            return self.tariffs.get(terms.tariff_id)
        charger = self.chargers.get(charger_id)
        site = self.sites.get(charger.site_id) if charger else None
        return self.tariffs.get(terms.tariff_at(site.tariff_id)) if site else None

    def _card(self, operator_id: str, token: str) -> Token | None:
        for name in spellings(token):
            card = self.tokens.get(name)
            if card is not None and card.operator_id in (operator_id, ""):
                return card
        return None
