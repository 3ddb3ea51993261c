"""A drive's length without a map: the way as the crow flies, lengthened as roads do, at the pace of ordinary roads."""

from __future__ import annotations

# Roads are longer than the great circle by about this much, in towns and between them.
_DETOUR = 1.35
_SLOW_M_PER_S, _FAST_M_PER_S = 8.0, 20.0
# The first kilometres of any drive are in town.
_IN_TOWN_M = 5_000


class GreatCircle:
    """The port Travel, as an estimate that says so."""

    is_estimate = True

    def eta_s(self, distance_m: float) -> int:
        """Seconds by car; never less than a minute."""
        way_m = distance_m * _DETOUR
        in_town_m = min(way_m, _IN_TOWN_M)
        return max(60, round(in_town_m / _SLOW_M_PER_S + (way_m - in_town_m) / _FAST_M_PER_S))
