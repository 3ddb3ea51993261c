"""What came of a simulated fleet's nights, by maker or together."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.domain.vehicles.budget import CallKind


@dataclass(slots=True)
class Tally:
    """What came of nights. `could_be`: charged at once from the plug-in on it would have been ready in time.

    `missed` of those were not, of `missed_untold` nobody was told before; `unready_untold` counts all that were not.
    `notice_s`: from each plug-in of a car that tells by itself to its driver's notice of the plan.
    """

    nights: int = 0
    could_be: int = 0
    ready: int = 0
    missed: int = 0
    missed_untold: int = 0
    unready_untold: int = 0
    warned_in_vain: int = 0
    planned: int = 0
    waited: int = 0
    calls: dict[CallKind, int] = field(default_factory=dict)
    micro_usd: int = 0
    dearest_car_micro_usd: int = 0
    most_wakes: int = 0
    wakes_outside: int = 0
    makers_wakes: int = 0
    low_days: int = 0
    kwh: float = 0.0
    cost: float = 0.0
    cost_at_once: float = 0.0
    carbon_kg: float = 0.0
    carbon_kg_at_once: float = 0.0
    writes: int = 0
    notices: int = 0
    notice_s: list[float] = field(default_factory=list)
    cars: int = 0
    stories: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Both together."""
        for name in self.__dataclass_fields__:
            mine, its = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                for key, number in its.items():
                    mine[key] = mine.get(key, 0) + number
            elif name in ("dearest_car_micro_usd", "most_wakes"):
                setattr(self, name, max(mine, its))
            else:
                setattr(self, name, mine + its)
