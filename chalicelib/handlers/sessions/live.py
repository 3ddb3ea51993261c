"""The live view by WebSocket: browsers come in by a ticket, say that they are visible, and are told what is new.

A door of its own, beside the chargers': another API, with its own throttle and functions. The ticket is offered as a
subprotocol, since a browser can send no header and an address is written down by many. What is told is what the
event stream (`routes.live`) tells, step by step.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalice import Blueprint

from chalicelib.domain.data_classes import dataclass
from chalicelib.handlers.sessions import views
from chalicelib.records.access import TicketScope
from chalicelib.records.drivers import NotAllowed
from chalicelib.services.access import NotFound
from chalicelib.services.charging.live_news import TELLER
from chalicelib.services.sessions.live_views import Event, LiveTopic, Steps
from chalicelib.services.sessions.progress import Progress
from chalicelib.wiring import network

viewers = Blueprint(__name__)

# The id of the event after which there is none.
END = "end"
BAD_MESSAGE = 4400
_PROTOCOL = "sec-websocket-protocol"
_LONGEST = 1_000
_log = logging.getLogger(__name__)

Answer = dict[str, Any]


class SessionTopic:
    """A driver's session, by its id."""

    def check(self, subject: str, driver_id: str) -> None:
        """One read. Raises NotFound unless it is that driver's."""
        network().driver_sessions.get(driver_id, subject)

    def mark(self, subject: str, until: datetime) -> None:
        """Until then its changes and readings are news. Two writes."""
        network().live_marks.mark(subject, until)

    def after(self, subject: str, driver_id: str, seen: str) -> Steps:
        """What the event stream tells whoever has seen that. NotFound, ValueError for an id that is not ours."""
        if seen == END:
            network().driver_sessions.get(driver_id, subject)
            return Steps((), is_over=True, may_be_more=False)
        steps, may_be_more = network().driver_sessions.since(driver_id, subject, seen.partition("|")[0])
        events = tuple(events_of(steps, seen, may_be_more=may_be_more))
        return Steps(events, steps[-1].session.is_at_rest and not may_be_more, may_be_more)


@dataclass(frozen=True)
class TopicKind:
    """A kind of thing to look at, and the tickets that open it."""

    topic: LiveTopic
    scope: TicketScope


# What can be looked at: another is a line of its own capability's, and a scope of its tickets.
TOPICS: dict[str, TopicKind] = {"session": TopicKind(SessionTopic(), TicketScope.LIVE)}


def events_of(steps: Sequence[Progress], seen: str, *, may_be_more: bool) -> Iterator[Event]:
    """What a reader who has `seen` so far is told of a session's steps; the end once that is the last there will be."""
    newest = steps[-1].session
    site = views.sites_of(newest)

    def event(name: str, event_id: str, step: Progress) -> Event:
        return Event(name, event_id, views.session(step, site, is_watched=True).model_dump_json())

    for step in steps:
        # A state can change without a reading, and so can what its car waits for: all name the event.
        event_id = f"{step.position}|{step.session.told_state}"
        if step.power_wait is not None:
            event_id += f"|{step.power_wait.cause}"
        if event_id != seen:
            yield event("progress", event_id, step)
    if newest.is_at_rest and not may_be_more:
        yield event("end", END, steps[-1])


@viewers.lambda_function(name="viewers")
def door(event: Mapping[str, Any], context: object) -> Answer:
    """A browser knocks, or says whether it is visible."""
    asked = event["requestContext"]
    if asked["eventType"] == "CONNECT":
        return _connect(asked["connectionId"], event.get("headers") or {})
    if asked["eventType"] == "MESSAGE":
        _message(asked["connectionId"], event.get("body") or "")
    return {"statusCode": 200}


@viewers.lambda_function(name=TELLER)
def tell(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """Something that is watched has gone on: tell those who look."""
    told = event["detail"]
    kind = TOPICS[told["kind"]]
    number = network().live_views.tell(kind.topic, told["kind"], told["subject"], marks=bool(told["marks"]))
    return {"told": number}


def _connect(connection_id: str, headers: Mapping[str, str]) -> Answer:
    offered = [it.strip() for name, text in headers.items() if name.lower() == _PROTOCOL for it in text.split(",")]
    if len(offered) != 2 or offered[0] != views.LIVE_PROTOCOL:
        return {"statusCode": 401}
    try:
        name, ticket = _opened_by(offered[1])
        network().live_views.admit(TOPICS[name].topic, name, ticket, connection_id)
    except NotAllowed:
        return {"statusCode": 401}
    except NotFound:
        return {"statusCode": 404}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": views.LIVE_PROTOCOL}}


def _opened_by(ticket: str) -> tuple[str, Any]:
    """What a ticket opens, and what it says. Raises NotAllowed."""
    for name, kind in TOPICS.items():
        try:
            return name, network().tickets.read(ticket, network().clock(), kind.scope)
        except NotAllowed:
            continue
    raise NotAllowed("this ticket is not valid")


def _message(connection_id: str, text: str) -> None:
    said = _said(text)
    name, _, subject = str(said.get("topic", "")).partition("/")
    kind, seen, is_visible = TOPICS.get(name), said.get("last_event_id"), said.get("visible")
    if kind is None or not isinstance(is_visible, bool) or not isinstance(seen, str | None):
        network().live_views.turn_away(connection_id, "", BAD_MESSAGE, "this message cannot be read")
    elif is_visible:
        network().live_views.look(kind.topic, name, subject, connection_id, seen)
    else:
        network().live_views.look_away(name, subject, connection_id)


def _said(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text) if len(text) <= _LONGEST else None
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {}
