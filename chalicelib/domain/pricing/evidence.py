"""Evidence of a charge's times, and the flags for what cannot be true.

What can be true is billed, what cannot is flagged for a person to see. What its meter told is weighed in `energy.py`.
Doubt is decided for the driver.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass

# Chargers keep what happened while they were offline; one that was away longer tells of its own clock's youth.
_OLDEST = timedelta(days=90)
_AHEAD = timedelta(minutes=10)
_LONGEST_CHARGE = timedelta(days=7)
# How far a charger's clock may be behind ours where a charge cannot have begun before it was asked for.
CLOCK_SLACK = timedelta(minutes=2)
# What lasts longer is for a person to look at.
ORDINARY_CHARGE = timedelta(hours=48)


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
    # Its charger told another charge of its plug at the same time: what that had of the register is not in it.
    TOLD_TWICE = "told_twice"
    # What the meter signed and what the charger told are further apart than rounding.
    SIGNED_DIFFERS = "signed_differs"
    # What is said to be signed was not, by the key that its meter is known by.
    SIGNATURE_INVALID = "signature_invalid"
    # Its driver says that its bill is wrong, or has told their bank so.
    DISPUTED = "disputed"
    # A card terminal took something else than was billed, or took it twice.
    SETTLEMENT_DIFFERS = "settlement_differs"
    # It went on for more than two days.
    LONG_CHARGE = "long_charge"
    # It cost more than its driver's limit, and what was beyond that is let go.
    OVER_LIMIT = "over_limit"
    # It cost more than may be taken unasked: the rest waits for its driver to pay it.
    AWAITS_DRIVER = "awaits_driver"


def believable(at: datetime | None, heard_at: datetime) -> bool:
    """Whether a charger may have seen `at` on a clock that goes right, when we heard of it at `heard_at`."""
    return at is not None and heard_at - _OLDEST <= at <= heard_at + _AHEAD


@dataclass(frozen=True, slots=True)
class ReportedTime:
    """A time in the charger's word (None: unreadable), and when we heard it, by our clock.

    It cannot have been before `not_before`, where that is known.
    """

    at: datetime | None
    heard_at: datetime
    not_before: datetime | None = None

    @property
    def is_believable(self) -> bool:
        """Whether the charger's word can be right."""
        is_too_early = self.not_before is not None and self.at is not None and self.at < self.not_before
        return believable(self.at, self.heard_at) and not is_too_early

    @property
    def best(self) -> datetime:
        """The charger's word where it can be right, else ours."""
        if self.at is not None and self.is_believable:
            return self.at
        return self.heard_at if self.not_before is None else max(self.heard_at, self.not_before)


@dataclass(frozen=True, slots=True)
class Span:
    """When a charge began and ended, and what was wrong with the clock that said so."""

    began_at: datetime
    ended_at: datetime
    flags: frozenset[Flag]


def span(start: ReportedTime, stop: ReportedTime) -> Span:
    """The most that can be believed of a charge's beginning and end.

    A clock that is wrong still measures how long: then the end is when we heard of it, and the beginning that much
    earlier. It never began before `start.not_before`.
    """
    found = _span(start, stop)
    if start.not_before is None or found.began_at >= start.not_before:
        return found
    began_at = start.not_before
    return Span(began_at, max(began_at, found.ended_at), found.flags | {Flag.CLOCK_WRONG})


def _ahead(told: ReportedTime) -> timedelta:
    """How far a clock was surely ahead of ours as it told this."""
    return max(timedelta(0), told.best - told.heard_at)


def _span(start: ReportedTime, stop: ReportedTime) -> Span:
    wrong = frozenset({Flag.CLOCK_WRONG})
    if start.is_believable and stop.is_believable and start.best <= stop.best:
        # Nobody tells of an end that is yet to come. One that was as early as the beginning still measures how long.
        if _ahead(stop) - _ahead(start) > CLOCK_SLACK and start.best <= stop.heard_at:
            return Span(start.best, stop.heard_at, wrong)
        return Span(start.best, stop.best, frozenset())
    if start.at is not None and stop.at is not None and not start.is_believable:
        lasted = stop.at - start.at
        # One that was put right meanwhile measured nothing: by it more time has passed than by ours.
        measured = _LONGEST_CHARGE if not stop.is_believable else stop.heard_at - start.heard_at + CLOCK_SLACK
        if timedelta(0) <= lasted <= measured and (start.not_before is not None or not stop.is_believable):
            return Span(stop.heard_at - lasted, stop.heard_at, wrong)
    if start.best <= stop.best:
        return Span(start.best, stop.best, wrong)
    return Span(min(start.heard_at, stop.heard_at), stop.heard_at, wrong)
