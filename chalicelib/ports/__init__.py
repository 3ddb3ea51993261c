"""Protocols: all that the services ask of the world. Adapters keep these promises and nothing else.

Every write may be repeated. `add` methods return False when the thing already exists; a `save` that lost a race raises
Conflict, and the caller reads again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class Invocations(Protocol):
    """Other invocations of our own functions, which run beside this one."""

    def begin(self, function: str, told: Mapping[str, object]) -> None:
        """Let a function run, told this much (plain JSON). Nobody waits for it; it may run twice, or never."""
