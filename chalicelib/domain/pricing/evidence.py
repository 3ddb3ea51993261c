"""What a charger told of a charge is evidence: what can be true is billed, what cannot is flagged for a person to see.

Doubt is decided for the driver: energy that might not have flowed is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

# Chargers keep what happened while they were offline; one that was away longer tells of its own clock's youth.
_OLDEST = timedelta(days=90)
_AHEAD = timedelta(minutes=10)
_LONGEST_CHARGE = timedelta(days=7)
# No connector gives more, whatever its meter says.
_STRONGEST_W = 1_000_000
_SLACK_WH = 1_000
# No vehicle takes more in one go, trucks included; a meter of some age shows more than the second.
_MOST_WH = 2_000_000
_LIFETIME_WH = 50_000


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


def believable(at: datetime | None, heard_at: datetime) -> bool:
    """Whether a charger may have seen `at` on a clock that goes right, when we heard of it at `heard_at`."""
    return at is not None and heard_at - _OLDEST <= at <= heard_at + _AHEAD


@dataclass(frozen=True, slots=True)
class Said:
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


def span(start: Said, stop: Said) -> Span:
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


@dataclass(frozen=True, slots=True)
class Point:
    """A meter's register at a time."""

    at: datetime
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Energy as far as it is proven; None when nothing was measured at all."""

    energy_wh: int | None
    flags: frozenset[Flag]


def is_consistent(points: Sequence[Point]) -> bool:
    """Whether one meter can have shown all of these, in this order, while one car charged."""
    if len(points) < 2:
        return True
    never_fell = all(before.energy_wh <= after.energy_wh for before, after in pairwise(points))
    return never_fell and points[-1].energy_wh - points[0].energy_wh <= _MOST_WH and not _began_elsewhere(points)


def _began_elsewhere(points: Sequence[Point]) -> bool:
    """Some chargers say 0 at the start, meaning this charge, and their meter's whole life after that."""
    started, first, last = points[0].energy_wh, points[1].energy_wh, points[-1].energy_wh
    return started == 0 and first > _LIFETIME_WH and first > 10 * (last - first) and len(points) > 2


def measure(points: Sequence[Point]) -> Measured:
    """The energy between the first and the last of `points`, in the order of their times.

    Where they contradict each other, a step that cannot be (a register that falls, or jumps further than power
    could take it) is left out: a meter may have been reset, or two registers been mixed up.
    """
    if len(points) < 2:
        return Measured(None, frozenset({Flag.METER_MISSING}))
    if is_consistent(points):
        return Measured(points[-1].energy_wh - points[0].energy_wh, frozenset())
    if _began_elsewhere(points):
        since = measure(points[1:])
        return Measured(since.energy_wh, since.flags | {Flag.METER_JUMPED})
    energy_wh, flags = 0, set[Flag]()
    for before, after in pairwise(points):
        if _is_step(before, after):
            energy_wh += after.energy_wh - before.energy_wh
        else:
            flags.add(Flag.METER_FELL if after.energy_wh < before.energy_wh else Flag.METER_JUMPED)
    return Measured(energy_wh, frozenset(flags))


def _is_step(before: Point, after: Point) -> bool:
    most_wh = _STRONGEST_W * max(0, (after.at - before.at).total_seconds()) / 3600 + _SLACK_WH
    return 0 <= after.energy_wh - before.energy_wh <= most_wh
