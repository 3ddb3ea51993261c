"""How a session's time at its connector was spent: charging, or suspended, and by whom.

What the charger told of its state comes first; where it told nothing that says so, its registers decide
(`domain/pricing/periods.py`), for the bill as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter

from chalicelib.domain.chargers.availability import BRIEF, Happening, silences, statuses_of
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.periods import Reported, Use, Uses, pauses
from chalicelib.domain.pricing.registers import Point

_USES = {
    ConnectorStatus.CHARGING: Use.CHARGING,
    ConnectorStatus.SUSPENDED_BY_CAR: Use.PARKED,
    ConnectorStatus.FINISHING: Use.PARKED,
    ConnectorStatus.SUSPENDED_BY_CHARGER: Use.WITHHELD,
    ConnectorStatus.FAULTED: Use.FAULTED,
    ConnectorStatus.UNAVAILABLE: Use.FAULTED,
}


@dataclass(frozen=True, slots=True)
class Occupation:
    """Whole seconds that sum to the time between a charge's beginning and its end."""

    charging_s: int
    suspended_by_car_s: int
    suspended_by_station_s: int


def use_of(status: ConnectorStatus) -> Use | None:
    """What a status says that a connector does; None: nothing that tells charging from standing."""
    return _USES.get(status)


def uses_told(happened: Sequence[Happening], connector: ConnectorId, until: datetime) -> Uses:
    """What a connector did and since when, by its charger's own word.

    While that could not be heard, where it had not said that the car stood there, standing still is nobody's doing:
    it may have had no power.
    """
    told = sorted(((it.since, use_of(it.status)) for it in statuses_of(happened, connector)), key=itemgetter(0))
    unheard: list[tuple[datetime, Use | None]] = []
    for broke_at, back_at in silences(happened, until):
        before = next((use for since, use in reversed(told) if since <= broke_at), None)
        if back_at - broke_at > BRIEF and before is None:
            unheard += [(broke_at, Use.FAULTED), (back_at, None)]
    return sorted((*unheard, *told), key=itemgetter(0))


def occupation(began_at: datetime, ended_at: datetime, uses: Uses, points: Sequence[Point]) -> Occupation:
    """The time from `began_at` to `ended_at`.

    `uses` are what the connector did, and since when, in order, from what it did at the beginning; `points` are the
    registers believed, rising.
    """
    whole = max(timedelta(0), ended_at - began_at)
    by_car, by_station = timedelta(0), timedelta(0)
    for it in pauses(points, Reported(uses=uses), began_at, ended_at):
        if it.is_doubted:
            continue
        if it.is_withheld:
            by_station += it.ended_at - it.began_at
        else:
            by_car += it.ended_at - it.began_at
    whole_s, by_car_s, by_station_s = (int(it.total_seconds()) for it in (whole, by_car, by_station))
    return Occupation(whole_s - by_car_s - by_station_s, by_car_s, by_station_s)
