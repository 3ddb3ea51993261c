"""The time that the app is given on this machine: the computer's, or so many seconds ahead of it.

Only the app's own clock is moved. Chargers, the user pool's tokens, Stripe and the workflow's waits keep the true time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# Where the app takes its clock from when it builds its services, and where its handlers ask for the time.
_WIRED_IN = ("chalicelib.wiring.stores", "chalicelib.wiring")


class Clock:
    """Tells the app the time, aware, UTC; `offset_s` may be set while the app runs."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    def wire(self) -> Callable[[], None]:
        """Be the clock of all that the app builds from now on. Returns what gives the app its own clock back."""
        modules = [importlib.import_module(name) for name in _WIRED_IN]
        originals = [vars(module)["clock"] for module in modules]
        for module in modules:
            vars(module)["clock"] = self

        def undo() -> None:
            for module, original in zip(modules, originals, strict=True):
                vars(module)["clock"] = original

        return undo
