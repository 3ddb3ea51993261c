"""Charging periods (OCPI): the parts of a charge, whether the car was charging in each, and the energy that came.

What the charger told of its state comes first; where it told nothing, its registers decide (`standstills.py`). Energy
that flowed is the best proof of charging, whatever was told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.registers import Point
from chalicelib.domain.pricing.standstills import Flow, flow, flow_since, marks_of, rises_of

# A state told longer before a charge began is that of another one.
_OF_THIS = timedelta(minutes=5)
# What is so many times off is told in another unit.
_OTHER_UNIT = 10


class Use(StrEnum):
    """What a charger said that a connector did; of a FAULTED one it is known only whose fault it is."""

    CHARGING = "charging"
    PARKED = "parked"
    WITHHELD = "withheld"
    FAULTED = "faulted"


# Since when a connector did what, in order, from what it did at the beginning; None: nothing is told.
Uses = Sequence[tuple[datetime, Use | None]]


@dataclass(frozen=True, slots=True)
class Pause:
    """A part of a charge in which the car was not charging; `is_withheld`: because of the charger, not the car.

    `is_doubted`: the charger said that it did, while nothing flowed; whose doing that was nobody knows.
    """

    began_at: datetime
    ended_at: datetime
    is_withheld: bool = False
    is_doubted: bool = False

    @property
    def kind(self) -> tuple[bool, bool]:
        """What pauses that follow each other must share to be one."""
        return self.is_withheld, self.is_doubted


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingPeriod:
    """A charging period (OCPI): a part of a charge in which energy came evenly; one not `is_charging` is time parked.

    `is_withheld`: it is not charging, and that is not the driver's doing or too short to count; its time costs nothing.
    `power_w` and `current_ma` (all phases together) are what was measured to flow; None where nobody told.
    """

    began_at: datetime
    ended_at: datetime
    energy_wh: Fraction
    is_charging: bool = True
    is_withheld: bool = False
    power_w: Fraction | None = None
    current_ma: Fraction | None = None

    @property
    def is_parked(self) -> bool:
        """Whether the car stood there, by its own doing and for long enough to count."""
        return not self.is_charging and not self.is_withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What was told of a charge beside its registers, each with its time, in order.

    `powers` (W) and `currents` (mA, all phases together) were measured to flow; `uses` is what the connector did since
    then (`pauses`). `goes_on`: the charge is looked at while under way.
    """

    powers: Sequence[tuple[datetime, int]] = ()
    currents: Sequence[tuple[datetime, int]] = ()
    uses: Uses = ()
    goes_on: bool = False


NOTHING = Reported()


def pauses(points: Sequence[Point], reported: Reported, began_at: datetime, ended_at: datetime) -> tuple[Pause, ...]:
    """When a car at the plug was not charging, from `began_at` to `ended_at`, in order."""
    shown = flow(points, began_at, ended_at, goes_on=reported.goes_on)
    return _pauses(shown, told_of(reported.uses, began_at), began_at, ended_at)


def told_of(uses: Uses, began_at: datetime) -> Uses:
    """What was told of a charge that began then, with what held at its beginning: nothing, unless that was told."""
    return [(began_at - _OF_THIS, None), *((at, use) for at, use in uses if at >= began_at - _OF_THIS)]


def _pauses(shown: Flow, told: Uses, from_at: datetime, ended_at: datetime) -> tuple[Pause, ...]:
    """The pauses of a part of a charge, of which the registers show that."""
    found: list[Pause] = []
    for (since, use), (until, _) in pairwise([*told, (ended_at, None)]):
        low, high = max(since, from_at), min(until, ended_at)
        if low >= high:
            continue
        if use in (Use.PARKED, Use.WITHHELD):
            spans = list(_without(low, high, shown))
        else:
            spans = [(max(low, at), min(high, to)) for at, to in shown.still if at < high and low < to]
        found += [Pause(at, to, use not in (Use.PARKED, None), use is Use.CHARGING) for at, to in spans]
    return tuple(_joined(found))


def _without(low: datetime, high: datetime, shown: Flow) -> Iterator[tuple[datetime, datetime]]:
    """A time in which the car is told not to charge, but for the registers wholly within it that show it did."""
    at = low
    first = bisect_left(shown.flowing, low, key=itemgetter(0))
    for began_at, ended_at in shown.flowing[first:]:
        if ended_at > high:
            break
        if began_at > at:
            yield at, began_at
        at = ended_at
    if at < high:
        yield at, high


def _joined(found: Sequence[Pause]) -> Iterator[Pause]:
    last: Pause | None = None
    for it in found:
        if last is not None and last.ended_at == it.began_at and last.kind == it.kind:
            last = replace(last, ended_at=it.ended_at)
            continue
        if last is not None:
            yield last
        last = it
    if last is not None:
        yield last


def charging_periods(
    points: Sequence[Point],
    began_at: datetime,
    ended_at: datetime,
    energy_wh: int | None,
    reported: Reported = NOTHING,
) -> tuple[ChargingPeriod, ...]:
    """How a charge went, by the registers its meter showed; `energy_wh` is what counts in the end, None: unknown.

    Where neither registers nor states tell anything all of it is charging.
    """
    ended_at = max(began_at, ended_at)
    marks = marks_of(points, began_at, ended_at)
    measured_wh = sum(rises_of(marks))
    if not measured_wh or not energy_wh:
        # Registers that stood still prove nothing where energy flowed all the same.
        stands = pauses(() if energy_wh != 0 else points, reported, began_at, ended_at)
        whole = ChargingPeriod(began_at=began_at, ended_at=ended_at, energy_wh=Fraction(energy_wh or 0))
        if energy_wh == 0 and len(points) < 2 and not reported.uses:
            return (replace(whole, is_charging=False),)
        return tuple(_cut(whole, stands))
    stands = pauses(points, reported, began_at, ended_at)
    # Where the evidence proves another sum than the registers show, each part has its share of it.
    return _steps(marks, stands, Fraction(energy_wh, measured_wh), reported)


def periods_since(
    marks: Sequence[Point], first: int, began_at: datetime, reported: Reported, *, is_coarse: bool
) -> tuple[ChargingPeriod, ...]:
    """How a charge that began at `began_at` went from its register at `first` on, where all of them are believed.

    Of the registers before it there are those of a `shortest_pause` at least; the last is that of the end.
    """
    shown = flow_since(marks, first, is_coarse=is_coarse, goes_on=reported.goes_on)
    stands = _pauses(shown, told_of(reported.uses, began_at), marks[first].at, marks[-1].at)
    return _steps(marks[first:], stands, Fraction(1), reported)


def _steps(
    marks: Sequence[Point], stands: Sequence[Pause], share: Fraction, reported: Reported
) -> tuple[ChargingPeriod, ...]:
    """The periods from each register to the next, cut by the pauses."""
    told_ma, told_w = sorted(reported.currents), sorted(reported.powers)
    found: list[ChargingPeriod] = []
    place = 0
    for before, after in pairwise(marks):
        rise = max(0, after.energy_wh - before.energy_wh)
        step = ChargingPeriod(
            began_at=before.at,
            ended_at=after.at,
            energy_wh=rise * share,
            power_w=_power(told_w, before.at, after.at, rise * share) if rise else None,
            current_ma=_mean(told_ma, before.at, after.at) if rise else None,
        )
        while place < len(stands) and stands[place].ended_at <= before.at:
            place += 1
        until = bisect_left(stands, after.at, lo=place, key=lambda it: it.began_at)
        found += _cut(step, stands[place:until])
    return tuple(found)


def _cut(whole: ChargingPeriod, stands: Sequence[Pause]) -> Iterator[ChargingPeriod]:
    """A period cut where the car began or ceased to charge; what energy came, came while it did, if it ever did."""
    if not stands:
        yield whole
        return
    parts: list[ChargingPeriod] = []
    at = whole.began_at
    for it in stands:
        began_at, ended_at = max(at, it.began_at), min(whole.ended_at, it.ended_at)
        if began_at > at:
            parts.append(replace(whole, began_at=at, ended_at=began_at))
        parts.append(
            replace(whole, began_at=began_at, ended_at=ended_at, is_charging=False, is_withheld=it.is_withheld)
        )
        at = ended_at
    if at < whole.ended_at:
        parts.append(replace(whole, began_at=at))
    is_any = any(it.is_charging for it in parts)
    taking = [it.ended_at - it.began_at if it.is_charging or not is_any else timedelta(0) for it in parts]
    lasted = sum(taking, timedelta(0)) or timedelta(microseconds=1)
    tick = timedelta(microseconds=1)
    for part, lasts in zip(parts, taking, strict=True):
        yield replace(part, energy_wh=whole.energy_wh * Fraction(lasts // tick, lasted // tick))


def _power(
    told: Sequence[tuple[datetime, int]], began_at: datetime, ended_at: datetime, energy_wh: Fraction
) -> Fraction | None:
    """The mean of the power that was told, unless that is in another unit than the energy shows."""
    power_w, lasted = _mean(told, began_at, ended_at), ended_at - began_at
    if power_w is None or not lasted:
        return None
    by_energy = energy_wh * 3_600_000_000 / (lasted // timedelta(microseconds=1))
    return power_w if by_energy <= _OTHER_UNIT * power_w and power_w <= _OTHER_UNIT * by_energy else None


def _mean(told: Sequence[tuple[datetime, int]], began_at: datetime, ended_at: datetime) -> Fraction | None:
    """The mean of what was told from one time to another, both included; nothing is none where energy flowed."""
    first = bisect_left(told, began_at, key=itemgetter(0))
    within = [amount for _, amount in told[first : bisect_right(told, ended_at, key=itemgetter(0))]]
    return Fraction(sum(within), len(within)) or None if within else None
