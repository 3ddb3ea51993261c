"""Merges meter readings: what a charger tells of one moment in several messages is one look at its meter.

Nothing is made up: a value is one that was told, and of two that contradict each other neither is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from chalicelib.domain.chargers.events import Reading

# A register and a state of charge are what they were until told otherwise; power and current change by the second.
_STILL_TRUE = timedelta(minutes=5)
_LASTING = ("energy_wh", "soc_percent")
# A charger that tells one measurand a message has told them all by then.
_LOOK_BACK = 20
_FLEETING = ("power_w", "current_ma", "phase_currents_ma")


def merged(one: Reading, other: Reading) -> Reading | None:
    """Both as one, where they are of the same time and tell nothing different; else None."""
    if one.at != other.at:
        return None
    found = {}
    for name in (*_LASTING, *_FLEETING):
        told, also_told = getattr(one, name), getattr(other, name)
        if told is not None and also_told is not None and told != also_told:
            return None
        found[name] = also_told if told is None else told
    return Reading(at=one.at, **found, is_export=one.is_export or other.is_export)


def latest(newest_first: Iterable[Reading]) -> Reading | None:
    """What is known of a meter at its newest reading: what that does not tell, those before it do."""
    found: Reading | None = None
    for reading in islice(newest_first, _LOOK_BACK):
        if found is None:
            found = reading
            continue
        names = _LASTING if found.at - reading.at > _STILL_TRUE else (*_LASTING, *_FLEETING)
        fresh = {name: getattr(reading, name) for name in names if getattr(found, name) is None}
        if found.energy_wh is None and reading.energy_wh is not None:
            fresh["is_export"] = reading.is_export
        found = replace(found, **fresh) if fresh else found
        if found.energy_wh is not None and found.power_w is not None and found.soc_percent is not None:
            break
    return found


def with_beginning(readings: Sequence[Reading], begun: Reading | None, start_wh: int | None) -> tuple[Reading, ...]:
    """A message's readings, and what it says of the beginning where that says more than `start_wh`, known already.

    Beside the present register of the same time it says nothing of the present; what only repeats the beginning
    does not either. Any other is a register like those of firmware that calls every sample Transaction.Begin.
    """
    if begun is None or begun.energy_wh == start_wh or is_beside(begun, readings):
        return tuple(readings)
    rest = [it for it in readings if it.at != begun.at]
    same = next((it for it in readings if it.at == begun.at), begun)
    return (merged(begun, same) or begun, *rest)


def is_beside(begun: Reading, readings: Sequence[Reading]) -> bool:
    """Whether a message tells the present register at the very time that it repeats that of the beginning."""
    return any(it.at == begun.at and it.energy_wh is not None for it in readings)
