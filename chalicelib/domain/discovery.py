"""Routes for searches: how far along a line of points a place lies, and how far off it, in metres.

Exact to half a percent, the Earth being taken for a ball; no map, no road.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from chalicelib.domain.chargers.geography import GeoPoint, distance_m
from chalicelib.domain.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive by car: how long it takes; `is_estimate` when no map was asked."""

    eta_s: int
    is_estimate: bool


@dataclass(frozen=True, slots=True)
class Offset:
    """A place beside a route: how far along it, and how far off it."""

    along_m: float
    off_m: float


class Polyline:
    """A line of points to travel along."""

    def __init__(self, points: Sequence[GeoPoint]) -> None:
        if len(points) < 2:
            raise ValueError("a route has two points at least")
        self.points = points
        self._starts_m = [0.0]
        for before, after in pairwise(points):
            self._starts_m.append(self._starts_m[-1] + distance_m(before, after))

    @property
    def length_m(self) -> float:
        """From end to end."""
        return self._starts_m[-1]

    def offset(self, spot: GeoPoint) -> Offset:
        """Where the route comes nearest to `spot`; of several such places the first."""
        best = Offset(0.0, math.inf)
        for start_m, (before, after) in zip(self._starts_m, pairwise(self.points), strict=False):
            found = _beside(before, after, spot)
            if found.off_m < best.off_m - 1e-6:
                best = Offset(start_m + found.along_m, found.off_m)
        return best

    def every(self, step_m: float) -> Iterator[GeoPoint]:
        """Points along the route, none further than `step_m` from the next."""
        for before, after in pairwise(self.points):
            steps = max(1, math.ceil(distance_m(before, after) / step_m))
            for index in range(steps):
                yield _between(before, after, index / steps)
        yield self.points[-1]


def _beside(before: GeoPoint, after: GeoPoint, spot: GeoPoint) -> Offset:
    """On a plane that touches the Earth at `before`: right enough for the few kilometres beside a leg."""
    scale = math.cos(math.radians(before.latitude))

    def flat(it: GeoPoint) -> tuple[float, float]:
        return _degrees(it.longitude - before.longitude) * scale, it.latitude - before.latitude

    (ax, ay), (px, py) = flat(after), flat(spot)
    length = ax * ax + ay * ay
    share = 0.0 if length == 0 else max(0.0, min(1.0, (px * ax + py * ay) / length))
    return Offset(share * distance_m(before, after), distance_m(_between(before, after, share), spot))


def _between(before: GeoPoint, after: GeoPoint, share: float) -> GeoPoint:
    longitude = before.longitude + share * _degrees(after.longitude - before.longitude)
    return GeoPoint(before.latitude + share * (after.latitude - before.latitude), _degrees(longitude))


def _degrees(longitude: float) -> float:
    """The same longitude between -180 and 180: the shorter way round."""
    return (longitude + 180) % 360 - 180


def decode_polyline(text: str) -> list[GeoPoint]:
    """The points of an encoded polyline (Google's format, five decimals). Raises ValueError."""
    values: list[int] = []
    value = shift = 0
    for character in text:
        chunk = ord(character) - 63
        if not 0 <= chunk < 64:
            raise ValueError("this is no encoded polyline")
        value |= (chunk & 0x1F) << shift
        shift += 5
        if shift > 40:
            raise ValueError("this is no encoded polyline")
        if chunk < 0x20:
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift or len(values) % 2:
        raise ValueError("this polyline is cut off")
    latitude = longitude = 0
    points = []
    for step_latitude, step_longitude in zip(values[::2], values[1::2], strict=True):
        latitude, longitude = latitude + step_latitude, longitude + step_longitude
        points.append(GeoPoint(latitude / 1e5, longitude / 1e5))
    if any(abs(it.latitude) > 90 or abs(it.longitude) > 180 for it in points):
        raise ValueError("this polyline leaves the Earth")
    return points
