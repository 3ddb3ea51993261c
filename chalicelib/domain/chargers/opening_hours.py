"""A site's opening hours, as OCPI has them (2.2.1 and 2.3.0, class Hours): regular, and the exceptions to them.

Regular times are the site's wall clock; 24:00 is the end of a day, and a period does not run over it.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.data_classes import dataclass

_END_OF_DAY = "24:00"


@dataclass(frozen=True, slots=True)
class RegularHours:
    """Open on a day of the week (1: Monday, 7: Sunday) from one time of day to another, HH:MM."""

    weekday: int
    period_begin: str
    period_end: str


@dataclass(frozen=True, slots=True)
class ExceptionalPeriod:
    """Open or closed once, whatever the day is otherwise."""

    period_begin: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """When a site is open: always, or at its regular hours; a closing beats an opening, and both beat the rest."""

    twentyfourseven: bool
    regular_hours: tuple[RegularHours, ...] = ()
    exceptional_openings: tuple[ExceptionalPeriod, ...] = ()
    exceptional_closings: tuple[ExceptionalPeriod, ...] = ()

    def __post_init__(self) -> None:
        if self.twentyfourseven and self.regular_hours:
            raise ValueError("a site that is always open has no regular hours")
        for it in self.regular_hours:
            if (it.period_end if it.period_end != "00:00" else _END_OF_DAY) <= it.period_begin:
                raise ValueError("a period ends after it begins; one over midnight is two")

    def is_open(self, time_zone: str, at: datetime) -> bool:
        """Whether drivers may come at that moment."""
        if any(it.period_begin <= at < it.period_end for it in self.exceptional_closings):
            return False
        if self.twentyfourseven or any(it.period_begin <= at < it.period_end for it in self.exceptional_openings):
            return True
        here = at.astimezone(ZoneInfo(time_zone))
        clock = f"{here:%H:%M}"
        return any(
            it.weekday == here.isoweekday()
            and it.period_begin <= clock < (it.period_end if it.period_end != "00:00" else _END_OF_DAY)
            for it in self.regular_hours
        )
