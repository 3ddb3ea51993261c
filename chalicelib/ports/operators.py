"""Ports of operators: checks for alarms, the alarms, and how they are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chalicelib.domain.operators import AlarmKind, Subject
    from chalicelib.records.operators import (
        Alarm,
        AlarmPlace,
        AlarmSettings,
        AlarmTelling,
        ListedAlarm,
    )


class AlarmChecks(Protocol):
    """Asks for a look at what may be an alarm's cause, by somebody else and later."""

    def ask(self, kind: AlarmKind, subject: str, after: timedelta | None = None) -> None:
        """`after` (15 minutes at the most): None for as long as the kind's rule says. What fails stops nothing."""


class Alarms(Protocol):
    """Alarms, what stands where, and what is to be looked at again and when."""

    def subject(self, place: AlarmPlace, subject: str) -> Subject | None:
        """What is known of a subject at that place; None: nothing."""

    def put(self, place: AlarmPlace, subject: str, before: Subject | None, after: Subject | None) -> bool:
        """Replace what is known of a subject (None: nothing); False if that was something else."""

    def has_subjects(self, place: AlarmPlace) -> bool:
        """Whether a cause is there for anybody at that place."""

    def standing(self, place: AlarmPlace) -> Alarm | None:
        """The alarm that stands there, as it was opened; None: none does."""

    def stand(self, alarm: Alarm, look_at: datetime) -> bool:
        """Let it stand at its place; False if another does."""

    def fall(self, alarm: Alarm) -> None:
        """Let it stand there no more; nothing happens if it does not."""

    def look_at(self, place: AlarmPlace, at: datetime) -> None:
        """Have whatever stands there looked at then; nothing happens where nothing stands."""

    def due(self, at: datetime, shard: int | None = None) -> Iterable[tuple[AlarmPlace, str | None]]:
        """What is to be looked at by then: subjects, and (None) what stands at a place; each with the same shard."""

    def add(self, alarm: Alarm) -> None:
        """List a new alarm; nothing happens if it is listed."""

    def join(self, alarm: Alarm, subject: str, *, is_new: bool) -> bool:
        """Count and name one more subject of a listed alarm; False when it is not listed.

        One that is named is not counted again; one for whose name there is no room only if it `is_new`.
        """

    def get(self, operator_id: str, alarm_id: str) -> ListedAlarm | None:
        """One of an operator's alarms; None: it has none of that id."""

    def save(self, before: Alarm, after: Alarm) -> bool:
        """Replace a listed alarm; False if it was changed meanwhile."""

    def page(
        self, operator_id: str, limit: int, before: str | None, *, open_only: bool
    ) -> tuple[Sequence[ListedAlarm], str | None]:
        """Newest first, with the cursor of the next page or None. BadCursor for a cursor not ours."""

    def open_now(self, operator_id: str, most: int) -> Sequence[ListedAlarm]:
        """An operator's alarms that are open, as they are now and not as an index has it; so many, in no order."""

    def watch(self, operator_id: str, until: datetime) -> None:
        """Somebody may watch the operator's alarms until then."""

    def watched_until(self, operator_id: str) -> datetime | None:
        """Until when somebody may watch them; None: nobody has for long."""

    def tell(self, telling: AlarmTelling, at: datetime) -> None:
        """Have an alarm's news told; nothing happens if it was so before."""

    def tellings(self, at: datetime, shard: int | None = None) -> Iterable[AlarmTelling]:
        """What is to be told by then."""

    def claim(self, telling: AlarmTelling, again_at: datetime) -> AlarmTelling | None:
        """Count an attempt, the next one due at `again_at`; None when somebody else has just begun one."""

    def note_sent(self, telling: AlarmTelling, sent_by: Sequence[str]) -> None:
        """Remember which messengers need not send it again."""

    def told(self, telling: AlarmTelling) -> None:
        """It is told, or given up."""


class AlarmPreferences(Protocol):
    """What each operator wants to be told of alarms, and where."""

    def of(self, operator_id: str) -> AlarmSettings:
        """As it was set; nobody, of everything, where nothing was."""

    def put(self, operator_id: str, settings: AlarmSettings) -> None:
        """From now on it is told so; nothing else of the operator changes."""


class AlarmMessenger(Protocol):
    """One way to tell an operator of an alarm: e-mail, SNS, its webhook."""

    @property
    def name(self) -> str:
        """By which it is remembered what was sent."""

    def send(self, listed: ListedAlarm, telling: AlarmTelling, settings: AlarmSettings) -> None:
        """Send it; nothing happens where this way leads to nobody. Raises Undelivered.

        May be called again for the same telling.
        """
