"""Points on the Earth, and the distance between two of them in metres.

The Earth is taken for a ball: exact to half a percent.
"""

from __future__ import annotations

import math

from chalicelib.domain.data_classes import dataclass

_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A point on the Earth, in degrees (WGS 84)."""

    latitude: float
    longitude: float


def distance_m(one: GeoPoint, other: GeoPoint) -> float:
    """The great circle between two points (haversine: right for small distances and across the antimeridian)."""
    phi, psi = math.radians(one.latitude), math.radians(other.latitude)
    lambda_ = math.radians(other.longitude - one.longitude)
    a = math.sin((psi - phi) / 2) ** 2 + math.cos(phi) * math.cos(psi) * math.sin(lambda_ / 2) ** 2
    return 2 * _RADIUS_M * math.asin(min(1.0, math.sqrt(a)))
