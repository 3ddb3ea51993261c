"""Courses of charges, whose price depends on them: looked at from what is summed up, not from the beginning.

What is decided of a course is summed up beside its transaction, once in thirty readings, as they come in. A
look goes on from there, and finds to the cent what walking through all readings finds: where anything is odd it does
walk through all of them. A reading that comes late takes the sum away. So that none can slip by: until when will be
summed up is announced some time before, and whoever brings a reading knows it. The sum outlives the charge's end, for
whoever looks at it then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.events import Reading
from chalicelib.domain.charging.session import Session, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.course import Course, believed, holds, over, summed
from chalicelib.domain.pricing.course_sum import CourseSum
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.periods import Reported
from chalicelib.domain.pricing.standstills import shortest_pause
from chalicelib.ports import Clock
from chalicelib.ports.charging import Readings, Sessions, Transactions
from chalicelib.records.charging import StoredReading, Sums, Transaction
from chalicelib.services.pricing.evidence import Evidence, told

# Younger charges have no sum.
_SUMMED_AFTER = timedelta(minutes=15)
# So many readings are summed up together, and no sooner than after that time.
_TOGETHER = 30
_AT_MOST_EVERY = timedelta(minutes=1)
# A reading is kept so soon after its transaction was read, or that is looked at again; and by our clocks, which differ
# a little, a sum is made no sooner after it was announced than so.
_KEPT_WITHIN = timedelta(seconds=5)
_ANNOUNCED_FOR = timedelta(seconds=10)
# The live view sums up after so many steps.
_ALONG = 10
# What comes in several messages for one moment, or a little out of order, is not late.
_BESIDE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tail:
    """What was told of a charge since its sum was made, or since its beginning, with all that was told beside it."""

    course: Course
    readings: Sequence[StoredReading]
    reported: Reported


@dataclass(frozen=True, kw_only=True)
class Courses:
    """Keeps the sums of courses, and looks at courses by them."""

    evidence: Evidence
    readings: Readings
    sessions: Sessions
    transactions: Transactions
    clock: Clock

    def append(
        self, known: Transaction, readings: Sequence[Reading], seq_no: int | None = None, *, known_at: datetime
    ) -> None:
        """Keep readings of a transaction that was read at `known_at` or later. One write; three calls where late."""
        if self._is_late(known, readings):
            self.transactions.drop_sum(known.charger_id, known.ref)
        self.readings.append(known.charger_id, known.ref, readings, seq_no)
        if known.sums is not None and self.clock() - known_at > _KEPT_WITHIN:
            # Until when will be summed up may have been announced meanwhile.
            self.transactions.drop_sum(known.charger_id, known.ref)

    def keep_up(self, known: Transaction, readings: Sequence[Reading], session: Session | None = None) -> None:
        """Sum up what is decided, where it is time; `session` saves a read to a caller that has it.

        No call most times; else six, and all readings where anything is odd or was late.
        """
        sums, now = known.sums, self.clock()
        if sums is None or not readings or known.session_id is None or known.started_at is None:
            return
        newest_at = max(it.at for it in readings)
        is_fresh = sums.announced_at is not None and now - sums.announced_at < _ANNOUNCED_FOR
        if newest_at < (sums.again_at or known.started_at + _SUMMED_AFTER) or is_fresh:
            return
        session = session or self.sessions.get(known.session_id)
        if session is None or session.state is not State.ACTIVE or session.ref != known.ref:
            return
        self.transactions.sum_up(known, self._next(session, sums, newest_at))

    def look(
        self, session: Session, known: Transaction | None = None, until: datetime | None = None
    ) -> tuple[Measured, StoredReading | None]:
        """A charge under way as at `until` (None: its newest reading, or later), and its newest reading; or one over.

        Three reads, a fourth where `known`, its transaction, is not in hand; all readings where there is no sum.
        """
        if session.stopped_at is not None:
            ended = self._over(session)
            if ended is not None:
                return ended
        base = self._base(session, known)
        tail = self._tail(session, base) if base is not None else None
        found = tail.course.measured(tail.reported, until) if tail is not None else None
        if tail is not None and found is not None:
            return found, tail.readings[-1]
        readings = self.evidence.all_of(session)
        return self.evidence.so_far(session, readings, are_all=True), readings[-1] if readings else None

    def whole(self, session: Session) -> Measured:
        """A charge that is over. Four reads; all readings where its price needs its course and there is no sum."""
        ended = self._over(session) if session.tariff.depends_on_course else None
        return ended[0] if ended is not None else self.evidence.whole(session)

    def _over(self, session: Session) -> tuple[Measured, StoredReading] | None:
        """A charge that is over, by its sum, and its newest reading; None where there is none, or it does not hold."""
        began_at, stopped_at = session.started_at, session.stopped_at
        if session.ref is None or began_at is None or stopped_at is None or Flag.CLOCK_WRONG in session.flags:
            return None
        if stopped_at - began_at < _SUMMED_AFTER or self.clock() < stopped_at:
            return None
        known = self.transactions.get(session.charger_id, session.ref)
        base = known.sums.course if known is not None and known.sums is not None else None
        if base is None:
            return None
        readings = self.readings.since(session.charger_id, session.ref, base.context_from)
        facts = told(session, readings, self.clock(), self.evidence.supply(session))
        reported = self.evidence.reported(session, readings)
        found = over(facts, base, reported) if readings and holds(base, facts, reported.uses) else None
        is_billed = found is not None and session.measured_wh in (None, found.energy_wh)
        return (found, readings[-1]) if found is not None and is_billed else None

    def steps(self, session: Session, position: str, after: Sequence[StoredReading]) -> Sequence[Measured]:
        """What was proven at each reading of `after`, which follow `position`. As `look`."""
        if session.ref is None or not after:
            return ()
        base = self._base(session, None) if position else None
        tail = self._tail(session, base, until=after[-1].position) if base is not None else None
        found = _along(session, tail, after) if tail is not None else [None]
        before: list[StoredReading] = []
        if None in found:
            # Those of long ago, or what is odd: what can be is summed up here, and not kept.
            before = [it for it in self.evidence.all_of(session) if it.position <= position] if position else []
            tail = self._from_beginning(session, [*before, *after])
            found = _along(session, tail, after) if tail is not None else [None]
        if None in found:
            return self.evidence.steps(session, before, after)
        return [it for it in found if it is not None]

    def _is_late(self, known: Transaction, readings: Sequence[Reading]) -> bool:
        until = known.sums.until if known.sums is not None else None
        if until is None or all(it.at > until for it in readings):
            return False
        return not self.readings.are_kept(known.charger_id, known.ref, readings)

    def _base(self, session: Session, known: Transaction | None) -> CourseSum | None:
        """What is summed up of a charge. A read where that may be something, and its transaction is not in hand."""
        if session.ref is None or session.started_at is None or not _can_be_summed(session):
            return None
        if known is None and self.clock() - session.started_at > _SUMMED_AFTER:
            known = self.transactions.get(session.charger_id, session.ref)
        if known is None or known.ref != session.ref or known.stopped_heard_at is not None or known.sums is None:
            return None
        return known.sums.course

    def _tail(self, session: Session, base: CourseSum, until: str = "") -> _Tail | None:
        """What was told since a sum was made, up to a position; None where that does not hold any more. Three reads."""
        if session.ref is None:
            return None
        readings = self.readings.since(session.charger_id, session.ref, base.context_from)
        if until:
            readings = [it for it in readings if it.position <= until]
        facts = told(session, readings, self.clock(), self.evidence.supply(session))
        reported = self.evidence.reported(session, readings)
        course = believed(facts, base) if readings and holds(base, facts, reported.uses) else None
        return _Tail(course=course, readings=readings, reported=replace(reported, goes_on=True)) if course else None

    def _from_beginning(self, session: Session, readings: Sequence[StoredReading]) -> _Tail | None:
        """All of a charge; None where anything is odd. Two reads."""
        if not _can_be_summed(session):
            return None
        course = believed(told(session, readings, self.clock(), self.evidence.supply(session)))
        if course is None:
            return None
        reported = replace(self.evidence.reported(session, readings), goes_on=True)
        return _Tail(course=course, readings=readings, reported=reported)

    def _next(self, session: Session, sums: Sums, newest_at: datetime) -> Sums | None:
        """The sums with what is decided by now, and until when will be summed up the next time."""
        if session.tariff.is_free or not session.tariff.depends_on_course:
            return None
        tail = self._tail(session, sums.course) if sums.course is not None else None
        if tail is None or tail.course.measured(tail.reported) is None:
            tail = self._from_beginning(session, self.evidence.all_of(session))
        every = _SUMMED_AFTER
        if tail is None:
            # Something is odd, and will be: not all readings are looked at again and again for that.
            began_at = session.started_at or session.created_at
            return Sums(again_at=newest_at + max(every, newest_at - began_at), announced_at=self.clock())
        made = self._made(session, tail, sums)
        first_at, last_at = (tail.readings[place].reading.at for place in (0, -1))
        every = max(_AT_MOST_EVERY, (last_at - first_at) / len(tail.readings) * _TOGETHER)
        pause = shortest_pause(is_coarse=made is not None and made.is_coarse)
        until = min(newest_at - _BESIDE, newest_at + every - pause)
        return Sums(
            until=max(until, sums.until or until, made.until if made else until),
            announced_at=self.clock(),
            again_at=newest_at + every,
            course=made,
        )

    def _made(self, session: Session, tail: _Tail, sums: Sums) -> CourseSum | None:
        """The sum as far as it is decided and announced. One read."""
        base = tail.course.base
        if sums.until is None or session.ref is None:
            return base
        made = summed(tail.course, tail.reported, session.tariff, session.time_zone, sums.until)
        if made is None:
            return base
        # A message may hold readings from before and after what a look begins with.
        again = self.readings.since(session.charger_id, session.ref, made.context_from)
        needed = [it for it in tail.readings if it.reading.at >= made.context_from]
        return made if list(again[: len(needed)]) == needed else base


def no_sums(session: Session | None) -> Sums | None:
    """What a charge begins with whose course is to be summed up; None where that is of no use."""
    is_of_use = session is not None and session.tariff.depends_on_course and not session.tariff.is_free
    return Sums() if is_of_use else None


def _can_be_summed(session: Session) -> bool:
    """Whether the course of a charge may be summed up: it goes on, and is told by a clock that is right."""
    return session.stopped_at is None and session.measured_wh is None and Flag.CLOCK_WRONG not in session.flags


def _along(session: Session, tail: _Tail, after: Sequence[StoredReading]) -> list[Measured | None]:
    """What was proven at each reading, None where nobody knows: what is decided meanwhile is summed up on the way."""
    course, found = tail.course, list[Measured | None]()
    for place, it in enumerate(after):
        at = it.reading.at
        if place % _ALONG == 0:
            made = summed(course.until(at), tail.reported, session.tariff, session.time_zone, at)
            course = course.after(made) if made is not None else course
        found.append(course.until(at + timedelta.resolution).measured(tail.reported, at))
        if found[-1] is None:
            break
    return found
