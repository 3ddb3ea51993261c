"""RFID tokens, a driver's own or an operator's. Either may block one, and neither may take another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers, TokenRegistry
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.drivers import Terms, Token
from chalicelib.services.access import NotFound, Refusal, drivers_own, is_drivers, operators_own

_MOST_TOKENS = 50


@dataclass(frozen=True)
class DriverTokens:
    """RFID tokens as their drivers see them, and what an operator agrees with a driver."""

    tokens: TokenRegistry
    tariffs: Tariffs
    drivers: Drivers
    clock: Clock

    def of_driver(self, driver_id: str) -> Sequence[Token]:
        """All of a driver's cards, by number."""
        return sorted(self.tokens.of_driver(driver_id), key=lambda it: it.uid)

    def put(self, driver_id: str, uid: str, *, blocked: bool) -> Token:
        """Add a token of one's own, or block one, whoever issued it. Raises NotFound, Refusal for somebody else's."""
        if self.drivers.get(driver_id) is None:
            raise NotFound(f"driver {driver_id}")
        known = self.tokens.get(uid)
        if known is not None and not is_drivers(known, driver_id):
            raise Refusal("taken", f"card {uid} is registered already")
        if known is None and len(self.tokens.of_driver(driver_id)) >= _MOST_TOKENS:
            raise Refusal("too_many_cards", f"a driver has {_MOST_TOKENS} cards at the most")
        token = replace(known or Token(uid=uid, operator_id="", driver_id=driver_id), blocked_by_driver=blocked)
        self.tokens.put(token, self.clock())
        return token

    def remove(self, driver_id: str, uid: str) -> None:
        """Give up a card of one's own. Raises NotFound; Refusal for an operator's, which can only be blocked."""
        known = drivers_own(self.tokens.get(uid), driver_id, f"card {uid}")
        if known.operator_id:
            raise Refusal("not_yours", "this card is an operator's; block it instead")
        self.tokens.forget(uid)

    def agree(self, operator_id: str, driver_id: str, terms: Terms) -> None:
        """Set what an operator has agreed with a driver. Raises NotFound for an unknown driver or another's tariff."""
        if terms.tariff_id is not None:
            operators_own(self.tariffs.get(terms.tariff_id), operator_id, f"tariff {terms.tariff_id}")
        if not self.drivers.set_terms(driver_id, operator_id, terms):
            raise NotFound(f"driver {driver_id}")
