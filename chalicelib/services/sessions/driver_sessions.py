"""A driver's sessions: beginning, watching and ending their own, and seeing nobody else's.

The same request made again (by its idempotency key) is the same session: its id follows from driver and key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.holds import Released
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.preferences import ChargingPreferences, usual_at
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.domain.charging.transitions import StartFailed, StopRequested
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.waits import PowerWait
from chalicelib.domain.money.receipt import Receipt, RefundNote, as_of_now
from chalicelib.domain.pricing.energy import Measured
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Connectors
from chalicelib.ports.charging import Readings, Sessions, Workflow
from chalicelib.records.chargers import Charger, Site, registered_w
from chalicelib.records.charging import StoredReading
from chalicelib.records.drivers import Driver
from chalicelib.services.access import Refusal, drivers_own, is_drivers
from chalicelib.services.chargers.connectors import take_connector
from chalicelib.services.chargers.read_once import ReadOnce
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.drivers.eligibility import Eligibility, busy
from chalicelib.services.money.chain_payments import ChainPayments
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.organisations import PayingOrganisations, Pays
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.pricing.courses import Courses
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.pricing.rating import idling
from chalicelib.services.reservations import DriverReservations
from chalicelib.services.sessions.elapsed import elapsed
from chalicelib.services.sessions.progress import Progress, progress
from chalicelib.services.sessions.start_limits import StartLimits

_LIVE_BATCH = 100
# Of a driver's list so many pages are looked through for one that is asked for.
_MOST_PAGES = 10
_STATEMENT_PAGE = 100
# Where a charger has not said how long a car may take to be plugged in.
START_WAIT = timedelta(seconds=60)
_LONGEST_START = timedelta(minutes=15)
_NEWS_TAKES = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a driver asks for: where to charge, when to stop, and how the car is to charge till then."""

    charger_id: str
    connector: ConnectorId
    limits: Limits | None = None
    preferences: ChargingPreferences | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which of their sessions a driver asks for: all that is given must hold. `until` is exclusive."""

    state: State | None = None
    charger_id: str | None = None
    site_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def is_met_by(self, session: Session) -> bool:
        """Whether it is asked for."""
        return (
            (self.state is None or session.told_state is self.state)
            and (self.charger_id is None or session.charger_id == self.charger_id)
            and (self.site_id is None or session.site_id == self.site_id)
            and (self.until is None or session.created_at < self.until)
            and not self.is_older(session)
        )

    def is_older(self, session: Session) -> bool:
        """Whether it was begun before the time asked for, as all that follow it were."""
        return self.since is not None and session.created_at < self.since


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month, UTC. Raises ValueError for one that no calendar has."""

    year: int
    month: int

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return datetime(self.year + self.month // 12, self.month % 12 + 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class DriverSessions:
    """Begins, watches and ends a driver's sessions."""

    sessions: Sessions
    readings: Readings
    evidence: Evidence
    courses: Courses
    connectors: Connectors
    eligibility: Eligibility
    driver_reservations: DriverReservations
    organisations: PayingOrganisations
    chain: ChainPayments
    issued_receipts: IssuedReceipts
    debts: Debts
    workflow: Workflow
    changes: SessionChanges
    start_limits: StartLimits
    power_wait: Callable[[Session], PowerWait | None]
    clock: Clock
    new_id: NewId
    start_wait: timedelta = START_WAIT

    def begin(self, driver_id: str, wanted: Wanted, key: str | None, pays: Pays | None = None) -> tuple[Session, bool]:
        """Begin a session; returns it, and whether it is new. Raises NotFound, Refusal.

        One begun from a reservation bears its name, whatever the key.
        """
        session_id = session_id_for("app", driver_id, key or self.new_id())
        known = self.sessions.get(session_id) if key else None
        if known is not None:
            return self._again(known, wanted), False
        driver = self._payer(driver_id)
        paying, is_deposited = self.organisations.paying(driver, pays), pays is Pays.DEPOSIT
        try:
            at = (wanted.charger_id, wanted.connector)
            spot = self.eligibility.spot(driver, *at, paying, is_deposited=is_deposited)
        except Refusal:
            # What stands in the way may be this very request, made twice at once.
            begun = self.sessions.get(session_id) if key else None
            if (under_way := begun or self._own(driver_id, wanted)) is not None:
                return self._again(under_way, wanted), False
            raise
        if spot.reservation is not None:
            session_id = spot.reservation.reservation_id
        session = Session(
            session_id=session_id,
            operator_id=spot.charger.operator_id,
            site_id=spot.site.site_id,
            charger_id=wanted.charger_id,
            connector=wanted.connector,
            origin=Origin.APP,
            token=session_id,
            driver_id=driver.driver_id,
            tariff=spot.reservation.tariff if spot.reservation else spot.tariff,
            time_zone=spot.site.time_zone,
            created_at=self.clock(),
            limits=wanted.limits,
            preferences=wanted.preferences or self._usual(driver, spot.site),
            start_wait_s=self._start_wait_s(spot.charger),
            plug_w=registered_w(spot.charger, wanted.connector),
            is_load_managed=spot.site.is_load_managed,
        )
        session = self.chain.paid_for(session) if is_deposited else self.organisations.paid_for(session, paying, pays)
        begun_lately = self.eligibility.note_beginning(driver_id, session_id)
        self.start_limits.check(driver_id, session_id, begun_lately)
        if spot.reservation is not None:
            session = replace(session, reserved=self.driver_reservations.use(spot.reservation))
        if not self.sessions.add(session):
            return self._again(self.sessions.get(session_id) or session, wanted), False
        self._claim(session)
        if spot.reservation is not None:
            self.driver_reservations.let_go(spot.reservation)
        self.workflow.start(session)
        return session, True

    def _usual(self, driver: Driver, site: Site) -> ChargingPreferences | None:
        """What they usually want there; at a site whose power nobody shares out it would mean nothing."""
        if not site.is_load_managed:
            return None
        return usual_at(driver.usual, site.site_id, site.time_zone, self.clock())

    def end(self, driver_id: str, session_id: str) -> Progress:
        """Ask for the end; asking again changes nothing. Raises NotFound."""
        session = self.get(driver_id, session_id)
        return self.so_far(self.changes.apply(session_id, StopRequested(self.clock()), known=session))

    def get(self, driver_id: str, session_id: str) -> Session:
        """One of the driver's sessions. Raises NotFound."""
        return drivers_own(self.sessions.get(session_id), driver_id, f"session {session_id}")

    def watch(self, driver_id: str, session_id: str) -> Progress:
        """One of the driver's sessions as far as it has come. Raises NotFound."""
        return self.so_far(self.get(driver_id, session_id))

    def since(self, driver_id: str, session_id: str, position: str) -> tuple[Sequence[Progress], bool]:
        """The steps of the session's readings past `position`, oldest first; and whether there may be more of them.

        At least one step, the newest, when there is nothing past it. Raises NotFound, ValueError for a position not
        ours.
        """
        session = self.get(driver_id, session_id)
        if session.ref is None:
            return [progress(session)], False
        after = self.readings.after(session.charger_id, session.ref, position, _LIVE_BATCH)
        is_course = session.tariff.depends_on_course
        proven = self.courses.steps(session, position, after) if is_course else self.evidence.steps(session, (), after)
        steps = [progress(session, found, it) for it, found in zip(after, proven, strict=True)]
        may_be_more = len(after) == _LIVE_BATCH
        if not steps or (session.tariff.charges_for_idling and not may_be_more):
            # Whether a car stands there now, and what that costs, time alone changes.
            steps = [*steps[:-1], self.so_far(session)]
        elif (wait := self.power_wait(session)) is not None:
            steps[-1] = replace(steps[-1], power_wait=wait)
        return steps, may_be_more

    def page(
        self, driver_id: str, limit: int, before: str | None, wanted: Filter | None = None
    ) -> tuple[Sequence[Progress], str | None]:
        """The driver's sessions, newest first, and the next page's cursor. BadCursor for a cursor not ours.

        Where few are wanted a page may be short, or empty, and go on all the same.
        """
        wanted = wanted or Filter()
        found: list[Session] = []
        cursor, is_past = before, False
        for _ in range(_MOST_PAGES):
            page, cursor = self.sessions.of_driver(driver_id, limit - len(found), cursor)
            found += [it for it in page if wanted.is_met_by(it)]
            is_past = any(wanted.is_older(it) for it in page)
            if cursor is None or is_past or len(found) == limit:
                break
        # What is over tells everything itself; of those under way a driver has one or two.
        return [progress(it) if it.is_over else self.so_far(it) for it in found], None if is_past else cursor

    def statement(self, driver_id: str, month: Month) -> tuple[Sequence[Session], bool]:
        """The driver's sessions of a month, newest first, and whether those are all: a thousand at the most."""
        wanted = Filter(since=month.begins_at, until=month.ends_at)
        found: list[Session] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page, cursor = self.sessions.of_driver(driver_id, _STATEMENT_PAGE, cursor)
            found += [it for it in page if wanted.is_met_by(it)]
            if cursor is None or any(wanted.is_older(it) for it in page):
                return found, True
        return found, False

    def curve(self, driver_id: str, session_id: str, most: int) -> tuple[Session, Sequence[StoredReading]]:
        """How a charge went, in so many readings at the most, the first and the last among them. Raises NotFound."""
        session = self.get(driver_id, session_id)
        if session.ref is None:
            return session, ()
        readings = sorted(self.evidence.all_of(session), key=lambda it: (it.reading.at, it.reading.energy_wh or 0))
        if len(readings) <= most:
            return session, readings
        step = (len(readings) - 1) / (most - 1)
        return session, [readings[round(number * step)] for number in range(most)]

    def receipt(self, driver_id: str, session_id: str) -> Receipt:
        """The receipt of a paid session, as it stands now. NotFound, and Refusal while there is nothing to receipt."""
        return self._receipt(self.get(driver_id, session_id))

    def papers(self, driver_id: str, session_id: str) -> tuple[Receipt, Sequence[RefundNote]]:
        """The receipt of a paid session, and notes of what has gone back of it. Raises NotFound, Refusal."""
        session = self.get(driver_id, session_id)
        return self._receipt(session), self.issued_receipts.notes(session)

    def _receipt(self, session: Session) -> Receipt:
        issued = self.issued_receipts.get(session.session_id)
        if issued is not None:
            return as_of_now(issued, session)
        if not session.has_receipt:
            raise Refusal("no_receipt_yet", f"session is {session.told_state}; its receipt comes once it is paid")
        return as_of_now(self.issued_receipts.issue(session), session)

    def _payer(self, driver_id: str) -> Driver:
        """A driver who may charge: what they owe is looked at first, for it may be nothing that anybody can pay."""
        try:
            return self.eligibility.payer(driver_id)
        except Refusal as refusal:
            if refusal.code != "open_balance" or self.debts.of_driver(driver_id):
                raise
        return self.eligibility.payer(driver_id)

    def _start_wait_s(self, charger: Charger) -> int:
        """How long a start is waited for: as long as its charger waits for the car, and for the news of that."""
        told = timedelta(seconds=charger.plug_in_s) + _NEWS_TAKES if charger.plug_in_s else self.start_wait
        return int(min(told, _LONGEST_START).total_seconds())

    def so_far(self, session: Session) -> Progress:
        """A session as far as it has come."""
        if session.ref is None:
            return progress(session)
        found: Measured | None = None
        # What its plug gives, and whether it is online, is asked of one row.
        evidence = replace(self.evidence, chargers=ReadOnce(self.evidence.chargers))
        if session.tariff.depends_on_course and session.bill is None:
            found, newest = replace(self.courses, evidence=evidence).look(session)
        else:
            known = self.readings.newest(session.charger_id, session.ref)
            found = evidence.so_far(session, known) if session.bill is None else None
            newest = known[-1] if known else None
        now = self.clock()
        lasted = elapsed(session, newest.reading.at if newest else None, evidence.chargers, now)
        so_far = replace(progress(session, found, newest, lasted), power_wait=self.power_wait(session))
        # Before the first reading nobody knows whether the car takes anything, but by what its connector says.
        energy_wh = so_far.energy_wh if newest or session.state is not State.ACTIVE else None
        idle = idling(session, found, energy_wh, now)
        return so_far if idle is None else replace(so_far, idling=idle, cost=idle.bill)

    def _own(self, driver_id: str, wanted: Wanted) -> Session | None:
        """The session this driver has there already, begun from a reservation: its name says nothing of the key."""
        for state in self.connectors.of_charger(wanted.charger_id):
            if state.connector == wanted.connector and state.session_id:
                session = self.sessions.get(state.session_id)
                if session is None or not is_drivers(session, driver_id):
                    continue
                if session.reserved and not session.is_over:
                    return session
        return None

    def _again(self, session: Session, wanted: Wanted) -> Session:
        # Preferences may have been told anew since.
        if Wanted(session.charger_id, session.connector, session.limits) != replace(wanted, preferences=None):
            raise Refusal(
                "idempotency_key_reused",
                "this Idempotency-Key began a session at another connector, or with other limits",
            )
        if session.reason is Reason.CONNECTOR_BUSY:
            # As the first request was answered, so is each that repeats it.
            raise busy(session.connector)
        if session.state is State.INITIATED:
            # The first request may have died before it got this far.
            self._claim(session)
            self.workflow.start(session)
        return session

    def _claim(self, session: Session) -> None:
        if not take_connector(self.connectors, self.sessions, session):
            # Its workflow never begins: nothing is set aside.
            no_holds = Released(frozenset())
            self.changes.apply(session.session_id, StartFailed(Reason.CONNECTOR_BUSY, self.clock()), no_holds)
            raise busy(session.connector)
