"""What a charger is made of, whichever OCPP version it speaks: plugs, charges, and the words for them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from local.simulator.battery import Car
from local.simulator.limits import Oddities
from local.simulator.line import Line, Payload, Queued, Unsupported
from local.simulator.memory import Memory, Reservation
from local.simulator.profiles import PHASES, Charge
from local.simulator.settings import Setting, Settings


@dataclass
class Transaction:
    """A charge under way. `ref` is None until the backend names it (1.6); `settings` say what is told of its meter."""

    connector: int
    token: str
    meter_start_wh: int
    started_at: datetime
    settings: Settings
    ref: str | None = None
    remote_start_id: int | None = None
    remote: bool = False
    seq_no: int = 0
    offline: bool = False
    reservation_id: int | None = None
    has_priority: bool = False
    uuid: str = field(default_factory=lambda: str(uuid4()))

    def next_seq_no(self) -> int:
        """2.0.1 numbers the events of a transaction."""
        self.seq_no += 1
        return self.seq_no - 1


@dataclass
class Connector:
    """A plug, its meter, and what hangs on it."""

    number: int
    register_wh: float
    car: Car | None = None
    transaction: Transaction | None = None
    status: str = "Available"
    power_w: int = 0
    operative: bool = True
    phases: int = PHASES
    is_wedged: bool = False
    measures_phases: bool = False

    @property
    def charge(self) -> Charge:
        """What the limit of its power depends on."""
        of = self.transaction
        return Charge() if of is None else Charge(of.uuid, of.started_at, of.has_priority)


@dataclass(frozen=True)
class RemoteStart:
    """A charge that waits for its car."""

    token: str
    remote_start_id: int | None
    profile: Payload | None
    asked_at_s: float


class Obedient(Protocol):
    """What a backend can make a charger do."""

    charger_id: str
    oddities: Oddities
    line: Line
    words: Dialect
    memory: Memory
    connectors: dict[int, Connector]

    async def remote_start(
        self, connector: int | None, token: str, remote_start_id: int | None, profile: Payload | None = None
    ) -> bool: ...
    async def remote_stop(self, ref: str) -> bool: ...
    async def stop(self, at: Connector, reason: str) -> None: ...
    async def reset(self, reason: str = "Reboot") -> None: ...
    async def heard_of(self, transaction: Transaction, accepted: bool) -> None: ...
    def charge(self, at: Connector) -> Charge: ...
    def under_way(self, ref: str) -> Connector | None: ...
    def reserve(self, reservation: Reservation) -> str: ...
    def cancel_reservation(self, reservation_id: int) -> bool: ...
    def change_availability(self, number: int, operative: bool) -> str: ...
    def reset_when_idle(self, reason: str) -> str: ...
    def write(self, name: str, value: str) -> str: ...
    def soon(self, work: Coroutine[Any, Any, None]) -> None: ...
    def tell_soon(self, *messages: tuple[str, Payload]) -> None: ...


class Dialect(Protocol):
    """How an OCPP version puts it."""

    subprotocol: str

    def settings(self, connectors: int) -> list[Setting]: ...
    def boot(self, reason: str = "PowerUp") -> tuple[str, Payload]: ...
    def status(self, connector: int, status: str) -> tuple[str, Payload]: ...
    def authorize(self, token: str) -> tuple[str, Payload]: ...
    def is_accepted(self, answer: Payload) -> bool: ...
    def started(self, transaction: Transaction, charger: Obedient) -> Queued: ...
    def reading(self, transaction: Transaction, connector: Connector, offline: bool, asked: bool = False) -> Queued: ...
    def stopped(self, transaction: Transaction, connector: Connector, reason: str, offline: bool) -> Queued: ...
    def sample(self, connector: Connector) -> tuple[str, Payload]: ...
    def reservation_over(self, reservation_id: int, why: str) -> tuple[str, Payload] | None: ...
    async def called(self, charger: Obedient, action: str, payload: Payload) -> Payload: ...


Answers = dict[str, Callable[[Obedient, Payload], Payload]]


def answer(answers: Answers, charger: Obedient, action: str, payload: Payload) -> Payload:
    """What a charger says to a request of its backend. Raises Unsupported."""
    if action not in answers:
        raise Unsupported(action)
    return answers[action](charger, payload)


def describe(at: Connector) -> str:
    """One line for a person."""
    assert at.transaction is not None
    energy_kwh = (at.register_wh - at.transaction.meter_start_wh) / 1000
    soc = f", battery {at.car.soc_percent} %" if at.car else ""
    return f"connector {at.number}: {energy_kwh:.2f} kWh, {at.power_w / 1000:.1f} kW{soc}"


# Of all chargers of this process; a story sets it wrong.
CLOCK_AHEAD = timedelta(0)


def now() -> datetime:
    """The chargers' clock."""
    return datetime.now(UTC) + CLOCK_AHEAD


def timestamp(at: datetime) -> str:
    """As OCPP writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def nothing(_: Any) -> None:
    """An answer that changes nothing."""
