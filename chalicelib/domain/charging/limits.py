"""Limits that a driver sets for a charge.

The first reading that reaches one of them ends it; none given is none kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """A driver's limits: energy in Wh, money with tax, time, state of charge. Whichever comes first ends the charge."""

    energy_wh: int | None = None
    amount_minor: int | None = None
    duration_s: int | None = None
    soc_percent: int | None = None

    def is_reached(self, energy_wh: int, total_minor: int, lasted: timedelta, soc_percent: int | None) -> bool:
        """Whether a charge that has come so far should end."""
        return (
            (self.energy_wh is not None and energy_wh >= self.energy_wh)
            or (self.amount_minor is not None and total_minor >= self.amount_minor)
            or (self.duration_s is not None and lasted >= timedelta(seconds=self.duration_s))
            or (self.soc_percent is not None and soc_percent is not None and soc_percent >= self.soc_percent)
        )

    @property
    def nearly(self) -> Limits:
        """Nine tenths of each: whoever has come so far will soon be there."""
        return replace(
            self,
            energy_wh=_most_of(self.energy_wh),
            amount_minor=_most_of(self.amount_minor),
            duration_s=_most_of(self.duration_s),
            soc_percent=_most_of(self.soc_percent),
        )


def _most_of(whole: int | None) -> int | None:
    return None if whole is None else -(-whole * 9 // 10)
