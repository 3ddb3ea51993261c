"""Evidence of a charge's times, and the flags for what cannot be true.

What can be true is billed, what cannot is flagged for a person to see. What its meter told is weighed in `energy.py`.
Doubt is decided for the driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Chargers keep what happened while they were offline; one that was away longer tells of its own clock's youth.
_OLDEST = timedelta(days=90)
_AHEAD = timedelta(minutes=10)
_LONGEST_CHARGE = timedelta(days=7)


class Flag(StrEnum):
    """Why a person should look at a session."""

    CLOCK_WRONG = "clock_wrong"
    START_UNKNOWN = "start_unknown"
    END_UNKNOWN = "end_unknown"
    # A message under a number that nobody gave ended it.
    END_INFERRED = "end_inferred"
    # Its true end was told after it was billed.
    END_CORRECTED = "end_corrected"
    METER_MISSING = "meter_missing"
    METER_FELL = "meter_fell"
    METER_JUMPED = "meter_jumped"
    DISPUTED = "disputed"
    # A card terminal took something else than was billed, or took it twice.
    SETTLEMENT_DIFFERS = "settlement_differs"


def believable(at: datetime | None, heard_at: datetime) -> bool:
    """Whether a charger may have seen `at` on a clock that goes right, when we heard of it at `heard_at`."""
    return at is not None and heard_at - _OLDEST <= at <= heard_at + _AHEAD


@dataclass(frozen=True, slots=True)
class ReportedTime:
    """A time in the charger's word (None: unreadable), and when we heard it, by our clock."""

    at: datetime | None
    heard_at: datetime

    @property
    def is_believable(self) -> bool:
        """Whether the charger's word can be right."""
        return believable(self.at, self.heard_at)

    @property
    def best(self) -> datetime:
        """The charger's word where it can be right, else ours."""
        return self.at if self.at is not None and self.is_believable else self.heard_at


@dataclass(frozen=True, slots=True)
class Span:
    """When a charge began and ended, and what was wrong with the clock that said so."""

    began_at: datetime
    ended_at: datetime
    flags: frozenset[Flag]


def span(start: ReportedTime, stop: ReportedTime) -> Span:
    """The most that can be believed of a charge's beginning and end.

    A clock that is wrong still measures how long: then the end is when we heard of it, and the beginning that much
    earlier.
    """
    if start.is_believable and stop.is_believable and start.best <= stop.best:
        return Span(start.best, stop.best, frozenset())
    wrong = frozenset({Flag.CLOCK_WRONG})
    if start.at is not None and stop.at is not None and not start.is_believable and not stop.is_believable:
        lasted = stop.at - start.at
        if timedelta(0) <= lasted <= _LONGEST_CHARGE:
            return Span(stop.heard_at - lasted, stop.heard_at, wrong)
    if start.best <= stop.best:
        return Span(start.best, stop.best, wrong)
    return Span(min(start.heard_at, stop.heard_at), stop.heard_at, wrong)
