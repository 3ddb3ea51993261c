"""What the routes of alarms take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chalicelib.domain.operators import AlarmKind, Severity
from chalicelib.handlers.http.fields import Email, RequestBody, ResponseBody, example
from chalicelib.handlers.sessions.models import LiveSocket
from chalicelib.records.operators import ListedAlarm

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_MOST_ADDRESSES = 10
_ALARM: dict[str, Any] = {
    "alarm_id": "20261130T093000000000Z-5d41402abc4b",
    "kind": "offline",
    "severity": "critical",
    "group": "site-1",
    "opened_at": "2026-11-30T09:30:00Z",
    "closed_at": None,
    "detail": "no connection since 2026-11-30 09:29 UTC",
    "subjects": ["DEMO-16"],
    "subjects_total": 1,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "comments": [],
}
_COMMENT: dict[str, Any] = {"at": "2026-11-30T09:40:00Z", "by": "3f1c", "text": "Somebody is on the way."}
_SETTINGS: dict[str, Any] = {"mail_to": ["night@example.com"], "muted": ["silent"]}


class CommentBody(RequestBody):
    """What is to be said to an alarm."""

    model_config = RequestBody.model_config | example(text="Somebody is on the way.")
    text: Words


class CommentView(ResponseBody):
    """What somebody said; `by` is their account."""

    model_config = example(**_COMMENT)
    at: datetime
    by: str
    text: str


class AlarmView(ResponseBody):
    """An alarm. `group` is the site, or the charger where it has none; empty for the operator as a whole."""

    model_config = example(**_ALARM)
    alarm_id: str
    kind: AlarmKind
    severity: Severity
    group: str
    opened_at: datetime
    closed_at: Annotated[datetime | None, Field(description="null: its cause is still there")]
    detail: Annotated[str, Field(description="what was found of the first subject")]
    subjects: Annotated[list[str], Field(description="chargers or sessions it is about; the first hundred")]
    subjects_total: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    comments: list[CommentView]


class AlarmPage(ResponseBody):
    """A page of an operator's alarms, newest first; ask again with `cursor` for more."""

    model_config = example(items=[_ALARM], next_cursor=None)
    items: list[AlarmView]
    next_cursor: Annotated[str | None, Field(description="null: there are no more")]


class LiveAlarmsView(ResponseBody):
    """Where a browser follows the operator's alarms: `new WebSocket(url, subprotocols)`; null for an API key."""

    model_config = example(
        alarms={
            "url": "wss://live.example.com/live",
            "subprotocols": ["kerb.live", "eyJ…"],
            "topic": "alarms/acme",
            "renew_within_s": 240,
        }
    )
    alarms: LiveSocket | None


class AlarmSettingsBody(RequestBody):
    """Whom to tell of alarms by e-mail, and of which kinds nobody is told; all of them are listed."""

    model_config = RequestBody.model_config | example(**_SETTINGS)
    mail_to: Annotated[tuple[Email, ...], Field(max_length=_MOST_ADDRESSES)] = ()
    muted: Annotated[tuple[AlarmKind, ...], Field(max_length=len(AlarmKind))] = ()


class AlarmSettingsView(ResponseBody):
    """As it was set."""

    model_config = example(**_SETTINGS)
    mail_to: list[str]
    muted: list[AlarmKind]


def alarm_view(listed: ListedAlarm) -> AlarmView:
    """An alarm as its operator sees it."""
    alarm = listed.alarm
    return AlarmView(
        alarm_id=alarm.alarm_id,
        kind=alarm.place.kind,
        severity=alarm.severity,
        group=alarm.place.group,
        opened_at=alarm.opened_at,
        closed_at=alarm.closed_at,
        detail=alarm.detail,
        subjects=list(listed.subjects),
        subjects_total=listed.number,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by or None,
        comments=[CommentView(at=it.at, by=it.by, text=it.text) for it in alarm.comments],
    )
