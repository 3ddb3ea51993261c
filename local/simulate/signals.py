"""What a kilowatt-hour costs and emits by the hour of a simulated day, and what that comes to over a day that was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp

from chalicelib.domain.grid.outlook import QUARTER, Outlook
from local.simulate.day import Outcome

_DAY = timedelta(days=1)


def _bump(hour: float, middle: float, width: float) -> float:
    return exp(-(((hour - middle) / width) ** 2))


def _time_of_use(hour: float) -> float:
    return 0.30 if 16 <= hour < 21 else 0.12 if 8 <= hour < 16 or 21 <= hour < 23 else 0.07


def _day_ahead(hour: float) -> float:
    noon, evening, morning = _bump(hour, 13, 2.8), _bump(hour, 19.5, 1.9), _bump(hour, 7.7, 1.5)
    return 0.11 - 0.085 * noon + 0.11 * evening + 0.05 * morning


# By hour of the day: money for a kilowatt-hour, and grams of CO2 equivalent for one.
PRICES: Mapping[str, Callable[[float], float]] = {
    "day-ahead": _day_ahead,
    "time-of-use": _time_of_use,
    "negative": lambda hour: _day_ahead(hour) - 0.09 * _bump(hour, 13, 2.0),
    "fixed": lambda hour: 0.15,
}
CARBON: Mapping[str, Callable[[float], float]] = {
    "sunny": lambda hour: 210 - 110 * _bump(hour, 12.8, 3.4) + 95 * _bump(hour, 19.3, 2.2),
    "windy-night": lambda hour: 220 - 120 * _bump((hour + 12) % 24, 14.5, 4.0),
    "even": lambda hour: 250.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """A price and a carbon day, each day the same; `demand_charge` for a kilowatt of the highest quarter."""

    price: str = "day-ahead"
    carbon: str = "sunny"
    demand_charge: float = 0.5

    def outlook(self, at: datetime, peak_w: float = 0.0) -> Outlook:
        """The day that begins with the quarter in which `at` lies."""
        begins_at = at - timedelta(seconds=at.timestamp() % QUARTER.total_seconds())
        hours = [_hour(begins_at + QUARTER * it) for it in range(_DAY // QUARTER)]
        return Outlook(
            begins_at=begins_at,
            price_micros=tuple(round(PRICES[self.price](it) * 1e6) for it in hours),
            carbon_g=tuple(round(CARBON[self.carbon](it)) for it in hours),
            demand_charge_micros=round(self.demand_charge * 1e6),
            peak_w=round(peak_w),
            source="simulated",
        )

    def price_micros(self, at: datetime) -> int:
        """What a kilowatt-hour costs in the quarter in which `at` lies, as the outlook has it."""
        return self.outlook(at).price_micros[0]

    def carbon_g_at(self, at: datetime) -> int:
        """What a kilowatt-hour emits in the quarter in which `at` lies."""
        return self.outlook(at).carbon_g[0]

    def cost(self, outcome: Outcome) -> float:
        """Of a kilowatt-hour of what was drawn, the highest quarter's charge in it; 0 where nothing was."""
        drawn = self._drawn(outcome)
        total = sum(kwh for _, kwh in drawn)
        spent = sum(PRICES[self.price](hour) * kwh for hour, kwh in drawn) + self.demand_charge * outcome.peak_w / 1000
        return spent / total if total else 0.0

    def carbon_g(self, outcome: Outcome) -> float:
        """Of a kilowatt-hour of what was drawn; 0 where nothing was."""
        drawn = self._drawn(outcome)
        total = sum(kwh for _, kwh in drawn)
        return sum(CARBON[self.carbon](hour) * kwh for hour, kwh in drawn) / total if total else 0.0

    def _drawn(self, outcome: Outcome) -> list[tuple[float, float]]:
        length = outcome.period / timedelta(hours=1)
        return [
            (_hour(outcome.begins_at + outcome.period * (number + 0.5)), power_w * length / 1000)
            for number, power_w in enumerate(outcome.power_w)
        ]


def _hour(at: datetime) -> float:
    return at.hour + at.minute / 60 + at.second / 3600
