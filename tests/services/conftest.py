"""Services over the real tables; only the workflow engine is replaced, by one that writes down what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, cast

import pytest

from chalicelib.adapters.chargers.calls import DynamoCalls
from chalicelib.adapters.chargers.chargers import DynamoChargers
from chalicelib.adapters.chargers.message_log import DynamoHistory, DynamoMessageLog, DynamoReports
from chalicelib.adapters.charging.sessions import DynamoSessions
from chalicelib.adapters.charging.transactions import DynamoReadings, DynamoTransactions
from chalicelib.adapters.discovery.places import DynamoPlaces
from chalicelib.adapters.drivers.catalog import DynamoCatalog, DynamoDrivers
from chalicelib.adapters.money.debts import DynamoDebts, DynamoDifferences
from chalicelib.adapters.money.ledger import DynamoLedger, DynamoReceipts
from chalicelib.adapters.notifications.outbox import DynamoOutbox
from chalicelib.adapters.ocpp import NoProvider
from chalicelib.adapters.reservations import DynamoReservations
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import CardAction, Hold, Origin, Session
from chalicelib.domain.pricing.tariff import Tariff, simple_elements
from chalicelib.ports.money import Payments
from chalicelib.records.chargers import Charger, Connection, Gone, Site
from chalicelib.records.charging import StaleTask
from chalicelib.records.drivers import Driver, Token
from chalicelib.records.money import CardholderNeeded, Declined, ProviderPayment
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.chargers.local_lists import LocalLists
from chalicelib.services.chargers.message_log import ChargerLog
from chalicelib.services.chargers.registry import Registry
from chalicelib.services.chargers.remote_control import RemoteControl
from chalicelib.services.charging.metering import Metering
from chalicelib.services.charging.monitor import Monitor
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.charging.transaction_ids import TransactionIds
from chalicelib.services.charging.transactions import TransactionEvents
from chalicelib.services.charging.unclaimed import UnclaimedTransactions
from chalicelib.services.drivers.authorization import Authorizations
from chalicelib.services.drivers.eligibility import Eligibility
from chalicelib.services.money.debts import Debts
from chalicelib.services.money.funds import Funds
from chalicelib.services.money.payment_webhooks import PaymentWebhooks
from chalicelib.services.money.receipts import IssuedReceipts
from chalicelib.services.money.reconciliation import Reconciliation
from chalicelib.services.money.refunds import Refunds
from chalicelib.services.notifications.alerts import Alerts
from chalicelib.services.notifications.outbox import Notifications
from chalicelib.services.ocpp.conversation import Conversation
from chalicelib.services.ocpp.router import Router
from chalicelib.services.reservations import DriverReservations
from chalicelib.services.sessions.driver_sessions import DriverSessions
from chalicelib.services.sessions.lifecycle import Lifecycle

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TARIFF = Tariff("standard", "op", "Standard", "EUR", simple_elements(per_kwh=Decimal("0.45")), hold_minor=5000)
CONNECTION = Connection("c-1", "CP-1", "op", "ocpp1.6")
CARD = "04A1B2C3"


@dataclass
class Workflow:
    """What the engine was told; a token works once."""

    started: list[str] = field(default_factory=list)
    succeeded: list[str] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)

    def start(self, session: Session) -> None:
        if session.session_id not in self.started:
            self.started.append(session.session_id)

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        if task_token in self.succeeded:
            raise StaleTask(task_token)
        self.succeeded.append(task_token)

    def fail(self, task_token: str, error: str, cause: str) -> None:
        self.failed.append((task_token, error, cause))


@dataclass
class Clock:
    """Stands still until moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Link:
    """A socket that is open or not."""

    is_open: bool = True
    sent: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def send(self, connection_id: str, frame: str) -> None:
        if not self.is_open:
            raise Gone(connection_id)
        self.sent.append(frame)

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)


@dataclass
class CardMoney:
    """A payment provider that says yes until told otherwise, and counts what it was asked for."""

    declines: bool = False
    can_raise: bool = False
    asks_cardholder: bool = False
    held: dict[str, int] = field(default_factory=dict)
    captured: dict[str, int] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)
    refunded: dict[tuple[str, str], int] = field(default_factory=dict)
    voided: list[str] = field(default_factory=list)

    def hold(self, session: Session, driver: Driver, amount_minor: int, part: int = 0) -> Hold:
        self._check()
        payment_id = f"pi_{session.session_id}{f'-{part}' if part else ''}"
        if self.asks_cardholder:
            raise CardholderNeeded(CardAction(payment_id, f"{payment_id}_secret"))
        self.held[payment_id] = amount_minor
        return Hold(payment_id, amount_minor)

    def raise_hold(self, session: Session, hold: Hold, amount_minor: int) -> Hold | None:
        if not self.can_raise:
            return None
        self.held[hold.payment_id] = amount_minor
        return replace(hold, amount_minor=amount_minor)

    def charge(
        self, session: Session, driver: Driver, amount_minor: int, purpose: str, *, is_there: bool = False
    ) -> Hold:
        self._check()
        payment_id = f"pi_{session.session_id}-{purpose}"
        if self.asks_cardholder and is_there:
            raise CardholderNeeded(CardAction(payment_id, f"{payment_id}_secret"))
        self.charged[payment_id] = amount_minor
        return Hold(payment_id, amount_minor)

    def capture(self, session: Session, hold: Hold, amount_minor: int) -> None:
        self._check("The hold has expired.")
        self.captured[hold.payment_id] = amount_minor

    def taken_minor(self, session: Session, hold: Hold) -> int:
        return self.captured.get(hold.payment_id, 0)

    def void(self, session: Session, hold: Hold) -> None:
        self.voided.append(hold.payment_id)

    def refund(self, session: Session, payment_id: str, amount_minor: int, key: str) -> str:
        self._check()
        self.refunded[payment_id, key] = amount_minor
        return f"re_{key}"

    def session_of(self, payment_id: str) -> str | None:
        return payment_id.removeprefix("pi_").partition("-")[0]

    def between(self, since: datetime, until: datetime) -> list[ProviderPayment]:
        taken = self.captured | self.charged
        return [
            ProviderPayment(
                payment_id,
                self.session_of(payment_id),
                "EUR",
                0 if payment_id in taken or payment_id in self.voided else self.held.get(payment_id, 0),
                taken.get(payment_id, 0),
                sum(amount for (of, _), amount in self.refunded.items() if of == payment_id),
            )
            for payment_id in {**self.held, **taken}
        ]

    def _check(self, why: str = "Your card was declined.") -> None:
        if self.declines:
            raise Declined(why)


class Kit:
    """A network of one charger, one driver with a card on file and one RFID card."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.workflow = Workflow()
        self.chargers = DynamoChargers(self.clock)
        self.sessions = DynamoSessions(self.clock)
        self.readings = DynamoReadings()
        self.calls = DynamoCalls()
        self.catalog = DynamoCatalog()
        self.drivers = DynamoDrivers()
        self.ledger = DynamoLedger()
        self.transactions = DynamoTransactions()
        self.message_log = DynamoMessageLog()
        self.history = DynamoHistory()
        self.reports = DynamoReports()
        self.places = DynamoPlaces(self.clock)
        self.link = Link()
        self.outbox = DynamoOutbox()
        self.notifications = Notifications(self.outbox, self.sessions, self.clock)
        self.alerts = Alerts(self.sessions, self.readings, self.transactions, self.notifications)
        self.changes = SessionChanges(self.sessions, self.workflow, self.notifications)
        self.issued_receipts = IssuedReceipts(DynamoReceipts(), self.catalog, self.clock)
        self.charger_log = ChargerLog(self.message_log, self.history, self.places, self.clock)
        self.authorizations = Authorizations(self.chargers, self.sessions, self.catalog, self.drivers, self.clock)
        self.new_id = (f"m-{number}" for number in count(1)).__next__
        self.commands = ChargerCommands(
            chargers=self.chargers,
            calls=self.calls,
            link=self.link,
            charger_log=self.charger_log,
            clock=self.clock,
            new_id=self.new_id,
            sleep=lambda seconds: self.clock.advance(seconds=seconds),
        )
        self.lists = LocalLists(self.chargers, self.catalog, self.commands, self.clock)
        self.reservations = DynamoReservations()
        self.eligibility = Eligibility(
            self.chargers, self.catalog, self.drivers, self.sessions, self.reservations, self.clock
        )
        self.driver_reservations = DriverReservations(
            reservations=self.reservations,
            chargers=self.chargers,
            places=self.places,
            sessions=self.sessions,
            eligibility=self.eligibility,
            commands=self.commands,
            workflow=self.workflow,
            clock=self.clock,
            new_id=self.new_id,
        )
        self.monitor = Monitor(self.sessions, self.readings, self.changes, self.alerts, self.clock)
        self.charging = TransactionEvents(
            chargers=self.chargers,
            sessions=self.sessions,
            transactions=self.transactions,
            readings=self.readings,
            catalog=self.catalog,
            authorizations=self.authorizations,
            transaction_ids=TransactionIds(self.chargers, self.sessions, self.transactions, self.clock),
            workflow=self.workflow,
            changes=self.changes,
            driver_reservations=self.driver_reservations,
            monitor=self.monitor,
            alerts=self.alerts,
            clock=self.clock,
        )
        self.router = Router(
            chargers=self.chargers,
            charging=self.charging,
            authorizations=self.authorizations,
            lists=self.lists,
            driver_reservations=self.driver_reservations,
            reports=self.reports,
            provider=NoProvider(),
            charger_log=self.charger_log,
            alerts=self.alerts,
            clock=self.clock,
            heartbeat_s=300,
        )
        self.conversation = Conversation(
            self.chargers, self.calls, self.router, self.charger_log, self.commands, self.clock
        )
        self.unclaimed = UnclaimedTransactions(self.transactions, self.charging, self.clock)
        self.registry = Registry(self.chargers, self.catalog, self.drivers, self.places, self.link, self.clock)
        self.remote_control = RemoteControl(
            chargers=self.chargers,
            calls=self.calls,
            commands=self.commands,
            message_log=self.message_log,
            history=self.history,
            reports=self.reports,
            sessions=self.sessions,
            transactions=self.transactions,
            readings=self.readings,
            clock=self.clock,
            sleep=lambda seconds: self.clock.advance(seconds=seconds),
        )
        self.driver_sessions = DriverSessions(
            sessions=self.sessions,
            readings=self.readings,
            chargers=self.chargers,
            catalog=self.catalog,
            eligibility=self.eligibility,
            driver_reservations=self.driver_reservations,
            issued_receipts=self.issued_receipts,
            workflow=self.workflow,
            changes=self.changes,
            clock=self.clock,
            new_id=self.new_id,
        )
        self.money = CardMoney()
        payments = lambda: cast(Payments, self.money)  # noqa: E731
        self.debt_book = DynamoDebts()
        self.debts = Debts(self.debt_book, self.sessions, self.drivers, self.ledger, self.changes, payments, self.clock)
        self.funds = Funds(self.drivers, self.ledger, self.transactions, self.changes, self.debts, payments, self.clock)
        self.lifecycle = Lifecycle(
            sessions=self.sessions,
            readings=self.readings,
            chargers=self.chargers,
            ledger=self.ledger,
            workflow=self.workflow,
            changes=self.changes,
            commands=self.commands,
            metering=Metering(self.readings, self.changes),
            funds=self.funds,
            issued_receipts=self.issued_receipts,
            clock=self.clock,
        )
        self.payment_webhooks = PaymentWebhooks(
            self.sessions, self.ledger, self.changes, self.funds, payments, self.clock
        )
        self.refunds = Refunds(self.sessions, self.ledger, self.changes, payments, self.clock)
        self.differences = DynamoDifferences()
        self.reconciliation = Reconciliation(self.ledger, self.differences, payments)
        self.catalog.put_tariff(TARIFF)
        self.catalog.put_site(Site("harbour", "op", "Harbour", "Quay 1", "Europe/Berlin", "standard"))
        self.drivers.put(Driver("driver-1", "d@example.com", "cus_1", "pm_1", "visa 4242"))
        self.catalog.put_token(Token(CARD, "op", "driver-1"), NOW)
        self.chargers.put(Charger("CP-1", "op", "harbour", "scrypt$", (ConnectorId(1), ConnectorId(2))))
        self.chargers.opened(CONNECTION, NOW)

    def app_session(self, session_id: str = "KAAAAAAAAAAAAAAAAAAA") -> Session:
        """A session begun by app, waiting for its charger."""
        session = Session(
            session_id=session_id,
            operator_id="op",
            site_id="harbour",
            charger_id="CP-1",
            connector=ConnectorId(1),
            origin=Origin.APP,
            token=session_id,
            driver_id="driver-1",
            tariff=TARIFF,
            created_at=NOW,
        )
        assert self.sessions.add(session)
        assert self.chargers.claim("CP-1", session.connector, session_id)
        return session

    def session(self, session_id: str) -> Session:
        """As stored now."""
        session = self.sessions.get(session_id)
        assert session is not None
        return session


@pytest.fixture
def kit(tables: None) -> Kit:
    return Kit()
