"""A driver begins, watches and ends their own sessions, and sees nobody else's.

The same request made again (by its idempotency key) is the same session: its id follows from driver and key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.events import ConnectorId, ConnectorStatus, Reading
from chalicelib.domain.limits import Limits
from chalicelib.domain.session import (
    Origin,
    Reason,
    Session,
    StartFailed,
    State,
    StopRequested,
    session_id_for,
)
from chalicelib.domain.tariff import Bill, price
from chalicelib.ports import Catalog, Chargers, Clock, Drivers, NewId, Readings, Sessions, Workflow
from chalicelib.records import Admission, Charger, Driver, Site, StoredReading
from chalicelib.services.changes import Changes
from chalicelib.services.connectors import is_held, take_connector

_LIVE_BATCH = 100
_WHOLE = ConnectorId(0)
_NOT_USABLE = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)


class NotFound(Exception):
    """No such thing, or not this person's; the two look alike from outside."""


class Refusal(Exception):
    """The request is understood and cannot be granted; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Progress:
    """A session as far as it has come: `energy_wh` and `cost` so far or final, `power_w` and `soc_percent` newest."""

    session: Session
    energy_wh: int
    cost: Bill
    power_w: int | None = None
    soc_percent: int | None = None
    position: str = ""


def progress(session: Session, newest: StoredReading | None) -> Progress:
    """What a driver sees. A final bill is shown as it is; before that, the price of what has been taken."""
    reading = newest.reading if newest else None
    energy_wh = session.energy_wh
    if energy_wh is None:
        energy_wh = _energy_wh(session, reading)
    began_at = session.started_at or session.created_at
    until = session.stopped_at or (reading.at if reading else began_at)
    cost = session.bill or price(session.tariff, energy_wh, began_at, until)
    charging = session.state is State.ACTIVE and reading is not None
    return Progress(
        session,
        energy_wh,
        cost,
        reading.power_w if reading and charging else None,
        reading.soc_percent if reading else None,
        newest.position if newest else "",
    )


def _energy_wh(session: Session, reading: Reading | None) -> int:
    if reading is None or reading.energy_wh is None or session.meter_start_wh is None:
        return 0
    return max(0, reading.energy_wh - session.meter_start_wh)


@dataclass(frozen=True)
class DriverSessions:
    """What a driver does with sessions."""

    sessions: Sessions
    readings: Readings
    chargers: Chargers
    catalog: Catalog
    drivers: Drivers
    workflow: Workflow
    changes: Changes
    clock: Clock
    new_id: NewId

    def begin(
        self, driver_id: str, charger_id: str, connector: ConnectorId, key: str | None, limits: Limits | None = None
    ) -> tuple[Session, bool]:
        """Begin a session; returns it, and whether it is new. Raises NotFound, Refusal."""
        session_id = session_id_for("app", driver_id, key or self.new_id())
        known = self.sessions.get(session_id) if key else None
        if known is not None:
            return self._again(known, charger_id, connector, limits), False
        driver = self._payer(driver_id)
        charger, site = self._usable(charger_id, connector)
        tariff = self.catalog.tariff(site.tariff_id)
        if tariff is None:
            raise Refusal("no_tariff", f"site {site.site_id} has no price; its operator must set one")
        session = Session(
            session_id=session_id,
            operator_id=charger.operator_id,
            site_id=charger.site_id,
            charger_id=charger_id,
            connector=connector,
            origin=Origin.APP,
            token=session_id,
            driver_id=driver.driver_id,
            tariff=tariff,
            created_at=self.clock(),
            limits=limits,
        )
        if not self.sessions.add(session):
            known = self.sessions.get(session_id) or session
            return self._again(known, charger_id, connector, limits), False
        if not take_connector(self.chargers, self.sessions, session):
            self.changes.apply(session_id, StartFailed(Reason.CONNECTOR_BUSY, self.clock()))
            raise _busy(connector)
        self.workflow.start(session)
        return session, True

    def end(self, driver_id: str, session_id: str) -> Progress:
        """Ask for the end; asking again changes nothing. Raises NotFound."""
        session = self.get(driver_id, session_id)
        return self._so_far(self.changes.apply(session_id, StopRequested(self.clock()), known=session))

    def get(self, driver_id: str, session_id: str) -> Session:
        """One of the driver's sessions. Raises NotFound."""
        session = self.sessions.get(session_id)
        if session is None or session.driver_id != driver_id:
            raise NotFound(f"session {session_id}")
        return session

    def watch(self, driver_id: str, session_id: str) -> Progress:
        """One of the driver's sessions as far as it has come. Raises NotFound."""
        return self._so_far(self.get(driver_id, session_id))

    def since(self, driver_id: str, session_id: str, position: str) -> tuple[Sequence[Progress], bool]:
        """The steps of the session's readings past `position`, oldest first; and whether there may be more of them.

        At least one step, the newest, when there is nothing past it. Raises NotFound, ValueError for a position not
        ours.
        """
        session = self.get(driver_id, session_id)
        if session.ref is None:
            return [progress(session, None)], False
        after = self.readings.after(session.charger_id, session.ref, position, _LIVE_BATCH)
        steps = [progress(session, reading) for reading in after] or [self._so_far(session)]
        return steps, len(after) == _LIVE_BATCH

    def page(self, driver_id: str, limit: int, before: str | None) -> tuple[Sequence[Progress], str | None]:
        """The driver's sessions, newest first, and the next page's cursor. ValueError for a cursor not ours."""
        found, cursor = self.sessions.of_driver(driver_id, limit, before)
        # What is over tells everything itself; of those under way a driver has one or two.
        return [progress(it, None) if it.is_over else self._so_far(it) for it in found], cursor

    def receipt(self, driver_id: str, session_id: str) -> tuple[Session, Site]:
        """A paid session and where it was. Raises NotFound, and Refusal while there is nothing to receipt."""
        session = self.get(driver_id, session_id)
        if session.bill is None or session.payment is None or not session.is_over:
            raise Refusal("no_receipt_yet", f"session is {session.state}; its receipt comes once it is paid")
        site = self.catalog.site(session.site_id)
        if site is None:
            raise NotFound(f"site {session.site_id}")
        return session, site

    def _so_far(self, session: Session) -> Progress:
        newest = self.readings.newest(session.charger_id, session.ref) if session.ref else ()
        return progress(session, newest[0] if newest else None)

    def _again(self, session: Session, charger_id: str, connector: ConnectorId, limits: Limits | None) -> Session:
        if (session.charger_id, session.connector, session.limits) != (charger_id, connector, limits):
            raise Refusal(
                "idempotency_key_reused",
                "this Idempotency-Key began a session at another connector, or with other limits",
            )
        if session.state is State.INITIATED:
            # The first request may have died before it got this far.
            if not take_connector(self.chargers, self.sessions, session):
                self.changes.apply(session.session_id, StartFailed(Reason.CONNECTOR_BUSY, self.clock()))
                raise _busy(connector)
            self.workflow.start(session)
        return session

    def _payer(self, driver_id: str) -> Driver:
        driver = self.drivers.get(driver_id)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        if driver.blocked:
            raise Refusal("driver_blocked", "this account may not charge; contact support")
        if driver.payment_method_id is None:
            raise Refusal("no_card", "save a card first (POST /v1/cards/setup)")
        return driver

    def _usable(self, charger_id: str, connector: ConnectorId) -> tuple[Charger, Site]:
        charger = self.chargers.get(charger_id)
        if charger is None or connector not in charger.connectors or charger.admission is not Admission.ACCEPTED:
            raise NotFound(f"connector {connector} of charger {charger_id}")
        site = self.catalog.site(charger.site_id)
        if site is None:
            raise NotFound(f"site {charger.site_id}")
        if charger.connection_id is None:
            raise Refusal("charger_offline", f"charger {charger_id} is offline; try another one")
        for state in self.chargers.connectors(charger_id):
            if state.connector in (connector, _WHOLE) and state.status in _NOT_USABLE:
                raise Refusal("connector_out_of_order", f"connector {connector} is {state.status}")
            if state.connector == connector and is_held(self.sessions, state):
                raise _busy(connector)
        return charger, site


def _busy(connector: ConnectorId) -> Refusal:
    return Refusal("connector_busy", f"connector {connector} is in use")
