"""OpenADR 3's times: when each interval of an event begins and ends, from what is said of it and of the whole.

An interval without a period of its own follows the one before. A start of the year 0 or 1 is now: when the event was
changed last, which stays the same however often it is read. No duration, or P9999Y, is without end; PT0S is none at
all, by which an event is called off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.data_classes import dataclass, replace

# As long as an event is asked for at a time; what lasts longer is told anew each day.
HORIZON = timedelta(days=7)
# What begins later is told once it is nearer, and what is over for so long no more.
_AHEAD, _OVER = timedelta(days=300), timedelta(days=1)
_ENDLESS = timedelta(days=3650)
_DURATION = re.compile(
    r"(-?)P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_DAYS = (365, 30, 7, 1)
_SECONDS = (3600, 60, 1)
# An event of a price for each quarter of an hour, for a week.
_MOST_INTERVALS = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPeriod:
    """An interval and its time, of which `begins_at` to `ends_at` counts; `until`: when it would be over."""

    begins_at: datetime
    ends_at: datetime
    interval: Mapping[str, Any]
    since: datetime
    until: datetime

    def within(self, begins_at: datetime, ends_at: datetime) -> EventPeriod:
        """What of it counts between two moments."""
        return replace(self, begins_at=max(self.begins_at, begins_at), ends_at=min(self.ends_at, ends_at))

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it counts."""
        return self.begins_at >= self.ends_at

    def parts(self, number: int) -> Iterator[tuple[datetime, datetime, int]]:
        """What counts of so many equal parts of the whole, each with its place."""
        length = (self.until - self.since) / number
        for place in range(number):
            begins_at = max(self.begins_at, self.since + place * length)
            ends_at = min(self.ends_at, self.since + (place + 1) * length)
            if begins_at < ends_at:
                yield begins_at, ends_at, place


def duration(text: str) -> timedelta:
    """An ISO 8601 duration; years and months as 365 and 30 days. ValueError for none, or one below nothing."""
    found = _DURATION.fullmatch(text)
    if found is None or found[1]:
        raise ValueError(f"no duration: {text!r}")
    days = sum(int(it or 0) * each for it, each in zip(found.groups()[1:5], _DAYS, strict=True))
    seconds = sum(float(it or 0) * each for it, each in zip(found.groups()[5:], _SECONDS, strict=True))
    return timedelta(days=min(days, _ENDLESS.days), seconds=min(seconds, _ENDLESS.total_seconds()))


def moment(text: str) -> datetime | None:
    """An RFC 3339 time; None for the beginning of time, which stands for now. ValueError for anything else."""
    if text.startswith(("0000-", "0001-")):
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def periods(event: Mapping[str, Any], told_at: datetime, now: datetime) -> list[EventPeriod]:
    """Each interval with its beginning and end: those of a week from the first that is not over since yesterday."""
    whole = event.get("intervalPeriod") or {}
    intervals: Sequence[Mapping[str, Any]] = event.get("intervals") or ()
    once = list(_once(intervals, whole, told_at))
    lasts = event.get("duration")
    if lasts and once:
        once = list(_for_as_long(once, once[0].since + duration(lasts), now))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = [it for told in once if not (it := _today(told, midnight)).is_empty and it.ends_at > midnight - _OVER]
    begins_at = min((it.begins_at for it in found), default=now)
    if begins_at > now + _AHEAD:
        return []
    week = [it.within(begins_at, begins_at + HORIZON) for it in found]
    return [it for it in week if not it.is_empty][:_MOST_INTERVALS]


def random_start(event: Mapping[str, Any]) -> int:
    """By how many seconds a start may be shifted."""
    intervals: Sequence[Mapping[str, Any]] = event.get("intervals") or ()
    first = (intervals[0].get("intervalPeriod") if intervals else None) or {}
    text = (event.get("intervalPeriod") or {}).get("randomizeStart") or first.get("randomizeStart")
    return round(duration(text.lstrip("-")).total_seconds()) if text else 0


def _once(intervals: Sequence[Mapping[str, Any]], whole: Mapping[str, Any], told_at: datetime) -> Iterator[EventPeriod]:
    begins_at = (moment(whole["start"]) if whole.get("start") else None) or told_at
    for interval in intervals:
        own = interval.get("intervalPeriod") or {}
        begins_at = (moment(own["start"]) if own.get("start") else None) or begins_at
        lasts = own.get("duration") or whole.get("duration")
        ends_at = begins_at + (duration(lasts) if lasts is not None else _ENDLESS)
        yield EventPeriod(interval=interval, begins_at=begins_at, ends_at=ends_at, since=begins_at, until=ends_at)
        begins_at = ends_at


def _for_as_long(once: Sequence[EventPeriod], ends_at: datetime, now: datetime) -> Iterator[EventPeriod]:
    """Over and over, or cut short, until then."""
    length = once[-1].ends_at - once[0].begins_at
    if length <= timedelta(0):
        return
    late = timedelta(0)
    if once[0].begins_at + length < now:
        # What is over need not be gone through.
        late = (now - once[0].begins_at) // length * length
    for number in range(_MOST_INTERVALS):
        it = once[number % len(once)]
        if number and number % len(once) == 0:
            late += length
        begins_at, until = it.begins_at + late, it.ends_at + late
        if begins_at >= ends_at or begins_at > now + HORIZON:
            return
        yield replace(it, begins_at=begins_at, ends_at=min(until, ends_at), since=begins_at, until=until)


def _today(period: EventPeriod, midnight: datetime) -> EventPeriod:
    """The period, or of one that lasts longer than the horizon this day's part."""
    if period.ends_at - period.begins_at <= HORIZON:
        return period
    begins_at = max(period.begins_at, midnight)
    return period.within(begins_at, begins_at + HORIZON)
