"""Drive times: by Amazon Location where a deployment chooses it, and always by an honest estimate where not.

The estimate is the way as the crow flies, lengthened as roads do, at the pace of ordinary roads. Amazon Location bills
each pair of origin and destination, so only the best few of a page are asked, and what it said is good for everybody
who starts nearby within some minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.data_classes import dataclass, field
from chalicelib.domain.discovery import Drive
from chalicelib.ports import Clock

_log = logging.getLogger(__name__)

# Roads are longer than the great circle by about this much, in towns and between them.
_DETOUR = 1.35
_SLOW_M_PER_S, _FAST_M_PER_S = 8.0, 20.0
# The first kilometres of any drive are in town.
_IN_TOWN_M = 5_000
# A page comes the best first; whoever looks further down is told an estimate that says so.
_MOST_ASKED = 5
# H3's cells of half a kilometre: a minute by car, and as much as an answer is good for.
_CELL = 8
# Traffic changes. So many of one process's answers are kept, and not stored anywhere.
_REMEMBERED_S = 600
_MOST_REMEMBERED = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


class GreatCircle:
    """Estimated drive times: the port Travel, with every answer marked as an estimate."""

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """Computed from the distance as the crow flies, without any call."""
        return [Drive(_eta_s(distance_m), is_estimate=True) for _, distance_m in ends]


@dataclass(frozen=True)
class AmazonRoutes:
    """Drive times by Amazon Location: the port Travel, by the traffic of now, from cell to place.

    What Amazon Location cannot tell, or not in time, is estimated, and so is all but the first five of a page.
    """

    client: Any
    clock: Clock = _now
    _known: dict[tuple[str, GeoPoint, int], Drive] = field(default_factory=dict)

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """One call at most; none where somebody nearby has asked for the same a moment ago."""
        estimates = list(GreatCircle().drives(start, ends))
        cell, moment = _cell(start), int(self.clock().timestamp()) // _REMEMBERED_S
        best = ends[:_MOST_ASKED]
        unknown = [spot for spot, _ in best if (cell, spot, moment) not in self._known]
        if unknown:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known.update({(cell, spot, moment): it for spot, it in self._asked(start, unknown)})
        told = [
            self._known.get((cell, spot, moment), estimate)
            for (spot, _), estimate in zip(best, estimates, strict=False)
        ]
        return [*told, *estimates[len(told) :]]

    def _asked(self, start: GeoPoint, spots: Sequence[GeoPoint]) -> list[tuple[GeoPoint, Drive]]:
        """What the map tells; nothing of what it cannot."""
        try:
            (row,) = self.client.calculate_route_matrix(
                Origins=[{"Position": [start.longitude, start.latitude]}],
                Destinations=[{"Position": [spot.longitude, spot.latitude]} for spot in spots],
                RoutingBoundary={"Unbounded": True},
                TravelMode="Car",
                DepartNow=True,
            )["RouteMatrix"]
        except (BotoCoreError, ClientError) as error:
            _log.warning("no map was to be asked", extra={"why": type(error).__name__})
            return []
        told = zip(spots, row, strict=True)
        return [(spot, Drive(int(it["Duration"]), is_estimate=False)) for spot, it in told if not it.get("Error")]


def _cell(spot: GeoPoint) -> str:
    import h3  # noqa: PLC0415

    return str(h3.latlng_to_cell(spot.latitude, spot.longitude, _CELL))


def _eta_s(distance_m: float) -> int:
    """Seconds by car; never less than a minute."""
    way_m = distance_m * _DETOUR
    in_town_m = min(way_m, _IN_TOWN_M)
    return max(60, round(in_town_m / _SLOW_M_PER_S + (way_m - in_town_m) / _FAST_M_PER_S))
