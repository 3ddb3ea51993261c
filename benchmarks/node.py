"""A frame's parsing and validation beside Node's `ocpp-rpc`, in one run: ajv, which compiles schemas to JavaScript.

Theirs is a frame's JSON and its schema; ours is that and the events that services are told, readings in whole units.
The package comes from npm into a folder of the machine's own cache, or is where OCPP_RPC_FOLDER says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from benchmarks.speed import frames
from chalicelib.protocol.ocpp import dialect_for
from chalicelib.protocol.ocpp.frames import Call, parse

_PACKAGE, _VERSION = "ocpp-rpc", "2.2.1"
_SCRIPT = Path(__file__).with_name("ocpp_rpc.js")
_FETCHED_WITHIN_S, _DONE_WITHIN_S = 120, 300
_ROUNDS, _ROUND_S = 7, 0.05
_VERSIONS = ("1.6", "2.0.1")


class NoNode(Exception):
    """There is nothing to compare with; the message says why."""


def package() -> Path:
    """Where ocpp-rpc is; fetched when it is not there yet. Raises NoNode."""
    given = os.environ.get("OCPP_RPC_FOLDER")
    if given:
        return Path(given)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NoNode("no Node on this machine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"kerb-bench-{_PACKAGE}-{_VERSION}"
    found = cache / "node_modules" / _PACKAGE
    if not found.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        fetch = [npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", f"{_PACKAGE}@{_VERSION}"]
        try:
            subprocess.run(fetch, cwd=cache, check=True, capture_output=True, timeout=_FETCHED_WITHIN_S)
        except (subprocess.SubprocessError, OSError) as error:
            raise NoNode(f"npm does not give {_PACKAGE}@{_VERSION}: {error}") from error
    return found


def theirs_us(asked: Sequence[tuple[str, str]]) -> list[float]:
    """Processor microseconds a frame, each a protocol and a text. Raises NoNode."""
    node = shutil.which("node")
    if node is None:
        raise NoNode("no Node on this machine")
    command = [node, str(_SCRIPT), str(package())]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=_DONE_WITHIN_S
    )
    found: list[float] = json.loads(done.stdout)
    return found


def ours_us(protocol: str, text: str) -> float:
    """Processor microseconds from a frame's text to the event in it, the fastest of several rounds."""
    dialect, now, best = dialect_for(protocol), datetime.now(UTC), float("inf")
    for _ in range(_ROUNDS):
        count, spent, began = 0, 0.0, time.process_time()
        while spent < _ROUND_S:
            for _ in range(20):
                call = parse(text)
                assert isinstance(call, Call)
                dialect.decode(call, now)
            count += 20
            spent = time.process_time() - began
        best = min(best, spent / count)
    return best * 1e6


def table() -> Table | str:
    """The comparison, to print; or why there is none."""
    asked = [
        (f"ocpp{version}", name, json.dumps([2, "m-1", action, payload]))
        for version in _VERSIONS
        for name, (action, payload) in frames(version).items()
    ]
    try:
        theirs = theirs_us([(protocol, text) for protocol, _, text in asked])
    except NoNode as error:
        return f"NOT COMPARED with Node's {_PACKAGE}: {error}"
    shown = Table(title=f"A frame read and validated, and Node's {_PACKAGE} {_VERSION} beside", title_justify="left")
    for column in ("version", "frame"):
        shown.add_column(column)
    for column in ("ours, decoded, µs", "theirs, validated, µs", "theirs in ours"):
        shown.add_column(column, justify="right")
    for (protocol, name, text), their_us in zip(asked, theirs, strict=True):
        our_us = ours_us(protocol, text)
        shown.add_row(
            protocol.removeprefix("ocpp"), name, f"{our_us:.1f}", f"{their_us:.1f}", f"{our_us / their_us:.1f}"
        )
    return shown
