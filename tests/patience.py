"""How tests wait for what others bring about, be it a thread, a charger or a process: they ask again, by no clock.

What surely comes is waited for as long as the busiest machine may take: patience costs nothing where it is not needed,
and whoever lost it says what was there instead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

PATIENCE_S = 300.0
# What the product waits for somebody's answer by: everything that stands still for longer is no answer to it.
WAITS: Mapping[str, tuple[str, ...]] = {
    "chalicelib.wiring.stores": ("_CONNECT_S", "_READ_S"),
    "chalicelib.adapters.client": ("_CONNECT_S", "_READ_S"),
    "chalicelib.adapters.access.tokens": ("_KEYS_TIMEOUT_S",),
    "chalicelib.adapters.grid.openadr3": ("_CONNECT_S", "_READ_S", "_ANSWERED_WITHIN"),
    "chalicelib.adapters.grid.signal_sources": ("_CONNECT_S", "_READ_S", "_MOST_S"),
    "chalicelib.adapters.money.json_rpc": ("_CONNECT_S", "_READ_S"),
    "chalicelib.adapters.money.stripe_payments": ("_CONNECT_TIMEOUT_S", "_READ_TIMEOUT_S"),
    "chalicelib.adapters.notifications.messengers": ("_CONNECT_S", "_READ_S"),
    "chalicelib.adapters.ocpp.opcp": ("_MOST_S",),
    "chalicelib.adapters.ocpp.responders": ("_MOST_S",),
    "chalicelib.adapters.ocpp.web": ("_CONNECT_S", "_READ_S"),
    "chalicelib.adapters.transparency.witnesses": ("_CONNECT_S", "_READ_S"),
    "chalicelib.adapters.vehicles.http": ("_CONNECT_S", "_READ_S"),
    "local.gateway": ("SEND_TIMEOUT_S",),
    "local.stack": ("_LISTENS_WITHIN_S",),
    "local.stripe_server": ("_TIMEOUT_S",),
    "local.stripe_webhooks": ("_ANSWER_TIMEOUT_S",),
}
_PAUSE_S = 0.03


def eventually(reached: Callable[[], Any]) -> Any:
    """What `reached` returns once it is truthy; else TimeoutError, with what it returned last."""
    deadline = time.monotonic() + PATIENCE_S
    while not (last := reached()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"never came true: {reached}, which is {last!r} still")
        time.sleep(_PAUSE_S)
    return last


def until(read: Callable[[], Any], wanted: Any) -> None:
    """Wait until that is what is read; else TimeoutError, with what was read last."""
    deadline = time.monotonic() + PATIENCE_S
    while (last := read()) != wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{last!r} never became {wanted!r}")
        time.sleep(_PAUSE_S)


def wait_for_answers() -> None:
    """From now on the product waits in this process as long as its tests do for whoever answers it here.

    Its own few seconds are right for a server far away, and less than a busy machine may stand still for.
    """
    for module, names in WAITS.items():
        home = vars(import_module(module))
        assert home.keys() >= set(names), f"{module} waits by other names than {names}"
        for name in names:
            home[name] = timedelta(seconds=PATIENCE_S) if isinstance(home[name], timedelta) else PATIENCE_S


def wall_clock_alone() -> None:
    """Raises UsageError under libfaketime: it moves the clock that waits are measured by, and not what waits by it."""
    if "FAKETIME" in os.environ:
        raise pytest.UsageError(
            "under libfaketime no wait ends; `python -m tests.another_time TIME` moves the date alone"
        )
