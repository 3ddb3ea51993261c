"""A station's own meter, as its charger tells of it: connector 0 in OCPP 1.6, EVSE 0 in 2.x, outside any transaction.

It is kept for the charger, and is no news of any session: what it counts, several cars and a building may have taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.chargers.events import Reading
from chalicelib.records.chargers import MainMeter


def as_told(readings: Sequence[Reading], heard_at: datetime) -> tuple[MainMeter, datetime] | None:
    """The newest of each value, and the time of the newest of all; None where nothing was told.

    A clock that goes ahead must not shut out what is told once it is right: no time is after we heard of it.
    """
    found: dict[str, Any] = {}
    newest: datetime | None = None
    for reading in sorted(readings, key=lambda it: it.at):
        newest = at = min(reading.at, heard_at)
        if reading.energy_wh is not None:
            found |= {"energy_wh": reading.energy_wh, "energy_at": at}
        if reading.power_w is not None:
            found |= {"power_w": reading.power_w, "power_at": at}
        if reading.current_ma is not None or reading.phase_currents_ma is not None:
            currents = {"current_ma": reading.current_ma, "phase_currents_ma": reading.phase_currents_ma}
            found |= {**currents, "current_at": at}
    return (MainMeter(**found), newest) if newest is not None else None
