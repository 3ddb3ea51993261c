"""Who a token stands for, and whether they may charge now; a card has one name however its reader spells it."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.commands import Standing
from chalicelib.domain.session import Session, looks_like_app_token
from chalicelib.domain.token import spellings
from chalicelib.ports import Catalog, Drivers, Sessions
from chalicelib.records import Token


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a token stands for: a session begun by app, or a driver with a card."""

    standing: Standing
    driver_id: str | None = None
    session: Session | None = None


@dataclass(frozen=True)
class Authorising:
    """Knows tokens. One read for a card or an app's token, and one more for a card's driver."""

    sessions: Sessions
    catalog: Catalog
    drivers: Drivers

    def holder(self, charger_id: str, operator_id: str, token: str) -> Holder:
        """Who shows `token` at a charger of that operator."""
        if looks_like_app_token(token):
            session = self.sessions.get(token.upper())
            if session is not None and session.charger_id == charger_id:
                return Holder(Standing.EXPIRED if session.is_over else Standing.ACCEPTED, session.driver_id, session)
        card = self._card(operator_id, token)
        if card is None:
            return Holder(Standing.UNKNOWN)
        driver = self.drivers.get(card.driver_id)
        if card.blocked or driver is None or driver.blocked or driver.payment_method_id is None:
            return Holder(Standing.BLOCKED)
        return Holder(Standing.ACCEPTED, card.driver_id)

    def _card(self, operator_id: str, token: str) -> Token | None:
        for name in spellings(token):
            card = self.catalog.token(name)
            if card is not None and card.operator_id == operator_id:
                return card
        return None
