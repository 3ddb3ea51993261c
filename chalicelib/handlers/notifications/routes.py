"""Routes for notifications: a driver reads theirs; an operator says where else they should go."""

from __future__ import annotations

from chalice import Blueprint

from chalicelib.domain.notifications import Notification
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, SiteRule, endpoint
from chalicelib.handlers.http.paging import Paging
from chalicelib.handlers.notifications.models import NoticePage, NoticeView, TokenOfNotice, WebhookBody, WebhookView
from chalicelib.records.notifications import Webhook
from chalicelib.wiring import network

notices = Blueprint(__name__)

_PAGING = Paging()
_WEBHOOK = "/v1/operator/webhook"


@endpoint(
    notices,
    "GET",
    "/v1/me/notices",
    answers=NoticePage,
    errors=(400,),
    query=_PAGING.query,
)
def read_notices(request: Request) -> NoticePage:
    """The caller's notifications: what they were told of their sessions, newest first; kept for 90 days."""
    found, cursor = network().notifications.page(request.driver_id, *_PAGING.asked(request))
    return NoticePage(items=[_view(it) for it in found], next_cursor=cursor)


@endpoint(
    notices,
    "PUT",
    _WEBHOOK,
    takes=WebhookBody,
    status=204,
    errors=(400,),
    needs=Scope.WEBHOOKS_WRITE,
    sites=SiteRule.ALL,
)
def put_webhook(request: Request) -> Answer:
    """Post the notifications of drivers at the operator's chargers to this address as well, signed."""
    try:
        network().delivery.register(request.operator_id, Webhook(request.body.url, request.body.secret))
    except ValueError as error:
        raise BadRequest(str(error), "url") from None
    return Answer()


@endpoint(notices, "GET", _WEBHOOK, answers=WebhookView, needs=Scope.WEBHOOKS_READ, sites=SiteRule.ANY)
def get_webhook(request: Request) -> WebhookView:
    """Where notifications are posted; never the secret."""
    webhook = network().delivery.webhook(request.operator_id)
    return WebhookView(url=webhook.url if webhook else None)


@endpoint(notices, "DELETE", _WEBHOOK, status=204, needs=Scope.WEBHOOKS_WRITE, sites=SiteRule.ALL)
def delete_webhook(request: Request) -> Answer:
    """Post notifications there no more."""
    network().delivery.unregister(request.operator_id)
    return Answer()


def _view(it: Notification) -> NoticeView:
    token = TokenOfNotice(uid=it.uid, operator_id=it.operator_id, token_url=f"/v1/me/tokens/{it.uid}")
    return NoticeView(
        notice_id=it.notice_id,
        kind=it.kind,
        at=it.at,
        session_id=it.session_id or None,
        charger_id=it.charger_id or None,
        connector=str(it.connector) if it.charger_id else None,
        session_url=f"/v1/sessions/{it.session_id}" if it.session_id else None,
        token=token if it.uid else None,
    )
