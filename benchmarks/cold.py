"""What a cold start costs the processor: each Lambda function's imports, and a charger's first message from end to end.

Every figure is of fresh processes with their bytecode written, as `make package` ships it, and is kept as a ratio to
a fresh process that only imports some of the standard library, since machines differ.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore
from rich.table import Table

from benchmarks.front import served
from infrastructure import libraries, models
from local.cloud import REGION
from local.seed import CHARGER_PASSWORD

ROOT = Path(__file__).parent.parent
COMMITTED = Path(__file__).with_name("cold.json")
# Further from the committed figure than this is no noise.
_NOTABLE = 0.1

# Without a stack: what is told where frames go, and what wakes, when a start builds it.
_NAMED = {
    "KERB_SOCKET_ENDPOINT": "https://example.com",
    "KERB_STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:123456789012:stateMachine:kerb",
}

_CPU = """
import resource
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
"""
_REFERENCE = "import asyncio, decimal, email.mime.text, http.client, logging.config, unittest, xml.dom.minidom"
# As Lambda's runtime does it: the module, the function in it, and then an event after the other.
_FUNCTION = """
import importlib, json, os, sys
module, _, name = os.environ["_HANDLER"].rpartition(".")
function = getattr(importlib.import_module(module), name)
took = [cpu()]
for event in json.loads(sys.argv[1]):
    answer = function(event, None)
    assert answer["statusCode"] == 200, answer
    took.append(cpu())
print(json.dumps(took), file=sys.__stdout__)
"""


@dataclass(frozen=True)
class Fresh:
    """How processes are started: `environment` holds what Lambda would."""

    environment: dict[str, str]

    def reference(self) -> float:
        """Processor seconds of the workload that everything is compared with."""
        return self._run(f"{_REFERENCE}\n{_CPU}\nimport json; print(json.dumps([cpu()]))")[0]

    def function(self, handler: str, events: Sequence[Any] = ()) -> list[float]:
        """Processor seconds of a start of `handler`'s process, and of each event after it."""
        at = self._run(_CPU + _FUNCTION, json.dumps(events), _HANDLER=handler)
        return [at[0], *(after - before for before, after in pairwise(at))]

    def _run(self, code: str, *arguments: str, **more: str) -> list[float]:
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment | more, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        took: list[float] = json.loads(done.stdout.splitlines()[-1])
        return took


@contextmanager
def fresh(**settings: str) -> Iterator[Fresh]:
    """Processes that find what `make package` ships: bytecode, and of AWS's services those that are used."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(botocore.__file__).parent, Path(folder) / "botocore")
        models.shorten(Path(folder) / "botocore/data", libraries.services_used(ROOT / "chalicelib"))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        packaged = {
            "PYTHONPATH": folder,
            "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
            "AWS_DEFAULT_REGION": REGION,
        }
        yield Fresh(_NAMED | environment | packaged | settings)


def handlers() -> list[str]:
    """What Lambda is told to call, for every function there is."""
    import app as switchboard  # noqa: PLC0415  (imported, its logger asks how loud to be: main() says so first)

    chalice: Any = switchboard.app
    declared = (*chalice.pure_lambda_functions, *chalice.event_sources, *chalice.builtin_auth_handlers)
    return ["app.app", *switchboard.SOCKET_FUNCTIONS, *dict.fromkeys(it.handler_string for it in declared)]


class Committed:
    """The ratios last committed, by which table and what; of another Python they say nothing."""

    def __init__(self, is_recorded: bool) -> None:
        self._is_recorded = is_recorded
        self._python = platform.python_version()
        self._ratios: dict[str, dict[str, float]] = {}
        self.date = "no day"
        if COMMITTED.exists():
            kept = json.loads(COMMITTED.read_text())
            if kept["python"].rpartition(".")[0] == self._python.rpartition(".")[0]:
                self._ratios, self.date = kept["ratios"], kept["date"]

    def compare(self, which: str, ratios: Mapping[str, float], reference_s: float) -> dict[str, tuple[str, str]]:
        """What was, and the change since; these ratios are the ones to commit if that was asked for."""
        before = self._ratios.get(which, {})
        found = {name: _change(ratio, before.get(name)) for name, ratio in ratios.items()}
        if self._is_recorded:
            self._ratios = {**self._ratios, which: {name: round(ratio, 2) for name, ratio in ratios.items()}}
            record = {
                "date": datetime.now(UTC).date().isoformat(),
                "python": self._python,
                "machine": f"{platform.machine()}, {os.cpu_count()} cores, reference start {reference_s * 1000:.0f} ms",
                "ratios": self._ratios,
            }
            COMMITTED.write_text(json.dumps(record, indent=2) + "\n")
        return found


def _change(ratio: float, before: float | None) -> tuple[str, str]:
    if before is None:
        return "", ""
    change = ratio / before - 1
    return f"{before:.2f}", f"{change:+.0%}" + (" !" if abs(change) > _NOTABLE else "")


def starts(samples: int, committed: Committed) -> Table:
    """Each function's start until an event can come."""
    reference_s: list[float] = []
    with fresh() as process:
        ratios: dict[str, list[float]] = {name: [] for name in handlers()}
        for handler in ratios:
            process.function(handler)
        for handler in list(ratios) * samples:
            # Side by side, so that what slows the machine for a while slows both.
            reference_s.append(process.reference())
            ratios[handler].append(process.function(handler)[0] / reference_s[-1])
    usual_s = statistics.median(reference_s)
    found = {name: statistics.median(those) for name, those in ratios.items()}
    result = _table("Cold start of a function, CPU", committed, "function", "ms here")
    for name, (before, change) in committed.compare("starts", found, usual_s).items():
        result.add_row(name, f"{found[name] * usual_s * 1000:.0f}", f"{found[name]:.2f}", before, change)
    result.caption = f"Python {platform.python_version()}; 1 is a reference start, {usual_s * 1000:.0f} ms here"
    return result


def frames(charger_id: str, samples: int, committed: Committed) -> Table:
    """A charger's first frame in a new process, and the same again in it. Call while a local stack runs."""
    reference_s: list[float] = []
    took: dict[str, list[list[float]]] = {}
    ratios: dict[str, list[float]] = {}
    with served() as account, fresh(**account) as process:
        for name, handler, event in _frames(charger_id):
            process.function(handler, [event])
            took[name], ratios[name] = [], []
            for _ in range(samples):
                reference_s.append(process.reference())
                took[name].append(process.function(handler, [event, event]))
                ratios[name].append(sum(took[name][-1][:2]) / reference_s[-1])
    usual_s = statistics.median(reference_s)
    columns = {name: [statistics.median(it) for it in zip(*those, strict=True)] for name, those in took.items()}
    found = {name: statistics.median(those) for name, those in ratios.items()}
    result = _table("A charger's frame in a new process, CPU", committed, "frame", "start ms", "first ms", "again ms")
    for name, (before, change) in committed.compare("start and first frame", found, usual_s).items():
        result.add_row(name, *(f"{it * 1000:.0f}" for it in columns[name]), f"{found[name]:.2f}", before, change)
    return result


def _table(title: str, committed: Committed, *columns: str) -> Table:
    result = Table(title=title, title_justify="left")
    for column in (*columns, "ratio", f"on {committed.date}", "change"):
        result.add_column(column, justify="left" if column == columns[0] else "right")
    return result


def _frames(charger_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    from chalicelib.handlers.ocpp.socket import EDGE_SECRET_HEADER, TARGET_HEADER  # noqa: PLC0415  (as above)

    credentials = f"{charger_id}:{CHARGER_PASSWORD}".encode()
    headers = {
        TARGET_HEADER: f"/ocpp/{charger_id}",
        EDGE_SECRET_HEADER: os.environ["KERB_EDGE_SECRET"],
        "Authorization": f"Basic {base64.b64encode(credentials).decode()}",
        "Sec-WebSocket-Protocol": "ocpp1.6",
    }
    yield "$connect", "app.on_connect", _event({"headers": headers})
    now = datetime.now(UTC).isoformat()
    boot = {"chargePointVendor": "Bench", "chargePointModel": "One"}
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    start = {"connectorId": 1, "idTag": "04A1B2C3D4E5F6", "meterStart": 1_000_000, "timestamp": now}
    reading = {"timestamp": now, "sampledValue": [{"value": "1000100", "unit": "Wh"}]}
    for action, payload in (
        ("BootNotification", boot),
        ("Heartbeat", {}),
        ("StatusNotification", status),
        ("StartTransaction", start),
        ("MeterValues", {"connectorId": 1, "transactionId": 1, "meterValue": [reading]}),
    ):
        yield action, "app.on_message", _event({"body": json.dumps([2, f"cold-{action}", action, payload])})
    yield "$disconnect", "app.on_disconnect", _event({})


def _event(more: dict[str, Any]) -> dict[str, Any]:
    context = {
        "apiId": "bench",
        "stage": "bench",
        "domainName": "bench",
        "connectionId": "cold",
        "connectedAt": int(datetime.now(UTC).timestamp() * 1000),
    }
    return {"requestContext": context, **more}
