"""A tariff's restrictions of days and times, by the wall clock at the site, whatever daylight saving does to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.domain.pricing.tariff import DAYS, Restrictions

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MIDNIGHT = time()


def is_within(it: Restrictions, time_zone: str, at: datetime) -> bool:
    """Whether the dates, days and times of day allow a moment."""
    if not _has_calendar(it):
        return True
    here = at.astimezone(ZoneInfo(time_zone))
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
    zone = ZoneInfo(time_zone)
    day = began_at.astimezone(zone).date() - _DAY
    last = ended_at.astimezone(zone).date() + _DAY
    while day <= last:
        # A time of day that a change of the clocks repeats is there twice; one that it leaves out shifts.
        edges = [datetime.combine(day, edge, zone).replace(fold=fold) for edge in times for fold in (0, 1)]
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
    zone = ZoneInfo(time_zone)
    start = datetime.fromordinal(ordinal).replace(tzinfo=UTC)
    found = []
    for hour in range(24):
        low, high = start + hour * _HOUR, start + (hour + 1) * _HOUR
        if _offset(low, zone) == _offset(high, zone):
            continue
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            low, high = (middle, high) if _offset(middle, zone) == _offset(low, zone) else (low, middle)
        found.append(high)
    return found


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
