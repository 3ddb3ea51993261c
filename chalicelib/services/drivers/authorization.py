"""Authorizes tokens: whom one stands for, and whether they may charge now, however its reader spells it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.charging.session import Session, State, looks_like_app_token
from chalicelib.domain.charging.terminal import is_terminal_token
from chalicelib.domain.drivers import spellings
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Setups, Sites
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers, TokenRegistry
from chalicelib.ports.pricing import Tariffs
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.records.chargers import Connection
from chalicelib.records.drivers import NO_TERMS, Driver, Terms, Token, terms_with
from chalicelib.services.access import is_operators
from chalicelib.services.drivers.eligibility import can_pay, why_barred

# Of a driver's sessions so many, the newest, are looked through for those that run.
_NEWEST = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Whom a token stands for (OCPI AuthorizationInfo): a session begun by app, or a driver with an RFID token.

    `standing` is the token's authorization status. `terms` are what the operator has agreed with that driver, if
    anything. `group` and `expires_at` are the token's.
    `asked_at` is when an app asked for what it begins, if one did and its session is over.
    `is_master_pass`: it ends any charge, and its `standing` says that it begins none.
    """

    standing: AuthorizationStatus
    driver_id: str | None = None
    session: Session | None = None
    terms: Terms = NO_TERMS
    group: str = ""
    expires_at: datetime | None = None
    is_master_pass: bool = False
    asked_at: datetime | None = None

    @property
    def to_end(self) -> AuthorizationStatus:
        """What the token is worth where a charge is ended with it."""
        return AuthorizationStatus.ACCEPTED if self.is_master_pass else self.standing


@dataclass(frozen=True, kw_only=True)
class Authorizations:
    """Looks tokens up. One read for an RFID token or an app's, and one more for an RFID token's driver.

    Where the operator's rule bounds how many charges may run under one card, two more for the driver's newest
    sessions: an index that may be a second old, so that two starts in one breath may both be let in.
    """

    chargers: Chargers
    sessions: Sessions
    sites: Sites
    tariffs: Tariffs
    tokens: TokenRegistry
    drivers: Drivers
    setups: Setups
    clock: Clock

    def shown(self, connection: Connection, token: str) -> Authorization:
        """Who shows `token` at a charger, and whether it may go on: nobody knows yet whether to begin or to end.

        A card whose charge runs at this very charger may be there to end it. OCPP 1.6 knows no master pass: whatever
        is accepted there begins a charge.
        """
        found = self.authorization(connection.charger_id, connection.operator_id, token)
        if found.is_master_pass and connection.protocol != OLDEST:
            return replace(found, standing=AuthorizationStatus.ACCEPTED)
        most = self._most_charges(connection.operator_id, found)
        if most is None:
            return found
        running = self._running(found.driver_id, token)
        if len(running) < most or any(it.charger_id == connection.charger_id for it in running):
            return found
        return replace(found, standing=AuthorizationStatus.CONCURRENT_TX)

    def is_one_too_many(self, session: Session, authorization: Authorization) -> bool:
        """Whether as many charges as the operator allows ran under a session's card before it began.

        Only those before it count, so that the answer to a start repeated is the answer it had.
        """
        most = self._most_charges(session.operator_id, authorization)
        if most is None:
            return False
        begun = (session.created_at, session.session_id)
        running = [
            it
            for it in self._running(session.driver_id, session.token)
            if (it.created_at, it.session_id) < begun
            # Two cannot charge at one connector: the earlier is over, told or not.
            and (it.charger_id, it.connector) != (session.charger_id, session.connector)
        ]
        return len(running) >= most

    def authorization(self, charger_id: str, operator_id: str, token: str) -> Authorization:
        """Whom `token`, shown at a charger of that operator, stands for, and its authorization status."""
        if looks_like_app_token(token):
            session = self.sessions.get(token.upper())
            if session is not None and session.charger_id == charger_id:
                return Authorization(
                    standing=AuthorizationStatus.EXPIRED if session.is_over else AuthorizationStatus.ACCEPTED,
                    driver_id=session.driver_id,
                    session=session,
                )
        known = None if is_terminal_token(token) else self._token(operator_id, token)
        if known is None:
            return self._unknown(charger_id, token)
        if is_operators(known, operator_id) and self.setups.profile(operator_id).is_master_pass(known.group):
            return self._master_pass(known)
        driver = self.drivers.get(known.driver_id)
        if known.is_blocked or driver is None or not self._may_charge(driver, operator_id, charger_id):
            return Authorization(standing=AuthorizationStatus.BLOCKED)
        if known.expires_at is not None and known.expires_at <= self.clock():
            return Authorization(standing=AuthorizationStatus.EXPIRED)
        return Authorization(
            standing=AuthorizationStatus.ACCEPTED,
            driver_id=known.driver_id,
            terms=terms_with(operator_id, driver.terms),
            group=known.group,
            expires_at=known.expires_at,
        )

    def _unknown(self, charger_id: str, token: str) -> Authorization:
        """Nobody we know may charge, but who pays at the charger's card terminal, if its operator says it has one."""
        charger = self.chargers.get(charger_id) if is_terminal_token(token) else None
        has_paid = charger is not None and charger.has_card_terminal
        return Authorization(standing=AuthorizationStatus.ACCEPTED if has_paid else AuthorizationStatus.UNKNOWN)

    def _master_pass(self, card: Token) -> Authorization:
        """OCPP 2.0.1 C16: it is told of its group, and begins nothing."""
        if card.expires_at is not None and card.expires_at <= self.clock():
            return Authorization(standing=AuthorizationStatus.EXPIRED)
        if card.is_blocked:
            return Authorization(standing=AuthorizationStatus.BLOCKED)
        return Authorization(
            standing=AuthorizationStatus.BLOCKED,
            group=card.group,
            expires_at=card.expires_at,
            is_master_pass=True,
        )

    def _most_charges(self, operator_id: str, found: Authorization) -> int | None:
        """How many charges the operator lets run at once under a card that may charge; None: it does not matter."""
        if found.standing is not AuthorizationStatus.ACCEPTED or found.session is not None or found.driver_id is None:
            return None
        return self.setups.profile(operator_id).most_charges(found.group)

    def _running(self, driver_id: str | None, token: str) -> list[Session]:
        """The charges that run under a card as far as anybody knows. Two calls."""
        if driver_id is None:
            return []
        names = set(spellings(token))
        newest, _ = self.sessions.of_driver(driver_id, _NEWEST, None)
        return [
            it
            for it in newest
            if it.state is State.ACTIVE
            and (it.stopped_at or it.left_at or it.seen_free_at) is None
            and not names.isdisjoint(spellings(it.token))
        ]

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

    def _token(self, operator_id: str, token: str) -> Token | None:
        for name in spellings(token):
            card = self.tokens.get(name)
            if card is not None and card.operator_id in (operator_id, ""):
                return card
        return None
