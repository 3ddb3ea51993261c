"""A cursor: where a list goes on, as text that means nothing to whoever holds it and is safe in an address.

It names a place in a list and never whose list that is, so that somebody else's cursor shows nothing of theirs.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

# Room for the longest key of a row, and for what JSON and base64 make of it.
_LONGEST = 4096


class BadCursor(ValueError):
    """A cursor that none of our pages ended with."""

    def __init__(self) -> None:
        super().__init__("this cursor is not one of ours; leave it out to begin with the first page")


def cursor_at(place: Sequence[str | float]) -> str:
    """The cursor of the page after `place`, the sort values of a page's last item."""
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_at(cursor: str, *kinds: type[str] | type[float]) -> list[str | float]:
    """The place a cursor stands for, one value of each of `kinds`. Raises BadCursor."""
    try:
        if len(cursor) > _LONGEST:
            raise ValueError("no cursor is so long")
        place = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise BadCursor from None
    if not isinstance(place, list) or [type(it) for it in place] != list(kinds):
        raise BadCursor
    return place
