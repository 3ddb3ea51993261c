"""Standstills: when the registers of a charge show that no car was charging.

A meter creeps: the plug and the car's own computers take a few watts. No car charges so slowly: the least current that
a charger may offer is 6 A (IEC 61851-1), 1.4 kW in one phase. A pause shorter than a quarter of an hour is none, for
many chargers tell their registers no oftener; nor is one in which a meter of whole kWh need not have moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.registers import Point

_LEAST_W = 1_380
_CREEP_W = 100
_CREEP_WH = 10
_SHORTEST = timedelta(minutes=15)
# Chargers tell their registers every quarter of an hour at least; after a longer silence nothing is taken to flow on.
_SILENCE = timedelta(minutes=20)
# A meter of whole 100 Wh moves within the shortest pause all the same.
COARSE_WH = 1_000

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Flow:
    """When energy flowed into a car (`flowing`, register by register) and when none did (`still`), by the registers."""

    still: tuple[Span, ...] = ()
    flowing: tuple[Span, ...] = ()


def flow(points: Sequence[Point], began_at: datetime, ended_at: datetime, *, goes_on: bool = False) -> Flow:
    """What rising registers show of the time from `began_at` to `ended_at`; of fewer than two, nothing.

    The time after the last energy is a standstill however short. With `goes_on` the charge is looked at while under
    way: what the next register will show of the time since the last one is not known, and taken to be as before it.
    """
    if len(points) < 2:
        return Flow()
    marks = marks_of(points, began_at, ended_at)
    return flow_since(marks, 0, is_coarse=is_coarse(marks), goes_on=goes_on)


def flow_since(marks: Sequence[Point], first: int, *, is_coarse: bool, goes_on: bool) -> Flow:
    """What registers show of the time from the one at `first` on.

    Those before it need reach back no further than `shortest_pause`. `is_coarse` as all of the charge's registers are.
    """
    is_open = goes_on and marks[-1].at - marks[-2].at <= _SILENCE and marks[-2].at > marks[0].at
    known = marks[:-1] if is_open else marks
    is_still = still_steps(known, shortest_pause(is_coarse=is_coarse))
    real = [place for place, rise_wh in enumerate(rises_of(known)) if rise_wh > 0 and not is_still[place]]
    last = real[-1] if real else -1
    still = [it or place > last for place, it in enumerate(is_still)]
    if is_open:
        still.append(bool(still) and still[-1])
    spans = list(pairwise(it.at for it in marks))
    return Flow(
        _joined([span for span, is_it in zip(spans[first:], still[first:], strict=True) if is_it]),
        tuple(spans[place] for place in real if place >= first),
    )


def marks_of(points: Sequence[Point], began_at: datetime, ended_at: datetime) -> list[Point]:
    """The registers from beginning to end, both of them included."""
    inner = sorted((it for it in points if began_at < it.at < ended_at), key=lambda it: it.at)
    first_wh, last_wh = (points[0].energy_wh, points[-1].energy_wh) if points else (0, 0)
    return [Point(began_at, first_wh), *inner, Point(ended_at, last_wh)]


def rises_of(marks: Sequence[Point]) -> list[int]:
    """What came from each register to the next; one that fell shows nothing."""
    return [max(0, after.energy_wh - before.energy_wh) for before, after in pairwise(marks)]


def still_steps(marks: Sequence[Point], shortest: timedelta) -> list[bool]:
    """For each step whether it lies in a pause: at least the `shortest`, and nothing but creep in it."""
    rises = rises_of(marks)
    total_wh = [0]
    for rise_wh in rises:
        total_wh.append(total_wh[-1] + rise_wh)
    starts = [0] * (len(marks) + 1)
    times = [it.at for it in marks]
    for place in range(len(marks) - 1):
        until = bisect_left(times, times[place] + shortest, lo=place + 1)
        if until == len(marks):
            break
        hours = (times[until] - times[place]) / timedelta(hours=1)
        if total_wh[until] - total_wh[place] > _CREEP_W * hours:
            continue
        # What came quickly at its ends belongs to the charge before or after it.
        low, high = place, until
        while low < high and _is_quick(rises[low], times[low + 1] - times[low]):
            low += 1
        while low < high and _is_quick(rises[high - 1], times[high] - times[high - 1]):
            high -= 1
        starts[low] += 1
        starts[high] -= 1
    depth, found = 0, []
    for place in range(len(rises)):
        depth += starts[place]
        found.append(depth > 0)
    return found


def _is_quick(rise_wh: int, lasted: timedelta) -> bool:
    return rise_wh > _CREEP_WH and rise_wh > _CREEP_W * (lasted / timedelta(hours=1))


def shortest_pause(*, is_coarse: bool) -> timedelta:
    """A meter of whole kWh need not have moved for longer."""
    return max(_SHORTEST, timedelta(hours=1.5 * COARSE_WH / _LEAST_W)) if is_coarse else _SHORTEST


def is_coarse(marks: Sequence[Point]) -> bool:
    """Whether a meter tells its registers in whole kWh, as far as they show it."""
    shown = {it.energy_wh for it in marks[1:-1] if it.energy_wh} - {marks[0].energy_wh, marks[-1].energy_wh}
    return len(shown) > 1 and all(it % COARSE_WH == 0 for it in shown)


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans that follow each other as one."""
    found: list[Span] = []
    for began_at, ended_at in spans:
        if found and found[-1][1] == began_at:
            found[-1] = (found[-1][0], ended_at)
        else:
            found.append((began_at, ended_at))
    return tuple(found)
