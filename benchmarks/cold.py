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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore
from rich.table import Table

from benchmarks.front import served
from chalicelib.handlers.socket import CHARGER_ID_HEADER, EDGE_SECRET_HEADER
from infrastructure import libraries
from local.cloud import REGION
from local.seed import CHARGER_PASSWORD

ROOT = Path(__file__).parent.parent
COMMITTED = Path(__file__).with_name("cold.json")
# Further from the committed figure than this is no noise.
_NOTABLE = 0.1
SOCKETS = ("app.on_connect", "app.on_message", "app.on_disconnect")

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
        used = libraries.services_used(ROOT / "chalicelib")

        def left_out(where: str, names: list[str]) -> list[str]:
            return [it for it in names if it not in used and (Path(where) / it).is_dir()] if where == models else []

        models = str(Path(botocore.__file__).with_name("data"))
        shutil.copytree(Path(botocore.__file__).parent, Path(folder) / "botocore", ignore=left_out)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        packaged = {
            "PYTHONPATH": folder,
            "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
            "AWS_DEFAULT_REGION": REGION,
        }
        yield Fresh(environment | packaged | settings)


def handlers() -> list[str]:
    """What Lambda is told to call, for every function there is."""
    import app  # noqa: PLC0415  (a process whose starts are measured by others need not be one of them)

    chalice: Any = app.app
    declared = (*chalice.pure_lambda_functions, *chalice.event_sources, *chalice.builtin_auth_handlers)
    return ["app.app", *SOCKETS, *dict.fromkeys(it.handler_string for it in declared)]


def imports(samples: int) -> dict[str, float]:
    """Each function's start in reference workloads; "reference" is that workload in milliseconds."""
    with fresh() as process:
        names = handlers()
        for handler in names:
            process.function(handler)
        took: dict[str, list[float]] = {name: [] for name in ("reference", *names)}
        # In turns, so that a busy moment is everybody's.
        for _ in range(samples):
            took["reference"].append(process.reference())
            for handler in names:
                took[handler].append(process.function(handler)[0])
    reference_s = statistics.median(took.pop("reference"))
    return {"reference": reference_s * 1000} | {
        name: statistics.median(seconds) / reference_s for name, seconds in took.items()
    }


def table(samples: int, *, is_recorded: bool) -> Table:
    """The starts, beside those last committed; `is_recorded` makes these the ones to commit."""
    found = imports(samples)
    committed: dict[str, Any] = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    python = platform.python_version()
    before = committed.get("ratios", {}) if committed.get("python", "")[:4] == python[:4] else {}
    reference_ms = found.pop("reference")
    result = Table(title="Cold start: imports, bytecode written", title_justify="left")
    for column in ("function", "CPU ms here", "in reference starts", f"on {committed.get('date', 'no day')}", "change"):
        result.add_column(column, justify="left" if column == "function" else "right")
    for name, ratio in found.items():
        row = [name, f"{ratio * reference_ms:.0f}", f"{ratio:.2f}", "", ""]
        if name in before:
            change = ratio / before[name] - 1
            row[3:] = f"{before[name]:.2f}", f"{change:+.0%}" + (" !" if abs(change) > _NOTABLE else "")
        result.add_row(*row)
    result.caption = f"Python {python}; a reference start takes {reference_ms:.0f} ms here"
    if is_recorded:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, a reference start takes {reference_ms:.0f} ms"
        record = {
            "date": datetime.now(UTC).date().isoformat(),
            "python": python,
            "machine": machine,
            "ratios": {name: round(ratio, 2) for name, ratio in found.items()},
        }
        COMMITTED.write_text(json.dumps(record, indent=2) + "\n")
    return result


def messages(charger_id: str, samples: int) -> Table:
    """A charger's first frame in a new process, and the same again in it. Call while a local stack runs."""
    result = Table(title="A charger's frame, processor ms: in a new process, and again in it", title_justify="left")
    for column in ("what", "imports", "first", "again", "whole cold start"):
        result.add_column(column, justify="left" if column == "what" else "right")
    with served() as account, fresh(**account) as process:
        for name, handler, event in _frames(charger_id):
            process.function(handler, [event])
            took = [process.function(handler, [event, event]) for _ in range(samples)]
            start, first, again = (statistics.median(column) * 1000 for column in zip(*took, strict=True))
            result.add_row(name, f"{start:.0f}", f"{first:.0f}", f"{again:.0f}", f"{start + first:.0f}")
    return result


def _frames(charger_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    credentials = f"{charger_id}:{CHARGER_PASSWORD}".encode()
    headers = {
        CHARGER_ID_HEADER: charger_id,
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
