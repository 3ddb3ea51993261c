"""Services over the real tables; only the workflow engine is replaced, by one that writes down what it is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.charging.session import CardAction, Hold, Origin, Session
from chalicelib.domain.pricing.tariff import Tariff, simple_elements
from chalicelib.records.chargers import Charger, Connection, Gone, Purpose, SentCall, Site, registered_w
from chalicelib.records.charging import StaleTask
from chalicelib.records.drivers import Driver, Token
from chalicelib.records.money import CardholderNeeded, Declined, ProviderPayment, SavedCard
from chalicelib.services.chargers.connections import Connections
from chalicelib.wiring import Network
from tests.tables import without_http

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
TARIFF = Tariff(
    tariff_id="standard",
    operator_id="op",
    name="Standard",
    currency="EUR",
    elements=simple_elements(per_kwh=Decimal("0.45")),
    hold_minor=5000,
)
SITE = Site(
    site_id="harbour",
    operator_id="op",
    name="Harbour",
    address="Quay 1",
    time_zone="Europe/Berlin",
    tariff_id="standard",
)
CONNECTION = Connection(connection_id="c-1", charger_id="CP-1", operator_id="op", protocol="ocpp1.6")
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
    posted: list[tuple[str, str]] = field(default_factory=list)

    def send(self, connection_id: str, frame: str) -> None:
        if not self.is_open:
            raise Gone(connection_id)
        self.sent.append(frame)
        self.posted.append((connection_id, frame))

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)


@dataclass
class CardMoney:
    """A payment provider that says yes until told otherwise, and counts what it was asked for."""

    declines: bool = False
    can_raise: bool = False
    asks_cardholder: bool = False
    page_size: int = 100
    held: dict[str, int] = field(default_factory=dict)
    captured: dict[str, int] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)
    refunded: dict[tuple[str, str], int] = field(default_factory=dict)
    voided: list[str] = field(default_factory=list)
    checked: list[tuple[str, int]] = field(default_factory=list)

    def guests_card(self, payment_method_id: str) -> SavedCard | None:
        is_card = payment_method_id.startswith("pm_")
        return SavedCard(payment_method_id=payment_method_id, label="visa 4242") if is_card else None

    def check_card(self, driver: Driver, currency: str, amount_minor: int, key: str) -> None:
        self._check()
        self.checked.append((driver.driver_id, amount_minor))

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

    def page(self, since: datetime, until: datetime, after: str) -> tuple[list[ProviderPayment], str]:
        taken = self.captured | self.charged
        found = [
            ProviderPayment(
                payment_id=payment_id,
                session_id=self.session_of(payment_id),
                currency="EUR",
                held_minor=0 if payment_id in taken or payment_id in self.voided else self.held.get(payment_id, 0),
                taken_minor=taken.get(payment_id, 0),
                refunded_minor=sum(amount for (of, _), amount in self.refunded.items() if of == payment_id),
            )
            for payment_id in {**self.held, **taken}
            if payment_id > after
        ]
        found.sort(key=lambda it: it.payment_id)
        return found[: self.page_size], found[self.page_size - 1].payment_id if len(found) > self.page_size else ""

    def _check(self, why: str = "Your card was declined.") -> None:
        if self.declines:
            raise Declined(why)


@dataclass
class Invocations:
    """Functions that were begun beside this one, and what each was told; a test lets them run when it likes."""

    begun: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def begin(self, function: str, told: Mapping[str, Any]) -> None:
        self.begun.append((function, json.loads(json.dumps(told))))


LOG_SETTINGS = {
    "KERB_LOG_BUCKET": "the-log",
    "KERB_LOG_NAME": "log.example.com/log",
    "KERB_LOG_SECRET": base64.b64encode(bytes(32)).decode(),
}


class Kit(Network):
    """A network of one charger, one driver with a card on file and one RFID token; what is outside are doubles."""

    clock: Clock
    workflow: Workflow
    link: Link
    invocations: Invocations

    def __init__(self) -> None:
        self.money = CardMoney()
        clock = Clock()
        super().__init__(
            {"KERB_PASSWORD_SECRET": "", **LOG_SETTINGS},
            clock=clock,
            new_id=(f"m-{number}" for number in count(1)).__next__,
            sleep=lambda seconds: clock.advance(seconds=seconds),
            workflow=Workflow(),
            link=Link(),
            invocations=Invocations(),
            payments=self.money,
        )
        self.tariffs.put(TARIFF)
        self.sites.put(SITE)
        self.drivers.put(
            Driver(
                driver_id="driver-1",
                email="d@example.com",
                customer_id="cus_1",
                payment_method_id="pm_1",
                card="visa 4242",
            )
        )
        self.tokens.put(Token(uid=CARD, operator_id="op", driver_id="driver-1"), NOW)
        self.chargers.put(
            Charger(
                charger_id="CP-1",
                operator_id="op",
                site_id="harbour",
                password_hash="scrypt$",
                connectors=(ConnectorId(1), ConnectorId(2)),
            )
        )
        self.sockets.opened(CONNECTION, NOW)

    def welcoming(self) -> Connections:
        """The door as it is where unknown chargers wait for operator `op`."""
        return replace(self.connections, newcomers_to="op")

    def show_on_map(self, charger: Charger) -> None:
        """Give its site a place, and put `charger` there as its operator would."""
        self.sites.put(replace(SITE, latitude=53.5, longitude=9.9))
        self.registry.put_charger(charger, None)

    def app_session(self, session_id: str = "KAAAAAAAAAAAAAAAAAAA") -> Session:
        """A session begun by app, waiting for its charger."""
        charger = self.chargers.get("CP-1")
        assert charger is not None
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
            plug_w=registered_w(charger, ConnectorId(1)),
        )
        assert self.sessions.add(session)
        assert self.connectors.claim("CP-1", session.connector, session_id)
        return session

    def session(self, session_id: str) -> Session:
        """As stored now."""
        session = self.sessions.get(session_id)
        assert session is not None
        return session


@pytest.fixture
def tables(tables: None) -> Iterator[None]:
    """HTTP is the adapters' affair: their tests go through it."""
    with without_http():
        yield


def sent_call(purpose: Purpose, subject: str, charger_id: str = "CP-1") -> SentCall:
    """A command of Kerb's, as it stands in its row while unanswered."""
    return SentCall(
        charger_id=charger_id,
        message_id="m-0",
        action="",
        purpose=purpose,
        sent_at=NOW,
        due_at=NOW,
        subject=subject,
    )


@pytest.fixture
def kit(tables: None) -> Kit:
    return Kit()
