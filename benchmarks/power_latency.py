"""From an event to the last new limit on the sockets, at a site of fifty ports: measured, and computed for AWS.

Measured are seconds of a local stack, over sockets: its DynamoDB is moto, in the same process and one call at a time.
What AWS would take follows from which calls wait for which (`computed`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import os
import statistics
import threading
import time
from datetime import timedelta
from typing import Any

from rich.table import Table
from websockets import Subprotocol
from websockets.asyncio.client import connect

from benchmarks.calls import Calls, counted
from chalicelib import wiring
from chalicelib.domain.chargers.charging_ability import LearntAbility, firmware_key
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.grid.demand_response import AskedInterval, Contract, DemandAsk, DemandEvent
from chalicelib.domain.grid.firmware import Firmware
from chalicelib.domain.grid.tree import OperatorLimit, PortId
from chalicelib.records.grid import StoredClaim
from local.client import Person
from local.seed import CHARGER_PASSWORD, TARIFF_ID, seed
from local.stack import Options, Stack

PORTS = 50
# Seconds of what AWS does, quick and slow (nobody has measured them on an account): a call of DynamoDB, a post to a
# socket, a message sent to a queue and taken from it to a function that is warm, our processor's for a call.
_QUICK = {"store": 0.005, "post": 0.02, "queue": 0.06, "own": 0.001}
_SLOW = {"store": 0.01, "post": 0.04, "queue": 0.15, "own": 0.0015}
_DELAY_S, _ANSWER_S = 1.0, 0.3
# Sixteen threads beside the one that asks.
_AT_ONCE = 17
_SITE = "bench-power"
_QUIET_S, _LONGEST_S = 2.5, 90.0
# Each more than before by an ampere of the ten that each has.
_LESS_PERMILLE = (120, 240, 360)


class Outlets:
    """Chargers of one connector that take whatever they are told, and when they last were told a grant."""

    def __init__(self, url: str, names: list[str]) -> None:
        self.told_at: dict[str, float] = {}
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        for name in names:
            asyncio.run_coroutine_threadsafe(self._opened(url, name), self.loop).result(60)

    async def _opened(self, url: str, name: str) -> None:
        credentials = base64.b64encode(f"{name}:{CHARGER_PASSWORD}".encode()).decode()
        socket = await connect(
            f"{url}/{name}",
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers={"Authorization": f"Basic {credentials}"},
            open_timeout=60,
        )
        boot = {"chargePointVendor": "Bench", "chargePointModel": "Power", "firmwareVersion": "1"}
        await socket.send(json.dumps([2, "boot", "BootNotification", boot]))
        self.loop.create_task(self._obey(socket, name))

    async def _obey(self, socket: Any, name: str) -> None:
        async for text in socket:
            kind, message_id, *rest = json.loads(text)
            if kind == 2:
                action, payload = rest
                if action == "SetChargingProfile":
                    self.told_at[name] = time.monotonic()
                await socket.send(json.dumps([3, message_id, _answer(action, payload)]))


def _answer(action: str, payload: Any) -> dict[str, Any]:
    if action != "GetCompositeSchedule":
        return {"status": "Accepted"}
    schedule = {
        "duration": payload["duration"],
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
    }
    return {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule}


def computed(frames: int, of: dict[str, float], *, delay_s: float = 0.0) -> float:
    """Seconds from what happens to the last of so many frames.

    One after another: the queue, the site's query, its book, its chargers; then lines, and posts, so many at a time.
    """
    rounds = math.ceil(frames / _AT_ONCE)
    calls = 6 + 2 * frames
    return delay_s + of["queue"] + 3 * of["store"] + rounds * (of["store"] + of["post"]) + calls * of["own"]


def computed_answer(of: dict[str, float]) -> float:
    """Seconds from a frame on its socket to the look that its answer asks for: the charger's own, and four calls."""
    return _ANSWER_S + 4 * (of["store"] + of["own"]) + of["queue"]


def _ways(frames: int, of: dict[str, float]) -> tuple[str, str, str]:
    """So many lowerings; so many raises; and a raise that waits for the answers to all others."""
    waits = computed(frames - 1, of, delay_s=_DELAY_S) + computed_answer(of) + computed(1, of) - of["queue"]
    return f"{computed(frames, of):.2f}", f"{computed(frames, of, delay_s=_DELAY_S):.2f}", f"{waits:.2f}"


def forecast() -> Table:
    """What AWS would take, by the calls that wait for one another."""
    made = Table(title=f"the same, computed for AWS, {PORTS} ports", title_justify="left")
    for column in ("what", "quick s", "slow s"):
        made.add_column(column, justify="right" if column != "what" else "left")
    for frames in (PORTS // 2, PORTS):
        lowered, raised, came = zip(*(_ways(frames, of) for of in (_QUICK, _SLOW)), strict=True)
        made.add_row(f"a limit comes down, {frames} frames", *lowered)
        made.add_row(f"a limit ends, {frames} frames", *raised)
        made.add_row(f"a car comes, for whom {frames - 1} have to do with less", *came)
    return made


def table(samples: int = 5) -> Table:
    """A limit that comes down for all, and is lifted, and a car that comes, each so many times."""
    os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL")
    made = Table(title=f"from an event to the last new limit, {PORTS} ports", title_justify="left")
    for column in ("what", "median s", "p95 s", "frames", "AWS calls"):
        made.add_column(column, justify="right" if column != "what" else "left")
    stack = Stack(Options(ticks_per_second=1))
    with counted() as calls:
        stack.start()
        try:
            for row in _rows(stack, calls, samples):
                made.add_row(*row)
        finally:
            stack.stop()
    return made


def _rows(stack: Stack, calls: Calls, samples: int) -> list[list[str]]:
    operator = seed(stack).operator
    names = [f"BENCH-{number:02}" for number in range(PORTS)]
    _register(operator, names)
    name = firmware_key("ocpp1.6", "Bench", "Power", "1")
    known = Firmware(name=name, learnt=LearntAbility(falls_back=True, keeps_when_cut=True), keeps_when_booted=True)
    wiring.network().firmwares.learn(Firmware(name=name), known)
    outlets = Outlets(stack.socket_url, names)
    nodes = [{"node_id": "grid", "limit_ma": [400_000] * 3}]
    ports = [{"charger_id": it, "connector": "1", "node_id": "grid"} for it in names]
    operator.call("PUT", f"/v1/operator/sites/{_SITE}/grid", {"nodes": nodes, "ports": ports})
    _until(_is_set_up)
    for number in range(PORTS // 2):
        _begin(names[number], number)
    _until_quiet(outlets)
    lowered, raised = [], []
    for sample in range(samples):
        lowered.append(_timed(outlets, calls, lambda sample=sample: _limit(sample)))
        raised.append(_timed(outlets, calls, lambda sample=sample: _lift(sample)))
    arrived = [
        _timed(outlets, calls, lambda number=number: _begin(names[number], number))
        for number in range(PORTS // 2, PORTS // 2 + samples)
    ]
    now = wiring.network().clock()
    wiring.network().demand_response.sign(
        operator_id(), Contract(site_id=_SITE, operator_id=operator_id(), signed_at=now)
    )
    asked = [_timed(outlets, calls, lambda part=part: _ask(part)) for part in _LESS_PERMILLE]
    return [
        _row("a limit comes down", lowered),
        _row("a limit ends", raised),
        _row("a car comes", arrived),
        _row("demand response asks for less", asked),
    ]


def _ask(permille: int) -> None:
    network = wiring.network()
    now = network.clock()
    event = DemandEvent(
        event_id="bench",
        operator_id=operator_id(),
        program="bench",
        intervals=(AskedInterval(begins_at=now, ends_at=now + timedelta(hours=1), ask=DemandAsk(permille=permille)),),
        told_at=now,
    )
    network.demand_response.tell(event)


def _lift(sample: int) -> None:
    wiring.network().site_grids.lift(operator_id(), _SITE, f"bench-{sample}")


def operator_id() -> str:
    """Whose the site is."""
    site = wiring.network().sites.get(_SITE)
    assert site is not None
    return site.operator_id


def _register(operator: Person, names: list[str]) -> None:
    site = {"name": "Bench", "address": "Here 1", "time_zone": "Europe/Berlin", "tariff_id": TARIFF_ID}
    operator.call("PUT", f"/v1/operator/sites/{_SITE}", site)
    for name in names:
        body = {"site_id": _SITE, "connectors": ["1"], "password": CHARGER_PASSWORD}
        operator.call("PUT", f"/v1/operator/chargers/{name}", body)


def _is_set_up() -> bool:
    state = wiring.network().managed_sites.state(_SITE)
    pages = state.book.pages if state is not None else ()
    return len(pages) == PORTS and all(it.default_ma is not None for it in pages)


def _begin(charger_id: str, number: int) -> None:
    """A session's claim, and what is asked for then."""
    network = wiring.network()
    claim = StoredClaim(
        site_id=_SITE,
        port_id=PortId(charger_id, ConnectorId(1)),
        session_id=f"S-{number}",
        begun_at=network.clock(),
        ref="1",
    )
    network.managed_sites.begin(claim)
    network.looks.ask(_SITE)


def _limit(sample: int) -> None:
    network = wiring.network()
    now = network.clock()
    limit = OperatorLimit(node_id="grid", limit_ma=330_000, begins_at=now, ends_at=now + timedelta(hours=1))
    network.site_grids.limit(operator_id(), _SITE, f"bench-{sample}", limit, "bench")


def _timed(outlets: Outlets, calls: Calls, event: Any) -> tuple[float, int, int]:
    """Seconds to the last frame, how many there were, and the calls of AWS meanwhile."""
    calls.take()
    outlets.told_at.clear()
    began = time.monotonic()
    event()
    _until_quiet(outlets)
    told = list(outlets.told_at.values())
    return max(told, default=began) - began, len(told), sum(calls.take().values())


def _until_quiet(outlets: Outlets) -> None:
    since = time.monotonic()
    while time.monotonic() - max([since, *outlets.told_at.values()]) < _QUIET_S:
        time.sleep(0.05)


def _until(reached: Any) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError("the site is not set up")
        time.sleep(0.2)


def _row(what: str, found: list[tuple[float, int, int]]) -> list[str]:
    seconds = sorted(it[0] for it in found)
    p95 = seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]
    frames, called = (round(statistics.median(it[place] for it in found)) for place in (1, 2))
    return [what, f"{statistics.median(seconds):.2f}", f"{p95:.2f}", str(frames), str(called)]
