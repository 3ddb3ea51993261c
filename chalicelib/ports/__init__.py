"""Protocols: all that the services ask of the world. Adapters keep these promises and nothing else.

Every write may be repeated. `add` methods return False when the thing already exists; a `save` that lost a race raises
Conflict, and the caller reads again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
NewId = Callable[[], str]
