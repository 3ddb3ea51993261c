"""How a session's time at its connector was spent: charging, or suspended, and by whom.

What the charger told of its state comes first; where it told nothing that says so, a register that rose was charging,
and after its last rise the car took nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from chalicelib.domain.chargers.events import ConnectorStatus
from chalicelib.domain.pricing.registers import Point

_BY_CAR = (ConnectorStatus.SUSPENDED_BY_CAR, ConnectorStatus.FINISHING)


@dataclass(frozen=True, slots=True)
class Occupation:
    """Whole seconds that sum to the time between a charge's beginning and its end."""

    charging_s: int
    suspended_by_car_s: int
    suspended_by_station_s: int


def occupation(
    began_at: datetime,
    ended_at: datetime,
    statuses: Sequence[tuple[datetime, ConnectorStatus]],
    points: Sequence[Point],
) -> Occupation:
    """The time from `began_at` to `ended_at`.

    `statuses` are what the connector became, and when, in order, from the one that it had at the beginning; `points`
    are the registers believed, rising.
    """
    whole = max(timedelta(0), ended_at - began_at)
    by_car, by_station = timedelta(0), timedelta(0)
    cuts = [(began_at, ConnectorStatus.UNKNOWN), *statuses, (ended_at, ConnectorStatus.UNKNOWN)]
    for (became_at, status), (changed_at, _) in pairwise(cuts):
        since, until = max(became_at, began_at), min(changed_at, ended_at)
        if until <= since or status is ConnectorStatus.CHARGING:
            continue
        if status in _BY_CAR:
            by_car += until - since
        elif status is ConnectorStatus.SUSPENDED_BY_CHARGER:
            by_station += until - since
        else:
            by_car += until - max(since, _last_rise(points, until, since))
    whole_s, by_car_s, by_station_s = (int(it.total_seconds()) for it in (whole, by_car, by_station))
    return Occupation(whole_s - by_car_s - by_station_s, by_car_s, by_station_s)


def _last_rise(points: Sequence[Point], until: datetime, otherwise: datetime) -> datetime:
    """When a register last rose before `until`; up to then, if it was about to."""
    if len(points) < 2:
        return until
    rises = [(before.at, after.at) for before, after in pairwise(points) if after.energy_wh > before.energy_wh]
    return max((min(after, until) for before, after in rises if before < until), default=otherwise)
