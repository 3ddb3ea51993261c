"""When a payment card expires: with the last day of the month that is printed on it."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

# So long before that day its holder is told.
TOLD_BEFORE = timedelta(days=30)


def month_text(year: int, month: int) -> str:
    """The month that is printed on a card, as ISO 8601 has it: `2029-12`."""
    return f"{year:04}-{month:02}"


def last_day(expires: str) -> date:
    """The last day on which a card of that month is good."""
    year, month = (int(it) for it in expires.split("-"))
    return date(year, month, calendar.monthrange(year, month)[1])


def has_expired(expires: str, on: date) -> bool:
    """Whether a card is no good any more on a day."""
    return on > last_day(expires)


def expires_soon(expires: str, on: date) -> bool:
    """Whether a card is good on a day, and will not be for long."""
    return timedelta(0) <= last_day(expires) - on <= TOLD_BEFORE


def expiring_months(on: date) -> tuple[str, ...]:
    """The months of the cards that expire soon on a day, the sooner first: one, or two."""
    return tuple(dict.fromkeys(month_text(it.year, it.month) for it in (on, on + TOLD_BEFORE)))
