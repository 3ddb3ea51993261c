"""Alarms live: a ticket for a browser's socket, and what that is told (`handlers/sessions/live.py` is its door)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from chalice import Blueprint

from chalicelib.domain.access.rights import PrincipalKind
from chalicelib.handlers.http.endpoint import Request, Scope, SiteRule, endpoint
from chalicelib.handlers.operators.models import LiveAlarmsView, alarm_view
from chalicelib.handlers.sessions.live import TOPICS, TopicKind
from chalicelib.handlers.sessions.models import LiveSocket
from chalicelib.handlers.sessions.views import LIVE_PROTOCOL
from chalicelib.records.access import TicketScope
from chalicelib.services.operators.live_alarms import KIND
from chalicelib.services.sessions.live_views import RENEW_S, Event, Steps
from chalicelib.wiring import network

live_alarms = Blueprint(__name__)

_TICKET_GOOD_FOR = timedelta(hours=12)
# An alarm takes a hundred comments and names a hundred subjects; a frame takes 30 KB.
_SUBJECTS_SHOWN = 20


class AlarmsTopic:
    """An operator's alarms, by the operator's id: each that has changed, then which are open."""

    def check(self, subject: str, driver_id: str) -> None:
        """Two reads. Raises NotFound unless they act for it and may read alarms."""
        network().live_alarms.viewer(subject, driver_id)

    def mark(self, subject: str, until: datetime) -> None:
        """Until then its alarms' changes are news. One write."""
        network().alarms.watch(subject, until)

    def after(self, subject: str, driver_id: str, seen: str) -> Steps:
        """What has changed; nothing where nothing has. NotFound, ValueError for an id that is not ours."""
        service = network().live_alarms
        found = service.open(service.viewer(subject, driver_id), seen)
        if found.position == seen:
            return Steps((), is_over=False, may_be_more=False)
        events = []
        for it in found.unseen:
            view = alarm_view(it)
            shown = view.model_copy(
                update={"subjects": view.subjects[:_SUBJECTS_SHOWN], "comments": view.comments[-1:]}
            )
            # Who is cut off in between has seen none of it, and is told again.
            events.append(Event("alarm", seen, shown.model_dump_json()))
        ids = [{"alarm_id": it.alarm.alarm_id, "subjects_total": it.number} for it in found.alarms]
        events.append(Event("open", found.position, json.dumps({"items": ids}, separators=(",", ":"))))
        return Steps(tuple(events), is_over=False, may_be_more=False)


TOPICS[KIND] = TopicKind(AlarmsTopic(), TicketScope.ALARMS)


@endpoint(
    live_alarms,
    "GET",
    "/v1/operator/live",
    answers=LiveAlarmsView,
    needs=Scope.ALARMS_READ,
    sites=SiteRule.ANY,
)
def watch_alarms(request: Request) -> LiveAlarmsView:
    """Where a browser follows the operator's alarms by WebSocket, each as it opens, closes or is acknowledged.

    For people: an API key reads the list, and is answered null here.
    """
    url, principal = network().setting("LIVE_URL", ""), request.principal
    if not url or principal.kind is not PrincipalKind.MEMBER:
        return LiveAlarmsView(alarms=None)
    until = network().clock() + _TICKET_GOOD_FOR
    ticket = network().tickets.issue(
        principal.operator_id, principal.person_id, until, TicketScope.ALARMS, issued_s=request.issued_s
    )
    topic = f"{KIND}/{principal.operator_id}"
    socket = LiveSocket(url=url, subprotocols=[LIVE_PROTOCOL, ticket], topic=topic, renew_within_s=RENEW_S)
    return LiveAlarmsView(alarms=socket)
