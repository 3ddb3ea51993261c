"""Alarms: opened and closed by looks at their causes, in whatever order and however often these come.

What is stored at each step says what the next one has to do, so that a crash between any two leaves a look that is
due, which goes on: a subject first, then what stands at its place, then the list and what is told of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.operators import ALARM_RULES, AlarmKind, Subject, looked_at
from chalicelib.ports import Clock
from chalicelib.ports.operators import Alarms
from chalicelib.records import Conflict
from chalicelib.records.operators import (
    Alarm,
    AlarmComment,
    AlarmNews,
    AlarmPlace,
    AlarmTelling,
    ListedAlarm,
)
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import NotFound, Refusal
from chalicelib.services.operators.causes import Asked, Causes
from chalicelib.services.operators.live_alarms import AlarmNewsDesk

# By then whoever is lost with the same site has been found too, and is told of in the same breath.
_GATHERED = timedelta(seconds=20)
# Whatever stands is looked at so often at the least, should nobody have noticed that its last subject is well again.
_LOOK_EVERY = timedelta(hours=1)
_WRITTEN_BY = timedelta(seconds=30)
_MAY_BE_HALF_DONE = timedelta(minutes=5)
_AGAIN = 5
_MOST_COMMENTS = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AlarmDesk:
    """Looks, opens, closes and lists alarms; takes acknowledgements and comments.

    A look at what is well costs what its cause costs and one read more.
    """

    alarms: Alarms
    causes: Causes
    news: AlarmNewsDesk
    clock: Clock

    def check(self, kind: AlarmKind, subject: str, noticed_at: datetime | None = None) -> None:
        """Look at what may be a cause, because somebody noticed something then."""
        look = self.causes.look(kind, subject, Asked(noticed_at=noticed_at))
        if look is None:
            return
        known = self.alarms.subject(look.place, subject)
        if known is not None and not look.found.is_there:
            # What is known of it may change what is found.
            look = self.causes.look(kind, subject, Asked(is_known=True)) or look
        self._judge(look.place, subject, known, looked_at(known, look.found, ALARM_RULES[kind], self.clock()))

    def tend(self, part: Part = WHOLE) -> int:
        """Look at all that is due; returns how much that was."""
        number = 0
        for place, subject in part.in_time(self.alarms.due(self.clock(), part.shard), self.clock):
            number += 1
            try:
                if subject is None:
                    self._look_at_standing(place)
                else:
                    self._look_again(place, subject)
            except Exception:
                # It is due again in a minute, and must not keep the others.
                _log.exception("not looked at", extra={"kind": place.kind, "subject": subject})
        return number

    def acknowledge(self, operator_id: str, alarm_id: str, by: str) -> ListedAlarm:
        """Somebody sees to it; who was first stays. Raises NotFound."""

        def acknowledged(alarm: Alarm) -> Alarm:
            if alarm.acknowledged_at is not None:
                return alarm
            return replace(alarm, acknowledged_at=self.clock(), acknowledged_by=by)

        return self._changed(operator_id, alarm_id, acknowledged)

    def comment(self, operator_id: str, alarm_id: str, by: str, text: str) -> ListedAlarm:
        """Say something to it, be it open or closed. Raises NotFound, Refusal (`too_many_comments`)."""

        def commented(alarm: Alarm) -> Alarm:
            if len(alarm.comments) >= _MOST_COMMENTS:
                raise Refusal("too_many_comments", f"an alarm takes {_MOST_COMMENTS} comments at the most")
            return replace(alarm, comments=(*alarm.comments, AlarmComment(at=self.clock(), by=by, text=text)))

        return self._changed(operator_id, alarm_id, commented)

    def one(self, operator_id: str, alarm_id: str) -> ListedAlarm:
        """One of an operator's alarms. Raises NotFound."""
        found = self.alarms.get(operator_id, alarm_id)
        if found is None:
            raise NotFound(f"alarm {alarm_id}")
        return found

    def _look_again(self, place: AlarmPlace, subject: str) -> None:
        known = self.alarms.subject(place, subject)
        if known is None or known.look_at > self.clock():
            return
        look = self.causes.look(place.kind, subject, Asked(is_known=True))
        after = None
        if look is not None and look.place == place:
            after = looked_at(known, look.found, ALARM_RULES[place.kind], self.clock())
        elif look is not None:
            # It has moved to another site: there it is looked at anew, and here nothing is wrong with it any more.
            self.check(place.kind, subject)
        self._judge(place, subject, known, after)

    def _judge(self, place: AlarmPlace, subject: str, known: Subject | None, after: Subject | None) -> None:
        had_cause, has_cause = (it is not None and it.has_cause for it in (known, after))
        if had_cause and not has_cause:
            # First, and for when this is written too: whoever dies in between leaves nothing open.
            self.alarms.look_at(place, self.clock() + _WRITTEN_BY)
        if after != known and not self.alarms.put(place, subject, known, after):
            # Somebody else looks at the same moment, and saw as much.
            return
        if after is not None and has_cause:
            self._raise(place, subject, after, is_new=not had_cause)

    def _raise(self, place: AlarmPlace, subject: str, cause: Subject, *, is_new: bool) -> None:
        alarm = self.alarms.standing(place)
        for _ in range(_AGAIN):
            if alarm is not None:
                break
            alarm = self._opened(place, cause.detail)
            is_new = True
        if alarm is None:
            return
        if is_new and self.alarms.join(alarm, subject, is_new=True):
            self.news.changed(place.operator_id)
            return
        if is_new or self.clock() - (cause.since or self.clock()) < _MAY_BE_HALF_DONE:
            # Whoever let it stand, or found this subject, may have died before it was listed.
            self.alarms.add(alarm)
            if self.alarms.join(alarm, subject, is_new=is_new):
                self.news.changed(place.operator_id)

    def _opened(self, place: AlarmPlace, detail: str) -> Alarm | None:
        """The alarm that stands there from now on; None where another stood, and fell at this moment."""
        now = self.clock()
        alarm = Alarm(alarm_id=place.alarm_id(now), place=place, opened_at=now, detail=detail)
        if not self.alarms.stand(alarm, now + _GATHERED):
            return self.alarms.standing(place)
        self.alarms.add(alarm)
        return alarm

    def _look_at_standing(self, place: AlarmPlace) -> None:
        alarm = self.alarms.standing(place)
        if alarm is None:
            return
        self.alarms.add(alarm)
        if self.clock() >= alarm.opened_at + _GATHERED:
            self._tell(alarm, AlarmNews.OPENED)
        if self.alarms.has_subjects(place):
            self.alarms.look_at(place, self.clock() + _LOOK_EVERY)
            return
        self._close(alarm)
        if self.alarms.has_subjects(place):
            # One joined while it closed, and may have seen it stand: it is its alarm from now on.
            self._reopen(alarm)

    def _close(self, alarm: Alarm) -> None:
        now = self.clock()
        closed = self._changed(alarm.place.operator_id, alarm.alarm_id, lambda it: replace(it, closed_at=now))
        self._tell(alarm, AlarmNews.OPENED)
        self._tell(closed.alarm, AlarmNews.CLOSED)
        self.alarms.fall(alarm)

    def _reopen(self, alarm: Alarm) -> None:
        if self.alarms.stand(alarm, self.clock() + _LOOK_EVERY):
            self._changed(alarm.place.operator_id, alarm.alarm_id, lambda it: replace(it, closed_at=None))

    def _tell(self, alarm: Alarm, news: AlarmNews) -> None:
        self.alarms.tell(AlarmTelling(place=alarm.place, alarm_id=alarm.alarm_id, news=news), self.clock())

    def _changed(self, operator_id: str, alarm_id: str, change: Callable[[Alarm], Alarm]) -> ListedAlarm:
        for _ in range(_AGAIN):
            listed = self.one(operator_id, alarm_id)
            after = change(listed.alarm)
            if after == listed.alarm:
                return listed
            if self.alarms.save(listed.alarm, after):
                self.news.changed(operator_id)
                return replace(listed, alarm=after)
        raise Conflict(f"alarm {alarm_id} is being changed by others")
