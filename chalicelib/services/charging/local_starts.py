"""Begins sessions for charges started at the charger itself, by token or button: one each, at its connector."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import reduce

from chalicelib.domain.chargers.commands import AuthorizationStatus
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.beginnings import free_until, is_told_late
from chalicelib.domain.charging.ends import Contested
from chalicelib.domain.charging.preferences import ChargingPreferences, usual_at
from chalicelib.domain.charging.rivals import are_rivals
from chalicelib.domain.charging.session import Origin, Reason, Session
from chalicelib.domain.charging.transitions import apply
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.asked_charge import AskedCharge, NotPaidFor
from chalicelib.domain.pricing.evidence import ReportedTime, believable
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Connectors, History, Sites
from chalicelib.ports.charging import Sessions
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.chargers import Charger, Site, registered_w
from chalicelib.records.charging import Transaction
from chalicelib.services.access import is_drivers
from chalicelib.services.at_once import together
from chalicelib.services.chargers.connectors import seat, take_connector
from chalicelib.services.charging.inferred_ends import InferredEnds
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.session_story import story
from chalicelib.services.drivers.authorization import Authorization
from chalicelib.services.drivers.watches import Watches
from chalicelib.services.reservations import DriverReservations

_log = logging.getLogger(__name__)
CHARGER_AS_A_WHOLE = ConnectorId(0)


@dataclass(frozen=True, kw_only=True)
class LocalStarts:
    """Makes sessions of charges that no app began."""

    connectors: Connectors
    sessions: Sessions
    sites: Sites
    tariffs: Tariffs
    drivers: Drivers
    history: History
    changes: SessionChanges
    driver_reservations: DriverReservations
    ends: InferredEnds
    watches: Watches
    check_payer: Callable[[AskedCharge], int | None]
    clock: Clock

    def begin(self, charger: Charger, facts: Transaction, authorization: Authorization) -> Session | None:
        """The session of a charge, made once. None when it was made and is gone."""
        # Told its story before it is written: a session that had yet to begin would be given up by the sweep.
        blank = self.blank(charger, facts, authorization)
        session = reduce(apply, story(facts, blank.not_before), blank)
        superseded: Session | None = None
        may_be_told_twice = is_told_late(facts.started_at, facts.started_heard_at)
        if session.connector.is_credible and not take_connector(self.connectors, self.sessions, session):
            session, superseded = self._at_a_connector_not_free(session)
            may_be_told_twice = True
        if may_be_told_twice and session.connector.is_credible:
            session = self._beside_its_rival(session)
        if not self.changes.add(blank, session):
            return self.sessions.get(session.session_id)
        if superseded is not None and superseded.session_id == session.session_id:
            return self.ends.gone(session) if session.stopped_at is None else session
        if superseded is not None:
            self.ends.gone(superseded)
        return session

    def blank(self, charger: Charger, facts: Transaction, authorization: Authorization) -> Session:
        """The session before anything is told of it. Raises LookupError when its charger has no price."""
        session_id, driver_id = facts.session_id or "", authorization.driver_id
        # A beginning that is noted, and comes to nothing for want of a price, says as little as one that broke off.
        (site, tariff), may_begin = together(
            lambda: self._price(charger, authorization), lambda: self._may_begin(session_id, authorization)
        )
        if tariff is None:
            raise LookupError(f"charger {charger.charger_id} has no site with a tariff")
        if driver_id is not None and not may_begin:
            # Its driver leaves at this moment, or too much was begun by tokens abroad: nobody's, and stopped.
            authorization = replace(authorization, standing=AuthorizationStatus.BLOCKED, driver_id=None)
        try:
            most_minor = self._most_minor(charger, facts, authorization, site, tariff)
        except NotPaidFor as error:
            # Begun without being asked for at the reader: nobody's, and stopped.
            _log.info("not paid for", extra={"charger_id": charger.charger_id, "why": str(error)})
            most_minor = None
            authorization = replace(
                authorization, standing=AuthorizationStatus.BLOCKED, driver_id=None, organisation_id=None
            )
        accepted = authorization.standing is AuthorizationStatus.ACCEPTED
        return Session(
            session_id=session_id,
            operator_id=charger.operator_id,
            site_id=charger.site_id,
            charger_id=charger.charger_id,
            connector=facts.connector or CHARGER_AS_A_WHOLE,
            origin=Origin.CARD if accepted else Origin.CHARGER,
            token=facts.token or "",
            driver_id=authorization.driver_id,
            tariff=tariff,
            time_zone=site.time_zone if site else "UTC",
            created_at=self.clock(),
            reason=None if accepted else Reason.NOT_AUTHORISED,
            plug_w=registered_w(charger, facts.connector or CHARGER_AS_A_WHOLE),
            asked_at=authorization.asked_at or self._free_until(facts),
            is_load_managed=site is not None and site.is_load_managed,
            preferences=self._usual(site, authorization.driver_id),
            organisation_id=authorization.organisation_id if accepted else None,
            organisation_minor=most_minor,
        )

    def _most_minor(
        self, charger: Charger, facts: Transaction, authorization: Authorization, site: Site | None, tariff: Tariff
    ) -> int | None:
        """What an organisation pays for it at the most, by its rules as of when it began; one asks it, two reads.

        Raises NotPaidFor.
        """
        if authorization.organisation_id is None or authorization.driver_id is None or site is None:
            return None
        now = self.clock()
        began = ReportedTime(facts.started_at, facts.started_heard_at or now, None)
        asked = AskedCharge(
            operator_id=charger.operator_id,
            organisation_id=authorization.organisation_id,
            driver_id=authorization.driver_id,
            site_id=site.site_id,
            time_zone=site.time_zone,
            currency=tariff.currency,
            hold_minor=0 if tariff.is_free or facts.stopped_heard_at else tariff.hold_minor,
            at=began.best,
        )
        return self.check_payer(asked)

    def _free_until(self, facts: Transaction) -> datetime | None:
        """Until when nobody can have charged there, where its beginning is told late. Three queries then, else none."""
        began_at, heard_at, where = facts.started_at, facts.started_heard_at, facts.connector
        if began_at is None or heard_at is None or where is None or not is_told_late(began_at, heard_at):
            return None
        if not believable(began_at, heard_at):
            return None
        return free_until(self.history.between(facts.charger_id, began_at, heard_at), where, began_at, heard_at)

    def _usual(self, site: Site | None, driver_id: str | None) -> ChargingPreferences | None:
        """What its driver usually wants there: one read at a site whose power is shared out, none elsewhere."""
        if site is None or not site.is_load_managed or driver_id is None:
            return None
        driver = self.drivers.get(driver_id)
        return usual_at(driver.usual, site.site_id, site.time_zone, self.clock()) if driver is not None else None

    def _beside_its_rival(self, session: Session) -> Session:
        """It and the charge that was told of its plug at the same time know of each other. Three reads, or four."""
        its_own = (it for it in self.connectors.of_charger(session.charger_id) if it.connector == session.connector)
        for name in (name for it in its_own for name in (it.session_id, it.last_session_id)):
            other = self.sessions.get(name) if name and name != session.session_id else None
            if other is not None and are_rivals(session, other):
                self.changes.apply(other.session_id, Contested(session.session_id), known=other)
                return replace(session, rival_id=other.session_id)
        return session

    def _price(self, charger: Charger, authorization: Authorization) -> tuple[Site | None, Tariff | None]:
        site = self.sites.get(charger.site_id)
        # At the price at which its token was let in, be another set meanwhile.
        tariff = authorization.tariff
        if tariff is None and site is not None:
            tariff = self.tariffs.get(authorization.terms.tariff_at(site.tariff_id))
        return site, tariff

    def _may_begin(self, session_id: str, authorization: Authorization) -> bool:
        driver_id, at = authorization.driver_id, self.clock()
        if driver_id is None:
            return True
        return self.drivers.begin(driver_id, session_id, at, is_abroad=authorization.is_abroad) is not None

    def _at_a_connector_not_free(self, session: Session) -> tuple[Session, Session | None]:
        """It is the driver's own reservation, or somebody else's, or that of a charge whose end nobody told.

        Returns the session, and the one that is over because two cannot charge there.
        """
        reservation = self.driver_reservations.kept_for(session.charger_id, session.connector)
        if reservation is None:
            if session.stopped_at is not None:
                return session, None
            return session, seat(self.connectors, self.sessions, session, session.connector, self.watches.free)
        if not is_drivers(session, reservation.driver_id):
            return replace(session, reason=Reason.CONNECTOR_RESERVED), None
        if session.stopped_at is not None and session.stopped_at <= reservation.created_at:
            # A charge of theirs from before, told late: what is kept is kept for another.
            return session, None
        reserved = self.driver_reservations.use(reservation)
        self.connectors.keep_no_longer(session.charger_id, session.connector, reservation.reservation_id)
        take_connector(self.connectors, self.sessions, session)
        self.driver_reservations.let_go(reservation)
        session = replace(session, reserved=reserved, asked_at=reservation.created_at)
        began_at = max(it for it in (session.started_at, session.not_before) if it is not None)
        return replace(session, started_at=began_at), None
