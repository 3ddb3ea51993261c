"""A network that is as large as asked for: so many of everything that requests read, and one charge under way.

The operator's chargers at one site, the driver's sessions, tokens and notices, a charge's readings, a charger's past.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

from chalicelib.adapters.access.tokens import Tickets
from chalicelib.adapters.chargers.rows import CHARGER
from chalicelib.adapters.tables import ChargerRow
from chalicelib.domain.chargers.availability import StatusChanged
from chalicelib.domain.chargers.events import (
    ChargingStarted,
    ConnectorId,
    ConnectorStatus,
    Reading,
    ReadingsTaken,
    SignedValue,
)
from chalicelib.domain.chargers.fault_report import FaultKind, FaultReport
from chalicelib.domain.charging.limits import Limits
from chalicelib.domain.charging.session import Origin, Session, State
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.notifications import Notification, NotificationKind
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.records.chargers import Charger, Direction, Knock, KnockReason, LoggedMessage, Plug, Site
from chalicelib.records.discovery import Place
from chalicelib.records.drivers import Token
from tests.services.conftest import CONNECTION, NOW, SITE, TARIFF, Kit

OPERATOR, DRIVER, CHARGER_ID, SITE_ID = "op", "driver-1", "CP-1", "harbour"
RUNNING, OVER = "KRUNNING000000000000", "over-00001"
_TIMED = replace(
    TARIFF,
    elements=simple_elements(
        per_kwh=Decimal("0.39"), per_minute=Decimal("0.02"), idle_per_minute=Decimal("0.10"), tax_percent=Decimal(19)
    ),
)
SPOT = {"latitude": 53.5437, "longitude": 9.9924}
EVERY = timedelta(seconds=60)
# Those who knock are kept apart for each day up to a number.
_STRANGERS = 60


@dataclass(frozen=True)
class Whose:
    """Where more of everything stands: an operator's charger at one of its sites, where the driver charges."""

    operator_id: str
    charger_id: str
    site: Site

    def session(self, session_id: str) -> Session:
        """A charge there by app."""
        return Session(
            session_id=session_id,
            operator_id=self.operator_id,
            site_id=self.site.site_id,
            charger_id=self.charger_id,
            connector=ConnectorId(1),
            origin=Origin.APP,
            token=session_id,
            driver_id=DRIVER,
            tariff=_TIMED,
            created_at=NOW,
            time_zone="Europe/Berlin",
        )


def grow(kit: Kit, number: int, whose: Whose) -> None:
    """One more of each."""
    at, name = NOW - timedelta(minutes=number), f"{number:05d}"
    charger = Charger(
        charger_id=f"CP-{number + 100}",
        operator_id=whose.operator_id,
        site_id=whose.site.site_id,
        password_hash="scrypt$",
        connectors=(ConnectorId(1),),
    )
    # Written as they are stored: what registers a charger checks what nobody asks here.
    row = ChargerRow(
        charger.charger_id, CHARGER, operator_id=whose.operator_id, site_id=whose.site.site_id, password_hash="scrypt$"
    )
    row.connectors, row.security_profile = ["1"], 1
    row.place = kit.places.put(_place(charger, whose.site))
    row.save()
    status = ConnectorStatus.AVAILABLE if number % 2 else ConnectorStatus.OCCUPIED
    kit.history.add(whose.charger_id, StatusChanged(at, ConnectorId(1), status))
    kit.message_log.add((whose.charger_id, LoggedMessage(at=at, direction=next(iter(Direction)), what="Heartbeat")))
    if number < _STRANGERS:
        _knock(kit, whose, f"STRANGER-{name}", at)
    kit.fault_reports.add(
        FaultReport(
            report_id=f"r-{name}",
            operator_id=whose.operator_id,
            driver_id=DRIVER,
            charger_id=whose.charger_id,
            connector=None,
            kind=next(iter(FaultKind)),
            text="",
            created_at=at,
        )
    )
    kit.tokens.put(Token(uid=f"TOKEN-{name}", operator_id=whose.operator_id, driver_id=DRIVER), at)
    kit.outbox.add(
        Notification(
            kind=next(iter(NotificationKind)),
            session_id=f"over-{name}",
            driver_id=DRIVER,
            operator_id=whose.operator_id,
            charger_id=whose.charger_id,
            connector=ConnectorId(1),
            at=at,
        ),
        at,
    )
    session = replace(whose.session(f"over-{name}"), created_at=at, state=State.COMPLETED, ended_at=at)
    kit.sessions.add(session)


def _knock(kit: Kit, whose: Whose, name: str, at: datetime) -> None:
    kit.knocks.add(
        Knock(
            operator_id=whose.operator_id,
            charger_id=None,
            name=name,
            reason=KnockReason.UNKNOWN,
            why="",
            at=at,
            first_at=at,
        )
    )


class BigNetwork(Kit):
    """A network in which there are so many of everything, and one charge under way."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.__dict__ |= {"tickets": Tickets("t" * 32), "identity": SimpleNamespace()}
        self.tariffs.put(_TIMED)
        self.whose = Whose(OPERATOR, CHARGER_ID, replace(SITE, latitude=SPOT["latitude"], longitude=SPOT["longitude"]))
        self.sites.put(self.whose.site)
        self.operator_profiles.put(OPERATOR, Profile(legal_name="Op Ltd", address="Road 1", country="DE"))
        for number in range(size):
            grow(self, number, self.whose)
        self._charge(size)

    def _charge(self, size: int) -> None:
        """A charge with limits and a price per minute, with so many readings."""
        session = self.whose.session(RUNNING)
        self.sessions.add(session)
        self.connectors.claim(CHARGER_ID, session.connector, RUNNING)
        begun = ChargingStarted(
            ref="tx-1", connector=ConnectorId(1), token=RUNNING, at=self.clock(), meter_start_wh=1_000
        )
        self.charging.started(CONNECTION, begun, lambda *_: "tx-1")
        for _ in range(size):
            self.tell_reading()
        signed = SignedValue(NOW, "Sample.Periodic", '{"value": "OCMF|{}|{}"}')
        self.signed_values.keep(CHARGER_ID, "tx-1", [replace(signed, at=NOW + EVERY * it) for it in range(size)])
        # Its driver sets a limit: from now on it is looked at with each reading.
        active = self.session(RUNNING)
        self.sessions.save(active, replace(active, limits=Limits(energy_wh=10_000_000)))
        self.transactions.attend(CHARGER_ID, "tx-1", 0)

    def tell_reading(self) -> None:
        """A MeterValues, a minute after the last one."""
        self.clock.now += EVERY
        minutes = (self.clock.now - NOW) // EVERY
        told = Reading(at=self.clock.now, energy_wh=1_000 + 100 * minutes, power_w=6_000)
        self.charging.readings_taken(CONNECTION, ReadingsTaken(ref="tx-1", connector=ConnectorId(1), readings=(told,)))


def _place(charger: Charger, site: Site) -> Place:
    assert site.spot is not None
    return Place(
        charger_id=charger.charger_id,
        operator_id=site.operator_id,
        site_id=site.site_id,
        site_name=site.name,
        address=site.address,
        tariff_id=site.tariff_id,
        time_zone=site.time_zone,
        spot=site.spot,
        plugs=(Plug(ConnectorId(1)),),
        online=True,
        statuses={"1": ConnectorStatus.AVAILABLE},
    )
