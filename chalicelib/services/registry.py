"""An operator sees and changes only what carries its own operator id."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.events import ConnectorId
from chalicelib.domain.tariff import Tariff
from chalicelib.ports import Catalog, Charger, Chargers, ConnectorState, Driver, Drivers, Site, Token
from chalicelib.services.door import hash_password
from chalicelib.services.sessions import NotFound, Refusal


@dataclass(frozen=True)
class Registry:
    """Sites, tariffs, chargers and RFID cards."""

    chargers: Chargers
    catalog: Catalog
    drivers: Drivers

    def put_site(self, site: Site) -> None:
        """Raises Refusal when the id is another operator's, NotFound for an unknown tariff."""
        known = self.catalog.site(site.site_id)
        _check_owner(known, site.operator_id, f"site id {site.site_id}")
        self._own_tariff(site.operator_id, site.tariff_id)
        self.catalog.put_site(site)

    def put_tariff(self, tariff: Tariff) -> None:
        """Sessions under way keep the price they began with. Raises Refusal when the id is another operator's."""
        _check_owner(self.catalog.tariff(tariff.tariff_id), tariff.operator_id, f"tariff id {tariff.tariff_id}")
        self.catalog.put_tariff(tariff)

    def put_charger(
        self,
        operator_id: str,
        charger_id: str,
        site_id: str,
        connectors: Sequence[ConnectorId],
        password: str | None,
    ) -> None:
        """Register a charger, or change it; no password keeps the one it has. Raises NotFound, Refusal."""
        site = self.catalog.site(site_id)
        if site is None or site.operator_id != operator_id:
            raise NotFound(f"site {site_id}")
        known = self.chargers.get(charger_id)
        _check_owner(known, operator_id, f"charger id {charger_id}")
        if password is not None:
            password_hash = hash_password(password.encode(), secrets.token_bytes(16))
        elif known is not None:
            password_hash = known.password_hash
        else:
            raise Refusal("password_missing", "a new charger needs a password")
        self.chargers.put(Charger(charger_id, operator_id, site_id, password_hash, tuple(connectors)))

    def put_token(self, token: Token) -> None:
        """Issue or block an RFID card. Raises NotFound for an unknown driver, Refusal for another's card."""
        _check_owner(self.catalog.token(token.uid), token.operator_id, f"token {token.uid}")
        if self.drivers.get(token.driver_id) is None:
            raise NotFound(f"driver {token.driver_id}")
        self.catalog.put_token(token)

    def of_operator(self, operator_id: str) -> Sequence[Charger]:
        """The operator's chargers."""
        return self.chargers.of_operator(operator_id)

    def look(self, charger_id: str) -> tuple[Charger, Site, Tariff, Sequence[ConnectorState]]:
        """A charger as anyone may see it: where it is, what it costs, what its connectors do. Raises NotFound."""
        charger = self.chargers.get(charger_id)
        site = self.catalog.site(charger.site_id) if charger else None
        tariff = self.catalog.tariff(site.tariff_id) if site else None
        if charger is None or site is None or tariff is None:
            raise NotFound(f"charger {charger_id}")
        states = [state for state in self.chargers.connectors(charger_id) if state.connector in charger.connectors]
        return charger, site, tariff, states

    def _own_tariff(self, operator_id: str, tariff_id: str) -> Tariff:
        tariff = self.catalog.tariff(tariff_id)
        if tariff is None or tariff.operator_id != operator_id:
            raise NotFound(f"tariff {tariff_id}")
        return tariff


def _check_owner(known: Site | Tariff | Charger | Token | Driver | None, operator_id: str, what: str) -> None:
    owner = getattr(known, "operator_id", operator_id)
    if owner != operator_id:
        raise Refusal("taken", f"{what} is taken")
