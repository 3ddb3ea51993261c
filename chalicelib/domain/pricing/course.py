"""The course of a charge whose registers contradict nothing, and what of it is decided and can be summed up.

A sum is kept while it goes on, up to a register whose pauses are decided; a look at it, and at its end, goes on from
there with the registers of the last quarter of an hour. Where anything is odd there is no sum, and the whole charge is
walked (`energy.py`, `tally.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.course_sum import Chain, CourseSum, digest
from chalicelib.domain.pricing.energy import LIFE_WH, EnergyFacts, Measured
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.periods import ChargingPeriod, Reported, Uses, periods_since
from chalicelib.domain.pricing.registers import Point, Supply
from chalicelib.domain.pricing.standstills import COARSE_WH, is_coarse, rises_of, shortest_pause, still_steps
from chalicelib.domain.pricing.tally import TallySoFar, tally_so_far
from chalicelib.domain.pricing.tariff import Priced, Tariff

# What is so near to the most that a plug gives is left to the whole walk, which may round otherwise.
_MARGIN_WH = 0.01
# A sum of more digits than that costs more to keep than it saves.
_MOST_DIGITS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The registers of a charge under way, all of them believed.

    Of its `marks` those before `first` are summed up in `base`; without that the first one is the charge's beginning.
    `told` is what they were made of.
    """

    told: EnergyFacts
    chain: Chain
    marks: Sequence[Point]
    first: int = 0
    base: CourseSum | None = None

    @property
    def energy_wh(self) -> int:
        """What has come since the beginning."""
        return self.marks[-1].energy_wh - self.chain.first.energy_wh

    def until(self, at: datetime) -> Course:
        """As far as it had come before then."""
        return replace(self, marks=[it for it in self.marks if it.at < at])

    def after(self, base: CourseSum) -> Course:
        """What a sum of it leaves to be walked."""
        marks = [it for it in self.marks if it.at >= base.context_from]
        return replace(self, marks=marks, first=sum(it.at <= base.until for it in marks) - 1, base=base)

    def measured(self, reported: Reported, until: datetime | None = None) -> Measured | None:
        """What is proven by it, for a look that takes the charge as it is at `until`; None: at its newest or later.

        None where nothing is summed up, or that does not hold for such a look.
        """
        base = self.base
        if base is None or len(self.marks) < self.first + 2:
            return None
        newest = self.marks[-1]
        flags = {Flag.METER_MISSING} | ({Flag.METER_JUMPED} if self.chain.life_wh is not None else set[Flag]())
        found = Measured(
            energy_wh=self.energy_wh,
            flags=frozenset(flags),
            points=tuple(self.marks),
            first_wh=self.chain.first.energy_wh,
            last_wh=newest.energy_wh,
            agrees=self.chain.life_wh is None,
            reported=reported,
        )
        if not self.energy_wh:
            # Registers that stood still all the time: two of them show that.
            return replace(found, points=(self.chain.first, newest))
        ended_at = until or newest.at
        ends = [ended_at] if until is not None else [ended_at, ended_at + timedelta.resolution]
        for end in ends:
            inner = [it for it in self.marks[self.first + 1 :] if it.at < end]
            is_same = base.is_coarse == base.shows_coarse((it.energy_wh for it in inner), newest.energy_wh)
            if not inner or end <= base.shown_by or not is_same:
                return None
        return replace(found, summed=base)


def believed(told: EnergyFacts, base: CourseSum | None = None) -> Course | None:
    """The course of a charge under way whose registers contradict nothing, from what was told since `base`.

    None where anything is odd.
    """
    readings = told.counted
    if told.stop_wh is not None or not readings:
        return None
    chain = base.chain if base is not None else _chain(told, readings)
    newest_wh = readings[-1].energy_wh
    if chain.offset_wh and newest_wh > chain.offset_wh:
        return None
    if chain.life_wh is not None:
        if not _is_life(chain.life_wh, newest_wh):
            return None
        readings = replace(told, start_wh=None).counted
    points = [replace(it, energy_wh=it.energy_wh + chain.offset_wh) for it in readings]
    if base is None:
        at, known = told.began_at, chain.first
        marks, first = [Point(at, known.energy_wh), *(it for it in points if it.at > at)], 0
        rest = points if known != points[0] else points[1:]
    else:
        known, rest = Point(base.register_since, base.register_wh), [it for it in points if it.at > base.until]
        marks, first = points, sum(it.at <= base.until for it in points) - 1
        if first < 0 or marks[first] != Point(base.until, base.register_wh):
            return None
    is_sure = _is_sure(known, rest, told.supply) and marks[-1].energy_wh - chain.first.energy_wh <= told.most_wh
    return Course(told=told, chain=chain, marks=marks, first=first, base=base) if is_sure else None


def over(told: EnergyFacts, base: CourseSum, reported: Reported) -> Measured | None:
    """What is proven of a charge that is over, from what was told since `base`: its last register is one more of them.

    None where anything is odd, or either of its own two registers is not known.
    """
    start, stop, chain = told.start, told.stop, base.chain
    if start is None or stop is None or chain.first != start or chain.offset_wh or chain.life_wh is not None:
        return None
    readings = [it for it in told.counted if it != stop]
    if stop.at <= base.shown_by or any(it.at == stop.at for it in readings):
        return None
    course = believed(replace(told, stop_wh=None, readings=[*readings, stop]), base)
    found = course.measured(replace(reported, goes_on=False), stop.at) if course is not None else None
    return replace(found, flags=frozenset()) if found is not None and found.summed is not None else None


def holds(base: CourseSum, told: EnergyFacts, uses: Uses) -> bool:
    """Whether it is the sum of a charge of which that is told."""
    known = (base.began_at, base.start_wh, base.supply, base.told)
    return known == (told.began_at, told.start_wh, told.supply, digest(uses, base.until))


def _is_sure(known: Point, rest: Sequence[Point], supply: Supply) -> bool:
    """Whether a plug can surely have given each register from the one before, as from when that was first told."""
    for it in rest:
        if not _leads(known, it, supply):
            return False
        known = it if it.energy_wh != known.energy_wh else known
    return bool(rest)


def periods_until(
    found: Measured, base: CourseSum, ended_at: datetime, reported: Reported
) -> tuple[ChargingPeriod, ...]:
    """How a charge went after what is summed up of it, until then: the look that it was `measured` for."""
    inner = [it for it in found.points if it.at < ended_at]
    first = sum(it.at <= base.until for it in inner) - 1
    marks = [*inner, Point(ended_at, found.points[-1].energy_wh)]
    return periods_since(marks, first, base.began_at, reported, is_coarse=base.is_coarse)


def _chain(told: EnergyFacts, readings: Sequence[Point]) -> Chain:
    """How registers are read that begin with these: see `energy.py`."""
    start, first_wh = told.start, readings[0].energy_wh
    if start is None:
        return Chain(first=readings[0])
    is_nothing = not told.supply.is_registered and start.energy_wh <= 0 and first_wh > LIFE_WH
    if is_nothing and _is_life(first_wh, readings[-1].energy_wh):
        return Chain(first=replace(told, start_wh=None).counted[0], life_wh=first_wh)
    return Chain(first=start, offset_wh=start.energy_wh if first_wh < start.energy_wh else 0)


def _is_life(first_wh: int, newest_wh: int) -> bool:
    return 0 <= newest_wh - first_wh < first_wh // 10


def _leads(before: Point, after: Point, supply: Supply) -> bool:
    """Whether a plug can surely have given what lies between two registers."""
    rise_wh, lasted_s = after.energy_wh - before.energy_wh, (after.at - before.at).total_seconds()
    return rise_wh == 0 or 0 < rise_wh <= supply.sure_wh(lasted_s) - _MARGIN_WH


def summed(course: Course, reported: Reported, tariff: Tariff, time_zone: str, until: datetime) -> CourseSum | None:
    """The sum of a course as far as it is decided, not beyond `until`. None where that is no further than before."""
    marks, base = course.marks, course.base
    if len(marks) < course.first + 2:
        return None
    coarse = _coarse(course)
    if base is not None and coarse != base.is_coarse:
        return None
    shortest = shortest_pause(is_coarse=coarse)
    place = _decided(course, shortest, until)
    context = max((it for it in range(1, place) if marks[it].at < marks[place].at - shortest), default=None)
    if place <= course.first or context is None:
        return None
    times = [it.at for it in marks]
    before = base or _nothing(course, is_coarse=coarse)
    parts = [
        it
        for it in periods_since(marks, course.first, course.told.began_at, reported, is_coarse=coarse)
        if it.ended_at <= marks[place].at
    ]
    found = _tallied(before, parts, tariff, time_zone)
    values = {it.energy_wh for it in (*marks[course.first : place + 1], Point(before.until, before.register_wh))}
    values = {it for it in values if max(before.register_wh, before.chain.first.energy_wh + 1) <= it}
    values -= {marks[place].energy_wh}
    register_wh = marks[place].energy_wh
    after = replace(
        found,
        told=digest(reported.uses, marks[place].at),
        until=marks[place].at,
        register_wh=register_wh,
        register_since=_since(course, place),
        shown_by=marks[bisect_left(times, marks[place - 1].at + shortest)].at,
        context_from=marks[context].at,
        between=min(2, before.between + len(values)),
        are_whole=before.are_whole and all(it % COARSE_WH == 0 for it in values),
    )
    digits = sum(len(it.quantity) for it in (*after.tally.amounts, *after.let_go.amounts))
    return after if digits <= _MOST_DIGITS else None


def _coarse(course: Course) -> bool:
    if course.base is None:
        return is_coarse(course.marks)
    inner = (it.energy_wh for it in course.marks[course.first + 1 : -1])
    return course.base.shows_coarse(inner, course.marks[-1].energy_wh)


def _decided(course: Course, shortest: timedelta, until: datetime) -> int:
    """The last register until which no later reading changes what was charging and what a pause."""
    marks, first = course.marks, course.first
    is_still, rises = still_steps(marks, shortest), rises_of(marks)
    # Pauses are found by what the shortest time after each register shows.
    shown = bisect_left(marks, marks[-1].at - shortest + timedelta.resolution, key=lambda it: it.at)
    flowing = [it for it in range(first, min(shown, len(rises))) if rises[it] and not is_still[it]]
    place = flowing[-1] + 1 if flowing else first
    while place < shown and is_still[place]:
        place += 1
    place = min(place, len(marks) - 2)
    while place > first and (marks[place].at > until or marks[place].at == marks[place + 1].at):
        place -= 1
    return place


def _since(course: Course, place: int) -> datetime:
    """When the register that stands at a place was first told."""
    wh, base = course.marks[place].energy_wh, course.base
    if base is not None and base.register_wh == wh:
        return base.register_since
    if base is None and course.chain.first.energy_wh == wh:
        return course.chain.first.at
    return next(it.at for it in course.marks[course.first :] if it.energy_wh == wh)


def _nothing(course: Course, *, is_coarse: bool) -> CourseSum:
    """The sum of a charge at its beginning."""
    told = course.told
    none = TallySoFar(began_at=told.began_at)
    return CourseSum(
        began_at=told.began_at,
        start_wh=told.start_wh,
        supply=told.supply,
        told="",
        chain=course.chain,
        until=told.began_at,
        register_wh=course.chain.first.energy_wh,
        register_since=course.chain.first.at,
        shown_by=told.began_at,
        context_from=told.began_at,
        between=0,
        are_whole=True,
        is_coarse=is_coarse,
        tally=none,
        let_go=none,
    )


def _tallied(before: CourseSum, parts: Sequence[ChargingPeriod], tariff: Tariff, time_zone: str) -> CourseSum:
    """What was summed up before, and these periods."""
    elements = tariff.of_charge
    grace = timedelta(seconds=tariff.idle_grace_s)
    charged, let_go, since, parking = before.tally, before.let_go, before.stand_began_at, list(before.parking)
    for is_stand, group in groupby(parts, key=lambda it: it.is_parked):
        some = list(group)
        if not is_stand:
            if since is not None and some[0].began_at - since < grace:
                charged = let_go
            charged = let_go = tally_so_far(elements, some, time_zone, charged)
            since = None
            continue
        since = since or some[0].began_at
        free = [replace(it, is_withheld=True) for it in some]
        let_go = tally_so_far(elements, free, time_zone, let_go)
        charged = tally_so_far(elements, some, time_zone, charged)
        used = [it.component for it in charged.amounts if it.component.type is Priced.PARKING_TIME]
        parking += [it for it in used if it not in parking]
    return replace(before, tally=charged, let_go=let_go, stand_began_at=since, parking=tuple(parking))
