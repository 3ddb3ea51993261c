"""The energy of a charge: what its registers and its readings prove together, bounded by what its plug can give.

One function says it for the live view, a driver's limits, money that may run out, and the bill. The registers at its
beginning and end decide wherever both can be true; readings only where one is missing or cannot be. Doubt is decided
for the driver and flagged, and what cannot be bounded at all is left for a person to look at.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.course_sum import CourseSum
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.periods import NOTHING, Reported
from chalicelib.domain.pricing.registers import Point, Run, Supply, distinct, longest_run

# No vehicle takes more in one go, trucks included.
_MOST_WH = 2_000_000
# No car has so large a battery (that of a GMC Hummer EV is 246 kWh), and trucks tell of what they take at a wallbox.
_CAR_WH = 300_000
_WALLBOX_W = 43_500
# A meter of some age shows more than this.
LIFE_WH = 50_000
# Displays and protocols round to 10 Wh at the finest; whole readings tell a coarser step themselves.
_FINEST_WH = 10
_COARSER_WH = (1_000, 100)
# A fall of less than a whole kWh is a rounding of nothing, worth a look and no more.
_NOTHING_WH = 1_000
# What is so many times more or less is told in another unit, or is no register of this meter.
_OTHER_UNIT = 100
# Chargers tell their registers every quarter of an hour at least; a longer silence proves nothing of what flowed.
_SILENCE = timedelta(minutes=20)
# Clocks of a charger's parts differ; what is older than this does not belong to the charge.
_EARLY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyFacts:
    """All that was told of a charge's energy, and what its plug can give.

    `start_wh` and `stop_wh` are the transaction's own registers, None where unknown; `readings` in the order of their
    times. `ended_at` is when it ended, or until when it is looked at.
    """

    began_at: datetime
    ended_at: datetime
    supply: Supply
    start_wh: int | None = None
    stop_wh: int | None = None
    readings: Sequence[Point] = ()

    @property
    def start(self) -> Point | None:
        """The register at the beginning; chargers say -1 for one they do not know."""
        return Point(self.began_at, self.start_wh) if self.start_wh is not None and self.start_wh >= 0 else None

    @property
    def stop(self) -> Point | None:
        """The register at the end."""
        return Point(self.ended_at, self.stop_wh) if self.stop_wh is not None and self.stop_wh >= 0 else None

    @property
    def most_wh(self) -> int:
        """What the plug can have given in all that time, and a vehicle taken."""
        return min(_MOST_WH, self.supply.reach_wh((self.ended_at - self.began_at).total_seconds()))

    @property
    def counted(self) -> list[Point]:
        """The readings that were taken while it went on; after an end that is known nothing counts."""
        until = self.ended_at if self.stop is not None else None
        return [
            it
            for it in self.readings
            if it.energy_wh >= 0
            and (self.start is None or it.at >= self.began_at - _EARLY)
            and (until is None or it.at <= until)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is proven of a charge.

    `energy_wh` is None when there is nothing to go by. `points` are the registers believed, rising, from the first
    to the last: the course of the charge; `reported` what was told of it besides. `agrees`: nothing told was left out.
    Where `is_bounded` is false it may have been more than is proven, by nobody knows how much: a person decides.
    What is `summed` up already is a part of the course whose `points` are not there, but for the last of them.
    """

    energy_wh: int | None
    flags: frozenset[Flag] = frozenset()
    points: tuple[Point, ...] = ()
    first_wh: int | None = None
    last_wh: int | None = None
    agrees: bool = True
    is_bounded: bool = True
    reported: Reported = NOTHING
    summed: CourseSum | None = None


def measure(told: EnergyFacts) -> Measured:
    """The energy of a charge as far as it is proven; never more than its plug can have given."""
    if _shows_a_life(told):
        found = measure(replace(told, start_wh=None))
        # Both ends were told; one is wrong.
        missing = {Flag.METER_MISSING} if told.stop is not None else set[Flag]()
        return replace(found, flags=(found.flags - missing) | {Flag.METER_JUMPED}, agrees=False)
    readings, are_since = _on_one_register(told)
    start, stop = told.start, told.stop
    if start is None or stop is None:
        found = _by_run(told, readings)
        return replace(found, flags=found.flags | {Flag.METER_MISSING})
    rise_wh = stop.energy_wh - start.energy_wh
    if -_FINEST_WH <= rise_wh < 0:
        # Rounded the other way: nothing flowed.
        stop, rise_wh = replace(stop, energy_wh=start.energy_wh), 0
    if not 0 <= rise_wh <= told.most_wh:
        return _by_run(told, readings)
    points = [start, *distinct(readings), stop]
    if len(points) == 2 and rise_wh > _CAR_WH and told.supply.power_w <= _WALLBOX_W:
        return _measured(told, Run((start,)), points, {Flag.METER_JUMPED}, is_bounded=False)
    odd = None if are_since else _without_odd_end(told, points)
    if odd is not None:
        is_bounded = _is_most(odd, points) and _silence(told, odd) <= _SILENCE
        flags = _flags(told, odd, points) or {Flag.METER_JUMPED if rise_wh else Flag.METER_FELL}
        return _measured(told, odd, [start, *readings, stop], flags, is_bounded=is_bounded)
    run = Run((start, *_between(points, told.supply), stop))
    flags = _flags(told, run, points)
    # Registers that say "nothing" where the readings say a lot: a person knows better than either.
    is_denied = bool(flags) and rise_wh <= _NOTHING_WH < longest_run(points[1:-1], told.supply).energy_wh
    return _measured(told, run, [start, *readings, stop], flags, is_bounded=not is_denied)


def _shows_a_life(told: EnergyFacts) -> bool:
    """Whether 0 at the beginning stood for nothing, at a plug that might have given the meter's life in that time."""
    start, news = told.start, distinct(told.counted)
    if told.supply.is_registered or start is None or start.energy_wh > 0 or not news:
        return False
    first_wh, last_wh = news[0].energy_wh, (told.stop or news[-1]).energy_wh
    return first_wh > LIFE_WH and 0 <= last_wh - first_wh < first_wh // 10


def _on_one_register(told: EnergyFacts) -> tuple[list[Point], bool]:
    """The readings as of the register that the ends show, and whether they told what has flowed since the beginning.

    Some chargers show a meter's life at both ends, and count from 0 in between.
    """
    start, stop, readings = told.start, told.stop, told.counted
    news = distinct(readings)
    if start is None or not news or news[0].energy_wh >= start.energy_wh:
        return readings, False
    if stop is not None and not 0 <= stop.energy_wh - start.energy_wh <= told.most_wh:
        return readings, False
    run = longest_run(news, told.supply).points
    is_from_0 = news[0].energy_wh <= told.supply.reach_wh((news[0].at - told.began_at).total_seconds())
    is_most = 2 * len(run) > len(news)
    if not is_from_0 or not is_most or run[0] != news[0] or run[-1].energy_wh > start.energy_wh:
        return readings, False
    return [replace(it, energy_wh=start.energy_wh + it.energy_wh) for it in readings], True


def _between(points: Sequence[Point], supply: Supply) -> tuple[Point, ...]:
    """The readings that continue the first of `points` and lead to the last."""
    start, *news, stop = points
    fitting = [it for it in news if supply.can_give(start, it) and supply.can_give(it, stop)]
    return longest_run(fitting, supply).points


def _without_odd_end(told: EnergyFacts, points: Sequence[Point]) -> Run | None:
    """The run of readings and one end where it contradicts the other: a meter that was not ready, or never read.

    An end goes only where that makes the bill less, or where the stop merely repeats the start.
    """
    supply, (start, *news, stop) = told.supply, points
    between = _between(points, supply)
    inner = len(between)
    if inner == len(news):
        return None
    rise_wh = stop.energy_wh - start.energy_wh
    found: list[Run] = []
    onward = Run((start, *longest_run([it for it in news if supply.can_give(start, it)], supply).points))
    # Where no reading agrees with the stop, one of the same time is as good a word for the end (transactionData).
    is_doubted = all(it.energy_wh == start.energy_wh for it in between)
    is_end = is_doubted and told.ended_at - onward.points[-1].at <= _EARLY
    if len(onward.points) + is_end > inner + 1 + _weight(start, onward) and onward.energy_wh > _FINEST_WH:
        if rise_wh == 0 and len(onward.points) > 2:
            found.append(onward if not _is_dwarfed(onward) else Run(onward.points[1:]))
        # Readings of a thousandth are in another unit, and prove nothing.
        elif onward.energy_wh < rise_wh < _OTHER_UNIT * onward.energy_wh and not _leads_to(onward, stop, supply):
            found.append(onward)
    backward = Run((*longest_run([it for it in news if supply.can_give(it, stop)], supply).points, stop))
    is_heavier = len(backward.points) > inner + 1 + _weight(start, backward)
    if is_heavier and backward.energy_wh < rise_wh and not supply.can_give(start, backward.points[0]):
        found.append(backward)
    return min(found, key=lambda it: it.energy_wh, default=None)


def _weight(start: Point, run: Run) -> int:
    """How many readings a register at the beginning outweighs: none where it is a 0 or a thousandth of the others."""
    return 0 if start.energy_wh * _OTHER_UNIT <= run.points[-1].energy_wh else 1


def _is_dwarfed(run: Run) -> bool:
    """Whether a first step from 0 dwarfs all that follow."""
    first_wh = run.points[1].energy_wh - run.points[0].energy_wh
    return run.points[0].energy_wh == 0 and first_wh > 2 * (run.energy_wh - first_wh)


def _leads_to(run: Run, stop: Point, supply: Supply) -> bool:
    return supply.can_give(run.points[-1], stop)


def _by_run(told: EnergyFacts, readings: Sequence[Point]) -> Measured:
    """An end is missing, or both cannot be true: the longest run of all that was told."""
    start, stop = told.start, told.stop
    every = [*([start] if start else []), *readings, *([stop] if stop else [])]
    if len(every) < 2:
        known_wh = every[0].energy_wh if every else None
        return Measured(energy_wh=None, points=tuple(every), first_wh=known_wh, last_wh=known_wh)
    points = distinct(every)
    run = longest_run(points, told.supply, may_begin_anew=True).settled
    flags = _flags(told, run, points)
    has_both = start is not None and stop is not None
    is_bounded = _is_most(run, points) and (not has_both or _silence(told, run) <= _SILENCE)
    if has_both and len(points) == 2:
        # Nothing but two registers that cannot both be true. One that fell proves nothing, which is billed and flagged;
        # one that rose beyond all power may yet be right in part.
        is_bounded = points[1].energy_wh <= points[0].energy_wh
    return _measured(told, run, every, flags, is_bounded=is_bounded)


def _is_most(run: Run, points: Sequence[Point]) -> bool:
    """Whether a run outweighs what it leaves out, and hides nothing where its register began anew."""
    hides = any(run.points[place].energy_wh > _NOTHING_WH for place in run.anew)
    return 2 * len(run.points) > len(points) and not hides


def _silence(told: EnergyFacts, run: Run) -> timedelta:
    """How long a charge went on unseen, at an end that a run leaves out."""
    before = run.points[0].at - told.began_at if told.start and told.start != run.points[0] else timedelta(0)
    after = told.ended_at - run.points[-1].at if told.stop and told.stop != run.points[-1] else timedelta(0)
    return max(before, after)


def _flags(told: EnergyFacts, run: Run, points: Sequence[Point]) -> frozenset[Flag]:
    """What a run leaves out, but for roundings: registers that fell, and such as no power could have taken so far."""
    supply, believed, step_wh = told.supply, set(run.points), _step_wh(points, {told.start_wh, told.stop_wh})
    flags = {Flag.METER_FELL} if run.anew else set[Flag]()
    following = iter(run.points)
    before: Point | None = None
    after = next(following, None)
    for it in points:
        if it in believed:
            before, after = it, next(following, None)
        elif it.energy_wh == run.points[0].energy_wh:
            # Told again, as some do with every reading: no news.
            continue
        elif before is not None and it.energy_wh < before.energy_wh - step_wh:
            flags.add(Flag.METER_FELL)
        elif before is not None and not supply.can_give(before, it) and it.energy_wh >= before.energy_wh:
            flags.add(Flag.METER_JUMPED)
        elif after is not None and it.energy_wh > after.energy_wh + step_wh:
            flags.add(Flag.METER_FELL)
        elif after is not None and not supply.can_give(it, after) and it.energy_wh <= after.energy_wh:
            flags.add(Flag.METER_JUMPED)
    return frozenset(flags)


def _step_wh(points: Sequence[Point], ends: Set[int | None]) -> int:
    """How finely a meter tells its readings, as far as they show it; its ends are often finer."""
    shown = {it.energy_wh for it in points if it.energy_wh} - ends
    return next((step for step in _COARSER_WH if shown and all(it % step == 0 for it in shown)), _FINEST_WH)


def _measured(
    told: EnergyFacts, run: Run, every: Sequence[Point], flags: Set[Flag], *, is_bounded: bool = True
) -> Measured:
    energy_wh = min(run.energy_wh, told.most_wh)
    more = {Flag.METER_JUMPED} if energy_wh < run.energy_wh else set[Flag]()
    return Measured(
        energy_wh=energy_wh,
        flags=frozenset(flags | more),
        points=_course(run, every, energy_wh),
        first_wh=run.points[0].energy_wh,
        last_wh=run.points[-1].energy_wh,
        agrees=not flags,
        is_bounded=is_bounded,
    )


def _course(run: Run, every: Sequence[Point], most_wh: int) -> tuple[Point, ...]:
    """The run and all readings that lie within it, as one register that only rises, also where it began anew."""
    last = run.points[0]
    course, begun_wh, place, so_far_wh = [last], last.energy_wh, 1, 0
    for it in every[every.index(last) + 1 :]:
        following = run.points[place] if place < len(run.points) else None
        highest = last if following is None or place in run.anew else following
        if it == following and place in run.anew:
            last, place = it, place + 1
        elif it == following or last.energy_wh <= it.energy_wh <= highest.energy_wh:
            so_far_wh += it.energy_wh - last.energy_wh
            last, place = it, place + (it == following)
        else:
            continue
        course.append(Point(it.at, begun_wh + min(so_far_wh, most_wh)))
    return tuple(course)
