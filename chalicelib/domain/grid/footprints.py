"""Footprints: a charge's energy by quarters of an hour, weighed by what a kWh cost and emitted in each of them.

Between two readings energy is taken to flow evenly. Charging at once is the same energy from the beginning on, at the
highest power that was measured: what the car could have taken beyond that nobody knows, and nothing is claimed of it.
Nothing is rounded but the end, and a saving below nothing is told as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from chalicelib.domain.charging.footprint import Footprint
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.grid.outlook import QUARTER, Outlook

METHOD = "average-by-quarter-hour/1"
# Nobody charges longer at once; a power so low is no car's, but a meter's that errs.
_MOST_HOURS = 48
_HOUR = timedelta(hours=1)
# Readings closer than that tell of no power: registers count in whole steps.
_LEAST_APART = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class EnergyRegister:
    """What had been given since the beginning, at a moment."""

    at: datetime
    energy_wh: int


def quarters_of(registers: Sequence[EnergyRegister], begins_at: datetime) -> Mapping[int, float]:
    """The energy of each quarter of an hour, by its number from `begins_at` on; registers are in order of time."""
    found: dict[int, float] = {}
    for before, after in pairwise(registers):
        energy_wh = max(0, after.energy_wh - before.energy_wh)
        for place, part in _spread(before.at, after.at, begins_at):
            found[place] = found.get(place, 0.0) + energy_wh * part
    return found


def highest_w(registers: Sequence[EnergyRegister]) -> int:
    """The highest power between two readings; 0 where there are none."""
    powers = [
        (after.energy_wh - before.energy_wh) / ((after.at - before.at) / _HOUR)
        for before, after in pairwise(registers)
        if after.at - before.at >= _LEAST_APART
    ]
    return round(max(powers, default=0.0))


def at_once(energy_wh: int, power_w: int, began_at: datetime, begins_at: datetime) -> Mapping[int, float]:
    """The same energy from the beginning on, by quarters of an hour; nothing where that would take days."""
    if not energy_wh or not power_w or energy_wh > power_w * _MOST_HOURS:
        return {}
    ended_at = began_at + energy_wh / power_w * _HOUR
    return {place: energy_wh * part for place, part in _spread(began_at, ended_at, begins_at)}


def footprint(registers: Sequence[EnergyRegister], outlook: Outlook, most_w: int | None = None) -> Footprint | None:
    """What the energy came to by an outlook that begins no later than it; None where nothing flowed.

    `most_w`: what the plug can give at all.
    """
    energy_wh = registers[-1].energy_wh - registers[0].energy_wh if registers else 0
    if energy_wh <= 0:
        return None
    taken = quarters_of(registers, outlook.begins_at)
    power_w = highest_w(registers) or most_w or 0
    sooner = at_once(energy_wh, min(power_w, most_w or power_w), registers[0].at, outlook.begins_at)
    carbon, cost = _weighed(taken, outlook.carbon_g), _weighed(taken, outlook.price_micros)
    carbon_sooner, cost_sooner = _weighed(sooner, outlook.carbon_g), _weighed(sooner, outlook.price_micros)
    renewable = _weighed(taken, outlook.renewable_permille)
    return Footprint(
        energy_wh=energy_wh,
        source=outlook.source,
        method=METHOD,
        carbon_g=_whole(carbon),
        renewable_permille=None if renewable is None else round(renewable * 1000 / energy_wh),
        energy_cost_micros=_whole(cost),
        currency=outlook.currency,
        saved_micros=None if cost is None or cost_sooner is None else round(cost_sooner - cost),
        saved_g=None if carbon is None or carbon_sooner is None else round(carbon_sooner - carbon),
    )


def _spread(began_at: datetime, ended_at: datetime, begins_at: datetime) -> Iterator[tuple[int, float]]:
    """Each quarter that a time touches, and how much of that time lies in it."""
    lasted = ended_at - began_at
    if lasted <= timedelta(0):
        yield (began_at - begins_at) // QUARTER, 1.0
        return
    at = began_at
    while at < ended_at:
        place = (at - begins_at) // QUARTER
        until = min(ended_at, begins_at + (place + 1) * QUARTER)
        yield place, (until - at) / lasted
        at = until


def _weighed(taken: Mapping[int, float], by_kwh: Sequence[int]) -> float | None:
    """What it comes to; None where that is not known of each quarter."""
    if not taken or any(not 0 <= place < len(by_kwh) for place in taken):
        return None
    return sum(by_kwh[place] * energy_wh for place, energy_wh in taken.items()) / 1000


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)
