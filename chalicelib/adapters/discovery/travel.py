"""Drive times: by Amazon Location where there is one to ask, and always by an honest estimate where not.

The estimate is the way as the crow flies, lengthened as roads do, at the pace of ordinary roads.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.discovery import Drive

_log = logging.getLogger(__name__)

# Roads are longer than the great circle by about this much, in towns and between them.
_DETOUR = 1.35
_SLOW_M_PER_S, _FAST_M_PER_S = 8.0, 20.0
# The first kilometres of any drive are in town.
_IN_TOWN_M = 5_000
# Amazon Location's limit for a matrix without a boundary.
_MOST_ENDS = 100


class GreatCircle:
    """Estimated drive times: the port Travel, with every answer marked as an estimate."""

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """Computed from the distance as the crow flies, without any call."""
        return [Drive(_eta_s(distance_m), is_estimate=True) for _, distance_m in ends]


@dataclass(frozen=True)
class AmazonRoutes:
    """Drive times by Amazon Location: the port Travel, by the traffic of now.

    What Amazon Location cannot tell, or not in time, is estimated.
    """

    client: Any

    def drives(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        """One call for each hundred ends."""
        found: list[Drive] = []
        for at in range(0, len(ends), _MOST_ENDS):
            found += self._matrix(start, ends[at : at + _MOST_ENDS])
        return found

    def _matrix(self, start: GeoPoint, ends: Sequence[tuple[GeoPoint, float]]) -> Sequence[Drive]:
        estimates = GreatCircle().drives(start, ends)
        try:
            (row,) = self.client.calculate_route_matrix(
                Origins=[{"Position": [start.longitude, start.latitude]}],
                Destinations=[{"Position": [spot.longitude, spot.latitude]} for spot, _ in ends],
                RoutingBoundary={"Unbounded": True},
                TravelMode="Car",
                DepartNow=True,
            )["RouteMatrix"]
        except (BotoCoreError, ClientError) as error:
            _log.warning("no map was to be asked", extra={"why": type(error).__name__})
            return estimates
        return [
            estimate if told.get("Error") else Drive(int(told["Duration"]), is_estimate=False)
            for told, estimate in zip(row, estimates, strict=True)
        ]


def _eta_s(distance_m: float) -> int:
    """Seconds by car; never less than a minute."""
    way_m = distance_m * _DETOUR
    in_town_m = min(way_m, _IN_TOWN_M)
    return max(60, round(in_town_m / _SLOW_M_PER_S + (way_m - in_town_m) / _FAST_M_PER_S))
