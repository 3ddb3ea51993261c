"""Alarms: the queue of checks, and the routes by which an operator reads, acknowledges and comments them."""

from __future__ import annotations

import json
import logging
from datetime import datetime

from chalice import Blueprint
from chalice.app import SQSEvent

from chalicelib.domain.operators import AlarmKind
from chalicelib.handlers.http.endpoint import Answer, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.http.query import is_asked
from chalicelib.handlers.operators.models import (
    AlarmPage,
    AlarmSettingsBody,
    AlarmSettingsView,
    AlarmView,
    CommentBody,
    alarm_view,
)
from chalicelib.records.operators import AlarmSettings
from chalicelib.wiring import network

alarms = Blueprint(__name__)

QUEUE = "alarm-checks"
_ALARMS = "/v1/operator/alarms"
_ONE = _ALARMS + "/{alarm_id}"
_SETTINGS = "/v1/operator/alarm-settings"
_PAGING = Paging()
_log = logging.getLogger(__name__)


@alarms.on_sqs_message(queue=QUEUE, name="check_alarms", batch_size=10, maximum_batching_window_in_seconds=5)
def check_alarms(event: SQSEvent) -> None:
    """Look at what may be an alarm's cause. What fails comes again with those beside it, which does no harm."""
    failed: Exception | None = None
    for message in event:
        try:
            told = json.loads(message.body)
            noticed_at = datetime.fromisoformat(told["noticed_at"])
            network().alarm_desk.check(AlarmKind(told["kind"]), told["subject"], noticed_at)
        except Exception as error:
            _log.exception("not checked")
            failed = error
    if failed is not None:
        raise failed


@endpoint(
    alarms,
    "GET",
    _ALARMS,
    answers=AlarmPage,
    errors=(400,),
    needs=Scope.ALARMS_READ,
    sites=SiteRule.LISTS,
    query={"open": "`true` for those only whose cause is still there", **_PAGING.query},
)
def read_alarms(request: Request) -> AlarmPage:
    """What is or was wrong, newest first; kept for 400 days."""
    open_only = is_asked(request, "open")
    guard = network().site_guard
    found, cursor = guard.page(
        request.principal,
        lambda limit, before: network().alarms.page(request.operator_id, limit, before, open_only=open_only),
        lambda it: it.alarm.place.group,
        *_PAGING.asked(request),
    )
    return AlarmPage(items=[alarm_view(it) for it in found], next_cursor=cursor)


def _before(request: Request) -> AlarmView:
    return alarm_view(network().alarm_desk.one(request.operator_id, request.path["alarm_id"]))


@endpoint(alarms, "GET", _ONE, answers=AlarmView, errors=(404,), needs=Scope.ALARMS_READ)
def read_alarm(request: Request) -> AlarmView:
    """One alarm, with what was said to it."""
    return alarm_view(network().alarm_desk.one(request.operator_id, request.path["alarm_id"]))


@endpoint(
    alarms, "POST", _ONE + "/acknowledge", answers=AlarmView, errors=(404, 409), needs=Scope.ALARMS_WRITE, reads=_before
)
def acknowledge_alarm(request: Request) -> AlarmView:
    """Say that somebody sees to it. It closes all the same only when its cause is gone."""
    desk = network().alarm_desk
    return alarm_view(desk.acknowledge(request.operator_id, request.path["alarm_id"], request.principal.name))


@endpoint(
    alarms,
    "POST",
    _ONE + "/comments",
    takes=CommentBody,
    answers=AlarmView,
    status=201,
    errors=(404, 409),
    needs=Scope.ALARMS_WRITE,
    reads=_before,
)
def comment_alarm(request: Request) -> AlarmView:
    """Say something to it, for whoever looks next."""
    desk, alarm_id = network().alarm_desk, request.path["alarm_id"]
    return alarm_view(desk.comment(request.operator_id, alarm_id, request.principal.name, request.body.text))


@endpoint(alarms, "PUT", _SETTINGS, takes=AlarmSettingsBody, status=204, needs=Scope.WEBHOOKS_WRITE, sites=SiteRule.ALL)
def put_alarm_settings(request: Request) -> Answer:
    """Say who is told of alarms by e-mail, and which kinds are told to nobody."""
    body: AlarmSettingsBody = request.body
    settings = AlarmSettings(mail_to=tuple(dict.fromkeys(body.mail_to)), muted=tuple(dict.fromkeys(body.muted)))
    network().alarm_preferences.put(request.operator_id, settings)
    return Answer()


@endpoint(alarms, "GET", _SETTINGS, answers=AlarmSettingsView, needs=Scope.WEBHOOKS_READ, sites=SiteRule.ANY)
def get_alarm_settings(request: Request) -> AlarmSettingsView:
    """Who is told of alarms by e-mail, and which kinds are told to nobody."""
    settings = network().alarm_preferences.of(request.operator_id)
    return AlarmSettingsView(mail_to=list(settings.mail_to), muted=list(settings.muted))
