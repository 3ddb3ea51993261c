"""The store against a second DynamoDB, dynalite, where there is Node: what moto accepts, another need not.

Which of the store's tests: those named here; all of them in CI (CONTRIBUTING.md). What is not run for want of Node, or
needs what dynalite does not have, is said in the summary of every run (tests/processes.py).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import second_store

ROOT = Path(__file__).parents[2]
NODE = 20
# Conditions, indexes, lists and counters of every kind that the store uses.
NAMED = (
    "tests/adapters/money/test_ledger.py",
    "tests/adapters/charging/test_sessions.py",
)
_STARTS_WITHIN_S = 120


def missing() -> str | None:
    """What is wanting, if anything is."""
    node = shutil.which("node")
    if node is None or shutil.which("npx") is None:
        return f"no Node here (version {NODE} or newer)"
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    if int((re.match(r"v(\d+)", told) or ["", "0"])[1]) < NODE:
        return f"Node {told.strip()} is older than {NODE}"
    return None


@pytest.fixture
def dynalite(tmp_path: Path) -> Iterator[str]:
    """Its address, once it listens."""
    if second_store.ADDRESS:
        pytest.skip("this is the run against the second store")
    if (why := missing()) is not None:
        pytest.skip(f"{second_store.UNPROVEN}: {why}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["npx", "--yes", second_store.PACKAGE, "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    log = (tmp_path / "dynalite").open("w+")
    server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                pytest.skip(f"{second_store.UNPROVEN}: {second_store.PACKAGE} cannot be had: {log.read()[:300]}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)
        log.close()


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def test_the_store_keeps_its_promises_on_a_second_dynamodb(
    dynalite: str, record_property: Callable[[str, object], None]
) -> None:
    environment = {name: it for name, it in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment["KERB_SECOND_DYNAMODB"] = dynalite
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", *NAMED]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-1000:]
    skipped = sum(int(it) for it in re.findall(r"^SKIPPED \[(\d+)\]", run.stdout, re.MULTILINE))
    assert skipped < 30, "most of them are run"
    record_property("second_store", f"{skipped} of them need transactions, which dynalite has not")
