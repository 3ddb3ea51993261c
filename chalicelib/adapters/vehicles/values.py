"""Makers' values in our units: whole percent and Wh, aware UTC times, points on the Earth; None for what is none.

What a maker says is believed only as far as it can be so: no battery holds more than all, and no place is off the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.vehicles.telemetry import Observed

Value = TypeVar("Value")
# The largest trucks have 1 MWh.
_MOST_KWH = 1_500


def moment(told: object) -> datetime | None:
    """A time in ISO 8601, or in milliseconds since 1970."""
    try:
        if isinstance(told, str):
            at = datetime.fromisoformat(told)
            return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
        if isinstance(told, int) and told > 0:
            return datetime.fromtimestamp(told / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def number(told: object) -> float | None:
    """A number; a truth value is none."""
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) and told == told else None  # noqa: PLR0124


def percent(told: object, of: int = 100) -> int | None:
    """Whole percent of what is told as a share of that."""
    found = number(told)
    return round(found * 100 / of) if found is not None and 0 <= found <= of else None


def whole_wh(kwh: object) -> int | None:
    """Whole watt-hours of kilowatt-hours."""
    found = number(kwh)
    return round(found * 1000) if found is not None and 0 < found <= _MOST_KWH else None


def watts(kw: object) -> int | None:
    """Whole watts of kilowatts."""
    found = number(kw)
    return round(found * 1000) if found is not None and 0 <= found <= _MOST_KWH else None


def place(told: Mapping[str, Any]) -> GeoPoint | None:
    """Where it is; nowhere where it says 0, 0, as cars do that have not found themselves."""
    latitude, longitude = number(told.get("latitude")), number(told.get("longitude"))
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    return GeoPoint(latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def seen(value: Value | None, at: datetime) -> Observed[Value] | None:
    """A value with its time, where there is one."""
    return Observed(value, at) if value is not None else None
