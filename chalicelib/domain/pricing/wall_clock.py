"""A tariff's restrictions of days and times, by the wall clock at the site, whatever daylight saving does to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.domain.pricing.tariff import DAYS, Restrictions

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MIDNIGHT = time()
# Names that stand for no place: this machine's own, and none.
_NO_ZONES = frozenset({"localtime", "Factory"})


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


def is_within(it: Restrictions, time_zone: str, at: datetime) -> bool:
    """Whether the dates, days and times of day allow a moment."""
    if not _has_calendar(it):
        return True
    here = at.astimezone(zone(time_zone))
    return (
        (it.start_date is None or here.date() >= it.start_date)
        and (it.end_date is None or here.date() < it.end_date)
        and (not it.day_of_week or DAYS[here.weekday()] in it.day_of_week)
        and _is_time(it.start_time, here.time(), it.end_time)
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
        # A time of day that a change of the clocks repeats is there twice; one that it leaves out shifts.
        edges = [datetime.combine(day, edge, here).replace(fold=fold) for edge in times for fold in (0, 1)]
        for edge in [it.astimezone(UTC) for it in edges] + list(_clock_changes(time_zone, day.toordinal())):
            if began_at < edge < ended_at:
                yield edge
        day += _DAY


def _has_calendar(it: Restrictions) -> bool:
    return bool(it.day_of_week) or any(
        bound is not None for bound in (it.start_time, it.end_time, it.start_date, it.end_date)
    )


def _is_time(start: time | None, now: time, end: time | None) -> bool:
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
