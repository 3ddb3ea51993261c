"""A car takes what its battery allows: full power to 80 %, less and less to 100 %, never more than it can hold."""

from __future__ import annotations

from dataclasses import dataclass

_TAPER_FROM = 0.8
_LEAST_POWER_SHARE = 0.05
_S_PER_HOUR = 3600


@dataclass
class Car:
    """`stored_wh` of `capacity_wh`; `max_power_w` is what its charger on board can take, by so many `phases`.

    `tells_percent`: its charger learns from it how full it is, as with DC; on AC none does.
    `emaid` is of the contract that it has, if any.
    """

    capacity_wh: int = 60_000
    stored_wh: float = 24_000
    max_power_w: int = 11_000
    phases: int = 3
    tells_percent: bool = True
    emaid: str = ""

    @property
    def soc_percent(self) -> int:
        """State of charge, whole percent."""
        return int(100 * self.stored_wh / self.capacity_wh)

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return self.stored_wh >= self.capacity_wh

    def power_w(self, offered_w: int) -> int:
        """What it draws now of what it is offered."""
        if self.is_full:
            return 0
        share = self.stored_wh / self.capacity_wh
        taper = 1.0 if share <= _TAPER_FROM else max(_LEAST_POWER_SHARE, (1 - share) / (1 - _TAPER_FROM))
        return int(min(offered_w, self.max_power_w) * taper)

    def charge(self, offered_w: int, seconds: float) -> float:
        """Let time pass; returns the Wh that flowed."""
        return self.take(self.power_w(offered_w) * seconds / _S_PER_HOUR)

    def take(self, energy_wh: float) -> float:
        """Take so much at once, or what there is room for; returns the Wh that flowed."""
        flowed_wh = min(energy_wh, self.capacity_wh - self.stored_wh)
        self.stored_wh += flowed_wh
        return flowed_wh
