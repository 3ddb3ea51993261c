"""When cars come to a site, learnt from those that came: by weekday and hour, the last weeks more than those before.

Only what a plan counts on by itself: who has come is planned as who they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.outlook import QUARTER
from chalicelib.domain.grid.tree import Claim

_HOUR = timedelta(hours=1)
_DAY_HOURS = 24
_WEEK_HOURS = 7 * _DAY_HOURS
_WEEKEND = 5 * _DAY_HOURS
_WHOLE = 100
# Each week counts half of the one after it.
_KEPT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Arrivals at a site up to `until`, by the hour of the week (UTC), Monday's first: hundredths, so that it is short.

    `cars` that came in each, and `weeks` in which it was watched; each week halves what was known before.
    """

    until: datetime
    cars: tuple[int, ...] = (0,) * _WEEK_HOURS
    weeks: tuple[int, ...] = (0,) * _WEEK_HOURS

    def with_claims(self, claims: Iterable[Claim], at: datetime) -> Arrivals:
        """What is known at `at`, of the claims those counted in that began since."""
        if at <= self.until:
            return self
        cars, weeks = list(self.cars), list(self.weeks)
        begins_at = max(hour_of(self.until) + _HOUR, hour_of(at) - (_WEEK_HOURS - 1) * _HOUR)
        while begins_at <= at:
            hour = _place(begins_at)
            cars[hour], weeks[hour] = int(cars[hour] * _KEPT), int(weeks[hour] * _KEPT) + _WHOLE
            begins_at += _HOUR
        for it in claims:
            if self.until < it.begun_at <= at and weeks[_place(it.begun_at)]:
                cars[_place(it.begun_at)] += _WHOLE
        return Arrivals(until=at, cars=tuple(cars), weeks=tuple(weeks))

    def coming(self, claims: Iterable[Claim], begins_at: datetime, quarters: int) -> tuple[int, ...]:
        """Thousandths of cars that may come in each quarter; in hours never watched as many as in the last one."""
        lately = sum(self.until - _HOUR < it.begun_at <= self.until for it in claims)
        found = (self._in_hour(begins_at + it * QUARTER) for it in range(quarters))
        return tuple(round(1000 * (lately if it is None else it) * (QUARTER / _HOUR)) for it in found)

    def _in_hour(self, at: datetime) -> float | None:
        """Of the same hour of this weekday; else of the days like it: workdays, or the weekend."""
        place = _place(at)
        if self.weeks[place] and at - self.until < _WEEK_HOURS * _HOUR and not self._is_running(at):
            return self.cars[place] / self.weeks[place]
        hours = range(place % _DAY_HOURS, _WEEK_HOURS, _DAY_HOURS)
        alike = [it for it in hours if (it >= _WEEKEND) is (place >= _WEEKEND) and it != place and self.weeks[it]]
        if not alike:
            return None
        return sum(self.cars[it] for it in alike) / sum(self.weeks[it] for it in alike)

    def _is_running(self, at: datetime) -> bool:
        """Whether it is the hour that is being watched: half of it is known, and who came in it is no forecast."""
        return hour_of(at) == hour_of(self.until) and self.weeks[_place(at)] <= _WHOLE


def hour_of(at: datetime) -> datetime:
    """The beginning of its hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def _place(at: datetime) -> int:
    return at.weekday() * _DAY_HOURS + at.hour
