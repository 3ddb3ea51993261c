"""The demo's chargers stay online after it, so that whoever opens the app finds something to charge at.

A car comes a few seconds after somebody has asked to start, as drivers do who stand beside it, and leaves a few seconds
after the end. Nothing here is faster than in nature: figures are those of a real charge.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self

from local.seed import CHARGER_PASSWORD, CHARGERS, DEMO_CHARGER, SITE_ID, Network
from local.simulator.battery import Car
from local.simulator.charger import Charger, Setup
from local.stack import Stack

_VERSIONS = {CHARGERS[0]: "1.6", DEMO_CHARGER: "2.0.1"}
_POWER_W = 22_000
_STARTS = ("RemoteStartTransaction", "RequestStartTransaction")
_COMES_AFTER_S, _LEAVES_AFTER_S, _LOOKS_EACH_S = 3.0, 5.0, 0.5
_LONGEST_S = 24 * 3600.0
_STOP_TIMEOUT_S = 5


class Street:
    """As long as it is entered the demo's chargers are there, and cars come and go."""

    def __init__(self, stack: Stack, network: Network) -> None:
        self._stack = stack
        self._network = network
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="street", daemon=True)
        self._over = asyncio.Event()

    def __enter__(self) -> Self:
        """The chargers as any street has them: what the demo's was is not what a driver should see."""
        for charger_id in _VERSIONS:
            plugs = [{"connector": it, "kind": "type2", "max_power_w": _POWER_W} for it in ("1", "2")]
            body = {"site_id": SITE_ID, "connectors": ["1", "2"], "plugs": plugs, "password": CHARGER_PASSWORD}
            self._network.operator.call("PUT", f"/v1/operator/chargers/{charger_id}", body)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """All are gone."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(timeout=_STOP_TIMEOUT_S)

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.run_until_complete(self._live())
        self._loop.close()

    async def _live(self) -> None:
        chargers = [
            Charger(Setup(charger_id, CHARGER_PASSWORD, self._stack.socket_url, version, interval_s=2, speed=1.0))
            for charger_id, version in _VERSIONS.items()
        ]
        tasks = [asyncio.create_task(work) for it in chargers for work in (it.run(), _cars(it))]
        await self._over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _cars(charger: Charger) -> None:
    """A car for each start that is asked for."""
    heard = 0
    async with asyncio.TaskGroup() as visits:
        while True:
            await asyncio.sleep(_LOOKS_EACH_S)
            new = charger.line.received[heard:]
            heard += len(new)
            for action, payload in new:
                if action in _STARTS:
                    visits.create_task(_visit(charger, int(payload.get("connectorId") or payload.get("evseId") or 1)))


async def _visit(charger: Charger, connector: int) -> None:
    """It comes, charges until its charge is over, and leaves; it does not wait for ever for one that never begins."""
    at = charger.connectors[connector]
    await asyncio.sleep(_COMES_AFTER_S)
    if at.car is not None:
        return
    await charger.plug(connector, Car())
    with contextlib.suppress(TimeoutError):
        await charger.until(lambda _: at.transaction is not None)
    await charger.until(lambda _: at.transaction is None, within_s=_LONGEST_S)
    await asyncio.sleep(_LEAVES_AFTER_S)
    await charger.unplug(connector)
