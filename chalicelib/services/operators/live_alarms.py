"""Alarms as they come: an operator's people who watch are told that something has changed, by a function beside.

Until when somebody may watch is a mark of the operator's. It is asked for where an alarm has changed, which is rare,
and never by a look that finds nothing: what nobody watches costs a read at an alarm's opening and closing, and no
invocation. What watchers are shown is what is open now, so that news may be lost, doubled or late.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.domain.access.rights import Principal, Scope, member_principal
from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.access import Memberships, Operators
from chalicelib.ports.operators import Alarms
from chalicelib.records.operators import Alarm, ListedAlarm
from chalicelib.services.access import NotFound
from chalicelib.services.charging.live_news import TELLER

KIND = "alarms"
# Whoever has a hundred open alarms reads them as a list.
MOST_SHOWN = 100
# What was written in the same breath as the last look may have been missed by it.
_OVERLAP = timedelta(minutes=1)
_NONE = datetime(2000, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlarmNewsDesk:
    """Has watchers told, where there may be some."""

    alarms: Alarms
    invocations: Invocations
    clock: Clock

    def changed(self, operator_id: str) -> None:
        """An alarm was opened, joined, closed, acknowledged or commented. One read; what fails stops nothing."""
        try:
            until = self.alarms.watched_until(operator_id)
            if until is not None and until > self.clock():
                self.invocations.begin(TELLER, {"kind": KIND, "subject": operator_id, "marks": False})
        except Exception:
            _log.exception("those who watch alarms were not told", extra={"operator_id": operator_id})


@dataclass(frozen=True, slots=True)
class AlarmsInView:
    """What is open now, the oldest first, and which of it a reader has not seen as it is; `position` says how far."""

    alarms: Sequence[ListedAlarm]
    unseen: Sequence[ListedAlarm]
    position: str


@dataclass(frozen=True, kw_only=True)
class LiveAlarms:
    """An operator's open alarms, as one of its people may see them."""

    alarms: Alarms
    memberships: Memberships
    operators: Operators

    def viewer(self, operator_id: str, person_id: str) -> Principal:
        """Whoever watches, if they may now. Two reads. Raises NotFound."""
        membership = self.memberships.of_person(person_id).get(operator_id)
        principal = member_principal(operator_id, person_id, membership) if membership is not None else None
        is_closed = self.operators.standing(operator_id).is_closed
        if principal is None or is_closed or not principal.may(Scope.ALARMS_READ):
            raise NotFound(f"operator {operator_id}")
        return principal

    def open(self, principal: Principal, seen: str) -> AlarmsInView:
        """What is open at their sites now; `seen` is the `position` of what they were shown, empty for nothing.

        Raises ValueError for a position that is not ours.
        """
        seen_at, _, seen_digest = seen.partition("|")
        since = datetime.fromisoformat(seen_at).astimezone(UTC) - _OVERLAP if seen else _NONE
        found = self.alarms.open_now(principal.operator_id, MOST_SHOWN)
        shown = sorted((it for it in found if principal.covers(it.alarm.place.group)), key=lambda it: it.alarm.alarm_id)
        states = [(it.alarm.alarm_id, it.number, _changed_at(it.alarm).isoformat()) for it in shown]
        digest = hashlib.sha256(repr(states).encode()).hexdigest()[:16]
        newest = max((_changed_at(it.alarm) for it in shown), default=_NONE)
        unseen = [] if digest == seen_digest else [it for it in shown if _changed_at(it.alarm) >= since]
        newest = max(newest, since + _OVERLAP) if seen else newest
        return AlarmsInView(shown, unseen, f"{newest.isoformat()}|{digest}")


def _changed_at(alarm: Alarm) -> datetime:
    """When it last changed but for its subjects."""
    said = (it.at for it in alarm.comments[-1:])
    return max(alarm.opened_at, *(it for it in (alarm.acknowledged_at, *said) if it is not None), _NONE)
