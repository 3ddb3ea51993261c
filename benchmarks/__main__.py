"""What things cost, as counts and ratios: a frame, a paid session, a start; long runs of hostile frames and faults."""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from benchmarks import (
    changes,
    cold,
    faults,
    fuzz,
    grants,
    grid,
    growth,
    layers,
    measuring,
    node,
    organisations,
    power_latency,
    proofs,
    rating,
    search,
    speed,
    vehicles,
)
from benchmarks.calls import Calls, counted, summary
from benchmarks.wire import Socket, Story, stories
from chalicelib import wiring
from chalicelib.records.chargers import Connection
from local.client import Person
from local.seed import CHARGER_PASSWORD, seed
from local.stack import Options, Stack

_TRANSITIONS = "TaskStateEntered ChoiceStateEntered SucceedStateEntered FailStateEntered".split()
_START_SAMPLES = 7
_FRESH_SAMPLES = 20
_COLD_SAMPLES = 5
_HISTORIES = 1_000


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--samples", type=int, default=_START_SAMPLES, help="starts to time")
    parser.add_argument("--fuzz", type=float, default=60.0, metavar="SECONDS", help="how long to send hostile frames")
    parser.add_argument("--faults", type=float, default=60.0, metavar="SECONDS", help="how long to let calls go wrong")
    parser.add_argument("--histories", type=int, default=_HISTORIES, help="of a site, held against the book of grants")
    parser.add_argument("--fault-seed", type=int, metavar="SEED", help="only show again what that seed found")
    networks = [1_000, 10_000, 100_000, 500_000]
    parser.add_argument("--networks", type=int, nargs="*", default=networks, help="how many chargers to search among")
    sizes = [100, 1_000]
    parser.add_argument(
        "--growth", type=int, nargs="*", default=sizes, help="of how much to ask each route (10000: slow)"
    )
    parser.add_argument("--write", action="store_true", help="measure what messages use, commit it for the cost model")
    parser.add_argument("--cold", type=int, default=_COLD_SAMPLES, metavar="STARTS", help="starts of each function")
    parser.add_argument("--record", action="store_true", help="make these cold starts the ones to commit")
    asked = parser.parse_args()
    os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL", POWERTOOLS_METRICS_DISABLED="true")
    console = Console()
    if asked.fault_seed is not None:
        console.print(faults.again(asked.fault_seed), markup=False)
        return
    if asked.write:
        os.environ["POWERTOOLS_LOG_LEVEL"] = "INFO"
        measuring.write(measuring.measure())
        return
    console.print(_compared())
    committed = cold.Committed(asked.record)
    console.print(cold.starts(asked.cold, committed))
    console.print(faults.run_for(asked.faults))
    console.print(grants.table(asked.histories))
    console.print(speed.table())
    console.print(node.table())
    console.print(layers.table())
    console.print(rating.table(), proofs.table(), organisations.table())
    console.print(grid.table(), vehicles.table())
    console.print(search.table(asked.networks))
    console.print(
        growth.table(asked.growth, "What a request costs by how much is stored", growth.looks),
        growth.table(asked.growth, "What a change costs by how much is stored", changes.looks),
    )
    console.print(power_latency.forecast())
    console.print(power_latency.table())
    stack = Stack(Options(ticks_per_second=0.001))
    with counted() as calls:
        stack.start()
        try:
            driver = seed(stack).driver
            for charger_id, story in zip(("DEMO-16", "DEMO-201"), stories(), strict=True):
                console.print(_session(stack, calls, driver, charger_id, story))
            console.print(proofs.batches(wiring.network().transparency_log, calls))
            console.print(_start_latency(stack, driver, asked.samples))
            console.print(_freshness(stack, driver))
            console.print(cold.frames("DEMO-16", asked.cold, committed))
            console.print(_fuzzed(asked.fuzz))
        finally:
            stack.stop()


def _session(stack: Stack, calls: Calls, driver: Person, charger_id: str, story: Story) -> Table:
    table = Table(title=f"AWS calls, one paid session over {story.protocol}", title_justify="left")
    table.add_column("what happened")
    for column in ("reads", "writes", "workflow", "sockets"):
        table.add_column(column, justify="right")
    total: Counter[tuple[str, str]] = Counter()

    def step(name: str, act: Callable[[], Any]) -> Any:
        calls.take()
        result = act()
        counts = calls.take()
        total.update(counts)
        _add_row(table, name, counts)
        return result

    socket = step("$connect", lambda: Socket(stack.socket_url, charger_id, CHARGER_PASSWORD, story.protocol))
    for name, send in story.before:
        step(name, partial(send, socket))
    calls.take()
    session_id = step("POST /v1/sessions to the start command", lambda: _begin(driver, charger_id, socket))
    for name, send in story.charging:
        step(name, partial(send, socket))
    step("DELETE /v1/sessions/{id} to the stop command", lambda: _end(driver, session_id, socket))
    began = time.perf_counter()
    for name, send in story.ending:
        step(f"{name}, capture, webhook, receipt", partial(send, socket))
    driver.until(session_id, lambda it: it["state"] == "completed")
    settled_ms = 1000 * (time.perf_counter() - began)
    step("$disconnect", socket.close)
    _add_row(table, "in all", total)
    table.caption = f"{_transitions(session_id)} workflow transitions; settled {settled_ms:.0f} ms after its end"
    return table


def _begin(driver: Person, charger_id: str, socket: Socket) -> str:
    session_id = str(driver.begin(charger_id)["session_id"])
    socket.await_command()
    return session_id


def _end(driver: Person, session_id: str, socket: Socket) -> None:
    driver.end(session_id)
    socket.await_command()


def _freshness(stack: Stack, driver: Person) -> Table:
    """From a charger's word, or its silence, to the search that shows it."""
    status = {"connectorId": 1, "errorCode": "NoError"}
    waits: dict[str, list[float]] = {"StatusNotification": [], "the socket closes": []}

    def seen(wanted: str) -> bool:
        page = driver.call("GET", "/v1/chargers/nearby?lat=53.5437&lng=9.9924&radius=100")
        (found,) = (it for it in page["items"] if it["charger_id"] == "GUEST-2")
        return bool(found["connectors"][0]["status"] == wanted)

    for _ in range(_FRESH_SAMPLES):
        socket = Socket(stack.socket_url, "GUEST-2", CHARGER_PASSWORD, "ocpp1.6")
        for word, wanted in (("Available", "available"), ("Charging", "charging")):
            socket.call("StatusNotification", {**status, "status": word})
            waits["StatusNotification"].append(_until(partial(seen, wanted)))
        socket.close()
        waits["the socket closes"].append(_until(partial(seen, "unknown")))
    table = Table(title="From what a charger says to the search that shows it", title_justify="left")
    for column in ("what", "median ms", "slowest ms"):
        table.add_column(column)
    for what, took in waits.items():
        table.add_row(what, f"{statistics.median(took) * 1000:.0f}", f"{max(took) * 1000:.0f}")
    return table


def _compared() -> str:
    """Whether the cost model's figures are still what the code does."""
    found = measuring.differences(measuring.read(), measuring.measure())
    return "\n".join(found or ["every kind of message uses what the cost model says"])


def _until(reached: Callable[[], bool]) -> float:
    began = time.perf_counter()
    while not reached():
        time.sleep(0.005)
    return time.perf_counter() - began


def _fuzzed(seconds: float) -> str:
    """Hostile frames of every version into the product's own conversation; whatever it did not foresee is raised."""
    talk = wiring.network().conversation
    logging.disable(logging.CRITICAL)
    now = wiring.network().clock()
    for protocol in fuzz.PROTOCOLS:
        wiring.network().sockets.opened(
            Connection(connection_id=f"fuzz-{protocol}", charger_id="GUEST-1", operator_id="demo", protocol=protocol),
            now,
        )

    def receive(protocol: str, text: str) -> None:
        answer = talk.receive(f"fuzz-{protocol}", text)
        if answer is not None and '"InternalError"' in answer:
            raise RuntimeError(f"{text} -> {answer}")

    count = fuzz.run_for(seconds, receive) if seconds > 0 else 0
    logging.disable(logging.NOTSET)
    return f"{count} hostile frames in {seconds:.0f} s, each answered as it should be"


def _add_row(table: Table, name: str, counts: Counter[tuple[str, str]]) -> None:
    sums = summary(counts)
    table.add_row(name, *(str(sums[key]) for key in ("reads", "writes", "workflow", "sockets")))


def _transitions(session_id: str) -> int:
    client = boto3.client("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{session_id}"
    history = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    return sum(event["type"] in _TRANSITIONS for event in history)


def _start_latency(stack: Stack, driver: Person, samples: int) -> Table:
    """From the driver's request to the start command on the socket, against one heartbeat's round trip."""
    socket = Socket(stack.socket_url, "GUEST-1", CHARGER_PASSWORD, "ocpp1.6")
    starts, heartbeats = [], []
    for number in range(samples):
        began = time.perf_counter()
        socket.call("Heartbeat", {})
        heartbeats.append(time.perf_counter() - began)
        began = time.perf_counter()
        session_id = driver.begin("GUEST-1", str(1 + number % 2))["session_id"]
        socket.await_command()
        starts.append(time.perf_counter() - began)
        driver.end(session_id)
        driver.until(session_id, lambda it: it["state"] == "failed")
    socket.close()
    start_s, heartbeat_s = statistics.median(starts), statistics.median(heartbeats)
    table = Table(title="POST /v1/sessions to the start command on the socket (hold included)", title_justify="left")
    for column in ("median ms", "slowest ms", "in heartbeat round trips"):
        table.add_column(column, justify="right")
    table.add_row(f"{start_s * 1000:.0f}", f"{max(starts) * 1000:.0f}", f"{start_s / heartbeat_s:.0f}")
    return table


if __name__ == "__main__":
    main()
