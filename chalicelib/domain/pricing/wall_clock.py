"""A tariff's restrictions of days and times, by the wall clock at the site, whatever daylight saving does to it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.domain.pricing.tariff import DAYS, Restrictions

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MIDNIGHT = time()
# Names that stand for no place: this machine's own, and none.
_NO_ZONES = frozenset({"localtime", "Factory"})
_ANYTIME = Restrictions()


def is_zone(time_zone: str) -> bool:
    """Whether the IANA time zone database knows that name, to the letter."""
    return time_zone in available_timezones() - _NO_ZONES


@lru_cache(maxsize=256)
def zone(time_zone: str) -> tzinfo:
    """The clock of a time zone; UTC for a name that is none, for a charge must end and be billed all the same."""
    try:
        return ZoneInfo(time_zone)
    except (ValueError, OSError, KeyError):
        return UTC


class WallClock:
    """A site's calendar: which of some restrictions its dates, days and times of day allow, as a bit for each.

    What is asked once of a date, a weekday or a time between two edges is known from then on.
    """

    def __init__(self, limits: Sequence[Restrictions], time_zone: str) -> None:
        self._limits = [it if _has_calendar(it) else _ANYTIME for it in limits]
        self._all = (1 << len(limits)) - 1
        self._is_bound = any(_has_calendar(it) for it in limits)
        self._zone = zone(time_zone)
        self._edges = sorted({edge for it in limits for edge in (it.start_time, it.end_time) if edge is not None})
        self._times: dict[int, int] = {}
        self._dates: dict[date, int] = {}

    def within(self, at: datetime) -> int:
        """The restrictions that allow a moment."""
        if not self._is_bound:
            return self._all
        here = at.astimezone(self._zone)
        today, now = here.date(), here.time()
        stretch = bisect_right(self._edges, now)
        by_time, by_date = self._times.get(stretch), self._dates.get(today)
        if by_time is None:
            by_time = self._times[stretch] = _bits(_is_time(it.start_time, now, it.end_time) for it in self._limits)
        if by_date is None:
            by_date = self._dates[today] = _bits(_is_date(it, today) for it in self._limits)
        return by_time & by_date


def _bits(allowed: Iterable[bool]) -> int:
    return sum(1 << place for place, is_allowed in enumerate(allowed) if is_allowed)


def _is_date(it: Restrictions, today: date) -> bool:
    return (
        (it.start_date is None or today >= it.start_date)
        and (it.end_date is None or today < it.end_date)
        and (not it.day_of_week or DAYS[today.weekday()] in it.day_of_week)
    )


def changes_between(
    limits: Iterable[Restrictions], time_zone: str, began_at: datetime, ended_at: datetime
) -> Iterator[datetime]:
    """Every moment between the two at which one of them may begin or cease to allow, and some more."""
    bound = [it for it in limits if _has_calendar(it)]
    if not bound:
        return
    times = {_MIDNIGHT, *(edge for it in bound for edge in (it.start_time, it.end_time) if edge is not None)}
    here = zone(time_zone)
    day = began_at.astimezone(here).date() - _DAY
    last = ended_at.astimezone(here).date() + _DAY
    while day <= last:
        shifts = _clock_changes(time_zone, day.toordinal())
        # A time of day that a change of the clocks repeats is there twice; one that it leaves out shifts.
        is_plain = not shifts and not any(_clock_changes(time_zone, day.toordinal() + near) for near in (-1, 1))
        edges = [datetime.combine(day, edge, here) for edge in times]
        if not is_plain:
            edges += [it.replace(fold=1) for it in edges]
        for edge in [it.astimezone(UTC) for it in edges] + list(shifts):
            if began_at < edge < ended_at:
                yield edge
        day += _DAY


def _has_calendar(it: Restrictions) -> bool:
    return bool(it.day_of_week) or any(
        bound is not None for bound in (it.start_time, it.end_time, it.start_date, it.end_date)
    )


def _is_time(start: time | None, now: time, end: time | None) -> bool:
    if end == _MIDNIGHT:
        # OCPI, TariffRestrictions: "To stop at end of the day use: 00:00."
        end = None
    if start is None or end is None:
        return (start is None or now >= start) and (end is None or now < end)
    if start < end:
        return start <= now < end
    # From one day into the next; the same time twice is all day long.
    return now >= start or now < end


@lru_cache(maxsize=256)
def _clock_changes(time_zone: str, ordinal: int) -> Sequence[datetime]:
    """When, to the second, the clocks change on a day of UTC."""
    here = zone(time_zone)
    start = datetime.fromordinal(ordinal).replace(tzinfo=UTC)
    found = []
    for hour in range(24):
        low, high = start + hour * _HOUR, start + (hour + 1) * _HOUR
        if _offset(low, here) == _offset(high, here):
            continue
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            low, high = (middle, high) if _offset(middle, here) == _offset(low, here) else (low, middle)
        found.append(high)
    return found


def _offset(at: datetime, here: tzinfo) -> timedelta | None:
    return at.astimezone(here).utcoffset()
