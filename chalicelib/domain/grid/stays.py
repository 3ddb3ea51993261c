"""Cars as they are planned, and the parts of the day they are planned in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import exp
from operator import mul

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.assumptions import Assumptions
from chalicelib.domain.grid.cars import PROBE_MA, Car, is_asleep, learn
from chalicelib.domain.grid.needs import MARGIN, USUAL_STAY, USUAL_WH, is_met
from chalicelib.domain.grid.outlook import QUARTER, Outlook
from chalicelib.domain.grid.tree import Claim, Port, SiteTree
from chalicelib.domain.grid.turns import TURN

HOUR = timedelta(hours=1)

# Nearer parts of the day are planned finer: so long, until so long after now.
_LENGTHS = ((QUARTER, timedelta(hours=2)), (2 * QUARTER, timedelta(hours=6)), (4 * QUARTER, timedelta.max))
# Nobody leaves at the moment they said, and who is still there may stay so much longer.
_OVERDUE = timedelta(hours=1)
# Of those who said so, how many leave sooner, and how many are gone once they should be.
_ERRS = 0.5
_GONE = 0.75
# Who said nothing is planned to take so much more, at the least.
_LEAST_WH = USUAL_WH // 4
# Who comes in so many hours is planned for; they ask for what those do who are here, where few are for what so many
# usual cars would with them.
_COMING_H = 6.0
_USUAL_CARS = 2
# Where most cars' own chargers end.
_USUAL_MOST_MA = 16_000
_TRIED = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a site wants to be planned.

    `carbon_micros_per_kg`: what a kilogram of CO2 counts beside money (millionths of the currency's unit; 0: only
    money counts). `margin`: nothing is put off past the latest start less so much, for drivers err.
    `horizon`: how far plans reach.
    """

    carbon_micros_per_kg: int = 0
    margin: timedelta = MARGIN
    horizon: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A part of the day: what a kilowatt-hour costs in it, carbon and all, and what the site makes and takes itself."""

    begins_at: datetime
    ends_at: datetime
    cost: float = 0.0
    solar_kw: float = 0.0
    building_kw: float = 0.0

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.ends_at - self.begins_at) / HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A car as it is planned: what it lacks, how much it takes, until when it is thought to stay.

    `kw` is what an ampere of it is worth; `most_a` what it takes at most as far as is known, `sure_a` what is counted
    on later (few cars take all that a port gives, and full ones take less), `now_a` what it was granted last. Until
    `sure_until` it is there, at `leaves_at` it was to leave, at `ends_at` it is gone.
    """

    port: Port
    phases: int
    most_a: float
    sure_a: float
    next_a: float
    now_a: float
    kw: float
    asked_kwh: float
    lacks_kwh: float
    weight: float
    sure_until: datetime
    leaves_at: datetime
    ends_at: datetime

    def risk(self, part: Slot, margin: timedelta) -> float:
        """How likely it will be gone before a part's middle: of those who are about to leave, more by the hour."""
        middle = part.begins_at + (part.ends_at - part.begins_at) / 2
        late = middle - self.sure_until
        if late <= timedelta(0) or not margin:
            return 0.0
        return _GONE if middle >= self.leaves_at else _ERRS * (1 - exp(-(late / (2 * margin))))

    def haste(self, at: datetime) -> float:
        """How much of the time until it leaves it must charge as fast as is thought sure, from a half to two."""
        hours = max((self.sure_until - at) / HOUR, 0.25)
        return min(2.0, 0.5 + self.lacks_kwh / (self.sure_a * self.kw * hours))

    def there(self, part: Slot) -> float:
        """For how much of a part it is there."""
        return max(0.0, min(1.0, (self.ends_at - part.begins_at) / (part.ends_at - part.begins_at)))


def stay(claim: Claim, port: Port, at: datetime, settings: Settings, assumed: Assumptions) -> Stay | None:
    """A claim as it is planned; None for a car that wants nothing now: met, or asleep and not to be tried."""
    car = learn(port, claim, at)
    if is_met(claim) or is_asleep(car.idle_since, at, TURN):
        return None
    taken_part = 1.0 if car.most_ma is None else min(1.0, car.most_ma / port.least_ma)
    phases = 1 if port.is_line_to_line else min(car.phases or len(port.phases), len(port.phases))
    asked_wh = claim.asked_wh if claim.asked_wh is not None else max(USUAL_WH, claim.served_wh + _LEAST_WH)
    departs_at = claim.departs_at or max(claim.begun_at + USUAL_STAY, at + 2 * HOUR)
    return Stay(
        port=port,
        phases=phases,
        most_a=max(port.least_ma, port.most_ma if car.most_ma is None else car.most_ma) / 1000,
        sure_a=usual_a(port, assumed)
        if car.most_ma is None
        else max(port.least_ma, assumed.known * car.most_ma) / 1000,
        next_a=_tried_ma(port, phases, claim, car) / 1000,
        now_a=(claim.draws[-1].granted_ma if claim.draws else 0) / 1000,
        # A car of which nothing is known may use one phase, and then it must begin soon.
        kw=port.voltage_v * (phases if car.phases else 1) / 1000 * taken_part,
        asked_kwh=asked_wh / 1000,
        lacks_kwh=(asked_wh - claim.served_wh) / 1000,
        weight=claim.weight * port.weight,
        sure_until=max(at, departs_at - settings.margin),
        leaves_at=departs_at if at < departs_at else at + _OVERDUE,
        ends_at=max(departs_at, at + _OVERDUE),
    )


def _tried_ma(port: Port, phases: int, claim: Claim, car: Car) -> int:
    """What is worth giving it now: many take 16 A, and what one leaves of more is nobody's until that is learnt.

    Only who has just come is tried so: who has had some was seen before, though a pause may hide it.
    """
    tried_ma = port.level_below(max(port.least_ma, min(port.most_ma, _USUAL_MOST_MA + PROBE_MA)))
    shown_ma = max((it for look in claim.draws for it in look.current_ma if it is not None), default=0)
    is_new = claim.served_wh < tried_ma * port.voltage_v * phases / 1000 * (_TRIED / HOUR)
    return tried_ma if is_new and car.most_ma is None and shown_ma < tried_ma - PROBE_MA / 2 else port.most_ma


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Who is thought to come still: how many cars, and what each asks for."""

    cars: float
    kwh: float


def coming(tree: SiteTree, claims: Sequence[Claim], outlook: Outlook, at: datetime, assumed: Assumptions) -> Coming:
    """As many in the coming hours as usual, or as came in the last one, until the site is as full as sites get.

    They ask for what those ask for who are here.
    """
    first = max(0, (at - outlook.begins_at) // QUARTER)
    usual = outlook.coming_permille[first : first + int(_COMING_H * (HOUR / QUARTER))]
    lately = sum(it.begun_at > at - HOUR for it in claims)
    kept = (assumed.expected ** (place * (QUARTER / HOUR)) for place in range(len(usual)))
    cars = sum(map(mul, usual, kept)) / 1000 if usual else _COMING_H * lately
    room = max(0.0, assumed.full * len(tree.ports) - len(claims))
    asked = [it.asked_wh for it in claims if it.asked_wh is not None]
    kwh = (_USUAL_CARS * USUAL_WH + sum(asked)) / (_USUAL_CARS + len(asked)) / 1000
    return Coming(cars=room if assumed.is_crowded else min(cars, room), kwh=kwh)


def usual_a(port: Port, assumed: Assumptions) -> float:
    """What a car of which nothing is known is counted on to take."""
    return max(port.least_ma, assumed.unknown * port.most_ma) / 1000


def power_kw(port: Port) -> float:
    """What an ampere at a port is worth, all its phases used."""
    return port.voltage_v * (1 if port.is_line_to_line else len(port.phases)) / 1000


def parts(outlook: Outlook, at: datetime, settings: Settings) -> Iterator[Slot]:
    """From `at` to the horizon, finer first, each within one quarter, half hour or hour of the clock.

    What is asked of the site in one of them is asked in all of it.
    """
    begins_at, ends_at, turns = at, outlook.begins_at + settings.horizon, outlook.turns()
    while begins_at < ends_at:
        length = next(it for it, until in _LENGTHS if begins_at - at < until)
        # What does not begin with a whole hour is as long as up to the next.
        over = timedelta(seconds=begins_at.timestamp() % length.total_seconds())
        until = min(ends_at, begins_at + (length - over))
        until = min((it for it in turns if begins_at < it < until), default=until)
        first = (begins_at - outlook.begins_at) // QUARTER
        last = max(first + 1, -((outlook.begins_at - until) // QUARTER))
        cost = _mean(outlook.price_micros, first, last) / 1e6
        # What one more kilowatt-hour emits, where anybody tells that.
        carbon = _mean(outlook.marginal_g or outlook.carbon_g, first, last) / 1000 * settings.carbon_micros_per_kg / 1e6
        yield Slot(
            begins_at=begins_at,
            ends_at=until,
            cost=cost + carbon,
            solar_kw=_mean(outlook.solar_w, first, last) / 1000,
            building_kw=_mean(outlook.building_w, first, last) / 1000,
        )
        begins_at = until


def _mean(row: tuple[int, ...], first: int, last: int) -> float:
    """Behind the end of what is known, what is known of the same time of another day, or of all."""
    if not row:
        return 0.0
    day = timedelta(days=1) // QUARTER
    known = [
        row[it] if it < len(row) else row[it - day] if 0 <= it - day < len(row) else None for it in range(first, last)
    ]
    told = [it for it in known if it is not None] or row
    return sum(told) / len(told)
