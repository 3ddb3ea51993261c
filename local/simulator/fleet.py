"""Hundreds of chargers in one process, and one line that says how they fare."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.simulator.battery import Car
from local.simulator.charger import Charger, Setup
from local.simulator.line import Refused

_SPREAD_S = 0.01
_REFRESH_S = 0.25


async def run_fleet(setup: Setup, size: int, token: str | None, car: Car, duration_s: float | None) -> None:
    """Run `size` chargers, each with a car that charges under `token` if there is one, for `duration_s` or for ever.

    Tells in the end, an interruption included, how much they said.
    """
    console = Console()
    chargers = [
        Charger(dataclasses.replace(setup, charger_id=f"{setup.charger_id}-{n:04}")) for n in range(1, size + 1)
    ]
    tasks = [asyncio.create_task(_live(charger, number, token, car)) for number, charger in enumerate(chargers)]
    began = asyncio.get_running_loop().time()
    bars = Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )
    try:
        with bars:
            online, charging = (bars.add_task(name, total=size, note="") for name in ("online", "charging"))
            while duration_s is None or asyncio.get_running_loop().time() - began < duration_s:
                await asyncio.sleep(_REFRESH_S)
                rate = _messages(chargers) / (asyncio.get_running_loop().time() - began)
                bars.update(online, completed=sum(it.is_online for it in chargers), note=f"{rate:.0f} messages/s")
                bars.update(charging, completed=sum(_charging(it) for it in chargers))
                if all(task.done() for task in tasks):
                    raise Refused(f"the backend knows none of {setup.charger_id}-0001 to -{size:04}: register them")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        console.print(f"{size} chargers sent {_messages(chargers)} messages")


async def _live(charger: Charger, number: int, token: str | None, car: Car) -> None:
    await asyncio.sleep(number * _SPREAD_S)
    running = asyncio.create_task(charger.run())
    if token is not None:
        with contextlib.suppress(TimeoutError):
            await charger.until(lambda it: it.is_online or running.done(), within_s=120)
            if charger.is_online:
                await charger.plug(1, dataclasses.replace(car))
                await charger.swipe(token)
    await running


def _messages(chargers: list[Charger]) -> int:
    return sum(len(it.line.sent) for it in chargers)


def _charging(charger: Charger) -> bool:
    return any(at.transaction for at in charger.connectors.values())
