"""Records of operators: alarms, as they are listed, acknowledged and told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import ALARM_RULES, AlarmKind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPlace:
    """Where an alarm stands: of one kind there is one for each site, or for each subject that has none.

    `group` is the site's id, or the subject's own. A thousand chargers lost with their site are so one alarm.
    """

    operator_id: str
    kind: AlarmKind
    group: str

    def alarm_id(self, opened_at: datetime) -> str:
        """The id of the alarm that opened here then: ids are in order of time."""
        digest = hashlib.sha256(f"{self.operator_id}/{self.kind}/{self.group}".encode()).hexdigest()[:12]
        return f"{opened_at:%Y%m%dT%H%M%S%f}Z-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmComment:
    """What one of the operator's people said to it."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm from its opening to its closing; the next one at the same place is another.

    `by` of an acknowledgement and of a comment is an account's id. `detail` is of the first subject's cause.
    """

    alarm_id: str
    place: AlarmPlace
    opened_at: datetime
    detail: str
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    comments: tuple[AlarmComment, ...] = ()

    @property
    def severity(self) -> Severity:
        """How soon somebody should come."""
        return ALARM_RULES[self.place.kind].severity

    @property
    def is_open(self) -> bool:
        """Whether its cause is still there."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAlarm:
    """An alarm with whom it is about: the first hundred by name, in order, and how many there were in all."""

    alarm: Alarm
    subjects: Sequence[str]
    number: int


class AlarmNews(StrEnum):
    """What is told of an alarm."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTelling:
    """One piece of an alarm's news on its way out; `sent_by` are messengers that need not send it again."""

    place: AlarmPlace
    alarm_id: str
    news: AlarmNews
    attempts: int = 0
    sent_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    """Whom an operator wants told of alarms by e-mail, and of which kinds nobody is told."""

    mail_to: tuple[str, ...] = ()
    muted: tuple[AlarmKind, ...] = ()
