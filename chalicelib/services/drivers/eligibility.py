"""Eligibility: who may charge where, and at which price; the same rules for an app, a token and a reservation."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime

from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.chargers.setup import MeteringCapability
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.money.minimums import may_begin_from
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.domain.reservations import Reservation
from chalicelib.ports import Clock
from chalicelib.ports.access import Operators
from chalicelib.ports.chargers import Chargers, Connectors, Sites
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.pricing import Tariffs
from chalicelib.ports.reservations import Reservations
from chalicelib.records.chargers import Admission, Charger, ConnectorState, Site
from chalicelib.records.drivers import NO_TERMS_OF_USE, Driver, Terms, TermsOfUse, terms_with
from chalicelib.services.access import NotFound, Refusal, is_drivers
from chalicelib.services.at_once import together
from chalicelib.services.chargers.connectors import is_held

# Who owes changes accounts in vain.
_CARD_OWES = (
    "a charge of another account with this card is not paid yet: log in to that account and pay it there "
    "(POST /v1/me/balance/pay), or ask its operator; or save another card"
)
_WHOLE = ConnectorId(0)
_NOT_USABLE = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableConnector:
    """A connector that a driver may use now; `reservation` is their own, if they have one there."""

    charger: Charger
    site: Site
    tariff: Tariff
    state: ConnectorState
    reservation: Reservation | None = None


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """Decides whether a driver may charge: answers with what is needed to begin, or refuses.

    `has_prepaid` says whether so much is in a driver's wallet of that currency; asked only where they have no card.
    """

    chargers: Chargers
    connectors: Connectors
    sites: Sites
    tariffs: Tariffs
    drivers: Drivers
    sessions: Sessions
    reservations: Reservations
    operators: Operators
    has_prepaid: Callable[[str, str, int], bool]
    clock: Clock
    terms_of_use: TermsOfUse = NO_TERMS_OF_USE

    def payer(self, driver_id: str) -> Driver:
        """A driver who may ask for a charge here. One read. Raises NotFound, Refusal."""
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        barred = why_barred(driver, self.clock())
        if barred is not None:
            raise barred
        if self.terms_of_use.is_required and not driver.has_accepted(self.terms_of_use):
            raise Refusal("terms_not_accepted", f"accept the terms of use first: {self.terms_of_use.url}")
        if driver.pays_with_what_owes:
            # One who shows a token instead is let in: the hold that follows at once ends what the card is not good for.
            raise Refusal("card_owes", _CARD_OWES)
        return driver

    def note_beginning(self, driver_id: str, name: str) -> Mapping[str, datetime]:
        """A session or reservation of that name begins now; asked just before it is written down. One write.

        Returns the names of what its driver began lately, this among them, and when.
        Raises Refusal when its driver leaves at this moment: an account goes, or something begins, never both.
        """
        begun = self.drivers.begin(driver_id, name, self.clock())
        if begun is None:
            raise Refusal("account_closing", "this account is being deleted; nothing begins any more")
        return begun

    def terms(self, driver_id: str | None) -> Mapping[str, Terms]:
        """What operators have agreed with a driver; nothing with a stranger (None). One read."""
        driver = self.drivers.get(driver_id) if driver_id is not None else None
        return driver.terms if driver else {}

    def prices(self, driver_id: str | None, charger_id: str) -> tuple[Charger, Site, Tariff]:
        """What this driver, or a stranger (None), pays at a charger, and where that is. Raises NotFound."""
        charger = self.chargers.get(charger_id)
        site = self.sites.get(charger.site_id) if charger else None
        if charger is None or site is None:
            raise NotFound(f"charger {charger_id}")
        tariff = self.tariffs.get(terms_with(site.operator_id, self.terms(driver_id)).tariff_at(site.tariff_id))
        if tariff is None:
            raise NotFound(f"a price at charger {charger_id}")
        return charger, site, tariff

    def spot(
        self,
        driver: Driver,
        charger_id: str,
        connector: ConnectorId,
        paid_for_at: Container[str] = (),
        *,
        is_deposited: bool = False,
    ) -> AvailableConnector:
        """A connector free for this driver, for whom others pay at those operators'. Raises NotFound, Refusal.

        Where they will deposit on chain it takes no card.
        """
        charger, states = together(
            lambda: self.chargers.get(charger_id), lambda: self.connectors.of_charger(charger_id)
        )
        if charger is None or connector not in charger.connectors or charger.admission is not Admission.ACCEPTED:
            raise NotFound(f"connector {connector} of charger {charger_id}")
        site = self.sites.get(charger.site_id)
        if site is None:
            raise NotFound(f"site {charger.site_id}")
        if self.operators.standing(charger.operator_id).is_closed:
            raise Refusal("operator_closed", f"operator {charger.operator_id} takes no more charges; try another one")
        barred = why_barred(driver, self.clock(), charger.operator_id)
        if barred is not None:
            raise barred
        tariff = self._tariff(driver, site)
        if tariff is None:
            raise Refusal("no_tariff", f"site {site.site_id} has no price; its operator must set one")
        can = is_deposited or charger.operator_id in paid_for_at or can_pay(driver, lambda: tariff)
        if not can and not self.has_prepaid(driver.driver_id, tariff.currency, tariff.hold_minor):
            raise Refusal("no_card", "save a card first (POST /v1/cards/setup)")
        if charger.connection_id is None:
            raise Refusal("charger_offline", f"charger {charger_id} is offline; try another one")
        if charger.metering is MeteringCapability.NONE and tariff.needs_meter:
            # Better here than at a bill that nobody can make: a hold would wait for days for a person to look at it.
            raise Refusal("not_metered", f"charger {charger_id} does not measure energy at present; try another one")
        state = self._usable(states, connector)
        return AvailableConnector(
            charger=charger,
            site=site,
            tariff=tariff,
            state=state,
            reservation=self._own_reservation(state, driver.driver_id),
        )

    def _tariff(self, driver: Driver, site: Site) -> Tariff | None:
        return self.tariffs.get(terms_with(site.operator_id, driver.terms).tariff_at(site.tariff_id))

    def _usable(self, states: Sequence[ConnectorState], connector: ConnectorId) -> ConnectorState:
        found = ConnectorState(connector=connector)
        for state in states:
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
        if reservation is not None and not is_drivers(reservation, driver_id):
            raise Refusal("connector_reserved", f"connector {state.connector} is reserved by somebody else")
        return reservation


def why_barred(driver: Driver, at: datetime, operator_id: str | None = None) -> Refusal | None:
    """Why a driver may begin no charge at that operator's chargers (None: at anybody's), or None if they may."""
    if driver.blocked:
        return Refusal("driver_blocked", "this account may not charge; contact support")
    if driver.owes:
        return Refusal("open_balance", "a charge is not paid yet (GET /v1/me/balance); pay it first")
    again_at = may_begin_from(driver.let_go.values(), at)
    if again_at is not None:
        why = f"too many of your charges came to less than a card can be charged; begin again from {again_at:%Y-%m-%d}"
        return Refusal("too_many_small_charges", why)
    if operator_id is not None and terms_with(operator_id, driver.terms).blocked:
        return Refusal("driver_blocked", f"operator {operator_id} does not let this account charge")
    return None


def can_pay(driver: Driver, tariff: Callable[[], Tariff | None]) -> bool:
    """Whether they have a payment card, or need none; `tariff` is asked for only then. Without a price nobody can."""
    if driver.payment_method_id is not None:
        return True
    price = tariff()
    return price is not None and price.is_free


def busy(connector: ConnectorId) -> Refusal:
    """Somebody else charges there."""
    return Refusal("connector_busy", f"connector {connector} is in use")
