"""The Retry-After header (RFC 9110, 10.2.3): how long whoever answers wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LONGEST_WAIT = timedelta(days=1)


def wait_of(told: str | None, at: datetime) -> timedelta | None:
    """Seconds, or until a date; a day at the most, None where nothing is said that can be understood."""
    if told is None:
        return None
    try:
        wait = timedelta(seconds=int(told)) if told.isdecimal() else _until(told) - at
    except (ValueError, OverflowError):
        return None
    return max(timedelta(0), min(wait, _LONGEST_WAIT))


def _until(told: str) -> datetime:
    at = parsedate_to_datetime(told)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
