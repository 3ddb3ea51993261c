"""By how many phases a car charges where its charger can switch: one where three would not get their least current.

Switching takes a contactor's life and stops the charge for a while: twice in a session, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.grid.tree import Port

MOST_SWITCHES = 2
_ALL = 3


@dataclass(frozen=True, slots=True)
class PhaseUse:
    """By how many phases a session charges, and how often that was changed."""

    phases: int = _ALL
    switches: int = 0

    def changed_to(self, phases: int) -> PhaseUse:
        """After a change; the same where it is none."""
        return self if phases == self.phases else PhaseUse(phases, self.switches + 1)


def phases_to_use(port: Port, ability: ChargingAbility, use: PhaseUse, three_ma: int, one_ma: int) -> PhaseUse:
    """By how many phases to go on, if `three_ma` fit by each of three, or `one_ma` by one.

    One, where three would fall below the port's least current and one would not; three again, once they fit.
    """
    if not ability.switches_phases or port.is_line_to_line or len(port.phases) < _ALL:
        return use
    if use.switches >= MOST_SWITCHES:
        return use
    if three_ma >= port.least_ma:
        return use.changed_to(_ALL)
    return use.changed_to(1) if one_ma >= port.least_ma else use


def roomiest(room_ma: Sequence[int]) -> int:
    """Which of a connector's own phases (1, 2 or 3) has most room; the first of those that have as much."""
    return max(range(len(room_ma)), key=lambda it: (room_ma[it], -it)) + 1
