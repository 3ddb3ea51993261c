"""Models of notifications: what a driver was told, and where an operator wants it sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from chalicelib.domain.notifications import NotificationKind
from chalicelib.handlers.http.fields import RequestBody, ResponseBody, example, secret

_SIGNED = "signs every request; Kerb never shows it again"
_NOTICE = {
    "notice_id": "KAAAAAAAAAAAAAAAAAAA-receipt_ready",
    "kind": "receipt_ready",
    "at": "2026-11-21T10:00:05Z",
    "session_id": "KAAAAAAAAAAAAAAAAAAA",
    "charger_id": "DEMO-16",
    "connector": "1",
    "session_url": "/v1/sessions/KAAAAAAAAAAAAAAAAAAA",
    "token": None,
}


class TokenOfNotice(ResponseBody):
    """The RFID token that a notification is of: PUT it as it is to agree to it, with `blocked` true to refuse it."""

    uid: str
    operator_id: str
    token_url: str


class NoticeView(ResponseBody):
    """A notification: one thing told of a session, an RFID token, or a connector that was waited for; told once."""

    model_config = example(**_NOTICE)
    notice_id: str
    kind: NotificationKind
    at: datetime
    session_id: str | None
    charger_id: str | None
    connector: str | None
    session_url: str | None
    token: Annotated[TokenOfNotice | None, Field(description="the RFID token it is of; then it is of no session")]


class NoticePage(ResponseBody):
    """A page of notifications, newest first; ask again with `cursor` for more."""

    model_config = example(items=[_NOTICE], next_cursor=None)
    items: list[NoticeView]
    next_cursor: str | None


class WebhookBody(RequestBody):
    """Where to post notifications.

    Each comes with `Kerb-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.
    """

    model_config = RequestBody.model_config | example(
        url="https://app.example.com/kerb", secret="at-least-16-characters"
    )
    url: Annotated[str, StringConstraints(min_length=8, max_length=2000), Field(description="https only, and public")]
    secret: Annotated[str, secret(16, 256), Field(description=_SIGNED)]


class WebhookView(ResponseBody):
    """Where notifications are posted; null for nowhere."""

    model_config = example(url="https://app.example.com/kerb")
    url: str | None
