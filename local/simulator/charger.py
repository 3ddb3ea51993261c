"""One charger: cars plug in, energy flows while a transaction allows it, and its backend is told in its dialect.

It keeps charging when its backend is gone, and tells everything once it is back. Energy flows `speed` times faster
than in nature; its clock is honest.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from local.simulator.battery import Car
from local.simulator.line import Line
from local.simulator.parts import Connector, Dialect, Transaction, now
from local.simulator.words16 import Words16
from local.simulator.words201 import Words201

_STEP_S = 0.05
_OFFERED_W = 22_000


@dataclass(frozen=True)
class Setup:
    """A charger as built, and how it misbehaves."""

    charger_id: str
    password: str
    url: str
    version: str = "1.6"
    connectors: int = 2
    interval_s: float = 10.0
    speed: float = 1.0
    connection_timeout_s: float = 60.0
    first_wait_s: float = 1.0
    authorize_remote: bool = False
    never_starts: bool = False
    rejects_remote_start: bool = False
    ignores_remote_stop: bool = False
    duplicates: bool = False


_DIALECTS: dict[str, Callable[[], Dialect]] = {"1.6": Words16, "2.0.1": Words201}


class Charger:
    """Run it, then act on it as a person in front of it would: plug, swipe, unplug."""

    def __init__(self, setup: Setup, log: Callable[[str], None] = lambda _: None) -> None:
        self.setup = setup
        self.words = _DIALECTS[setup.version]()
        self.log = log
        self.connectors = {
            number: Connector(number, float(random.randrange(1_000_000))) for number in range(1, setup.connectors + 1)
        }
        self._pending: dict[int, tuple[str, int | None, float]] = {}
        self._skip_boot = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.line = Line(
            f"{setup.url}/{setup.charger_id}",
            setup.password,
            self.words.subprotocol,
            self._opened,
            lambda action, payload: self.words.called(self, action, payload),
            first_wait_s=setup.first_wait_s,
            duplicates=setup.duplicates,
        )

    @property
    def is_online(self) -> bool:
        """Connected and accepted."""
        return self.line.registered.is_set()

    async def run(self) -> None:
        """Live until cancelled. Raises Refused when the backend does not know us."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.line.run())
            tasks.create_task(self._physics())
            tasks.create_task(self._metering())

    async def until(self, reached: Callable[[Charger], bool], within_s: float = 15.0) -> None:
        """Wait until the charger is as wanted. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not reached(self):
                await asyncio.sleep(0.01)

    # What a person does.

    async def plug(self, connector: int = 1, car: Car | None = None) -> None:
        """A car comes."""
        at = self.connectors[connector]
        at.car = car or Car()
        await self._show(at, "Preparing")
        await self._maybe_start(at)

    async def unplug(self, connector: int = 1) -> None:
        """The car leaves; a charge under way ends."""
        at = self.connectors[connector]
        await self.stop(at, "EVDisconnected")
        at.car = None
        await self._show(at, "Available")

    async def swipe(self, token: str, connector: int = 1) -> bool:
        """An RFID card: starts a charge, or ends the one it started. False when it is refused."""
        at = self.connectors[connector]
        if at.transaction is not None:
            await self.stop(at, "Local")
            return True
        # Offline, whoever comes is let in: the cable must not strand anybody, and it is told later.
        if self.is_online and not self.words.is_accepted(await self.line.call(*self.words.authorize(token))):
            self.log(f"card {token} refused")
            return False
        await self.start(at, token)
        return True

    def go_offline(self) -> None:
        """The network fails; charging does not."""
        self.log("line cut")
        self.line.cut()

    def go_online(self, reboot: bool = True) -> None:
        """The network is back, with a new BootNotification or without."""
        self._skip_boot = not reboot
        self.line.mend()

    # What a backend asks for.

    async def remote_start(self, connector: int | None, token: str, remote_start_id: int | None) -> bool:
        """Start, or wait for the car. False when refused."""
        free = [it for it in self.connectors.values() if it.transaction is None and connector in (None, it.number)]
        if self.setup.rejects_remote_start or not free:
            return False
        if not self.setup.never_starts:
            deadline = asyncio.get_running_loop().time() + self.setup.connection_timeout_s
            self._pending[free[0].number] = (token, remote_start_id, deadline)
            self.soon(self._maybe_start(free[0]))
        return True

    async def remote_stop(self, ref: str) -> bool:
        """Stop the transaction called `ref`. False when there is none."""
        for at in self.connectors.values():
            if at.transaction is not None and at.transaction.ref == ref:
                if not self.setup.ignores_remote_stop:
                    self.soon(self.stop(at, "Remote"))
                return True
        return False

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it after the answer has gone out."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def start(self, at: Connector, token: str, remote_start_id: int | None = None, remote: bool = False) -> None:
        """Begin a transaction."""
        at.transaction = Transaction(
            at.number,
            token,
            int(at.register_wh),
            now(),
            remote_start_id=remote_start_id,
            remote=remote,
            offline=not self.is_online,
        )
        self.log(f"connector {at.number}: charge begins under {token}")
        self.line.queue(self.words.started(at.transaction, self))
        await self._show(at, "Charging")

    async def stop(self, at: Connector, reason: str) -> None:
        """End the transaction, if there is one."""
        transaction, at.transaction = at.transaction, None
        if transaction is None:
            return
        at.power_w = 0
        self.log(f"connector {at.number}: charge ends ({reason})")
        self.line.queue(self.words.stopped(transaction, at, reason, not self.is_online))
        if reason != "EVDisconnected":
            await self._show(at, "Finishing")

    async def heard_of(self, transaction: Transaction, accepted: bool) -> None:
        """The backend has taken note of the start. A token it does not know ends the charge."""
        if not accepted:
            self.log(f"connector {transaction.connector}: backend refuses {transaction.token}")
            await self.stop(self.connectors[transaction.connector], "DeAuthorized")

    # Its own life.

    async def _opened(self) -> None:
        if not self._skip_boot:
            wait_s = 0.0
            while True:
                answer = await self.line.call(*self.words.boot())
                wait_s = float(answer.get("interval") or 10)
                if answer["status"] == "Accepted":
                    break
                await asyncio.sleep(wait_s)
            self._heartbeat_s = wait_s
        self._skip_boot = False
        self.log(f"connected as {self.setup.charger_id} over OCPP {self.setup.version}")
        self.line.registered.set()
        for at in self.connectors.values():
            await self.line.tell(*self.words.status(at.number, at.status))
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await self.line.tell("Heartbeat", {})

    async def _maybe_start(self, at: Connector) -> None:
        wanted = self._pending.get(at.number)
        if wanted is None or at.car is None or at.transaction is not None:
            return
        token, remote_start_id, deadline = self._pending.pop(at.number)
        if asyncio.get_running_loop().time() > deadline:
            return
        if self.setup.authorize_remote and not self.words.is_accepted(
            await self.line.call(*self.words.authorize(token))
        ):
            return
        await self.start(at, token, remote_start_id, remote=True)

    async def _physics(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(_STEP_S)
            passed_s, before = loop.time() - before, loop.time()
            for at in self.connectors.values():
                if at.transaction is None or at.car is None:
                    continue
                at.power_w = at.car.power_w(_OFFERED_W)
                at.register_wh += at.car.charge(_OFFERED_W, passed_s * self.setup.speed)
                if at.car.is_full and at.status == "Charging":
                    await self._show(at, "SuspendedEV")

    async def _metering(self) -> None:
        while True:
            await asyncio.sleep(self.setup.interval_s)
            for at in self.connectors.values():
                if at.transaction is not None:
                    self.line.queue(self.words.reading(at.transaction, at, not self.is_online))
                    self.log(describe(at))

    async def _show(self, at: Connector, status: str) -> None:
        if at.status != status:
            at.status = status
            await self.line.tell(*self.words.status(at.number, status))

    async def reset(self) -> None:
        """Reboot: charges end, the line drops and comes back."""
        for at in self.connectors.values():
            await self.stop(at, "Reboot")
        with contextlib.suppress(Exception):
            await self.line.close()


def describe(at: Connector) -> str:
    """One line for a person."""
    assert at.transaction is not None
    energy_kwh = (at.register_wh - at.transaction.meter_start_wh) / 1000
    soc = f", battery {at.car.soc_percent} %" if at.car else ""
    return f"connector {at.number}: {energy_kwh:.2f} kWh, {at.power_w / 1000:.1f} kW{soc}"
