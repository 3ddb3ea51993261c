"""moto's own functions where others stand in their place: to fall back upon, and to compare with."""

from __future__ import annotations

import inspect
from typing import Any

# By owner and name.
originals: dict[tuple[Any, str], Any] = {}


def replace(owner: Any, name: str, by: Any) -> None:
    """Let `by` stand for an owner's function; what stood there is kept."""
    originals[owner, name] = inspect.getattr_static(owner, name)
    setattr(owner, name, by)
