"""Authorizes tokens: whom one stands for, and whether they may charge now, however its reader spells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.charging.session import Session, looks_like_app_token
from chalicelib.domain.drivers import spellings
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Catalog, Drivers
from chalicelib.records.drivers import Driver, Terms, Token


@dataclass(frozen=True, slots=True)
class Authorization:
    """Whom a token stands for (OCPI AuthorizationInfo): a session begun by app, or a driver with an RFID token.

    `standing` is the token's authorization status. `tariff_id` is what the operator has agreed with that driver, if
    anything. `group` and `expires_at` are the token's.
    """

    standing: AuthorizationStatus
    driver_id: str | None = None
    session: Session | None = None
    tariff_id: str | None = None
    group: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Authorizations:
    """Looks tokens up. One read for an RFID token or an app's, and one more for an RFID token's driver."""

    chargers: Chargers
    sessions: Sessions
    catalog: Catalog
    drivers: Drivers
    clock: Clock

    def authorization(self, charger_id: str, operator_id: str, token: str) -> Authorization:
        """Whom `token`, shown at a charger of that operator, stands for, and its authorization status."""
        if looks_like_app_token(token):
            session = self.sessions.get(token.upper())
            if session is not None and session.charger_id == charger_id:
                return Authorization(
                    AuthorizationStatus.EXPIRED if session.is_over else AuthorizationStatus.ACCEPTED,
                    session.driver_id,
                    session,
                )
        known = self._token(operator_id, token)
        if known is None:
            return Authorization(AuthorizationStatus.UNKNOWN)
        driver = self.drivers.get(known.driver_id)
        if known.is_blocked or driver is None or not self._may_charge(driver, operator_id, charger_id):
            return Authorization(AuthorizationStatus.BLOCKED)
        if known.expires_at is not None and known.expires_at <= self.clock():
            return Authorization(AuthorizationStatus.EXPIRED)
        terms = driver.terms.get(operator_id)
        return Authorization(
            standing=AuthorizationStatus.ACCEPTED,
            driver_id=known.driver_id,
            tariff_id=terms.tariff_id if terms else None,
            group=known.group,
            expires_at=known.expires_at,
        )

    def _may_charge(self, driver: Driver, operator_id: str, charger_id: str) -> bool:
        """The rules of an app's driver (`eligibility`). No read, but where there is no card."""
        terms = driver.terms.get(operator_id)
        if driver.blocked or driver.owes or (terms is not None and terms.blocked):
            return False
        return driver.payment_method_id is not None or self._is_free(terms, charger_id)

    def _is_free(self, terms: Terms | None, charger_id: str) -> bool:
        tariff_id = terms.tariff_id if terms else None
        if tariff_id is None:
            charger = self.chargers.get(charger_id)
            site = self.catalog.site(charger.site_id) if charger else None
            tariff_id = site.tariff_id if site else None
        tariff = self.catalog.tariff(tariff_id) if tariff_id else None
        return tariff is not None and tariff.is_free

    def _token(self, operator_id: str, token: str) -> Token | None:
        for name in spellings(token):
            known = self.catalog.token(name)
            if known is not None and known.operator_id in (operator_id, ""):
                return known
        return None
