"""Charging periods (OCPI): the parts of a charge, and how its registers say it went."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter

from chalicelib.domain.pricing.registers import Point


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


def charging_periods(
    points: Sequence[Point],
    began_at: datetime,
    ended_at: datetime,
    energy_wh: int | None,
    currents: Sequence[tuple[datetime, int]] = (),
) -> tuple[ChargingPeriod, ...]:
    """How a charge went, by the registers its meter showed; `energy_wh` is what counts in the end, None: unknown.

    `currents` are what was measured to flow (mA, all phases together), and when.

    Time after the last energy is time parked: a pause after which energy flowed again is not the driver's doing.
    Without any register all of it counts as charging.
    """
    ended_at = max(began_at, ended_at)
    inner = sorted((it for it in points if began_at < it.at < ended_at), key=lambda it: it.at)
    known = [it.energy_wh for it in points]
    marks = [
        Point(began_at, known[0] if known else 0),
        *inner,
        Point(ended_at, known[-1] if known else 0),
    ]
    rises = [max(0, after.energy_wh - before.energy_wh) for before, after in pairwise(marks)]
    measured_wh = sum(rises)
    if not measured_wh or not energy_wh:
        whole = Fraction(energy_wh or 0)
        return (
            ChargingPeriod(
                began_at=began_at, ended_at=ended_at, energy_wh=whole, is_charging=energy_wh is None or energy_wh > 0
            ),
        )
    last = max(index for index, rise in enumerate(rises) if rise)
    # Where the evidence proves another sum than the registers show, each part has its share of it.
    share = Fraction(energy_wh, measured_wh)
    told = sorted(currents)
    return tuple(
        ChargingPeriod(
            began_at=before.at,
            ended_at=after.at,
            energy_wh=rise * share,
            is_charging=index <= last,
            current_ma=_mean(told, before.at, after.at) if rise else None,
        )
        for index, ((before, after), rise) in enumerate(zip(pairwise(marks), rises, strict=True))
    )


def _mean(told: Sequence[tuple[datetime, int]], began_at: datetime, ended_at: datetime) -> Fraction | None:
    """The mean of what was told from one time to another, both included; nothing is none where energy flowed."""
    first = bisect_left(told, began_at, key=itemgetter(0))
    within = [current_ma for _, current_ma in told[first : bisect_right(told, ended_at, key=itemgetter(0))]]
    return Fraction(sum(within), len(within)) or None if within else None
