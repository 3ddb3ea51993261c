"""What a car's night is planned to be, whoever plans it: quarters of an hour, and what is told of them.

A car that keeps a schedule of its own knows one time to begin at. It begins where charging through costs least among
the quarters that the plan gives it, and never later than it can afford.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.estimate import duration, latest_start

QUARTER = timedelta(minutes=15)
# What its schedule says already needs no call, and is worth so much of the cost.
_STANDING = 1.03
# Nothing is put off to the last half hour: drivers err, and cars begin late.
MARGIN = timedelta(minutes=30)
# A car without a schedule of its own begins so much sooner: whoever is to tell it may be out of reach for a while.
MARGIN_UNGUARDED = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarQuestion:
    """What is to be planned: so much energy at the plug by then, at a power, by the prices of a site.

    `at` is when it may begin. `price_site` empty: nobody's. `standing_at`: then it begins by itself, by the
    schedule that it keeps already. `may_wait`: somebody can have it wait; else it begins at once. `worst_wh`: what
    it may lack on a night of which nobody hears until its schedule has begun, for that holds then too.
    """

    vehicle_id: str
    price_site: str
    at: datetime
    plugged_at: datetime
    departs_at: datetime
    energy_wh: int
    power_w: int
    standing_at: datetime | None = None
    may_wait: bool = True
    worst_wh: int = 0
    margin: timedelta = MARGIN

    @property
    def latest_at(self) -> datetime:
        """When it must begin at the latest."""
        return latest_start(self.departs_at, max(self.energy_wh, self.worst_wh), self.power_w, self.margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarPlan:
    """When a car is to charge, by quarters from `begins_at` on, and what that comes to.

    `starts_at` to `ready_at` (None: not by its departure, `unmet_wh` will lack). `cost_micros` in millionths of
    `currency`, `carbon_g` and `renewable_permille` are None where nobody knows. `saved_micros` and `saved_g`: against
    charging at once.
    """

    planned_at: datetime
    begins_at: datetime
    power_w: tuple[int, ...]
    starts_at: datetime
    ready_at: datetime | None
    energy_wh: int
    unmet_wh: int = 0
    price_micros: tuple[int, ...] = ()
    cost_micros: int | None = None
    currency: str = ""
    carbon_g: int | None = None
    renewable_permille: int | None = None
    saved_micros: int | None = None
    saved_g: int | None = None
    source: str = ""

    @property
    def waits(self) -> bool:
        """Whether it does not begin with the quarter in which it was planned."""
        return self.starts_at >= self.planned_at + QUARTER


def kept_start(plan: CarPlan, question: CarQuestion) -> datetime:
    """The one time at which a car begins that then charges through; whole minutes, for clocks on walls show no more."""
    if not question.may_wait:
        return question.at
    run = max(1, -(-duration(question.energy_wh, question.power_w) // QUARTER))
    latest = max(question.at, question.latest_at)
    starts = [
        moment
        for place, power_w in enumerate(plan.power_w)
        if power_w and question.at <= (moment := plan.begins_at + place * QUARTER) <= latest
    ]
    if not starts:
        return max(question.at, min(plan.starts_at, latest)).replace(second=0, microsecond=0)
    best = min(starts, key=lambda it: (_run_cost(plan, it, run), it))
    standing_at = question.standing_at
    if standing_at is None or not question.at <= standing_at <= latest:
        return best
    is_as_good = _run_cost(plan, standing_at, run) <= _STANDING * _run_cost(plan, best, run)
    return standing_at if is_as_good else best


def _run_cost(plan: CarPlan, begins_at: datetime, run: int) -> int:
    """What charging through from a quarter on costs a kilowatt; what is not known costs what the last known does."""
    prices, first = plan.price_micros, (begins_at - plan.begins_at) // QUARTER
    return sum(prices[min(it, len(prices) - 1)] for it in range(first, first + run)) if prices else 0
