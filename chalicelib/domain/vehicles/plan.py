"""What a car's night is planned to be, whoever plans it: quarters of an hour, and what is told of them.

A car that keeps a schedule of its own knows one time to begin at. It begins where charging through costs least among
the quarters that the plan gives it, and never later than it can afford.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.vehicles.estimate import duration, latest_start

QUARTER = timedelta(minutes=15)
# Nothing is put off to the last half hour: drivers err, and cars begin late.
MARGIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarQuestion:
    """What is to be planned: so much energy at the plug by then, at a power, by the prices of a site.

    `at` is when it may begin. `price_site` empty: nobody's.
    """

    vehicle_id: str
    price_site: str
    at: datetime
    plugged_at: datetime
    departs_at: datetime
    energy_wh: int
    power_w: int

    @property
    def latest_at(self) -> datetime:
        """When it must begin at the latest."""
        return latest_start(self.departs_at, self.energy_wh, self.power_w, MARGIN)


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
    run = max(1, -(-duration(question.energy_wh, question.power_w) // QUARTER))
    latest = max(question.at, question.latest_at)
    starts = [
        moment
        for place, power_w in enumerate(plan.power_w)
        if power_w and question.at <= (moment := plan.begins_at + place * QUARTER) <= latest
    ]
    if not starts:
        return max(question.at, min(plan.starts_at, latest)).replace(second=0, microsecond=0)
    return min(starts, key=lambda it: (_run_cost(plan, (it - plan.begins_at) // QUARTER, run), it))


def _run_cost(plan: CarPlan, first: int, run: int) -> int:
    """What charging through from a quarter on costs a kilowatt; what is not known costs what the last known does."""
    prices = plan.price_micros
    return sum(prices[min(it, len(prices) - 1)] for it in range(first, first + run)) if prices else 0
