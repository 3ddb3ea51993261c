"""What a session's energy was is decided once, from all its charger told, before anybody pays for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import EnergyMeasured
from chalicelib.domain.pricing.evidence import Flag, is_consistent, measure
from chalicelib.ports.charging import Readings
from chalicelib.records.charging import StoredReading
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.pricing.rating import MOST_READINGS, registers


@dataclass(frozen=True)
class Metering:
    """Two reads for a session whose readings agree with its registers; all of its readings for any other."""

    readings: Readings
    changes: SessionChanges

    def measured(self, session: Session) -> Session:
        """The session with all that a bill needs, its readings standing in for what the charger never said."""
        found = self.weigh(session)
        return session if found is None else self.changes.apply(session.session_id, found)

    def weigh(self, session: Session) -> EnergyMeasured | None:
        """What its evidence comes to; None where its charger has told of no transaction."""
        if session.ref is None:
            return None
        first = self.readings.after(session.charger_id, session.ref, "", limit=1)
        newest = self.readings.newest(session.charger_id, session.ref)
        points = registers(session, [*first, *newest])
        flags = set[Flag]()
        if not is_consistent(points):
            points = registers(session, self.readings.after(session.charger_id, session.ref, "", MOST_READINGS))
        found = measure(points)
        if session.stopped_at is None:
            flags.add(Flag.END_UNKNOWN)
        if session.meter_start_wh is None or session.meter_stop_wh is None:
            flags.add(Flag.METER_MISSING)
        return EnergyMeasured(
            at=_last_seen(session, first, newest),
            energy_wh=found.energy_wh,
            meter_start_wh=points[0].energy_wh if points else None,
            meter_stop_wh=points[-1].energy_wh if points else None,
            flags=found.flags | flags,
        )


def _last_seen(session: Session, first: Sequence[StoredReading], newest: Sequence[StoredReading]) -> datetime:
    """When a charge whose end nobody told was last seen; not after its end was wished for, by our clock."""
    began_at = session.started_at or session.created_at
    if not first or not newest:
        return began_at
    at = newest[0].reading.at
    if Flag.CLOCK_WRONG in session.flags:
        # A clock that is wrong still measures how long.
        at = began_at + (at - first[0].reading.at)
    return max(began_at, min(at, session.stop_requested_at or at))
