"""How tests wait for what others bring about, be it a thread, a charger or a process: they ask again, by no clock.

What surely comes is waited for as long as the busiest machine may take: patience costs nothing where it is not needed,
and whoever lost it says what was there instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

PATIENCE_S = 300.0
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


@contextmanager
def patient_app() -> Iterator[None]:
    """The app waits as long for what this process answers it: for the keys of logins, by HTTP, three seconds else."""
    with patch("chalicelib.adapters.access.tokens._KEYS_TIMEOUT_S", PATIENCE_S):
        yield
