"""Records: what is kept, as the services see it; frozen values that decide nothing."""

from __future__ import annotations


class Conflict(Exception):
    """The write lost a race: somebody else wrote first. Read again and decide again."""
