"""Live views: browsers look at a topic by a socket, and are told each step of it as it comes, in order.

A topic is a kind of thing that has steps, each with an id, and knows whose it is. Whoever looks writes that down first,
marks the thing as watched, and reads its steps last, so that what happens meanwhile is told by one or the other. One
process at a time tells a socket; who comes meanwhile asks it to go on. A tab that is hidden, closed or forgotten looks
for five minutes more at the most, and costs nothing then.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.domain.data_classes import dataclass
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import ChargerLink
from chalicelib.ports.sessions import Viewers
from chalicelib.records.access import Ticket
from chalicelib.records.chargers import Gone
from chalicelib.records.drivers import NotAllowed
from chalicelib.records.sessions import Viewer
from chalicelib.services.access import NotFound
from chalicelib.services.drivers.accounts import Accounts

VISIBLE_FOR = timedelta(minutes=5)
# So often a visible tab says that it is, with a minute left for one that is late.
RENEW_S = 240
# Two tabs, a phone, and some that have not closed yet.
MOST_SOCKETS = 5
# A socket lives two hours: thirty times it says that it is visible, and each change of tabs once more.
_MOST_LOOKS = 300
# A frame of API Gateway is 32 KB, and a message is billed by as many.
_MOST_BYTES = 30_000
_TOLD_WITHIN = timedelta(seconds=20)
_MOST_ROUNDS = 10
# Codes of a socket's end as WebSocket leaves them to applications (4000 and above): API Gateway itself can say none.
LOG_IN_AGAIN, NOT_YOURS, TOO_MUCH = 4401, 4404, 4429
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """A step, as it is shown (`data`, JSON); `event_id` says where a reader left off."""

    name: str
    event_id: str
    data: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of a thing, oldest first. `is_over`: the last that there will be; `may_be_more` to be asked for at once."""

    events: Sequence[Event]
    is_over: bool
    may_be_more: bool


class LiveTopic(Protocol):
    """A kind of thing to look at."""

    def check(self, subject: str, driver_id: str) -> None:
        """Raises NotFound unless it is there and theirs."""

    def mark(self, subject: str, until: datetime) -> None:
        """Until then each step of it is news (`LiveViews.tell`)."""

    def after(self, subject: str, driver_id: str, seen: str) -> Steps:
        """What was not seen yet. Raises NotFound, ValueError for an id not ours."""


@dataclass(frozen=True, kw_only=True)
class LiveViews:
    """Lets browsers in, and tells them what they look at."""

    viewers: Viewers
    link: ChargerLink
    accounts: Accounts
    clock: Clock
    new_id: NewId

    def admit(self, topic: LiveTopic, kind: str, ticket: Ticket, connection_id: str) -> None:
        """Let a socket in that shows a ticket; of too many the oldest makes room. Raises NotAllowed, NotFound."""
        subject, now = ticket.session_id, self.clock()
        self.accounts.check(ticket.driver_id, ticket.issued_s)
        topic.check(subject, ticket.driver_id)
        viewer = Viewer(
            kind=kind,
            subject=subject,
            connection_id=connection_id,
            driver_id=ticket.driver_id,
            issued_s=ticket.issued_s,
            opened_at=now,
            good_until=ticket.expires_at,
            visible_until=now + VISIBLE_FOR,
        )
        self.viewers.add(viewer)
        looking = [it for it in self.viewers.of(kind, subject) if it.visible_until > now]
        for it in sorted(looking, key=lambda it: it.opened_at)[:-MOST_SOCKETS]:
            # A page that is loaded again has not closed its socket before: nobody is told when one closes.
            self._end(it, TOO_MUCH, f"{MOST_SOCKETS} others look at it")

    def look(self, topic: LiveTopic, kind: str, subject: str, connection_id: str, seen: str | None) -> None:
        """The socket is visible: it is told what it has not `seen` (None: was not told), and goes on being told.

        One that may not look, or no longer, is told so and closed.
        """
        viewer = self.viewers.look(kind, subject, connection_id, self.clock() + VISIBLE_FOR)
        if viewer is None:
            self.turn_away(connection_id, f"{kind}/{subject}", NOT_YOURS, "connect with a ticket for this")
            return
        if viewer.looks > _MOST_LOOKS:
            self._end(viewer, TOO_MUCH, "too many messages: connect again")
            return
        topic.mark(subject, viewer.visible_until)
        self._tell(topic, viewer, seen, is_answer=True)

    def look_away(self, kind: str, subject: str, connection_id: str) -> None:
        """The socket is hidden, and is told nothing until it is visible again."""
        self.viewers.look_away(kind, subject, connection_id, self.clock())

    def tell(self, topic: LiveTopic, kind: str, subject: str, *, marks: bool) -> int:
        """Something has a new step: tell all who look; returns how many. `marks`: more of it is to be marked."""
        now = self.clock()
        looking = [it for it in self.viewers.of(kind, subject) if it.visible_until > now]
        if looking and marks:
            topic.mark(subject, max(it.visible_until for it in looking))
        for viewer in looking:
            try:
                self._tell(topic, viewer, None)
            except Exception:
                # Others look on, and this one comes again.
                _log.exception("a viewer was not told", extra={"subject": subject})
        return len(looking)

    def _tell(self, topic: LiveTopic, viewer: Viewer, seen: str | None, *, is_answer: bool = False) -> None:
        teller, now = self.new_id(), self.clock()
        taken = self.viewers.take(viewer, teller, now, now + _TOLD_WITHIN)
        if taken is None:
            return
        seen = taken.seen if seen is None else seen
        try:
            for _ in range(_MOST_ROUNDS):
                seen, is_open = self._told(topic, taken, seen, is_answer=is_answer)
                if not is_open or self.viewers.give_back(taken, teller, seen):
                    return
                # It was asked, or something changed, while we told it: who asked waits for an answer.
                is_answer = True
            _log.warning("a viewer is told faster than it hears", extra={"subject": viewer.subject})
        except Gone:
            self.viewers.remove(taken)

    def _told(self, topic: LiveTopic, viewer: Viewer, seen: str, *, is_answer: bool) -> tuple[str, bool]:
        """Send what was not seen; returns what is seen now, and whether the socket still is open. Raises Gone."""
        try:
            if self.clock() >= viewer.good_until:
                raise NotAllowed("this ticket is over")
            self.accounts.check(viewer.driver_id, viewer.issued_s)
            steps = topic.after(viewer.subject, viewer.driver_id, seen)
        except NotAllowed as refusal:
            self._end(viewer, LOG_IN_AGAIN, str(refusal))
            return seen, False
        except (NotFound, ValueError):
            self._end(viewer, NOT_YOURS, "there is no such thing, or no such event")
            return seen, False
        for frame in _frames(f"{viewer.kind}/{viewer.subject}", steps, is_answer=is_answer):
            self.link.send(viewer.connection_id, frame)
        if steps.is_over:
            self.viewers.remove(viewer)
            self.link.close(viewer.connection_id)
            return seen, False
        return steps.events[-1].event_id if steps.events else seen, True

    def _end(self, viewer: Viewer, code: int, reason: str) -> None:
        self.viewers.remove(viewer)
        self.turn_away(viewer.connection_id, f"{viewer.kind}/{viewer.subject}", code, reason)

    def turn_away(self, connection_id: str, topic: str, code: int, reason: str) -> None:
        """Close a socket, and say why before: API Gateway cannot say it with the close."""
        closing = {"topic": topic, "closing": {"code": code, "reason": reason}}
        try:
            self.link.send(connection_id, json.dumps(closing))
        except Gone:
            return
        self.link.close(connection_id)


def _frames(topic: str, steps: Steps, *, is_answer: bool) -> Iterator[str]:
    """Events in as few messages as they fit in; where there are none, one that says so answers what was asked."""
    parts: list[str] = []
    size = 0
    for event in steps.events:
        part = f'{{"event":{json.dumps(event.name)},"id":{json.dumps(event.event_id)},"data":{event.data}}}'
        size += len(part.encode())
        if parts and size > _MOST_BYTES:
            yield _frame(topic, parts, may_be_more=True)
            parts, size = [], len(part.encode())
        parts.append(part)
    if parts or is_answer:
        yield _frame(topic, parts, may_be_more=steps.may_be_more)


def _frame(topic: str, parts: Sequence[str], *, may_be_more: bool) -> str:
    return f'{{"topic":{json.dumps(topic)},"events":[{",".join(parts)}],"more":{json.dumps(may_be_more)}}}'
