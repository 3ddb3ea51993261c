"""The tally of a charge: how much of each dimension fell under which price.

A charge is walked once, cut wherever an element may begin or cease to apply. Which elements apply is a bit for each:
for every quantity that restrictions ask about, the bits are worked out once for each stretch between two bounds, so the
work grows with the periods, the bounds and the days, and not with their product. Everything is exact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.pricing.periods import ChargingPeriod
from chalicelib.domain.pricing.tariff import Element, PriceComponent, Priced
from chalicelib.domain.pricing.wall_clock import WallClock, changes_between

# Tells current from power where a tariff asks for it and no charger told: AC is sold at this voltage.
_NOMINAL_V = 230
_SECOND_US = 1_000_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """Exact quantities (Wh, seconds, 1 for a fee) by price, in the order of first use; and which was used last."""

    amounts: dict[Priced, dict[PriceComponent, Fraction]] = field(default_factory=dict)
    last: dict[Priced, PriceComponent] = field(default_factory=dict)

    def whole(self, priced: Priced) -> dict[PriceComponent, int]:
        """Whole quantities that sum to the whole part of the sum."""
        total = Fraction(0)
        rounded: dict[PriceComponent, int] = {}
        for component, quantity in self.amounts.get(priced, {}).items():
            rounded[component] = floor(total + quantity) - floor(total)
            total += quantity
        return rounded


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of what one price is for, exactly: `quantity` is a fraction as text."""

    component: PriceComponent
    quantity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TallySoFar:
    """The tally of a charge's first part, to be gone on with; `amounts` in the order of first use."""

    began_at: datetime
    energy_wh: int = 0
    amounts: tuple[Amount, ...] = ()
    last: tuple[PriceComponent, ...] = ()


def tally(
    elements: Sequence[Element],
    periods: Sequence[ChargingPeriod],
    time_zone: str,
    before: TallySoFar | None = None,
) -> Tally:
    """Walk through the periods, which follow each other without a gap, and what was tallied `before`."""
    began_at, ended_at = before.began_at if before else periods[0].began_at, periods[-1].ended_at
    walk = _Walk(elements, time_zone, began_at, ended_at)
    sums = _Sums(before)
    so_far_wh = Fraction(before.energy_wh if before else 0)
    # One without time or energy knows no power, and would choose the fee of the charge that follows it.
    walked = [it for it in periods if it.energy_wh or it.ended_at > it.began_at]
    for period in walked if walked or before else periods:
        timed = Priced.TIME if period.is_charging else None if period.is_withheld else Priced.PARKING_TIME
        for bits, energy_wh, duration_us in walk.pieces(period, so_far_wh):
            if Priced.FLAT not in sums.last and (fee := walk.first(bits, Priced.FLAT)):
                sums.add(fee, 1, 1)
            if energy_wh and (per_kwh := walk.first(bits, Priced.ENERGY)):
                sums.add(per_kwh, energy_wh.numerator, energy_wh.denominator)
            if duration_us and timed and (per_hour := walk.first(bits, timed)):
                sums.add(per_hour, duration_us.numerator, duration_us.denominator * _SECOND_US)
        so_far_wh += period.energy_wh
    return sums.tally()


def tally_so_far(
    elements: Sequence[Element], periods: Sequence[ChargingPeriod], time_zone: str, before: TallySoFar
) -> TallySoFar:
    """What was tallied before, and these periods, whose energy sums to whole Wh."""
    found = tally(elements, periods, time_zone, before)
    return TallySoFar(
        began_at=before.began_at,
        energy_wh=before.energy_wh + int(sum(it.energy_wh for it in periods)),
        amounts=tuple(
            Amount(component, str(quantity))
            for by_component in found.amounts.values()
            for component, quantity in by_component.items()
        ),
        last=tuple(found.last.values()),
    )


def applying(elements: Sequence[Element], time_zone: str, at: datetime) -> list[PriceComponent]:
    """The prices of a charge that begins at this moment, when nobody knows its power yet."""
    walk = _Walk(elements, time_zone, at, at)
    bits = walk.at_beginning
    return [it for it in (walk.first(bits, priced) for priced in Priced) if it is not None]


class _Bounds:
    """For each value of one quantity a bit for each element: whether its bounds, low included, high not, hold there."""

    def __init__(self, bounds: Sequence[tuple[Any, Any]]) -> None:
        self.edges = sorted({edge for pair in bounds for edge in pair if edge is not None})
        begins: dict[Any, int] = {}
        ends: dict[Any, int] = {}
        bits = self._unbound = 0
        for place, (low, high) in enumerate(bounds):
            if low is None and high is None:
                self._unbound |= 1 << place
            if low is not None and high is not None and high <= low:
                continue
            if low is None:
                bits |= 1 << place
            else:
                begins[low] = begins.get(low, 0) | 1 << place
            if high is not None:
                ends[high] = ends.get(high, 0) | 1 << place
        self._bits = [bits]
        for edge in self.edges:
            bits = bits & ~ends.get(edge, 0) | begins.get(edge, 0)
            self._bits.append(bits)

    def at(self, value: Any) -> int:
        """The elements whose bounds hold; where the value is unknown, those that do not ask."""
        return self._unbound if value is None else self._bits[bisect_right(self.edges, value)]

    def inside(self, low: Any, high: Any) -> Sequence[Any]:
        """The bounds strictly between two values."""
        return self.edges[bisect_right(self.edges, low) : bisect_left(self.edges, high)]


class _Walk:
    """What is needed at every step: where restrictions begin and end, and the first price of each dimension.

    Places in time are whole microseconds since the beginning of the charge.
    """

    def __init__(self, elements: Sequence[Element], time_zone: str, began_at: datetime, ended_at: datetime) -> None:
        limits = [it.restrictions for it in elements]
        self._began_at = began_at
        self._clock = WallClock(limits, time_zone)
        self._changes = sorted(
            {(it - began_at) // _MICROSECOND for it in changes_between(limits, time_zone, began_at, ended_at)}
        )
        self._calendar: dict[int, int] = {}
        self._energy = _Bounds([(it.min_energy_wh, it.max_energy_wh) for it in limits])
        self._duration = _Bounds([(_us(it.min_duration_s), _us(it.max_duration_s)) for it in limits])
        self._power = _Bounds([(it.min_power_w, it.max_power_w) for it in limits])
        self._current = _Bounds([(it.min_current_ma, it.max_current_ma) for it in limits])
        self._prices: dict[Priced, dict[int, PriceComponent]] = {it: {} for it in Priced}
        for place, element in enumerate(elements):
            for component in element.price_components:
                self._prices[component.type][1 << place] = component
        self._priced = {priced: sum(found) for priced, found in self._prices.items()}

    @property
    def at_beginning(self) -> int:
        """The elements that apply when nothing has been taken, at no power."""
        return (
            self._within(0) & self._energy.at(0) & self._duration.at(0) & self._power.at(None) & self._current.at(None)
        )

    def first(self, bits: int, priced: Priced) -> PriceComponent | None:
        """The price that the first of the elements that apply has for a dimension."""
        fitting = bits & self._priced[priced]
        return self._prices[priced][fitting & -fitting] if fitting else None

    def pieces(self, period: ChargingPeriod, so_far_wh: Fraction) -> Iterator[tuple[int, Fraction, Fraction]]:
        """A period cut wherever a restriction may begin or end: what applies, the energy, and the time (us)."""
        since = (period.began_at - self._began_at) // _MICROSECOND
        lasted = (period.ended_at - period.began_at) // _MICROSECOND
        power_w = period.power_w
        if power_w is None and lasted:
            power_w = period.energy_wh * 3600 * _SECOND_US / lasted
        current_ma = period.current_ma
        if current_ma is None and power_w is not None:
            current_ma = power_w * 1000 / _NOMINAL_V
        flow = self._power.at(power_w) & self._current.at(current_ma)
        cuts = [Fraction(0), *self._cuts(period, since, lasted, so_far_wh), Fraction(1)]
        for start, end in pairwise(cuts):
            place = since + start * lasted
            bits = (
                flow
                & self._within(floor(place))
                & self._duration.at(place)
                & self._energy.at(so_far_wh + start * period.energy_wh)
            )
            share = end - start
            yield bits, share * period.energy_wh, share * lasted

    def _cuts(self, period: ChargingPeriod, since: int, lasted: int, so_far_wh: Fraction) -> Iterable[Fraction]:
        """Where in a period, strictly between 0 and 1, something may change."""
        until = since + lasted
        times = self._changes[bisect_right(self._changes, since) : bisect_left(self._changes, until)]
        cuts = {Fraction(it - since, lasted) for it in (*times, *self._duration.inside(since, until))}
        for bound in self._energy.inside(so_far_wh, so_far_wh + period.energy_wh):
            cuts.add((bound - so_far_wh) / period.energy_wh)
        return sorted(cuts)

    def _within(self, place: int) -> int:
        """The elements whose dates, days and times of day hold: the same all the way from one change to the next."""
        stretch = bisect_right(self._changes, place)
        found = self._calendar.get(stretch)
        if found is None:
            at = self._began_at + place * _MICROSECOND
            found = self._calendar[stretch] = self._clock.within(at)
        return found


def _us(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * _SECOND_US


class _Sums:
    """Quantities by price, kept by their denominators: fractions of many are dear to add one by one."""

    def __init__(self, before: TallySoFar | None = None) -> None:
        self.last: dict[Priced, PriceComponent] = {}
        self._numerators: dict[Priced, dict[int, dict[int, int]]] = {}
        self._components: dict[int, PriceComponent] = {}
        for it in before.amounts if before else ():
            self.add(it.component, *Fraction(it.quantity).as_integer_ratio())
        self.last = {it.type: it for it in before.last} if before else {}

    def add(self, component: PriceComponent, numerator: int, denominator: int) -> None:
        # By identity, which costs less to look up; equal prices of several elements are put together in the end.
        self._components[id(component)] = component
        parts = self._numerators.setdefault(component.type, {}).setdefault(id(component), {})
        parts[denominator] = parts.get(denominator, 0) + numerator
        self.last[component.type] = component

    def tally(self) -> Tally:
        found = Tally(last=self.last)
        for priced, by_component in self._numerators.items():
            together: dict[PriceComponent, list[Fraction]] = {}
            for key, parts in by_component.items():
                terms = together.setdefault(self._components[key], [])
                terms += [Fraction(numerator, denominator) for denominator, numerator in parts.items()]
            found.amounts[priced] = {component: _sum(terms) for component, terms in together.items()}
        return found


def _sum(terms: Sequence[Fraction]) -> Fraction:
    """By halves, so that no sum of many denominators is carried through all the rest."""
    if len(terms) <= 2:
        return sum(terms, Fraction(0))
    middle = len(terms) // 2
    return _sum(terms[:middle]) + _sum(terms[middle:])
