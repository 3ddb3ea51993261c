"""What a car needs to be ready when its driver leaves, by what the driver said: who is behind, and how much it weighs.

Fair is that all have the same part of what they need, not the same current: a car that stays the night may wait for the
evening, and one that leaves at noon cannot. Where nothing was said all are alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.grid.tree import Claim, Port

# Where nobody said: about two days' driving in Europe, in a working day.
USUAL_WH = 20_000
USUAL_STAY = timedelta(hours=8)
# Nothing is put off past the latest start less so much: drivers err about when they leave.
MARGIN = timedelta(minutes=30)

# The current that weighs 1; what is said may make it so many times more or less, no more: drivers err.
USUAL_MA = 8_000
_MOST_URGENT = 10.0
_SOONEST = timedelta(minutes=15)


def is_met(claim: Claim) -> bool:
    """Whether it has had what was asked, so that it takes only what nobody else can."""
    return claim.asked_wh is not None and claim.served_wh >= claim.asked_wh


def ahead(claim: Claim, at: datetime) -> float:
    """How much more of what was asked it has had than if it came evenly from its arrival to its departure.

    The lowest is served least.
    """
    stay = max(claim.departs_at - claim.begun_at, _SOONEST) if claim.departs_at else USUAL_STAY
    served = claim.served_wh / ((claim.asked_wh or USUAL_WH) * claim.weight)
    return served - min(1.0, (at - claim.begun_at) / stay)


def even_ma(claim: Claim, port: Port, phases: int, at: datetime) -> int | None:
    """The current, never less than its charger's least, by which it has all it asked for half an hour before it leaves.

    None where nobody said how much or until when, and for who has it, or was to have left.
    """
    if claim.asked_wh is None or claim.departs_at is None or claim.departs_at <= at or is_met(claim):
        return None
    needed_ma = _needed_ma(claim.asked_wh - claim.served_wh, port, phases, claim.departs_at - at - MARGIN)
    return max(port.least_ma, int(needed_ma))


def urgency(claim: Claim, port: Port, phases: int, at: datetime) -> float:
    """The current that would have it ready in time, against a usual one; 1 where nothing was said, or is overdue."""
    if claim.asked_wh is None or claim.departs_at is None or claim.departs_at <= at:
        return 1.0
    needed_ma = _needed_ma(max(0, claim.asked_wh - claim.served_wh), port, phases, claim.departs_at - at)
    return min(max(needed_ma / USUAL_MA, 1 / _MOST_URGENT), _MOST_URGENT)


def _needed_ma(energy_wh: int, port: Port, phases: int, within: timedelta) -> float:
    """The even current by which so much is had in that time, be it short."""
    loads = 1 if port.is_line_to_line else phases
    return energy_wh / (max(within, _SOONEST) / timedelta(hours=1)) / (port.voltage_v * loads) * 1000
