"""The registry of sites, tariffs, chargers and tokens.

An operator sees and changes only what carries its own operator id.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.pricing.caps import tariff_faults
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.chargers import ChargerLink, ChargerRegistry, Connectors, Sites
from chalicelib.ports.discovery import Places
from chalicelib.ports.drivers import Drivers, TokenRegistry
from chalicelib.ports.money import OperatorProfiles
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.chargers import Admission, Charger, ConnectorState, Plug, Site
from chalicelib.records.discovery import Place
from chalicelib.records.drivers import Token
from chalicelib.services.access import NotFound, Refusal, is_drivers, not_another_operators, operators_own
from chalicelib.services.chargers.connections import hash_password

_MOST_FAULTS = 5
# Nothing, or a certificate.
_WITHOUT_PASSWORD = (0, 3)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """An operator's sites, tariffs, chargers and RFID tokens."""

    chargers: ChargerRegistry
    connectors: Connectors
    sites: Sites
    tariffs: Tariffs
    tokens: TokenRegistry
    operator_profiles: OperatorProfiles
    drivers: Drivers
    places: Places
    link: ChargerLink
    clock: Clock

    def put_site(self, site: Site) -> None:
        """Raises Refusal when the id is another operator's, NotFound for an unknown tariff."""
        known = self.sites.get(site.site_id)
        not_another_operators(known, site.operator_id, f"site id {site.site_id}")
        operators_own(self.tariffs.get(site.tariff_id), site.operator_id, f"tariff {site.tariff_id}")
        self.sites.put(site)
        if known is not None and known != site:
            for charger in self.chargers.of_operator(site.operator_id):
                if charger.site_id == site.site_id:
                    self._show(charger, site)

    def put_profile(self, operator_id: str, profile: Profile) -> None:
        """Who the operator is by law; receipts issued before stay as they are."""
        self.operator_profiles.put(operator_id, profile)

    def profile(self, operator_id: str) -> Profile:
        """Who an operator is by law. Raises NotFound where it has not said."""
        profile = self.operator_profiles.get(operator_id)
        if profile is None:
            raise NotFound("a profile; say who you are first")
        return profile

    def put_tariff(self, tariff: Tariff) -> None:
        """Sessions under way keep the price they began with.

        Raises Refusal when the id is another operator's, and for prices that no tariff may have (`pricing/caps.py`).
        """
        faults = list(tariff_faults(tariff, self.clock().date()))
        if faults:
            raise Refusal("invalid_tariff", "; ".join(faults[:_MOST_FAULTS]))
        not_another_operators(self.tariffs.get(tariff.tariff_id), tariff.operator_id, f"tariff id {tariff.tariff_id}")
        self.tariffs.put(tariff)

    def put_charger(self, charger: Charger, password: str | None) -> bool:
        """Register a charger, or change it; no password keeps the one it has. Returns whether it had been pending.

        Raises NotFound, Refusal.
        """
        site = operators_own(self.sites.get(charger.site_id), charger.operator_id, f"site {charger.site_id}")
        known = self.chargers.get(charger.charger_id)
        not_another_operators(known, charger.operator_id, f"charger id {charger.charger_id}")
        if password is not None:
            password_hash = hash_password(password.encode(), secrets.token_bytes(16))
        elif known is not None:
            password_hash = known.password_hash
        elif charger.security_profile in _WITHOUT_PASSWORD:
            password_hash = hash_password(secrets.token_bytes(32), secrets.token_bytes(16))
        else:
            raise Refusal("password_missing", "a new charger needs a password")
        self.chargers.put(replace(charger, password_hash=password_hash), keep_password=password is None)
        now = self.chargers.get(charger.charger_id)
        if now is not None:
            if now.admission is Admission.BLOCKED and now.connection_id is not None:
                self.link.close(now.connection_id)
            self._show(now, site)
        return known is not None and known.admission is Admission.PENDING

    def admit(self, operator_id: str, charger_id: str, admission: Admission) -> None:
        """Block a charger, or let a blocked one back in. Raises NotFound; Refusal for one that has no site yet."""
        charger = operators_own(self.chargers.get(charger_id), operator_id, f"charger {charger_id}")
        site = self.sites.get(charger.site_id)
        if admission is Admission.ACCEPTED and site is None:
            raise Refusal("not_registered", "register the charger first: it needs a site and connectors")
        self.chargers.admit(charger_id, admission)
        if charger.connection_id is not None:
            self.link.close(charger.connection_id)
        if site is not None:
            self._show(replace(charger, admission=admission), site)

    def _show(self, charger: Charger, site: Site) -> None:
        """Put a charger where searches find it, or take it from there."""
        row = shown = None
        if site.spot is not None and charger.admission is Admission.ACCEPTED:
            shown = self._place(charger, site, site.spot)
            row = self.places.put(shown)
        if charger.place is not None and charger.place != row:
            self.places.remove(charger.place)
        self.connectors.put_place(charger.charger_id, charger.connectors, row)
        # From here on whatever changes is written there; what changed meanwhile is made good.
        now = self.chargers.get(charger.charger_id)
        if shown is not None and now is not None and site.spot is not None:
            fresh = self._place(now, site, site.spot)
            if fresh != shown:
                self.places.put(fresh)

    def _place(self, charger: Charger, site: Site, spot: GeoPoint) -> Place:
        said = {plug.connector: plug for plug in charger.plugs}
        states = self.connectors.of_charger(charger.charger_id)
        return Place(
            charger_id=charger.charger_id,
            operator_id=charger.operator_id,
            site_id=site.site_id,
            site_name=site.name,
            address=site.address,
            tariff_id=site.tariff_id,
            time_zone=site.time_zone,
            spot=spot,
            plugs=tuple(said.get(connector, Plug(connector)) for connector in charger.connectors),
            online=charger.connection_id is not None,
            statuses={str(it.connector): it.status for it in states},
            is_metered=charger.metering is not MeteringCapability.NONE,
            kept={str(it.connector): it.reserved_until for it in states if it.reserved_until is not None},
        )

    def put_token(self, token: Token) -> None:
        """Issue or block an RFID card. Raises NotFound for an unknown driver, Refusal for another's card."""
        known = self.tokens.get(token.uid)
        not_another_operators(known, token.operator_id, f"token {token.uid}")
        if self.drivers.get(token.driver_id) is None:
            raise NotFound(f"driver {token.driver_id}")
        if known is not None and is_drivers(known, token.driver_id):
            token = replace(token, blocked_by_driver=known.blocked_by_driver)
        self.tokens.put(token, self.clock())

    def of_operator(self, operator_id: str) -> Sequence[Charger]:
        """All of the operator's chargers, as registered and as they are now."""
        return self.chargers.of_operator(operator_id)

    def look(self, charger_id: str) -> tuple[Charger, Site, Tariff, Sequence[ConnectorState]]:
        """A charger as anyone may see it: where it is, what it costs, what its connectors do. Raises NotFound."""
        charger = self.chargers.get(charger_id)
        site = self.sites.get(charger.site_id) if charger else None
        tariff = self.tariffs.get(site.tariff_id) if site else None
        if charger is None or site is None or tariff is None:
            raise NotFound(f"charger {charger_id}")
        states = [state for state in self.connectors.of_charger(charger_id) if state.connector in charger.connectors]
        return charger, site, tariff, states
