"""What a charger is made of, whichever OCPP version it speaks: plugs, charges, and the words for them."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from local.simulator.battery import Car
from local.simulator.line import Line, Payload, Queued


@dataclass
class Transaction:
    """A charge under way. `ref` is None until the backend names it (1.6)."""

    connector: int
    token: str
    meter_start_wh: int
    started_at: datetime
    ref: str | None = None
    remote_start_id: int | None = None
    remote: bool = False
    seq_no: int = 0
    offline: bool = False
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


class Obedient(Protocol):
    """What a backend can make a charger do."""

    line: Line

    async def remote_start(self, connector: int | None, token: str, remote_start_id: int | None) -> bool: ...
    async def remote_stop(self, ref: str) -> bool: ...
    async def reset(self) -> None: ...
    async def heard_of(self, transaction: Transaction, accepted: bool) -> None: ...
    def soon(self, work: Coroutine[Any, Any, None]) -> None: ...


class Dialect(Protocol):
    """How an OCPP version puts it."""

    subprotocol: str

    def boot(self) -> tuple[str, Payload]: ...
    def status(self, connector: int, status: str) -> tuple[str, Payload]: ...
    def authorize(self, token: str) -> tuple[str, Payload]: ...
    def is_accepted(self, answer: Payload) -> bool: ...
    def started(self, transaction: Transaction, charger: Obedient) -> Queued: ...
    def reading(self, transaction: Transaction, connector: Connector, offline: bool) -> Queued: ...
    def stopped(self, transaction: Transaction, connector: Connector, reason: str, offline: bool) -> Queued: ...
    async def called(self, charger: Obedient, action: str, payload: Payload) -> Payload: ...


def now() -> datetime:
    """The charger's clock."""
    return datetime.now(UTC)


def timestamp(at: datetime) -> str:
    """As OCPP writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def nothing(_: Any) -> None:
    """An answer that changes nothing."""
