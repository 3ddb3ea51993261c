"""Tells operators of their alarms, by every way there is; again and later where one fails, until it is given up.

Each operator's are told in an invocation for it alone, so that nobody waits for another's slow server.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.notifications import MOST_ATTEMPTS, attempt_after
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.operators import AlarmMessenger, AlarmPreferences, Alarms
from chalicelib.records.notifications import Outcome, Undelivered
from chalicelib.records.operators import AlarmNews, AlarmSettings, AlarmTelling, ListedAlarm
from chalicelib.records.parts import WHOLE, Part

_AT_ONCE = 25
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AlarmTellings:
    """Hands on what is due, and sends what it was handed: run by the schedule `alarm_desk`."""

    alarms: Alarms
    preferences: AlarmPreferences
    messengers: Callable[[], Sequence[AlarmMessenger]]
    invocations: Invocations
    clock: Clock

    def hand_on(self, part: Part = WHOLE) -> int:
        """Begin all that is due; returns how much that was."""
        by_operator: dict[str, list[AlarmTelling]] = defaultdict(list)
        for telling in part.in_time(self.alarms.tellings(self.clock(), part.shard), self.clock):
            claimed = self.alarms.claim(telling, self.clock() + attempt_after(telling.attempts + 1))
            if claimed is not None:
                by_operator[claimed.place.operator_id].append(claimed)
        for operator_id, claimed_ones in by_operator.items():
            for first in range(0, len(claimed_ones), _AT_ONCE):
                told = [_told(it) for it in claimed_ones[first : first + _AT_ONCE]]
                self.invocations.begin("alarm_desk", {"part": "operator", "operator": operator_id, "tellings": told})
        return sum(map(len, by_operator.values()))

    def send(self, operator_id: str, tellings: Iterable[Mapping[str, Any]], part: Part) -> Mapping[Outcome, int]:
        """Send one operator what was handed on; returns what was settled, and how."""
        settings = self.preferences.of(operator_id)
        settled: dict[Outcome, int] = defaultdict(int)
        for told in part.in_time(tellings, self.clock):
            listed = self.alarms.get(operator_id, told["alarm_id"])
            if listed is None:
                continue
            telling = AlarmTelling(
                place=listed.alarm.place,
                alarm_id=told["alarm_id"],
                news=AlarmNews(told["news"]),
                attempts=told["attempts"],
                sent_by=tuple(told["sent_by"]),
            )
            is_muted = listed.alarm.place.kind in settings.muted
            outcome = Outcome.KEPT if is_muted else self._sent(listed, telling, settings)
            if outcome is not None:
                self.alarms.told(telling)
                settled[outcome] += 1
        return settled

    def _sent(self, listed: ListedAlarm, telling: AlarmTelling, settings: AlarmSettings) -> Outcome | None:
        sent_by, unsent = list(telling.sent_by), list[str]()
        for messenger in self.messengers():
            if messenger.name in sent_by:
                continue
            try:
                messenger.send(listed, telling, settings)
                sent_by.append(messenger.name)
            except Undelivered as error:
                unsent.append(messenger.name)
                said = {"alarm_id": telling.alarm_id, "messenger": messenger.name, "why": str(error)}
                _log.info("an alarm was not taken", extra=said)
        if not unsent:
            return Outcome.SENT
        if telling.attempts >= MOST_ATTEMPTS:
            _log.warning("an alarm is given up: nobody took it", extra={"alarm_id": telling.alarm_id, "by": unsent})
            return Outcome.GIVEN_UP
        if len(sent_by) > len(telling.sent_by):
            self.alarms.note_sent(telling, sent_by)
        return None


def _told(telling: AlarmTelling) -> dict[str, object]:
    return {
        "alarm_id": telling.alarm_id,
        "news": telling.news.value,
        "attempts": telling.attempts,
        "sent_by": list(telling.sent_by),
    }
