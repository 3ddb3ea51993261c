"""How full a car is thought to be, how much it lacks, and how long that takes: from what was said, and how old that is.

An old percentage counts for less than it says, for the car has driven since; a young one is counted on by what was
charged. All errs towards lacking more, so that a car is ready too soon rather than too late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.vehicles.telemetry import Observed

# What most cars hold, where nobody said.
USUAL_BATTERY_WH = 60_000
# Where nobody said how full it is: about two days' driving is lacking.
USUAL_LACK_WH = 20_000
# So much of what a plug gives does not reach the battery.
LOST_PERCENT = 10
# A car takes less as it fills, and begins late: so much longer than the sum says.
_SLOWER = 1.15
_FOR_EVER = timedelta(days=7)
# Said that much before it was plugged in, it was driven since: a point for each four minutes, and no more than so many.
_STILL_TRUE = timedelta(minutes=10)
_POINT = timedelta(minutes=4)
_MOST_POINTS = 30


def counted_percent(
    told: Observed[int] | None, plugged_at: datetime, charged_wh: int = 0, battery_wh: int | None = None
) -> int | None:
    """How full it is thought to be, `charged_wh` (at the plug) after the percentage was said; None: nobody said."""
    if told is None:
        return None
    driven = max(timedelta(0), plugged_at - told.at - _STILL_TRUE)
    lost = min(_MOST_POINTS, driven // _POINT)
    gained = charged_wh * (100 - LOST_PERCENT) // (battery_wh or USUAL_BATTERY_WH)
    return max(0, min(100, told.value - lost + gained))


def lacks_wh(percent: int | None, target_percent: int, battery_wh: int | None = None) -> int:
    """The energy at the plug until it is so full."""
    if percent is None:
        return USUAL_LACK_WH
    return (battery_wh or USUAL_BATTERY_WH) * max(0, target_percent - percent) // (100 - LOST_PERCENT)


def charging_time(energy_wh: int, power_w: int) -> timedelta:
    """How long that much takes, if all goes well."""
    return timedelta(hours=energy_wh / power_w) if power_w > 0 else _FOR_EVER


def duration(energy_wh: int, power_w: int) -> timedelta:
    """How long that much takes, at the longest."""
    return charging_time(energy_wh, power_w) * _SLOWER


def latest_start(departs_at: datetime, energy_wh: int, power_w: int, margin: timedelta) -> datetime:
    """When it must begin, so that it is ready by then with some time to spare; long ago where it cannot be."""
    return departs_at - duration(energy_wh, power_w) - margin
