"""One charger: cars plug in, energy flows while a transaction allows it, and its backend is told in its dialect.

It keeps charging when its backend is gone, and tells everything once it is back. Energy flows `speed` times faster
than in nature; its clock is honest.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from typing import Any

from local.simulator.battery import Car
from local.simulator.line import Line, Payload
from local.simulator.memory import Memory, Reservation
from local.simulator.parts import Connector, Dialect, RemoteStart, Transaction, describe, now
from local.simulator.profiles import Charge, Profile
from local.simulator.settings import Role
from local.simulator.setup import Setup
from local.simulator.supply import Drive, charge_at, flow, offered_w
from local.simulator.words16 import Words16
from local.simulator.words21 import Words21
from local.simulator.words201 import Words201

__all__ = ["Charger", "Setup"]

_STEP_S = 0.05
_PATIENCE_S = 300.0
_DIALECTS: dict[str, Callable[[], Dialect]] = {"1.6": Words16, "2.0.1": Words201, "2.1": Words21}


class Charger:
    """Run it, then act on it as a person in front of it would: plug, swipe, unplug."""

    def __init__(self, setup: Setup, log: Callable[[str], None] = lambda _: None) -> None:
        self.setup = setup
        self.words = _DIALECTS[setup.version]()
        self.log = log
        self.connectors = {
            it: Connector(it, float(random.randrange(1_000_000)), measures_phases=setup.measures_phases)
            for it in range(1, setup.connectors + 1)
        }
        self.charger_id = setup.charger_id
        self.oddities = setup.oddities
        self.memory = Memory(setup.first_settings(self.words))
        self._pending: dict[int, RemoteStart] = {}
        self._skip_boot = False
        self._boot_reason = "PowerUp"
        self._reset_reason: str | None = None
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

    async def until(self, reached: Callable[[Charger], bool], within_s: float = _PATIENCE_S) -> None:
        """Wait until the charger is as wanted. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not reached(self):
                await asyncio.sleep(0.01)

    # What a person does.

    async def plug(self, connector: int = 1, car: Car | None = None) -> None:
        """A car comes."""
        at = self.connectors[connector]
        at.car = car or Car()
        await self._show(at, self._resting(at))
        await self._maybe_start(at)

    async def unplug(self, connector: int = 1) -> None:
        """The car leaves; a charge under way ends."""
        at = self.connectors[connector]
        await self.stop(at, "EVDisconnected")
        at.car = None
        await self._show(at, self._resting(at))

    async def swipe(self, token: str, connector: int = 1) -> bool:
        """An RFID card: starts a charge, or ends the one it started. False when it is refused."""
        at = self.connectors[connector]
        if at.transaction is not None:
            await self.stop(at, "Local")
            return True
        if not self._is_open_to(at, token) or not await self._authorized(token):
            self.log(f"card {token} refused")
            return False
        await self.start(at, token)
        return True

    async def draw(self, energy_wh: float, connector: int = 1) -> float:
        """The car draws so much at once, or what it has room for, as soon as a charge is under way; returns the Wh.

        At a `speed` of 0 nothing else flows: a story then says how much is sold, and not the clock.
        """
        at = self.connectors[connector]
        await self.until(lambda _: at.transaction is not None and at.car is not None)
        assert at.car is not None
        # A reading may be taken before the next step of time, and what flows has a power.
        at.power_w = at.car.power_w(int(self.offered_w(at)))
        flowed_wh = at.car.take(energy_wh)
        at.register_wh += flowed_wh
        return flowed_wh

    def go_offline(self) -> None:
        """The network fails; charging does not."""
        self.log("line cut")
        self.line.cut()

    def go_online(self, reboot: bool = True) -> None:
        """The network is back, with a new BootNotification or without."""
        self._skip_boot = not reboot
        self.line.mend()

    # What a backend asks for.

    async def remote_start(
        self, connector: int | None, token: str, remote_start_id: int | None, profile: Payload | None = None
    ) -> bool:
        """Start, or wait for the car. False when refused."""
        asked = [it for it in self.connectors.values() if connector in (None, it.number)]
        free = [it for it in asked if it.transaction is None and self._is_open_to(it, token)]
        free.sort(key=lambda it: self.memory.reservations.at(it.number, now()) is None)
        if self.setup.rejects_remote_start or not free:
            return False
        if not self.setup.never_starts:
            asked_at_s = asyncio.get_running_loop().time()
            self._pending[free[0].number] = RemoteStart(token, remote_start_id, profile, asked_at_s)
            self.soon(self._maybe_start(free[0]))
        return True

    async def remote_stop(self, ref: str) -> bool:
        """Stop the transaction called `ref`. False when there is none."""
        at = self.under_way(ref)
        if at is not None and not self.setup.ignores_remote_stop:
            self.soon(self.stop(at, "Remote"))
        return at is not None

    def under_way(self, ref: str) -> Connector | None:
        """Where the transaction called `ref` is; None when there is none."""
        charging = (it for it in self.connectors.values() if it.transaction is not None)
        return next((it for it in charging if it.transaction and it.transaction.ref == ref), None)

    def reserve(self, reservation: Reservation) -> str:
        """Keep a connector for a token. Returns the status of the answer, the same in every version."""
        at = self.connectors.get(reservation.connector)
        if at is None or reservation.expires_at <= now():
            return "Rejected"
        if not at.operative:
            return "Unavailable"
        kept = self.memory.reservations.at(at.number, now())
        if at.car or at.transaction or (kept and kept.reservation_id != reservation.reservation_id):
            return "Occupied"
        moved = self.memory.reservations.get(reservation.reservation_id, now())
        self.memory.reservations.add(reservation)
        self.soon(self._show_rest(at))
        if moved is not None:
            self.soon(self._show_rest(self.connectors[moved.connector]))
        return "Accepted"

    def cancel_reservation(self, reservation_id: int) -> bool:
        """False when there is none."""
        found = self.memory.reservations.get(reservation_id, now())
        if found is None:
            return False
        self.memory.reservations.remove(reservation_id)
        self.soon(self._show_rest(self.connectors[found.connector]))
        return True

    def change_availability(self, number: int, operative: bool) -> str:
        """Of one connector, or of all for 0. What charges goes on charging until it ends. Returns the status."""
        found = [it for it in self.connectors.values() if number in (0, it.number)]
        for at in found:
            if at.operative == operative:
                continue
            at.operative = operative
            kept = self.memory.reservations.at(at.number, now())
            if kept is not None and not operative:
                self.memory.reservations.remove(kept.reservation_id)
                self.soon(self._reservation_over(kept, "Removed"))
            self.soon(self._show_rest(at))
        scheduled = not operative and any(it.transaction for it in found)
        return "Rejected" if not found else "Scheduled" if scheduled else "Accepted"

    def reset_when_idle(self, reason: str) -> str:
        """Reset now, or when the last charge ends. Returns the status."""
        if not any(it.transaction for it in self.connectors.values()):
            self.soon(self.reset(reason))
            return "Accepted"
        self._reset_reason = reason
        return "Scheduled"

    def write(self, name: str, value: str) -> str:
        """Change a setting. Returns Accepted, Rejected, RebootRequired or Unknown."""
        settings = self.memory.settings
        status = settings.write(name, value)
        if status == "Accepted" and settings.find(name) is settings.of(Role.PASSWORD):
            self.line.change_password(value)
            self.soon(self._reconnect())
        return status

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it after the answer has gone out."""
        self.line.soon(work)

    def tell_soon(self, *messages: tuple[str, Payload]) -> None:
        """Send news in this order after the answer has gone out."""
        self.soon(self._tell(messages))

    async def start(
        self,
        at: Connector,
        token: str,
        remote_start_id: int | None = None,
        remote: bool = False,
        profile: Payload | None = None,
    ) -> None:
        """Begin a transaction. It uses up the reservation there, and brings its charging profile if there is one."""
        kept = self.memory.reservations.at(at.number, now())
        at.transaction = Transaction(
            at.number,
            token,
            int(at.register_wh),
            now(),
            self.memory.settings,
            remote_start_id=remote_start_id,
            remote=remote,
            offline=not self.is_online,
            reservation_id=kept.reservation_id if kept else None,
        )
        if kept is not None:
            self.memory.reservations.remove(kept.reservation_id)
        if profile is not None:
            self.memory.profiles.add(Profile(at.number, profile, now(), at.transaction.uuid))
        self.log(f"connector {at.number}: charge begins under {token}")
        self.line.queue(self.words.started(at.transaction, self))
        await self._show(at, "Charging")

    async def stop(self, at: Connector, reason: str) -> None:
        """End the transaction, if there is one."""
        transaction, at.transaction = at.transaction, None
        if transaction is None:
            return
        at.power_w, at.is_wedged = 0, False
        self.log(f"connector {at.number}: charge ends ({reason})")
        self.line.queue(self.words.stopped(transaction, at, reason, not self.is_online))
        self.memory.profiles.ended(transaction.uuid)
        if reason != "EVDisconnected":
            await self._show(at, self._resting(at, "Finishing"))
        if self._reset_reason is not None and not any(it.transaction for it in self.connectors.values()):
            await self.reset(self._reset_reason)

    async def heard_of(self, transaction: Transaction, accepted: bool) -> None:
        """The backend has taken note of the start. A token it does not know ends the charge."""
        if not accepted:
            self.log(f"connector {transaction.connector}: backend refuses {transaction.token}")
            await self.stop(self.connectors[transaction.connector], "DeAuthorized")

    # Its own life.

    async def _opened(self) -> None:
        if self.oddities.forgets_when_cut:
            self.memory.profiles.clear()
        if not self._skip_boot:
            wait_s = 0.0
            while True:
                answer = await self.line.call(*self.words.boot(self._boot_reason))
                wait_s = float(answer.get("interval") or 10)
                if answer["status"] == "Accepted":
                    break
                await asyncio.sleep(wait_s)
            settings = self.memory.settings
            settings.put(settings.of(Role.HEARTBEAT_S), f"{wait_s:g}")
            self._boot_reason = "PowerUp"
        self._skip_boot = False
        self.log(f"connected as {self.setup.charger_id} over OCPP {self.setup.version}")
        self.line.registered.set()
        for at in self.connectors.values():
            await self.line.tell(*self.words.status(at.number, at.status))
        while True:
            await self.memory.settings.wait(Role.HEARTBEAT_S)
            await self.line.tell("Heartbeat", {})

    async def _maybe_start(self, at: Connector) -> None:
        wanted = self._pending.get(at.number)
        if wanted is None or at.car is None or at.transaction is not None:
            return
        del self._pending[at.number]
        settings = self.memory.settings
        if asyncio.get_running_loop().time() > wanted.asked_at_s + settings.number(Role.CONNECTION_TIMEOUT_S):
            return
        if settings.flag(Role.AUTHORIZE_REMOTE) and not await self._authorized(wanted.token):
            return
        await self.start(at, wanted.token, wanted.remote_start_id, remote=True, profile=wanted.profile)

    async def _authorized(self, token: str) -> bool:
        # Offline, a stranger is let in: the cable must not strand anybody, and it is told later.
        if not self.is_online:
            return self.memory.lets_in(token, now(), self.memory.settings.flag(Role.LIST_ENABLED))
        accepted = self.words.is_accepted(await self.line.call(*self.words.authorize(token)))
        self.memory.cache[token.casefold()] = accepted
        return accepted

    def _is_open_to(self, at: Connector, token: str) -> bool:
        kept = self.memory.reservations.at(at.number, now())
        return at.operative and (kept is None or kept.is_for(token))

    async def _physics(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(_STEP_S)
            passed_s, before = loop.time() - before, loop.time()
            for gone in self.memory.reservations.expire(now()):
                await self._reservation_over(gone, "Expired")
                await self._show_rest(self.connectors[gone.connector])
            for at in self.connectors.values():
                if at.transaction is None or at.car is None:
                    continue
                offered_w = int(self.offered_w(at))
                flow(at, at.car, offered_w, passed_s, self.setup)
                if at.status in ("Charging", "SuspendedEV", "SuspendedEVSE"):
                    status = "SuspendedEV" if at.car.is_full else "Charging" if offered_w else "SuspendedEVSE"
                    await self._show(at, status)

    def offered_w(self, at: Connector) -> float:
        """What charging profiles let a connector give now; by how many phases is noted at it."""
        sharing = sum(it.transaction is not None for it in self.connectors.values())
        drive = Drive(sharing, self.setup.least_a, self.oddities)
        return offered_w(at, self.memory.profiles, self.charge(at), now(), drive)

    def charge(self, at: Connector) -> Charge:
        """What the limit of a connector's power depends on now."""
        return charge_at(at, self.memory.profiles, self.memory.settings, now(), self.oddities)

    async def _metering(self) -> None:
        while True:
            await self.memory.settings.wait(Role.METER_INTERVAL_S)
            for at in self.connectors.values():
                if at.transaction is not None and self.memory.settings.of(Role.READINGS).value:
                    self.line.queue(self.words.reading(at.transaction, at, not self.is_online))
                    self.log(describe(at))

    async def _show(self, at: Connector, status: str) -> None:
        if at.status != status:
            at.status = status
            await self.line.tell(*self.words.status(at.number, status))

    def _resting(self, at: Connector, with_car: str = "Preparing") -> str:
        if not at.operative:
            return "Unavailable"
        if at.car is not None:
            return with_car
        return "Available" if self.memory.reservations.at(at.number, now()) is None else "Reserved"

    async def _show_rest(self, at: Connector) -> None:
        if at.transaction is None:
            await self._show(at, self._resting(at))

    async def _reservation_over(self, reservation: Reservation, why: str) -> None:
        message = self.words.reservation_over(reservation.reservation_id, why)
        if message is not None:
            await self.line.tell(*message)

    async def _tell(self, messages: tuple[tuple[str, Payload], ...]) -> None:
        for message in messages:
            await self.line.tell(*message)

    async def _reconnect(self) -> None:
        self._skip_boot = True
        with contextlib.suppress(Exception):
            await self.line.close()

    async def reset(self, reason: str = "Reboot") -> None:
        """Reboot: charges end, the line drops and comes back."""
        self._boot_reason, self._reset_reason = "RemoteReset", None
        for at in self.connectors.values():
            await self.stop(at, reason)
        self.memory.settings.reboot(self.setup.first_settings(self.words) if self.setup.forgets else None)
        if self.setup.forgets:
            self.memory.profiles.clear()
        with contextlib.suppress(Exception):
            await self.line.close()
