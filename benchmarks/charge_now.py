"""From "charge now" to a car that draws, through the public door: HTTP, the tables, a maker that answers over HTTP.

`python -m benchmarks.charge_now`: cars at home that wait for cheap hours are told to charge now. The maker and the car
are this machine's, and answer at once: what is measured is ours. A car that is asleep is woken at once too, and takes
the half minute that it takes. With `--write` the figures take the place of those in docs/vehicles.md.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rich.console import Console
from rich.table import Table

from chalicelib.domain.pricing.tariff import DAYS
from local.client import Person
from local.makers_cars import SimulatedCar
from local.makers_shapes import pushed
from local.seed import open_account, seed
from local.stack import Options, Stack

MAKERS = ("smartcar", "enode")
MOST_S = 10.0
_PAGE = Path(__file__).parents[1] / "docs" / "vehicles.md"
_BEGINS, _ENDS = "<!-- charge now: begins -->", "<!-- charge now: ends -->"
_LONGEST_S = 60.0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.charge_now", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="cars of each maker")
    parser.add_argument("--write", action="store_true", help="into docs/vehicles.md")
    asked = parser.parse_args()
    os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL", POWERTOOLS_METRICS_DISABLED="true")
    found = measured(asked.times)
    Console().print(table(found))
    if asked.write:
        write(found)


def measured(times: int) -> Mapping[str, Sequence[float]]:
    """Seconds from asking until the car draws, by maker."""
    stack = Stack(Options(ticks_per_second=0))
    stack.start()
    try:
        seed(stack)
        return {maker: [_once(stack, maker, number) for number in range(times)] for maker in MAKERS}
    finally:
        stack.stop()


def table(found: Mapping[str, Sequence[float]]) -> Table:
    """The figures, for people."""
    shown = Table("maker", "cars", "median s", "longest s", "bar s", title="from charge now to a car that draws")
    for maker, seconds in found.items():
        shown.add_row(maker, str(len(seconds)), *_figures(seconds), f"{MOST_S:.0f}")
    return shown


def write(found: Mapping[str, Sequence[float]]) -> None:
    """Put them into docs/vehicles.md, in place of those there."""
    before, _, rest = _PAGE.read_text().partition(_BEGINS)
    after = rest.partition(_ENDS)[2]
    rows = [f"| {maker} | {len(it)} | {' | '.join(_figures(it))} |" for maker, it in found.items()]
    head = ["| maker | cars | median, s | longest, s |", "| --- | ---: | ---: | ---: |"]
    _PAGE.write_text(before + "\n".join([_BEGINS, *head, *rows, _ENDS]) + after)


def _figures(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"


def _once(stack: Stack, maker: str, number: int) -> float:
    """A car is linked, comes home and waits for the cheap hours; then its driver has it charge now."""
    driver = open_account(stack, f"now-{maker}-{number}-{secrets.token_hex(3)}@example.com", "Charge-now-1", None)
    car = stack.makers.add(f"{maker}-now-{number}", account=f"{maker}-now-{number}")
    path = f"/v1/me/vehicles/{_linked(stack, driver, maker, car)}"
    driver.call("PUT", f"{path}/wish", _waits(stack))
    car.plug(stack.clock(), is_in=True)
    _push(stack, maker, car)
    _until(lambda: (stack.cloud.queues.deliver(), not car.is_charging)[1])
    _push(stack, maker, car)
    asked_at = time.perf_counter()
    driver.call("POST", f"{path}/charge-now")
    _until(lambda: car.is_charging)
    return time.perf_counter() - asked_at


def _linked(stack: Stack, driver: Person, maker: str, car: SimulatedCar) -> str:
    stack.makers.cars["next"] = stack.makers.cars[car.car_id]
    stack.makers.doors[maker].account = car.car_id
    url = driver.call("POST", "/v1/me/vehicles/links", {"maker": maker, "position_sharing": "none"})["url"]
    if urlsplit(url).path.endswith("/authorize"):
        _, url = _asked("GET", url)
    back = dict(parse_qsl(urlsplit(url).query))
    said = {name: it for name, it in back.items() if name in ("state", "code", "user_id")}
    (linked,) = driver.call("POST", "/v1/me/vehicles/callback", said)["items"]
    return str(linked["vehicle_id"])


def _waits(stack: Stack) -> dict[str, Any]:
    """Ready in half a day, and cheap from three hours on."""
    now = stack.clock().replace(minute=0, second=0, microsecond=0)
    ready, begins, ends = (f"{now + timedelta(hours=it):%H:%M}" for it in (12, 3, 9))
    cheap = [{"price_per_kwh": "0.05", "begins": begins, "ends": ends}] if begins < ends else [
        {"price_per_kwh": "0.05", "begins": begins},
        *([{"price_per_kwh": "0.05", "ends": ends}] if ends != "00:00" else []),
    ]  # fmt: skip
    prices = {"currency": "EUR", "price": {"kind": "time_of_use", "price_per_kwh": "0.60", "bands": cheap}}
    return {
        "time_zone": "UTC",
        "ready_by": [{"day": day, "at": ready, "percent": 70} for day in DAYS],
        "prices": prices,
        "power_w": 11_000,
        "waits_unguarded": True,
    }


def _push(stack: Stack, maker: str, car: SimulatedCar) -> None:
    car.move_to(stack.clock())
    headers, body = pushed(maker, car, car.car_id, stack.clock())
    url = f"{stack.http_url}/v1/webhooks/cars/{maker}"
    status, _ = _asked("POST", url, body, {"Content-Type": "application/json", **headers})
    if status != 200:
        raise RuntimeError(f"{maker} was not heard: {status}")


def _asked(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Status of an answer, and where it leads."""
    parts = urlsplit(url)
    line = HTTPConnection(parts.netloc, timeout=_LONGEST_S)
    try:
        line.request(method, f"{parts.path}?{parts.query}", body or None, dict(headers or {}))
        answer = line.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location", "")
    finally:
        line.close()


def _until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + _LONGEST_S
    while not is_so():
        if time.monotonic() > ends_at:
            raise TimeoutError("it did not come about")
        time.sleep(0.002)


if __name__ == "__main__":
    main()
