"""Who may charge where, and at which price: the same rules for an app, a card and a reservation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.domain.reservations import Reservation
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Catalog, Drivers
from chalicelib.ports.reservations import Reservations
from chalicelib.records.chargers import Admission, Charger, ConnectorState, Site
from chalicelib.records.drivers import Driver, Terms
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.chargers.connectors import is_held

_WHOLE = ConnectorId(0)
_NOT_USABLE = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)


@dataclass(frozen=True, slots=True)
class AvailableConnector:
    """A connector that a driver may use now; `reservation` is their own, if they have one there."""

    charger: Charger
    site: Site
    tariff: Tariff
    state: ConnectorState
    reservation: Reservation | None = None


@dataclass(frozen=True)
class Eligibility:
    """Answers with what is needed to begin, or refuses."""

    chargers: Chargers
    catalog: Catalog
    drivers: Drivers
    sessions: Sessions
    reservations: Reservations
    clock: Clock

    def payer(self, driver_id: str) -> Driver:
        """A driver who may charge. One read. Raises NotFound, Refusal."""
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        if driver.blocked:
            raise Refusal("driver_blocked", "this account may not charge; contact support")
        if driver.owes:
            raise Refusal("open_balance", "a charge is not paid yet (GET /v1/me/balance); pay it first")
        return driver

    def terms(self, driver_id: str) -> Mapping[str, Terms]:
        """What operators have agreed with a driver. One read."""
        driver = self.drivers.get(driver_id)
        return driver.terms if driver else {}

    def prices(self, driver_id: str, charger_id: str) -> tuple[Site, Tariff]:
        """What this driver pays at a charger, and where that is. Raises NotFound."""
        charger = self.chargers.get(charger_id)
        site = self.catalog.site(charger.site_id) if charger else None
        driver = self.drivers.get(driver_id)
        if charger is None or site is None or driver is None:
            raise NotFound(f"charger {charger_id}")
        tariff = self._tariff(driver, site)
        if tariff is None:
            raise NotFound(f"a price at charger {charger_id}")
        return site, tariff

    def spot(self, driver: Driver, charger_id: str, connector: ConnectorId) -> AvailableConnector:
        """A connector that is free for this driver. Raises NotFound, Refusal."""
        charger = self.chargers.get(charger_id)
        if charger is None or connector not in charger.connectors or charger.admission is not Admission.ACCEPTED:
            raise NotFound(f"connector {connector} of charger {charger_id}")
        site = self.catalog.site(charger.site_id)
        if site is None:
            raise NotFound(f"site {charger.site_id}")
        terms = driver.terms.get(charger.operator_id)
        if terms is not None and terms.blocked:
            raise Refusal("driver_blocked", f"operator {charger.operator_id} does not let this account charge")
        tariff = self._tariff(driver, site)
        if tariff is None:
            raise Refusal("no_tariff", f"site {site.site_id} has no price; its operator must set one")
        if driver.payment_method_id is None and not tariff.is_free:
            raise Refusal("no_card", "save a card first (POST /v1/cards/setup)")
        if charger.connection_id is None:
            raise Refusal("charger_offline", f"charger {charger_id} is offline; try another one")
        if charger.metering is MeteringCapability.NONE and tariff.needs_meter:
            # Better here than at a bill that nobody can make: a hold would wait for days for a person to look at it.
            raise Refusal("not_metered", f"charger {charger_id} does not measure energy at present; try another one")
        state = self._usable(charger_id, connector)
        return AvailableConnector(charger, site, tariff, state, self._own_reservation(state, driver.driver_id))

    def _tariff(self, driver: Driver, site: Site) -> Tariff | None:
        terms = driver.terms.get(site.operator_id)
        return self.catalog.tariff(terms.tariff_id if terms and terms.tariff_id else site.tariff_id)

    def _usable(self, charger_id: str, connector: ConnectorId) -> ConnectorState:
        found = ConnectorState(connector)
        for state in self.chargers.connectors(charger_id):
            if state.connector in (connector, _WHOLE) and state.status in _NOT_USABLE:
                raise Refusal("connector_out_of_order", f"connector {connector} is {state.status}")
            if state.connector == connector:
                found = state
        if is_held(self.sessions, found):
            raise busy(connector)
        return found

    def _own_reservation(self, state: ConnectorState, driver_id: str) -> Reservation | None:
        if not state.is_kept(self.clock()):
            return None
        reservation = self.reservations.get(state.reserved_for or "")
        if reservation is not None and reservation.driver_id != driver_id:
            raise Refusal("connector_reserved", f"connector {state.connector} is reserved by somebody else")
        return reservation


def busy(connector: ConnectorId) -> Refusal:
    """Somebody else charges there."""
    return Refusal("connector_busy", f"connector {connector} is in use")
