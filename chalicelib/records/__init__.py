"""What is kept, as the services see it: frozen values that decide nothing."""

from __future__ import annotations


class Conflict(Exception):
    """Somebody else wrote first; read again and decide again."""
