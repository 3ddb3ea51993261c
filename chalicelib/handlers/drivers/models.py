"""A driver's cards and data, and what an operator agrees with a driver."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.domain.notifications import NotificationKind
from chalicelib.handlers.http import examples
from chalicelib.handlers.http.fields import Id, RequestBody, ResponseBody, example
from chalicelib.handlers.reservations.models import ReservationView
from chalicelib.handlers.sessions.models import SessionView

_CARD: dict[str, Any] = {"uid": "04A1B2C3D4E5F6", "operator_id": None, "blocked": False, "blocked_by_operator": False}


class OwnToken(RequestBody):
    """Whether the card may be charged with."""

    model_config = RequestBody.model_config | example(blocked=False)
    blocked: bool = False


class TokenView(ResponseBody):
    """An RFID card: one's own is good everywhere, an operator's at that operator's chargers."""

    model_config = example(**_CARD)
    uid: str
    operator_id: str | None
    blocked: bool
    blocked_by_operator: bool


class TokenList(ResponseBody):
    """All of the caller's cards."""

    model_config = example(items=[_CARD])
    items: list[TokenView]


class TermsBody(RequestBody):
    """A tariff of the driver's own (one that is free, say), or no charging at all; both left out: as everybody."""

    model_config = RequestBody.model_config | example(tariff_id="staff", blocked=False)
    tariff_id: Id | None = None
    blocked: bool = False


class ExportedNotice(ResponseBody):
    """Something the driver was told."""

    kind: NotificationKind
    session_id: str
    at: datetime


class Export(ResponseBody):
    """All that is kept of a driver; ask again with `cursor` for more sessions."""

    model_config = example(
        driver_id="3f1c…",
        email="driver@example.com",
        card="visa 4242",
        payment_customer_id="cus_1",
        tokens=[_CARD],
        reservations=[],
        notices=[],
        sessions=[examples.SESSION],
        next_cursor=None,
    )
    driver_id: str
    email: str
    card: str | None
    payment_customer_id: str | None
    tokens: list[TokenView]
    reservations: list[ReservationView]
    notices: list[ExportedNotice]
    sessions: list[SessionView]
    next_cursor: str | None
