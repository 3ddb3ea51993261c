"""Evidence of a session's energy, so far or in the end; live view, limits, holds, notifications and bill all ask here.

A session's first and newest reading decide; all of them are read only where those contradict its registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.availability import statuses_of
from chalicelib.domain.charging.occupation import uses_told
from chalicelib.domain.charging.session import Session
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.energy import EnergyFacts, Measured, measure
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.periods import Reported, Uses
from chalicelib.domain.pricing.registers import Point, Supply
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, History
from chalicelib.ports.charging import Readings
from chalicelib.records.chargers import ConnectorState, strongest
from chalicelib.records.charging import StoredReading
from chalicelib.services.at_once import together

# A reading a second for a day and a half.
MOST_READINGS = 100_000
# A charger's very first meter values may know no energy yet.
_FIRST_READINGS = 20
_CLOCKS_DIFFER = timedelta(minutes=10)
# Ends are often told in whole seconds, readings in fractions.
_SAME_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Evidence:
    """Weighs a session's readings against its registers, and both against its plug."""

    readings: Readings
    chargers: Chargers
    history: History
    clock: Clock

    def so_far(self, session: Session, newest: Sequence[StoredReading], *, are_all: bool = False) -> Measured:
        """A charge under way, by its newest reading, or by all of them (`are_all`), oldest first, that are in hand.

        One read; a second where its first register is unknown, 0 or above the reading; all readings where what is
        known then contradicts itself.
        """
        few = list(newest)
        if session.ref is None or are_all:
            return self._weighed(session, few, self.supply(session))
        if _hides_end(session, few):
            supply, known = together(lambda: self.supply(session), lambda: self.all_of(session))
            return self._weighed(session, known, supply)
        register_wh = few[-1].reading.energy_wh if few else None
        if register_wh is not None and not 0 < (session.meter_start_wh or 0) <= register_wh:
            supply, first = together(lambda: self.supply(session), lambda: self._first(session))
            few = [*first, *few]
        else:
            supply = self.supply(session)
        found = self._weighed(session, few, supply)
        if found.agrees or not few:
            return found
        return self._weighed(session, self.all_of(session), supply)

    def steps(
        self, session: Session, before: Sequence[StoredReading], after: Sequence[StoredReading]
    ) -> Sequence[Measured]:
        """What was proven at each reading of `after`; `before` are all until then, where its price needs its course.

        Two reads; all readings where they contradict themselves.
        """
        if session.ref is None or not after:
            return ()
        supply = self.supply(session)
        if not session.tariff.depends_on_course:
            first = self.readings.after(session.charger_id, session.ref, "", _FIRST_READINGS)
            found = [self._weighed(session, [*_until(first, it), it], supply) for it in after]
            if all(it.agrees for it in found):
                return found
            before = _until(self.all_of(session), after[0])
        whole = self._weighed(session, [*before, *after], supply)
        return [as_of(whole, it.reading.at) for it in after]

    def whole(self, session: Session) -> Measured:
        """A charge that is over. Three reads; all readings where its price needs its course, or few contradict it."""
        ref = session.ref
        if ref is None or session.tariff.depends_on_course:
            supply = self.supply(session)
        else:
            supply, first, newest = together(
                lambda: self.supply(session),
                lambda: self._first(session),
                lambda: self.readings.newest(session.charger_id, ref),
            )
            found = self._weighed(session, [*first, *newest], supply)
            if found.agrees and not _hides_end(session, newest):
                return found
        return self._weighed(session, self.all_of(session), supply)

    def most_wh(self, session: Session) -> int:
        """What its plug can have given it. One read."""
        return told(session, (), self.clock(), self.supply(session)).most_wh

    def _first(self, session: Session) -> Sequence[StoredReading]:
        return self.readings.after(session.charger_id, session.ref or "", "", _FIRST_READINGS)

    def all_of(self, session: Session) -> Sequence[StoredReading]:
        """All readings of a session, oldest first."""
        if session.ref is None:
            return ()
        return self.readings.after(session.charger_id, session.ref, "", MOST_READINGS)

    def _weighed(self, session: Session, readings: Sequence[StoredReading], supply: Supply) -> Measured:
        """Where the price depends on the course, with what else was told of it: one query where time costs."""
        found = measure(told(session, readings, self.clock(), supply))
        return replace(found, reported=self.reported(session, readings)) if session.tariff.depends_on_course else found

    def reported(self, session: Session, readings: Sequence[StoredReading]) -> Reported:
        """What was told of a charge beside its registers. One query where time costs."""
        looks = [(it.reading.at, it.reading) for it in readings]
        return Reported(
            powers=tuple((at, it.power_w) for at, it in looks if it.power_w is not None),
            currents=tuple((at, it.current_ma) for at, it in looks if it.current_ma is not None),
            uses=self.uses(session) if session.tariff.charges_for_time else (),
        )

    def uses(self, session: Session) -> Uses:
        """What its connector did, and since when, by the charger's own word where it said so. One query."""
        if session.started_at is None:
            return ()
        now = self.clock()
        happened = self.history.within(session.charger_id, session.started_at - _CLOCKS_DIFFER, now)
        return uses_told(happened, session.connector, now)

    def told_at(self, session: Session, state: ConnectorState) -> datetime | None:
        """The charger's own word for since when a connector is as it is; None where it gave none.

        What the connector's row knows may be of a status before this one. A query where it knows any.
        """
        if state.told_at is None or state.status_at is None:
            return None
        happened = self.history.within(session.charger_id, state.status_at, state.status_at)
        found = statuses_of(happened, state.connector)
        return next((it.told_at for it in found if it.status is state.status), None)

    def supply(self, session: Session) -> Supply:
        """What its plug gives. One read."""
        charger = self.chargers.get(session.charger_id) if session.ref is not None else None
        return strongest(charger, session.connector)


def _is_past_end(session: Session, at: datetime) -> bool:
    """Whether something is of a time after a charge's end, both by a clock that is right: no news of the charge.

    Where no end was told: after its car was seen to leave.
    """
    ended_at = session.stopped_at or (session.unplugged_at if session.left_at is not None else None)
    if ended_at is None or Flag.CLOCK_WRONG in session.flags:
        return False
    return at > ended_at + _SAME_SECOND


def _hides_end(session: Session, newest: Sequence[StoredReading]) -> bool:
    """Whether the last register is that of a reading, and the newest is of a time after the end."""
    is_unknown = session.meter_stop_wh is None or session.meter_stop_wh < 0
    return is_unknown and any(_is_past_end(session, it.reading.at) for it in newest)


def _until(readings: Sequence[StoredReading], until: StoredReading) -> list[StoredReading]:
    return [it for it in readings if it.position < until.position]


def as_of(found: Measured, at: datetime) -> Measured:
    """As far as a course had come by then."""
    points = tuple(it for it in found.points if it.at <= at) or found.points[:1]
    energy_wh = points[-1].energy_wh - points[0].energy_wh if points and found.energy_wh is not None else None
    return replace(found, energy_wh=energy_wh, points=points)


def told(session: Session, readings: Sequence[StoredReading], now: datetime, supply: Supply) -> EnergyFacts:
    """All that was told of a session's energy until `now`, or until it ended."""
    began_at = session.started_at or session.created_at
    # Of the same second the lower comes first: a meter only rises, and frames of one time are in no order.
    known = sorted(
        {
            (it.reading.at, it.reading.energy_wh)
            for it in readings
            if it.reading.energy_wh is not None and not _is_past_end(session, it.reading.at)
        }
    )
    ended_at = session.stopped_at or max(began_at, now)
    points = _in_our_time([Point(at, energy_wh) for at, energy_wh in known], session, began_at, ended_at)
    if session.stopped_at is None and points:
        ended_at = max(ended_at, points[-1].at)
    return EnergyFacts(
        began_at=began_at,
        ended_at=ended_at,
        supply=supply,
        start_wh=session.meter_start_wh,
        stop_wh=session.meter_stop_wh,
        readings=points,
    )


def _in_our_time(points: list[Point], session: Session, began_at: datetime, ended_at: datetime) -> list[Point]:
    """A clock that is wrong still measures how long: what lies between its readings stays, what is left is halved."""
    if Flag.CLOCK_WRONG not in session.flags or not points:
        return points
    first_at, last_at = points[0].at, points[-1].at
    if began_at - _CLOCKS_DIFFER <= first_at and last_at <= ended_at + _CLOCKS_DIFFER:
        return points
    spare = max(timedelta(0), (ended_at - began_at) - (last_at - first_at)) / 2
    return [replace(it, at=it.at + (ended_at - spare - last_at)) for it in points]
